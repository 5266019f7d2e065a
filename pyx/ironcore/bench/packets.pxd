# What `ironpit bench af-xdp` measures beside round trips; see packets.pyx.

from libc.stdint cimport uint64_t

cdef struct PacketsTaken:
    uint64_t packets
    uint64_t cpu_ns
