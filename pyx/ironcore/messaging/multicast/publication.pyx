"""Streams over UDP multicast: the sending end, MoldUDP64.

Frames are gathered into a packet until the next does not fit or the owner has nothing more to offer
and calls `turn`: a busy stream fills its packets, and a single frame leaves in the turn that it was
offered in. Every packet goes to each group, A and B, with the same bytes. A group that has no room
is tried again, up to a limit, while the packet goes no second time to the other one; a packet that
is given up is left to the other group and to re-requests.
"""

from libc.errno cimport EAGAIN, ENOBUFS
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport (
    STATUS_CLOSED, STATUS_FULL, STATUS_OK, STATUS_TOO_LARGE,
)
from ironcore.messaging.multicast.rerequests cimport rerequests_serve
from ironcore.messaging.multicast.window cimport (
    window_add, window_close, window_open, window_skip,
)
from ironcore.net.af_xdp.send cimport XdpFeedSender, xdp_send, xdp_send_turn
from ironcore.net.sockets cimport Network
from ironcore.wire.moldudp64 cimport (
    MOLD_BLOCK_HEADER_BYTES, MOLD_HEADER_BYTES, MOLD_PACKET_BYTES_MAX, mold_builder_add,
    mold_builder_finish, mold_builder_open, mold_encode_end_of_session, mold_encode_heartbeat,
)

from ironcore.base.counter_declaration import Counter

PUBLICATION_COUNTERS = (
    Counter("offered", "frames put into packets", unit="frames"),
    Counter("back_pressure", "frames refused because the packet before them could not be sent",
            unit="frames"),
    Counter("too_large", "frames refused because no packet has room for them", unit="frames"),
    Counter("packets", "packets with frames sent, to each group", unit="packets"),
    Counter("heartbeats", "heartbeats and end-of-session packets sent, to each group",
            unit="packets"),
    Counter("retries", "sends repeated because the host had no room", unit="calls"),
    Counter("send_errors", "sends that the host refused", unit="calls"),
    Counter("packets_left", "packets given up and left to the other group and to re-requests",
            unit="packets"),
    Counter("recalled", "frames of before a restart kept for re-requests", unit="frames"),
    Counter("requests_served", "re-requests answered", unit="packets"),
    Counter("requests_refused", "answers to re-requests that the host refused to send",
            unit="packets"),
    Counter("requests_gone", "re-requests for frames that are held no more", unit="packets"),
    Counter("requests_early", "re-requests for frames that were not sent yet, or for none",
            unit="packets"),
    Counter("requests_malformed", "re-requests that are none, or for another session",
            unit="packets"),
    Counter("requests_limited", "re-requests over the rate of their address", unit="packets"),
)

cdef enum:
    PACKET_BYTES_MIN = 128
    SESSION_BYTES = 10
    SECOND_NS = 1000000000
    LISTEN_NS = 5000                 # a re-request can wait for so long
    # The end is told in as many turns, then as often as heartbeats: subscribers believe the second.
    ENDS_TOLD = 2


cdef inline int _send(MulticastSender* s, int feed, const uint8_t* packet,
                      size_t packet_bytes) noexcept nogil:
    if s.xdp[feed] != NULL:
        return xdp_send(s.xdp[feed], packet, packet_bytes)
    return s.sockets.send_datagram(s.sockets.context, s.feeds[feed], packet, packet_bytes)


cdef bint _try_packet(MulticastSender* s, uint64_t now_ns) noexcept nogil:
    """Send the complete packet: True when it is sent or given up, False when to try again."""
    cdef bint again = False
    cdef int n
    cdef int i
    for i in range(s.feeds_count):
        if not s.feeds_left & (1u << i):
            continue
        n = _send(s, i, s.packet, s.packet_bytes)
        if n >= 0:
            counter_add(s.counters[MULTICAST_PACKETS], 1)
        else:
            s.os_error = -n
            if (n == -EAGAIN or n == -ENOBUFS) and s.retries < s.retries_max:
                counter_add(s.counters[MULTICAST_RETRIES], 1)
                again = True
                continue
            counter_add(s.counters[MULTICAST_SEND_ERRORS], 1)
            counter_add(s.counters[MULTICAST_PACKETS_LEFT], 1)
        s.feeds_left &= ~(1u << i)
    if again:
        s.retries += 1
        return False
    s.sent_ns = now_ns
    s.packet_bytes = 0
    s.retries = 0
    s.builder.message_count = 0
    return True


cdef bint _flush(MulticastSender* s, uint64_t now_ns) noexcept nogil:
    """Complete and send the packet in hand, if any: False when it has to be tried again."""
    if s.packet_bytes == 0 and s.builder.message_count:
        s.packet_bytes = <uint32_t>mold_builder_finish(&s.builder)
        s.feeds_left = (1u << s.feeds_count) - 1
    return s.packet_bytes == 0 or _try_packet(s, now_ns)


cdef inline uint64_t _sent_next(const MulticastSender* s) noexcept nogil:
    return s.sequence_next - s.builder.message_count


cdef int _offer(void* self, const uint8_t* frame, uint32_t frame_bytes,
                uint64_t now_ns) noexcept nogil:
    cdef MulticastSender* s = <MulticastSender*>self
    cdef uint32_t block_bytes = MOLD_BLOCK_HEADER_BYTES + frame_bytes
    if s.ended:
        return STATUS_CLOSED
    if frame_bytes > s.packet_bytes_max - MOLD_HEADER_BYTES - MOLD_BLOCK_HEADER_BYTES:
        counter_add(s.counters[MULTICAST_TOO_LARGE], 1)
        return STATUS_TOO_LARGE
    if s.packet_bytes or (s.builder.message_count
                          and s.builder.bytes + block_bytes > s.packet_bytes_max):
        if not _flush(s, now_ns):
            counter_add(s.counters[MULTICAST_BACK_PRESSURE], 1)
            return STATUS_FULL
    if s.builder.message_count == 0:
        mold_builder_open(&s.builder, s.packet, s.packet_bytes_max, s.server.session,
                          s.sequence_next)
    mold_builder_add(&s.builder, frame, frame_bytes)
    window_add(&s.server.window, frame, <uint16_t>frame_bytes)
    s.sequence_next += 1
    counter_add(s.counters[MULTICAST_OFFERED], 1)
    return STATUS_OK


cdef void _heartbeat(MulticastSender* s, uint64_t now_ns) noexcept nogil:
    """Say that the stream is alive, or over, when nothing else has said so for a while."""
    cdef uint8_t packet[MOLD_HEADER_BYTES]
    cdef bint end_due = s.ended and s.ends_told < ENDS_TOLD
    cdef int n
    cdef int i
    if now_ns - s.sent_ns < s.heartbeat_ns and not end_due:
        return
    s.sent_ns = now_ns
    if s.ended:
        s.ends_told = min(s.ends_told + 1, ENDS_TOLD)
        mold_encode_end_of_session(packet, s.server.session, s.sequence_next)
    else:
        mold_encode_heartbeat(packet, s.server.session, s.sequence_next)
    for i in range(s.feeds_count):
        n = _send(s, i, packet, MOLD_HEADER_BYTES)
        if n < 0:
            s.os_error = -n
            counter_add(s.counters[MULTICAST_SEND_ERRORS], 1)
        else:
            counter_add(s.counters[MULTICAST_HEARTBEATS], 1)


cdef int _turn(void* self, uint64_t now_ns) noexcept nogil:
    cdef MulticastSender* s = <MulticastSender*>self
    cdef int work
    cdef int i
    if _flush(s, now_ns):
        _heartbeat(s, now_ns)
    for i in range(s.feeds_count):
        if s.xdp[i] != NULL:
            xdp_send_turn(s.xdp[i])
    if now_ns < s.listen_ns:
        return 0
    work = rerequests_serve(&s.server, _sent_next(s), now_ns, s.counters + MULTICAST_ANSWERS)
    if work == 0:
        s.listen_ns = now_ns + LISTEN_NS
    if s.server.os_error:
        s.os_error = s.server.os_error
        s.server.os_error = 0
    return work


cdef void _recall(void* self, const uint8_t* frame, uint32_t frame_bytes) noexcept nogil:
    cdef MulticastSender* s = <MulticastSender*>self
    window_add(&s.server.window, frame, <uint16_t>frame_bytes)
    s.sequence_next += 1
    counter_add(s.counters[MULTICAST_RECALLED], 1)


cdef int _skip(void* self, uint64_t count) noexcept nogil:
    # Subscribers see the jump of the numbers, ask in vain, and give them up.
    cdef MulticastSender* s = <MulticastSender*>self
    if s.ended:
        return STATUS_CLOSED
    if not _flush(s, s.sent_ns):
        return STATUS_FULL
    s.sequence_next += count
    window_skip(&s.server.window, count)
    return STATUS_OK


cdef uint64_t _sequence_next(void* self) noexcept nogil:
    return (<MulticastSender*>self).sequence_next


cdef uint64_t _departed_next(void* self) noexcept nogil:
    return _sent_next(<const MulticastSender*>self)


cdef void _end(void* self) noexcept nogil:
    (<MulticastSender*>self).ended = True


cdef class MulticastPublication(PublicationEnd):
    """MoldUDP64 over one UDP socket, or two (A and B), connected to a group each.

    `session` is the stream's name, up to ten characters. `request_fd` is a bound socket on which
    re-requests arrive (-1: none); they are answered out of the newest frames, `window_bytes` of
    them and no older than `window_ns` (0: any age), at most `rate` answers a second to one address
    (0: without limit), `burst` of them at once. A packet that the host has no room for is tried
    `retries_max` times more. The caller keeps the sockets open; `owner` is kept as long as this.
    `xdp`: for each feed an XdpFeedSender that sends in the place of its socket, or None.
    `network` is the host's unless given. ValueError: more than two feeds, a session or packet size
    that cannot be.
    """

    def __init__(self, feeds, str session, *, int request_fd=-1,
                 uint64_t heartbeat_ns=SECOND_NS, uint64_t window_bytes=8 << 20,
                 uint64_t window_ns=0, uint64_t rate=20_000, uint64_t burst=2_000,
                 uint32_t retries_max=1000, uint32_t packet_bytes_max=MOLD_PACKET_BYTES_MAX,
                 xdp=(), CounterSet counters=None, Network network=None, owner=None):
        cdef MulticastSender* s = &self.sender
        name = session.encode("ascii")
        if not 1 <= len(name) <= SESSION_BYTES:
            raise ValueError(f"session: found {session!r}, expected 1 to {SESSION_BYTES} "
                             "characters")
        if len(feeds) > FEEDS_MAX:
            raise ValueError(f"feeds: found {len(feeds)}, expected at most {FEEDS_MAX}")
        if not PACKET_BYTES_MIN <= packet_bytes_max <= MOLD_PACKET_BYTES_MAX:
            raise ValueError(f"packet_bytes_max: found {packet_bytes_max}, expected "
                             f"{PACKET_BYTES_MIN} to {MOLD_PACKET_BYTES_MAX}")
        if counters is None:
            counters = CounterSet("publication", PUBLICATION_COUNTERS)
        self.counters = counters
        self.network = Network() if network is None else network
        self.sockets_owner = owner
        window_close(&s.server.window)
        memset(s, 0, sizeof(s[0]))
        s.counters = counters.values
        s.sockets = self.network.sockets
        for i, fd in enumerate(feeds):
            s.feeds[i] = fd
        s.feeds_count = <int>len(feeds)
        self.xdp = tuple(xdp)
        for i, sender in enumerate(self.xdp[:len(feeds)]):
            if sender is not None:
                s.xdp[i] = &(<XdpFeedSender?>sender).sender
        s.heartbeat_ns = heartbeat_ns
        s.packet_bytes_max = packet_bytes_max
        s.retries_max = retries_max
        s.sequence_next = 1
        name = name.ljust(SESSION_BYTES)
        memcpy(s.server.session, <const char*>name, SESSION_BYTES)
        s.server.sockets = self.network.sockets
        s.server.fd = request_fd
        s.server.packet_bytes_max = packet_bytes_max
        if rate:
            s.server.interval_ns = max(<uint64_t>1, SECOND_NS // rate)
            s.server.burst_ns = s.server.interval_ns * max(<uint64_t>1, burst)
        if window_open(&s.server.window, window_bytes, window_ns) != STATUS_OK:
            raise MemoryError
        self.publication.self = &self.sender
        self.publication.offer = _offer
        self.publication.turn = _turn
        self.publication.recall = _recall
        self.publication.skip = _skip
        self.publication.sequence_next = _sequence_next
        self.publication.departed_next = _departed_next
        self.publication.end = _end

    def __dealloc__(self):
        window_close(&self.sender.server.window)

    @property
    def os_error(self):
        """errno of the last send that the host refused, 0 for none."""
        return self.sender.os_error
