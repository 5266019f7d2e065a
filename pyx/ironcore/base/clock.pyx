"""Monotonic and real-time clocks in nanoseconds, read without a system call where that works."""

from libc.stdint cimport uint64_t


cdef uint64_t _mono_ns(void* context) noexcept nogil:
    return iron_clock_mono_ns()


cdef uint64_t _real_ns(void* context) noexcept nogil:
    return iron_clock_real_ns()


cdef Clock host_clock() noexcept nogil:
    cdef Clock clock
    clock.mono_ns = _mono_ns
    clock.real_ns = _real_ns
    clock.context = NULL
    return clock


def mono_ns():
    """Nanoseconds on the host's monotonic clock."""
    return iron_clock_mono_ns()


def real_ns():
    """Nanoseconds since the UNIX epoch on the host's real-time clock."""
    return iron_clock_real_ns()
