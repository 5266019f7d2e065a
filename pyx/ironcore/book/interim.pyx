"""What instruments and auctions need of the order path: plain orders only."""

from ironcore.book.book cimport KIND_SHIFT, KIND_SHOWN, SIDE_MASK, SIDE_SHIFT, book_unlink
from ironcore.book.engine cimport engine_emit
from ironcore.book.order_pool cimport Order, order_at, order_give, order_ref, order_side
from ironcore.book.price_levels cimport PAGE_SHIFT, level_key, levels_price_e4
from ironcore.risk.limits cimport SIDE_BUY
from ironcore.wire.record cimport EVENT_CANCELED, EVENT_SELL, EVENT_VISIBLE


cdef void order_remove(Engine* engine, uint32_t unit) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t side = engine.arena.pages[order.level >> PAGE_SHIFT].side
    engine.arena.slots[order.slot] = 0
    book_unlink(&engine.arena, &engine.books[side >> SIDE_SHIFT], side & SIDE_MASK, unit)
    order_give(&engine.arena, unit)


cdef void cancel_whole(Engine* engine, uint32_t unit, uint8_t reason,
                       uint64_t other) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t side = engine.arena.pages[order.level >> PAGE_SHIFT].side
    cdef uint8_t flags = 0 if order_side(order) == SIDE_BUY else EVENT_SELL
    if (side & SIDE_MASK) >> KIND_SHIFT == KIND_SHOWN:
        flags |= EVENT_VISIBLE
    engine_emit(engine, EVENT_CANCELED, flags, reason, order_side(order), order.quantity,
                order_ref(order), other,
                levels_price_e4(&engine.books[side >> SIDE_SHIFT].sides[side & SIDE_MASK],
                                level_key(&engine.arena, order.level)), order.slot)
    order_remove(engine, unit)


cdef void emit_reduced(Engine* engine, uint32_t unit, uint32_t decrement,
                       uint64_t other) noexcept nogil:
    pass


cdef void order_replenish(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    pass


cdef void pegs_park(Engine* engine, Book* book) noexcept nogil:
    pass


cdef void book_settle(Engine* engine, Book* book) noexcept nogil:
    pass
