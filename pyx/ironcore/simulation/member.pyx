"""A member that sends orders, stands broken connections, and notices every wrong reply.

It remembers each reply by its sequence: after a reconnection it asks for the next one, or for some
that it has already, which must be the same. An order that was not answered is sent again after a
login, in the old order and with the old number, and must be answered exactly once all the same.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove, memset

from ironcore.base.status cimport STATUS_OK, STATUS_TRUNCATED
from ironcore.simulation.network cimport (
    Net, net_connect, net_member_abandon, net_member_close, net_member_receive, net_member_send,
)
from ironcore.simulation.world cimport (
    World, chance_below, chance_hits, world_second, world_violate,
)
from ironcore.wire.codec cimport load_u32_be
from ironcore.wire.ouch50_appendage cimport (
    OUCH50_APPENDAGE_BYTES_MAX, OUCH50_TAG_EXPIRE_TIME, OUCH50_TAG_MAX_FLOOR,
    OUCH50_TAG_RANDOM_RESERVES, OuchOptions, ouch50_encode_options, ouch50_set,
)
from ironcore.wire.ouch50_inbound cimport (
    OuchAccountQuery, OuchCancelOrder, OuchEnterOrder, OuchMassCancel, OuchModifyOrder,
    OuchReplaceOrder, ouch50_encode_account_query, ouch50_encode_cancel_order,
    ouch50_encode_enter_order, ouch50_encode_mass_cancel, ouch50_encode_modify_order,
    ouch50_encode_replace_order,
)
from ironcore.wire.soupbin cimport (
    SOUP_CLIENT_HEARTBEAT, SOUP_LOGIN_ACCEPTED, SOUP_LOGIN_REJECTED, SOUP_LOGOUT_REQUEST,
    SOUP_SEQUENCED_DATA, SOUP_SERVER_HEARTBEAT, SOUP_UNSEQUENCED_DATA,
    SoupLoginAccepted, SoupLoginRequest, soupbin_decode_login_accepted, soupbin_encode_data,
    soupbin_encode_empty, soupbin_encode_login_request, soupbin_next,
)

cdef enum:
    MESSAGE_BYTES_MAX = 128          # of what this member sends, its SoupBinTCP header included
    PRICE_MIDDLE = 1000000
    TICK_SIZE = 100
    PRICE_HIGH = 1900000
    PRICE_LOW = 100
    TICKS_AROUND = 24
    QUANTITY_MAX = 200
    QUANTITY_SWEEP = 100000          # takes all that there is
    AWAY_NS_MAX = 20000000
    HEARTBEAT_NS = 1000000000
    ODDS_LEAVE = 1
    ODDS_CROSS = 50
    ODDS_SWEEP = 3
    ODDS_ASK_AGAIN = 300             # for replies that are known already


cdef void member_open(Member* m, World* world, Net* net, uint32_t session,
                      int gateway) noexcept nogil:
    m.world = world
    m.net = net
    m.session = session
    m.gateway = gateway
    memset(m.username, c' ', sizeof(m.username))
    m.username[0] = c'M'
    m.username[1] = <char>(48 + session)
    m.link = -1
    m.user_ref_next = 1
    m.unanswered_max = 1 + <uint32_t>chance_below(world, 12)
    m.gap_ticks = TICKS_AROUND * <uint32_t>chance_below(world, 3)


cdef void _leave(Member* m) noexcept nogil:
    if m.link >= 0:
        if chance_hits(m.world, m.world.odds.half_open):
            net_member_abandon(m.net, m.link)
        else:
            net_member_close(m.net, m.link)
    m.link = -1
    m.state = MEMBER_AWAY
    m.until_ns = m.world.mono_ns + chance_below(m.world, AWAY_NS_MAX)


cdef void _connect(Member* m) noexcept nogil:
    cdef SoupLoginRequest login
    if m.world.mono_ns < m.until_ns:
        return
    m.link = net_connect(m.net, m.gateway)
    if m.link < 0:
        return
    m.wanted = m.replies_count + 1
    if chance_hits(m.world, ODDS_ASK_AGAIN):
        m.wanted = 1 + chance_below(m.world, m.wanted)
    memcpy(login.username, m.username, sizeof(login.username))
    memset(login.password, c' ', sizeof(login.password))
    memset(login.session, c' ', sizeof(login.session))
    login.sequence_number = m.wanted
    login.timeout_given = False
    m.in_end = 0
    m.out_start = 0
    m.out_end = <uint32_t>soupbin_encode_login_request(m.out, &login)
    m.state = MEMBER_LOGGING_IN
    m.spoken_ns = m.world.mono_ns


cdef inline uint32_t _some_price(Member* m, uint8_t side) noexcept nogil:
    cdef uint32_t ticks = <uint32_t>chance_below(m.world, TICKS_AROUND) + m.gap_ticks // 2
    if chance_hits(m.world, ODDS_CROSS):
        return PRICE_MIDDLE       # meets the better half of the other side, without a gap
    if side == c'B':
        return PRICE_MIDDLE + TICKS_AROUND // 2 * TICK_SIZE - ticks * TICK_SIZE
    return PRICE_MIDDLE - TICKS_AROUND // 2 * TICK_SIZE + ticks * TICK_SIZE


cdef inline uint32_t _some_quantity(Member* m) noexcept nogil:
    if chance_hits(m.world, ODDS_SWEEP):
        return QUANTITY_SWEEP
    return 1 + <uint32_t>chance_below(m.world, QUANTITY_MAX)


cdef inline uint32_t _some_ref(Member* m) noexcept nogil:
    return 1 + <uint32_t>chance_below(m.world, m.user_ref_next)


cdef void _say(Member* m, const uint8_t* message, size_t bytes) noexcept nogil:
    m.out_end += <uint32_t>soupbin_encode_data(m.out + m.out_end, SOUP_UNSEQUENCED_DATA, message,
                                               bytes)


cdef void _enter(Member* m, uint32_t user_ref) noexcept nogil:
    cdef const MemberOrder* order = &m.orders[user_ref]
    cdef OuchEnterOrder message
    cdef OuchOptions options
    cdef uint8_t appendage[OUCH50_APPENDAGE_BYTES_MAX]
    cdef uint8_t out[MESSAGE_BYTES_MAX]
    memset(&message, 0, sizeof(message))
    options.present = 0
    if order.max_floor:
        ouch50_set(&options, OUCH50_TAG_MAX_FLOOR, order.max_floor)
        ouch50_set(&options, OUCH50_TAG_RANDOM_RESERVES, order.max_floor // 2)
    if order.expire_second:
        ouch50_set(&options, OUCH50_TAG_EXPIRE_TIME, order.expire_second)
    message.appendage = appendage
    message.appendage_bytes = <uint16_t>ouch50_encode_options(&options, appendage)
    message.user_ref_num = user_ref
    message.side = order.side
    message.quantity = order.quantity
    memcpy(message.symbol, b"SYM     ", 8)
    message.symbol[3] = <char>(48 + order.instrument)
    message.price = order.price
    message.time_in_force = order.time_in_force
    message.display = order.display
    message.capacity = c'P'
    message.iso = c'N'
    message.cross_type = c'N'
    memset(message.cl_ord_id, c' ', sizeof(message.cl_ord_id))
    _say(m, out, ouch50_encode_enter_order(&message, out))


cdef void _make_rare(Member* m, MemberOrder* order) noexcept nogil:
    """One order in eight each is hidden, an iceberg, or good till a time."""
    cdef uint32_t kind = (m.user_ref_next * 0x9E3779B1u + m.session) >> 29
    if kind == 0:
        order.display = c'N'
    elif kind == 1 and order.time_in_force == c'0' and order.quantity <= QUANTITY_MAX:
        order.max_floor = order.quantity // 4 + 1
    elif kind == 2 and order.time_in_force == c'0':
        order.time_in_force = c'6'
        order.expire_second = world_second(m.world) + 1


cdef void _enter_new(Member* m) noexcept nogil:
    cdef MemberOrder* order = &m.orders[m.user_ref_next]
    order.state = ORDER_SENT
    # One instrument more than there are: those are rejected.
    order.instrument = <uint32_t>chance_below(m.world, m.instruments + 1)
    order.quantity = _some_quantity(m)
    order.side = c'B' if chance_hits(m.world, 500) else c'S'
    order.price = _some_price(m, order.side)
    if order.quantity == QUANTITY_SWEEP:
        order.price = PRICE_HIGH if order.side == c'B' else PRICE_LOW
    order.time_in_force = c'3' if chance_hits(m.world, 150) else c'0'
    order.display = c'Y'
    _make_rare(m, order)
    _enter(m, m.user_ref_next)
    m.user_ref_next += 1
    m.unanswered += 1
    m.orders_left -= 1


cdef void _replace(Member* m) noexcept nogil:
    cdef OuchReplaceOrder message
    cdef uint8_t out[MESSAGE_BYTES_MAX]
    memset(&message, 0, sizeof(message))
    message.orig_user_ref_num = _some_ref(m)
    message.user_ref_num = m.user_ref_next
    message.quantity = _some_quantity(m)
    message.price = _some_price(m, m.orders[message.orig_user_ref_num].side)
    message.time_in_force = c'0'
    message.display = c'Y'
    message.iso = c'N'
    memset(message.cl_ord_id, c' ', sizeof(message.cl_ord_id))
    _say(m, out, ouch50_encode_replace_order(&message, out))
    m.user_ref_next += 1


cdef void _cancel(Member* m) noexcept nogil:
    cdef OuchCancelOrder message
    cdef uint8_t out[MESSAGE_BYTES_MAX]
    memset(&message, 0, sizeof(message))
    message.user_ref_num = _some_ref(m)
    if chance_hits(m.world, 300):
        message.quantity = 1 + <uint32_t>chance_below(m.world, QUANTITY_MAX)
    _say(m, out, ouch50_encode_cancel_order(&message, out))


cdef void _modify(Member* m) noexcept nogil:
    cdef OuchModifyOrder message
    cdef uint8_t out[MESSAGE_BYTES_MAX]
    memset(&message, 0, sizeof(message))
    message.user_ref_num = _some_ref(m)
    message.side = m.orders[message.user_ref_num].side
    message.quantity = 1 + <uint32_t>chance_below(m.world, QUANTITY_MAX)
    _say(m, out, ouch50_encode_modify_order(&message, out))


cdef void _concerning_all(Member* m) noexcept nogil:
    cdef OuchMassCancel mass
    cdef OuchAccountQuery query
    cdef uint8_t out[MESSAGE_BYTES_MAX]
    memset(&mass, 0, sizeof(mass))
    memset(&query, 0, sizeof(query))
    if chance_hits(m.world, 500):
        _say(m, out, ouch50_encode_account_query(&query, out))
        return
    mass.user_ref_num = m.user_ref_next
    m.user_ref_next += 1
    memset(mass.firm, c' ', sizeof(mass.firm))
    memset(mass.symbol, c' ', sizeof(mass.symbol))
    if chance_hits(m.world, 500):
        memcpy(mass.symbol, b"SYM0", 4)
    _say(m, out, ouch50_encode_mass_cancel(&mass, out))


cdef bint _resend(Member* m) noexcept nogil:
    """Send the next unanswered order again, if there is one left."""
    while m.resend_ref < m.user_ref_next:
        m.resend_ref += 1
        if m.orders[m.resend_ref - 1].state == ORDER_SENT:
            _enter(m, m.resend_ref - 1)
            return True
    return False


cdef void _speak(Member* m) noexcept nogil:
    """Put the next message, if any, behind what waits to be sent."""
    cdef uint64_t what
    if m.out_end > m.out_start:
        return
    m.out_start = 0
    m.out_end = 0
    if _resend(m):
        return
    if m.user_ref_next + 2 >= MEMBER_REFS_MAX:
        m.orders_left = 0
    if m.orders_left == 0:
        if m.world.mono_ns - m.spoken_ns >= HEARTBEAT_NS:
            m.out_end += <uint32_t>soupbin_encode_empty(m.out + m.out_end, SOUP_CLIENT_HEARTBEAT)
        return
    what = chance_below(m.world, 100)
    if what < 60:
        if m.unanswered < m.unanswered_max:
            _enter_new(m)
    elif what < 80:
        _cancel(m)
    elif what < 90:
        _replace(m)
    elif what < 97:
        _modify(m)
    elif what < 99:
        _concerning_all(m)
    elif chance_hits(m.world, 100):
        m.out_end += <uint32_t>soupbin_encode_empty(m.out + m.out_end, SOUP_LOGOUT_REQUEST)


cdef void _send(Member* m) noexcept nogil:
    cdef long n
    if m.out_end == m.out_start:
        return
    n = net_member_send(m.net, m.link, m.out + m.out_start, m.out_end - m.out_start)
    if n < 0:
        _leave(m)
    elif n > 0:
        m.out_start += <uint32_t>n
        m.spoken_ns = m.world.mono_ns


cdef uint64_t _hash(const uint8_t* bytes, size_t count) noexcept nogil:
    # FNV-1a: tells replies apart, no more is needed.
    cdef uint64_t hash = 0xCBF29CE484222325ULL
    cdef size_t i
    for i in range(count):
        hash = (hash ^ bytes[i]) * 0x100000001B3ULL
    return hash


cdef void _note(MemberReply* reply, const uint8_t* message, size_t bytes) noexcept nogil:
    """The fields that matter, at the offsets of docs/WIRE.md."""
    memset(reply, 0, sizeof(reply[0]))
    reply.hash = _hash(message, bytes)
    reply.kind = message[0]
    if reply.kind == c'S' or reply.kind == c'Q':
        return                       # they concern no order
    reply.user_ref = load_u32_be(message + 9)
    if reply.kind == c'A':
        reply.quantity = load_u32_be(message + 14)
        reply.state = message[47]
    elif reply.kind == c'U':
        reply.orig_user_ref = reply.user_ref
        reply.user_ref = load_u32_be(message + 13)
        reply.quantity = load_u32_be(message + 18)
        reply.state = message[51]
    elif reply.kind == c'E' or reply.kind == c'C':
        reply.quantity = load_u32_be(message + 13)
    elif reply.kind == c'M':
        reply.quantity = load_u32_be(message + 14)


cdef void _believe(Member* m, const MemberReply* reply) noexcept nogil:
    """Apply one reply to what the member knows of its orders."""
    cdef MemberOrder* order = &m.orders[reply.user_ref]
    if reply.kind == c'A' or (reply.kind == c'J' and order.state != ORDER_NONE):
        if order.state != ORDER_SENT:
            world_violate(m.world, b"an order was answered twice, or never sent", m.session,
                          reply.user_ref)
            return
        order.state = ORDER_ANSWERED
        m.unanswered -= 1
    if reply.kind == c'A' or reply.kind == c'U':
        m.open[reply.user_ref] = reply.quantity if reply.state == c'L' else 0
        m.open[reply.orig_user_ref] = 0
    elif reply.kind == c'E' or reply.kind == c'C':
        m.open[reply.user_ref] -= reply.quantity
    elif reply.kind == c'M':
        m.open[reply.user_ref] = reply.quantity
    if m.open[reply.user_ref] < 0:
        world_violate(m.world, b"more was executed or cancelled than was open", m.session,
                      reply.user_ref)


cdef void _reply(Member* m, const uint8_t* message, size_t bytes) noexcept nogil:
    cdef MemberReply reply
    _note(&reply, message, bytes)
    if reply.user_ref >= MEMBER_REFS_MAX:
        world_violate(m.world, b"a reply to an order that was never sent", m.session,
                      reply.user_ref)
    elif m.expected <= m.replies_count:
        if reply.hash != m.replies[m.expected - 1].hash:
            world_violate(m.world, b"a reply differs from the one of the same number before",
                          m.session, m.expected)
    elif m.replies_count == MEMBER_REPLIES_MAX:
        world_violate(m.world, b"more replies than can be", m.session, m.expected)
    else:
        m.replies[m.replies_count] = reply
        m.replies_count += 1
        _believe(m, &reply)
    m.expected += 1


cdef void _packet(Member* m, uint8_t kind, const uint8_t* payload, size_t bytes) noexcept nogil:
    cdef SoupLoginAccepted accepted
    if kind == SOUP_SERVER_HEARTBEAT:
        return
    if m.state == MEMBER_LOGGING_IN and kind == SOUP_LOGIN_ACCEPTED:
        if (soupbin_decode_login_accepted(payload, bytes, &accepted) != STATUS_OK
                or accepted.sequence_number != m.wanted):
            world_violate(m.world, b"a login was not accepted as asked for", m.session, m.wanted)
        m.expected = m.wanted
        m.resend_ref = 1
        m.state = MEMBER_LIVE
    elif m.state == MEMBER_LOGGING_IN and kind == SOUP_LOGIN_REJECTED:
        world_violate(m.world, b"replies that the member has are not there any more", m.session,
                      m.wanted)
    elif m.state == MEMBER_LIVE and kind == SOUP_SEQUENCED_DATA and bytes > 0:
        _reply(m, payload, bytes)
    else:
        world_violate(m.world, b"a packet that does not belong there", m.session, kind)


cdef void _listen(Member* m) noexcept nogil:
    cdef uint8_t kind = 0
    cdef const uint8_t* payload = NULL
    cdef size_t payload_bytes = 0
    cdef size_t packet_bytes = 0
    cdef uint32_t start = 0
    cdef int status
    cdef long n = net_member_receive(m.net, m.link, m.inbox + m.in_end,
                                     MEMBER_BUFFER_BYTES - m.in_end)
    if n < 0:
        _leave(m)
        return
    m.in_end += <uint32_t>n
    while start < m.in_end:
        status = soupbin_next(m.inbox + start, m.in_end - start, &kind, &payload, &payload_bytes,
                              &packet_bytes)
        if status == STATUS_TRUNCATED:
            break
        if status != STATUS_OK:
            world_violate(m.world, b"bytes that are no packet", m.session, m.expected)
            return
        start += <uint32_t>packet_bytes
        _packet(m, kind, payload, payload_bytes)
    memmove(m.inbox, m.inbox + start, m.in_end - start)
    m.in_end -= start


cdef void member_step(Member* m) noexcept nogil:
    if m.state == MEMBER_AWAY:
        _connect(m)
        return
    _listen(m)
    if m.state == MEMBER_LIVE:
        _speak(m)
    if m.state != MEMBER_AWAY:
        _send(m)
    if m.state != MEMBER_AWAY and m.orders_left and chance_hits(m.world, ODDS_LEAVE):
        _leave(m)


cdef bint member_done(const Member* m) noexcept nogil:
    return m.orders_left == 0 and m.unanswered == 0 and m.state == MEMBER_LIVE


cdef void member_forget(Member* m, uint64_t count) noexcept nogil:
    cdef uint64_t i
    cdef uint32_t ref
    _leave(m)                        # what is on its way to the member is of the past as well
    if count >= m.replies_count:
        return
    # Orders whose answers are gone are not sent again: their numbers may be behind by now.
    for i in range(count, m.replies_count):
        ref = m.replies[i].user_ref
        if m.replies[i].kind == c'A' or m.replies[i].kind == c'J':
            m.orders[ref].state = ORDER_NONE
    memset(m.open, 0, sizeof(m.open))
    m.unanswered = 0
    for ref in range(m.user_ref_next):
        if m.orders[ref].state != ORDER_NONE:
            m.orders[ref].state = ORDER_SENT
            m.unanswered += 1
    m.replies_count = count
    for i in range(count):
        _believe(m, &m.replies[i])


cdef uint64_t member_recognizes(const Member* m, const uint8_t* packets,
                                uint64_t bytes) noexcept nogil:
    cdef uint8_t kind = 0
    cdef const uint8_t* payload = NULL
    cdef size_t payload_bytes = 0
    cdef size_t packet_bytes = 0
    cdef uint64_t offset = 0
    cdef uint64_t count = 0
    while offset < bytes and count < m.replies_count:
        if (soupbin_next(packets + offset, bytes - offset, &kind, &payload, &payload_bytes,
                         &packet_bytes) != STATUS_OK
                or _hash(payload, payload_bytes) != m.replies[count].hash):
            break
        count += 1
        offset += packet_bytes
    return count
