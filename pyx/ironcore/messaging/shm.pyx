"""Streams over a broadcast ring in shared memory.

A gating reader is waited for, up to its patience; when it is evicted its next poll says so, and the
one after goes on with the oldest frame still held, after a gap. A lossy reader is never waited for,
and is told of what was overwritten before it came as of any other gap.
"""

from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE)
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc

from ironcore.base.clock cimport iron_clock_mono_ns

from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport (
    STATUS_CLOSED, STATUS_EMPTY, STATUS_EVICTED, STATUS_FULL, STATUS_OK, STATUS_OVERRUN,
    STATUS_TOO_LARGE,
)
from ironcore.ring.broadcast cimport (
    LossyReader, Producer, Reader, broadcast_advance, broadcast_end, broadcast_ended,
    broadcast_has_room, broadcast_intact, broadcast_join, broadcast_missing_at_end, broadcast_offer,
    broadcast_peek, broadcast_release, broadcast_skip,
)
from ironcore.ring.broadcast_file cimport PATIENCE_FOREVER
from ironcore.ring.frame cimport FRAME_CAPACITY_SHARE

from ironcore.base.status import Status
from ironcore.ring.broadcast import Gating, create, positions, reader_states

__all__ = ["PUBLICATION_COUNTERS", "SUBSCRIPTION_COUNTERS", "Gating", "ShmPublication",
           "ShmSubscription", "create", "positions", "reader_states"]

cdef tuple STATUSES = tuple(Status)  # by number

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


cdef int _skip(void* self, uint64_t count) noexcept nogil:
    cdef ShmSender* s = <ShmSender*>self
    if s.ended:
        return STATUS_CLOSED
    broadcast_skip(s.ring, count)
    return STATUS_OK


cdef void _recall(void* self, const uint8_t* frame, uint32_t frame_bytes) noexcept nogil:
    # A ring keeps its frames itself; one that was made anew gets them again. What it has no room
    # for leaves its number out: those behind it keep theirs, and readers are told.
    if _offer(self, frame, frame_bytes, 0) != STATUS_OK:
        _skip(self, 1)


cdef uint64_t _sender_next(void* self) noexcept nogil:
    return (<ShmSender*>self).ring.sequence_next


cdef void _end(void* self) noexcept nogil:
    cdef ShmSender* s = <ShmSender*>self
    s.ended = True
    broadcast_end(s.ring)


cdef int _count_gap(ShmReceiver* r, uint64_t first, uint64_t count) noexcept nogil:
    r.gap_first = first
    r.gap_frames = count
    counter_add(r.counters[SHM_GAPS], 1)
    counter_add(r.counters[SHM_GAP_FRAMES], count)
    return STATUS_OVERRUN


# What comes next: a frame (STATUS_OK), a gap (STATUS_OVERRUN, in gap_first and gap_frames), or what
# the ring says instead.
cdef inline int _next(ShmReceiver* r, const uint8_t** payload, uint32_t* payload_bytes,
                      uint64_t* sequence) noexcept nogil:
    cdef uint64_t expected = r.ring.sequence_next
    cdef uint64_t lost = r.ring.lost_frames
    cdef uint64_t missing
    cdef int status
    if r.eviction != EVICTION_NONE:
        # Told already: gate again, and tell what was missed.
        r.eviction = EVICTION_NONE
        broadcast_join(r.ring)
        if r.ring.sequence_next > expected:
            return _count_gap(r, expected, r.ring.sequence_next - expected)
    status = broadcast_peek(r.ring, payload, payload_bytes, sequence)
    if status == STATUS_OVERRUN:
        return _count_gap(r, expected, r.ring.lost_frames - lost)
    if status == STATUS_OK and sequence[0] > expected:
        # The producer has left numbers out; the frame is peeked again as the next one.
        r.ring.sequence_next = sequence[0]
        return _count_gap(r, expected, sequence[0] - expected)
    if status == STATUS_EMPTY:
        missing = broadcast_missing_at_end(r.ring)
        if missing:
            r.ring.sequence_next = expected + missing
            return _count_gap(r, expected, missing)
    return status


cdef inline bint _tells_eviction(ShmReceiver* r) noexcept nogil:
    if r.eviction != EVICTION_TO_TELL:
        return False
    r.eviction = EVICTION_TOLD
    return True


# Ends a poll that took so many frames and found `status` behind them: what it answers.
cdef inline int _finish(ShmReceiver* r, int taken, int status) noexcept nogil:
    if taken:
        counter_add(r.counters[SHM_FRAMES], taken)
        if broadcast_release(r.ring) == STATUS_EVICTED:
            status = STATUS_EVICTED
    if status == STATUS_EVICTED:
        counter_add(r.counters[SHM_EVICTIONS], 1)
        r.eviction = EVICTION_TO_TELL if taken else EVICTION_TOLD
    if taken:
        return taken
    if status == STATUS_EMPTY and broadcast_ended(r.ring):
        return -STATUS_CLOSED
    if status == STATUS_OK or status == STATUS_EMPTY or status == STATUS_FULL:
        return 0
    return -status


cdef int _poll(void* self, const FrameHandler* handler, int batch_max,
               uint64_t now_ns) noexcept nogil:
    cdef ShmReceiver* r = <ShmReceiver*>self
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint64_t sequence = 0
    cdef int taken = 0
    cdef int status = STATUS_OK
    if _tells_eviction(r):
        return -STATUS_EVICTED
    while taken < batch_max:
        status = _next(r, &payload, &payload_bytes, &sequence)
        if status == STATUS_OVERRUN:
            handler.gap(handler.context, r.gap_first, r.gap_frames)
            continue
        if status == STATUS_OK and r.copy != NULL:
            memcpy(r.copy, payload, payload_bytes)
            payload = r.copy
            status = broadcast_intact(r.ring)
        if status != STATUS_OK:
            break
        if handler.frame(handler.context, sequence, payload, payload_bytes) != STATUS_OK:
            break
        broadcast_advance(r.ring)
        taken += 1
    return _finish(r, taken, status)


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
        self.publication.skip = _skip
        self.publication.sequence_next = _sender_next
        self.publication.end = _end

    def offer(self, frame not None):
        """As PublicationEnd.offer; looks at the clock only where patience may come into play."""
        cdef ShmSender* s = &self.sender
        cdef const uint8_t[::1] view
        cdef const uint8_t* start = NULL
        cdef Py_ssize_t frame_bytes
        cdef uint64_t now_ns = 0
        if PyBytes_CheckExact(frame):
            start = <const uint8_t*>PyBytes_AS_STRING(frame)
            frame_bytes = PyBytes_GET_SIZE(frame)
        else:
            view = frame
            frame_bytes = view.shape[0]
            if frame_bytes:
                start = &view[0]
        if frame_bytes > UINT32_MAX:
            counter_add(s.counters[SHM_TOO_LARGE], 1)
            return STATUSES[STATUS_TOO_LARGE]
        if not broadcast_has_room(s.ring, <uint32_t>frame_bytes):
            now_ns = iron_clock_mono_ns()
        return STATUSES[_offer(s, start, <uint32_t>frame_bytes, now_ns)]


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

    def poll(self, handler, int batch_max=256, on_gap=None):
        """As SubscriptionEnd.poll, without a buffer between: frame by frame out of the ring."""
        cdef ShmReceiver* r = &self.receiver
        cdef const uint8_t* payload = NULL
        cdef uint32_t payload_bytes = 0
        cdef uint64_t sequence = 0
        cdef int taken = 0
        cdef int status = STATUS_OK
        cdef int work = 0
        if _tells_eviction(r):
            return -STATUS_EVICTED
        try:
            while taken < batch_max:
                status = _next(r, &payload, &payload_bytes, &sequence)
                if status == STATUS_OVERRUN:
                    if on_gap is not None:
                        on_gap(r.gap_first, r.gap_frames)
                    continue
                if status != STATUS_OK:
                    break
                frame = PyBytes_FromStringAndSize(<const char*>payload, payload_bytes)
                status = broadcast_intact(r.ring)
                if status != STATUS_OK:
                    break
                # Before the call: a handler that raises has had its frame.
                broadcast_advance(r.ring)
                taken += 1
                handler(sequence, frame)
        finally:
            work = _finish(r, taken, status)
        return work
