"""Orders that follow the quotes: what their price is, how they are shown, and how parked."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from ironcore.book.book cimport KIND_SHOWN, SIDE_SHIFT, book_unlink
from ironcore.book.order_pool cimport (
    ORDER_ATTRIBUTED, ORDER_SPECIAL, REF_SHIFT, Order, level_at, order_at, order_ref, order_side,
    special_at,
)
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.order_exit cimport emit_reduced
from ironcore.engine.orders cimport order_price, order_place, order_sell, place_kind, place_side
from ironcore.book.price_grid cimport (
    grid_behind_price, grid_down_price, grid_in_range, grid_up_price,
)
from ironcore.book.price_levels cimport (
    KEY_NONE, PriceLevels, level_key, levels_next, levels_price,
)
from ironcore.book.limits cimport price_is_market
from ironcore.book.options cimport (
    PRICE_TYPE_MARKET_PEG, PRICE_TYPE_PRIMARY_PEG, options_are_pegged,
)
from ironcore.wire.record cimport (
    EVENT_ATTRIBUTED, EVENT_REPLENISHED, EVENT_SELL, EVENT_VISIBLE,
)

cdef enum:
    INSTRUMENT_SHIFT = 32
    REASON_PEG = 80                  # 'P', of REPLENISHED


cdef inline bint _is_peg(Engine* engine, uint32_t unit) noexcept nogil:
    return (order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL != 0
            and options_are_pegged(&special_at(&engine.arena, unit).options))


cdef uint32_t _quote_key(Engine* engine, const Book* book, uint32_t sell) noexcept nogil:
    """A peg that followed pegs would follow itself. No more is passed by than there are pegs."""
    cdef const PriceLevels* side = &book.sides[sell]
    cdef uint32_t level = side.best_level if side.levels else 0
    cdef uint32_t unit
    while level:
        unit = level_at(&engine.arena, level).link.next
        while unit != level:
            if not _is_peg(engine, unit):
                return level_key(&engine.arena, level)
            unit = order_at(&engine.arena, unit).link.next
        level = levels_next(&engine.arena, side, level)
    return KEY_NONE


cdef void quotes_read(Engine* engine, const Book* book, uint32_t* keys) noexcept nogil:
    keys[0] = _quote_key(engine, book, 0)
    keys[1] = _quote_key(engine, book, 1)


cdef inline int32_t _quote(const Book* book, const uint32_t* keys, uint32_t sell) noexcept nogil:
    """Its price, or 0."""
    return 0 if keys[sell] == KEY_NONE else levels_price(&book.sides[sell], keys[sell])


cdef int32_t peg_price_now(Engine* engine, const Book* book, const Options* options, uint32_t sell,
                           int32_t limit_price) noexcept nogil:
    cdef uint32_t[2] keys
    quotes_read(engine, book, keys)
    return peg_price(book, keys, options, sell, limit_price)


cdef int32_t peg_price(const Book* book, const uint32_t* quote_keys, const Options* options,
                       uint32_t sell, int32_t limit_price) noexcept nogil:
    cdef int64_t own_price = _quote(book, quote_keys, sell)
    cdef int64_t opposite_price = _quote(book, quote_keys, sell ^ 1)
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


cdef bint quotes_are_others(Engine* engine, const Book* book) noexcept nogil:
    cdef uint32_t[2] keys
    quotes_read(engine, book, keys)
    return keys[0] != book.peg_keys[0] or keys[1] != book.peg_keys[1]


cdef bint pegs_are_due(Engine* engine, const Book* book) noexcept nogil:
    if book.pegs.next == 0:
        return False
    return book.pegs_are_stale != 0 or quotes_are_others(engine, book)


cdef void peg_leave(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint64_t instrument
    cdef uint32_t place
    if order.level == 0:
        return
    place = order_place(engine, unit)
    if place_kind(place) == KIND_SHOWN:
        instrument = place >> SIDE_SHIFT
        emit_reduced(engine, unit, order.quantity, (instrument + 1) << INSTRUMENT_SHIFT)
    book_unlink(&engine.arena, book, place_side(place), unit)
    order.level = 0


cdef void peg_show(Engine* engine, uint32_t unit) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint64_t ref_before = order_ref(order)
    cdef uint8_t flags = EVENT_VISIBLE
    if order_sell(order):
        flags |= EVENT_SELL
    if order.ref_side & ORDER_ATTRIBUTED:
        flags |= EVENT_ATTRIBUTED
    engine.order_ref_last += 1
    order.ref_side = engine.order_ref_last << REF_SHIFT | order.ref_side & ((1 << REF_SHIFT) - 1)
    engine_emit(engine, EVENT_REPLENISHED, flags, REASON_PEG, order_side(order), order.quantity,
                engine.order_ref_last, ref_before, order_price(engine, unit), order.slot)


cdef void pegs_park(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t unit = book.pegs.next
    while unit:
        peg_leave(engine, book, unit)
        unit = special_at(&engine.arena, unit).peers.next
    book.pegs_are_stale |= PEGS_PARKED


cdef void pegs_park_left(Engine* engine) noexcept nogil:
    cdef uint32_t number = engine.pegs_left_first
    cdef Book* book
    engine.pegs_left_first = 0
    while number and number != PEGS_LEFT_END:
        book = &engine.books[number - 1]
        number = book.pegs_left_next
        book.pegs_left_next = 0
        if book.pegs.next and quotes_are_others(engine, book):
            pegs_park(engine, book)
