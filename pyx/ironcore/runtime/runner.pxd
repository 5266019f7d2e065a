# A runner owns one thread, an idle strategy and the agents that share the thread.

from libc.stdint cimport uint64_t

from ironcore.stage.agent cimport Agent
from ironcore.base.counter_set cimport CounterSet

cdef enum:
    AGENTS_MAX = 8

cdef enum IdleStrategy:
    IDLE_SPIN = 0
    IDLE_YIELD = 1
    IDLE_BACKOFF = 2

cdef enum:                           # counters, in the order of COUNTERS
    RUNNER_TURNS = 0
    RUNNER_WORK = 1
    RUNNER_IDLE_TURNS = 2
    RUNNER_FAILURES = 3

cdef class Runner:
    cdef Agent agents[AGENTS_MAX]
    cdef int agents_count
    cdef int batch_max
    cdef IdleStrategy idle
    cdef uint64_t stop_asked
    cdef uint64_t failed             # Status << 8 | agent's position + 1
    cdef readonly object name
    cdef readonly object cpu
    cdef readonly object priority    # of SCHED_FIFO, or None
    cdef readonly int thread_id
    cdef readonly CounterSet counters
    cdef readonly list stages
    cdef object thread
    cdef object asked                # of the host, in words: what a refusal is about
    cdef object refusal
    cdef void run(self) noexcept nogil
