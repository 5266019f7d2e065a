"""Orders that follow the displayed best prices: what theirs is, and how they are parked."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from ironcore.book.book cimport KIND_HIDDEN, KIND_SHIFT, book_unlink
from ironcore.book.order_pool cimport Order, order_at, special_at
from ironcore.engine.orders cimport order_sell
from ironcore.book.price_grid cimport (
    grid_behind_price, grid_down_price, grid_in_range, grid_up_price,
)
from ironcore.book.price_levels cimport levels_price
from ironcore.book.limits cimport price_is_market
from ironcore.book.options cimport PRICE_TYPE_MARKET_PEG, PRICE_TYPE_PRIMARY_PEG


cdef int32_t _best_price(const Book* book, uint32_t sell) noexcept nogil:
    """The best displayed price of a side, or 0."""
    if book.sides[sell].levels == 0:
        return 0
    return levels_price(&book.sides[sell], book.sides[sell].best_key)


cdef int32_t peg_price(Engine* engine, const Book* book, const Options* options, uint32_t sell,
                       int32_t limit_price) noexcept nogil:
    cdef int64_t own_price = _best_price(book, sell)
    cdef int64_t opposite_price = _best_price(book, sell ^ 1)
    cdef int64_t price
    if options.price_type == PRICE_TYPE_PRIMARY_PEG:
        price = own_price
    elif options.price_type == PRICE_TYPE_MARKET_PEG:
        price = opposite_price
    elif own_price and opposite_price:
        price = (own_price + opposite_price) // 2
    else:
        price = 0
    if price == 0:
        return 0
    price += options.peg_offset
    price = grid_up_price(&book.grid, price) if sell else grid_down_price(&book.grid, price)
    if opposite_price:
        price = _no_more_aggressive(
            sell, price, grid_behind_price(&book.grid, sell, <int32_t>opposite_price))
    if not price_is_market(limit_price):
        price = _no_more_aggressive(sell, price, limit_price)
    return <int32_t>price if grid_in_range(&book.grid, price) else 0


cdef inline int64_t _no_more_aggressive(uint32_t sell, int64_t price,
                                        int64_t than_price) noexcept nogil:
    return max(price, than_price) if sell else min(price, than_price)


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
