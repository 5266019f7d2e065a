"""Round trips and throughput of a transport between two pinned threads, by its publications and
subscriptions, as stages use them: without the interpreter.

The courses are those of bench_course. Each end has an agent's loop: what it offers it sends with a
turn, and while nothing comes it polls, and turns as well. Transports other than rings get the time,
read anew in each pass of the loop, as an agent does.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.atomics cimport cpu_pause, load_acquire_u64, store_release_u64
from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport STATUS_OK
from ironcore.messaging.publication cimport PublicationEnd
from ironcore.messaging.subscription cimport SubscriptionEnd
from ironcore.bench.course cimport GOODBYE, BothWays, Course, course_ask, course_drain

cdef enum:
    BATCH_MAX = 64
    TURN_EVERY = 16                  # polls that found nothing


cdef int _frame(void* context, uint64_t sequence, const uint8_t* frame,
                uint32_t frame_bytes) noexcept nogil:
    cdef TransportEnd* end = <TransportEnd*>context
    memcpy(end.message, frame, MESSAGE_BYTES)
    memcpy(&end.value, end.message, 8)
    store_release_u64(&end.received, end.received + 1)
    return STATUS_OK


cdef void _gap(void* context, uint64_t first, uint64_t count) noexcept nogil:
    cdef TransportEnd* end = <TransportEnd*>context
    end.lost += count
    store_release_u64(&end.received, end.received + count)


cdef inline void _look_at_clock(TransportEnd* end) noexcept nogil:
    if end.timed:
        end.now_ns = iron_clock_mono_ns()


cdef inline void _turn(TransportEnd* end) noexcept nogil:
    if end.timed:
        end.out.turn(end.out.self, end.now_ns)


cdef inline void _send(TransportEnd* end, uint64_t value) noexcept nogil:
    memcpy(end.message, &value, 8)
    _look_at_clock(end)
    while end.out.offer(end.out.self, end.message, MESSAGE_BYTES, end.now_ns) != STATUS_OK:
        _turn(end)
        cpu_pause()
        _look_at_clock(end)


# Until `count` frames have come in all, or more: a poll may bring several.
cdef inline void _receive(TransportEnd* end, uint64_t count) noexcept nogil:
    cdef uint64_t looks = 0
    while end.received < count:
        _look_at_clock(end)
        if end.incoming.poll(end.incoming.self, &end.handler, BATCH_MAX, end.now_ns) <= 0:
            looks += 1
            if looks % TURN_EVERY == 0:
                _turn(end)
            cpu_pause()


cdef void _trip(void* context, uint64_t value) noexcept nogil:
    cdef TransportEnd* end = <TransportEnd*>context
    end.asked += 1
    _send(end, value)
    _turn(end)
    _receive(end, end.asked)


cdef void _take(void* context, uint64_t taken, uint64_t count) noexcept nogil:
    _receive(<TransportEnd*>context, taken + count)


# The clock and the turn come once a batch here, as they do for an agent that has work.
cdef void _pour(TransportEnd* end, const TransportEnd* receiver, Course* course) noexcept nogil:
    cdef uint64_t i
    for i in range(course.blocks * course.block_messages):
        while end.window and i >= end.window + load_acquire_u64(&receiver.received):
            _look_at_clock(end)
            _turn(end)
            cpu_pause()
        _send(end, i + 1)
        if (i + 1) % BATCH_MAX == 0:
            _turn(end)
    while load_acquire_u64(&receiver.received) < course.blocks * course.block_messages:
        _look_at_clock(end)
        _turn(end)
        cpu_pause()


cdef int _equip(TransportEnd* end, PublicationEnd out, SubscriptionEnd incoming, bint timed,
                uint64_t window) except -1:
    memset(end, 0, sizeof(TransportEnd))
    end.out = out.publication
    end.incoming = incoming.subscription
    end.handler.context = end
    end.handler.frame = _frame
    end.handler.gap = _gap
    end.timed = timed
    end.window = window
    return 0


cdef class TransportConversation(BothWays):
    """A publication and a subscription at each of two ends. Takes one course.

    near, far: (publication, subscription); what one publishes the other one is subscribed to, and
    all connections stand. timed: False for rings, which do nothing in a turn. window: of one way,
    how many messages the sender is ahead at most, where the transport itself has no back-pressure.
    """

    def __init__(self, near, far, cpus, *, timed=True, window=0):
        super().__init__(cpus)
        self.ends = [*near, *far]
        _equip(&self.near, near[0], near[1], timed, window)
        _equip(&self.far, far[0], far[1], timed, window)

    cdef void ask(self, Course* course) noexcept nogil:
        course_ask(&self.near, _trip, course)

    cdef void answer(self) noexcept nogil:
        cdef uint64_t count = 0
        self.far.value = 1
        while self.far.value != GOODBYE:
            count += 1
            _receive(&self.far, count)
            _send(&self.far, self.far.value)
            _turn(&self.far)

    cdef void pour(self, Course* course) noexcept nogil:
        _pour(&self.near, &self.far, course)

    cdef void drain(self, Course* course) noexcept nogil:
        course_drain(&self.far, _take, course)

    @property
    def lost(self):
        """Frames that either end was told will never come."""
        return self.near.lost + self.far.lost
