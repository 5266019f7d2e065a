"""The price of an auction: largest volume, smallest imbalance, market pressure, then the reference.

The best buys and sells are paired off, as the auction itself would do, until they meet no more.
That gives the volume, and it is executable at every price between those of the last pair. What is
then first in line on each side says where in between the imbalance is smallest:

    buys   103 103 [102 | 101 ..      the last pair is 102 and 99, so all of 99 .. 102 have the
    sells   98  99 [ 99 | 100 ..      volume; at 99 .. 101 the buy at 101 is too much, at 100 ..
                                      102 the sell at 100 is

Where more is bought than sold at every price that is left, the highest one is a buy's limit, unless
market orders alone are too much: there the price goes up to it (14.3). Sells likewise.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

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


cdef struct Offers:                  # one side's quantity by price, the best first
    Arena* arena
    const Book* book
    uint32_t sell
    uint8_t cross_type
    uint32_t levels[3]               # next of those displayed, hidden and waiting; 0 at the end
    uint64_t market_quantity
    int64_t tick                     # of the price reached; beyond the range at the end
    uint64_t quantity                # left there; 0 at the end
    bint is_limit                    # some of what is there has that price as its limit
    AuctionSteps* steps

cdef struct Candidates:              # the prices that are left after volume and imbalance
    int64_t low                      # ticks
    int64_t high
    bint more_buys                   # at some of them more is bought than sold
    bint more_sells
    int64_t buy_tick                 # the first limits of what finds no pair
    int64_t sell_tick
    uint64_t buy_quantity
    uint64_t sell_quantity
    int64_t pressed                  # the tick that the surplus of one side decides for; -1: none


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


cdef inline bint _may_step(AuctionSteps* steps) noexcept nogil:
    """Rule 14.10: what members let wait must not make one CLOCK take as long as they like."""
    if steps.left == 0:
        steps.are_spent = True
        return False
    steps.left -= 1
    return True


cdef uint64_t _level_quantity(const Offers* offers, uint32_t kind, uint32_t level) noexcept nogil:
    cdef uint64_t quantity = 0
    cdef uint32_t unit = level_at(offers.arena, level).link.next
    # On these sides only a minimum quantity keeps an order from taking part.
    if kind == KIND_SHOWN or (kind == KIND_HIDDEN
                              and offers.book.min_quantity_live[offers.sell] == 0):
        return level_quantity(offers.arena, level) if _may_step(offers.steps) else 0
    while unit != level and _may_step(offers.steps):
        quantity += auction_quantity(offers.arena, kind, unit, offers.cross_type)
        unit = order_at(offers.arena, unit).link.next
    return quantity


cdef inline uint32_t _best_level(const Book* book, uint32_t side) noexcept nogil:
    return book.sides[side].best_level if book.sides[side].levels else 0


cdef void _next_price(Offers* offers) noexcept nogil:
    """Go to the next price at which there is any quantity; to the end when the steps are spent."""
    cdef uint32_t kinds[3]
    cdef uint32_t keys[3]
    cdef uint32_t index, best
    cdef uint64_t market_quantity
    kinds[:] = [KIND_SHOWN, KIND_HIDDEN, KIND_WAITING]
    offers.quantity = 0
    while offers.quantity == 0:
        best = 0 if offers.market_quantity else KEY_NONE
        for index in range(3):
            keys[index] = KEY_NONE
            if offers.levels[index]:
                keys[index] = level_key(offers.arena, offers.levels[index])
            best = min(best, keys[index])
        if best == KEY_NONE or offers.steps.are_spent:
            offers.tick = offers.book.grid.ticks_count if offers.sell else -1
            return
        # A market order counts at every price, so it is as good as one at the end of the range.
        market_quantity = offers.market_quantity
        offers.quantity = market_quantity
        offers.market_quantity = 0
        for index in range(3):
            if keys[index] == best:
                offers.quantity += _level_quantity(offers, kinds[index], offers.levels[index])
                offers.levels[index] = levels_next(
                    offers.arena, &offers.book.sides[kinds[index] << KIND_SHIFT | offers.sell],
                    offers.levels[index])
        offers.tick = best if offers.sell else offers.book.grid.ticks_count - 1 - best
        offers.is_limit = offers.quantity > market_quantity
        if offers.steps.are_spent:
            offers.quantity = 0


cdef void _offers_create(Offers* offers, Arena* arena, const Book* book, uint32_t sell,
                         uint8_t cross_type, bint with_market,
                         AuctionSteps* steps) noexcept nogil:
    cdef uint32_t market = _best_level(book, KIND_WAITING_MARKET << KIND_SHIFT | sell)
    offers.arena = arena
    offers.book = book
    offers.sell = sell
    offers.cross_type = cross_type
    offers.steps = steps
    offers.levels[0] = _best_level(book, KIND_SHOWN << KIND_SHIFT | sell)
    offers.levels[1] = _best_level(book, KIND_HIDDEN << KIND_SHIFT | sell)
    offers.levels[2] = _best_level(book, KIND_WAITING << KIND_SHIFT | sell)
    offers.market_quantity = 0
    if market and with_market:
        offers.market_quantity = _level_quantity(offers, KIND_WAITING_MARKET, market)
    _next_price(offers)


cdef int32_t _mean_limit(Arena* arena, const Book* book, uint8_t cross_type,
                         AuctionSteps* steps) noexcept nogil:
    """The mean of the lowest and the highest limit of what takes part; PRICE_NONE when nothing
    has one."""
    cdef int64_t lowest = book.grid.ticks_count
    cdef int64_t highest = -1
    cdef Offers offers
    cdef uint32_t sell
    for sell in range(2):
        _offers_create(&offers, arena, book, sell, cross_type, False, steps)
        while offers.quantity:
            lowest = min(lowest, offers.tick)
            highest = max(highest, offers.tick)
            _next_price(&offers)
    if highest < 0:
        return PRICE_NONE
    # Rounded down, which a division is not below 0.
    return <int32_t>((<int64_t>grid_price(&book.grid, <uint32_t>lowest)
                      + grid_price(&book.grid, <uint32_t>highest)) >> 1)


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


cdef void _candidates(Offers* buys, Offers* sells, int64_t low, int64_t high,
                      Candidates* out) noexcept nogil:
    """low .. high have the largest volume; buys and sells are at what did not find a pair."""
    cdef bint buys_are_limited = buys.is_limit
    cdef bint sells_are_limited = sells.is_limit
    out.buy_tick = buys.tick
    out.sell_tick = sells.tick
    out.buy_quantity = buys.quantity
    out.sell_quantity = sells.quantity
    out.low = max(low, buys.tick + 1)
    out.high = min(high, sells.tick - 1)
    out.more_buys = False
    out.more_sells = False
    out.pressed = -1
    # The next price of both, whether or not it will matter, so that the steps are told easily.
    _next_price(buys)
    _next_price(sells)
    if out.low <= out.high:          # these are balanced
        return
    out.more_buys = out.buy_tick >= low and (
        out.sell_tick > high or out.buy_quantity <= out.sell_quantity)
    out.more_sells = out.sell_tick <= high and (
        out.buy_tick < low or out.sell_quantity <= out.buy_quantity)
    out.low = max(low, buys.tick + 1) if out.more_buys else out.sell_tick
    out.high = min(high, sells.tick - 1) if out.more_sells else out.buy_tick
    if out.more_buys and not out.more_sells and buys_are_limited:
        out.pressed = out.high
    if out.more_sells and not out.more_buys and sells_are_limited:
        out.pressed = out.low


cdef bint _choose(Arena* arena, const Book* book, uint8_t cross_type, AuctionSteps* steps,
                  const Candidates* candidates, uint32_t* tick) noexcept nogil:
    """The last two steps of rule 14.3. False: nothing says at what price."""
    cdef int32_t reference_price = auction_reference(book)
    if candidates.pressed >= 0:
        tick[0] = <uint32_t>candidates.pressed
        return True
    if reference_price == PRICE_NONE:
        reference_price = _mean_limit(arena, book, cross_type, steps)
    if reference_price == PRICE_NONE:    # market orders alone
        return False
    tick[0] = _nearest_tick(book, candidates.low, candidates.high, reference_price)
    return True


cdef void _find(Arena* arena, const Book* book, uint8_t cross_type, AuctionSteps* steps,
                AuctionPrice* out) noexcept nogil:
    cdef Offers buys, sells
    cdef Candidates candidates
    cdef int64_t low = 0
    cdef int64_t high = 0
    cdef uint64_t volume = 0
    cdef uint64_t pair
    _offers_create(&buys, arena, book, 0, cross_type, True, steps)
    _offers_create(&sells, arena, book, 1, cross_type, True, steps)
    while buys.quantity and sells.quantity and buys.tick >= sells.tick:
        low = sells.tick
        high = buys.tick
        pair = min(buys.quantity, sells.quantity)
        volume += pair
        buys.quantity -= pair
        sells.quantity -= pair
        if buys.quantity == 0:
            _next_price(&buys)
        if sells.quantity == 0:
            _next_price(&sells)
    if volume == 0:
        return
    _candidates(&buys, &sells, low, high, &candidates)
    if not _choose(arena, book, cross_type, steps, &candidates, &out.tick):
        return
    out.volume = volume
    out.price = grid_price(&book.grid, out.tick)
    out.side = AUCTION_BALANCED
    if candidates.more_buys and out.tick <= candidates.buy_tick:
        out.side = SIDE_BUY
        out.imbalance = candidates.buy_quantity
    elif candidates.more_sells:
        out.side = SIDE_SELL
        out.imbalance = candidates.sell_quantity


cdef void auction_price(Arena* arena, const Book* book, uint8_t cross_type, AuctionSteps* steps,
                        AuctionPrice* out) noexcept nogil:
    cdef AuctionPrice none = AuctionPrice(volume=0, imbalance=0, price=0, tick=0,
                                          side=AUCTION_NO_PRICE)
    out[0] = none
    _find(arena, book, cross_type, steps, out)
    if steps.are_spent:              # of a part of the book alone nothing true can be said
        out[0] = none
