"""The publisher: translates the event stream to ITCH 5.0 and offers it to a publication.

Which transport the publication is makes no difference here. A message's number is its count since
the stream began, so any publisher that has read the stream gives it the same number. A restarted
one reads the journal up to where it had released the ring, and goes on there: it may publish again
what was published and not released, and never leaves a gap; what a publication holds already, as a
ring in shared memory does, is passed over. One that was too slow and evicted catches up from the
journal in the same way, publishing what it missed.
"""

cimport cython
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.check cimport iron_assert
from ironcore.base.clock cimport host_clock
from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport (
    STATUS_CORRUPT, STATUS_EMPTY, STATUS_EVICTED, STATUS_FULL, STATUS_OK, STATUS_TRUNCATED,
)
from ironcore.messaging.publication cimport PublicationEnd
from ironcore.ring.broadcast cimport Reader as StreamReader
from ironcore.ring.broadcast_reader cimport (
    broadcast_advance, broadcast_intact, broadcast_join, broadcast_peek, broadcast_release,
)
from ironcore.stage.agent cimport Agent, Stage
from ironcore.market_data.itch_feed cimport itch_feed_apply, itch_feed_close, itch_feed_open
from ironcore.stream.journal_cursor cimport (
    journal_cursor_close, journal_cursor_next, journal_cursor_open, journal_cursor_seek,
)
from ironcore.stream.journal_reader cimport journal_directory
from ironcore.wire.codec cimport load_u16_be
from ironcore.wire.moldudp64 cimport MOLD_BLOCK_HEADER_BYTES
from ironcore.wire.record cimport FRAME_PAYLOAD_BYTES_MAX

from ironcore.base.counter_declaration import Counter

COUNTERS = (
    Counter("frames", "frames of the event stream taken", unit="frames"),
    Counter("messages", "ITCH messages published", unit="messages"),
    Counter("caught_up", "frames read from the journal instead of the ring", unit="frames"),
    Counter("evictions", "times that the stream did not wait for the publisher any more"),
)


cdef int _offer_blocks(Publisher* p, uint64_t now_ns) noexcept nogil:
    """Publish what is left of the frame in hand: STATUS_OK, or why it has to be offered again."""
    cdef const Publication* publication = p.publication
    cdef const uint8_t* block
    cdef uint16_t message_bytes
    cdef int status
    while p.blocks_offset < p.blocks_bytes:
        block = p.blocks + p.blocks_offset
        message_bytes = load_u16_be(block)
        block += MOLD_BLOCK_HEADER_BYTES
        if p.message_next >= publication.sequence_next(publication.self):
            if p.feed.walk.sequence <= p.sequence_sent:
                publication.recall(publication.self, block, message_bytes)
            else:
                status = publication.offer(publication.self, block, message_bytes, now_ns)
                if status != STATUS_OK:
                    return status
                counter_add(p.counters[PUBLISHER_MESSAGES], 1)
        p.blocks_offset += MOLD_BLOCK_HEADER_BYTES + message_bytes
        p.message_next += 1
    return STATUS_OK


cdef int _take(Publisher* p, uint64_t sequence, const uint8_t* payload,
               uint32_t payload_bytes) noexcept nogil:
    """Translate the next frame; its messages are to be offered."""
    cdef int status = itch_feed_apply(&p.feed, sequence, payload, payload_bytes, p.blocks,
                                      &p.blocks_bytes)
    if status != STATUS_OK:
        return status
    counter_add(p.counters[PUBLISHER_FRAMES], 1)
    p.blocks_offset = 0
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
        status = journal_cursor_seek(&p.journal, p.feed.walk.sequence + 1)
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


cdef int _publish(Publisher* p, int batch_max, uint64_t now_ns, int* work) noexcept nogil:
    """Move frames into the publication: STATUS_OK when the batch is done, STATUS_EMPTY when there
    are no more frames now, STATUS_FULL when the publication takes nothing now."""
    cdef int status
    while work[0] < batch_max:
        status = _offer_blocks(p, now_ns)
        if status != STATUS_OK:
            return status
        if p.feed.walk.sequence + 1 < p.stream.sequence_next:
            status = _take_from_journal(p)
        else:
            status = _take_from_ring(p)
            if status == STATUS_EVICTED:
                status = _rejoin(p)
        if status != STATUS_OK:
            return status
        work[0] += 1
    return _offer_blocks(p, now_ns)


cdef inline bint _departed(const Publisher* p) noexcept nogil:
    """Whether all that was taken has left the publication."""
    cdef const Publication* publication = p.publication
    return p.blocks_offset == p.blocks_bytes and (
        publication.departed_next == NULL
        or publication.departed_next(publication.self) >= p.message_next)


cdef int publisher_poll(void* self, int batch_max) noexcept nogil:
    cdef Publisher* p = <Publisher*>self
    cdef uint64_t now_ns = p.clock.mono_ns(p.clock.context)
    cdef int work = 0
    cdef int turned = 0
    cdef int status = _publish(p, batch_max, now_ns, &work)
    if status == STATUS_EMPTY and p.ending and p.feed.walk.sequence + 1 >= p.stream.sequence_next:
        p.publication.end(p.publication.self)
    # Before the end of what an earlier publisher sent, this one does not know the next number.
    if p.feed.walk.sequence and p.feed.walk.sequence >= p.sequence_sent:
        turned = p.publication.turn(p.publication.self, now_ns)
    if turned < 0:
        return turned
    # What has not left is not released: a restart would not send it.
    if p.held and _departed(p):
        p.held = False
        if broadcast_release(p.stream) == STATUS_EVICTED:
            status = _rejoin(p)
    if status != STATUS_OK and status != STATUS_EMPTY and status != STATUS_FULL:
        return -status
    return work + turned


@cython.no_gc_clear  # the files are closed through the directory
cdef class PublisherStage(Stage):
    """The publisher of one venue.

    `publication` takes the messages, each a frame. `journal` is a path or a FileDirectory; without
    one a publisher cannot be restarted, nor go on after an eviction.
    """

    def __cinit__(self, StreamReader stream, PublicationEnd publication not None,
                  CounterSet counters, *, journal=None):
        cdef Publisher* p = &self.p
        memset(p, 0, sizeof(p[0]))
        p.journal.fd = -1
        self.stream_owner = stream
        self.publication = publication
        self.counters = counters
        p.stream = &stream.ring
        p.publication = &publication.publication
        p.clock = host_clock()
        p.counters = counters.values
        p.message_next = 1
        p.sequence_sent = p.stream.sequence_next - 1
        if itch_feed_open(&p.feed) != STATUS_OK:
            raise MemoryError
        if journal is not None:
            self.directory = journal_directory(journal)
            if journal_cursor_open(&p.journal, &self.directory.files) != STATUS_OK:
                raise MemoryError
            p.journal_given = True

    def __dealloc__(self):
        itch_feed_close(&self.p.feed)
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
        """Tell subscribers, once everything is published, that the stream is over."""
        self.p.ending = True

    @property
    def ready(self):
        """Whether the publisher has caught up with the ring."""
        return self.p.feed.walk.sequence + 1 >= self.p.stream.sequence_next

    @property
    def message_next(self):
        """Number of the next message."""
        return self.p.message_next

    @property
    def os_error(self):
        """errno of what the host refused the publication last, 0 for none."""
        return getattr(self.publication, "os_error", 0)
