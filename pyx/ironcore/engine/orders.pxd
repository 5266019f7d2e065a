# Live orders: where each one is, and what events say of it.

from libc.stdint cimport int32_t, uint8_t, uint32_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.book.book cimport KIND_PARKED, KIND_SHIFT, KIND_SHOWN, SIDE_MASK, SIDE_SHIFT, Book
from ironcore.engine.engine cimport Engine
from ironcore.book.order_pool cimport (
    ORDER_ICEBERG, ORDER_SPECIAL, Order, order_at, order_side, special_at,
)
from ironcore.book.price_levels cimport PAGE_SHIFT
from ironcore.book.limits cimport SIDE_BUY
from ironcore.wire.record cimport EVENT_SELL, EVENT_VISIBLE

# The price that an event says: where the order rests, or the one entered while it does not.
cdef int32_t order_price(Engine* engine, uint32_t unit) noexcept nogil


cdef inline uint32_t order_sell(const Order* order) noexcept nogil:
    """1 for an order that sells."""
    return order_side(order) != SIDE_BUY


cdef inline uint32_t queued_place(const Engine* engine, const Order* order) noexcept nogil:
    """As order_place, of an order that is in a queue: each one without a Special is."""
    return engine.arena.pages[order.level >> PAGE_SHIFT].side


cdef inline uint32_t order_place(Engine* engine, uint32_t unit) noexcept nogil:
    """As PriceLevels.index: the instrument, and the kind of queue and the side below it."""
    cdef const Order* order = order_at(&engine.arena, unit)
    if iron_unlikely(order.level == 0):
        return (special_at(&engine.arena, unit).instrument << SIDE_SHIFT
                | KIND_PARKED << KIND_SHIFT | order_sell(order))
    return queued_place(engine, order)


cdef inline Book* place_book(Engine* engine, uint32_t place) noexcept nogil:
    return &engine.books[place >> SIDE_SHIFT]


cdef inline uint32_t place_side(uint32_t place) noexcept nogil:
    """Index into Book.sides."""
    return place & SIDE_MASK


cdef inline uint32_t place_kind(uint32_t place) noexcept nogil:
    return (place & SIDE_MASK) >> KIND_SHIFT


cdef inline uint32_t order_reserve(Engine* engine, uint32_t unit) noexcept nogil:
    """Open, and not displayed."""
    if iron_unlikely(order_at(&engine.arena, unit).ref_side & ORDER_ICEBERG):
        return special_at(&engine.arena, unit).reserve
    return 0


cdef inline uint32_t order_open(Engine* engine, uint32_t unit) noexcept nogil:
    return order_at(&engine.arena, unit).quantity + order_reserve(engine, unit)


cdef inline uint8_t order_flags(const Order* order, uint32_t place) noexcept nogil:
    """Of an event that says what happened to all of the order: its side, and whether that is the
    visible book's business, which has REDUCED of an iceberg."""
    cdef uint8_t flags = EVENT_SELL if place & 1 else 0
    if place_kind(place) == KIND_SHOWN and not order.ref_side & ORDER_ICEBERG:
        flags |= EVENT_VISIBLE
    return flags
