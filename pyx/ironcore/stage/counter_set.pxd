# The counters of one stage, by position: in the process's counters file, or in memory of its own.

from libc.stdint cimport uint64_t

cdef enum:
    STAGE_COUNTERS_MAX = 40

cdef class CounterSet:
    cdef uint64_t* values[STAGE_COUNTERS_MAX]
    cdef uint64_t own[STAGE_COUNTERS_MAX]
    cdef readonly tuple names
    cdef object file
