"""How the readers of a TCP publication come: connections, logins, and what else they say."""

from libc.errno cimport EAGAIN
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcmp, memcpy, memmove, memset

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.counters cimport counter_add, counter_reset, counter_set
from ironcore.base.status cimport STATUS_EMPTY, STATUS_MALFORMED, STATUS_OK, STATUS_OVERRUN, Status
from ironcore.messaging.tcp.reader cimport (
    ADOPTIONS_MAX, NEWCOMERS_MAX, READER_CONNECTED, READER_DISPLACED, READER_FREE, READER_LIVE,
    READER_LOGINS, READER_NAME, READER_RX_BYTES, READER_SEQUENCE, TCP_CLOSED_BY_PEER,
    TCP_CLOSED_CROWDED_OUT, TCP_CLOSED_ERROR, TCP_CLOSED_LOGOUT,
    TCP_CLOSED_MALFORMED, TCP_CLOSED_REFUSED, TCP_CONNECTIONS, TCP_LOGINS, TCP_READERS,
    TCP_REFUSED_AHEAD, TCP_REFUSED_SESSION, TCP_REFUSED_TOO_OLD, TCP_RESUMES, TCP_TABLE_FULL,
    Adoption, Newcomer, TcpReader, TcpServer, reader_close, reader_tell,
)
from ironcore.messaging.tcp.sending cimport reader_displace
from ironcore.messaging.tcp.window cimport (
    WindowPacket, packet_window_at, packet_window_find, packet_window_oldest,
)
from ironcore.wire.soupbin cimport (
    SOUP_CLIENT_HEARTBEAT, SOUP_DEBUG, SOUP_LOGIN_REQUEST, SOUP_LOGOUT_REQUEST,
    SOUP_REJECT_NO_SESSION, SOUP_UNSEQUENCED_DATA, SoupLoginRequest, soupbin_decode_login_request,
    soupbin_encode_data, soupbin_encode_login_accepted, soupbin_encode_login_rejected,
    soupbin_next,
)

cdef enum:
    READY_MAX = 64
    TEXT_BYTES = 96


cdef TcpReader* _place(TcpServer* s, uint64_t name) noexcept nogil:
    """A free one: where this name stood before, else one without a name, else the one that left
    first. The counters of who was here last stay to be read as long as possible."""
    cdef TcpReader* found = NULL
    cdef TcpReader* r
    cdef uint32_t i
    for i in range(s.settings.readers_max):
        r = &s.reader[i]
        if r.state != READER_FREE:
            continue
        if name and r.name == name:
            return r
        if found == NULL or (found.name and not r.name) or (
                (found.name != 0) == (r.name != 0) and r.left_ns < found.left_ns):
            found = r
    return found


cdef void newcomer_close(TcpServer* s, Newcomer* c, int reason) noexcept nogil:
    counter_add(s.counters[reason], 1)
    s.sockets.unwatch(s.sockets.context, s.poller, c.fd)
    s.sockets.close(s.sockets.context, c.fd)
    _leave(s, c)


cdef void _leave(TcpServer* s, Newcomer* c) noexcept nogil:
    """It is no newcomer any more."""
    c.here = False
    s.waiting -= 1
    counter_set(s.counters[TCP_READERS], s.live + s.waiting)


cdef Newcomer* _room(TcpServer* s) noexcept nogil:
    """For one newcomer more. Connections that say nothing cost nobody a place, and the oldest of
    them goes first: a reader logs in as soon as it is connected."""
    cdef Newcomer* oldest = &s.newcomer[0]
    cdef int i
    for i in range(NEWCOMERS_MAX):
        if not s.newcomer[i].here:
            return &s.newcomer[i]
        if s.newcomer[i].opened_ns < oldest.opened_ns:
            oldest = &s.newcomer[i]
    newcomer_close(s, oldest, TCP_CLOSED_CROWDED_OUT)
    return oldest


cdef void _open(TcpServer* s, int fd, uint64_t name, uint64_t now_ns) noexcept nogil:
    cdef Newcomer* c
    counter_add(s.counters[TCP_CONNECTIONS], 1)
    if s.sockets.watch(s.sockets.context, s.poller, fd) < 0:
        counter_add(s.counters[TCP_CLOSED_ERROR], 1)
        s.sockets.close(s.sockets.context, fd)
        return
    c = _room(s)
    c.fd = fd
    c.here = True
    c.name_given = name
    c.opened_ns = now_ns
    c.rx_end = 0
    s.waiting += 1
    counter_set(s.counters[TCP_READERS], s.live + s.waiting)


cdef void _rename(TcpReader* r, uint64_t name) noexcept nogil:
    cdef int i
    if r.name != name:
        for i in range(READER_NAME, READER_DISPLACED + 1):
            counter_reset(r.counters[i])
    r.name = name
    counter_set(r.counters[READER_NAME], name)


cdef uint64_t _username(const SoupLoginRequest* login) noexcept nogil:
    cdef uint64_t name = 0
    cdef int i
    for i in range(6):
        if login.username[i] == 0x20:
            break
        name |= <uint64_t><uint8_t>login.username[i] << (8 * i)
    return name


cdef void _refuse(TcpServer* s, Newcomer* c, int reason, const char* text) noexcept nogil:
    """A debug packet that says why, in words and numbers, and the rejection itself. Nothing was
    sent before: the host has room for them."""
    cdef uint8_t packets[TEXT_BYTES + 16]
    cdef size_t text_bytes = 0
    cdef size_t bytes
    while text[text_bytes]:
        text_bytes += 1
    counter_add(s.counters[reason], 1)
    bytes = soupbin_encode_data(packets, SOUP_DEBUG, <const uint8_t*>text, text_bytes)
    bytes += soupbin_encode_login_rejected(packets + bytes, SOUP_REJECT_NO_SESSION)
    s.sockets.send(s.sockets.context, c.fd, packets, bytes)
    newcomer_close(s, c, TCP_CLOSED_REFUSED)


cdef uint64_t _find(TcpServer* s, Newcomer* c, const SoupLoginRequest* login,
                    WindowPacket* packet) noexcept nogil:
    """The number that it begins with, and the packet; 0 when it cannot, and has been told."""
    cdef char text[TEXT_BYTES]
    cdef uint64_t sequence = login.sequence_number
    cdef int status
    if (memcmp(login.session, b"          ", 10) != 0
            and memcmp(login.session, s.session, 10) != 0):
        snprintf(text, TEXT_BYTES, b"session %.10s", s.session)
        _refuse(s, c, TCP_REFUSED_SESSION, text)
        return 0
    if sequence == 0:
        # SoupBinTCP: from the most recently generated message.
        sequence = max(s.window.sequence_next - 1, packet_window_oldest(&s.window))
    status = packet_window_find(&s.window, sequence, packet)
    if status == STATUS_OVERRUN:
        snprintf(text, TEXT_BYTES, b"oldest %llu",
                 <unsigned long long>packet_window_oldest(&s.window))
        _refuse(s, c, TCP_REFUSED_TOO_OLD, text)
        return 0
    if status == STATUS_EMPTY and sequence > s.window.sequence_next:
        snprintf(text, TEXT_BYTES, b"next %llu", <unsigned long long>s.window.sequence_next)
        _refuse(s, c, TCP_REFUSED_AHEAD, text)
        return 0
    return sequence


cdef TcpReader* _seat(TcpServer* s, uint64_t name, uint64_t now_ns) noexcept nogil:
    """A place for a reader of this name, or NULL. Of two connections of one name the later wins: a
    reader whose old connection hangs half-open is not locked out by it."""
    cdef TcpReader* r
    cdef uint8_t* out
    cdef uint64_t** counters
    cdef uint64_t named
    cdef uint32_t i
    for i in range(s.settings.readers_max):
        if name and s.reader[i].name == name and s.reader[i].state != READER_FREE:
            reader_displace(s, &s.reader[i], now_ns)
    r = _place(s, name)
    if r == NULL:
        return NULL
    out = r.out
    counters = r.counters
    named = r.name
    memset(r, 0, sizeof(r[0]))
    r.out = out
    r.counters = counters
    r.name = named
    _rename(r, name)
    return r


cdef TcpReader* _login(TcpServer* s, Newcomer* c, const SoupLoginRequest* login,
                       uint64_t now_ns) noexcept nogil:
    """The reader that it has become, or NULL: it was told why not, and is gone."""
    cdef WindowPacket begin
    cdef uint8_t packet[64]
    cdef TcpReader* r
    cdef uint64_t sequence = _find(s, c, login, &begin)
    if sequence == 0:
        return NULL
    r = _seat(s, c.name_given if c.name_given else _username(login), now_ns)
    if r == NULL:
        newcomer_close(s, c, TCP_TABLE_FULL)
        return NULL
    r.fd = c.fd
    r.state = READER_LIVE
    r.position = begin.position
    r.catching_up = True
    r.greeting = True
    r.rx_ns = now_ns
    r.tx_ns = now_ns
    r.peer_timeout_ns = s.settings.peer_timeout_ns
    if login.timeout_given:
        r.peer_timeout_ns = min(
            s.settings.peer_timeout_ns,
            max(<uint64_t>login.heartbeat_timeout_ms * 1000000, 2 * s.settings.heartbeat_ns))
    s.gate = min(s.gate, r.position)
    s.live += 1
    _leave(s, c)
    counter_add(s.counters[TCP_LOGINS], 1)
    counter_add(s.counters[TCP_RESUMES], 1 if sequence > 1 else 0)
    counter_add(r.counters[READER_LOGINS], 1)
    counter_set(r.counters[READER_CONNECTED], 1)
    counter_set(r.counters[READER_SEQUENCE], sequence)
    reader_tell(s, r, packet, soupbin_encode_login_accepted(
        packet, s.session, packet_window_at(&s.window, r.position).sequence
        if login.sequence_number == 0 else login.sequence_number))
    return r


cdef void _packet(TcpServer* s, TcpReader* r, uint8_t packet_type,
                  uint64_t now_ns) noexcept nogil:
    if packet_type == SOUP_LOGOUT_REQUEST:
        reader_close(s, r, TCP_CLOSED_LOGOUT, now_ns)
    elif packet_type not in (SOUP_CLIENT_HEARTBEAT, SOUP_DEBUG, SOUP_UNSEQUENCED_DATA):
        reader_close(s, r, TCP_CLOSED_MALFORMED, now_ns)


cdef void _take_in(TcpServer* s, TcpReader* r, uint64_t now_ns) noexcept nogil:
    """The packets that have come."""
    cdef uint8_t packet_type = 0
    cdef const uint8_t* payload = NULL
    cdef size_t payload_bytes = 0
    cdef size_t packet_bytes = 0
    cdef uint32_t start = 0
    cdef Status status = STATUS_OK
    while r.state != READER_FREE:
        status = soupbin_next(r.rx + start, r.rx_end - start, &packet_type, &payload,
                              &payload_bytes, &packet_bytes)
        if status != STATUS_OK:
            break
        start += <uint32_t>packet_bytes
        _packet(s, r, packet_type, now_ns)
    if r.state == READER_FREE:
        return
    if status == STATUS_MALFORMED or packet_bytes > READER_RX_BYTES:
        reader_close(s, r, TCP_CLOSED_MALFORMED, now_ns)
        return
    memmove(r.rx, r.rx + start, r.rx_end - start)
    r.rx_end -= start


cdef int _hear(TcpServer* s, TcpReader* r, uint64_t now_ns) noexcept nogil:
    """Take in what the reader has sent: 1 when there was anything."""
    cdef long n = s.sockets.recv(s.sockets.context, r.fd, r.rx + r.rx_end,
                                 READER_RX_BYTES - r.rx_end)
    if n == -EAGAIN:
        return 0
    if n <= 0:
        reader_close(s, r, TCP_CLOSED_BY_PEER if n == 0 else TCP_CLOSED_ERROR, now_ns)
        return 1
    r.rx_ns = now_ns
    r.rx_end += <uint32_t>n
    _take_in(s, r, now_ns)
    return 1


cdef void _meet(TcpServer* s, Newcomer* c, uint64_t now_ns) noexcept nogil:
    """What has come of a newcomer: it logs in, is closed, or the rest has yet to come."""
    cdef SoupLoginRequest login
    cdef uint8_t packet_type = 0
    cdef const uint8_t* payload = NULL
    cdef size_t payload_bytes = 0
    cdef size_t packet_bytes = 0
    cdef uint32_t start = 0
    cdef Status status = STATUS_OK
    cdef TcpReader* r
    while True:
        status = soupbin_next(c.rx + start, c.rx_end - start, &packet_type, &payload,
                              &payload_bytes, &packet_bytes)
        if status != STATUS_OK:
            break
        start += <uint32_t>packet_bytes
        if packet_type in (SOUP_CLIENT_HEARTBEAT, SOUP_DEBUG):
            continue
        if packet_type == SOUP_LOGOUT_REQUEST:
            newcomer_close(s, c, TCP_CLOSED_LOGOUT)
            return
        if (packet_type != SOUP_LOGIN_REQUEST
                or soupbin_decode_login_request(payload, payload_bytes, &login) != STATUS_OK):
            newcomer_close(s, c, TCP_CLOSED_MALFORMED)
            return
        r = _login(s, c, &login, now_ns)
        if r != NULL:
            r.rx_end = c.rx_end - start
            memcpy(r.rx, c.rx + start, r.rx_end)
            _take_in(s, r, now_ns)
        return
    if status == STATUS_MALFORMED or packet_bytes > READER_RX_BYTES:
        newcomer_close(s, c, TCP_CLOSED_MALFORMED)
        return
    memmove(c.rx, c.rx + start, c.rx_end - start)
    c.rx_end -= start


cdef int _greet(TcpServer* s, Newcomer* c, uint64_t now_ns) noexcept nogil:
    """Take in what the newcomer has sent: 1 when there was anything."""
    cdef long n = s.sockets.recv(s.sockets.context, c.fd, c.rx + c.rx_end,
                                 READER_RX_BYTES - c.rx_end)
    if n == -EAGAIN:
        return 0
    if n <= 0:
        newcomer_close(s, c, TCP_CLOSED_BY_PEER if n == 0 else TCP_CLOSED_ERROR)
        return 1
    c.rx_end += <uint32_t>n
    _meet(s, c, now_ns)
    return 1


cdef int _said(TcpServer* s, int fd, uint64_t now_ns) noexcept nogil:
    """Something has come on a connection."""
    cdef uint32_t i
    cdef int j
    for i in range(s.settings.readers_max):
        if s.reader[i].state != READER_FREE and s.reader[i].fd == fd:
            return _hear(s, &s.reader[i], now_ns)
    for j in range(NEWCOMERS_MAX):
        if s.newcomer[j].here and s.newcomer[j].fd == fd:
            return _greet(s, &s.newcomer[j], now_ns)
    return 0


cdef int readers_listen(TcpServer* s, uint64_t now_ns) noexcept nogil:
    """Newcomers, and what readers say."""
    cdef int ready[READY_MAX]
    cdef Adoption* given
    cdef uint32_t address = 0
    cdef int work = 0
    cdef int count, i, fd
    while s.adopted_tail < load_acquire_u64(&s.adopted_head):
        given = &s.adoption[s.adopted_tail % ADOPTIONS_MAX]
        _open(s, given.fd, given.name, now_ns)
        store_release_u64(&s.adopted_tail, s.adopted_tail + 1)
        work += 1
    count = s.sockets.poll_ready(s.sockets.context, s.poller, ready, READY_MAX)
    for i in range(count):
        if ready[i] == s.listener:
            fd = s.sockets.accept(s.sockets.context, s.listener, &address)
            if fd >= 0:
                _open(s, fd, 0, now_ns)
                work += 1
        else:
            work += _said(s, ready[i], now_ns)
    return work


cdef bint readers_adopt(TcpServer* s, int fd, uint64_t name) noexcept nogil:
    cdef uint64_t head = s.adopted_head
    if head - load_acquire_u64(&s.adopted_tail) == ADOPTIONS_MAX:
        return False
    s.adoption[head % ADOPTIONS_MAX].fd = fd
    s.adoption[head % ADOPTIONS_MAX].name = name
    store_release_u64(&s.adopted_head, head + 1)
    return True
