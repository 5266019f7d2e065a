# An incoming order against the displayed orders of the opposite side: what most orders need. What
# an order with a Special needs, on either side, is in aggressor.pyx of the engine.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.book.book cimport Book, book_reduce, event_write
from ironcore.book.order_pool cimport (
    ORDER_SPECIAL, Arena, Level, Order, level_at, order_at, order_give, order_ref, order_side,
    queue_remove,
)
from ironcore.book.price_levels cimport (
    PriceLevels, level_take_order, levels_leave, levels_price,
)
from ironcore.wire.record cimport (
    EVENT_AGGRESSOR_SELL, EVENT_EXECUTED, EVENT_SELL, EVENT_VISIBLE, Event,
)

cdef struct Execution:               # what one incoming order does to the opposite side
    uint32_t limit_key               # on the opposite side's scale; KEY_WORST for a market order
    uint32_t quantity                # still open; counts down
    uint64_t match_number            # the last one given; counts up
    Event* events                    # where the next event goes; counts up
    const Event* end                 # where a step of it is over


cdef inline void execution_fill(Execution* execution, const Order* resting, uint32_t quantity,
                                int32_t price, uint8_t flags) noexcept nogil:
    execution.quantity -= quantity
    execution.match_number += 1
    event_write(execution.events, EVENT_EXECUTED, flags, 0, order_side(resting), quantity,
                order_ref(resting), execution.match_number, price, resting.slot)
    execution.events += 1


cdef inline void book_match(Arena* arena, Book* book, uint32_t sell,
                            Execution* execution) noexcept nogil:
    """Execute until the quantity is used up, the limit is reached, the step is over, or an order
    with a Special would be executed: aggressor_trade takes over from there."""
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
            if iron_unlikely(execution.events == execution.end):
                return
            unit = level.link.next
            resting = order_at(arena, unit)
            if iron_unlikely(resting.ref_side & ORDER_SPECIAL):
                return
            if execution.quantity < resting.quantity:
                resting.executed += execution.quantity
                book_reduce(arena, resting, execution.quantity)
                execution_fill(execution, resting, execution.quantity, price, flags)
                book.last_price = price
                return
            execution_fill(execution, resting, resting.quantity, price, flags)
            book.last_price = price
            arena.slots[resting.slot] = 0
            queue_remove(arena, unit)
            level_take_order(arena, level_unit, resting.quantity)
            order_give(arena, unit)
        if level.total == 0:
            levels_leave(arena, opposite, level_unit)
