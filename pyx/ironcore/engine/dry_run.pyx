"""What an aggressor could execute, without executing it."""

from libc.stdint cimport uint32_t, uint64_t

from ironcore.book.book cimport KIND_HIDDEN, KIND_SHIFT
from ironcore.book.order_pool cimport ORDER_ICEBERG, level_at
from ironcore.book.price_levels cimport (
    KEY_NONE, PriceLevels, level_has_reserve, level_key, level_orders, level_quantity, levels_next,
    levels_price,
)
from ironcore.engine.collars cimport collar_forbids
from ironcore.engine.orders cimport order_reserve
from ironcore.book.options cimport STP_OLDEST
from ironcore.wire.record cimport ALLOCATION_PRICE_TIME

cdef enum:
    STEPS_OF_ICEBERG = 42            # as often may one execute (rule 16.2)

cdef struct DryRun:
    uint32_t quantity                # that the aggressor would have open
    uint32_t enough                  # with no more than this open it has executed what it wants
    bint is_forbidden                # an execution at the price in hand is beyond a collar
    bint is_over                     # prevention or a collar ends it here
    bint is_spent                    # rule 10.9 does
    bint is_shared                   # prevention comes before what shares (rule 19.6)


cdef inline bint _may_step(Engine* engine, DryRun* run, uint32_t steps) noexcept nogil:
    """Rule 10.9: what others let rest there must not make one command take as long as they like."""
    if steps > engine.dry_run_steps_max - engine.dry_run_steps:
        run.is_spent = True
        return False
    engine.dry_run_steps += steps
    return True


cdef inline uint32_t _steps_of(Engine* engine, uint32_t unit) noexcept nogil:
    return STEPS_OF_ICEBERG if order_reserve(engine, unit) else 1


cdef bint _round_prevents(Engine* engine, const Aggressor* aggressor, uint32_t level,
                          uint32_t unit) noexcept nogil:
    """Whether one of the orders that share with this one, the first of them, is prevented."""
    cdef uint32_t orders_left = engine.allocation_orders_max
    while unit != level and orders_left:
        if is_prevented(engine, aggressor, order_at(&engine.arena, unit)):
            return True
        orders_left -= 1
        unit = order_at(&engine.arena, unit).link.next
    return False


cdef uint32_t _displayed_or_hidden(Engine* engine, const Aggressor* aggressor, uint32_t level,
                                   DryRun* run) noexcept nogil:
    """The orders of one queue, once each, in order of priority. What it did not come to: a unit,
    or the level after all of them."""
    cdef Arena* arena = &engine.arena
    cdef uint32_t unit = level_at(arena, level).link.next
    cdef uint32_t orders_left = 0    # of a round
    cdef const Order* order
    while unit != level and run.quantity > run.enough and _may_step(
            engine, run, _steps_of(engine, unit)):
        if run.is_shared:
            if orders_left == 0:
                orders_left = engine.allocation_orders_max
                run.is_over = _round_prevents(engine, aggressor, level, unit)
            if run.is_over:
                break
            orders_left -= 1
        order = order_at(arena, unit)
        if accepts_quantity(arena, unit, run.quantity):
            if is_prevented(engine, aggressor, order):
                run.is_over = aggressor.stp_mode != STP_OLDEST
            elif run.is_forbidden:
                run.is_over = True
            else:
                run.quantity -= min(run.quantity, order.quantity)
            if run.is_over:
                break
        unit = order.link.next
    return unit


cdef void _reserves(Engine* engine, const Aggressor* aggressor, uint32_t level, uint32_t end,
                    DryRun* run) noexcept nogil:
    """Peaks join the end of the queue: what is in reserve at a price comes after all of it. Of the
    orders before `end` only, so that there are no more of them than steps."""
    cdef Arena* arena = &engine.arena
    cdef uint32_t unit = level_at(arena, level).link.next
    cdef const Order* order
    while unit != end and run.quantity > run.enough:
        order = order_at(arena, unit)
        if order.ref_side & ORDER_ICEBERG and not is_prevented(engine, aggressor, order):
            run.quantity -= min(run.quantity, special_at(arena, unit).reserve)
        unit = order.link.next


cdef void _each_order(Engine* engine, const Aggressor* aggressor, uint32_t level,
                      DryRun* run) noexcept nogil:
    cdef uint32_t end = _displayed_or_hidden(engine, aggressor, level, run)
    if not run.is_over and level_has_reserve(&engine.arena, level):
        _reserves(engine, aggressor, level, end, run)


cdef bint _level_fits(const Engine* engine, uint32_t level) noexcept nogil:
    """Whether all of its orders may be counted at once."""
    return (not level_has_reserve(&engine.arena, level) and level_orders(&engine.arena, level)
            <= engine.dry_run_steps_max - engine.dry_run_steps)


cdef void _level(Engine* engine, uint32_t level, DryRun* run) noexcept nogil:
    """All of a level at once: as many steps, in the time of one."""
    cdef uint64_t quantity = level_quantity(&engine.arena, level)
    engine.dry_run_steps += level_orders(&engine.arena, level)
    run.quantity -= <uint32_t>min(quantity, <uint64_t>run.quantity)


cdef bint dry_run_reaches(Engine* engine, Book* book, const Aggressor* aggressor,
                          uint32_t wanted) noexcept nogil:
    cdef PriceLevels* shown = &book.sides[aggressor.sell ^ 1]
    cdef PriceLevels* hidden = &book.sides[KIND_HIDDEN << KIND_SHIFT | aggressor.sell ^ 1]
    cdef uint32_t shown_level = shown.best_level if shown.levels else 0
    cdef uint32_t hidden_level = hidden.best_level if hidden.levels else 0
    cdef uint32_t shown_key, hidden_key, level
    # Then each order at a price executes, or none does.
    cdef bint is_by_level = (aggressor.stp_group == 0
                             and book.min_quantity_live[aggressor.sell ^ 1] == 0)
    cdef DryRun run
    run.quantity = aggressor.quantity
    run.enough = aggressor.quantity - wanted
    run.is_over = False
    run.is_spent = False
    while run.quantity > run.enough and not run.is_over and not run.is_spent:
        shown_key = level_key(&engine.arena, shown_level) if shown_level else <uint32_t>KEY_NONE
        hidden_key = level_key(&engine.arena, hidden_level) if hidden_level else <uint32_t>KEY_NONE
        if min(shown_key, hidden_key) > aggressor.limit_key:
            return False
        run.is_forbidden = not book.is_plain and collar_forbids(
            book, levels_price(shown, min(shown_key, hidden_key)))
        level = shown_level if shown_key <= hidden_key else hidden_level
        run.is_shared = (book.allocation != ALLOCATION_PRICE_TIME and level == shown_level
                         and aggressor.stp_group != 0 and aggressor.stp_mode != STP_OLDEST)
        if not is_by_level or not _level_fits(engine, level):
            _each_order(engine, aggressor, level, &run)
        elif run.is_forbidden:
            run.is_over = True
        else:
            _level(engine, level, &run)
        if level == shown_level:
            shown_level = levels_next(&engine.arena, shown, level)
        else:
            hidden_level = levels_next(&engine.arena, hidden, level)
    return run.quantity <= run.enough
