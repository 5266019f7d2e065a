"""The arena that orders and price levels live in, and the table from which an order is found."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_LIMIT, STATUS_OK
from ironcore.base.memory cimport (
    memory_prefault, memory_prefer_huge, memory_release, memory_reserve,
)


cdef enum:
    UNIT_BYTES = 16
    ROOTS_A_BOOK = 10
    NODE_DEPTH_MAX = 5               # five nodes and a page span 64^6 ticks: more than there are
    SPECIALS_HOT = 16384             # orders, faulted in at start


cdef uint64_t _list_bytes(uint32_t count) noexcept nogil:
    """Of a pool's list of what is free."""
    return (<uint64_t>count + 1) * sizeof(uint32_t)


cdef void arena_tables(const Arena* arena, Reservation* tables) noexcept nogil:
    cdef uint64_t pages = <uint64_t>arena.page_first + arena.pages_max + 1
    tables[0] = Reservation(arena.units, pages * PAGE_LEVELS * UNIT_BYTES)
    tables[1] = Reservation(arena.pages, pages * sizeof(LevelPage))
    tables[2] = Reservation(arena.reserves, pages * PAGE_LEVELS * sizeof(uint64_t))
    tables[3] = Reservation(arena.rounds, pages * PAGE_LEVELS * sizeof(uint16_t))
    tables[4] = Reservation(arena.nodes, (<uint64_t>arena.nodes_max + 1) * sizeof(PriceNode))
    tables[5] = Reservation(arena.specials, (<uint64_t>arena.orders_max + 1) * sizeof(Special))
    tables[6] = Reservation(arena.slots, arena.slots_count * sizeof(uint32_t))
    tables[7] = Reservation(arena.order_pool.free, _list_bytes(arena.orders_max))
    tables[8] = Reservation(arena.page_pool.free, _list_bytes(arena.pages_max))
    tables[9] = Reservation(arena.node_pool.free, _list_bytes(arena.nodes_max))


cdef bint _reserve(Arena* arena) noexcept nogil:
    """All tables, whose sizes are known; False when the host refuses one."""
    cdef Reservation tables[ARENA_TABLES]
    cdef bint is_whole = True
    cdef uint32_t index
    arena_tables(arena, tables)
    for index in range(<uint32_t>ARENA_TABLES):
        tables[index].base = memory_reserve(tables[index].bytes)
        is_whole = is_whole and tables[index].base != NULL
    arena.units = <Level*>tables[0].base
    arena.pages = <LevelPage*>tables[1].base
    arena.reserves = <uint64_t*>tables[2].base
    arena.rounds = <uint16_t*>tables[3].base
    arena.nodes = <PriceNode*>tables[4].base
    arena.specials = <Special*>tables[5].base
    arena.slots = <uint32_t*>tables[6].base
    arena.order_pool.free = <uint32_t*>tables[7].base
    arena.page_pool.free = <uint32_t*>tables[8].base
    arena.node_pool.free = <uint32_t*>tables[9].base
    return is_whole


cdef void _prefault(Arena* arena, uint64_t pages_hot) noexcept nogil:
    """What orders, levels and nodes will touch first. What they grow into is of huge pages too,
    where there are any: many instruments spread over more small ones than a processor remembers."""
    cdef uint64_t nodes_hot = min(2 * pages_hot, <uint64_t>arena.nodes_max + 1)
    cdef Reservation tables[ARENA_TABLES]
    arena_tables(arena, tables)
    memory_prefer_huge(arena.units, tables[0].bytes)
    memory_prefer_huge(arena.pages, tables[1].bytes)
    memory_prefer_huge(arena.nodes, tables[4].bytes)
    pages_hot = min(pages_hot, arena.pages_max)
    memory_prefault(arena.units, (arena.page_first + pages_hot) * PAGE_LEVELS * UNIT_BYTES)
    memory_prefault(&arena.pages[arena.page_first], pages_hot * sizeof(LevelPage))
    # Number 0 means none, and is read by those who look ahead.
    memory_prefault(arena.pages, sizeof(LevelPage))
    memory_prefault(arena.slots, sizeof(uint32_t))
    memory_prefault(arena.nodes, nodes_hot * sizeof(PriceNode))
    memory_prefault(arena.specials,
                    min(arena.orders_max, <uint32_t>SPECIALS_HOT) * <uint64_t>sizeof(Special))
    memory_prefault(arena.order_pool.free, arena.orders_max * sizeof(uint32_t))
    memory_prefault(arena.page_pool.free, pages_hot * sizeof(uint32_t))
    memory_prefault(arena.node_pool.free, nodes_hot * sizeof(uint32_t))


cdef int arena_create(Arena* arena, uint32_t orders_max, uint32_t books_max, uint32_t trees_at,
                      uint32_t pages_hot, uint64_t slots_count) noexcept nogil:
    """Reserve for the worst case, in which every order has a page and a path of nodes of its own:
    then only orders can run out, and that is seen before a command has changed anything.
    STATUS_LIMIT when the host refuses the address space: destroy what there is of it."""
    iron_static_assert(sizeof(Level) == UNIT_BYTES)
    iron_static_assert(sizeof(Order) == 2 * UNIT_BYTES)
    iron_static_assert(sizeof(Special) == 104)
    iron_static_assert(sizeof(LevelPage) == 32)
    iron_static_assert(sizeof(PriceNode) == 272)
    iron_static_assert(NODES_HOT == 2 * PAGES_HOT)
    arena.orders_max = orders_max
    arena.orders_live = 0
    arena.page_first = (2 * orders_max + 2 + PAGE_LEVELS - 1) // PAGE_LEVELS
    arena.pages_max = orders_max
    arena.nodes_max = ROOTS_A_BOOK * books_max + orders_max * (NODE_DEPTH_MAX - 1)
    arena.trees_at = trees_at
    arena.slots_count = slots_count
    arena.order_pool = Pool(free=NULL, free_count=0, fresh=0)
    arena.page_pool = Pool(free=NULL, free_count=0, fresh=arena.page_first - 1)
    arena.node_pool = Pool(free=NULL, free_count=0, fresh=0)
    if not _reserve(arena):
        return STATUS_LIMIT
    _prefault(arena, max(pages_hot, <uint32_t>PAGES_HOT))
    return STATUS_OK


cdef void arena_destroy(Arena* arena) noexcept nogil:
    cdef Reservation tables[ARENA_TABLES]
    cdef uint32_t index
    arena_tables(arena, tables)
    for index in range(<uint32_t>ARENA_TABLES):
        memory_release(tables[index].base, tables[index].bytes)
