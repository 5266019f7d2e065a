from libc.stdint cimport uint64_t

cdef extern from "iron_clock.h" nogil:
    uint64_t iron_clock_mono_ns()
    uint64_t iron_clock_real_ns()

# The one way in which a stage learns the time: the host's clocks, or a simulator's.
ctypedef uint64_t (*clock_fn)(void* context) noexcept nogil

cdef struct Clock:
    clock_fn mono_ns
    clock_fn real_ns
    void* context

cdef Clock host_clock() noexcept nogil
