"""The price of an auction: largest volume, smallest imbalance, market pressure, then the reference.

The best buys and sells are paired off, as the auction itself would do, until they meet no more.
That gives the volume, and it is executable at every price between those of the last pair. What is
then first in line on each side says where in between the imbalance is smallest:

    buys   103 103 [102 | 101 ..      the last pair is 102 and 99, so all of 99 .. 102 have the
    sells   98  99 [ 99 | 100 ..      volume; at 99 .. 101 the buy at 101 is too much, at 100 ..
                                      102 the sell at 100 is

Where more is bought than sold at every price that is left, the highest one is a buy's limit, unless
market orders alone are too much: there the price goes up to it (14.3). Sells likewise.

The search can be left when its steps are spent, and goes on where it was.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.check cimport iron_assert
from ironcore.book.book cimport (
    KIND_HIDDEN, KIND_SHIFT, KIND_SHOWN, KIND_WAITING, KIND_WAITING_MARKET,
)
from ironcore.book.order_pool cimport (
    ORDER_ICEBERG, ORDER_SPECIAL, level_at, order_at, special_at,
)
from ironcore.book.price_grid cimport (
    PRICE_NONE, PriceGrid, grid_down_price, grid_price, grid_tick, grid_up_price,
)
from ironcore.book.price_levels cimport KEY_NONE, level_key, level_quantity, levels_next
from ironcore.book.limits cimport SIDE_BUY, SIDE_SELL
from ironcore.engine.auctions.auction_state cimport (
    SEARCH_BEYOND, SEARCH_LIMITS, SEARCH_PAIRS, Candidates, Offers,
)

cdef enum:
    QUEUES_COUNT = 3                 # of a side, that have a price


cdef uint32_t auction_quantity(Arena* arena, uint32_t kind, uint32_t unit,
                               uint8_t cross_type) noexcept nogil:
    cdef const Order* order = order_at(arena, unit)
    if not order.ref_side & ORDER_SPECIAL:
        return order.quantity
    if kind == KIND_WAITING or kind == KIND_WAITING_MARKET:
        if waits_for_surplus(arena, unit):
            return 0
        return order.quantity if special_at(arena, unit).cross_type == cross_type else 0
    if order.ref_side & ORDER_ICEBERG:
        return order.quantity + special_at(arena, unit).reserve
    return 0 if special_at(arena, unit).options.min_quantity else order.quantity


cdef inline uint32_t _kind(uint32_t index) noexcept nogil:
    """The kind of queue that Offers.levels has there."""
    if index == 0:
        return KIND_SHOWN
    return KIND_HIDDEN if index == 1 else KIND_WAITING


cdef inline bint _may_step(uint64_t* steps) noexcept nogil:
    """Rule 14.10: what members let wait must not make one CLOCK take as long as they like."""
    if steps[0] == 0:
        return False
    steps[0] -= 1
    return True


cdef bint _add_orders(Arena* arena, Offers* offers, uint32_t kind, uint32_t level,
                      uint8_t cross_type, uint64_t* steps, uint64_t* quantity) noexcept nogil:
    """One by one. False when the steps are spent before the end of the level."""
    if offers.unit == 0:
        offers.unit = level_at(arena, level).link.next
    while offers.unit != level:
        if not _may_step(steps):
            return False
        quantity[0] += auction_quantity(arena, kind, offers.unit, cross_type)
        offers.unit = order_at(arena, offers.unit).link.next
    offers.unit = 0
    return True


cdef bint _add_level(Arena* arena, Offers* offers, uint32_t level, uint8_t cross_type,
                     uint64_t* steps) noexcept nogil:
    """Likewise, or as a whole: a minimum quantity alone keeps an order in the book from taking
    part."""
    cdef uint32_t kind = _kind(offers.index)
    if kind == KIND_WAITING or (kind == KIND_HIDDEN and offers.is_one_by_one):
        return _add_orders(arena, offers, kind, level, cross_type, steps, &offers.quantity)
    if not _may_step(steps):
        return False
    offers.quantity += level_quantity(arena, level)
    return True


cdef bint _begin_price(Arena* arena, const Book* book, Offers* offers) noexcept nogil:
    """False at the end. A market order counts at every price, so it is as good as one at the end of
    the range."""
    cdef uint32_t best = 0 if offers.market_quantity else KEY_NONE
    cdef uint32_t index
    for index in range(<uint32_t>QUEUES_COUNT):
        if offers.levels[index]:
            best = min(best, level_key(arena, offers.levels[index]))
    offers.of_market = offers.market_quantity
    offers.quantity = offers.market_quantity
    offers.market_quantity = 0
    offers.key = best
    offers.index = 0
    if best == KEY_NONE:
        offers.tick = book.grid.ticks_count if offers.sell else -1
        return False
    offers.tick = best if offers.sell else book.grid.ticks_count - 1 - best
    return True


cdef bint _add_price(Arena* arena, const Book* book, Offers* offers, uint8_t cross_type,
                     uint64_t* steps) noexcept nogil:
    """All that there is at the price. False when the steps are spent before."""
    cdef uint32_t level
    while offers.index < QUEUES_COUNT:
        level = offers.levels[offers.index]
        if level and level_key(arena, level) == offers.key:
            if not _add_level(arena, offers, level, cross_type, steps):
                return False
            offers.levels[offers.index] = levels_next(
                arena, &book.sides[_kind(offers.index) << KIND_SHIFT | offers.sell], level)
        offers.index += 1
    offers.key = KEY_NONE
    return True


cdef bint _move(Arena* arena, const Book* book, Offers* offers, uint8_t cross_type,
                uint64_t* steps) noexcept nogil:
    """To the next price at which there is any quantity, if it has to. False when the steps are
    spent before."""
    if offers.market_level:
        if not _add_orders(arena, offers, KIND_WAITING_MARKET, offers.market_level, cross_type,
                           steps, &offers.market_quantity):
            return False
        offers.market_level = 0
    while offers.is_moving:
        if offers.key == KEY_NONE and not _begin_price(arena, book, offers):
            offers.is_moving = False
            return True
        if not _add_price(arena, book, offers, cross_type, steps):
            return False
        offers.is_limit = offers.quantity > offers.of_market
        offers.is_moving = offers.quantity == 0
    return True


cdef inline uint32_t _best_level(const Book* book, uint32_t side) noexcept nogil:
    return book.sides[side].best_level if book.sides[side].levels else 0


cdef void _offers_begin(const Book* book, Offers* offers, uint32_t sell,
                        bint with_market) noexcept nogil:
    cdef uint32_t index
    cdef bint is_one_by_one = offers.is_one_by_one
    memset(offers, 0, sizeof(Offers))
    offers.sell = sell
    offers.is_one_by_one = is_one_by_one
    for index in range(<uint32_t>QUEUES_COUNT):
        offers.levels[index] = _best_level(book, _kind(index) << KIND_SHIFT | sell)
    if with_market:
        offers.market_level = _best_level(book, KIND_WAITING_MARKET << KIND_SHIFT | sell)
    offers.key = KEY_NONE
    offers.is_moving = True


cdef void auction_search_begin(Arena* arena, const Book* book, uint8_t cross_type,
                               AuctionSearch* search) noexcept nogil:
    cdef uint32_t sell
    memset(search, 0, sizeof(AuctionSearch))
    search.phase = SEARCH_PAIRS
    search.cross_type = cross_type
    for sell in range(2):
        # Orders that come between two steps do not change how this auction is counted.
        search.offers[sell].is_one_by_one = book.min_quantity_live[sell] != 0
        _offers_begin(book, &search.offers[sell], sell, True)


cdef bint _pair_off(AuctionSearch* search) noexcept nogil:
    """What is first in line. False when it does not meet."""
    cdef Offers* buys = &search.offers[0]
    cdef Offers* sells = &search.offers[1]
    cdef uint64_t pair = min(buys.quantity, sells.quantity)
    if pair == 0 or buys.tick < sells.tick:
        return False
    search.low = sells.tick
    search.high = buys.tick
    search.volume += pair
    buys.quantity -= pair
    sells.quantity -= pair
    buys.is_moving = buys.quantity == 0
    sells.is_moving = sells.quantity == 0
    return True


cdef void _begin_candidates(AuctionSearch* search) noexcept nogil:
    """search.low .. search.high have the largest volume; buys and sells are at what did not find a
    pair. Those of these prices are balanced that neither reaches."""
    cdef Candidates* out = &search.candidates
    cdef const Offers* buys = &search.offers[0]
    cdef const Offers* sells = &search.offers[1]
    out.buy_tick = buys.tick
    out.sell_tick = sells.tick
    out.buy_quantity = buys.quantity
    out.sell_quantity = sells.quantity
    out.buys_are_limited = buys.is_limit
    out.sells_are_limited = sells.is_limit
    out.low = max(search.low, buys.tick + 1)
    out.high = min(search.high, sells.tick - 1)
    out.more_buys = False
    out.more_sells = False
    out.pressed = -1


cdef void _end_candidates(AuctionSearch* search) noexcept nogil:
    """Without a balanced price: buys and sells have gone on to the next ones."""
    cdef Candidates* out = &search.candidates
    if out.low <= out.high:
        return
    out.more_buys = out.buy_tick >= search.low and (
        out.sell_tick > search.high or out.buy_quantity <= out.sell_quantity)
    out.more_sells = out.sell_tick <= search.high and (
        out.buy_tick < search.low or out.sell_quantity <= out.buy_quantity)
    out.low = out.sell_tick
    out.high = out.buy_tick
    if out.more_buys:
        out.low = max(search.low, search.offers[0].tick + 1)
    if out.more_sells:
        out.high = min(search.high, search.offers[1].tick - 1)
    if out.more_buys and not out.more_sells and out.buys_are_limited:
        out.pressed = out.high
    if out.more_sells and not out.more_buys and out.sells_are_limited:
        out.pressed = out.low


cdef bint _note_limits(AuctionSearch* search) noexcept nogil:
    """The prices that both sides have come to. False at their ends."""
    cdef uint32_t sell
    cdef Offers* offers
    for sell in range(2):
        offers = &search.offers[sell]
        if offers.quantity:
            search.low = min(search.low, offers.tick)
            search.high = max(search.high, offers.tick)
            offers.is_moving = True
    return search.offers[0].is_moving or search.offers[1].is_moving


cdef void _look_at_limits(const Book* book, AuctionSearch* search) noexcept nogil:
    """All of both sides, from the best."""
    cdef uint32_t sell
    search.phase = SEARCH_LIMITS
    search.low = book.grid.ticks_count
    search.high = -1
    for sell in range(2):
        _offers_begin(book, &search.offers[sell], sell, False)


cdef int32_t _mean_limit(const Book* book, const AuctionSearch* search) noexcept nogil:
    """The mean of the lowest and the highest limit of what takes part; PRICE_NONE when nothing
    has one."""
    if search.high < 0:
        return PRICE_NONE
    # Rounded down, which a division is not below 0.
    return <int32_t>((<int64_t>grid_price(&book.grid, <uint32_t>search.low)
                      + grid_price(&book.grid, <uint32_t>search.high)) >> 1)


cdef uint32_t _nearest_tick(const Book* book, int64_t low, int64_t high,
                            int32_t reference_price) noexcept nogil:
    """Of the ticks low .. high the one that is nearest to the reference."""
    cdef const PriceGrid* grid = &book.grid
    cdef int64_t below_price, above_price
    cdef uint32_t tick = 0
    if reference_price >= grid_price(grid, <uint32_t>high):
        return <uint32_t>high
    if reference_price <= grid_price(grid, <uint32_t>low):
        return <uint32_t>low
    below_price = grid_down_price(grid, reference_price)
    above_price = grid_up_price(grid, reference_price)
    if above_price - reference_price <= reference_price - below_price:
        below_price = above_price
    iron_assert(grid_tick(grid, <int32_t>below_price, &tick), "a snapped price is off the grid")
    return tick


cdef bint _choose(const Book* book, const AuctionSearch* search, uint32_t* tick) noexcept nogil:
    """The last two steps of rule 14.3. False: nothing says at what price."""
    cdef const Candidates* candidates = &search.candidates
    cdef int32_t reference_price = auction_reference(book)
    if candidates.pressed >= 0:
        tick[0] = <uint32_t>candidates.pressed
        return True
    if reference_price == PRICE_NONE:
        reference_price = _mean_limit(book, search)
    if reference_price == PRICE_NONE:    # market orders alone
        return False
    tick[0] = _nearest_tick(book, candidates.low, candidates.high, reference_price)
    return True


cdef void _end(const Book* book, const AuctionSearch* search, AuctionPrice* out) noexcept nogil:
    """The price and what it means, if there is one."""
    cdef const Candidates* candidates = &search.candidates
    if search.volume == 0 or not _choose(book, search, &out.tick):
        return
    out.volume = search.volume
    out.price = grid_price(&book.grid, out.tick)
    out.side = AUCTION_BALANCED
    if candidates.more_buys and out.tick <= candidates.buy_tick:
        out.side = SIDE_BUY
        out.imbalance = candidates.buy_quantity
    elif candidates.more_sells:
        out.side = SIDE_SELL
        out.imbalance = candidates.sell_quantity


cdef bint _is_over(const Book* book, AuctionSearch* search) noexcept nogil:
    """Both sides have come to a price. Whether nothing is left to be looked at."""
    cdef uint32_t sell
    if search.phase == SEARCH_LIMITS:
        return not _note_limits(search)
    if search.phase == SEARCH_BEYOND:
        _end_candidates(search)
        if search.candidates.pressed >= 0 or auction_reference(book) != PRICE_NONE:
            return True
        _look_at_limits(book, search)
        return False
    if _pair_off(search):
        return False
    if search.volume == 0:
        return True
    _begin_candidates(search)
    # The next price of both, whether or not it will matter, so that the steps are told easily.
    search.phase = SEARCH_BEYOND
    for sell in range(2):
        search.offers[sell].is_moving = True
    return False


cdef bint auction_search(Arena* arena, const Book* book, AuctionSearch* search, uint64_t* steps,
                         AuctionPrice* out) noexcept nogil:
    cdef bint is_over = False
    cdef uint32_t sell
    out[0] = AuctionPrice(volume=0, imbalance=0, price=0, tick=0, side=AUCTION_NO_PRICE)
    while not is_over:
        for sell in range(2):
            if not _move(arena, book, &search.offers[sell], search.cross_type, steps):
                return False
        is_over = _is_over(book, search)
    _end(book, search, out)
    return True
