"""One instrument's book: how it is made, and how an incoming order meets the opposite side."""

from libc.stdint cimport int32_t, uint8_t, uint32_t

from ironcore.base.check cimport iron_static_assert
from ironcore.book.order_pool cimport order_give, order_ref, order_side
from ironcore.book.price_levels cimport levels_create, levels_price_e4
from ironcore.wire.record cimport (
    EVENT_AGGRESSOR_SELL, EVENT_BYTES, EVENT_EXECUTED, EVENT_SELL, EVENT_VISIBLE,
)


cdef void book_create(Arena* arena, Book* book, uint32_t index) noexcept nogil:
    """Empty sides for the instrument whose grid is set."""
    iron_static_assert(sizeof(Book) == 320)
    iron_static_assert(sizeof(Event) == EVENT_BYTES)
    levels_create(arena, &book.sides[0], 2 * index, &book.grid, True)
    levels_create(arena, &book.sides[1], 2 * index + 1, &book.grid, False)


cdef inline void _fill(Arena* arena, Order* resting, uint32_t quantity, int32_t price_e4,
                       uint8_t flags, Execution* execution) noexcept nogil:
    execution.quantity -= quantity
    execution.match_number += 1
    event_write(execution.events, EVENT_EXECUTED, flags, 0, order_side(resting), quantity,
                order_ref(resting), execution.match_number, price_e4, resting.slot)
    execution.events += 1


cdef void book_match(Arena* arena, Book* book, uint32_t sell, Execution* execution) noexcept nogil:
    """Execute against the opposite side, best price first and at one price in order of priority,
    until the quantity is used up or the best price is beyond the limit."""
    cdef PriceLevels* opposite = &book.sides[sell ^ 1]
    cdef uint8_t flags = EVENT_VISIBLE | (EVENT_AGGRESSOR_SELL if sell else EVENT_SELL)
    cdef uint32_t unit, level_unit
    cdef int32_t price_e4
    cdef Level* level
    cdef Order* resting
    while execution.quantity and opposite.best_key <= execution.limit_key:
        level_unit = opposite.best_level
        level = level_at(arena, level_unit)
        price_e4 = levels_price_e4(opposite, opposite.best_key)
        while execution.quantity and level.link.next != level_unit:
            unit = level.link.next
            resting = order_at(arena, unit)
            if execution.quantity < resting.quantity:
                resting.executed += execution.quantity
                book_reduce(arena, resting, execution.quantity)
                _fill(arena, resting, execution.quantity, price_e4, flags, execution)
                return
            _fill(arena, resting, resting.quantity, price_e4, flags, execution)
            arena.slots[resting.slot] = 0
            queue_remove(arena, unit)
            level.total -= TOTAL_ONE_ORDER + resting.quantity
            order_give(arena, unit)
        if level.total == 0:
            levels_leave(arena, opposite, level_unit)
