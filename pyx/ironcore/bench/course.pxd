# What benchmarks do with two ends that are joined both ways; see course.pyx.

from libc.stdint cimport uint64_t

from ironcore.base.clock cimport iron_clock_mono_ns

cdef enum:
    GOODBYE = 0                      # the message that ends a conversation

cdef struct Course:
    uint64_t blocks
    uint64_t block_messages
    uint64_t* block_ns
    uint64_t trips
    uint64_t* trip_ns

# Send the value, and receive what comes back.
ctypedef void (*Trip)(void* end, uint64_t value) noexcept nogil
# Receive `count` messages behind the `taken` first ones.
ctypedef void (*Take)(void* end, uint64_t taken, uint64_t count) noexcept nogil


# Both are here, and inline, so that the compiler sees which function it is that they call: a call
# by address would be in what they measure, and is not in the floors of plain C beside it.
cdef inline void course_ask(void* end, Trip trip, Course* course) noexcept nogil:
    cdef uint64_t i, _j, start_ns, value = 0
    for i in range(course.blocks):
        start_ns = iron_clock_mono_ns()
        for _j in range(course.block_messages):
            value += 1
            trip(end, value)
        course.block_ns[i] = iron_clock_mono_ns() - start_ns
    for i in range(course.trips):
        start_ns = iron_clock_mono_ns()
        value += 1
        trip(end, value)
        course.trip_ns[i] = iron_clock_mono_ns() - start_ns
    trip(end, GOODBYE)


cdef inline void course_drain(void* end, Take take, Course* course) noexcept nogil:
    cdef uint64_t i, start_ns
    for i in range(course.blocks):
        start_ns = iron_clock_mono_ns()
        take(end, i * course.block_messages, course.block_messages)
        course.block_ns[i] = iron_clock_mono_ns() - start_ns


cdef class BothWays:
    cdef tuple cpus
    # The near end asks, or pours; the far end answers until it has heard GOODBYE, or drains.
    cdef void ask(self, Course* course) noexcept nogil
    cdef void answer(self) noexcept nogil
    cdef void pour(self, Course* course) noexcept nogil
    cdef void drain(self, Course* course) noexcept nogil
