"""Orders that follow the displayed best prices."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from ironcore.engine.aggressor cimport Aggressor, aggressor_crosses, aggressor_trade
from ironcore.book.book cimport (
    KIND_HIDDEN, KIND_SHIFT, book_key, book_queue_any, book_unlink,
)
from ironcore.engine.order_exit cimport order_remove
from ironcore.engine.order_path cimport Terms, aggressor_of, terms_of_order
from ironcore.book.order_pool cimport Order, Special, order_at, special_at
from ironcore.engine.orders cimport order_price_e4, order_sell
from ironcore.book.price_grid cimport (
    grid_behind_e4, grid_down_e4, grid_in_range, grid_tick, grid_up_e4,
)
from ironcore.book.price_levels cimport levels_price_e4
from ironcore.book.limits cimport price_is_market
from ironcore.book.options cimport PRICE_TYPE_MARKET_PEG, PRICE_TYPE_PRIMARY_PEG
from ironcore.wire.record cimport STATE_CONTINUOUS


cdef int32_t _best_e4(const Book* book, uint32_t sell) noexcept nogil:
    """The best displayed price of a side, or 0."""
    if book.sides[sell].levels == 0:
        return 0
    return levels_price_e4(&book.sides[sell], book.sides[sell].best_key)


cdef int32_t peg_price_e4(Engine* engine, const Book* book, const Options* options, uint32_t sell,
                          int32_t limit_e4) noexcept nogil:
    cdef int64_t own_e4 = _best_e4(book, sell)
    cdef int64_t opposite_e4 = _best_e4(book, sell ^ 1)
    cdef int64_t price_e4
    if options.price_type == PRICE_TYPE_PRIMARY_PEG:
        price_e4 = own_e4
    elif options.price_type == PRICE_TYPE_MARKET_PEG:
        price_e4 = opposite_e4
    elif own_e4 and opposite_e4:
        price_e4 = (own_e4 + opposite_e4) // 2
    else:
        price_e4 = 0
    if price_e4 == 0:
        return 0
    price_e4 += options.peg_offset_e4
    price_e4 = grid_up_e4(&book.grid, price_e4) if sell else grid_down_e4(&book.grid, price_e4)
    if opposite_e4:
        price_e4 = _no_more_aggressive(
            sell, price_e4, grid_behind_e4(&book.grid, sell, <int32_t>opposite_e4))
    if not price_is_market(limit_e4):
        price_e4 = _no_more_aggressive(sell, price_e4, limit_e4)
    return <int32_t>price_e4 if grid_in_range(&book.grid, price_e4) else 0


cdef inline int64_t _no_more_aggressive(uint32_t sell, int64_t price_e4,
                                        int64_t than_e4) noexcept nogil:
    return max(price_e4, than_e4) if sell else min(price_e4, than_e4)


cdef bint pegs_are_due(const Book* book) noexcept nogil:
    if book.pegs.next == 0:
        return False
    return (book.pegs_are_stale != 0 or book.peg_keys[0] != book.sides[0].best_key
            or book.peg_keys[1] != book.sides[1].best_key)


cdef void _move(Engine* engine, Book* book, uint32_t unit, int32_t price_e4) noexcept nogil:
    """As an aggressor to its new price; 0 parks it."""
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t sell = order_sell(order)
    cdef uint32_t tick = 0
    cdef Aggressor aggressor
    cdef Terms terms
    if order.level:
        book_unlink(&engine.arena, book, KIND_HIDDEN << KIND_SHIFT | sell, unit)
        order.level = 0
    if price_e4 == 0:
        return
    grid_tick(&book.grid, price_e4, &tick)
    terms_of_order(engine, book, unit, &terms)
    terms.limit_key = book_key(&book.grid, sell ^ 1, tick)
    if aggressor_crosses(book, sell, terms.limit_key):
        aggressor_of(engine, &terms, &aggressor)
        aggressor.activated_e4 = price_e4
        aggressor_trade(engine, book, &aggressor)
        if aggressor.quantity == 0:
            order_remove(engine, unit)
            return
        order.quantity = aggressor.quantity
        order.executed += aggressor.executed
    if book.state == STATE_CONTINUOUS:
        book_queue_any(&engine.arena, book, KIND_HIDDEN << KIND_SHIFT | sell,
                       book_key(&book.grid, sell, tick), unit)


cdef void pegs_price(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t unit = book.pegs.next
    cdef int32_t price_e4
    cdef const Special* special
    book.pegs_are_stale = False
    book.peg_keys[0] = book.sides[0].best_key
    book.peg_keys[1] = book.sides[1].best_key
    while unit and book.state == STATE_CONTINUOUS:
        special = special_at(&engine.arena, unit)
        engine.peg_next = special.peers.next
        price_e4 = peg_price_e4(engine, book, &special.options,
                                order_sell(order_at(&engine.arena, unit)), special.price_e4)
        if price_e4 != _price_now_e4(engine, unit):
            _move(engine, book, unit, price_e4)
        unit = engine.peg_next
    engine.peg_next = 0


cdef inline int32_t _price_now_e4(Engine* engine, uint32_t unit) noexcept nogil:
    return order_price_e4(engine, unit) if order_at(&engine.arena, unit).level else 0


cdef void pegs_park(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t unit = book.pegs.next
    cdef Order* order
    while unit:
        order = order_at(&engine.arena, unit)
        if order.level:
            book_unlink(&engine.arena, book, KIND_HIDDEN << KIND_SHIFT | order_sell(order), unit)
            order.level = 0
        unit = special_at(&engine.arena, unit).peers.next
    book.pegs_are_stale = True


cdef void pegs_park_left(Engine* engine) noexcept nogil:
    cdef uint32_t number = engine.pegs_left_first
    cdef Book* book
    engine.pegs_left_first = 0
    while number and number != PEGS_LEFT_END:
        book = &engine.books[number - 1]
        number = book.pegs_left_next
        book.pegs_left_next = 0
        if pegs_are_due(book):
            pegs_park(engine, book)
