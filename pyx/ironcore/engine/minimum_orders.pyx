"""Resting orders with a minimum quantity when trading begins.

They take no part in an auction, so that they may stand crossed after it: with one another, and with
what the auction left. Only hidden orders rest with a minimum quantity. While one side's are
aggressors, the other side alone loses orders, so that a side's queues can be walked meanwhile.
"""

from libc.stdint cimport uint32_t

from ironcore.book.book cimport KIND_HIDDEN, KIND_SHIFT, book_reduce
from ironcore.book.options cimport POST_ONLY
from ironcore.book.order_pool cimport (
    ORDER_SPECIAL, Arena, Order, level_at, order_at, special_at,
)
from ironcore.book.price_levels cimport PriceLevels, level_key, levels_next
from ironcore.engine.aggressor cimport aggressor_crosses, aggressor_trade
from ironcore.engine.order_terms cimport Aggressor, Terms, aggressor_of, terms_of_order
from ironcore.engine.order_exit cimport order_remove
from ironcore.engine.quotes.protection cimport protections_act
from ironcore.wire.record cimport STATE_CONTINUOUS

cdef enum:
    MINIMUM_STEPS_MIN = 32           # rule 10.10: that each order may count, however many there are

cdef struct Turn:                    # a side's hidden orders, in priority
    const PriceLevels* side
    uint32_t sell
    uint32_t level                   # of the order that comes next; 0 at the end
    uint32_t unit


cdef inline void _to_level(Arena* arena, Turn* turn, uint32_t level) noexcept nogil:
    turn.level = level
    if level:
        turn.unit = level_at(arena, level).link.next


cdef void _start(Arena* arena, Turn* turn, const Book* book, uint32_t sell) noexcept nogil:
    turn.side = &book.sides[KIND_HIDDEN << KIND_SHIFT | sell]
    turn.sell = sell
    turn.unit = 0
    _to_level(arena, turn, turn.side.best_level if turn.side.levels else 0)


cdef inline bint _is_to_act(Arena* arena, uint32_t unit) noexcept nogil:
    if not order_at(arena, unit).ref_side & ORDER_SPECIAL:
        return False
    return (special_at(arena, unit).options.min_quantity != 0
            and special_at(arena, unit).options.post_only != POST_ONLY)


cdef uint32_t _next(Arena* arena, Book* book, Turn* turn) noexcept nogil:
    """The next one that is to be an aggressor and reaches an order; 0 at the end. It may be gone
    when the one after it is asked for, and its level with it."""
    cdef uint32_t unit, key
    while turn.level:
        key = level_key(arena, turn.level)
        if not aggressor_crosses(book, turn.sell, book.grid.ticks_count - 1 - key):
            return 0
        unit = turn.unit
        turn.unit = order_at(arena, unit).link.next
        if turn.unit == turn.level:
            _to_level(arena, turn, levels_next(arena, turn.side, turn.level))
        if _is_to_act(arena, unit):
            return unit
    return 0


cdef uint32_t _count(Arena* arena, Book* book) noexcept nogil:
    cdef Turn turn
    cdef uint32_t sell
    cdef uint32_t count = 0
    for sell in range(2):
        _start(arena, &turn, book, sell)
        while _next(arena, book, &turn):
            count += 1
    return count


cdef void _act(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    """What is left of it keeps its place."""
    cdef Order* order = order_at(&engine.arena, unit)
    cdef Aggressor aggressor
    cdef Terms terms
    terms_of_order(engine, book, unit, &terms)
    aggressor_of(engine, &terms, &aggressor)
    aggressor.activated_price = terms.price
    aggressor_trade(engine, book, &aggressor)
    order.executed += aggressor.executed
    if aggressor.quantity == 0:
        order_remove(engine, unit)
    elif aggressor.quantity < order.quantity:
        book_reduce(&engine.arena, order, order.quantity - aggressor.quantity)


cdef void minimum_orders_begin(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t count, steps, sell, unit
    cdef Turn turn
    if book.min_quantity_live[0] == 0 and book.min_quantity_live[1] == 0:
        return
    count = _count(&engine.arena, book)
    if count == 0:
        return
    steps = min(engine.dry_run_steps_max,
                max(<uint32_t>MINIMUM_STEPS_MIN, engine.dry_run_steps_max // count))
    for sell in range(2):
        _start(&engine.arena, &turn, book, sell)
        unit = _next(&engine.arena, book, &turn)
        while unit and book.state == STATE_CONTINUOUS:
            engine.dry_run_steps = engine.dry_run_steps_max - steps
            _act(engine, book, unit)
            protections_act(engine)
            unit = _next(&engine.arena, book, &turn)
    engine.dry_run_steps = 0
