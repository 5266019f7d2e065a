"""The gateway's connections: how they come, log in, and end.

Passwords are judged on another thread (a hash that is worth something takes milliseconds): a login
waits in its connection's mailbox meanwhile. Of two connections that log in to one session the later
wins: a member whose old connection hangs half-open is not locked out by it.

Connections that have not logged in have places of their own, and all of them give way to newcomers:
first those that are refused already, then those of the address that has the most. A flood of wrong
logins crowds itself out.
"""

from libc.errno cimport EMFILE, ENFILE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.counters cimport counter_add, counter_follow
from ironcore.base.status cimport STATUS_OK
from ironcore.order_entry.protocol cimport (
    REFUSED_NO_SESSION, REFUSED_NOT_AUTHORIZED, SHORT_FRAME_BYTES_MAX, LoginRequest, RefusalReason,
)
from ironcore.order_entry.reply_log cimport reply_log_offset
from ironcore.order_entry.session_state cimport Session, sessions_defined, sessions_find


cdef void connection_close(Gateway* g, Connection* c, int reason) noexcept nogil:
    cdef Session* session
    counter_add(g.counters[reason], 1)
    connection_stall(g, c, False)
    if c.state != CONNECTION_LIVE:
        g.newcomers -= 1
    else:
        g.live -= 1
        session = &g.sessions.session[c.session]
        session.connection = -1
        if sessions_defined(&g.sessions, c.session).cancel_on_disconnect:
            session.cancel_due = True
            g.cancels_due = True
    g.sockets.unwatch(g.sockets.context, g.poller, c.fd)
    g.sockets.close(g.sockets.context, c.fd)
    g.by_descriptor[c.fd] = -1
    _empty_mailbox(c)
    c.state = CONNECTION_FREE


cdef void _empty_mailbox(Connection* c) noexcept nogil:
    """The judge sees that the login is gone before it sees anything else of the next one."""
    store_release_u64(&c.login.asked, 0)
    memset(&c.login, 0, sizeof(Login))


cdef void connection_stall(Gateway* g, Connection* c, bint stalled) noexcept nogil:
    if stalled and not c.stalled:
        g.stalled += 1
    elif c.stalled and not stalled:
        g.stalled -= 1
    c.stalled = stalled


cdef bint connection_flush(Gateway* g, Connection* c) noexcept nogil:
    cdef long n
    if c.small_start < c.small_end:
        n = g.sockets.send(g.sockets.context, c.fd, c.small + c.small_start,
                           c.small_end - c.small_start)
        if n > 0:
            c.small_start += <uint32_t>n
            c.tx_ns = g.now_ns
    if c.small_start < c.small_end:
        return False
    c.small_start = 0
    c.small_end = 0
    return True


cdef void _send_small(Gateway* g, Connection* c, const uint8_t* frame,
                      size_t bytes) noexcept nogil:
    """A frame that is no reply; only where the connection stands between two frames. What the
    socket does not take now goes out before the next reply."""
    if c.small_end + bytes > SMALL_BYTES:
        return                       # the member takes nothing: it misses no more than heartbeats
    memcpy(c.small + c.small_end, frame, bytes)
    c.small_end += <uint32_t>bytes
    connection_flush(g, c)


cdef void connection_end(Gateway* g, Connection* c) noexcept nogil:
    cdef uint8_t frame[SHORT_FRAME_BYTES_MAX]
    if (c.state == CONNECTION_LIVE
            and c.tx_offset == g.sessions.session[c.session].log.bytes):
        _send_small(g, c, frame, g.protocol.ended(frame))


cdef void _send_refusal(Gateway* g, Connection* c, RefusalReason reason) noexcept nogil:
    cdef uint8_t frame[SHORT_FRAME_BYTES_MAX]
    _send_small(g, c, frame, g.protocol.refused(frame, reason))


cdef inline bint _waits(const Connection* c) noexcept nogil:
    """It has a place among those that are not logged in."""
    return c.state != CONNECTION_FREE and c.state != CONNECTION_LIVE


cdef inline bint _goes_before(const Connection* c, const Connection* other,
                              bint one_address) noexcept nogil:
    """Which of the two gives way: who is refused already loses nothing; then, of several addresses,
    who came last to the one with most; then who came first, as a member logs in at once."""
    if (c.state == CONNECTION_REFUSED) != (other.state == CONNECTION_REFUSED):
        return c.state == CONNECTION_REFUSED
    if not one_address and c.of_address != other.of_address:
        return c.of_address > other.of_address
    return c.generation < other.generation


cdef void _make_place(Gateway* g, const uint32_t* address) noexcept nogil:
    """One that has not logged in gives way: out of those from this address, or out of all."""
    cdef Connection* first = NULL
    cdef Connection* c
    cdef uint32_t i
    for i in range(g.places):
        c = &g.connection[i]
        if not _waits(c) or (address != NULL and c.address != address[0]):
            continue
        if first == NULL or _goes_before(c, first, address != NULL):
            first = c
    if first != NULL:
        connection_close(g, first, CLOSED_CROWDED_OUT)


cdef uint32_t _of_address(const Gateway* g, uint32_t address) noexcept nogil:
    """How many of this address wait to log in."""
    cdef uint32_t i
    cdef uint32_t found = 0
    for i in range(g.places):
        found += _waits(&g.connection[i]) and g.connection[i].address == address
    return found


cdef Connection* _place(Gateway* g, uint32_t address) noexcept nogil:
    """A free one for a connection that is yet to log in; there always is one."""
    cdef uint32_t of_address = _of_address(g, address)
    cdef uint32_t i
    if of_address >= g.settings.logins_per_address_max:
        _make_place(g, &address)
        of_address -= 1
    elif g.newcomers == g.settings.logins_max:
        _make_place(g, NULL)
    for i in range(g.places):
        if g.connection[i].state == CONNECTION_FREE:
            g.connection[i].of_address = of_address + 1
            return &g.connection[i]
    return NULL


cdef int connection_accept(Gateway* g) noexcept nogil:
    cdef Connection* c = NULL
    cdef uint32_t address = 0
    cdef int fd
    if g.sessions.facts.sessions_count == 0:
        return 0                     # nobody could log in before the stream has begun
    fd = g.sockets.accept(g.sockets.context, g.listener, &address)
    if fd == -EMFILE or fd == -ENFILE:
        _make_place(g, NULL)         # whoever has not logged in gives its descriptor up as well
        return 0
    if fd < 0:
        return 0
    counter_add(g.counters[GATEWAY_CONNECTIONS], 1)
    if fd < DESCRIPTORS_MAX:
        c = _place(g, address)
    if c == NULL or g.sockets.watch(g.sockets.context, g.poller, fd) < 0:
        counter_add(g.counters[GATEWAY_TABLE_FULL], 1)
        g.sockets.close(g.sockets.context, fd)
        return 1
    g.by_descriptor[fd] = <int>(c - g.connection)
    g.newcomers += 1
    g.generation += 1
    c.fd = fd
    c.address = address
    c.state = CONNECTION_NEW
    c.session = 0
    c.rx_start = 0
    c.rx_end = 0
    c.small_start = 0
    c.small_end = 0
    c.stalled = False
    c.generation = g.generation
    c.opened_ns = g.now_ns
    c.rx_ns = g.now_ns
    c.tx_ns = g.now_ns
    c.peer_timeout_ns = g.settings.peer_timeout_ns
    return 1


cdef void connection_ask(Gateway* g, Connection* c, const uint8_t* payload,
                         size_t bytes) noexcept nogil:
    """A login request: into the mailbox, for the judge."""
    cdef LoginRequest login
    if g.protocol.login(payload, bytes, &login) != STATUS_OK:
        connection_close(g, c, CLOSED_MALFORMED)
        return
    c.state = CONNECTION_JUDGED
    c.asked_ns = g.now_ns
    g.look_for_answers = True        # a socket that must not be the kernel's has one already
    c.login_sequence = login.sequence
    memcpy(c.login_stream_name, login.stream_name, STREAM_NAME_BYTES)
    if login.peer_timeout_ns:
        # Longer than is configured would put off the cancel of a member's orders when it is gone.
        c.peer_timeout_ns = min(g.settings.peer_timeout_ns,
                                max(login.peer_timeout_ns, 2 * g.settings.heartbeat_ns))
    memcpy(c.login.username, login.username, SESSION_NAME_BYTES)
    memcpy(c.login.password, login.password, PASSWORD_BYTES)
    c.login.address = c.address
    store_release_u64(&c.login.asked, c.generation)


cdef inline void _to_send(Gateway* g, uint32_t id) noexcept nogil:
    """Sessions are in the list once: `unsent` is the mark."""
    cdef Session* session = &g.sessions.session[id]
    if not session.unsent:
        session.unsent = True
        g.sending[g.sending_count] = id
        g.sending_count += 1


cdef bint _means_this_stream(const Gateway* g, const Connection* c) noexcept nogil:
    return (memcmp(c.login_stream_name, b"          ", STREAM_NAME_BYTES) == 0
            or memcmp(c.login_stream_name, g.sessions.facts.start.stream_name,
                      STREAM_NAME_BYTES) == 0)


cdef void _admit(Gateway* g, Connection* c, uint32_t id) noexcept nogil:
    """The password was right: session and sequence number have to be as well."""
    cdef Session* session = &g.sessions.session[id]
    cdef uint8_t frame[SHORT_FRAME_BYTES_MAX]
    cdef uint64_t sequence = c.login_sequence
    if not session.served:           # its replies are kept at another gateway
        _send_refusal(g, c, REFUSED_NO_SESSION)
        connection_close(g, c, CLOSED_ELSEWHERE)
        return
    if not _means_this_stream(g, c) or sequence > session.log.count + 1:
        _send_refusal(g, c, REFUSED_NO_SESSION)
        connection_close(g, c, CLOSED_NO_SESSION)
        return
    if session.connection >= 0:
        connection_close(g, &g.connection[session.connection], CLOSED_DISPLACED)
    elif g.live == g.settings.connections_max:
        _send_refusal(g, c, REFUSED_NO_SESSION)
        connection_close(g, c, GATEWAY_TABLE_FULL)
        return
    if sequence == 0:
        sequence = session.log.count if session.log.count else 1
    c.session = id
    c.state = CONNECTION_LIVE
    g.newcomers -= 1
    g.live += 1
    c.tx_offset = reply_log_offset(&session.log, sequence)
    session.connection = <int>(c - g.connection)
    if not session.full:
        session.cancel_due = False
    counter_add(g.counters[GATEWAY_LOGINS], 1)
    _send_small(g, c, frame,
                g.protocol.accepted(frame, g.sessions.facts.start.stream_name, sequence))
    _to_send(g, id)


cdef void _refuse_in_time(Gateway* g, Connection* c) noexcept nogil:
    """Guessing is slow, and the time of a refusal says nothing about its reason."""
    if g.now_ns - c.asked_ns < g.settings.failed_login_delay_ns:
        return
    _send_refusal(g, c, REFUSED_NOT_AUTHORIZED)
    connection_close(g, c, CLOSED_LOGIN_REFUSED)


cdef void connection_judged(Gateway* g, Connection* c) noexcept nogil:
    """Has the judge answered?"""
    cdef uint64_t answer = load_acquire_u64(&c.login.answer)
    cdef uint32_t id
    if answer >> 2 != c.generation:
        return
    # A venue that starts listens before its stream has defined the member's session.
    if g.sessions.facts.sessions_count < g.settings.sessions_expected:
        return
    id = sessions_find(&g.sessions, c.login.username)
    _empty_mailbox(c)
    if answer & 3 == VERDICT_UNACCELERATED:
        _send_refusal(g, c, REFUSED_NO_SESSION)
        connection_close(g, c, CLOSED_UNACCELERATED)
        return
    if answer & 3 == VERDICT_ACCEPTED and id != 0:
        _admit(g, c, id)
        return
    c.state = CONNECTION_REFUSED
    _refuse_in_time(g, c)


cdef void connection_timers(Gateway* g) noexcept nogil:
    cdef Connection* c
    cdef uint32_t i
    cdef uint64_t lost = 0
    cdef uint8_t frame[SHORT_FRAME_BYTES_MAX]
    for i in range(1, g.sessions.sessions_max + 1):
        lost += g.sessions.session[i].replies_lost
    counter_follow(g.counters[GATEWAY_REPLIES_LOST], lost)
    for i in range(g.places):
        c = &g.connection[i]
        if c.state == CONNECTION_FREE:
            continue
        if c.state == CONNECTION_REFUSED:
            _refuse_in_time(g, c)
        elif c.state != CONNECTION_LIVE:
            if g.now_ns - c.opened_ns >= g.settings.login_timeout_ns:
                connection_close(g, c, CLOSED_LOGIN_TIMEOUT)
        elif load_acquire_u64(&c.login.answer) >> 2 == c.generation:
            # Its login has been answered long ago: its socket has fallen back since.
            connection_close(g, c, CLOSED_UNACCELERATED)
        elif g.now_ns - c.rx_ns >= c.peer_timeout_ns and not c.stalled:
            connection_close(g, c, CLOSED_PEER_TIMEOUT)
        elif (g.now_ns - c.tx_ns >= g.settings.heartbeat_ns
                and c.tx_offset == g.sessions.session[c.session].log.bytes):
            _send_small(g, c, frame, g.protocol.heartbeat(frame))
