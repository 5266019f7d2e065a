"""Floors in plain C: the conversations of bench_course over a framed ring or bare sockets, without
anything of ironcore's. The C is in include/iron_floor*.h."""

import os

import numpy as np

from libc.stdint cimport uint64_t

from ironcore.bench.course cimport Course

FLOORS = {"ring": FLOOR_RING, "multicast": FLOOR_MULTICAST, "tcp": FLOOR_TCP}


class Floor:
    """Two ends that are joined both ways by one floor, and the two cores that they run on."""

    def __init__(self, floor, cpus, capacity_bytes=1 << 16):
        self._kind = FLOORS[floor]
        self._cpus = tuple(cpus)
        self._capacity_bytes = capacity_bytes

    def round_trips(self, blocks, block_messages, trips):
        """(ns of each block, ns of each single trip), as uint64 arrays."""
        return self._run(True, blocks, block_messages, trips)

    def one_way(self, blocks, block_messages):
        """The ns that each block of messages took to arrive, as a uint64 array."""
        return self._run(False, blocks, block_messages, 0)[0]

    def _run(self, bint round_trips, blocks, block_messages, trips):
        cdef uint64_t[::1] block_ns = np.zeros(max(blocks, 1), dtype=np.uint64)
        cdef uint64_t[::1] trip_ns = np.zeros(max(trips, 1), dtype=np.uint64)
        cdef int near_cpu = self._cpus[0]
        cdef int far_cpu = self._cpus[1]
        cdef int kind = self._kind
        cdef uint64_t capacity = self._capacity_bytes
        cdef Course course = Course(blocks, block_messages, &block_ns[0], trips, &trip_ns[0])
        cdef int failed
        with nogil:
            failed = floor_run(kind, round_trips, near_cpu, far_cpu, capacity, course.blocks,
                               course.block_messages, course.block_ns, course.trips,
                               course.trip_ns)
        if failed:
            raise OSError(failed, os.strerror(failed), f"on CPUs {self._cpus}")
        return np.asarray(block_ns)[:blocks], np.asarray(trip_ns)[:trips]
