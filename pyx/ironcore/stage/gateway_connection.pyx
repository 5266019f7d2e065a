"""The gateway's connections: how they come, log in, and end.

Passwords are judged on another thread (a hash that is worth something takes milliseconds): a login
waits in its connection's mailbox meanwhile. Of two connections that log in to one session the later
wins: a member whose old connection hangs half-open is not locked out by it.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.counters cimport counter_add, counter_set
from ironcore.base.status cimport STATUS_OK
from ironcore.stage.reply_log cimport reply_log_offset
from ironcore.stage.session_state cimport Session, sessions_find
from ironcore.wire.soupbin cimport (
    SOUP_REJECT_NO_SESSION, SOUP_REJECT_NOT_AUTHORIZED, SOUP_SERVER_HEARTBEAT,
    SOUP_SHORT_PACKET_BYTES_MAX, SoupLoginRequest, soupbin_decode_login_request,
    soupbin_encode_empty, soupbin_encode_login_accepted, soupbin_encode_login_rejected,
)


cdef void connection_close(Gateway* g, Connection* c, int reason) noexcept nogil:
    cdef Session* session
    counter_add(g.counters[reason], 1)
    if c.state == CONNECTION_LIVE:
        session = &g.sessions.session[c.session]
        session.connection = -1
        if session.cancel_on_disconnect:
            session.cancel_due = True
            g.cancels_due = True
    g.sockets.unwatch(g.sockets.context, g.poller, c.fd)
    g.sockets.close(g.sockets.context, c.fd)
    g.by_descriptor[c.fd] = -1
    memset(&c.login, 0, sizeof(Login))
    c.state = CONNECTION_FREE
    c.stalled = False
    g.live -= 1


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


cdef void _send_small(Gateway* g, Connection* c, const uint8_t* packet,
                      size_t bytes) noexcept nogil:
    """A packet that is no reply; only where the connection stands between two packets. What the
    socket does not take now goes out before the next reply."""
    if c.small_end + bytes > SMALL_BYTES:
        return                       # the member takes nothing: it misses no more than heartbeats
    memcpy(c.small + c.small_end, packet, bytes)
    c.small_end += <uint32_t>bytes
    connection_flush(g, c)


cdef void _make_place(Gateway* g) noexcept nogil:
    """The table is full: who has waited longest without logging in gives way to the newcomer."""
    cdef Connection* oldest = NULL
    cdef Connection* c
    cdef uint32_t i
    for i in range(g.settings.connections_max):
        c = &g.connection[i]
        if c.state == CONNECTION_NEW and (oldest == NULL or c.opened_ns < oldest.opened_ns):
            oldest = c
    if oldest != NULL:
        connection_close(g, oldest, CLOSED_CROWDED_OUT)


cdef int connection_accept(Gateway* g) noexcept nogil:
    cdef Connection* c = NULL
    cdef uint32_t i
    cdef int fd
    if g.sessions.count == 0:
        return 0                     # nobody could log in before the stream has begun
    fd = g.sockets.accept(g.sockets.context, g.listener)
    if fd < 0:
        return 0
    counter_add(g.counters[GATEWAY_CONNECTIONS], 1)
    if g.live == g.settings.connections_max:
        _make_place(g)
    if g.live < g.settings.connections_max and fd < DESCRIPTORS_MAX:
        for i in range(g.settings.connections_max):
            if g.connection[i].state == CONNECTION_FREE:
                c = &g.connection[i]
                g.by_descriptor[fd] = <int>i
                break
    if c == NULL or g.sockets.watch(g.sockets.context, g.poller, fd) < 0:
        counter_add(g.counters[GATEWAY_TABLE_FULL], 1)
        g.sockets.close(g.sockets.context, fd)
        return 1
    g.live += 1
    g.generation += 1
    c.fd = fd
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
    cdef SoupLoginRequest login
    if soupbin_decode_login_request(payload, bytes, &login) != STATUS_OK:
        connection_close(g, c, CLOSED_MALFORMED)
        return
    c.state = CONNECTION_JUDGED
    c.login_sequence = login.sequence_number
    memcpy(c.login_session, login.session, 10)
    if login.timeout_given:
        c.peer_timeout_ns = <uint64_t>login.heartbeat_timeout_ms * 1000000
    memcpy(c.login.username, login.username, 6)
    memcpy(c.login.password, login.password, 10)
    store_release_u64(&c.login.asked, c.generation)


cdef inline void _to_send(Gateway* g, uint32_t id) noexcept nogil:
    """Sessions are in the list once: `unsent` is the mark."""
    cdef Session* session = &g.sessions.session[id]
    if not session.unsent:
        session.unsent = True
        g.sending[g.sending_count] = id
        g.sending_count += 1


cdef void _admit(Gateway* g, Connection* c, uint32_t id) noexcept nogil:
    """The password was right: session and sequence number have to be as well."""
    cdef Session* session = &g.sessions.session[id]
    cdef uint8_t packet[SOUP_SHORT_PACKET_BYTES_MAX]
    cdef uint64_t sequence = c.login_sequence
    if (memcmp(c.login_session, b"          ", 10) != 0
            and memcmp(c.login_session, g.sessions.stream_name, 10) != 0
            or sequence > session.log.count + 1):
        _send_small(g, c, packet, soupbin_encode_login_rejected(packet, SOUP_REJECT_NO_SESSION))
        connection_close(g, c, CLOSED_NO_SESSION)
        return
    if session.connection >= 0:
        connection_close(g, &g.connection[session.connection], CLOSED_DISPLACED)
    if sequence == 0:
        sequence = session.log.count if session.log.count else 1
    c.session = id
    c.state = CONNECTION_LIVE
    c.tx_offset = reply_log_offset(&session.log, sequence)
    session.connection = <int>(c - g.connection)
    if not session.full:
        session.cancel_due = False
    counter_add(g.counters[GATEWAY_LOGINS], 1)
    _send_small(g, c, packet,
                soupbin_encode_login_accepted(packet, g.sessions.stream_name, sequence))
    _to_send(g, id)


cdef void connection_judged(Gateway* g, Connection* c) noexcept nogil:
    """Has the judge answered?"""
    cdef uint64_t answer = load_acquire_u64(&c.login.answer)
    cdef uint32_t id
    cdef uint8_t packet[SOUP_SHORT_PACKET_BYTES_MAX]
    if answer >> 2 != c.generation:
        return
    # A venue that starts listens before its stream has defined the member's session.
    if g.sessions.count < g.settings.sessions_expected:
        return
    id = sessions_find(&g.sessions, c.login.username)
    memset(&c.login, 0, sizeof(Login))
    if answer & 3 == VERDICT_UNACCELERATED:
        _send_small(g, c, packet, soupbin_encode_login_rejected(packet, SOUP_REJECT_NO_SESSION))
        connection_close(g, c, CLOSED_UNACCELERATED)
        return
    if answer & 3 == VERDICT_ACCEPTED and id != 0:
        _admit(g, c, id)
        return
    _send_small(g, c, packet, soupbin_encode_login_rejected(packet, SOUP_REJECT_NOT_AUTHORIZED))
    connection_close(g, c, CLOSED_LOGIN_REFUSED)


cdef void connection_timers(Gateway* g) noexcept nogil:
    cdef Connection* c
    cdef uint32_t i
    cdef uint64_t lost = 0
    cdef uint8_t packet[SOUP_SHORT_PACKET_BYTES_MAX]
    for i in range(1, g.sessions.sessions_max + 1):
        lost += g.sessions.session[i].replies_lost
    counter_set(g.counters[GATEWAY_REPLIES_LOST], lost)
    for i in range(g.settings.connections_max):
        c = &g.connection[i]
        if c.state == CONNECTION_FREE:
            continue
        if c.state != CONNECTION_LIVE:
            if g.now_ns - c.opened_ns >= g.settings.login_timeout_ns:
                connection_close(g, c, CLOSED_LOGIN_TIMEOUT)
        elif load_acquire_u64(&c.login.answer) >> 2 == c.generation:
            # Its login has been answered long ago: its socket has fallen back since.
            connection_close(g, c, CLOSED_UNACCELERATED)
        elif g.now_ns - c.rx_ns >= c.peer_timeout_ns and not c.stalled:
            connection_close(g, c, CLOSED_PEER_TIMEOUT)
        elif (g.now_ns - c.tx_ns >= g.settings.heartbeat_ns
                and c.tx_offset == g.sessions.session[c.session].log.bytes):
            _send_small(g, c, packet, soupbin_encode_empty(packet, SOUP_SERVER_HEARTBEAT))
