"""How the readers of a TCP publication come: connections, logins, and what else they say."""

from libc.errno cimport EAGAIN
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcmp, memmove, memset

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.counters cimport counter_add, counter_set
from ironcore.base.status cimport STATUS_EMPTY, STATUS_MALFORMED, STATUS_OK, STATUS_OVERRUN, Status
from ironcore.messaging.tcp_reader cimport (
    ADOPTIONS_MAX, READER_CONNECTED, READER_FREE, READER_LIVE, READER_LOGINS, READER_NAME,
    READER_NEW, READER_REFUSED, READER_RX_BYTES, READER_SEQUENCE, READER_TIMEOUTS,
    TCP_CLOSED_BY_PEER, TCP_CLOSED_DISPLACED, TCP_CLOSED_ERROR, TCP_CLOSED_LOGOUT,
    TCP_CLOSED_MALFORMED, TCP_CONNECTIONS, TCP_LOGINS, TCP_READERS, TCP_REFUSED_AHEAD,
    TCP_REFUSED_SESSION, TCP_REFUSED_TOO_OLD, TCP_RESUMES, TCP_TABLE_FULL, Adoption, TcpReader,
    TcpServer, reader_close, reader_tell,
)
from ironcore.messaging.tcp_window cimport (
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


cdef void _open(TcpServer* s, int fd, uint64_t name, uint64_t now_ns) noexcept nogil:
    cdef TcpReader* r = _place(s, name)
    cdef uint8_t* out
    cdef uint64_t** counters
    cdef uint64_t named
    counter_add(s.counters[TCP_CONNECTIONS], 1)
    if r == NULL or s.sockets.watch(s.sockets.context, s.poller, fd) < 0:
        counter_add(s.counters[TCP_TABLE_FULL], 1)
        s.sockets.close(s.sockets.context, fd)
        return
    out = r.out
    counters = r.counters
    named = r.name
    memset(r, 0, sizeof(r[0]))
    r.out = out
    r.counters = counters
    r.name = named                   # until it has logged in, its place is who was here before
    r.fd = fd
    r.state = READER_NEW
    r.name_given = name
    r.opened_ns = now_ns
    r.rx_ns = now_ns
    r.tx_ns = now_ns
    r.peer_timeout_ns = s.settings.peer_timeout_ns
    s.live += 1
    counter_set(s.counters[TCP_READERS], s.live)


cdef void _rename(TcpReader* r, uint64_t name) noexcept nogil:
    cdef int i
    if r.name != name:
        for i in range(READER_NAME, READER_TIMEOUTS + 1):
            counter_set(r.counters[i], 0)
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


cdef void _refuse(TcpServer* s, TcpReader* r, int reason, const char* text) noexcept nogil:
    """A debug packet that says why, in words and numbers, and the rejection itself."""
    cdef uint8_t packet[TEXT_BYTES + 8]
    cdef size_t text_bytes = 0
    while text[text_bytes]:
        text_bytes += 1
    counter_add(s.counters[reason], 1)
    reader_tell(s, r, packet, soupbin_encode_data(packet, SOUP_DEBUG, <const uint8_t*>text,
                                                  text_bytes))
    reader_tell(s, r, packet, soupbin_encode_login_rejected(packet, SOUP_REJECT_NO_SESSION))
    r.state = READER_REFUSED


cdef void _displace(TcpServer* s, TcpReader* r, uint64_t name, uint64_t now_ns) noexcept nogil:
    """Of two connections of one name the later wins: a reader whose old connection hangs half-open
    is not locked out by it. The newcomer's counters are somebody else's until now: they change, so
    that a name has one set."""
    cdef TcpReader* other
    cdef uint64_t** counters
    cdef uint32_t i
    for i in range(s.settings.readers_max):
        other = &s.reader[i]
        if other == r or other.name != name:
            continue
        if other.state != READER_FREE:
            reader_close(s, other, TCP_CLOSED_DISPLACED, now_ns)
        counters = other.counters
        other.counters = r.counters
        r.counters = counters
        other.name = r.name
        r.name = name
        return


cdef bint _admit_at(TcpServer* s, TcpReader* r, const SoupLoginRequest* login) noexcept nogil:
    """Where it begins; False when it cannot begin there, and has been told."""
    cdef char text[TEXT_BYTES]
    cdef WindowPacket packet
    cdef uint64_t sequence = login.sequence_number
    cdef int status
    if (memcmp(login.session, b"          ", 10) != 0
            and memcmp(login.session, s.session, 10) != 0):
        snprintf(text, TEXT_BYTES, b"session %.10s", s.session)
        _refuse(s, r, TCP_REFUSED_SESSION, text)
        return False
    if sequence == 0:
        # SoupBinTCP: from the most recently generated message.
        sequence = max(s.window.sequence_next - 1, packet_window_oldest(&s.window))
    status = packet_window_find(&s.window, sequence, &packet)
    if status == STATUS_OVERRUN:
        snprintf(text, TEXT_BYTES, b"oldest %llu",
                 <unsigned long long>packet_window_oldest(&s.window))
        _refuse(s, r, TCP_REFUSED_TOO_OLD, text)
        return False
    if status == STATUS_EMPTY and sequence > s.window.sequence_next:
        snprintf(text, TEXT_BYTES, b"next %llu", <unsigned long long>s.window.sequence_next)
        _refuse(s, r, TCP_REFUSED_AHEAD, text)
        return False
    r.position = packet.position
    r.catching_up = True
    s.gate = min(s.gate, r.position)
    counter_add(s.counters[TCP_RESUMES], 1 if sequence > 1 else 0)
    counter_set(r.counters[READER_SEQUENCE], sequence)
    return True


cdef void _login(TcpServer* s, TcpReader* r, const uint8_t* payload, size_t bytes,
                 uint64_t now_ns) noexcept nogil:
    cdef SoupLoginRequest login
    cdef uint8_t packet[64]
    cdef uint64_t name
    if soupbin_decode_login_request(payload, bytes, &login) != STATUS_OK:
        reader_close(s, r, TCP_CLOSED_MALFORMED, now_ns)
        return
    if login.timeout_given:
        r.peer_timeout_ns = <uint64_t>login.heartbeat_timeout_ms * 1000000
    if not _admit_at(s, r, &login):
        return
    name = r.name_given if r.name_given else _username(&login)
    if name:
        _displace(s, r, name, now_ns)
    _rename(r, name)
    r.state = READER_LIVE
    r.greeting = True
    counter_add(s.counters[TCP_LOGINS], 1)
    counter_add(r.counters[READER_LOGINS], 1)
    counter_set(r.counters[READER_CONNECTED], 1)
    reader_tell(s, r, packet, soupbin_encode_login_accepted(
        packet, s.session, packet_window_at(&s.window, r.position).sequence
        if login.sequence_number == 0 else login.sequence_number))


cdef void _packet(TcpServer* s, TcpReader* r, uint8_t packet_type, const uint8_t* payload,
                  size_t bytes, uint64_t now_ns) noexcept nogil:
    if packet_type == SOUP_LOGIN_REQUEST and r.state == READER_NEW:
        _login(s, r, payload, bytes, now_ns)
    elif packet_type == SOUP_LOGOUT_REQUEST:
        reader_close(s, r, TCP_CLOSED_LOGOUT, now_ns)
    elif packet_type == SOUP_CLIENT_HEARTBEAT or packet_type == SOUP_DEBUG:
        pass
    elif packet_type != SOUP_UNSEQUENCED_DATA or r.state == READER_NEW:
        reader_close(s, r, TCP_CLOSED_MALFORMED, now_ns)


cdef int _hear(TcpServer* s, TcpReader* r, uint64_t now_ns) noexcept nogil:
    """Take in what the reader has sent: 1 when there was anything."""
    cdef uint8_t packet_type = 0
    cdef const uint8_t* payload = NULL
    cdef size_t payload_bytes = 0
    cdef size_t packet_bytes = 0
    cdef uint32_t start = 0
    cdef Status status = STATUS_OK
    cdef long n = s.sockets.recv(s.sockets.context, r.fd, r.rx + r.rx_end,
                                 READER_RX_BYTES - r.rx_end)
    if n == -EAGAIN:
        return 0
    if n <= 0:
        reader_close(s, r, TCP_CLOSED_BY_PEER if n == 0 else TCP_CLOSED_ERROR, now_ns)
        return 1
    r.rx_ns = now_ns
    r.rx_end += <uint32_t>n
    while r.state != READER_FREE:
        status = soupbin_next(r.rx + start, r.rx_end - start, &packet_type, &payload,
                              &payload_bytes, &packet_bytes)
        if status != STATUS_OK:
            break
        start += <uint32_t>packet_bytes
        _packet(s, r, packet_type, payload, payload_bytes, now_ns)
    if r.state == READER_FREE:
        return 1
    if status == STATUS_MALFORMED or packet_bytes > READER_RX_BYTES:
        reader_close(s, r, TCP_CLOSED_MALFORMED, now_ns)
        return 1
    memmove(r.rx, r.rx + start, r.rx_end - start)
    r.rx_end -= start
    return 1


cdef int readers_listen(TcpServer* s, uint64_t now_ns) noexcept nogil:
    """Newcomers, and what readers say."""
    cdef int ready[READY_MAX]
    cdef Adoption* given
    cdef int work = 0
    cdef int count, i, fd
    cdef uint32_t j
    while s.adopted_tail < load_acquire_u64(&s.adopted_head):
        given = &s.adoption[s.adopted_tail % ADOPTIONS_MAX]
        _open(s, given.fd, given.name, now_ns)
        store_release_u64(&s.adopted_tail, s.adopted_tail + 1)
        work += 1
    count = s.sockets.poll_ready(s.sockets.context, s.poller, ready, READY_MAX)
    for i in range(count):
        if ready[i] == s.listener:
            fd = s.sockets.accept(s.sockets.context, s.listener)
            if fd >= 0:
                _open(s, fd, 0, now_ns)
                work += 1
            continue
        for j in range(s.settings.readers_max):
            if s.reader[j].state != READER_FREE and s.reader[j].fd == ready[i]:
                work += _hear(s, &s.reader[j], now_ns)
                break
    return work


cdef bint readers_adopt(TcpServer* s, int fd, uint64_t name) noexcept nogil:
    cdef uint64_t head = s.adopted_head
    if head - load_acquire_u64(&s.adopted_tail) == ADOPTIONS_MAX:
        return False
    s.adoption[head % ADOPTIONS_MAX].fd = fd
    s.adoption[head % ADOPTIONS_MAX].name = name
    store_release_u64(&s.adopted_head, head + 1)
    return True
