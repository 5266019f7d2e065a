# Random numbers that reach the matcher as fields of commands, drawn before an order needs them.

from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    SEEDS_MAX = 64

cdef struct SeedPool:
    uint64_t seeds[SEEDS_MAX]
    uint32_t left
    bint fixed                       # from fixed_state and not from the host
    uint64_t fixed_state

# From the host's random numbers. STATUS_IO when it has none.
cdef int seeds_open(SeedPool* pool) noexcept nogil
# A sequence that is the same each time, for simulations.
cdef void seeds_fix(SeedPool* pool, uint64_t state) noexcept nogil
# Draws some of what is missing; cheap when nothing is.
cdef int seeds_refill(SeedPool* pool) noexcept nogil
# The next one, drawn now if the pool is empty.
cdef uint64_t seeds_next(SeedPool* pool) noexcept nogil
