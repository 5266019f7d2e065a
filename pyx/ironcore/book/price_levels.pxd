# The price levels of one side of one book, in order of price, found by price in constant time.
#
# A price becomes a key in which lower is always better (bids count down from the highest price),
# so that one code serves both sides and the best is always a lowest set bit. The keys are the
# leaves of a tree of 64-bit maps: a page holds 64 neighbouring levels, a node 64 pages or nodes.
# Only what holds an order exists, and the root is no higher than the keys in use require: a root
# that does not span a new key gets another above it, and an empty side begins anew. So a stub quote
# far away costs one path of nodes, and no window has to follow the market.
#
# The lowest node used last is remembered: it spans 4,096 ticks, which is where nearly all orders of
# a liquid book go, and makes finding a level two loads.

from libc.stdint cimport int32_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_likely, iron_lowest_bit, iron_unlikely
from ironcore.base.check cimport iron_assert
from ironcore.book.order_pool cimport (
    ROUND_SHIFT, TOTAL_COUNT_SHIFT, TOTAL_ONE_ORDER, TOTAL_QUANTITY_MASK, Arena, Level, LevelPage,
    PriceNode, level_at, pool_give, pool_take,
)
from ironcore.book.price_grid cimport PriceGrid, grid_price_of_bands

cdef enum:
    KEY_NONE = 0xFFFFFFFF            # worse than every price: no level at all
    KEY_WORST = 0xFFFFFFFE           # as a limit: any price will do
    PAGE_SHIFT = 6                   # key bits within a page
    NEAR_SHIFT = 12                  # key bits within a lowest node
    NEAR_NONE = 0xFFFFFFFF

cdef struct PriceLevels:             # 32 bytes: both sides of a book share a cache line
    uint32_t best_key                # KEY_NONE when the side is empty
    uint32_t best_level              # unit; valid unless the side is empty
    uint32_t near_prefix             # key >> NEAR_SHIFT of near_node, or NEAR_NONE
    uint32_t near_node
    uint32_t levels                  # occupied
    uint32_t hidden_key              # of a displayed side: the best_key of the hidden one
    int32_t price_zero               # price of key 0
    int32_t price_step               # of one key: the tick, negative on the buy side. 0: there is
                                     # more than one tick size, in a PriceGrid so many bytes on as
                                     # price_zero says, which is negative where price_step would be

# What only the making and taking down of paths looks at. Sides are in arrays; their trees are in
# another one, Arena.trees_at bytes on.
cdef struct PriceTree:               # 32 bytes, as a PriceLevels
    uint32_t root                    # 0 until the first order comes
    uint32_t depth                   # nodes on the way from the root to a page, 1 or more
                                     # (levels_shift); says nothing while the root is empty
    uint32_t root_prefix             # of the keys that the root spans
    uint32_t index                   # instrument << SIDE_SHIFT | kind and side (book.pxd)
    uint32_t reserved[4]

cdef void levels_create(Arena* arena, PriceLevels* side, uint32_t index, const PriceGrid* grid,
                        bint descending) noexcept nogil
# Gives back what an empty side is made of.
cdef void levels_destroy(Arena* arena, PriceLevels* side) noexcept nogil
# The lowest node for this key, what is missing on the way to it made; remembered as near.
cdef uint32_t levels_path_create(Arena* arena, PriceLevels* side, uint32_t key) noexcept nogil
# A lowest node has become empty: gives it back, and what it leaves empty above it; finds the new
# best level if the last one under this node was that.
cdef void levels_path_release(Arena* arena, PriceLevels* side, uint32_t node,
                              bint was_best) noexcept nogil
# The count in the level's total has gone round: up past 2^ROUND_SHIFT - 1, or down past 0.
cdef void level_round_up(Arena* arena, uint32_t level) noexcept nogil
cdef void level_round_down(Arena* arena, uint32_t level) noexcept nogil
# The occupied level next worse than the one given, or 0.
cdef uint32_t levels_next(Arena* arena, const PriceLevels* side, uint32_t unit) noexcept nogil


cdef inline PriceTree* levels_tree(const Arena* arena, const PriceLevels* side) noexcept nogil:
    return <PriceTree*>(<char*>side + arena.trees_at)


cdef inline int32_t levels_price(const PriceLevels* side, uint32_t key) noexcept nogil:
    cdef const PriceGrid* grid
    if iron_likely(side.price_step != 0):
        return side.price_zero + side.price_step * <int32_t>key
    if side.price_zero > 0:
        grid = <const PriceGrid*>(<const char*>side + side.price_zero)
        return grid_price_of_bands(grid, key)
    grid = <const PriceGrid*>(<const char*>side - side.price_zero)
    return grid_price_of_bands(grid, grid.ticks_count - 1 - key)


cdef inline uint32_t level_key(const Arena* arena, uint32_t level) noexcept nogil:
    return arena.pages[level >> PAGE_SHIFT].key_base + (level & 63)


cdef inline void level_add_order(Arena* arena, uint32_t level, uint32_t quantity) noexcept nogil:
    """One more order, with this open quantity."""
    cdef Level* found = level_at(arena, level)
    found.total += TOTAL_ONE_ORDER + quantity
    if iron_unlikely(found.total < TOTAL_ONE_ORDER):
        level_round_up(arena, level)


cdef inline void level_take_order(Arena* arena, uint32_t level, uint32_t quantity) noexcept nogil:
    """One order less, which had this open quantity."""
    cdef Level* found = level_at(arena, level)
    if iron_unlikely(found.total < TOTAL_ONE_ORDER):
        level_round_down(arena, level)
    found.total -= TOTAL_ONE_ORDER + quantity


cdef inline uint32_t level_orders(const Arena* arena, uint32_t level) noexcept nogil:
    """How many orders are in its queue."""
    cdef uint32_t count = <uint32_t>(arena.units[level].total >> TOTAL_COUNT_SHIFT)
    if arena.pages[level >> PAGE_SHIFT].crowded:
        count += <uint32_t>arena.rounds[level] << ROUND_SHIFT
    return count


cdef inline uint64_t level_displayed(const Arena* arena, uint32_t level) noexcept nogil:
    """Open at this level, reserves not included."""
    return arena.units[level].total & TOTAL_QUANTITY_MASK


cdef inline uint64_t level_quantity(const Arena* arena, uint32_t level) noexcept nogil:
    """Open at this level, reserves included."""
    cdef const LevelPage* page = &arena.pages[level >> PAGE_SHIFT]
    cdef uint64_t quantity = level_displayed(arena, level)
    if (page.with_reserve >> (level & 63)) & 1:
        quantity += arena.reserves[level]
    return quantity


cdef inline bint level_has_reserve(const Arena* arena, uint32_t level) noexcept nogil:
    """Whether any of its icebergs has."""
    return (arena.pages[level >> PAGE_SHIFT].with_reserve >> (level & 63)) & 1


cdef inline void level_add_reserve(Arena* arena, uint32_t level, uint32_t quantity) noexcept nogil:
    """An iceberg with this reserve, which is not 0, has come."""
    cdef LevelPage* page = &arena.pages[level >> PAGE_SHIFT]
    if not (page.with_reserve >> (level & 63)) & 1:
        page.with_reserve |= <uint64_t>1 << (level & 63)
        arena.reserves[level] = 0
    arena.reserves[level] += quantity


cdef inline void level_take_reserve(Arena* arena, uint32_t level, uint32_t quantity) noexcept nogil:
    """One of its icebergs has that much less in reserve."""
    if quantity == 0:
        return
    arena.reserves[level] -= quantity
    if arena.reserves[level] == 0:
        arena.pages[level >> PAGE_SHIFT].with_reserve &= ~(<uint64_t>1 << (level & 63))


cdef inline uint32_t levels_shift(const PriceTree* tree) noexcept nogil:
    """How many bits of a key are below the root's own."""
    return PAGE_SHIFT * tree.depth


cdef inline bint levels_span(const PriceTree* tree, uint32_t key) noexcept nogil:
    """Whether the root spans this key."""
    return <uint64_t>key >> levels_shift(tree) >> PAGE_SHIFT == tree.root_prefix


cdef inline uint32_t levels_first_key(const PriceTree* tree) noexcept nogil:
    """The lowest key that the root spans."""
    return <uint32_t>(<uint64_t>tree.root_prefix << levels_shift(tree) << PAGE_SHIFT)


cdef inline uint32_t levels_near(Arena* arena, PriceLevels* side, uint32_t key) noexcept nogil:
    """The lowest node for this key, made when there was none; remembered as near."""
    cdef const PriceTree* tree = levels_tree(arena, side)
    cdef uint32_t number = tree.root
    cdef uint32_t shift = levels_shift(tree)
    cdef const PriceNode* node = &arena.nodes[number]
    if not levels_span(tree, key):
        return levels_path_create(arena, side, key)
    while shift > PAGE_SHIFT:
        if not (node.occupied >> ((key >> shift) & 63)) & 1:
            return levels_path_create(arena, side, key)
        number = node.child[(key >> shift) & 63]
        node = &arena.nodes[number]
        shift -= PAGE_SHIFT
    side.near_prefix = key >> NEAR_SHIFT
    side.near_node = number
    return number


cdef inline uint32_t levels_page_create(Arena* arena, PriceLevels* side, uint32_t parent,
                                        uint32_t key) noexcept nogil:
    cdef uint32_t number = pool_take(&arena.page_pool)
    cdef LevelPage* page = &arena.pages[number]
    cdef PriceNode* node = &arena.nodes[parent]
    cdef uint32_t child = (key >> PAGE_SHIFT) & 63
    if iron_unlikely(number == arena.page_pool.fresh):
        iron_assert(number < arena.page_first + arena.pages_max, "more level pages than reserved")
    page.occupied = 0
    page.with_reserve = 0
    page.crowded = 0
    page.parent = parent
    page.key_base = key & ~<uint32_t>63
    page.side = levels_tree(arena, side).index
    node.child[child] = number
    node.occupied |= <uint64_t>1 << child
    return number


cdef inline uint32_t levels_take(Arena* arena, PriceLevels* side, uint32_t key) noexcept nogil:
    """The unit of the level at this key, made when there was none."""
    cdef uint32_t parent = side.near_node
    cdef uint32_t child = (key >> PAGE_SHIFT) & 63
    cdef uint32_t number, unit
    cdef PriceNode* node
    cdef LevelPage* page
    cdef Level* level
    if not iron_likely(key >> NEAR_SHIFT == side.near_prefix):
        parent = levels_near(arena, side, key)
    node = &arena.nodes[parent]
    if iron_likely((node.occupied >> child) & 1):
        number = node.child[child]
    else:
        number = levels_page_create(arena, side, parent, key)
    page = &arena.pages[number]
    unit = (number << PAGE_SHIFT) | (key & 63)
    if not (page.occupied >> (key & 63)) & 1:
        page.occupied |= <uint64_t>1 << (key & 63)
        level = level_at(arena, unit)
        level.link.next = unit
        level.link.prev = unit
        level.total = 0
        side.levels += 1
        if key < side.best_key:
            side.best_key = key
            side.best_level = unit
    return unit


cdef inline void levels_best_of(const Arena* arena, PriceLevels* side,
                                uint32_t page) noexcept nogil:
    """The side's best level is the best one of this page."""
    cdef uint32_t lowest = iron_lowest_bit(arena.pages[page].occupied)
    side.best_key = arena.pages[page].key_base + lowest
    side.best_level = (page << PAGE_SHIFT) | lowest


cdef inline void levels_page_release(Arena* arena, PriceLevels* side, uint32_t number,
                                     bint was_best) noexcept nogil:
    """Give back an empty page. Where the best level was in it, the next best is in the same node if
    there is any: nothing stood left of it."""
    cdef const LevelPage* page = &arena.pages[number]
    cdef PriceNode* node = &arena.nodes[page.parent]
    pool_give(&arena.page_pool, number)
    node.occupied &= ~(<uint64_t>1 << ((page.key_base >> PAGE_SHIFT) & 63))
    if iron_unlikely(node.occupied == 0):
        levels_path_release(arena, side, page.parent, was_best)
    elif was_best:
        levels_best_of(arena, side, node.child[iron_lowest_bit(node.occupied)])


cdef inline void levels_leave(Arena* arena, PriceLevels* side, uint32_t unit) noexcept nogil:
    """The level has become empty: take it out, and find the new best if it was that."""
    cdef uint32_t number = unit >> PAGE_SHIFT
    cdef LevelPage* page = &arena.pages[number]
    cdef bint was_best = unit == side.best_level
    page.occupied &= ~(<uint64_t>1 << (unit & 63))
    side.levels -= 1
    if page.occupied == 0:
        levels_page_release(arena, side, number, was_best)
    elif was_best:
        levels_best_of(arena, side, number)
