# An instrument's prices: the multiples of its tick size, or of several by price (rules 2.5, 5.11).
#
# Every grid price in range has a tick, dense from 0 at the lowest, whatever the tick sizes; a
# side's keys are ticks, or ticks counted from the other end. Snapping works on the grid without its
# range, so that its caller sees whether the result is in range.
#
# Several tick sizes stand in a tick table, which all instruments that name it share: it counts
# ticks from price 0. With one tick size in range nothing looks at a table.

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_likely
from ironcore.wire.record cimport TickBand

cdef enum:
    BASIS_POINTS = 10000             # in one
    PRICE_NONE = -0x80000000         # of no instrument

cdef struct GridBand:                # 16 bytes: the prices that have one tick size
    int32_t price_from               # its first price
    uint32_t tick_size
    uint32_t tick_first              # ticks below that price, from price 0 on
    uint32_t reserved

cdef struct TickTable:               # 392 bytes
    uint32_t bands_count             # 1 or more
    uint32_t reserved
    GridBand bands[24]               # TICK_BANDS_MAX

cdef struct PriceGrid:               # 48 bytes
    int32_t lowest_price             # prices of the grid, the ends of its range
    int32_t highest_price
    uint32_t ticks_count             # lowest and highest included
    uint32_t bands_count             # of the table, that are in range: 1 or more
    uint32_t tick_size               # at the lowest price
    uint32_t tick_first              # the table's ticks below the lowest price
    int32_t price_min                # the range as it was given
    int32_t price_max
    uint32_t tick_table              # id; 0: none
    uint32_t reserved
    int64_t table_at                 # so many bytes on from here, where there is one: the same in
                                     # every core of the same limits, as it is when it was saved

# False, and nothing is changed, when rule 2.11 has no such table.
cdef bint table_prepare(TickTable* table, const TickBand* bands,
                        uint32_t bands_count) noexcept nogil
# Multiples of one tick size. False, and nothing is changed, when rule 2.2 has no such grid.
cdef bint grid_prepare(PriceGrid* grid, uint32_t tick_size, int32_t price_min,
                       int32_t price_max) noexcept nogil
# Of a table, which has this id. A copy of this grid elsewhere does not find the table.
cdef bint grid_prepare_of_table(PriceGrid* grid, const TickTable* table, uint32_t tick_table,
                                int32_t price_min, int32_t price_max) noexcept nogil
# A price of the grid, for a tick below ticks_count.
cdef int32_t grid_price_of_bands(const PriceGrid* grid, uint32_t tick) noexcept nogil
cdef bint grid_tick_of_bands(const PriceGrid* grid, int32_t price,
                             uint32_t* tick) noexcept nogil
# The highest grid price at or below, the lowest at or above; perhaps out of range.
cdef int64_t grid_down_price(const PriceGrid* grid, int64_t price) noexcept nogil
cdef int64_t grid_up_price(const PriceGrid* grid, int64_t price) noexcept nogil


cdef inline const TickTable* grid_table(const PriceGrid* grid) noexcept nogil:
    return <const TickTable*>(<const char*>grid + grid.table_at)


cdef inline bint grid_tick(const PriceGrid* grid, int32_t price,
                           uint32_t* tick) noexcept nogil:
    """Whether the price is on the grid and in range, and its tick if it is."""
    cdef uint32_t price_distance
    if price < grid.lowest_price or price > grid.highest_price:
        return False
    if not iron_likely(grid.bands_count == 1):
        return grid_tick_of_bands(grid, price, tick)
    price_distance = <uint32_t>price - <uint32_t>grid.lowest_price
    tick[0] = price_distance // grid.tick_size
    return tick[0] * grid.tick_size == price_distance


cdef inline int32_t grid_price(const PriceGrid* grid, uint32_t tick) noexcept nogil:
    if iron_likely(grid.bands_count == 1):
        return grid.lowest_price + <int32_t>(tick * grid.tick_size)
    return grid_price_of_bands(grid, tick)


cdef inline bint grid_has_zero(const PriceGrid* grid) noexcept nogil:
    """Whether 0 is a price as others are, or above all of them: so it cannot mean "none" (2.12)."""
    return grid.price_min < 1


cdef inline bint grid_in_range(const PriceGrid* grid, int64_t price) noexcept nogil:
    return price >= grid.lowest_price and price <= grid.highest_price


cdef inline int64_t grid_behind_price(const PriceGrid* grid, bint sell,
                                      int32_t opposite_price) noexcept nogil:
    """The price one tick behind an opposite one, perhaps out of range: below it for a buy, above it
    for a sell."""
    return grid_up_price(grid, <int64_t>opposite_price + 1) if sell \
        else grid_down_price(grid, <int64_t>opposite_price - 1)


cdef inline int64_t basis_points_of(int32_t price, uint32_t basis_points) noexcept nogil:
    return <int64_t>(<uint64_t>price * basis_points // BASIS_POINTS)


cdef inline bint is_beyond_collar(int32_t price, int32_t reference_price,
                                  uint32_t basis_points) noexcept nogil:
    """Farther from the reference than that; never, when either is 0: there is no collar."""
    cdef int64_t price_distance = <int64_t>price - reference_price
    if basis_points == 0 or reference_price == 0:
        return False
    if price_distance < 0:
        price_distance = -price_distance
    return price_distance > basis_points_of(reference_price, basis_points)


cdef inline int64_t protection_limit(const PriceGrid* grid, bint sell, int32_t base_price,
                                     uint32_t basis_points) noexcept nogil:
    """How far a market order goes (5.7), in range. The base itself is perhaps out of range, and off
    the grid, where these are others than when it came about."""
    cdef int64_t price_distance = basis_points_of(base_price, basis_points)
    cdef int64_t price
    if sell:
        price = grid_up_price(grid, base_price - price_distance)
    else:
        price = grid_down_price(grid, base_price + price_distance)
    return max(grid.lowest_price, min(grid.highest_price, price))
