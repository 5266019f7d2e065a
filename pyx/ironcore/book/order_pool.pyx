"""The arena that orders and price levels live in, and the table from which an order is found."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_LIMIT, STATUS_OK
from ironcore.base.memory cimport memory_prefault, memory_release, memory_reserve


cdef enum:
    UNIT_BYTES = 16
    ROOTS_A_BOOK = 10
    NODE_DEPTH_MAX = 5               # five nodes and a page span 64^6 ticks: more than there are
    PAGES_HOT = 1024                 # faulted in at start; eight a book come on top
    SPECIALS_HOT = 16384             # orders


cdef uint64_t _units_bytes(const Arena* arena) noexcept nogil:
    return (<uint64_t>arena.page_first + arena.pages_max + 1) * PAGE_LEVELS * UNIT_BYTES


cdef uint64_t _pages_bytes(const Arena* arena) noexcept nogil:
    return (<uint64_t>arena.page_first + arena.pages_max + 1) * sizeof(LevelPage)


cdef uint64_t _reserves_bytes(const Arena* arena) noexcept nogil:
    return (<uint64_t>arena.page_first + arena.pages_max + 1) * PAGE_LEVELS * sizeof(uint64_t)


cdef uint64_t _rounds_bytes(const Arena* arena) noexcept nogil:
    return (<uint64_t>arena.page_first + arena.pages_max + 1) * PAGE_LEVELS * sizeof(uint16_t)


cdef uint64_t _nodes_bytes(const Arena* arena) noexcept nogil:
    return (<uint64_t>arena.nodes_max + 1) * sizeof(PriceNode)


cdef uint64_t _specials_bytes(const Arena* arena) noexcept nogil:
    return (<uint64_t>arena.orders_max + 1) * sizeof(Special)


cdef uint32_t* _free_list(uint32_t count) noexcept nogil:
    return <uint32_t*>memory_reserve((<uint64_t>count + 1) * sizeof(uint32_t))


cdef void _free_list_release(Pool* pool, uint32_t count) noexcept nogil:
    memory_release(pool.free, (<uint64_t>count + 1) * sizeof(uint32_t))


cdef int arena_create(Arena* arena, uint32_t orders_max, uint32_t books_max,
                      uint64_t slots_count) noexcept nogil:
    """Reserve for the worst case, in which every order has a page and a path of nodes of its own:
    then only orders can run out, and that is seen before a command has changed anything.
    STATUS_LIMIT when the host refuses the address space: destroy what there is of it."""
    iron_static_assert(sizeof(Level) == UNIT_BYTES)
    iron_static_assert(sizeof(Order) == 2 * UNIT_BYTES)
    iron_static_assert(sizeof(Special) == 96)
    iron_static_assert(sizeof(LevelPage) == 32)
    iron_static_assert(sizeof(PriceNode) == 272)
    cdef uint64_t pages_hot = PAGES_HOT + 8 * <uint64_t>books_max
    arena.orders_max = orders_max
    arena.orders_live = 0
    arena.page_first = (2 * orders_max + 2 + PAGE_LEVELS - 1) // PAGE_LEVELS
    arena.pages_max = orders_max
    arena.nodes_max = ROOTS_A_BOOK * books_max + orders_max * (NODE_DEPTH_MAX - 1)
    arena.slots_count = slots_count
    arena.units = <Level*>memory_reserve(_units_bytes(arena))
    arena.pages = <LevelPage*>memory_reserve(_pages_bytes(arena))
    arena.reserves = <uint64_t*>memory_reserve(_reserves_bytes(arena))
    arena.rounds = <uint16_t*>memory_reserve(_rounds_bytes(arena))
    arena.nodes = <PriceNode*>memory_reserve(_nodes_bytes(arena))
    arena.specials = <Special*>memory_reserve(_specials_bytes(arena))
    arena.slots = <uint32_t*>memory_reserve(slots_count * sizeof(uint32_t))
    arena.order_pool = Pool(free=_free_list(orders_max), free_count=0, fresh=0)
    arena.page_pool = Pool(free=_free_list(arena.pages_max), free_count=0,
                           fresh=arena.page_first - 1)
    arena.node_pool = Pool(free=_free_list(arena.nodes_max), free_count=0, fresh=0)
    if (arena.units == NULL or arena.pages == NULL or arena.nodes == NULL or arena.slots == NULL
            or arena.specials == NULL or arena.reserves == NULL or arena.rounds == NULL
            or arena.order_pool.free == NULL or arena.page_pool.free == NULL
            or arena.node_pool.free == NULL):
        return STATUS_LIMIT
    pages_hot = min(pages_hot, arena.pages_max)
    memory_prefault(arena.units, (arena.page_first + pages_hot) * PAGE_LEVELS * UNIT_BYTES)
    memory_prefault(&arena.pages[arena.page_first], pages_hot * sizeof(LevelPage))
    memory_prefault(arena.nodes, min(<uint64_t>arena.nodes_max, 2 * pages_hot) * sizeof(PriceNode))
    memory_prefault(arena.specials,
                    min(orders_max, <uint32_t>SPECIALS_HOT) * <uint64_t>sizeof(Special))
    memory_prefault(arena.order_pool.free, orders_max * sizeof(uint32_t))
    memory_prefault(arena.page_pool.free, pages_hot * sizeof(uint32_t))
    memory_prefault(arena.node_pool.free, pages_hot * sizeof(uint32_t))
    return STATUS_OK


cdef void arena_destroy(Arena* arena) noexcept nogil:
    memory_release(arena.units, _units_bytes(arena))
    memory_release(arena.pages, _pages_bytes(arena))
    memory_release(arena.reserves, _reserves_bytes(arena))
    memory_release(arena.rounds, _rounds_bytes(arena))
    memory_release(arena.nodes, _nodes_bytes(arena))
    memory_release(arena.specials, _specials_bytes(arena))
    memory_release(arena.slots, arena.slots_count * sizeof(uint32_t))
    _free_list_release(&arena.order_pool, arena.orders_max)
    _free_list_release(&arena.page_pool, arena.pages_max)
    _free_list_release(&arena.node_pool, arena.nodes_max)
