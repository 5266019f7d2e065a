"""Orders that follow the displayed best prices: what theirs is, and how they are parked."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from ironcore.book.book cimport KIND_HIDDEN, KIND_SHIFT, book_unlink
from ironcore.book.order_pool cimport Order, order_at, special_at
from ironcore.engine.orders cimport order_sell
from ironcore.book.price_grid cimport grid_behind_e4, grid_down_e4, grid_in_range, grid_up_e4
from ironcore.book.price_levels cimport levels_price_e4
from ironcore.book.limits cimport price_is_market
from ironcore.book.options cimport PRICE_TYPE_MARKET_PEG, PRICE_TYPE_PRIMARY_PEG


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
