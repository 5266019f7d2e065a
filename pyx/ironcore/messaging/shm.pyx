"""Streams over a broadcast ring in shared memory.

A gating reader is waited for, up to its patience; when it is evicted its next poll says so, and the
one after goes on with the oldest frame still held, after a gap. A lossy reader is never waited for,
and is told of what was overwritten before it came as of any other gap.

A ring's file may be removed and made anew while it is read (its venue was killed and started
again). An idle subscription looks now and then whether the path still leads to the ring that it
has. When another one of the same session stands there, it goes over to that one and on with the
frame that it expects: what is no longer held is a gap. One of another session ends the stream
(-STATUS_CLOSED), and `session_next` says which: numbers that begin anew are never spliced on. So
does one of the same session's name that is of another stream (`identity`).
"""

import os

from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE)
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc

from ironcore.base.clock cimport iron_clock_mono_ns

from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport (
    STATUS_CLOSED, STATUS_CORRUPT, STATUS_EMPTY, STATUS_EVICTED, STATUS_FULL, STATUS_OK,
    STATUS_OVERRUN, STATUS_REPLACED, STATUS_TOO_LARGE,
)
from ironcore.ring.broadcast cimport LossyReader, Producer, Reader
from ironcore.ring.broadcast_producer cimport (
    broadcast_end, broadcast_has_room, broadcast_offer, broadcast_skip,
)
from ironcore.ring.broadcast_reader cimport (
    broadcast_advance, broadcast_ended, broadcast_intact, broadcast_join, broadcast_missing_at_end,
    broadcast_peek, broadcast_release,
)
from ironcore.ring.broadcast_file cimport PATIENCE_FOREVER
from ironcore.ring.frame cimport FRAME_CAPACITY_SHARE
from ironcore.ring.segment_watch cimport (
    PLACE_CUT, PLACE_EMPTY, PLACE_KEPT, PLACE_TAKEN, SegmentWatcher, segment_place,
    segment_produced,
)

from ironcore.base.counter_declaration import Counter
from ironcore.base.status import Status
from ironcore.ring.broadcast import Gating, create, positions, reader_states
from ironcore.ring.mapped_file import SegmentError

__all__ = ["PUBLICATION_COUNTERS", "SUBSCRIPTION_COUNTERS", "Gating", "ShmPublication",
           "ShmSubscription", "create", "positions", "reader_states"]

cdef tuple STATUSES = tuple(Status)  # by number

PUBLICATION_COUNTERS = (
    Counter("offered", "frames put into the ring", unit="frames"),
    Counter("back_pressure", "frames refused because a gating reader is behind", unit="frames"),
    Counter("too_large", "frames refused because they are longer than the ring can hold",
            unit="frames"),
)
SUBSCRIPTION_COUNTERS = (
    Counter("frames", "frames taken from the ring", unit="frames"),
    Counter("gaps", "times that frames were lost"),
    Counter("gap_frames", "frames lost", unit="frames"),
    Counter("evictions", "times that the producer did not wait for this reader any more"),
    Counter("producers_lost", "times that the producer was found gone without the stream's end"),
    Counter("reattached", "times that a ring made anew was gone over to"),
    Counter("repeated", "frames of a ring made anew that had been taken from the one before it",
            unit="frames"),
    Counter("sessions", "times that a ring of another session was found in this one's place"),
)

cdef enum:
    LOOK_NS = 100000000              # between two looks of an idle subscription


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
        r.ring.sequence_next = expected
    status = broadcast_peek(r.ring, payload, payload_bytes, sequence)
    while status == STATUS_OK and sequence[0] < expected:
        # The ring was made anew, and begins before what is expected.
        r.ring.position = r.ring.frame_end
        counter_add(r.counters[SHM_REPEATED], 1)
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


# What an idle poll answers: looks, once in a while, at what has become of the ring. STATUS_EMPTY:
# nothing that matters.
cdef int _look(ShmReceiver* r, uint64_t now_ns) noexcept nogil:
    cdef bint unproduced
    if r.superseded:
        return STATUS_CLOSED
    if now_ns - r.looked_ns >= LOOK_NS:
        r.looked_ns = now_ns
        r.place = segment_place(r.watch)
        unproduced = not segment_produced(r.watch)
        if unproduced and not r.unproduced:
            counter_add(r.counters[SHM_PRODUCERS_LOST], 1)
        r.unproduced = unproduced
    if r.place == PLACE_TAKEN:
        return STATUS_REPLACED
    return STATUS_CORRUPT if r.place == PLACE_CUT else STATUS_EMPTY


# Ends a poll that took so many frames and found `status` behind them: what it answers.
cdef inline int _finish(ShmReceiver* r, int taken, int status, uint64_t now_ns) noexcept nogil:
    if taken:
        counter_add(r.counters[SHM_FRAMES], taken)
        if broadcast_release(r.ring) == STATUS_EVICTED:
            status = STATUS_EVICTED
    if status == STATUS_EVICTED:
        counter_add(r.counters[SHM_EVICTIONS], 1)
        r.eviction = EVICTION_TO_TELL if taken else EVICTION_TOLD
    if taken:
        return taken
    if status == STATUS_EMPTY:
        if broadcast_ended(r.ring):
            return -STATUS_CLOSED
        status = _look(r, now_ns)
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
    return _finish(r, taken, status, now_ns)


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
    (from_="now") or the oldest that is held (from_="oldest"). session: the one that the ring has to
    hold; "" takes whichever it holds. SegmentError when it holds another, or is no ring of ours.
    """

    def __init__(self, path, str name="", *, from_="now", CounterSet counters=None,
                 str session=""):
        cdef Reader reader
        self.path = os.path.abspath(os.fspath(path))
        reader = Reader(path, name) if name else LossyReader(path, from_)
        if session and reader.session not in ("", session):
            raise SegmentError(os.fspath(path), "session", reader.session, session)
        super().__init__()
        self.known_session = session
        self.session_next = ""
        if counters is None:
            counters = CounterSet("subscription", SUBSCRIPTION_COUNTERS)
        self.counters = counters
        self.receiver.counters = counters.values
        self._use(reader)
        self.subscription.self = &self.receiver
        self.subscription.poll = _poll
        self.subscription.sequence_next = _receiver_next

    def __dealloc__(self):
        PyMem_RawFree(self.receiver.copy)

    cdef int _use(self, Reader reader) except -1:
        """Read this ring from now on."""
        cdef ShmReceiver* r = &self.receiver
        cdef uint8_t* copy = NULL
        if reader.ring.slot != NULL and reader.ring.slot.patience_ns != PATIENCE_FOREVER:
            copy = <uint8_t*>PyMem_RawMalloc(reader.ring.capacity_bytes // FRAME_CAPACITY_SHARE)
            if copy == NULL:
                raise MemoryError
        PyMem_RawFree(r.copy)
        r.copy = copy
        self.watcher = SegmentWatcher(reader.segment)
        r.watch = &self.watcher.watch
        r.place = PLACE_KEPT
        r.unproduced = not segment_produced(r.watch)
        r.eviction = EVICTION_NONE
        r.ring = &reader.ring
        self.reader = reader
        return 0

    def reattach(self):
        """Go over to the ring that stands where this one's was (a poll has said -REPLACED), while
        nobody polls: True when that is done, or the stream is over (`session_next`); False when
        there is none any more. SegmentError and OSError when it cannot be read.
        """
        cdef Reader reader
        cdef uint64_t expected = self.receiver.ring.sequence_next
        try:
            reader = Reader(self.path, self.reader.name) if self.reader.name else LossyReader(
                self.path, "oldest")
        except FileNotFoundError:
            self.receiver.place = PLACE_EMPTY
            return False
        if not reader.session:
            # Whoever made it has not said yet what it is for; the next look comes back to it.
            self.receiver.place = PLACE_EMPTY
            return False
        if self.session not in ("", reader.session) or (
                reader.identity and self.reader.identity not in ("", reader.identity)):
            self.session_next = reader.session
            self.receiver.superseded = True
            counter_add(self.receiver.counters[SHM_SESSIONS], 1)
            return True
        self._use(reader)
        # A frame behind it is a gap then, and one before it was had.
        reader.ring.sequence_next = expected
        counter_add(self.receiver.counters[SHM_REATTACHED], 1)
        return True

    @property
    def session(self):
        """The stream's session; "" while the ring does not say."""
        if not self.known_session:
            self.known_session = self.reader.session
        return self.known_session

    @property
    def orphaned(self):
        """Whether, at the last look, the ring's file was not in its place any more while the stream
        had not ended: what goes on there, if anything, is not what is read here."""
        return self.receiver.place != PLACE_KEPT and not broadcast_ended(self.receiver.ring)

    @property
    def place(self):
        """What had become of the ring's file at the last look: kept, removed, replaced or cut."""
        return ("kept", "removed", "replaced", "cut")[self.receiver.place]

    @property
    def produced(self):
        """Whether a living producer held the ring at the last look."""
        return not self.receiver.unproduced

    def poll(self, handler, int batch_max=256, on_gap=None):
        """As SubscriptionEnd.poll, without a buffer between: frame by frame out of the ring.

        Reattaches by itself, so that -REPLACED is not among its answers.
        """
        cdef ShmReceiver* r = &self.receiver
        cdef const uint8_t* payload = NULL
        cdef uint32_t payload_bytes = 0
        cdef uint64_t sequence = 0
        cdef int taken = 0
        cdef int status = STATUS_OK
        cdef int work = 0
        cdef uint64_t now_ns = 0
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
            if taken == 0 and status == STATUS_EMPTY:
                now_ns = iron_clock_mono_ns()
            work = _finish(r, taken, status, now_ns)
        if work == -STATUS_REPLACED:
            self.reattach()
            work = 0
        return work
