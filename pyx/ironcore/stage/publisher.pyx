"""The publisher: sends the event stream as ITCH 5.0 in MoldUDP64 packets, and serves re-requests.

A message's number is its count since the stream began, so any publisher that has read the stream
gives it the same number. A restarted one reads the journal up to where it had released the ring,
and goes on there: it may send again what was sent and not released, and never leaves a gap. One
that was too slow and evicted catches up from the journal in the same way, sending what it missed.
"""

cimport cython
from libc.errno cimport EAGAIN, ENOBUFS
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.check cimport iron_assert
from ironcore.base.clock cimport host_clock
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport (
    STATUS_CORRUPT, STATUS_EMPTY, STATUS_EVICTED, STATUS_FULL, STATUS_OK, STATUS_TRUNCATED,
)
from ironcore.net.sockets cimport Network
from ironcore.ring.broadcast cimport Reader as StreamReader
from ironcore.ring.broadcast cimport (
    broadcast_advance, broadcast_intact, broadcast_join, broadcast_peek, broadcast_release,
)
from ironcore.stage.agent cimport Agent, Stage
from ironcore.base.counter_set cimport CounterSet
from ironcore.stage.itch_feed cimport itch_feed_apply, itch_feed_close, itch_feed_open
from ironcore.stage.journal_cursor cimport (
    journal_cursor_close, journal_cursor_next, journal_cursor_open, journal_cursor_seek,
)
from ironcore.stage.journal_reader cimport journal_directory
from ironcore.stage.publisher_window cimport window_add, window_close, window_copy, window_open
from ironcore.wire.codec cimport load_u16_be
from ironcore.wire.moldudp64 cimport (
    MOLD_BLOCK_HEADER_BYTES, MOLD_HEADER_BYTES, MOLD_PACKET_BYTES_MAX, MoldBuilder, MoldHeader,
    mold_builder_add, mold_builder_finish, mold_builder_open, mold_decode_request,
    mold_encode_end_of_session, mold_encode_heartbeat,
)
from ironcore.wire.record cimport FRAME_PAYLOAD_BYTES_MAX

COUNTERS = (
    ("frames", "frames of the event stream taken"),
    ("messages", "ITCH messages put into packets"),
    ("packets", "packets with messages sent"),
    ("heartbeats", "heartbeats and end-of-session packets sent"),
    ("caught_up", "frames read from the journal instead of the ring"),
    ("retries", "sends repeated because the host had no room"),
    ("send_errors", "sends that the host refused"),
    ("packets_left", "packets given up and left to re-requests"),
    ("requests", "re-request datagrams received"),
    ("requests_served", "re-requests answered"),
    ("evictions", "times that the stream did not wait for the publisher any more"),
)

cdef enum:
    REQUESTS_MAX = 16                # answered in one poll
    PACKET_BYTES_MIN = 128           # one message always fits


cdef bint _try_packet(Publisher* p) noexcept nogil:
    """Send the complete packet: True when it is sent or given up, False when to try again."""
    cdef int n = p.sockets.send_datagram(p.sockets.context, p.feed_fd, p.packet, p.packet_bytes)
    if n < 0:
        p.os_error = -n
        if (n == -EAGAIN or n == -ENOBUFS) and p.retries < p.retries_max:
            p.retries += 1
            counter_add(p.counters[PUBLISHER_RETRIES], 1)
            return False
        counter_add(p.counters[PUBLISHER_SEND_ERRORS], 1)
        counter_add(p.counters[PUBLISHER_PACKETS_LEFT], 1)
    else:
        counter_add(p.counters[PUBLISHER_PACKETS], 1)
    p.sent_ns = p.clock.mono_ns(p.clock.context)
    p.packet_bytes = 0
    p.retries = 0
    p.builder.message_count = 0
    return True


cdef bint _flush(Publisher* p) noexcept nogil:
    """Complete and send the packet in hand, if any: False when it has to be tried again."""
    if p.packet_bytes == 0 and p.builder.message_count:
        p.packet_bytes = <uint32_t>mold_builder_finish(&p.builder)
    return p.packet_bytes == 0 or _try_packet(p)


cdef bint _pack(Publisher* p) noexcept nogil:
    """Put the frame's messages into packets and send those that are full: False as in _flush."""
    cdef const uint8_t* block
    cdef uint16_t message_bytes
    while p.blocks_offset < p.blocks_bytes:
        if p.packet_bytes and not _try_packet(p):
            return False
        if p.builder.message_count == 0:
            mold_builder_open(&p.builder, p.packet, p.packet_bytes_max, p.feed.stream_name,
                              p.message_next)
        block = p.blocks + p.blocks_offset
        message_bytes = load_u16_be(block)
        if mold_builder_add(&p.builder, block + MOLD_BLOCK_HEADER_BYTES,
                            message_bytes) == STATUS_FULL:
            if not _flush(p):
                return False
            continue
        p.blocks_offset += MOLD_BLOCK_HEADER_BYTES + message_bytes
        p.message_next += 1
        counter_add(p.counters[PUBLISHER_MESSAGES], 1)
    return True


cdef int _take(Publisher* p, uint64_t sequence, const uint8_t* payload,
               uint32_t payload_bytes) noexcept nogil:
    """Translate the next frame; its messages are to be packed if they were not sent before."""
    cdef uint32_t offset = 0
    cdef uint16_t block_bytes
    cdef int status = itch_feed_apply(&p.feed, sequence, payload, payload_bytes, p.blocks,
                                      &p.blocks_bytes)
    if status != STATUS_OK:
        return status
    counter_add(p.counters[PUBLISHER_FRAMES], 1)
    while offset < p.blocks_bytes:
        block_bytes = MOLD_BLOCK_HEADER_BYTES + load_u16_be(p.blocks + offset)
        window_add(&p.window, p.blocks + offset, block_bytes)
        offset += block_bytes
    p.blocks_offset = 0
    if sequence <= p.sequence_sent:
        p.blocks_offset = p.blocks_bytes
        p.message_next = p.window.sequence_next
    return STATUS_OK


cdef int _take_from_ring(Publisher* p) noexcept nogil:
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint64_t sequence = 0
    cdef int status = broadcast_peek(p.stream, &payload, &payload_bytes, &sequence)
    if status == STATUS_OK:
        iron_assert(payload_bytes <= FRAME_PAYLOAD_BYTES_MAX, "a frame of the stream fits")
        memcpy(p.frame, payload, payload_bytes)
        # What is published cannot be taken back: be sure that the copy is of the frame.
        status = broadcast_intact(p.stream)
    if status != STATUS_OK:
        return status
    status = _take(p, sequence, p.frame, payload_bytes)
    if status == STATUS_OK:
        broadcast_advance(p.stream)
        p.held = True
    return status


cdef int _take_from_journal(Publisher* p) noexcept nogil:
    """STATUS_EMPTY while the journal does not hold the next frame yet."""
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint64_t sequence = 0
    cdef int status = STATUS_OK
    if not p.journal_given:
        return STATUS_CORRUPT
    if not p.journal_sought:
        status = journal_cursor_seek(&p.journal, p.feed.sequence + 1)
        p.journal_sought = status == STATUS_OK
    if status == STATUS_OK:
        status = journal_cursor_next(&p.journal, &payload, &payload_bytes, &sequence)
    if status == STATUS_TRUNCATED:
        return STATUS_EMPTY
    if status != STATUS_OK:
        return status
    counter_add(p.counters[PUBLISHER_CAUGHT_UP], 1)
    return _take(p, sequence, payload, payload_bytes)


cdef int _rejoin(Publisher* p) noexcept nogil:
    """After an eviction: hold the ring again where it is now, and catch up from the journal."""
    counter_add(p.counters[PUBLISHER_EVICTIONS], 1)
    if not p.journal_given:
        return STATUS_EVICTED
    broadcast_join(p.stream)
    p.journal_sought = False
    p.held = False
    return STATUS_EMPTY


cdef int _publish(Publisher* p, int batch_max, int* work) noexcept nogil:
    """Move frames into packets: STATUS_OK when the batch is done, STATUS_EMPTY when there are no
    more frames now, STATUS_FULL when the host takes no packet now."""
    cdef int status
    while work[0] < batch_max:
        if not _pack(p):
            return STATUS_FULL
        if p.feed.sequence + 1 < p.stream.sequence_next:
            status = _take_from_journal(p)
        else:
            status = _take_from_ring(p)
            if status == STATUS_EVICTED:
                status = _rejoin(p)
        if status != STATUS_OK:
            return status
        work[0] += 1
    return STATUS_OK if _pack(p) else STATUS_FULL


cdef void _heartbeat(Publisher* p) noexcept nogil:
    """Say that the feed is alive, or over, when nothing else has said so for a while."""
    cdef uint64_t now = p.clock.mono_ns(p.clock.context)
    cdef uint8_t packet[MOLD_HEADER_BYTES]
    cdef int n
    cdef bint end_due = p.ending and not p.end_told
    if p.feed.sequence == 0 or (now - p.sent_ns < p.heartbeat_ns and not end_due):
        return
    p.end_told = p.ending
    if p.ending:
        mold_encode_end_of_session(packet, p.feed.stream_name, p.message_next)
    else:
        mold_encode_heartbeat(packet, p.feed.stream_name, p.message_next)
    n = p.sockets.send_datagram(p.sockets.context, p.feed_fd, packet, MOLD_HEADER_BYTES)
    p.sent_ns = now
    if n < 0:
        p.os_error = -n
        counter_add(p.counters[PUBLISHER_SEND_ERRORS], 1)
    else:
        counter_add(p.counters[PUBLISHER_HEARTBEATS], 1)


cdef void _serve(Publisher* p, const MoldHeader* request, uint32_t address,
                 uint16_t port) noexcept nogil:
    """Answer one re-request. What is not held, or was not sent yet, gets silence."""
    cdef uint8_t packet[MOLD_PACKET_BYTES_MAX]
    cdef MoldBuilder builder
    cdef uint64_t first = request.sequence_number
    cdef uint64_t sent_next = p.message_next
    cdef uint64_t count = request.message_count
    cdef size_t packet_bytes
    if p.packet_bytes or p.builder.message_count:
        sent_next -= p.builder.message_count
    if first >= sent_next:
        return
    count = min(count, sent_next - first)
    mold_builder_open(&builder, packet, p.packet_bytes_max, p.feed.stream_name, first)
    if window_copy(&p.window, first, <uint16_t>count, &builder) == 0:
        return
    packet_bytes = mold_builder_finish(&builder)
    if p.sockets.send_datagram_to(p.sockets.context, p.request_fd, packet, packet_bytes, address,
                                  port) < 0:
        counter_add(p.counters[PUBLISHER_SEND_ERRORS], 1)
    else:
        counter_add(p.counters[PUBLISHER_REQUESTS_SERVED], 1)


cdef int _serve_requests(Publisher* p) noexcept nogil:
    """Answer the re-requests that wait, up to REQUESTS_MAX: how many came in."""
    # One byte more than a request, so that a longer datagram is seen to be longer.
    cdef uint8_t datagram[MOLD_HEADER_BYTES + 1]
    cdef MoldHeader request
    cdef uint32_t address = 0
    cdef uint16_t port = 0
    cdef long n
    cdef int count = 0
    while count < REQUESTS_MAX:
        n = p.sockets.recv_datagram(p.sockets.context, p.request_fd, datagram, sizeof(datagram),
                                    &address, &port)
        if n < 0:
            break
        count += 1
        counter_add(p.counters[PUBLISHER_REQUESTS], 1)
        if (mold_decode_request(datagram, <size_t>n, &request) == STATUS_OK
                and memcmp(request.session, p.feed.stream_name, sizeof(request.session)) == 0):
            _serve(p, &request, address, port)
    return count


cdef int publisher_poll(void* self, int batch_max) noexcept nogil:
    cdef Publisher* p = <Publisher*>self
    cdef int work = 0
    cdef int status = _publish(p, batch_max, &work)
    if status == STATUS_FULL or not _flush(p):
        # The packet is tried again in the next poll; until then its frames are not released.
        return work
    if p.held:
        p.held = False
        if broadcast_release(p.stream) == STATUS_EVICTED:
            status = _rejoin(p)
    if status != STATUS_OK and status != STATUS_EMPTY:
        return -status
    if p.feed.sequence + 1 >= p.stream.sequence_next:
        _heartbeat(p)
        if p.request_fd >= 0:
            work += _serve_requests(p)
    return work


@cython.no_gc_clear  # the files are closed through the directory
cdef class PublisherStage(Stage):
    """The publisher of one venue.

    `feed_fd` is a UDP socket connected to the group, `request_fd` a bound one on which re-requests
    arrive (-1: none); the caller keeps both open. `journal` is a path or a FileDirectory; without
    one a publisher cannot be restarted, nor go on after an eviction. `window_bytes` of messages are
    kept for re-requests. A packet that the host has no room for is tried `retries_max` times more.
    `network` is the host's unless given.
    """

    def __cinit__(self, StreamReader stream, int feed_fd, CounterSet counters, *,
                  int request_fd=-1, journal=None, uint64_t heartbeat_ns=1_000_000_000,
                  uint64_t window_bytes=8 << 20, uint32_t retries_max=1000,
                  uint32_t packet_bytes_max=MOLD_PACKET_BYTES_MAX, Network network=None):
        cdef Publisher* p = &self.p
        memset(p, 0, sizeof(p[0]))
        p.journal.fd = -1
        if not PACKET_BYTES_MIN <= packet_bytes_max <= MOLD_PACKET_BYTES_MAX:
            raise ValueError(f"packets of {packet_bytes_max} bytes: expected {PACKET_BYTES_MIN} to "
                             f"{MOLD_PACKET_BYTES_MAX}")
        self.stream_owner = stream
        self.counters = counters
        p.stream = &stream.ring
        self.network = Network() if network is None else network
        p.sockets = self.network.sockets
        p.clock = host_clock()
        p.counters = counters.values
        p.feed_fd = feed_fd
        p.request_fd = request_fd
        p.heartbeat_ns = heartbeat_ns
        p.retries_max = retries_max
        p.packet_bytes_max = packet_bytes_max
        p.message_next = 1
        p.sequence_sent = p.stream.sequence_next - 1
        if (itch_feed_open(&p.feed) != STATUS_OK
                or window_open(&p.window, window_bytes) != STATUS_OK):
            raise MemoryError
        if journal is not None:
            self.directory = journal_directory(journal)
            if journal_cursor_open(&p.journal, &self.directory.files) != STATUS_OK:
                raise MemoryError
            p.journal_given = True

    def __dealloc__(self):
        itch_feed_close(&self.p.feed)
        window_close(&self.p.window)
        if self.p.journal_given:
            journal_cursor_close(&self.p.journal)

    cdef Agent agent(self):
        cdef Agent agent
        agent.poll = publisher_poll
        agent.self = &self.p
        agent.name = b"publisher"
        return agent

    def poll_once(self, int batch_max=256):
        """One poll: the work done, or a negative status."""
        cdef int work
        with nogil:
            work = publisher_poll(&self.p, batch_max)
        return work

    def end_session(self):
        """Tell subscribers, once everything is sent, that the session is over; polls repeat it."""
        self.p.ending = True

    @property
    def ready(self):
        """Whether the publisher has caught up with the ring."""
        return self.p.feed.sequence + 1 >= self.p.stream.sequence_next

    @property
    def message_next(self):
        """MoldUDP64 sequence of the next message."""
        return self.p.message_next

    @property
    def os_error(self):
        """errno of the last send that the host refused, 0 for none."""
        return self.p.os_error
