"""The readers of a TCP publication: how they come, log in, are served, and end.

All are served from one window, each from its own position, with at most one send a turn and reader
and a bounded number of bytes in it; a reader whose socket is full is left alone for a while. So no
reader can cost another more than its own send.

Who lags by more than the queue allows is disconnected, or conflated: moved to the newest frame and
told of the gap. A reader that comes in far behind has the whole window to catch up in; the queue
counts from then on.
"""

from libc.errno cimport EAGAIN
from libc.stdint cimport UINT64_MAX, uint8_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcmp, memcpy, memmove, memset

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.check cimport iron_assert
from ironcore.base.counters cimport counter_add, counter_set
from ironcore.base.status cimport STATUS_EMPTY, STATUS_MALFORMED, STATUS_OK, STATUS_OVERRUN, Status
from ironcore.messaging.tcp_gap cimport GAP_PAYLOAD_BYTES, gap_encode
from ironcore.messaging.tcp_window cimport (
    WindowPacket, packet_window_at, packet_window_copy, packet_window_find, packet_window_oldest,
)
from ironcore.net.sockets cimport SocketPart
from ironcore.wire.soupbin cimport (
    SOUP_CLIENT_HEARTBEAT, SOUP_DEBUG, SOUP_END_OF_SESSION, SOUP_LOGIN_REQUEST,
    SOUP_LOGOUT_REQUEST, SOUP_REJECT_NO_SESSION, SOUP_SERVER_HEARTBEAT, SOUP_UNSEQUENCED_DATA,
    SoupLoginRequest, soupbin_decode_login_request, soupbin_encode_data, soupbin_encode_empty,
    soupbin_encode_login_accepted, soupbin_encode_login_rejected, soupbin_next,
)

cdef enum:
    READY_MAX = 64
    LOOK_NS = 20000                  # readers say little: how often they are listened to
    TIMER_NS = 5000000               # how often heartbeats and time-outs are looked at
    SEND_BYTES_MAX = 131072          # in one turn and reader
    RETRY_NS_MIN = 20000
    RETRY_NS_MAX = 500000
    TEXT_BYTES = 96


cdef void _close(TcpServer* s, TcpReader* r, int reason, uint64_t now_ns) noexcept nogil:
    counter_add(s.counters[reason], 1)
    s.sockets.unwatch(s.sockets.context, s.poller, r.fd)
    s.sockets.close(s.sockets.context, r.fd)
    if reason == TCP_CLOSED_SLOW:
        counter_add(r.counters[READER_SLOW], 1)
    elif reason == TCP_CLOSED_PEER_TIMEOUT:
        counter_add(r.counters[READER_TIMEOUTS], 1)
    counter_set(r.counters[READER_CONNECTED], 0)
    r.state = READER_FREE
    r.left_ns = now_ns
    s.live -= 1
    counter_set(s.counters[TCP_READERS], s.live)


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


cdef void _add_out(TcpServer* s, TcpReader* r, const uint8_t* packet, size_t bytes) noexcept nogil:
    """Between two packets of the window: whoever calls knows that the reader stands there."""
    iron_assert(r.out_end + bytes <= s.settings.frame_bytes_max + READER_OUT_EXTRA_BYTES,
                "what is told between two packets fits")
    memcpy(r.out + r.out_end, packet, bytes)
    r.out_end += <uint32_t>bytes


cdef void _refuse(TcpServer* s, TcpReader* r, int reason, const char* text) noexcept nogil:
    """A debug packet that says why, in words and numbers, and the rejection itself."""
    cdef uint8_t packet[TEXT_BYTES + 8]
    cdef size_t text_bytes = 0
    while text[text_bytes]:
        text_bytes += 1
    counter_add(s.counters[reason], 1)
    _add_out(s, r, packet, soupbin_encode_data(packet, SOUP_DEBUG, <const uint8_t*>text,
                                               text_bytes))
    _add_out(s, r, packet, soupbin_encode_login_rejected(packet, SOUP_REJECT_NO_SESSION))
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
            _close(s, other, TCP_CLOSED_DISPLACED, now_ns)
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
        _close(s, r, TCP_CLOSED_MALFORMED, now_ns)
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
    _add_out(s, r, packet, soupbin_encode_login_accepted(
        packet, s.session, packet_window_at(&s.window, r.position).sequence
        if login.sequence_number == 0 else login.sequence_number))


cdef void _packet(TcpServer* s, TcpReader* r, uint8_t packet_type, const uint8_t* payload,
                  size_t bytes, uint64_t now_ns) noexcept nogil:
    if packet_type == SOUP_LOGIN_REQUEST and r.state == READER_NEW:
        _login(s, r, payload, bytes, now_ns)
    elif packet_type == SOUP_LOGOUT_REQUEST:
        _close(s, r, TCP_CLOSED_LOGOUT, now_ns)
    elif packet_type == SOUP_CLIENT_HEARTBEAT or packet_type == SOUP_DEBUG:
        pass
    elif packet_type != SOUP_UNSEQUENCED_DATA or r.state == READER_NEW:
        _close(s, r, TCP_CLOSED_MALFORMED, now_ns)


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
        _close(s, r, TCP_CLOSED_BY_PEER if n == 0 else TCP_CLOSED_ERROR, now_ns)
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
        _close(s, r, TCP_CLOSED_MALFORMED, now_ns)
        return 1
    memmove(r.rx, r.rx + start, r.rx_end - start)
    r.rx_end -= start
    return 1


cdef int _listen(TcpServer* s, uint64_t now_ns) noexcept nogil:
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


cdef void _conflate(TcpServer* s, TcpReader* r) noexcept nogil:
    """To the newest frame, at the end of the packet in hand; the gap is told there."""
    cdef WindowPacket at = packet_window_at(&s.window, r.position)
    cdef uint64_t skipped = s.window.sequence_next - at.sequence
    if at.position > r.position:
        # A packet is half sent, so nothing waits before it. Its rest leaves the window with it.
        packet_window_copy(&s.window, r.position, r.out, <size_t>(at.position - r.position))
        r.out_start = 0
        r.out_end = <uint32_t>(at.position - r.position)
    if r.gap_count == 0:
        r.gap_first = at.sequence
    r.gap_count += skipped
    r.position = s.window.head
    counter_add(s.counters[TCP_CONFLATIONS], 1)
    counter_add(s.counters[TCP_CONFLATED_FRAMES], skipped)
    counter_add(r.counters[READER_SLOW], 1)
    counter_add(r.counters[READER_CONFLATED_FRAMES], skipped)


cdef void _too_slow(TcpServer* s, TcpReader* r, uint64_t now_ns) noexcept nogil:
    if s.settings.policy == SLOW_CONFLATE:
        _conflate(s, r)
    else:
        _close(s, r, TCP_CLOSED_SLOW, now_ns)


cdef void readers_move_on(TcpServer* s, uint64_t limit) noexcept nogil:
    cdef TcpReader* r
    cdef uint32_t i
    s.gate = UINT64_MAX
    for i in range(s.settings.readers_max):
        r = &s.reader[i]
        if r.state == READER_LIVE and r.position < limit:
            _too_slow(s, r, s.look_ns)
        if r.state == READER_LIVE:
            s.gate = min(s.gate, r.position)


cdef bint _fill_out(TcpServer* s, TcpReader* r) noexcept nogil:
    """What is due between two packets, when nothing waits there already: False for nothing."""
    cdef uint8_t packet[GAP_PAYLOAD_BYTES + 8]
    cdef uint8_t gap[GAP_PAYLOAD_BYTES]
    if r.out_start < r.out_end:
        return True
    r.out_start = 0
    r.out_end = 0
    r.greeting = False
    if r.gap_count:
        gap_encode(gap, r.gap_first, r.gap_count)
        r.gap_count = 0
        _add_out(s, r, packet, soupbin_encode_data(packet, SOUP_UNSEQUENCED_DATA, gap,
                                                   GAP_PAYLOAD_BYTES))
    elif r.state == READER_LIVE and s.ended and r.position == s.window.head:
        _add_out(s, r, packet, soupbin_encode_empty(packet, SOUP_END_OF_SESSION))
        r.state = READER_ENDED
    return r.out_end > 0


cdef int _parts(TcpServer* s, TcpReader* r, SocketPart* parts) noexcept nogil:
    """What to send now: out first, then the window from the reader's position on."""
    cdef uint64_t index, to_end, bytes
    cdef int count = 0
    if _fill_out(s, r):
        parts[0].data = r.out + r.out_start
        parts[0].bytes = r.out_end - r.out_start
        count = 1
    # The acceptance goes in a segment of its own: Wireshark's SoupBinTCP dissector begins a new
    # conversation with it, and forgets the first half of a packet that is split at its end.
    if r.state != READER_LIVE or r.gap_count or r.greeting:
        return count
    bytes = min(s.window.head - r.position, <uint64_t>SEND_BYTES_MAX)
    if bytes == 0:
        return count
    index = r.position & (s.window.capacity_bytes - 1)
    to_end = min(bytes, s.window.capacity_bytes - index)
    parts[count].data = s.window.data + index
    parts[count].bytes = to_end
    count += 1
    if bytes > to_end:
        parts[count].data = s.window.data
        parts[count].bytes = bytes - to_end
        count += 1
    return count


cdef void _sent(TcpReader* r, uint64_t bytes) noexcept nogil:
    cdef uint64_t out_bytes = min(bytes, <uint64_t>(r.out_end - r.out_start))
    r.out_start += <uint32_t>out_bytes
    r.position += bytes - out_bytes


cdef int _serve(TcpServer* s, TcpReader* r, uint64_t now_ns) noexcept nogil:
    """One send to one reader, if it is due: 1 when something went out."""
    cdef SocketPart parts[3]
    cdef int count
    cdef uint64_t lag = s.window.head - r.position
    cdef long n
    if r.state == READER_LIVE:
        if lag <= s.settings.queue_bytes:
            r.catching_up = False
        elif not r.catching_up:
            _too_slow(s, r, now_ns)
            if r.state == READER_FREE:
                return 1
    if now_ns < r.retry_ns:
        return 0
    count = _parts(s, r, parts)
    if count == 0:
        return 0
    if count == 1:
        n = s.sockets.send(s.sockets.context, r.fd, parts[0].data, parts[0].bytes)
    else:
        n = s.sockets.send_parts(s.sockets.context, r.fd, parts, count)
    if n == -EAGAIN:
        r.retry_wait_ns = min(max(2 * r.retry_wait_ns, <uint64_t>RETRY_NS_MIN),
                              <uint64_t>RETRY_NS_MAX)
        r.retry_ns = now_ns + r.retry_wait_ns
        return 0
    if n < 0:
        _close(s, r, TCP_CLOSED_ERROR, now_ns)
        return 1
    r.retry_wait_ns = 0
    r.tx_ns = now_ns
    _sent(r, <uint64_t>n)
    counter_add(s.counters[TCP_SENDS], 1)
    counter_add(s.counters[TCP_SENT_BYTES], <uint64_t>n)
    counter_add(r.counters[READER_SENT_BYTES], <uint64_t>n)
    if r.state == READER_REFUSED and r.out_start == r.out_end:
        _close(s, r, TCP_CLOSED_REFUSED, now_ns)
    return 1


cdef void _judge(TcpServer* s, TcpReader* r, uint64_t now_ns) noexcept nogil:
    """Heartbeats and time-outs of one reader, and where it stands."""
    cdef uint8_t packet[8]
    if r.state == READER_LIVE:
        counter_set(r.counters[READER_LAG_BYTES], s.window.head - r.position)
        counter_set(r.counters[READER_SEQUENCE],
                    packet_window_at(&s.window, r.position).sequence)
        if now_ns - r.rx_ns >= r.peer_timeout_ns:
            _close(s, r, TCP_CLOSED_PEER_TIMEOUT, now_ns)
        elif (now_ns - r.tx_ns >= s.settings.heartbeat_ns and r.position == s.window.head
                and not _fill_out(s, r)):
            _add_out(s, r, packet, soupbin_encode_empty(packet, SOUP_SERVER_HEARTBEAT))
            counter_add(s.counters[TCP_HEARTBEATS], 1)
    elif r.state == READER_ENDED:
        # Closing with its heartbeats unread would take back what is still on its way to it.
        if now_ns - r.tx_ns >= s.settings.login_timeout_ns:
            _close(s, r, TCP_CLOSED_ENDED, now_ns)
    elif r.state != READER_FREE and now_ns - r.opened_ns >= s.settings.login_timeout_ns:
        _close(s, r, TCP_CLOSED_LOGIN_TIMEOUT, now_ns)


cdef int _serve_all(TcpServer* s, uint64_t now_ns) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t left = s.live
    cdef int work = 0
    for i in range(s.settings.readers_max):
        if left == 0:
            break
        if s.reader[i].state != READER_FREE:
            left -= 1
            work += _serve(s, &s.reader[i], now_ns)
    return work


cdef void _judge_all(TcpServer* s, uint64_t now_ns) noexcept nogil:
    cdef uint32_t i
    counter_set(s.counters[TCP_OLDEST], packet_window_oldest(&s.window))
    for i in range(s.settings.readers_max):
        if s.reader[i].state != READER_FREE:
            _judge(s, &s.reader[i], now_ns)


cdef int readers_turn(TcpServer* s, uint64_t now_ns) noexcept nogil:
    # What is in the stream goes first: readers can wait to be listened to, frames cannot.
    cdef int served = _serve_all(s, now_ns)
    cdef int heard = 0
    cdef bint judging = now_ns - s.timer_ns >= TIMER_NS
    if now_ns - s.look_ns >= LOOK_NS:
        s.look_ns = now_ns
        heard = _listen(s, now_ns)
    if judging:
        s.timer_ns = now_ns
        _judge_all(s, now_ns)
    if served == 0 and (heard or judging):
        served = _serve_all(s, now_ns)
    return served + heard


cdef bint readers_adopt(TcpServer* s, int fd, uint64_t name) noexcept nogil:
    cdef uint64_t head = s.adopted_head
    if head - load_acquire_u64(&s.adopted_tail) == ADOPTIONS_MAX:
        return False
    s.adoption[head % ADOPTIONS_MAX].fd = fd
    s.adoption[head % ADOPTIONS_MAX].name = name
    store_release_u64(&s.adopted_head, head + 1)
    return True


cdef void readers_close_all(TcpServer* s) noexcept nogil:
    cdef uint32_t i
    while s.adopted_tail < load_acquire_u64(&s.adopted_head):
        s.sockets.close(s.sockets.context, s.adoption[s.adopted_tail % ADOPTIONS_MAX].fd)
        s.adopted_tail += 1
    for i in range(s.settings.readers_max):
        if s.reader[i].state != READER_FREE:
            _close(s, &s.reader[i], TCP_CLOSED_ENDED, 0)
