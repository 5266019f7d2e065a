"""An incoming order of whatever kind against the opposite side."""

from libc.stdint cimport int32_t, uint8_t, uint32_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.base.check cimport iron_assert
from ironcore.book.allocation cimport Round, round_add, round_allocate, round_begin
from ironcore.book.book cimport KIND_HIDDEN, KIND_SHIFT, book_reduce
from ironcore.engine.collars cimport collar_forbids
from ironcore.engine.dry_run cimport accepts_quantity, dry_run_reaches, is_prevented
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.order_exit cimport (
    CANCEL_REASON_SELF_TRADE, cancel_part, cancel_whole, order_remove, pair_end,
)
from ironcore.engine.order_links cimport pair_other
from ironcore.book.order_pool cimport Arena, Order, level_at, order_at, order_ref, order_side
from ironcore.engine.orders cimport order_open, order_reserve
from ironcore.book.price_grid cimport PRICE_NONE
from ironcore.book.price_levels cimport level_key, levels_next, levels_price
from ironcore.engine.pending_work cimport STEP_LEFT, STEP_LOOKED, STEP_RANKED, step_is_over
from ironcore.engine.quotes.protection cimport protection_note
from ironcore.engine.replenish cimport order_replenish
from ironcore.engine.trading_state cimport state_pause
from ironcore.book.options cimport STP_BOTH, STP_DECREMENT, STP_NEWEST, STP_OLDEST
from ironcore.wire.record cimport (
    ALLOCATION_PRICE_TIME, ALLOCATION_SIZE_TIME, EVENT_ACTIVATED, EVENT_AGGRESSOR_SELL,
    EVENT_AT_CLOSE, EVENT_CANCELED, EVENT_EXECUTED, EVENT_SELL, EVENT_VISIBLE,
)

cdef struct Cursor:                  # the hidden order that comes next; some are passed by
    PriceLevels* side
    uint32_t level                   # 0 at the end
    uint32_t unit


cdef inline void _to_level(Arena* arena, Cursor* cursor, uint32_t level) noexcept nogil:
    cursor.level = level
    if level:
        cursor.unit = level_at(arena, level).link.next


cdef inline void _advance(Arena* arena, Cursor* cursor) noexcept nogil:
    """Past the order in hand, which is still in its queue."""
    cursor.unit = order_at(arena, cursor.unit).link.next
    if cursor.unit == cursor.level:
        _to_level(arena, cursor, levels_next(arena, cursor.side, cursor.level))


cdef void _start(Arena* arena, Cursor* cursor, PriceLevels* side) noexcept nogil:
    cursor.side = side
    cursor.unit = 0
    _to_level(arena, cursor, side.best_level if side.levels else 0)


cdef bint _find(Arena* arena, Cursor* cursor, uint32_t limit_key, uint32_t quantity) noexcept nogil:
    """Advance to the first order within the limit that executes with this quantity; false when
    there is none."""
    while cursor.level and level_key(arena, cursor.level) <= limit_key:
        if accepts_quantity(arena, cursor.unit, quantity):
            return True
        _advance(arena, cursor)
    return False


cdef bint aggressor_meets_hidden(Engine* engine, Book* book, uint32_t sell, uint32_t limit_key,
                                 uint32_t quantity) noexcept nogil:
    cdef Cursor cursor
    _start(&engine.arena, &cursor, &book.sides[KIND_HIDDEN << KIND_SHIFT | sell ^ 1])
    return _find(&engine.arena, &cursor, limit_key, quantity)


cdef void _cancel_aggressor(Engine* engine, Aggressor* a, uint32_t decrement) noexcept nogil:
    a.quantity -= decrement
    engine_emit(engine, EVENT_CANCELED, EVENT_SELL if a.sell else 0, CANCEL_REASON_SELF_TRADE,
                a.side, decrement, a.reference, a.quantity, a.price, a.slot)


cdef void _prevent(Engine* engine, Aggressor* a, uint32_t unit) noexcept nogil:
    """Rule 12.2, of two orders that would trade."""
    cdef uint32_t open_resting = order_open(engine, unit)
    cdef uint32_t decrement = min(open_resting, a.quantity)
    engine.step_actions += STEP_LEFT
    if a.stp_mode == STP_OLDEST or a.stp_mode == STP_BOTH or (
            a.stp_mode == STP_DECREMENT and decrement == open_resting):
        cancel_whole(engine, unit, CANCEL_REASON_SELF_TRADE, 0)
    elif a.stp_mode == STP_DECREMENT:
        cancel_part(engine, unit, decrement, CANCEL_REASON_SELF_TRADE)
    if a.stp_mode == STP_NEWEST or a.stp_mode == STP_BOTH:
        _cancel_aggressor(engine, a, a.quantity)
    elif a.stp_mode == STP_DECREMENT:
        _cancel_aggressor(engine, a, decrement)


cdef void _end_pairs(Engine* engine, Aggressor* a, uint32_t other_of_resting) noexcept nogil:
    """Rule 21.4. No stop is in a queue that the aggressor meets."""
    if other_of_resting:
        pair_end(engine, other_of_resting)
    if a.other:
        pair_end(engine, a.other)
        a.other = 0


cdef void _execute(Engine* engine, Book* book, Aggressor* a, uint32_t unit, uint32_t quantity,
                   int32_t price, uint8_t visible) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t other = pair_other(&engine.arena, unit)
    if a.activated_price != PRICE_NONE:
        engine_emit(engine, EVENT_ACTIVATED, EVENT_SELL if a.sell else 0, 0, a.side, a.quantity,
                    a.reference, 0, a.activated_price, a.slot)
        a.activated_price = PRICE_NONE
    engine.step_actions += STEP_LEFT
    engine.match_number_last += 1
    engine_emit(engine, EVENT_EXECUTED,
                visible | (EVENT_AGGRESSOR_SELL if a.sell else EVENT_SELL), 0,
                order_side(order), quantity, order_ref(order), engine.match_number_last, price,
                order.slot)
    a.quantity -= quantity
    a.executed += quantity
    order.executed += quantity
    book.last_price = price
    if iron_unlikely(book.protections):
        protection_note(engine, book, order.slot, a.sell ^ 1, quantity)
        protection_note(engine, book, a.slot, a.sell, quantity)
    if quantity < order.quantity:
        book_reduce(&engine.arena, order, quantity)
    elif order_reserve(engine, unit):
        order_replenish(engine, book, unit)
    else:
        order_remove(engine, unit)
    if iron_unlikely(other or a.other):
        _end_pairs(engine, a, other)


cdef void _gather(Engine* engine, Aggressor* a, uint32_t level, uint32_t actions,
                  Round* round) noexcept nogil:
    """Rule 19.2: the orders that share. Those that are prevented leave first, or end it."""
    cdef uint32_t unit = level_at(&engine.arena, level).link.next
    cdef uint32_t orders_left = engine.allocation_orders_max
    cdef uint32_t unit_next
    round_begin(round)
    iron_assert(unit != level, "orders share at a price at which none rests")
    while unit != level and orders_left and a.quantity:
        unit_next = order_at(&engine.arena, unit).link.next
        orders_left -= 1
        engine.step_actions += actions
        if is_prevented(engine, a, order_at(&engine.arena, unit)):
            _prevent(engine, a, unit)
        else:
            round_add(&engine.arena, round, unit)
        unit = unit_next


cdef bint _share(Engine* engine, Book* book, Aggressor* a, uint32_t level,
                 int32_t price) noexcept nogil:
    """Section 19: one round at a displayed price. False when a collar ends it."""
    cdef Round round
    cdef uint32_t index
    _gather(engine, a, level,
            STEP_RANKED if book.allocation == ALLOCATION_SIZE_TIME else STEP_LOOKED, &round)
    if a.quantity == 0 or round.count == 0:
        return True
    if collar_forbids(book, price):
        return False
    round_allocate(&round, book.allocation, a.quantity, book.limits.lot_size, book.allocation_min)
    for index in range(round.count):
        if round.shares[index].given:
            _execute(engine, book, a, round.shares[index].unit, round.shares[index].given, price,
                     EVENT_VISIBLE)
    return True


cdef void _interrupt(Engine* engine, Book* book, Aggressor* a, int32_t price) noexcept nogil:
    state_pause(engine, book, price)
    a.is_interrupted = True


cdef inline bint _is_to_stop(const Engine* engine, const Aggressor* a) noexcept nogil:
    # A minimum is executed at once, or not at all.
    return (a.may_stop and step_is_over(engine) and a.executed >= a.min_quantity
            and (a.has_unit or engine.arena.orders_live < engine.arena.orders_max))


cdef inline void _trade(Engine* engine, Book* book, Aggressor* a,
                        int32_t close_price) noexcept nogil:
    """At the prices at which the opposite orders rest; or, with one, at the closing price alone
    (rule 13.14): then the limit says which of them execute there, and none with a minimum does."""
    cdef Arena* arena = &engine.arena
    cdef PriceLevels* shown = &book.sides[a.sell ^ 1]
    cdef uint8_t at_close = EVENT_AT_CLOSE if close_price else 0
    cdef bint is_hidden
    cdef bint has_acted = a.has_acted
    cdef uint32_t unit, key
    cdef int32_t price
    cdef Cursor cursor
    if a.min_quantity and not dry_run_reaches(engine, book, a, min(a.min_quantity, a.quantity)):
        return
    _start(arena, &cursor, &book.sides[KIND_HIDDEN << KIND_SHIFT | a.sell ^ 1])
    while a.quantity:
        # What has been passed by stays passed by: the open quantity only falls.
        is_hidden = _find(arena, &cursor, a.limit_key, 0 if close_price else a.quantity)
        if shown.best_key <= a.limit_key and not (
                is_hidden and level_key(arena, cursor.level) < shown.best_key):
            is_hidden = False
            key = shown.best_key
            unit = level_at(arena, shown.best_level).link.next
        elif is_hidden:
            key = level_key(arena, cursor.level)
            unit = cursor.unit
        else:
            return
        if has_acted and _is_to_stop(engine, a):
            a.is_stopped = True
            return
        has_acted = True
        price = close_price if close_price else levels_price(shown, key)
        if close_price == 0 and book.allocation != ALLOCATION_PRICE_TIME and not is_hidden:
            if not _share(engine, book, a, shown.best_level, price):
                _interrupt(engine, book, a, price)
                return
            continue
        if is_prevented(engine, a, order_at(arena, unit)):
            if is_hidden:
                _advance(arena, &cursor)
            _prevent(engine, a, unit)
            continue
        if close_price == 0 and not book.is_plain and collar_forbids(book, price):
            _interrupt(engine, book, a, price)
            return
        if is_hidden and a.quantity >= order_at(arena, unit).quantity:
            _advance(arena, &cursor)
        _execute(engine, book, a, unit, min(a.quantity, order_at(arena, unit).quantity), price,
                 at_close | (0 if is_hidden else EVENT_VISIBLE))


cdef void aggressor_trade(Engine* engine, Book* book, Aggressor* a) noexcept nogil:
    _trade(engine, book, a, 0)


cdef void aggressor_trade_at_close(Engine* engine, Book* book, Aggressor* a) noexcept nogil:
    _trade(engine, book, a, book.last_price)
