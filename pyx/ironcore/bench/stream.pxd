# What `ironpit bench fan-out` and `slow-readers` measure; see stream.pyx.

from libc.stdint cimport uint64_t

cdef struct Paced:
    uint64_t count
    uint64_t burst
    uint64_t interval_ns             # from the start of one burst to the start of the next
    uint64_t elapsed_ns
    uint64_t cpu_ns
    uint64_t refused
    uint64_t late                    # bursts that began after the next one was due
