"""Random numbers for commands, from the host, so that no member can guess another's.

A generator would not do: a member sees the seeds of its own orders.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport STATUS_IO, STATUS_OK

cdef extern from "<sys/random.h>" nogil:
    long getrandom(void* out, size_t bytes, unsigned int flags)

cdef enum:
    SEEDS_AT_ONCE = 32               # 256 bytes


cdef int seeds_open(SeedPool* pool) noexcept nogil:
    memset(pool, 0, sizeof(SeedPool))
    return seeds_refill(pool)


cdef void seeds_fix(SeedPool* pool, uint64_t state) noexcept nogil:
    pool.left = 0
    pool.fixed = True
    pool.fixed_state = state


cdef int seeds_refill(SeedPool* pool) noexcept nogil:
    cdef uint32_t missing = SEEDS_MAX - pool.left
    if missing == 0:
        return STATUS_OK
    if pool.fixed:
        while pool.left < SEEDS_MAX:
            pool.fixed_state += 0x9E3779B97F4A7C15ull
            pool.seeds[pool.left] = pool.fixed_state
            pool.left += 1
        return STATUS_OK
    # The kernel never cuts short what is no longer than this.
    if missing > SEEDS_AT_ONCE:
        missing = SEEDS_AT_ONCE
    if getrandom(&pool.seeds[pool.left], missing * sizeof(uint64_t), 0) < 0:
        return STATUS_IO
    pool.left += missing
    return STATUS_OK


cdef uint64_t seeds_next(SeedPool* pool) noexcept nogil:
    cdef int status = STATUS_OK
    if pool.left == 0:
        status = seeds_refill(pool)
        iron_assert(status == STATUS_OK, "the host gave random numbers at the start")
    pool.left -= 1
    return pool.seeds[pool.left]
