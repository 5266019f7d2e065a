"""What follows from a command once it is done: stops that it triggered, pegs that follow."""

from libc.stdint cimport int32_t, uint32_t, uint64_t

from ironcore.book.book cimport KIND_HIDDEN, KIND_SHIFT, book_key, book_queue_any, book_unlink
from ironcore.book.options cimport options_stop_no_more
from ironcore.book.order_pool cimport (
    Order, Special, order_at, order_ref, order_side, special_at,
)
from ironcore.book.price_grid cimport grid_tick
from ironcore.engine.aggressor cimport aggressor_crosses, aggressor_trade
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.order_terms cimport Aggressor, Terms, aggressor_of, terms_of_order
from ironcore.engine.order_exit cimport order_remove, order_wake
from ironcore.engine.order_path cimport order_proceed
from ironcore.engine.orders cimport order_price, order_sell
from ironcore.engine.pegs cimport peg_price, pegs_are_due
from ironcore.engine.pending_work cimport STEP_LOOKED, step_count_turn, step_is_over
from ironcore.engine.quotes.protection cimport protections_act
from ironcore.engine.stops cimport stop_triggered, trailing_follow
from ironcore.engine.under_way cimport HAND_PEG, busy_begin, under_way_hold
from ironcore.wire.record cimport EVENT_ACTIVATED, EVENT_SELL, STATE_CONTINUOUS


cdef void _stop_activate(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef Special* special = special_at(&engine.arena, unit)
    cdef Terms terms
    order_wake(engine, unit)
    options_stop_no_more(&special.options)
    engine_emit(engine, EVENT_ACTIVATED, EVENT_SELL if order_sell(order) else 0, 0,
                order_side(order), order.quantity, order_ref(order), 0, special.price,
                order.slot)
    terms_of_order(engine, book, unit, &terms)
    order_proceed(engine, book, &terms, unit)


cdef void _peg_move(Engine* engine, Book* book, uint32_t unit, int32_t price) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t sell = order_sell(order)
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
        book_queue_any(&engine.arena, book, KIND_HIDDEN << KIND_SHIFT | sell,
                       book_key(&book.grid, sell, tick), unit)


cdef void peg_move(Engine* engine, Book* book, uint32_t unit, int32_t price) noexcept nogil:
    _peg_move(engine, book, unit, price)
    protections_act(engine)


cdef void _peg_leave(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    """The queue in which it is, if it is in one."""
    cdef Order* order = order_at(&engine.arena, unit)
    if order.level:
        book_unlink(&engine.arena, book, KIND_HIDDEN << KIND_SHIFT | order_sell(order), unit)
        order.level = 0


cdef inline int32_t _price_now(Engine* engine, uint32_t unit) noexcept nogil:
    return order_price(engine, unit) if order_at(&engine.arena, unit).level else 0


cdef void _peg_price(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    cdef const Special* special = special_at(&engine.arena, unit)
    cdef uint32_t sell = order_sell(order_at(&engine.arena, unit))
    cdef int32_t price
    price = peg_price(engine, book, &special.options, sell, special.price)
    if price == _price_now(engine, unit):
        return
    step_count_turn(engine, book, sell)
    _peg_leave(engine, book, unit)
    if price:
        peg_move(engine, book, unit, price)


cdef bint _pegs_price(Engine* engine, Book* book) noexcept nogil:
    """False when the step is over before the end, or one of them is in hand."""
    cdef uint32_t unit = book.peg_next
    cdef const Special* special
    while unit and book.state == STATE_CONTINUOUS:
        special = special_at(&engine.arena, unit)
        if special.is_under_way:     # it gets its price with its turn
            book.peg_next = special.peers.next
        elif step_is_over(engine):
            return False
        else:
            engine.step_actions += STEP_LOOKED
            book.peg_next = special.peers.next
            _peg_price(engine, book, unit)
            if book.in_hand:
                return False
        unit = book.peg_next
    book.peg_next = 0
    return True


cdef void _pegs_begin(Book* book) noexcept nogil:
    book.pegs_are_stale = False
    book.peg_keys[0] = book.sides[0].best_key
    book.peg_keys[1] = book.sides[1].best_key
    book.pegs_last_price = book.last_price
    book.peg_next = book.pegs.next
    book.is_pricing_pegs = True


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


cdef bint settle_on(Engine* engine, Book* book) noexcept nogil:
    # An interruption changes the state.
    while book.followers and book.state == STATE_CONTINUOUS:
        if not book.is_pricing_pegs:
            if not _stops_wake(engine, book):
                return False
            if book.state != STATE_CONTINUOUS or not pegs_are_due(book):
                return True
            _pegs_begin(book)
        if not _pegs_price(engine, book):
            return False
        book.is_pricing_pegs = False
        # Between two steps pegs may have been parked (rule 8.7).
        if book.last_price == book.pegs_last_price and not book.pegs_are_stale:
            return True
    book.is_pricing_pegs = False
    book.peg_next = 0
    return True


cdef void book_settle(Engine* engine, Book* book) noexcept nogil:
    if book.followers and not book.is_busy and not settle_on(engine, book):
        busy_begin(engine, book)
