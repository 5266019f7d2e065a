"""What follows from a command once it is done: stops that it triggered, pegs that follow."""

from libc.stdint cimport int32_t, uint32_t, uint64_t

from ironcore.base.check cimport iron_static_assert
from ironcore.book.book cimport KIND_HIDDEN, KIND_SHIFT, KIND_SHOWN, book_key, book_queue_any
from ironcore.book.limits cimport DISPLAY_NO
from ironcore.book.options cimport options_stop_no_more
from ironcore.book.order_pool cimport (
    ORDER_REF_MAX, Order, Special, order_at, order_ref, order_side, special_at,
)
from ironcore.book.price_grid cimport grid_tick
from ironcore.engine.aggressor cimport aggressor_crosses, aggressor_trade
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.order_terms cimport Aggressor, Terms, aggressor_of, terms_of_order
from ironcore.engine.order_exit cimport order_remove, order_wake, pair_end
from ironcore.engine.order_path cimport order_proceed
from ironcore.engine.orders cimport order_price, order_sell
from ironcore.engine.pegs cimport (
    PEGS_MOVED, PEGS_PARKED, peg_leave, peg_price, peg_show, pegs_are_due, quotes_are_others,
    quotes_read,
)
from ironcore.engine.pending_work cimport STEP_LOOKED, step_count_turn, step_is_over
from ironcore.engine.stops cimport stop_triggered, trailing_follow
from ironcore.engine.under_way cimport HAND_PEG, busy_begin, under_way_hold
from ironcore.wire.record cimport (
    EVENT_ACTIVATED, EVENT_SELL, QUOTE_ENTRIES_MAX, STATE_CONTINUOUS,
)


cdef void _stop_activate(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef Special* special = special_at(&engine.arena, unit)
    cdef Terms terms
    order_wake(engine, unit)
    options_stop_no_more(&special.options)
    engine_emit(engine, EVENT_ACTIVATED, EVENT_SELL if order_sell(order) else 0, 0,
                order_side(order), order.quantity, order_ref(order), 0, special.price,
                order.slot)
    if special.other:
        pair_end(engine, special.other)
    terms_of_order(engine, book, unit, &terms)
    order_proceed(engine, book, &terms, unit)


cdef inline bint _is_shown(Engine* engine, uint32_t unit) noexcept nogil:
    """Of a peg: whether it is displayed where it has a price."""
    return special_at(&engine.arena, unit).display != DISPLAY_NO


cdef void peg_move(Engine* engine, Book* book, uint32_t unit, int32_t price) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t sell = order_sell(order)
    cdef uint32_t kind = KIND_SHOWN if _is_shown(engine, unit) else KIND_HIDDEN
    cdef uint32_t tick = 0
    cdef Aggressor aggressor
    cdef Terms terms
    grid_tick(&book.grid, price, &tick)
    terms_of_order(engine, book, unit, &terms)
    terms.limit_key = book_key(&book.grid, sell ^ 1, tick)
    if aggressor_crosses(book, sell, terms.limit_key):
        aggressor_of(engine, &terms, &aggressor)
        aggressor.activated_price = price
        aggressor.may_stop = True
        aggressor_trade(engine, book, &aggressor)
        if aggressor.quantity == 0:
            order_remove(engine, unit)
            return
        order.quantity = aggressor.quantity
        order.executed += aggressor.executed
        if aggressor.is_stopped:
            under_way_hold(engine, book, unit, HAND_PEG, terms.limit_key)
            return
    if book.state == STATE_CONTINUOUS:
        book_queue_any(&engine.arena, book, kind << KIND_SHIFT | sell,
                       book_key(&book.grid, sell, tick), unit)
        if kind == KIND_SHOWN:
            peg_show(engine, unit)


cdef inline int32_t _price_now(Engine* engine, uint32_t unit) noexcept nogil:
    return order_price(engine, unit) if order_at(&engine.arena, unit).level else 0


cdef inline uint32_t _number(const Engine* engine, const Book* book) noexcept nogil:
    return <uint32_t>(book - engine.books) + 1


cdef int32_t _shown_price(Engine* engine, Book* book, uint32_t unit, int32_t price) noexcept nogil:
    """Where a displayed peg goes whose price this is: a settlement moves it once, and parks it when
    it would have to move again (11.6)."""
    if engine.order_ref_last >= ORDER_REF_MAX:
        return 0
    if not book.is_pricing_again or price == _price_now(engine, unit):
        return price
    book.pegs_are_stale |= PEGS_MOVED
    return 0


cdef void _peg_price(Engine* engine, Book* book, uint32_t unit,
                     const uint32_t* quote_keys) noexcept nogil:
    cdef const Special* special = special_at(&engine.arena, unit)
    cdef uint32_t sell = order_sell(order_at(&engine.arena, unit))
    cdef int32_t price = peg_price(book, quote_keys, &special.options, sell, special.price)
    if book.is_pricing_shown:
        price = _shown_price(engine, book, unit, price)
    if price == _price_now(engine, unit):
        return
    step_count_turn(engine, book, sell)
    peg_leave(engine, book, unit)
    if price:
        peg_move(engine, book, unit, price)


cdef bint _some_price(Engine* engine, Book* book, const uint32_t* quote_keys) noexcept nogil:
    """The displayed ones, or the others. False when the step is over before the end, or one of them
    is in hand."""
    cdef uint32_t unit = book.peg_next
    cdef const Special* special
    while unit and book.state == STATE_CONTINUOUS:
        special = special_at(&engine.arena, unit)
        # One that is under way gets its price with its turn.
        if special.is_under_way or _is_shown(engine, unit) != book.is_pricing_shown:
            book.peg_next = special.peers.next
        elif step_is_over(engine):
            return False
        else:
            engine.step_actions += STEP_LOOKED
            book.peg_next = special.peers.next
            _peg_price(engine, book, unit, quote_keys)
            if book.in_hand:
                return False
        unit = book.peg_next
    book.peg_next = 0
    return True


cdef bint _were_priced(const Engine* engine, const Book* book) noexcept nogil:
    """Its pegs, in this step."""
    cdef uint32_t index
    for index in range(min(engine.pegs_priced_count, <uint32_t>QUOTE_ENTRIES_MAX)):
        if engine.pegs_priced[index] == _number(engine, book):
            return True
    return False


cdef void _note_priced(Engine* engine, const Book* book) noexcept nogil:
    iron_static_assert(sizeof(engine.pegs_priced) == QUOTE_ENTRIES_MAX * sizeof(uint32_t))
    if not _were_priced(engine, book):
        engine.pegs_priced[engine.pegs_priced_count % QUOTE_ENTRIES_MAX] = _number(engine, book)
        engine.pegs_priced_count += 1


cdef bint _pegs_price(Engine* engine, Book* book) noexcept nogil:
    """The displayed ones first: nobody is to meet one where it will not stay. False as
    _some_price. Between two steps the quotes may have changed."""
    cdef uint32_t[2] quote_keys
    _note_priced(engine, book)
    quotes_read(engine, book, quote_keys)
    if book.is_pricing_shown:
        if not _some_price(engine, book, quote_keys):
            return False
        book.is_pricing_shown = False
        book.peg_next = book.pegs.next
    return _some_price(engine, book, quote_keys)


cdef bint _pegs_begin(Engine* engine, Book* book) noexcept nogil:
    """False when that is for the next step: each moves a displayed peg once."""
    if (engine.step_actions_max and book.shown_pegs and not book.were_pegs_priced
            and _were_priced(engine, book)):
        return False
    book.pegs_are_stale = 0
    quotes_read(engine, book, book.peg_keys)
    book.pegs_last_price = book.last_price
    book.peg_next = book.pegs.next
    book.is_pricing_pegs = True
    book.is_pricing_shown = book.shown_pegs != 0
    book.is_pricing_again = book.were_pegs_priced
    book.were_pegs_priced = True
    return True


cdef bint _pegs_end(Engine* engine, Book* book) noexcept nogil:
    """Whether settlement goes on: what came between two steps of pricing is settled as well, or
    what pegs executed has consequences."""
    book.is_pricing_pegs = False
    if book.pegs_are_stale & PEGS_PARKED or quotes_are_others(engine, book):
        book.were_pegs_priced = False
        return True
    return book.last_price != book.pegs_last_price


cdef bint _stops_wake(Engine* engine, Book* book) noexcept nogil:
    """All that are triggered, and those that these trigger. False as _pegs_price."""
    cdef uint32_t unit
    while book.state == STATE_CONTINUOUS:
        trailing_follow(engine, book)
        unit = stop_triggered(engine, book)
        if unit == 0:
            return True
        if step_is_over(engine):
            return False
        step_count_turn(engine, book, order_sell(order_at(&engine.arena, unit)))
        engine.step_actions += <uint64_t>STEP_LOOKED * book.followers
        _stop_activate(engine, book, unit)
        if book.in_hand:
            return False
    return True


cdef bint _settle(Engine* engine, Book* book) noexcept nogil:
    # An interruption changes the state.
    while book.followers and book.state == STATE_CONTINUOUS:
        if not book.is_pricing_pegs:
            if not _stops_wake(engine, book):
                return False
            if book.state != STATE_CONTINUOUS or not pegs_are_due(engine, book):
                return True
            if not _pegs_begin(engine, book):
                return False
        if not _pegs_price(engine, book):
            return False
        if not _pegs_end(engine, book):
            return True
    return True


cdef bint settle_on(Engine* engine, Book* book) noexcept nogil:
    if not _settle(engine, book):
        return False
    book.is_pricing_pegs = False
    book.were_pegs_priced = False
    book.peg_next = 0
    return True


cdef void book_settle(Engine* engine, Book* book) noexcept nogil:
    if book.followers == 0 or book.is_busy:
        return
    if engine.is_expiring and book.state == STATE_CONTINUOUS or not settle_on(engine, book):
        busy_begin(engine, book)
