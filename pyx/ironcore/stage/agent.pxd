# A stage is an agent: made with its rings, driven by poll(batch_max), which does at most that much
# work, never waits, and says how much it did (0: idle; negative: -Status, the agent cannot go on).

from libc.stdint cimport uint64_t

ctypedef int (*poll_fn)(void* self, int batch_max) noexcept nogil

cdef struct Agent:
    poll_fn poll
    void* self
    const char* name

# What every stage derives from, so that a runner can drive it.
cdef class Stage:
    cdef Agent agent(self)
