"""What follows from a command once it is done: stops that it triggered, pegs that follow."""

from libc.stdint cimport int32_t, uint32_t

from ironcore.book.book cimport KIND_HIDDEN, KIND_SHIFT, book_key, book_queue_any, book_unlink
from ironcore.book.options cimport options_stop_no_more
from ironcore.book.order_pool cimport (
    Order, Special, order_at, order_ref, order_side, special_at,
)
from ironcore.book.price_grid cimport grid_tick
from ironcore.engine.aggressor cimport aggressor_crosses, aggressor_trade
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.incoming cimport Aggressor
from ironcore.engine.order_exit cimport order_remove, order_wake
from ironcore.engine.order_path cimport order_proceed
from ironcore.engine.order_terms cimport Terms, aggressor_of, terms_of_order
from ironcore.engine.orders cimport order_price, order_sell
from ironcore.engine.pegs cimport peg_price, pegs_are_due
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


cdef void _move(Engine* engine, Book* book, uint32_t unit, int32_t price) noexcept nogil:
    """As an aggressor to its new price; 0 parks it."""
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t sell = order_sell(order)
    cdef uint32_t tick = 0
    cdef Aggressor aggressor
    cdef Terms terms
    if order.level:
        book_unlink(&engine.arena, book, KIND_HIDDEN << KIND_SHIFT | sell, unit)
        order.level = 0
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
        book_queue_any(&engine.arena, book, KIND_HIDDEN << KIND_SHIFT | sell,
                       book_key(&book.grid, sell, tick), unit)


cdef inline int32_t _price_now(Engine* engine, uint32_t unit) noexcept nogil:
    return order_price(engine, unit) if order_at(&engine.arena, unit).level else 0


cdef void _pegs_price(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t unit = book.pegs.next
    cdef int32_t price
    cdef const Special* special
    book.pegs_are_stale = False
    book.peg_keys[0] = book.sides[0].best_key
    book.peg_keys[1] = book.sides[1].best_key
    while unit and book.state == STATE_CONTINUOUS:
        special = special_at(&engine.arena, unit)
        engine.peg_next = special.peers.next
        price = peg_price(engine, book, &special.options,
                          order_sell(order_at(&engine.arena, unit)), special.price)
        if price != _price_now(engine, unit):
            _move(engine, book, unit, price)
        unit = engine.peg_next
    engine.peg_next = 0


cdef void book_settle(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t unit
    cdef int32_t last_price
    # An interruption changes the state.
    while book.followers and book.state == STATE_CONTINUOUS:
        last_price = book.last_price
        trailing_follow(engine, book)
        unit = stop_triggered(engine, book)
        if unit:
            _stop_activate(engine, book, unit)
            continue
        if not pegs_are_due(book):
            return
        _pegs_price(engine, book)
        if book.last_price == last_price:
            return
