"""Spins on the core that it runs on and keeps a histogram of the gaps in its own time.

A spinning thread that reads the clock over and over sees each moment in which it did not run as a
gap between two readings (the method of sysjitter and of the kernel's hwlat detector). After start
the loop allocates nothing, takes no lock and calls only clock_gettime, which the vDSO answers.
"""

from libc.stdint cimport int64_t, uint64_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

cdef enum:
    SUB_BITS = 5  # each octave has 32 buckets: the relative error of a percentile is about 3 %
    BUCKETS_MAX = 64 << SUB_BITS

cdef extern from *:
    """
    static inline unsigned highest_bit(unsigned long long value) {
        return 63u - (unsigned)__builtin_clzll(value | 1u);
    }
    """
    unsigned int highest_bit(uint64_t value) noexcept nogil


cdef inline int64_t now_ns() noexcept nogil:
    cdef timespec time
    clock_gettime(CLOCK_MONOTONIC, &time)
    return <int64_t>time.tv_sec * 1_000_000_000 + time.tv_nsec


cdef inline unsigned int bucket_of(uint64_t value) noexcept nogil:
    """The index of a value: exact below 32 and within 1/32 above."""
    cdef unsigned int octave = highest_bit(value)
    if octave < SUB_BITS:
        return <unsigned int>value
    return ((octave - SUB_BITS + 1) << SUB_BITS) + <unsigned int>(
        (value >> (octave - SUB_BITS)) & ((1 << SUB_BITS) - 1)
    )


def bucket_start_ns(unsigned int bucket) -> int:
    """The smallest gap that falls into a bucket, in nanoseconds."""
    if bucket < (1 << SUB_BITS):
        return bucket
    cdef unsigned int octave = (bucket >> SUB_BITS) + SUB_BITS - 1
    cdef uint64_t within = bucket & ((1 << SUB_BITS) - 1)
    return ((<uint64_t>1 << SUB_BITS) + within) << (octave - SUB_BITS)


cdef class Probe:
    """One core's gaps. spin() fills it once; the rest reads it."""

    cdef readonly int64_t elapsed_ns
    cdef readonly int64_t stolen_ns
    cdef readonly int64_t gap_ns_max
    cdef readonly int64_t gaps
    cdef readonly int64_t loops
    cdef readonly int64_t loop_ns_min
    cdef uint64_t histogram[BUCKETS_MAX]
    cdef int stopped

    def spin(self, int64_t duration_ns, int64_t threshold_ns) -> None:
        """Spin for `duration_ns` on the current thread, or until stop(); the GIL is released.

        A gap of at least `threshold_ns` between two clock readings counts as stolen.
        """
        with nogil:
            self._spin(duration_ns, threshold_ns)

    def stop(self) -> None:
        """Let a spin() on another thread return at its next reading."""
        self.stopped = 1

    def counts(self) -> dict[int, int]:
        """The gaps in nanoseconds, rounded down to their bucket, and how many of each."""
        return {
            bucket_start_ns(bucket): self.histogram[bucket]
            for bucket in range(BUCKETS_MAX)
            if self.histogram[bucket]
        }

    cdef void _spin(self, int64_t duration_ns, int64_t threshold_ns) noexcept nogil:
        cdef int64_t start = now_ns()
        cdef int64_t last = start
        cdef int64_t now, gap
        cdef int64_t shortest = duration_ns
        cdef volatile int *stopped = &self.stopped
        while last - start < duration_ns and not stopped[0]:
            now = now_ns()
            gap = now - last
            last = now
            self.loops += 1
            if gap >= threshold_ns:
                self.gaps += 1
                self.stolen_ns += gap
                self.histogram[bucket_of(<uint64_t>gap)] += 1
                if gap > self.gap_ns_max:
                    self.gap_ns_max = gap
            elif gap < shortest:
                shortest = gap
        self.loop_ns_min = shortest
        self.elapsed_ns = last - start
