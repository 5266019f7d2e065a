# Floors in plain C that the rings and transports are measured against. See floor.pyx.

from libc.stdint cimport uint64_t

cdef extern from "iron_floor.h" nogil:
    int FLOOR_RING
    int FLOOR_MULTICAST
    int FLOOR_TCP
    int floor_run(int kind, int round_trips, int near_cpu, int far_cpu, uint64_t capacity,
                  uint64_t blocks, uint64_t block_messages, uint64_t* block_ns, uint64_t trips,
                  uint64_t* trip_ns)
