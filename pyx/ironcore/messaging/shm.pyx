"""Streams over a broadcast ring in shared memory.

A gating reader is waited for, up to its patience; when it is evicted its next poll says so, and the
one after goes on with the oldest frame still held, after a gap. A lossy reader is never waited for,
and is told of what was overwritten before it came as of any other gap.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc

from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport (
    STATUS_CLOSED, STATUS_EMPTY, STATUS_EVICTED, STATUS_FULL, STATUS_OK, STATUS_OVERRUN,
)
from ironcore.ring.broadcast cimport (
    LossyReader, Producer, Reader, broadcast_advance, broadcast_intact, broadcast_join,
    broadcast_offer, broadcast_peek, broadcast_release,
)
from ironcore.ring.broadcast_file cimport PATIENCE_FOREVER
from ironcore.ring.frame cimport FRAME_CAPACITY_SHARE

PUBLICATION_COUNTERS = (
    ("offered", "frames put into the ring"),
    ("back_pressure", "frames refused because a gating reader is behind"),
    ("too_large", "frames refused because they are longer than the ring can hold"),
)
SUBSCRIPTION_COUNTERS = (
    ("frames", "frames taken from the ring"),
    ("gaps", "times that frames were lost"),
    ("gap_frames", "frames lost"),
    ("evictions", "times that the producer did not wait for this reader any more"),
)


cdef int _offer(void* self, const uint8_t* frame, uint32_t frame_bytes,
                uint64_t now_ns) noexcept nogil:
    cdef ShmSender* s = <ShmSender*>self
    cdef int status
    if s.ended:
        return STATUS_CLOSED
    status = broadcast_offer(s.ring, frame, frame_bytes, now_ns)
    if status == STATUS_OK:
        counter_add(s.counters[SHM_OFFERED], 1)
    elif status == STATUS_FULL:
        counter_add(s.counters[SHM_BACK_PRESSURE], 1)
    else:
        counter_add(s.counters[SHM_TOO_LARGE], 1)
    return status


cdef int _turn(void* self, uint64_t now_ns) noexcept nogil:
    return 0


cdef void _recall(void* self, const uint8_t* frame, uint32_t frame_bytes) noexcept nogil:
    # A ring keeps its frames itself; one that was made anew gets them again.
    _offer(self, frame, frame_bytes, 0)


cdef uint64_t _sender_next(void* self) noexcept nogil:
    return (<ShmSender*>self).ring.sequence_next


cdef void _end(void* self) noexcept nogil:
    (<ShmSender*>self).ended = True


cdef void _rejoin(ShmReceiver* r, const FrameHandler* handler) noexcept nogil:
    """After an eviction that was told: gate again, and tell what was missed."""
    cdef uint64_t expected = r.ring.sequence_next
    broadcast_join(r.ring)
    r.eviction = EVICTION_NONE
    if r.ring.sequence_next > expected:
        counter_add(r.counters[SHM_GAPS], 1)
        counter_add(r.counters[SHM_GAP_FRAMES], r.ring.sequence_next - expected)
        handler.gap(handler.context, expected, r.ring.sequence_next - expected)


cdef int _take(ShmReceiver* r, const FrameHandler* handler) noexcept nogil:
    """Hand over the next frame: STATUS_FULL when the handler does not take it, else what the ring
    says of it."""
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint64_t sequence = 0
    cdef uint64_t expected = r.ring.sequence_next
    cdef uint64_t lost = r.ring.lost_frames
    cdef int status = broadcast_peek(r.ring, &payload, &payload_bytes, &sequence)
    if status == STATUS_OVERRUN:
        counter_add(r.counters[SHM_GAPS], 1)
        counter_add(r.counters[SHM_GAP_FRAMES], r.ring.lost_frames - lost)
        handler.gap(handler.context, expected, r.ring.lost_frames - lost)
        return STATUS_OVERRUN
    if status != STATUS_OK:
        return status
    if r.copy != NULL:
        memcpy(r.copy, payload, payload_bytes)
        payload = r.copy
        status = broadcast_intact(r.ring)
        if status != STATUS_OK:
            return status
    if handler.frame(handler.context, sequence, payload, payload_bytes) != STATUS_OK:
        return STATUS_FULL
    broadcast_advance(r.ring)
    return STATUS_OK


cdef int _poll(void* self, const FrameHandler* handler, int batch_max,
               uint64_t now_ns) noexcept nogil:
    cdef ShmReceiver* r = <ShmReceiver*>self
    cdef int taken = 0
    cdef int status = STATUS_OK
    if r.eviction == EVICTION_TO_TELL:
        r.eviction = EVICTION_TOLD
        return -STATUS_EVICTED
    if r.eviction == EVICTION_TOLD:
        _rejoin(r, handler)
    while taken < batch_max:
        status = _take(r, handler)
        if status == STATUS_OVERRUN:
            continue
        if status != STATUS_OK:
            break
        taken += 1
    if taken:
        counter_add(r.counters[SHM_FRAMES], taken)
        if broadcast_release(r.ring) == STATUS_EVICTED:
            status = STATUS_EVICTED
    if status == STATUS_EVICTED:
        counter_add(r.counters[SHM_EVICTIONS], 1)
        r.eviction = EVICTION_TO_TELL if taken else EVICTION_TOLD
    if taken:
        return taken
    if status == STATUS_OK or status == STATUS_EMPTY or status == STATUS_FULL:
        return 0
    return -status


cdef uint64_t _receiver_next(void* self) noexcept nogil:
    return (<ShmReceiver*>self).ring.sequence_next


cdef class ShmPublication(PublicationEnd):
    """The one producer of the broadcast ring at `path`, which exists."""

    def __init__(self, path, CounterSet counters=None):
        cdef Producer producer = Producer(path)
        if counters is None:
            counters = CounterSet("publication", PUBLICATION_COUNTERS)
        self.producer = producer
        self.counters = counters
        self.sender.ring = &producer.ring
        self.sender.counters = counters.values
        self.publication.self = &self.sender
        self.publication.offer = _offer
        self.publication.turn = _turn
        self.publication.recall = _recall
        self.publication.sequence_next = _sender_next
        self.publication.end = _end


cdef class ShmSubscription(SubscriptionEnd):
    """A reader of the broadcast ring at `path`: the gating reader `name`, or a lossy one without.

    A gating reader begins where it had released the ring, a lossy one with the next frame
    (from_="now") or the oldest that is held (from_="oldest").
    """

    def __init__(self, path, str name="", *, from_="now", CounterSet counters=None):
        cdef Reader reader = Reader(path, name) if name else LossyReader(path, from_)
        super().__init__()
        if counters is None:
            counters = CounterSet("subscription", SUBSCRIPTION_COUNTERS)
        self.reader = reader
        self.counters = counters
        self.receiver.ring = &reader.ring
        self.receiver.counters = counters.values
        if reader.ring.slot != NULL and reader.ring.slot.patience_ns != PATIENCE_FOREVER:
            self.receiver.copy = <uint8_t*>PyMem_RawMalloc(
                reader.ring.capacity_bytes // FRAME_CAPACITY_SHARE)
            if self.receiver.copy == NULL:
                raise MemoryError
        self.subscription.self = &self.receiver
        self.subscription.poll = _poll
        self.subscription.sequence_next = _receiver_next

    def __dealloc__(self):
        PyMem_RawFree(self.receiver.copy)
