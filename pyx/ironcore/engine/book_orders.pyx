"""All orders of one instrument at once, in order of their slots.

They are collected from the instrument's own queues and sorted: the alternative, a walk over all
slots, would look at every order of the day for each instrument that closes.
"""

from libc.stdint cimport uint32_t, uint64_t

from ironcore.book.book cimport SIDES_COUNT
from ironcore.engine.order_exit cimport CANCEL_REASON_CLOSED, cancel_whole
from ironcore.book.order_pool cimport (
    ORDER_SPECIAL, ORDER_STAYS, Arena, Order, Special, level_at, order_at, special_at,
)
from ironcore.book.price_levels cimport levels_next
from ironcore.book.limits cimport CROSS_NONE, TIME_IN_FORCE_GTC


cdef bint _leaves_with_the_day(Arena* arena, uint32_t unit) noexcept nogil:
    cdef const Order* order = order_at(arena, unit)
    cdef const Special* special = special_at(arena, unit)
    if not order.ref_side & ORDER_SPECIAL:
        return order.ref_side & ORDER_STAYS == 0
    return special.cross_type != CROSS_NONE or special.time_in_force != TIME_IN_FORCE_GTC


cdef uint32_t _collect_parked(Engine* engine, uint32_t unit, uint32_t count) noexcept nogil:
    """Of a list of peers, from this one on, those that are in no queue: how many there are then."""
    cdef Arena* arena = &engine.arena
    while unit:
        if order_at(arena, unit).level == 0:
            engine.collected[count] = order_at(arena, unit).slot
            count += 1
        unit = special_at(arena, unit).peers.next
    return count


cdef uint32_t _collect(Engine* engine, const Book* book) noexcept nogil:
    """The slots of the book's orders, in no order: how many."""
    cdef Arena* arena = &engine.arena
    cdef uint32_t count = 0
    cdef uint32_t side, level, unit
    for side in range(<uint32_t>SIDES_COUNT):
        level = book.sides[side].best_level if book.sides[side].levels else 0
        while level:
            unit = level_at(arena, level).link.next
            while unit != level:
                engine.collected[count] = order_at(arena, unit).slot
                count += 1
                unit = order_at(arena, unit).link.next
            level = levels_next(arena, &book.sides[side], level)
    count = _collect_parked(engine, book.pegs.next, count)
    return _collect_parked(engine, book.trailing.next, count)


cdef inline void _sink(uint32_t* heap, uint64_t at, uint64_t count) noexcept nogil:
    cdef uint32_t value = heap[at]
    cdef uint64_t child = 2 * at + 1
    while child < count:
        if child + 1 < count and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= value:
            break
        heap[at] = heap[child]
        at = child
        child = 2 * at + 1
    heap[at] = value


cdef void _sort(uint32_t* values, uint64_t count) noexcept nogil:
    """Heapsort: in place, and never slow."""
    cdef uint64_t at = count // 2
    while at:
        at -= 1
        _sink(values, at, count)
    at = count
    while at > 1:
        at -= 1
        values[0], values[at] = values[at], values[0]
        _sink(values, 0, at)


cdef void cancel_at_end_of_day(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t count = _collect(engine, book)
    cdef uint32_t index, unit
    _sort(engine.collected, count)
    for index in range(count):
        unit = engine.arena.slots[engine.collected[index]]
        if _leaves_with_the_day(&engine.arena, unit):
            cancel_whole(engine, unit, CANCEL_REASON_CLOSED, 0)


cdef void cancel_at_retirement(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t count = _collect(engine, book)
    cdef uint32_t index
    _sort(engine.collected, count)
    for index in range(count):
        cancel_whole(engine, engine.arena.slots[engine.collected[index]], CANCEL_REASON_CLOSED, 0)
