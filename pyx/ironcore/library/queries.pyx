"""What one may ask about the books between two commands."""

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memset

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_EMPTY, STATUS_OK
from ironcore.book.book cimport KIND_SHOWN, SIDE_SHIFT
from ironcore.book.order_pool cimport (
    Order, order_at, order_ref, order_side,
)
from ironcore.engine.orders cimport order_open, order_place, order_price, place_kind
from ironcore.book.price_levels cimport (
    PriceLevels, level_displayed, level_key, level_orders, levels_next, levels_price,
)


cdef void _level(Engine* engine, const PriceLevels* side, uint32_t unit,
                 LevelView* level) noexcept nogil:
    level.price = levels_price(side, level_key(&engine.arena, unit))
    level.orders = level_orders(&engine.arena, unit)
    level.quantity = level_displayed(&engine.arena, unit)


cdef uint32_t query_depth(Engine* engine, uint32_t instrument, bint sell, LevelView* levels,
                          uint32_t levels_max) noexcept nogil:
    cdef const PriceLevels* side
    cdef uint32_t count, index, unit
    if instrument >= engine.books_count:
        return 0
    side = &engine.books[instrument].sides[1 if sell else 0]
    count = min(levels_max, side.levels)
    unit = side.best_level
    for index in range(count):
        _level(engine, side, unit, &levels[index])
        unit = levels_next(&engine.arena, side, unit)
    return count


cdef int query_level(Engine* engine, uint32_t instrument, bint sell, int32_t price,
                     LevelView* level) noexcept nogil:
    cdef const PriceLevels* side
    cdef uint32_t unit
    if instrument >= engine.books_count:
        return STATUS_EMPTY
    side = &engine.books[instrument].sides[1 if sell else 0]
    unit = side.best_level if side.levels else 0
    while unit:
        _level(engine, side, unit, level)
        if level.price == price:
            return STATUS_OK
        if (level.price > price) == sell:
            return STATUS_EMPTY
        unit = levels_next(&engine.arena, side, unit)
    return STATUS_EMPTY


cdef int query_order(Engine* engine, uint32_t session, uint32_t user_ref,
                     OrderView* out) noexcept nogil:
    iron_static_assert(sizeof(LevelView) == 16)
    iron_static_assert(sizeof(OrderView) == 40)
    cdef uint32_t unit, place
    cdef const Order* order
    if session - 1 >= engine.sessions_count or user_ref >> engine.limits.user_ref_bits:
        return STATUS_EMPTY
    unit = engine.arena.slots[session << engine.limits.user_ref_bits | user_ref]
    if unit == 0:
        return STATUS_EMPTY
    order = order_at(&engine.arena, unit)
    place = order_place(engine, unit)
    memset(out, 0, sizeof(OrderView))
    out.order_ref = order_ref(order)
    out.slot = order.slot
    out.instrument = place >> SIDE_SHIFT
    out.open = order_open(engine, unit)
    out.executed = order.executed
    out.price = order_price(engine, unit)
    out.side = order_side(order)
    out.place = <uint8_t>place_kind(place)
    if out.place == KIND_SHOWN:
        out.displayed = order.quantity
    return STATUS_OK
