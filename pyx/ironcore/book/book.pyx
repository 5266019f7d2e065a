"""One instrument's book: how it is made, and how an incoming order meets the opposite side."""

from libc.stdint cimport int32_t, uint8_t, uint32_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.base.check cimport iron_static_assert
from ironcore.book.order_pool cimport ORDER_SPECIAL, order_give, order_ref, order_side
from ironcore.book.price_levels cimport (
    KEY_NONE, level_take_order, levels_create, levels_destroy, levels_leave, levels_price,
)
from ironcore.wire.record cimport (
    EVENT_AGGRESSOR_SELL, EVENT_BYTES, EVENT_EXECUTED, EVENT_SELL, EVENT_VISIBLE, STATE_CONTINUOUS,
)


cdef void book_create(Arena* arena, Book* book, uint32_t index) noexcept nogil:
    iron_static_assert(sizeof(Book) == 896)
    iron_static_assert(sizeof(Event) == EVENT_BYTES)
    iron_static_assert(SIDES_COUNT == KIND_PARKED << KIND_SHIFT)
    _shape(arena, book, index)
    book.state = STATE_CONTINUOUS
    book.peg_keys[0] = KEY_NONE
    book.peg_keys[1] = KEY_NONE


cdef void _shape(Arena* arena, Book* book, uint32_t index) noexcept nogil:
    cdef uint32_t side
    cdef bint descending
    for side in range(<uint32_t>SIDES_COUNT):
        # The best buy is the highest, but of stops the lowest buy comes first.
        descending = not side & 1
        if side >> KIND_SHIFT == KIND_STOPS:
            descending = not descending
        levels_create(arena, &book.sides[side], index << SIDE_SHIFT | side, &book.grid, descending)


cdef void book_reshape(Arena* arena, Book* book, uint32_t index) noexcept nogil:
    cdef uint32_t side
    for side in range(<uint32_t>SIDES_COUNT):
        levels_destroy(arena, &book.sides[side])
    _shape(arena, book, index)


cdef void book_classify(Book* book) noexcept nogil:
    book.is_plain = (
        book.state == STATE_CONTINUOUS and book.entry_collar_bp == 0
        and book.market_protection_bp == 0 and book.static_collar_bp == 0
        and book.dynamic_collar_bp == 0)


cdef bint book_is_empty(const Book* book) noexcept nogil:
    cdef uint32_t side
    for side in range(<uint32_t>SIDES_COUNT):
        if book.sides[side].levels:
            return False
    return book.pegs.next == 0 and book.trailing.next == 0


cdef inline void _fill(Arena* arena, Order* resting, uint32_t quantity, int32_t price,
                       uint8_t flags, Execution* execution) noexcept nogil:
    execution.quantity -= quantity
    execution.match_number += 1
    event_write(execution.events, EVENT_EXECUTED, flags, 0, order_side(resting), quantity,
                order_ref(resting), execution.match_number, price, resting.slot)
    execution.events += 1


cdef void book_match(Arena* arena, Book* book, uint32_t sell, Execution* execution) noexcept nogil:
    cdef PriceLevels* opposite = &book.sides[sell ^ 1]
    cdef uint8_t flags = EVENT_VISIBLE | (EVENT_AGGRESSOR_SELL if sell else EVENT_SELL)
    cdef uint32_t unit, level_unit
    cdef int32_t price
    cdef Level* level
    cdef Order* resting
    while execution.quantity and opposite.best_key <= execution.limit_key:
        level_unit = opposite.best_level
        level = level_at(arena, level_unit)
        price = levels_price(opposite, opposite.best_key)
        while execution.quantity and level.link.next != level_unit:
            unit = level.link.next
            resting = order_at(arena, unit)
            if execution.quantity < resting.quantity:
                resting.executed += execution.quantity
                book_reduce(arena, resting, execution.quantity)
                _fill(arena, resting, execution.quantity, price, flags, execution)
                book.last_price = price
                return
            if iron_unlikely(resting.ref_side & ORDER_SPECIAL):
                return
            _fill(arena, resting, resting.quantity, price, flags, execution)
            book.last_price = price
            arena.slots[resting.slot] = 0
            queue_remove(arena, unit)
            level_take_order(arena, level_unit, resting.quantity)
            order_give(arena, unit)
        if level.total == 0:
            levels_leave(arena, opposite, level_unit)
