"""What the polls of a stage cost beyond their work, and what happened in the dearest of them.

A poll's CPU time is that of its thread, so it holds nothing of others that ran meanwhile on the
same core; what the kernel did in an interrupt is in it. What a poll may cost is the mean of the
idle polls, and for each unit of its work the mean of the others beyond that: the rest is its
excess. Of the dearest polls it is kept which counters of the stage moved in them, and how many
pages were touched for the first time: that names the cause.

Watching costs three system calls a poll, which are outside what is measured but for the looks at
the clock.
"""

from typing import NamedTuple

from libc.stdint cimport uint64_t

from ironcore.base.atomics cimport load_acquire_u64
from ironcore.base.clock cimport iron_clock_mono_ns

cdef extern from * nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE 1
    #endif
    #include <stdint.h>
    #include <sys/resource.h>
    #include <time.h>
    static uint64_t iron_thread_cpu_ns(void) {
        struct timespec t;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    }
    static uint64_t iron_thread_page_faults(void) {
        struct rusage usage;
        getrusage(RUSAGE_THREAD, &usage);
        return (uint64_t)(usage.ru_minflt + usage.ru_majflt);
    }
    """
    uint64_t iron_thread_cpu_ns()
    uint64_t iron_thread_page_faults()


class PollSeen(NamedTuple):
    """One poll of a stage."""

    cpu_ns: int
    excess_ns: int                   # beyond what its work costs on the average
    work: int
    at_ns: int                       # when, since the stage is watched
    page_faults: int
    counted: dict[str, int]          # the stage's counts that moved, and how far


# The mean of the idle polls, and the mean of a unit of work beyond it, together for so much work.
cdef uint64_t _usual_ns(const Watch* watch, uint64_t work) noexcept nogil:
    cdef uint64_t idle_ns = watch.idle_ns // watch.idle_polls if watch.idle_polls else 0
    cdef uint64_t polls_ns = idle_ns * watch.busy_polls
    if work == 0 or watch.busy_ns <= polls_ns:
        return idle_ns
    return idle_ns + (watch.busy_ns - polls_ns) * work // watch.work


cdef void _keep(Watch* watch, const Poll* poll) noexcept nogil:
    cdef Poll* place
    cdef int i
    if watch.kept_count < POLLS_KEPT:
        watch.kept[watch.kept_count] = poll[0]
        watch.kept_count += 1
    else:
        watch.kept[watch.shortest] = poll[0]
    for i in range(watch.kept_count):
        place = &watch.kept[i]
        if i == 0 or place.excess_ns < watch.kept[watch.shortest].excess_ns:
            watch.shortest = i


cdef int _poll(void* self, int batch_max) noexcept nogil:
    cdef Watch* watch = <Watch*>self
    cdef Poll poll
    cdef uint64_t faults, start_ns, usual_ns
    cdef int i, work
    for i in range(watch.values_count):
        watch.before[i] = load_acquire_u64(watch.values[i])
    faults = iron_thread_page_faults()
    start_ns = iron_thread_cpu_ns()
    work = watch.inner.poll(watch.inner.self, batch_max)
    poll.cpu_ns = iron_thread_cpu_ns() - start_ns
    poll.work = <uint64_t>max(work, 0)
    if poll.work:
        watch.busy_polls += 1
        watch.busy_ns += poll.cpu_ns
        watch.work += poll.work
    else:
        watch.idle_polls += 1
        watch.idle_ns += poll.cpu_ns
    usual_ns = _usual_ns(watch, poll.work)
    poll.excess_ns = poll.cpu_ns - usual_ns if poll.cpu_ns > usual_ns else 0
    if poll.excess_ns > watch.long_ns:
        watch.long_polls += 1
    if (watch.kept_count == POLLS_KEPT
            and poll.excess_ns <= watch.kept[watch.shortest].excess_ns):
        return work
    poll.at_ns = iron_clock_mono_ns() - watch.begun_ns
    poll.page_faults = iron_thread_page_faults() - faults
    for i in range(watch.values_count):
        poll.counted[i] = load_acquire_u64(watch.values[i]) - watch.before[i]
    _keep(watch, &poll)
    return work


cdef class Watched(Stage):
    """A stage as it is, and what each of its polls costs; a runner drives it as it would the
    stage. long_ns: polls that cost more than that beyond their work are counted as long."""

    def __cinit__(self, Stage stage not None, CounterSet counters not None, uint64_t long_ns):
        cdef int i
        self.stage = stage
        self.counters = counters
        self.watch.inner = stage.agent()
        self.watch.begun_ns = iron_clock_mono_ns()
        self.watch.long_ns = long_ns
        self.watch.values = counters.values
        self.watch.values_count = len(counters.names)
        for i in range(self.watch.values_count):
            self.moved_before[i] = self.watch.values[i][0]

    cdef Agent agent(self):
        return Agent(_poll, &self.watch, self.watch.inner.name)

    def poll_once(self, int batch_max=256):
        """One duty cycle: the work done."""
        return _poll(&self.watch, batch_max)

    def polls(self):
        """How many polls there were, idle and not, what they cost and did, and how many were
        long."""
        return {
            "idle_polls": self.watch.idle_polls,
            "idle_ns": self.watch.idle_ns,
            "busy_polls": self.watch.busy_polls,
            "busy_ns": self.watch.busy_ns,
            "work": self.watch.work,
            "long_polls": self.watch.long_polls,
        }

    def counted(self):
        """How far each count of the stage has moved while it was watched."""
        return self._counts(
            [self.watch.values[i][0] - self.moved_before[i]
             for i in range(self.watch.values_count)])

    def _counts(self, moved):
        return {one.name: moves
                for one, moves in zip(self.counters.declared, moved, strict=True)
                if one.kind == "count"}

    def longest(self):
        """The polls that cost most beyond their work, the dearest first."""
        cdef Poll* poll
        cdef uint64_t usual_ns
        cdef int i, j
        found = []
        for i in range(self.watch.kept_count):
            poll = &self.watch.kept[i]
            usual_ns = _usual_ns(&self.watch, poll.work)
            moved = self._counts([poll.counted[j] for j in range(self.watch.values_count)])
            found.append(
                PollSeen(poll.cpu_ns, max(poll.cpu_ns, usual_ns) - usual_ns, poll.work, poll.at_ns,
                         poll.page_faults, {name: n for name, n in moved.items() if n}))
        return sorted(found, key=lambda poll: -poll.excess_ns)
