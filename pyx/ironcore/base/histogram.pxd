# Latency histogram after HdrHistogram: 3 significant digits, fixed memory.
#
# Values below 2,048 ns have a count each; above, every doubling has 1,024 counts, so that a value
# is known to 1 part in 1,000. One thread records; recording never allocates.

from libc.stdint cimport uint64_t

from ironcore.base.atomics cimport load_relaxed_u64, store_relaxed_u64

cdef enum:
    HISTOGRAM_DIGITS = 3
    HISTOGRAM_SUB_BUCKETS = 2048     # the power of two at or above 2 * 10^digits
    HISTOGRAM_SUB_BUCKETS_HALF = 1024
    HISTOGRAM_HALF_BITS = 10         # 2^10 = 1,024
    HISTOGRAM_CORRECTIONS_MAX = 1000000  # values that one stall may add

cdef extern from *:
    """
    #define iron_clz_u64(v) __builtin_clzll(v)
    """
    int iron_clz_u64(uint64_t v) noexcept nogil

cdef struct Histogram:
    uint64_t* counts
    uint64_t counts_length
    uint64_t highest_ns              # trackable; above it a value counts as this one
    uint64_t total                   # values recorded
    uint64_t clamped                 # of those, how many were above highest_ns
    uint64_t min_ns                  # exact; UINT64_MAX while there is none
    uint64_t max_ns                  # exact, even if clamped


cdef inline uint64_t histogram_index(uint64_t value_ns) noexcept nogil:
    # Doublings above the first bucket, in which each count is one nanosecond wide.
    cdef int bucket = 64 - HISTOGRAM_HALF_BITS - 1 - iron_clz_u64(
        value_ns | (HISTOGRAM_SUB_BUCKETS - 1))
    return (<uint64_t>bucket << HISTOGRAM_HALF_BITS) + (value_ns >> bucket)


cdef inline void histogram_record(Histogram* histogram, uint64_t value_ns) noexcept nogil:
    cdef uint64_t counted_ns = value_ns
    cdef uint64_t* count
    if value_ns > histogram.highest_ns:
        counted_ns = histogram.highest_ns
        store_relaxed_u64(&histogram.clamped, load_relaxed_u64(&histogram.clamped) + 1)
    count = &histogram.counts[histogram_index(counted_ns)]
    store_relaxed_u64(count, load_relaxed_u64(count) + 1)
    store_relaxed_u64(&histogram.total, load_relaxed_u64(&histogram.total) + 1)
    if value_ns < histogram.min_ns:
        store_relaxed_u64(&histogram.min_ns, value_ns)
    if value_ns > histogram.max_ns:
        store_relaxed_u64(&histogram.max_ns, value_ns)

# Records value_ns, and for each further interval_ns that it lasted the value that a sender on
# schedule would have seen meanwhile (coordinated omission); at most HISTOGRAM_CORRECTIONS_MAX of
# them. Not for latencies that already count from the intended send time. 0: no correction.
cdef void histogram_record_corrected(Histogram* histogram, uint64_t value_ns,
                                     uint64_t interval_ns) noexcept nogil

cdef class LatencyHistogram:
    cdef Histogram data              # valid for as long as the object lives
