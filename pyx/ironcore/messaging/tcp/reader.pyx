"""One reader of a TCP publication: what it is told between two packets, and its end."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.check cimport iron_assert
from ironcore.base.counters cimport counter_add, counter_set


cdef void reader_close(TcpServer* s, TcpReader* r, int reason, uint64_t now_ns) noexcept nogil:
    counter_add(s.counters[reason], 1)
    s.sockets.unwatch(s.sockets.context, s.poller, r.fd)
    s.sockets.close(s.sockets.context, r.fd)
    if reason == TCP_CLOSED_SLOW:
        counter_add(r.counters[READER_SLOW], 1)
    elif reason == TCP_CLOSED_PEER_TIMEOUT:
        counter_add(r.counters[READER_TIMEOUTS], 1)
    elif reason == TCP_CLOSED_DISPLACED:
        counter_add(r.counters[READER_DISPLACED], 1)
    counter_set(r.counters[READER_CONNECTED], 0)
    r.state = READER_FREE
    r.left_ns = now_ns
    s.live -= 1
    counter_set(s.counters[TCP_READERS], s.live + s.waiting)


cdef void reader_tell(TcpServer* s, TcpReader* r, const uint8_t* packet,
                      size_t bytes) noexcept nogil:
    iron_assert(r.out_end + bytes <= s.settings.frame_bytes_max + READER_OUT_EXTRA_BYTES,
                "what is told between two packets fits")
    memcpy(r.out + r.out_end, packet, bytes)
    r.out_end += <uint32_t>bytes
