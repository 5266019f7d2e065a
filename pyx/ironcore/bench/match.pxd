# The loops of `bench match`, and what its other loops share with them.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport Event

cdef extern from "<time.h>" nogil:
    enum:
        CLOCK_THREAD_CPUTIME_ID

cdef extern from "iron_clock.h" nogil:
    uint64_t iron_clock_ns(int clock_id)

cdef extern from *:
    """
    /* Nothing behind it begins before everything in front of it is done. */
    static inline void iron_done_before_next(void) {
    #if defined(__x86_64__)
        __builtin_ia32_lfence();
    #elif defined(__aarch64__)
        __asm__ __volatile__("dsb sy\\n\\tisb" : : : "memory");
    #else
        __sync_synchronize();
    #endif
    }
    """
    void iron_done_before_next() noexcept nogil

cdef enum:
    LATENCIES = 65536                # counts by nanosecond; the last is of all that took longer

cdef struct Run:
    Engine* engine
    uint8_t* records
    const uint64_t* offsets          # count + 1 of them
    uint64_t first                   # records before it make the venue and its books, untimed
    uint64_t count
    uint8_t* statuses                # of what is queued, one a message
    uint32_t* events_counts
    bint looks_ahead                 # of a timed run
    Event* sink                      # where events go, as into the event stream: a ring
    uint64_t sink_mask
    uint64_t sink_at
    uint32_t* latencies_ns           # one a message
