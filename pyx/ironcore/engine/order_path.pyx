"""The path of an order of any kind, once it is accepted."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from ironcore.engine.aggressor cimport (
    aggressor_crosses, aggressor_meets_hidden, aggressor_trade, aggressor_trade_at_close,
)
from ironcore.book.book cimport (
    KIND_HIDDEN, KIND_SHIFT, KIND_SHOWN, KIND_WAITING, KIND_WAITING_MARKET, book_key,
    book_queue_any,
)
from ironcore.engine.engine cimport engine_emit, engine_slot
from ironcore.engine.order_terms cimport Aggressor, aggressor_of, terms_prepare
from ironcore.engine.order_exit cimport (
    CANCEL_REASON_COLLAR, CANCEL_REASON_IOC, CANCEL_REASON_POST_ONLY,
    CANCEL_REASON_POST_ONLY_HIDDEN, order_remove,
)
from ironcore.engine.order_links cimport expiry_link, pair_link, peg_link
from ironcore.book.order_pool cimport (
    ORDER_ATTRIBUTED, ORDER_ICEBERG, ORDER_SPECIAL, ORDER_STAYS, REF_SHIFT, Order, Special,
    order_at, order_take, special_at,
)
from ironcore.engine.pegs cimport PEGS_PARKED, peg_price_now
from ironcore.book.price_grid cimport (
    grid_behind_price, grid_in_range, grid_tick, protection_limit,
)
from ironcore.book.price_levels cimport (
    KEY_NONE, KEY_WORST, PriceLevels, level_add_reserve, levels_price,
)
from ironcore.engine.quotes.protection cimport protections_act
from ironcore.engine.stops cimport stop_begin
from ironcore.engine.under_way cimport (
    HAND_ORDER, book_waits, busy_begin, under_way_append, under_way_hold,
)
from ironcore.book.limits cimport (
    CROSS_NONE, DISPLAY_ATTRIBUTABLE, DISPLAY_NO, TIME_IN_FORCE_FOK, TIME_IN_FORCE_GTC,
    TIME_IN_FORCE_GTT, side_is_sell,
)
from ironcore.book.options cimport (
    POST_ONLY, options_are_pegged, options_are_stop, options_clear, options_expire_today,
)
from ironcore.wire.record cimport (
    EVENT_ADDED, EVENT_ATTRIBUTED, EVENT_CANCELED, EVENT_SELL, EVENT_VISIBLE, STATE_CONTINUOUS,
    STATE_TRADE_AT_CLOSE,
)


cdef uint32_t _close_key(const Book* book, const Terms* terms) noexcept nogil:
    """The worst that an order may meet at the closing price; KEY_NONE when it does not execute
    there (rule 13.14)."""
    cdef uint32_t tick = 0
    cdef int32_t price = book.last_price
    if (terms.options.post_only == POST_ONLY or terms.options.min_quantity
            or terms.time_in_force == TIME_IN_FORCE_FOK
            or not grid_tick(&book.grid, price, &tick)):
        return KEY_NONE
    if not terms.is_market and (terms.price > price if terms.sell else terms.price < price):
        return KEY_NONE
    return book_key(&book.grid, terms.sell ^ 1, tick)


cdef bint _meets_at_close(Engine* engine, Book* book, const Terms* terms) noexcept nogil:
    cdef uint32_t key = _close_key(book, terms)
    if key == KEY_NONE:
        return False
    return (book.sides[terms.sell ^ 1].best_key <= key
            or aggressor_meets_hidden(engine, book, terms.sell, key, 0))


cdef bint terms_rest_at_once(Engine* engine, Book* book, const Terms* terms) noexcept nogil:
    if (terms.cross_type != CROSS_NONE or not terms.may_rest or options_are_stop(&terms.options)
            or options_are_pegged(&terms.options) or book_waits(engine, book)):
        return False
    if book.state == STATE_TRADE_AT_CLOSE:
        return not _meets_at_close(engine, book, terms)
    if book.state != STATE_CONTINUOUS:
        return True
    if book.sides[terms.sell ^ 1].best_key <= terms.limit_key:
        return False
    return not aggressor_meets_hidden(engine, book, terms.sell, terms.limit_key, terms.quantity)


cdef uint32_t _live(Engine* engine, Book* book, const Terms* terms, uint32_t unit) noexcept nogil:
    """The order, live and in no queue yet."""
    cdef bint is_new = unit == 0
    cdef uint64_t flags = terms.side
    cdef Order* order
    cdef Special* special
    if is_new:
        unit = order_take(&engine.arena)
    order = order_at(&engine.arena, unit)
    if terms.display == DISPLAY_ATTRIBUTABLE:
        flags |= ORDER_ATTRIBUTED
    if terms.time_in_force == TIME_IN_FORCE_GTC:
        flags |= ORDER_STAYS
    order.quantity = terms.quantity
    order.executed = terms.executed
    order.slot = terms.slot
    order.level = 0
    engine.arena.slots[terms.slot] = unit
    if (not is_new or terms.options.named or terms.cross_type != CROSS_NONE
            or terms.time_in_force == TIME_IN_FORCE_GTT or terms.other or book.is_busy):
        flags |= ORDER_SPECIAL
    order.ref_side = terms.reference << REF_SHIFT | flags
    if not is_new or not flags & ORDER_SPECIAL:
        return unit
    special = special_at(&engine.arena, unit)
    special.options = terms.options
    special.seed_state = terms.options.reserve_seed
    special.reserve = 0
    special.instrument = <uint32_t>(book - engine.books)
    special.price = terms.price
    special.time_in_force = terms.time_in_force
    special.display = terms.display
    special.cross_type = terms.cross_type
    special.other = 0
    if terms.other:
        pair_link(engine, unit, terms.other)
    if options_expire_today(&terms.options, terms.time_in_force):
        expiry_link(engine, unit)
    if options_are_pegged(&terms.options):
        peg_link(engine, book, unit)
    book.min_quantity_live[terms.sell] += terms.options.min_quantity != 0
    return unit


cdef uint32_t order_rest(Engine* engine, Book* book, const Terms* terms,
                         uint32_t unit) noexcept nogil:
    cdef uint32_t kind = KIND_HIDDEN if terms.display == DISPLAY_NO else KIND_SHOWN
    cdef uint32_t max_floor = terms.options.max_floor
    cdef Order* order
    unit = _live(engine, book, terms, unit)
    if max_floor and max_floor < terms.quantity:
        order = order_at(&engine.arena, unit)
        order.ref_side |= ORDER_ICEBERG
        order.quantity = max_floor
        special_at(&engine.arena, unit).reserve = terms.quantity - max_floor
    book_queue_any(&engine.arena, book, kind << KIND_SHIFT | terms.sell, terms.key, unit)
    if order_at(&engine.arena, unit).ref_side & ORDER_ICEBERG:
        level_add_reserve(&engine.arena, order_at(&engine.arena, unit).level,
                          terms.quantity - max_floor)
    return unit


cdef void order_add(Engine* engine, Book* book, const Terms* terms,
                    uint32_t unit) noexcept nogil:
    cdef uint8_t flags = EVENT_SELL if terms.sell else 0
    cdef uint64_t reserve
    cdef const Order* order
    unit = order_rest(engine, book, terms, unit)
    order = order_at(&engine.arena, unit)
    reserve = terms.quantity - order.quantity
    if terms.display != DISPLAY_NO:
        flags |= EVENT_VISIBLE
    if terms.display == DISPLAY_ATTRIBUTABLE:
        flags |= EVENT_ATTRIBUTED
    engine_emit(engine, EVENT_ADDED, flags, 0, terms.side, order.quantity, terms.reference, reserve,
                levels_price(&book.sides[terms.sell], terms.key), terms.slot)


cdef void _cancel(Engine* engine, const Terms* terms, uint32_t unit, uint8_t reason) noexcept nogil:
    engine_emit(engine, EVENT_CANCELED, EVENT_SELL if terms.sell else 0, reason, terms.side,
                terms.quantity, terms.reference, 0, terms.price, terms.slot)
    if unit:
        order_remove(engine, unit)


cdef bint _set_limit(const Book* book, Terms* terms, int64_t price) noexcept nogil:
    """A limit other than the one entered; false when it is out of range."""
    cdef uint32_t tick = 0
    if not grid_in_range(&book.grid, price):
        return False
    grid_tick(&book.grid, <int32_t>price, &tick)
    terms.key = book_key(&book.grid, terms.sell, tick)
    terms.limit_key = book_key(&book.grid, terms.sell ^ 1, tick)
    return True


cdef void _post(Engine* engine, Book* book, Terms* terms, uint32_t unit) noexcept nogil:
    """Rule 10.3: rests, or is cancelled, but does not execute."""
    cdef PriceLevels* opposite = &book.sides[terms.sell ^ 1]
    if opposite.best_key <= terms.limit_key:
        if book.post_only_mode == 0 or not _set_limit(book, terms, grid_behind_price(
                &book.grid, terms.sell, levels_price(opposite, opposite.best_key))):
            _cancel(engine, terms, unit, CANCEL_REASON_POST_ONLY)
            return
    if aggressor_meets_hidden(engine, book, terms.sell, terms.limit_key, terms.quantity):
        _cancel(engine, terms, unit, CANCEL_REASON_POST_ONLY_HIDDEN)
        return
    order_add(engine, book, terms, unit)


cdef void _protect(const Book* book, Terms* terms) noexcept nogil:
    """Rule 5.7: the limit of a market order."""
    cdef const PriceLevels* opposite = &book.sides[terms.sell ^ 1]
    cdef int32_t base_price = book.last_price if book.last_price else book.reference_price
    if opposite.levels:
        base_price = levels_price(opposite, opposite.best_key)
    if book.market_protection_bp and base_price:
        _set_limit(book, terms, protection_limit(&book.grid, terms.sell, base_price,
                                                 book.market_protection_bp))


cdef void _hold(Engine* engine, Book* book, const Terms* terms, uint32_t unit) noexcept nogil:
    busy_begin(engine, book)         # so that it gets a Special, in which the next step finds it
    under_way_hold(engine, book, _live(engine, book, terms, unit), HAND_ORDER, terms.limit_key)


cdef inline void _take_over(Terms* terms, const Aggressor* aggressor) noexcept nogil:
    """What the opposite side has made of it."""
    terms.quantity = aggressor.quantity
    terms.executed += aggressor.executed
    terms.other = aggressor.other


cdef void _aggress(Engine* engine, Book* book, Terms* terms, uint32_t unit,
                   bint was_in_hand) noexcept nogil:
    cdef PriceLevels* opposite = &book.sides[terms.sell ^ 1]
    cdef uint8_t reason = CANCEL_REASON_IOC
    cdef Aggressor aggressor
    aggressor_of(engine, terms, &aggressor)
    aggressor.may_stop = True
    aggressor.has_unit = unit != 0
    if was_in_hand:
        aggressor.min_quantity = 0   # it was executed
    if aggressor_crosses(book, terms.sell, terms.limit_key):
        aggressor_trade(engine, book, &aggressor)
        _take_over(terms, &aggressor)
    if terms.quantity == 0:
        if unit:
            order_remove(engine, unit)
        return
    if aggressor.is_stopped:
        _hold(engine, book, terms, unit)
        return
    if options_are_pegged(&terms.options) and aggressor.is_interrupted:
        _live(engine, book, terms, unit)
        return
    if terms.may_rest:
        order_add(engine, book, terms, unit)
        return
    if aggressor.is_interrupted or (
            terms.is_market and terms.limit_key != KEY_WORST and opposite.levels
            and opposite.best_key > terms.limit_key):
        reason = CANCEL_REASON_COLLAR
    _cancel(engine, terms, unit, reason)


cdef void _trade_at_close(Engine* engine, Book* book, Terms* terms,
                          uint32_t unit) noexcept nogil:
    """Rule 13.14."""
    cdef Aggressor aggressor
    if _meets_at_close(engine, book, terms):
        aggressor_of(engine, terms, &aggressor)
        aggressor.limit_key = _close_key(book, terms)
        aggressor.may_stop = True
        aggressor.has_unit = unit != 0
        aggressor_trade_at_close(engine, book, &aggressor)
        _take_over(terms, &aggressor)
        if aggressor.is_stopped:
            _hold(engine, book, terms, unit)
            return
    if terms.quantity == 0:
        if unit:
            order_remove(engine, unit)
    elif terms.may_rest:
        order_add(engine, book, terms, unit)
    else:
        _cancel(engine, terms, unit, CANCEL_REASON_IOC)


cdef void _wait(Engine* engine, Book* book, const Terms* terms, uint32_t unit) noexcept nogil:
    cdef uint32_t kind = KIND_WAITING_MARKET if terms.is_market else KIND_WAITING
    book_queue_any(&engine.arena, book, kind << KIND_SHIFT | terms.sell, terms.key,
                   _live(engine, book, terms, unit))


cdef void _proceed(Engine* engine, Book* book, Terms* terms, uint32_t unit) noexcept nogil:
    cdef bint pegged = options_are_pegged(&terms.options)
    cdef int32_t price
    if terms.cross_type != CROSS_NONE:
        _wait(engine, book, terms, unit)
    elif options_are_stop(&terms.options):
        stop_begin(engine, book, _live(engine, book, terms, 0))
    elif book.state != STATE_CONTINUOUS:
        if pegged:
            _live(engine, book, terms, unit)
            book.pegs_are_stale |= PEGS_PARKED
        elif book.state == STATE_TRADE_AT_CLOSE:
            _trade_at_close(engine, book, terms, unit)
        elif terms.may_rest:
            order_add(engine, book, terms, unit)
        else:                        # the book was interrupted before its turn
            _cancel(engine, terms, unit, CANCEL_REASON_COLLAR)
    elif pegged:
        price = peg_price_now(engine, book, &terms.options, terms.sell, terms.price)
        if price:
            _set_limit(book, terms, price)
            _aggress(engine, book, terms, unit, False)
        else:
            _live(engine, book, terms, unit)
    elif terms.options.post_only == POST_ONLY:
        _post(engine, book, terms, unit)
    else:
        if terms.is_market:
            _protect(book, terms)
        _aggress(engine, book, terms, unit, False)


cdef void order_proceed(Engine* engine, Book* book, Terms* terms, uint32_t unit) noexcept nogil:
    _proceed(engine, book, terms, unit)
    protections_act(engine)


cdef void order_begin(Engine* engine, Book* book, Terms* terms) noexcept nogil:
    # What sleeps meets no order. What is to wait for an auction does not pass by those before it.
    if book_waits(engine, book) and not options_are_stop(&terms.options):
        busy_begin(engine, book)
        under_way_append(engine, book, _live(engine, book, terms, 0))
    else:
        order_proceed(engine, book, terms, 0)


cdef void order_go_on(Engine* engine, Book* book, Terms* terms, uint32_t unit) noexcept nogil:
    if book.state == STATE_TRADE_AT_CLOSE:
        _trade_at_close(engine, book, terms, unit)
    else:
        terms.limit_key = book.in_hand_key
        if terms.limit_key != KEY_WORST:
            terms.key = book.grid.ticks_count - 1 - terms.limit_key
        _aggress(engine, book, terms, unit, True)
    protections_act(engine)


cdef void plain_hold(Engine* engine, Book* book, const EnterOrder* command, uint64_t reference,
                     uint32_t quantity) noexcept nogil:
    cdef Terms terms
    options_clear(&terms.options)
    terms.reference = reference
    terms.quantity = quantity
    terms.executed = command.quantity - quantity
    terms.slot = engine_slot(engine, command.header.session, command.header.user_ref)
    terms.side = command.side
    terms.sell = 1 if side_is_sell(command.side) else 0
    terms.price = command.price
    terms.time_in_force = command.time_in_force
    terms.display = command.display
    terms.cross_type = CROSS_NONE
    terms.other = 0
    terms_prepare(book, &terms)
    _hold(engine, book, &terms, 0)
