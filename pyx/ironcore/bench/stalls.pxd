# A stage that is watched: what each of its polls cost. See stalls.pyx.

from libc.stdint cimport uint64_t

from ironcore.base.counter_set cimport COUNTER_SET_MAX, CounterSet
from ironcore.stage.agent cimport Agent, Stage

cdef enum:
    POLLS_KEPT = 32                  # of the dearest; ten are told, by what is known at the end

cdef struct Poll:
    uint64_t cpu_ns                  # of the thread, from before the poll to after it
    uint64_t excess_ns               # as far as was known then
    uint64_t work
    uint64_t at_ns                   # when, since the stage is watched
    uint64_t page_faults
    uint64_t counted[COUNTER_SET_MAX]  # how far each counter of the stage moved

cdef struct Watch:
    Agent inner
    uint64_t** values                # of the stage's counters
    int values_count
    uint64_t before[COUNTER_SET_MAX]
    uint64_t idle_polls
    uint64_t idle_ns
    uint64_t busy_polls
    uint64_t busy_ns
    uint64_t work
    uint64_t begun_ns
    uint64_t long_ns
    uint64_t long_polls              # whose excess was more than long_ns
    Poll kept[POLLS_KEPT]
    int kept_count
    int shortest                     # of those kept, when all places are taken

cdef class Watched(Stage):
    cdef Watch watch
    cdef readonly CounterSet counters
    cdef Stage stage                 # keeps what the agent points to
    cdef uint64_t moved_before[COUNTER_SET_MAX]
    cdef Agent agent(self)
