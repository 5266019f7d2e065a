"""Level pages and nodes that are in memory before they are taken."""

from libc.stdint cimport uint32_t, uint64_t

from ironcore.base.atomics cimport load_acquire_u32
from ironcore.base.memory cimport memory_populate
from ironcore.book.order_pool cimport (
    NODES_HOT, PAGE_LEVELS, PAGES_HOT, Level, LevelPage, PriceNode,
)

cdef enum:
    GROWTHS_AHEAD = 8                # as many as came since the last look, so many times
    PART_MIN = 4                     # of what is to be there, one so many-th at a time, or more


cdef uint32_t _due(PoolAhead* pool, uint32_t used, uint32_t stock, uint32_t end) noexcept nogil:
    """How many numbers from pool.end on are to be made resident now; no number reaches end."""
    cdef uint64_t growth = used - pool.seen if pool.seen and used > pool.seen else 0
    cdef uint64_t wanted = used + max(<uint64_t>stock, GROWTHS_AHEAD * growth)
    pool.seen = used
    if wanted >= end:
        return end - pool.end
    return <uint32_t>(wanted - pool.end) if wanted >= pool.end + stock // PART_MIN else 0


cdef uint64_t _pages(Arena* arena, PoolAhead* pool) noexcept nogil:
    cdef uint64_t first, count
    pool.end = max(pool.end, arena.page_first + min(<uint32_t>PAGES_HOT, arena.pages_max))
    first = pool.end
    count = _due(pool, load_acquire_u32(&arena.page_pool.fresh), PAGES_HOT,
                 arena.page_first + arena.pages_max)
    if count == 0:
        return 0
    if not (memory_populate(&arena.units[first * PAGE_LEVELS],
                            count * PAGE_LEVELS * sizeof(Level))
            and memory_populate(&arena.pages[first], count * sizeof(LevelPage))
            and memory_populate(&arena.page_pool.free[first - arena.page_first],
                                count * sizeof(uint32_t))):
        return 0
    pool.end += <uint32_t>count
    return count * (PAGE_LEVELS * sizeof(Level) + sizeof(LevelPage) + sizeof(uint32_t))


cdef uint64_t _nodes(Arena* arena, PoolAhead* pool) noexcept nogil:
    cdef uint64_t first, count
    pool.end = max(pool.end, min(<uint32_t>NODES_HOT, arena.nodes_max + 1))
    first = pool.end
    count = _due(pool, load_acquire_u32(&arena.node_pool.fresh), NODES_HOT, arena.nodes_max + 1)
    if count == 0:
        return 0
    if not (memory_populate(&arena.nodes[first], count * sizeof(PriceNode))
            and memory_populate(&arena.node_pool.free[first], count * sizeof(uint32_t))):
        return 0
    pool.end += <uint32_t>count
    return count * (sizeof(PriceNode) + sizeof(uint32_t))


cdef uint64_t arena_keep_ahead(Arena* arena, ArenaAhead* ahead) noexcept nogil:
    return _pages(arena, &ahead.pages) + _nodes(arena, &ahead.nodes)
