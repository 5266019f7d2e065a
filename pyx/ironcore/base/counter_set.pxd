# The counters of one part (a stage, a publication), by position: in the process's counters file, or
# in memory of its own.

from libc.stdint cimport uint64_t

cdef enum:
    COUNTER_SET_MAX = 40

cdef class CounterSet:
    cdef uint64_t* values[COUNTER_SET_MAX]
    cdef uint64_t own[COUNTER_SET_MAX]
    cdef readonly tuple declared
    cdef readonly tuple names
    cdef object file
