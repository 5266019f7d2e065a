"""How live orders leave, in whole or in part."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.book.book cimport book_reduce, book_unlink
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.order_links cimport (
    expiry_unlink, pair_unlink, peg_unlink, trailing_unlink,
)
from ironcore.book.order_pool cimport (
    ORDER_ICEBERG, ORDER_SPECIAL, Order, Special, order_at, order_give, order_ref, order_side,
    special_at,
)
from ironcore.engine.orders cimport (
    order_flags, order_open, order_place, order_price, order_sell, place_book, place_side,
)
from ironcore.engine.pending_work cimport STEP_LEFT
from ironcore.engine.under_way cimport under_way_unlink
from ironcore.book.price_levels cimport level_take_reserve
from ironcore.book.options cimport (
    options_are_pegged, options_are_stop, options_expire_today,
)
from ironcore.wire.order_options cimport NAMED_TRAIL_OFFSET
from ironcore.wire.record cimport EVENT_CANCELED, EVENT_REDUCED, EVENT_VISIBLE


cdef void _leave_stops(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    book.followers -= 1
    if special_at(&engine.arena, unit).options.named & NAMED_TRAIL_OFFSET:
        trailing_unlink(engine, book, unit)


cdef void _unlink_special(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    cdef const Special* special = special_at(&engine.arena, unit)
    book.min_quantity_live[order_sell(order_at(&engine.arena, unit))] -= (
        special.options.min_quantity != 0)
    if options_expire_today(&special.options, special.time_in_force):
        expiry_unlink(engine, unit)
    pair_unlink(&engine.arena, unit)
    if special.is_under_way:
        under_way_unlink(engine, book, unit)
    if order_at(&engine.arena, unit).ref_side & ORDER_ICEBERG:
        level_take_reserve(&engine.arena, order_at(&engine.arena, unit).level, special.reserve)
    if options_are_stop(&special.options):
        _leave_stops(engine, book, unit)
    elif options_are_pegged(&special.options):
        peg_unlink(engine, book, unit)


cdef void order_remove(Engine* engine, uint32_t unit) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t place = order_place(engine, unit)
    cdef Book* book = place_book(engine, place)
    engine.arena.slots[order.slot] = 0
    if iron_unlikely(order.ref_side & ORDER_SPECIAL):
        _unlink_special(engine, book, unit)
    if order.level:
        book_unlink(&engine.arena, book, place_side(place), unit)
    order_give(&engine.arena, unit)


cdef void order_wake(Engine* engine, uint32_t unit) noexcept nogil:
    cdef uint32_t place = order_place(engine, unit)
    cdef Book* book = place_book(engine, place)
    _leave_stops(engine, book, unit)
    book_unlink(&engine.arena, book, place_side(place), unit)
    order_at(&engine.arena, unit).level = 0


cdef uint32_t order_shrink(Engine* engine, uint32_t unit, uint32_t decrement) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef Special* special = special_at(&engine.arena, unit)
    cdef uint32_t from_reserve
    if order.ref_side & ORDER_ICEBERG:
        from_reserve = min(special.reserve, decrement)
        special.reserve -= from_reserve
        level_take_reserve(&engine.arena, order.level, from_reserve)
        decrement -= from_reserve
    if order.level:
        book_reduce(&engine.arena, order, decrement)
    else:
        order.quantity -= decrement
    return decrement


cdef void emit_reduced(Engine* engine, uint32_t unit, uint32_t decrement,
                       uint64_t other) noexcept nogil:
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef uint8_t flags = order_flags(order, order_place(engine, unit))
    engine_emit(engine, EVENT_REDUCED, flags | EVENT_VISIBLE, 0, order_side(order), decrement,
                order_ref(order), other, order_price(engine, unit), order.slot)


cdef void cancel_whole(Engine* engine, uint32_t unit, uint8_t reason,
                       uint64_t other) noexcept nogil:
    cdef const Order* order = order_at(&engine.arena, unit)
    engine_emit(engine, EVENT_CANCELED, order_flags(order, order_place(engine, unit)), reason,
                order_side(order), order_open(engine, unit), order_ref(order), other,
                order_price(engine, unit), order.slot)
    if iron_unlikely(order.ref_side & ORDER_ICEBERG):
        emit_reduced(engine, unit, order.quantity, other)
    order_remove(engine, unit)


cdef void pair_end(Engine* engine, uint32_t other) noexcept nogil:
    engine.step_actions += STEP_LEFT
    cancel_whole(engine, other, CANCEL_REASON_PAIR, 0)


cdef void cancel_part(Engine* engine, uint32_t unit, uint32_t decrement,
                      uint8_t reason) noexcept nogil:
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef uint32_t displayed = order_shrink(engine, unit, decrement)
    engine_emit(engine, EVENT_CANCELED, order_flags(order, order_place(engine, unit)), reason,
                order_side(order), decrement, order_ref(order), order_open(engine, unit),
                order_price(engine, unit), order.slot)
    if iron_unlikely(order.ref_side & ORDER_ICEBERG) and displayed:
        emit_reduced(engine, unit, displayed, order.quantity)
