"""Checks a whole engine's structures against each other: section 17 of docs/MATCHING_RULES.md."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from ironcore.base.check cimport iron_assert
from ironcore.book.book cimport (
    KIND_HIDDEN, KIND_SHIFT, SIDE_MASK, SIDES_COUNT, Book,
)
from ironcore.book.order_pool cimport (
    ORDER_ICEBERG, Arena, Level, LevelPage, Order, Pool, PriceNode, level_at, link_at, order_at,
    order_ref, order_side, special_at,
)
from ironcore.engine.auctions.auction cimport auctions_broken
from ironcore.engine.orders cimport order_reserve
from ironcore.book.price_levels cimport (
    KEY_NONE, NEAR_NONE, PAGE_SHIFT, PriceLevels, PriceTree, level_displayed, level_key,
    level_orders, level_quantity, levels_first_key, levels_next,
)
from ironcore.engine.pending_work cimport works_broken
from ironcore.engine.quotes.quote_places cimport quotes_broken
from ironcore.engine.under_way cimport book_is_in_auction, busy_broken
from ironcore.engine.special_invariants cimport (
    book_broken_special, book_broken_state, engine_broken_ends, engine_broken_expiry,
    engine_broken_pairs,
    engine_broken_sessions, order_broken_special, order_has_min_quantity, order_keeps_turn,
)
from ironcore.book.limits cimport side_is_sell
from ironcore.book.options cimport options_are_pegged
from ironcore.wire.record cimport STATE_CONTINUOUS


cdef inline const char* _unless(bint holds, const char* sentence) noexcept nogil:
    if holds:
        return NULL
    return sentence


cdef enum:
    CHECK_STEPS = 4096               # of a walk through everything, for each command


cdef struct Tally:                   # what was met on the walk
    uint8_t* seen                    # one byte an order, a page or a node
    uint32_t orders
    uint32_t pages
    uint32_t nodes


cdef inline bint _may_show_none(const Engine* engine, const Book* book,
                                const Order* order) noexcept nogil:
    """Of an iceberg: between two steps of an auction, as it displays again with its end (14.5)."""
    return order.ref_side & ORDER_ICEBERG != 0 and book_is_in_auction(engine, book)


cdef const char* _order(Engine* engine, const Book* book, uint32_t unit, uint32_t level_unit,
                        uint32_t side) noexcept nogil:
    """What an order in a queue must be, its neighbours apart."""
    cdef const Order* order = order_at(&engine.arena, unit)
    if order.level != level_unit:
        return b"an order does not know its neighbour or its level"
    if order_ref(order) == 0 or (order.quantity == 0 and not _may_show_none(engine, book, order)):
        return b"an order without quantity or reference rests"
    if order.quantity % book.limits.lot_size:
        return b"an order rests that is not a whole number of lots"
    if side_is_sell(order_side(order)) != (side & 1 != 0):
        return b"an order rests on the wrong side"
    if engine.arena.slots[order.slot] != unit:
        return b"an order cannot be found by its owner's reference"
    return order_broken_special(engine, book, unit, side >> KIND_SHIFT)


cdef const char* _queue(Engine* engine, Tally* tally, const Book* book, uint32_t level_unit,
                        uint32_t side) noexcept nogil:
    cdef Arena* arena = &engine.arena
    cdef Level* level = level_at(arena, level_unit)
    cdef uint32_t previous = level_unit
    cdef uint32_t unit = level.link.next
    cdef uint64_t total = 0
    cdef uint32_t count = 0
    cdef uint64_t reserve = 0
    cdef uint64_t ref_before = 0
    cdef const char* broken
    cdef Order* order
    while unit != level_unit:
        if unit < 2 or unit > 2 * arena.order_pool.fresh or unit % 2:
            return b"a queue holds something that is not an order"
        order = order_at(arena, unit)
        if tally.seen[unit >> 1]:
            return b"an order is in two places"
        tally.seen[unit >> 1] = 1
        tally.orders += 1
        total += order.quantity
        count += 1
        reserve += order_reserve(engine, unit)
        if order.link.prev != previous:
            return b"an order does not know its neighbour or its level"
        broken = _order(engine, book, unit, level_unit, side)
        if broken != NULL:
            return broken
        if order_keeps_turn(engine, unit, side >> KIND_SHIFT):
            if order_ref(order) <= ref_before:
                return b"an order is before one that came earlier"
            ref_before = order_ref(order)
        previous = unit
        unit = order.link.next
    if level.link.prev != previous:
        return b"a level does not know the end of its queue"
    if level_displayed(arena, level_unit) != total or count == 0:
        return b"a level's total is not the sum of its orders"
    if level_orders(arena, level_unit) != count:
        return b"a level does not know how many orders it has"
    if level_quantity(arena, level_unit) != total + reserve:
        return b"a level's reserve is not the sum of its icebergs'"
    return NULL


cdef const char* _side(Engine* engine, Tally* tally, Book* book, uint32_t number) noexcept nogil:
    """The levels in order, from the best: each a step worse than the one before."""
    cdef PriceLevels* side = &book.sides[number]
    cdef const char* broken
    cdef uint32_t levels = 0
    cdef uint32_t unit, key
    cdef uint32_t key_before = KEY_NONE
    if side.best_key == KEY_NONE:
        return _unless(side.levels == 0, b"an empty side counts levels")
    unit = side.best_level
    if level_key(&engine.arena, unit) != side.best_key:
        return b"the best price is not the best level's"
    while unit:
        key = level_key(&engine.arena, unit)
        if key >= book.grid.ticks_count:
            return b"a level is outside the instrument's prices"
        if levels and key <= key_before:
            return b"the levels are not in order of price"
        if engine.arena.pages[unit >> PAGE_SHIFT].side != book.trees[number].index:
            return b"a level page belongs to another side"
        broken = _queue(engine, tally, book, unit, number)
        if broken != NULL:
            return broken
        levels += 1
        key_before = key
        unit = levels_next(&engine.arena, side, unit)
    return _unless(levels == side.levels, b"a side counts its levels wrongly")


cdef const char* _tree(Arena* arena, Tally* tally, uint32_t number, uint32_t depth,
                       uint32_t key_base) noexcept nogil:
    """The nodes and pages under a node: each occupied, and each knows its place."""
    cdef PriceNode* node = &arena.nodes[number]
    cdef const char* broken
    cdef uint32_t index, child, base
    cdef LevelPage* page
    tally.nodes += 1
    for index in range(64):
        if not (node.occupied >> index) & 1:
            continue
        child = node.child[index]
        base = key_base | index << (PAGE_SHIFT * depth)
        if depth > 1:
            if arena.nodes[child].parent != number or arena.nodes[child].index != index:
                return b"a price node does not know its place"
            if arena.nodes[child].occupied == 0:
                return b"an empty price node was not given back"
            broken = _tree(arena, tally, child, depth - 1, base)
            if broken != NULL:
                return broken
            continue
        page = &arena.pages[child]
        tally.pages += 1
        if page.parent != number or page.key_base != base:
            return b"a level page does not know its place"
        if page.occupied == 0:
            return b"an empty level page was not given back"
        if page.with_reserve & ~page.occupied:
            return b"a level has a reserve and no orders"
    return NULL


cdef const char* _best_is_first(Engine* engine, const PriceLevels* side,
                                const PriceTree* tree) noexcept nogil:
    """The best level has none to its left: the walk from it has met every level of the tree."""
    cdef Arena* arena = &engine.arena
    cdef uint32_t number = tree.root
    cdef uint32_t depth = tree.depth
    cdef uint32_t shift, index
    if side.near_prefix != NEAR_NONE and arena.nodes[side.near_node].occupied == 0:
        if side.near_node != tree.root:
            return b"the near node was given back"
    if side.best_key == KEY_NONE:
        return _unless(arena.nodes[number].occupied == 0, b"an empty side has nodes")
    while depth:
        shift = PAGE_SHIFT * depth
        index = (side.best_key >> shift) & 63
        if arena.nodes[number].occupied & ((<uint64_t>1 << index) - 1):
            return b"a better level than the best exists"
        number = arena.nodes[number].child[index]
        depth -= 1
    if arena.pages[number].occupied & ((<uint64_t>1 << (side.best_key & 63)) - 1):
        return b"a better level than the best exists"
    return NULL


cdef const char* _parked(Engine* engine, Tally* tally, uint32_t unit) noexcept nogil:
    """Of a list of peers, from this one on, those that are in no queue."""
    cdef Arena* arena = &engine.arena
    while unit:
        if order_at(arena, unit).level == 0:
            if tally.seen[unit >> 1]:
                return b"an order is in two places"
            tally.seen[unit >> 1] = 1
            tally.orders += 1
            if arena.slots[order_at(arena, unit).slot] != unit:
                return b"an order cannot be found by its owner's reference"
        unit = special_at(arena, unit).peers.next
    return NULL


cdef const char* _under_way(Engine* engine, Tally* tally, const Book* book) noexcept nogil:
    """Pegs were met among the pegs."""
    cdef uint32_t unit = book.under_way.next
    while unit and tally.orders <= engine.arena.orders_live:
        if not options_are_pegged(&special_at(&engine.arena, unit).options):
            if tally.seen[unit >> 1]:
                return b"an order is in two places"
            tally.seen[unit >> 1] = 1
            tally.orders += 1
            if engine.arena.slots[order_at(&engine.arena, unit).slot] != unit:
                return b"an order cannot be found by its owner's reference"
        unit = link_at(&engine.arena, unit).next
    return NULL


cdef uint32_t _best_key(Engine* engine, Book* book, uint32_t number) noexcept nogil:
    """Of the orders of a side, hidden ones too, that have no MinQty."""
    cdef PriceLevels* hidden = &book.sides[KIND_HIDDEN << KIND_SHIFT | number]
    cdef uint32_t level = hidden.best_level if hidden.levels else 0
    cdef uint32_t unit
    while level:
        unit = level_at(&engine.arena, level).link.next
        while unit != level:
            if not order_has_min_quantity(engine, unit):
                return min(level_key(&engine.arena, level), book.sides[number].best_key)
            unit = order_at(&engine.arena, unit).link.next
        level = levels_next(&engine.arena, hidden, level)
    return book.sides[number].best_key


cdef const char* _book(Engine* engine, Tally* tally, Book* book) noexcept nogil:
    cdef uint32_t number, buys, sells
    cdef const char* broken = NULL
    for number in range(<uint32_t>SIDES_COUNT):
        if book.trees[number].index & SIDE_MASK != number:
            return b"a side does not know itself"
        if book.trees[number].root == 0:
            continue
        broken = _tree(&engine.arena, tally, book.trees[number].root, book.trees[number].depth,
                       levels_first_key(&book.trees[number]))
        if broken == NULL:
            broken = _best_is_first(engine, &book.sides[number], &book.trees[number])
        if broken == NULL:
            broken = _side(engine, tally, book, number)
        if broken != NULL:
            return broken
    for number in range(2):
        if book.sides[number].hidden_key != book.sides[KIND_HIDDEN << KIND_SHIFT | number].best_key:
            return b"a side does not know its best hidden price"
    broken = _parked(engine, tally, book.pegs.next)
    if broken == NULL:
        broken = _parked(engine, tally, book.trailing.next)
    if broken == NULL:
        broken = _under_way(engine, tally, book)
    if broken == NULL:
        broken = book_broken_special(engine, book)
    if broken == NULL:
        broken = book_broken_state(engine, book)
    if broken != NULL:
        return broken
    buys = _best_key(engine, book, 0)
    sells = _best_key(engine, book, 1)
    if book.state == STATE_CONTINUOUS and buys != KEY_NONE and sells != KEY_NONE:
        if sells <= book.grid.ticks_count - 1 - buys:
            return b"the book is crossed"
    return NULL


cdef const char* _pools(Engine* engine, Tally* tally) noexcept nogil:
    cdef Arena* arena = &engine.arena
    cdef Pool* pool = &arena.order_pool
    cdef uint32_t index
    for index in range(pool.free_count):
        if tally.seen[pool.free[index]]:
            return b"an order is both free and live, or free twice"
        tally.seen[pool.free[index]] = 1
    if tally.orders != arena.orders_live or tally.orders > arena.orders_max:
        return b"the live orders are miscounted"
    if pool.fresh - pool.free_count != tally.orders:
        return b"an order was lost"
    if arena.page_pool.fresh + 1 - arena.page_first - arena.page_pool.free_count != tally.pages:
        return b"a level page was lost"
    if arena.node_pool.fresh - arena.node_pool.free_count != tally.nodes:
        return b"a price node was lost"
    return NULL


cdef const char* _slots(Engine* engine) noexcept nogil:
    cdef uint32_t filled = 0
    cdef uint32_t session, user_ref
    cdef uint32_t* slots
    for session in range(1, engine.sessions_count + 1):
        slots = &engine.arena.slots[session << engine.limits.user_ref_bits]
        for user_ref in range(engine.sessions[session].user_ref_last + 1):
            filled += slots[user_ref] != 0
    return _unless(filled == engine.arena.orders_live, b"a reference leads to a dead order")


cdef const char* engine_broken_invariant(Engine* engine) noexcept nogil:
    cdef Tally tally
    cdef const char* broken = NULL
    cdef uint32_t index
    tally.orders = 0
    tally.pages = 0
    tally.nodes = 0
    tally.seen = <uint8_t*>calloc(engine.arena.order_pool.fresh + 1, 1)
    if tally.seen == NULL:
        return b"no memory for the check itself"
    for index in range(engine.books_count):
        broken = _book(engine, &tally, &engine.books[index])
        if broken != NULL:
            break
    if broken == NULL:
        broken = _pools(engine, &tally)
    if broken == NULL:
        broken = _slots(engine)
    if broken == NULL:
        broken = engine_broken_sessions(engine)
    if broken == NULL:
        broken = engine_broken_expiry(engine)
    if broken == NULL:
        broken = engine_broken_pairs(engine)
    if broken == NULL:
        broken = works_broken(engine)
    if broken == NULL:
        broken = busy_broken(engine)
    if broken == NULL:
        broken = auctions_broken(engine)
    if broken == NULL:
        broken = engine_broken_ends(engine)
    if broken == NULL:
        broken = quotes_broken(engine)
    free(tally.seen)
    return broken


cdef void engine_check_now_and_then(Engine* engine) noexcept nogil:
    """After every command while there is little to walk, and seldom enough later
    that a command costs a bounded number of steps."""
    cdef uint64_t steps = engine.arena.order_pool.fresh
    cdef uint32_t index
    cdef const char* broken
    iron_assert(engine.events_count <= engine.events_max, "a command has more events than fit")
    if engine.commands_unchecked:
        engine.commands_unchecked -= 1
        return
    for index in range(1, engine.sessions_count + 1):
        steps += engine.sessions[index].user_ref_last
    engine.commands_unchecked = steps // CHECK_STEPS
    broken = engine_broken_invariant(engine)
    if broken != NULL:
        iron_assert(False, broken)
