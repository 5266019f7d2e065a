"""What the readers of a TCP publication are sent, and what becomes of one that is slow.

All are served from one window, each from its own position, with at most one send a turn and reader
and a bounded number of bytes in it; a reader whose socket is full is left alone for a while. So no
reader can cost another more than its own send.

Who lags by more than the queue allows is disconnected, or conflated: moved to the newest frame and
told of the gap. A reader that comes in far behind has the whole window to catch up in; the queue
counts from then on.
"""

from libc.errno cimport EAGAIN
from libc.stdint cimport UINT64_MAX, uint8_t, uint32_t, uint64_t

from ironcore.base.counters cimport counter_add
from ironcore.messaging.tcp_gap cimport GAP_PAYLOAD_BYTES, gap_encode
from ironcore.messaging.tcp_notes cimport TCP_DISPLACED_BYTES, TCP_DISPLACED_TEXT
from ironcore.messaging.tcp.reader cimport (
    READER_CONFLATED_FRAMES, READER_ENDED, READER_FREE, READER_LIVE, READER_RX_BYTES,
    READER_SENT_BYTES, READER_SLOW, SLOW_CONFLATE, TCP_CLOSED_DISPLACED, TCP_CLOSED_ERROR,
    TCP_CLOSED_SLOW, TCP_CONFLATED_FRAMES, TCP_CONFLATIONS, TCP_SENDS, TCP_SENT_BYTES, TcpReader,
    TcpServer, reader_close, reader_tell,
)
from ironcore.messaging.tcp.window cimport WindowPacket, packet_window_at, packet_window_copy
from ironcore.net.sockets cimport SocketPart
from ironcore.wire.soupbin cimport (
    SOUP_DEBUG, SOUP_END_OF_SESSION, SOUP_UNSEQUENCED_DATA, soupbin_encode_data,
    soupbin_encode_empty,
)

cdef enum:
    SEND_BYTES_MAX = 131072          # in one turn and reader
    RETRY_NS_MIN = 20000
    RETRY_NS_MAX = 500000


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


cdef void reader_displace(TcpServer* s, TcpReader* r, uint64_t now_ns) noexcept nogil:
    cdef uint8_t packet[TCP_DISPLACED_BYTES + 8]
    cdef WindowPacket at
    if r.state == READER_LIVE:
        if r.out_start == r.out_end:
            at = packet_window_at(&s.window, r.position)
            # The rest of a packet that is half sent goes first.
            packet_window_copy(&s.window, r.position, r.out, <size_t>(at.position - r.position))
            r.out_start = 0
            r.out_end = <uint32_t>(at.position - r.position)
        reader_tell(s, r, packet, soupbin_encode_data(
            packet, SOUP_DEBUG, <const uint8_t*>TCP_DISPLACED_TEXT, TCP_DISPLACED_BYTES))
        # What it has said and nobody read would have the host take back what it is told.
        s.sockets.recv(s.sockets.context, r.fd, r.rx, READER_RX_BYTES)
        s.sockets.send(s.sockets.context, r.fd, r.out + r.out_start, r.out_end - r.out_start)
    reader_close(s, r, TCP_CLOSED_DISPLACED, now_ns)


cdef void _too_slow(TcpServer* s, TcpReader* r, uint64_t now_ns) noexcept nogil:
    if s.settings.policy == SLOW_CONFLATE:
        _conflate(s, r)
    else:
        reader_close(s, r, TCP_CLOSED_SLOW, now_ns)


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


cdef bint reader_fill_out(TcpServer* s, TcpReader* r) noexcept nogil:
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
        reader_tell(s, r, packet, soupbin_encode_data(packet, SOUP_UNSEQUENCED_DATA, gap,
                                                      GAP_PAYLOAD_BYTES))
    elif r.state == READER_LIVE and s.ended and r.position == s.window.head:
        reader_tell(s, r, packet, soupbin_encode_empty(packet, SOUP_END_OF_SESSION))
        r.state = READER_ENDED
    return r.out_end > 0


cdef int _parts(TcpServer* s, TcpReader* r, SocketPart* parts) noexcept nogil:
    """What to send now: out first, then the window from the reader's position on."""
    cdef uint64_t index, to_end, bytes
    cdef int count = 0
    if reader_fill_out(s, r):
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
        reader_close(s, r, TCP_CLOSED_ERROR, now_ns)
        return 1
    r.retry_wait_ns = 0
    r.tx_ns = now_ns
    _sent(r, <uint64_t>n)
    counter_add(s.counters[TCP_SENDS], 1)
    counter_add(s.counters[TCP_SENT_BYTES], <uint64_t>n)
    counter_add(r.counters[READER_SENT_BYTES], <uint64_t>n)
    return 1


cdef int readers_serve(TcpServer* s, uint64_t now_ns) noexcept nogil:
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
