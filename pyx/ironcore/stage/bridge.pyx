"""The bridge: carries a stream from one transport to another, each frame under its own number.

Back-pressure passes through: a frame that the publication does not take stays with the source. What
the source has lost is taken from the journal of the stream, where one is given. What is not there
either is lost on the other side as well: its numbers are left out there, so that every reader is
told of the gap, or the bridge stops, as configured. A source that repeats what was carried already
(the bridge was started again) is listened to without effect: numbers mean the same only within a
session, so nothing is carried before the owner has compared the sessions of both ends, and has
given the stage its publication.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.clock cimport host_clock
from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport (
    STATUS_CLOSED, STATUS_EMPTY, STATUS_EVICTED, STATUS_FULL, STATUS_OK, STATUS_OVERRUN,
    STATUS_TOO_LARGE,
)
from ironcore.messaging.publication cimport PublicationEnd
from ironcore.messaging.subscription cimport SubscriptionEnd
from ironcore.stage.agent cimport Agent
from ironcore.stream.gap_fill cimport (
    gap_fill_close, gap_fill_look, gap_fill_open,
)
from ironcore.stream.journal_reader cimport journal_directory

from ironcore.base.counter_declaration import Counter

COUNTERS = (
    Counter("frames", "frames carried", unit="frames"),
    Counter("back_pressure", "times that a frame had to wait for the publication"),
    Counter("repeated", "frames dropped because they had been carried before", unit="frames"),
    Counter("gaps", "times that the source lost frames for good"),
    Counter("gap_frames", "frames lost by the source", unit="frames"),
    Counter("too_large", "frames lost because the publication cannot carry their length",
            unit="frames"),
    Counter("evictions", "times that the source did not wait for the bridge any more"),
    Counter("filled", "frames lost by the source that were in the journal", unit="frames"),
    Counter("sessions", "times that the source was found to be of another session"),
    Counter("left_out", "frames behind the first one that the other side does not get",
            unit="frames"),
)
JOURNAL_WAIT_NS = 5_000_000_000
POLICIES = {"pass": GAP_PASS, "stop": GAP_STOP}


cdef int _leave_out(Bridge* b, uint64_t end) noexcept nogil:
    """The numbers below `end` that are not carried yet: STATUS_OK when they are passed over."""
    cdef uint64_t next
    cdef int status
    if b.publication == NULL:
        return STATUS_FULL
    next = b.publication.sequence_next(b.publication.self)
    if end <= next:
        return STATUS_OK
    if b.on_gap == GAP_STOP or b.publication.skip == NULL:
        b.failure = STATUS_OVERRUN
        return STATUS_OVERRUN
    status = b.publication.skip(b.publication.self, end - next)
    if status == STATUS_OK and next > 1:
        counter_add(b.counters[BRIDGE_LEFT_OUT], end - next)
    if status != STATUS_OK and status != STATUS_FULL:
        b.failure = status
    return status


cdef inline bint _started(const Bridge* b, uint64_t sequence) noexcept nogil:
    """Whether frames before this one were carried, now or by an earlier bridge: a new one begins
    with the first frame that its source gives it."""
    cdef uint64_t next = b.publication.sequence_next(b.publication.self)
    return 1 < next < sequence


cdef int _frame(void* context, uint64_t sequence, const uint8_t* frame,
                uint32_t frame_bytes) noexcept nogil:
    cdef Bridge* b = <Bridge*>context
    cdef int status
    if b.publication == NULL:
        return STATUS_FULL           # the source keeps it
    if sequence < b.publication.sequence_next(b.publication.self):
        counter_add(b.counters[BRIDGE_REPEATED], 1)
        return STATUS_OK
    if b.journal.given and b.gap_end < sequence and _started(b, sequence):
        b.gap_end = sequence
    if b.journal.given and b.publication.sequence_next(b.publication.self) < b.gap_end:
        return STATUS_FULL           # the journal comes first; the frame stays with the source
    status = _leave_out(b, sequence)
    if status == STATUS_OK:
        status = b.publication.offer(b.publication.self, frame, frame_bytes, b.now_ns)
        if status == STATUS_TOO_LARGE:
            counter_add(b.counters[BRIDGE_TOO_LARGE], 1)
            return _leave_out(b, sequence + 1)
        if status == STATUS_OK:
            counter_add(b.counters[BRIDGE_FRAMES], 1)
            return STATUS_OK
    if status == STATUS_FULL:
        counter_add(b.counters[BRIDGE_BACK_PRESSURE], 1)
    elif b.failure == STATUS_OK:
        b.failure = status
    return status


cdef void _gap(void* context, uint64_t first, uint64_t count) noexcept nogil:
    cdef Bridge* b = <Bridge*>context
    counter_add(b.counters[BRIDGE_GAPS], 1)
    counter_add(b.counters[BRIDGE_GAP_FRAMES], count)
    b.gap_end = max(b.gap_end, first + count)
    if not b.journal.given:
        _leave_out(b, b.gap_end)     # when there is no room, the next poll or frame does it


cdef int _fill_one(Bridge* b, uint64_t next) noexcept nogil:
    """Carry this frame of a gap, or leave out what the journal has not: STATUS_OK, STATUS_EMPTY to
    wait for the journal, or what the publication says."""
    cdef int status = gap_fill_look(&b.journal, next, b.now_ns)
    if status == STATUS_EMPTY:
        return status
    if status == STATUS_OVERRUN:
        return _leave_out(b, b.gap_end)
    if b.journal.sequence > next:
        return _leave_out(b, min(b.journal.sequence, b.gap_end))
    status = b.publication.offer(
        b.publication.self, b.journal.frame, b.journal.frame_bytes, b.now_ns)
    if status == STATUS_TOO_LARGE:
        counter_add(b.counters[BRIDGE_TOO_LARGE], 1)
        return _leave_out(b, next + 1)
    if status == STATUS_OK:
        counter_add(b.counters[BRIDGE_FILLED], 1)
    elif status == STATUS_FULL:
        counter_add(b.counters[BRIDGE_BACK_PRESSURE], 1)
    elif b.failure == STATUS_OK:
        b.failure = status
    return status


cdef int _fill(Bridge* b, int batch_max, int* work) noexcept nogil:
    """STATUS_OK when nothing that the source has lost is left to carry. Without a publication the
    source is polled all the same: that is how it learns its session."""
    cdef uint64_t next
    cdef int status
    if b.publication == NULL:
        return STATUS_OK
    next = b.publication.sequence_next(b.publication.self)
    if not b.journal.given:
        return _leave_out(b, b.gap_end)
    while next < b.gap_end:
        if work[0] == batch_max:
            return STATUS_FULL
        status = _fill_one(b, next)
        if status != STATUS_OK:
            return status
        work[0] += 1
        next = b.publication.sequence_next(b.publication.self)
    return STATUS_OK


cdef int bridge_poll(void* self, int batch_max) noexcept nogil:
    cdef Bridge* b = <Bridge*>self
    cdef int work, sent
    cdef int filled = 0
    if b.failure != STATUS_OK:
        return -b.failure
    b.now_ns = b.clock.mono_ns(b.clock.context)
    work = 0
    if not b.ended and _fill(b, batch_max, &filled) == STATUS_OK and not b.closing:
        work = b.subscription.poll(b.subscription.self, &b.handler, batch_max, b.now_ns)
    if b.failure != STATUS_OK:
        return -b.failure
    if work == -STATUS_EVICTED:
        counter_add(b.counters[BRIDGE_EVICTIONS], 1)
        work = 1                     # the next poll goes on, after the gap
    elif work == -STATUS_CLOSED:
        b.closing = True
        work = 1
    elif work < 0:
        return work
    if b.publication == NULL:
        return work
    if b.closing and not b.ended and _fill(b, batch_max, &filled) == STATUS_OK:
        b.ended = True
        b.publication.end(b.publication.self)
    sent = b.publication.turn(b.publication.self, b.now_ns)
    return sent if sent < 0 else filled + work + sent


cdef class BridgeStage(Stage):
    """Carries `subscription` to `publication`; the numbers of its frames stay what they are.

    on_gap: "pass" leaves out what the source has lost for good, where the publication can leave
    numbers out; "stop" ends the bridge at the first gap. journal: of the same stream, a path or a
    FileDirectory, for what the source has lost; it may be so far behind. name: of the stage, for
    its runner. publication: None polls the source and takes no frame, until there is one.
    """

    def __cinit__(self, SubscriptionEnd subscription not None, PublicationEnd publication,
                  CounterSet counters not None, *, str on_gap="pass", str name="bridge",
                  journal=None, uint64_t journal_wait_ns=JOURNAL_WAIT_NS):
        cdef Bridge* b = &self.bridge
        if on_gap not in POLICIES:
            raise ValueError(f"on_gap: found {on_gap!r}, expected one of {', '.join(POLICIES)}")
        memset(b, 0, sizeof(b[0]))
        self.subscription = subscription
        self.counters = counters
        self.stage_name = name.encode()
        b.subscription = &subscription.subscription
        b.handler.context = b
        b.handler.frame = _frame
        b.handler.gap = _gap
        b.clock = host_clock()
        b.counters = counters.values
        b.on_gap = POLICIES[on_gap]
        if journal is not None:
            self.directory = journal_directory(journal)
            if gap_fill_open(
                &b.journal, &self.directory.files, journal_wait_ns
            ) != STATUS_OK:
                raise MemoryError
        if publication is not None:
            self.publish(publication)

    def publish(self, PublicationEnd publication not None):
        """Carry to this publication from now on; while nobody polls."""
        self.publication = publication
        self.bridge.publication = &publication.publication

    def __dealloc__(self):
        gap_fill_close(&self.bridge.journal)

    cdef Agent agent(self):
        cdef Agent agent
        agent.poll = bridge_poll
        agent.self = &self.bridge
        agent.name = self.stage_name
        return agent

    def end(self):
        """Take nothing more from the source, and tell the readers that the stream is over; while
        nobody polls."""
        if not self.bridge.ended:
            self.bridge.ended = True
            if self.publication is not None:
                self.publication.end()

    def poll_once(self, int batch_max=256):
        """One poll: the work done, or a negative status."""
        cdef int work
        with nogil:
            work = bridge_poll(&self.bridge, batch_max)
        return work

    @property
    def ended(self):
        """Whether the source's stream has ended, and the publication has been told."""
        return self.bridge.ended

    @property
    def failure(self):
        """The Status that ended the bridge, 0 for none."""
        return self.bridge.failure
