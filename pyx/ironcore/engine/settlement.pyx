"""What follows from a command once it is done: stops that it triggered, pegs that follow."""

from libc.stdint cimport int32_t, uint32_t

from ironcore.book.book cimport KIND_HIDDEN, KIND_SHIFT, KIND_SHOWN, book_key, book_queue_any
from ironcore.book.limits cimport DISPLAY_NO
from ironcore.book.options cimport options_stop_no_more
from ironcore.book.order_pool cimport (
    ORDER_REF_MAX, Order, Special, order_at, order_ref, order_side, special_at,
)
from ironcore.book.price_grid cimport grid_tick
from ironcore.engine.aggressor cimport aggressor_crosses, aggressor_trade
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.incoming cimport Aggressor
from ironcore.engine.order_exit cimport order_remove, order_wake
from ironcore.engine.order_path cimport order_proceed
from ironcore.engine.order_terms cimport Terms, aggressor_of, terms_of_order
from ironcore.engine.orders cimport order_price, order_sell
from ironcore.engine.pegs cimport (
    PEGS_MOVED, peg_leave, peg_price, peg_show, pegs_are_due, quotes_read,
)
from ironcore.engine.stops cimport stop_triggered, trailing_follow
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


cdef inline bint _is_shown(Engine* engine, uint32_t unit) noexcept nogil:
    """Of a peg: whether it is displayed where it has a price."""
    return special_at(&engine.arena, unit).display != DISPLAY_NO


cdef void _move(Engine* engine, Book* book, uint32_t unit, int32_t price) noexcept nogil:
    """As an aggressor to its new price; 0 parks it."""
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t sell = order_sell(order)
    cdef uint32_t kind = KIND_SHOWN if _is_shown(engine, unit) else KIND_HIDDEN
    cdef uint32_t tick = 0
    cdef Aggressor aggressor
    cdef Terms terms
    peg_leave(engine, book, unit)
    if price == 0:
        return
    grid_tick(&book.grid, price, &tick)
    terms_of_order(engine, book, unit, &terms)
    terms.limit_key = book_key(&book.grid, sell ^ 1, tick)
    if aggressor_crosses(book, sell, terms.limit_key):
        aggressor_of(engine, &terms, &aggressor)
        aggressor.activated_price = price
        aggressor_trade(engine, book, &aggressor)
        if aggressor.quantity == 0:
            order_remove(engine, unit)
            return
        order.quantity = aggressor.quantity
        order.executed += aggressor.executed
    if book.state == STATE_CONTINUOUS:
        book_queue_any(&engine.arena, book, kind << KIND_SHIFT | sell,
                       book_key(&book.grid, sell, tick), unit)
        if kind == KIND_SHOWN:
            peg_show(engine, unit)


cdef inline int32_t _price_now(Engine* engine, uint32_t unit) noexcept nogil:
    return order_price(engine, unit) if order_at(&engine.arena, unit).level else 0


cdef int32_t _shown_price(Engine* engine, Book* book, uint32_t unit, int32_t price,
                          bint is_first) noexcept nogil:
    """Where a displayed peg goes whose price this is: a command moves it once, and parks it when it
    would have to move again (11.6)."""
    if engine.order_ref_last >= ORDER_REF_MAX:
        return 0
    if is_first or price == _price_now(engine, unit):
        return price
    book.pegs_are_stale = PEGS_MOVED
    return 0


cdef void _some_price(Engine* engine, Book* book, bint shown, bint is_first) noexcept nogil:
    """Of the displayed pegs, or of the others."""
    cdef uint32_t unit = book.pegs.next
    cdef int32_t price
    cdef const Special* special
    while unit and book.state == STATE_CONTINUOUS:
        special = special_at(&engine.arena, unit)
        engine.peg_next = special.peers.next
        if _is_shown(engine, unit) == shown:
            price = peg_price(book, book.peg_keys, &special.options,
                              order_sell(order_at(&engine.arena, unit)), special.price)
            if shown:
                price = _shown_price(engine, book, unit, price, is_first)
            if price != _price_now(engine, unit):
                _move(engine, book, unit, price)
        unit = engine.peg_next
    engine.peg_next = 0


cdef void _pegs_price(Engine* engine, Book* book, bint is_first) noexcept nogil:
    """The displayed ones first: nobody is to meet one where it will not stay."""
    book.pegs_are_stale = 0
    quotes_read(engine, book, book.peg_keys)
    _some_price(engine, book, True, is_first)
    _some_price(engine, book, False, is_first)


cdef void book_settle(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t unit
    cdef int32_t last_price
    cdef bint is_first = True
    # An interruption changes the state.
    while book.followers and book.state == STATE_CONTINUOUS:
        last_price = book.last_price
        trailing_follow(engine, book)
        unit = stop_triggered(engine, book)
        if unit:
            _stop_activate(engine, book, unit)
            continue
        if not pegs_are_due(engine, book):
            return
        _pegs_price(engine, book, is_first)
        is_first = False
        if book.last_price == last_price:
            return
