"""Dormant orders: how they wait and follow, and which of them wakes next."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from ironcore.book.book cimport KIND_SHIFT, KIND_STOPS, book_key, book_queue_any, book_unlink
from ironcore.engine.order_links cimport trailing_link
from ironcore.book.order_pool cimport Special, level_at, order_at, special_at
from ironcore.engine.orders cimport order_sell
from ironcore.engine.pending_work cimport STEP_LEFT
from ironcore.book.price_grid cimport (
    grid_down_price, grid_in_range, grid_tick, grid_up_price,
)
from ironcore.book.price_levels cimport PriceLevels, level_key, levels_price
from ironcore.wire.order_options cimport NAMED_STOP_PRICE, NAMED_TRAIL_OFFSET


cdef int32_t _trail(const Book* book, const Special* special, uint32_t sell) noexcept nogil:
    """The stop price that trails the last one; 0 where there is none in range (10.6)."""
    cdef int64_t price = book.last_price
    if sell:
        price = grid_down_price(&book.grid, price - special.options.trail_offset)
    else:
        price = grid_up_price(&book.grid, price + special.options.trail_offset)
    return <int32_t>price if grid_in_range(&book.grid, price) else 0


cdef void _queue(Engine* engine, Book* book, uint32_t unit, uint32_t sell,
                 int32_t stop_price) noexcept nogil:
    cdef uint32_t tick = 0
    grid_tick(&book.grid, stop_price, &tick)
    # Buys wait from the lowest price up, as sells of the book do.
    book_queue_any(&engine.arena, book, KIND_STOPS << KIND_SHIFT | sell,
                   book_key(&book.grid, sell ^ 1, tick), unit)


cdef void stop_begin(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    cdef const Special* special = special_at(&engine.arena, unit)
    cdef uint32_t sell = order_sell(order_at(&engine.arena, unit))
    cdef int32_t stop_price = special.options.stop_price
    if not special.options.named & NAMED_STOP_PRICE:
        stop_price = _trail(book, special, sell)
    if stop_price:
        _queue(engine, book, unit, sell, stop_price)
    book.followers += 1
    if special.options.named & NAMED_TRAIL_OFFSET:
        trailing_link(engine, book, unit)


cdef int32_t _stop_price(Engine* engine, const Book* book, uint32_t unit,
                         uint32_t sell) noexcept nogil:
    """As it is now; 0 while it has none."""
    cdef uint32_t level = order_at(&engine.arena, unit).level
    if level == 0:
        return 0
    return levels_price(&book.sides[KIND_STOPS << KIND_SHIFT | sell],
                        level_key(&engine.arena, level))


cdef inline bint _is_to_move(int32_t now_price, int32_t next_price, uint32_t sell) noexcept nogil:
    if next_price == 0 or now_price == 0:
        return next_price != 0
    return next_price > now_price if sell else next_price < now_price


cdef void trailing_follow(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t unit = book.trailing.next
    cdef uint32_t sell
    cdef int32_t now_price, next_price
    cdef const Special* special
    if book.last_price == book.trailed_price:
        return
    book.trailed_price = book.last_price
    while unit:
        special = special_at(&engine.arena, unit)
        sell = order_sell(order_at(&engine.arena, unit))
        now_price = _stop_price(engine, book, unit, sell)
        next_price = _trail(book, special, sell)
        if _is_to_move(now_price, next_price, sell):
            if now_price:
                book_unlink(&engine.arena, book, KIND_STOPS << KIND_SHIFT | sell, unit)
            _queue(engine, book, unit, sell, next_price)
            engine.step_actions += STEP_LEFT
        unit = special.peers.next


cdef uint32_t stop_triggered(Engine* engine, const Book* book) noexcept nogil:
    cdef const PriceLevels* buys = &book.sides[KIND_STOPS << KIND_SHIFT]
    cdef const PriceLevels* sells = &book.sides[KIND_STOPS << KIND_SHIFT | 1]
    if book.last_price == 0:
        return 0
    if buys.levels and levels_price(buys, buys.best_key) <= book.last_price:
        return level_at(&engine.arena, buys.best_level).link.next
    if sells.levels and levels_price(sells, sells.best_key) >= book.last_price:
        return level_at(&engine.arena, sells.best_level).link.next
    return 0
