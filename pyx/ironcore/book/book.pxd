# One instrument's book: two sides of price levels, and what an order can do to them. It knows
# prices as keys and owners as slots; sessions, UserRefNums and records are the engine's.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.book.order_pool cimport (
    TOTAL_ONE_ORDER, Arena, Level, Order, level_at, order_at, queue_append, queue_remove,
)
from ironcore.book.price_grid cimport PriceGrid
from ironcore.book.price_levels cimport PriceLevels, levels_leave, levels_take
from ironcore.risk.limits cimport InstrumentLimits
from ironcore.wire.record cimport Event

cdef struct Book:                    # 320 bytes
    PriceLevels sides[2]             # 0 buys, 1 sells
    PriceGrid grid
    InstrumentLimits limits
    char symbol[8]
    uint8_t reserved[32]

cdef struct Execution:               # what one incoming order does to the opposite side
    uint32_t limit_key               # on the opposite side's scale; KEY_WORST for a market order
    uint32_t quantity                # still open; counts down
    uint64_t match_number            # the last one given; counts up
    Event* events                    # where the next event goes; counts up

cdef void book_create(Arena* arena, Book* book, uint32_t index) noexcept nogil
cdef void book_match(Arena* arena, Book* book, uint32_t sell, Execution* execution) noexcept nogil


cdef inline uint32_t book_key(const PriceGrid* grid, uint32_t sell, uint32_t tick) noexcept nogil:
    """The key of a price, given as its tick, on the buy (0) or the sell (1) side."""
    return tick if sell else grid.ticks_count - 1 - tick


cdef inline void book_rest(Arena* arena, Book* book, uint32_t sell, uint32_t key,
                           uint32_t unit) noexcept nogil:
    """Queue an order, its quantity set, behind all others at its price."""
    cdef Order* order = order_at(arena, unit)
    cdef uint32_t level = levels_take(arena, &book.sides[sell], key)
    order.level = level
    queue_append(arena, level, unit)
    level_at(arena, level).total += TOTAL_ONE_ORDER + order.quantity


cdef inline void book_unlink(Arena* arena, Book* book, uint32_t sell, uint32_t unit) noexcept nogil:
    """Take an order off its side; its unit stays the caller's."""
    cdef Order* order = order_at(arena, unit)
    cdef Level* level = level_at(arena, order.level)
    queue_remove(arena, unit)
    level.total -= TOTAL_ONE_ORDER + order.quantity
    if level.total == 0:
        levels_leave(arena, &book.sides[sell], order.level)


cdef inline void book_reduce(Arena* arena, Order* order, uint32_t decrement) noexcept nogil:
    """Less than all of the order; it keeps its priority."""
    order.quantity -= decrement
    level_at(arena, order.level).total -= decrement


cdef inline void event_write(Event* event, uint8_t type, uint8_t flags, uint8_t reason,
                             uint8_t side, uint32_t quantity, uint64_t order_ref, uint64_t other,
                             int32_t price_e4, uint32_t slot) noexcept nogil:
    event.type = type
    event.flags = flags
    event.reason = reason
    event.side = side
    event.quantity = quantity
    event.order_ref = order_ref
    event.other = other
    event.price_e4 = price_e4
    event.slot = slot
