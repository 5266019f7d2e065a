"""The tree of price levels of one side of one book: its paths are made and taken down here."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.check cimport iron_assert, iron_static_assert
from ironcore.base.builtins cimport iron_lowest_bit
from ironcore.book.order_pool cimport (
    PAGE_LEVELS, Arena, PriceNode, pool_give, pool_take,
)


cdef inline uint64_t _right_of(uint64_t occupied, uint32_t index) noexcept nogil:
    return occupied >> index >> 1 << index << 1


cdef uint32_t _node_create(Arena* arena, uint32_t parent, uint32_t index) noexcept nogil:
    cdef uint32_t number = pool_take(&arena.node_pool)
    cdef PriceNode* node = &arena.nodes[number]
    iron_assert(number <= arena.nodes_max, "more price nodes than reserved")
    node.occupied = 0
    node.parent = parent
    node.index = index
    return number


cdef void levels_create(Arena* arena, PriceLevels* side, uint32_t index, const PriceGrid* grid,
                        bint descending) noexcept nogil:
    """An empty side for the prices of the grid, of which the highest is the best if descending."""
    iron_static_assert(sizeof(PriceLevels) == 32)
    iron_static_assert(sizeof(PriceTree) == sizeof(PriceLevels))
    cdef PriceTree* tree = levels_tree(arena, side)
    cdef int32_t grid_at
    side.best_key = KEY_NONE
    side.best_level = 0
    side.near_prefix = NEAR_NONE
    side.near_node = 0
    side.hidden_key = KEY_NONE
    side.levels = 0
    tree.root = 0
    tree.depth = 1
    tree.root_prefix = NEAR_NONE
    tree.index = index
    side.price_zero = grid.highest_price if descending else grid.lowest_price
    side.price_step = <int32_t>grid.tick_size
    if descending:
        side.price_step = -side.price_step
    if grid.bands_count > 1:
        grid_at = <int32_t>(<char*>grid - <char*>side)
        side.price_zero = -grid_at if descending else grid_at
        side.price_step = 0


cdef void levels_destroy(Arena* arena, PriceLevels* side) noexcept nogil:
    iron_assert(side.levels == 0, "a side that holds orders is taken down")
    cdef PriceTree* tree = levels_tree(arena, side)
    if tree.root:
        pool_give(&arena.node_pool, tree.root)
        tree.root = 0


cdef void _root_create(Arena* arena, PriceTree* tree, uint32_t key) noexcept nogil:
    """The root of a side that holds nothing: a lowest node, for this key."""
    if tree.root == 0:
        tree.root = _node_create(arena, 0, 0)
    tree.depth = 1
    tree.root_prefix = key >> NEAR_SHIFT


cdef void _root_raise(Arena* arena, PriceTree* tree) noexcept nogil:
    """Another root above the one that there is."""
    cdef uint32_t index = tree.root_prefix & 63
    cdef uint32_t root = _node_create(arena, 0, 0)
    arena.nodes[root].child[index] = tree.root
    arena.nodes[root].occupied = <uint64_t>1 << index
    arena.nodes[tree.root].parent = root
    arena.nodes[tree.root].index = index
    tree.root = root
    tree.root_prefix >>= PAGE_SHIFT
    tree.depth += 1


cdef uint32_t levels_path_create(Arena* arena, PriceLevels* side, uint32_t key) noexcept nogil:
    cdef PriceTree* tree = levels_tree(arena, side)
    cdef uint32_t number, index, child, shift
    cdef PriceNode* node
    if side.levels == 0:
        _root_create(arena, tree, key)
    while not levels_span(tree, key):
        _root_raise(arena, tree)
    number = tree.root
    shift = levels_shift(tree)
    while shift > PAGE_SHIFT:
        node = &arena.nodes[number]
        index = (key >> shift) & 63
        if not (node.occupied >> index) & 1:
            child = _node_create(arena, number, index)
            node.child[index] = child
            node.occupied |= <uint64_t>1 << index
        number = node.child[index]
        shift -= PAGE_SHIFT
    side.near_prefix = key >> NEAR_SHIFT
    side.near_node = number
    return number


cdef uint32_t _leftmost_page(const Arena* arena, uint32_t number, uint64_t branches,
                             uint32_t nodes_below) noexcept nogil:
    """The page of the best level under the branches given of this node."""
    while nodes_below:
        number = arena.nodes[number].child[iron_lowest_bit(branches)]
        branches = arena.nodes[number].occupied
        nodes_below -= 1
    return arena.nodes[number].child[iron_lowest_bit(branches)]


cdef void levels_path_release(Arena* arena, PriceLevels* side, uint32_t number,
                              bint was_best) noexcept nogil:
    cdef PriceNode* node = &arena.nodes[number]
    cdef uint32_t root = levels_tree(arena, side).root
    cdef uint32_t nodes_below = 0
    cdef uint32_t index
    while node.occupied == 0 and number != root:
        if number == side.near_node:
            side.near_prefix = NEAR_NONE
        pool_give(&arena.node_pool, number)
        index = node.index
        number = node.parent
        node = &arena.nodes[number]
        node.occupied &= ~(<uint64_t>1 << index)
        nodes_below += 1
    if node.occupied == 0:           # the root: nothing is left
        side.best_key = KEY_NONE
    elif was_best:
        levels_best_of(arena, side, _leftmost_page(arena, number, node.occupied, nodes_below))


cdef void level_round_up(Arena* arena, uint32_t level) noexcept nogil:
    cdef uint32_t number = level >> PAGE_SHIFT
    if arena.pages[number].crowded == 0:
        memset(&arena.rounds[number << PAGE_SHIFT], 0, PAGE_LEVELS * sizeof(uint16_t))
    arena.pages[number].crowded += arena.rounds[level] == 0
    arena.rounds[level] += 1


cdef void level_round_down(Arena* arena, uint32_t level) noexcept nogil:
    arena.rounds[level] -= 1
    arena.pages[level >> PAGE_SHIFT].crowded -= arena.rounds[level] == 0


cdef uint32_t levels_next(Arena* arena, const PriceLevels* side, uint32_t unit) noexcept nogil:
    cdef uint32_t number = unit >> PAGE_SHIFT
    cdef uint64_t right = _right_of(arena.pages[number].occupied, unit & 63)
    cdef uint32_t index = (arena.pages[number].key_base >> PAGE_SHIFT) & 63
    cdef uint32_t root = levels_tree(arena, side).root
    cdef uint32_t nodes_below = 0
    if right:
        return (number << PAGE_SHIFT) | iron_lowest_bit(right)
    number = arena.pages[number].parent
    right = _right_of(arena.nodes[number].occupied, index)
    while right == 0:
        if number == root:
            return 0
        index = arena.nodes[number].index
        number = arena.nodes[number].parent
        right = _right_of(arena.nodes[number].occupied, index)
        nodes_below += 1
    number = _leftmost_page(arena, number, right, nodes_below)
    return (number << PAGE_SHIFT) | iron_lowest_bit(arena.pages[number].occupied)
