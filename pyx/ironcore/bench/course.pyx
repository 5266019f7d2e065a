"""The courses that benchmarks run between two threads, each pinned to a core: round trips, and as
many messages as possible one way.

Blocks of messages are timed without a look at the clock in between; single trips are timed one by
one, each with one look more, whose cost is in them.
"""

import os
import threading

import numpy as np

from libc.stdint cimport uint64_t

cdef extern from * nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <sched.h>
    static int iron_pin_thread(int cpu) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        return sched_setaffinity(0, sizeof set, &set);
    }
    """
    int iron_pin_thread(int cpu)


def on_both_cores(cpus, near, far):
    """Run both at once, each pinned to one of the two cores; PermissionError when it cannot be."""
    failures = []
    allowed = os.sched_getaffinity(0)

    def run(cpu, work):
        if iron_pin_thread(cpu) != 0:
            failures.append(f"cannot pin to CPU {cpu}, of {sorted(allowed)}")
            barrier.abort()
            return
        try:
            barrier.wait()
        except threading.BrokenBarrierError:
            return
        work()

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=run, args=pair)
               for pair in zip(cpus, (near, far), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise PermissionError(failures[0])


cdef class BothWays:
    """Two ends that are joined both ways, and the cores of the near and the far one."""

    def __init__(self, cpus):
        self.cpus = tuple(cpus)

    cdef void ask(self, Course* course) noexcept nogil:
        pass

    cdef void answer(self) noexcept nogil:
        pass

    cdef void pour(self, Course* course) noexcept nogil:
        pass

    cdef void drain(self, Course* course) noexcept nogil:
        pass

    def round_trips(self, blocks, block_messages, trips):
        """(ns of each block, ns of each single trip), as uint64 arrays."""
        cdef uint64_t[::1] block_ns = np.zeros(max(blocks, 1), dtype=np.uint64)
        cdef uint64_t[::1] trip_ns = np.zeros(max(trips, 1), dtype=np.uint64)
        cdef Course course = Course(blocks, block_messages, &block_ns[0], trips, &trip_ns[0])

        def answer():
            with nogil:
                self.answer()

        def ask():
            with nogil:
                self.ask(&course)

        on_both_cores(self.cpus, ask, answer)
        return np.asarray(block_ns)[:blocks], np.asarray(trip_ns)[:trips]

    def one_way(self, blocks, block_messages):
        """The ns that each block of messages took to arrive, as a uint64 array."""
        cdef uint64_t[::1] block_ns = np.zeros(blocks, dtype=np.uint64)
        cdef Course course = Course(blocks, block_messages, &block_ns[0], 0, NULL)

        def pour():
            with nogil:
                self.pour(&course)

        def drain():
            with nogil:
                self.drain(&course)

        on_both_cores(self.cpus, pour, drain)
        return np.asarray(block_ns)
