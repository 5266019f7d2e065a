"""All orders of one instrument, as they leave it.

They are found in the instrument's own queues: a walk over all slots would look at every order of
the day for each instrument that closes. Those that a step comes to are collected and sorted, so
that they leave in order of their slots. When every command is one step, that is all of them.

Between two steps the instrument takes no order and executes none, so that nothing comes to its
queues. What leaves them tells the walk (leaving_pass).
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.check cimport iron_static_assert
from ironcore.book.book cimport KIND_HIDDEN, KIND_SHIFT, SIDE_SHIFT, SIDES_COUNT, Book
from ironcore.engine.order_exit cimport CANCEL_REASON_CLOSED, cancel_whole
from ironcore.book.order_pool cimport (
    ORDER_SPECIAL, ORDER_STAYS, Arena, Order, Special, level_at, order_at, special_at,
)
from ironcore.book.price_levels cimport levels_next
from ironcore.engine.orders cimport order_place
from ironcore.engine.pending_work cimport (
    STEP_LEFT, STEP_LOOKED, step_is_over, work_at, work_prepare, work_wait,
)
from ironcore.book.limits cimport CROSS_NONE, TIME_IN_FORCE_GTC, TIME_IN_FORCE_GTT
from ironcore.book.options cimport options_are_pegged, options_expire_today
from ironcore.wire.record cimport COMMAND_RETIRE_INSTRUMENT, CommandHeader

cdef enum:                           # places of the walk behind the queues of all sides
    PLACE_PEGS = 10                  # those in a queue too, as they leave it when trading ends
    PLACE_TRAILING = 11              # stops that trail, and are in no queue
    PLACE_END = 12


cdef bint _leaves_with_the_day(Arena* arena, uint32_t unit) noexcept nogil:
    cdef const Order* order = order_at(arena, unit)
    cdef const Special* special = special_at(arena, unit)
    if not order.ref_side & ORDER_SPECIAL:
        return order.ref_side & ORDER_STAYS == 0
    if special.cross_type != CROSS_NONE:
        return True
    if special.time_in_force == TIME_IN_FORCE_GTT:
        return options_expire_today(&special.options, TIME_IN_FORCE_GTT)
    return special.time_in_force != TIME_IN_FORCE_GTC


cdef uint32_t _first(Engine* engine, const Book* book, uint32_t place) noexcept nogil:
    if place == PLACE_PEGS:
        return book.pegs.next
    if place == PLACE_TRAILING:
        return book.trailing.next
    if book.sides[place].levels == 0:
        return 0
    return level_at(&engine.arena, book.sides[place].best_level).link.next


cdef uint32_t _behind(Engine* engine, const Book* book, uint32_t place,
                      uint32_t unit) noexcept nogil:
    """The order behind this one at its place, or 0."""
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef uint32_t level
    if place >= PLACE_PEGS:
        return special_at(&engine.arena, unit).peers.next
    if order.link.next != order.level:
        return order.link.next
    level = levels_next(&engine.arena, &book.sides[place], order.level)
    return level_at(&engine.arena, level).link.next if level else 0


cdef inline bint _is_elsewhere(Engine* engine, uint32_t place, uint32_t unit) noexcept nogil:
    """Whether an order that is met here is met at another place as well, and looked at there."""
    cdef const Order* order = order_at(&engine.arena, unit)
    if place == PLACE_TRAILING:
        return order.level != 0
    return (place >> KIND_SHIFT <= KIND_HIDDEN and order.ref_side & ORDER_SPECIAL != 0
            and options_are_pegged(&special_at(&engine.arena, unit).options))


cdef uint32_t _seek(Engine* engine, const Book* book, uint32_t* place,
                    uint32_t unit) noexcept nogil:
    """From this order of a place on, or from the next place, the first that is looked at; 0 at the
    end."""
    while True:
        while unit and _is_elsewhere(engine, place[0], unit):
            unit = _behind(engine, book, place[0], unit)
        if unit or place[0] == PLACE_END:
            return unit
        place[0] += 1
        if place[0] < PLACE_END:
            unit = _first(engine, book, place[0])


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


cdef inline bint _leaves(Engine* engine, const Work* work, uint32_t unit) noexcept nogil:
    return (work.command.header.type == COMMAND_RETIRE_INSTRUMENT
            or _leaves_with_the_day(&engine.arena, unit))


cdef uint32_t _collect(Engine* engine, const Book* book, Work* work) noexcept nogil:
    """The slots of those that leave with this step, in no order: how many. The next step will begin
    behind them."""
    iron_static_assert(<int>PLACE_PEGS == <int>SIDES_COUNT)
    cdef uint32_t unit = engine.leaving_next
    cdef uint32_t count = 0
    if not work.is_begun:
        work.is_begun = True
        unit = _seek(engine, book, &work.place, _first(engine, book, 0))
    while unit and not step_is_over(engine):
        engine.step_actions += STEP_LOOKED
        if _leaves(engine, work, unit):
            engine.step_actions += STEP_LEFT
            engine.collected[count] = order_at(&engine.arena, unit).slot
            count += 1
        unit = _seek(engine, book, &work.place, _behind(engine, book, work.place, unit))
    engine.leaving_next = unit
    return count


cdef bint leaving_step(Engine* engine, Work* work) noexcept nogil:
    cdef uint32_t count = _collect(engine, &engine.books[work.command.header.instrument], work)
    cdef uint32_t index
    _sort(engine.collected, count)
    for index in range(count):
        cancel_whole(engine, engine.arena.slots[engine.collected[index]], CANCEL_REASON_CLOSED, 0)
    return engine.leaving_next == 0


cdef bint leaving_begin(Engine* engine, const Book* book, uint8_t type) noexcept nogil:
    cdef CommandHeader command
    cdef Work* work
    memset(&command, 0, sizeof(command))
    command.type = type
    command.instrument = book.trees[0].index >> SIDE_SHIFT
    work = work_prepare(engine, &command, sizeof(command))
    if engine.works_count == 0 and leaving_step(engine, work):
        return True
    work_wait(engine)
    return False


cdef void leaving_move(Engine* engine) noexcept nogil:
    cdef Work* work = work_at(engine, 0)
    cdef const Book* book = &engine.books[work.command.header.instrument]
    if engine.leaving_next:
        engine.leaving_next = _seek(
            engine, book, &work.place, _behind(engine, book, work.place, engine.leaving_next))


cdef bint leaving_takes(Engine* engine, const Work* work, uint32_t unit) noexcept nogil:
    if (order_place(engine, unit) >> SIDE_SHIFT != work.command.header.instrument
            or not _leaves(engine, work, unit)):
        return False
    leaving_pass(engine, unit)
    cancel_whole(engine, unit, CANCEL_REASON_CLOSED, 0)
    return True
