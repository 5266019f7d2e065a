# An instrument's prices: the multiples of its tick size, or of several by price (rules 2.5, 5.11).
#
# Every grid price in range has a tick, dense from 0 at the lowest, whatever the tick sizes; a
# side's keys are ticks, or ticks counted from the other end. Snapping works on the grid without its
# range, so that its caller sees whether the result is in range.

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_likely
from ironcore.wire.record cimport TickBand

cdef enum:
    GRID_BANDS_MAX = 8               # the tick size at the bottom, and the tick table's
    BASIS_POINTS = 10000             # in one

cdef struct GridBand:                # 16 bytes: the prices that have one tick size
    int32_t price_from_e4            # its first price of the grid in range
    uint32_t tick_size_e4
    uint32_t tick_first              # ticks below that price
    uint32_t reserved

cdef struct PriceGrid:               # 152 bytes
    int32_t lowest_e4                # prices of the grid, the ends of its range
    int32_t highest_e4
    int32_t price_e4_min             # that range as it was given
    int32_t price_e4_max
    uint32_t ticks_count             # lowest and highest included
    uint32_t bands_count             # 1 or more
    GridBand bands[8]

# False, and nothing is changed, when rule 2.2 or 2.5 has no such grid.
cdef bint grid_prepare(PriceGrid* grid, uint32_t tick_size_e4, int32_t price_e4_min,
                       int32_t price_e4_max, const TickBand* bands,
                       uint32_t bands_count) noexcept nogil
# A price of the grid, for a tick below ticks_count.
cdef int32_t grid_price_of_bands_e4(const PriceGrid* grid, uint32_t tick) noexcept nogil
cdef bint grid_tick_of_bands(const PriceGrid* grid, int32_t price_e4,
                             uint32_t* tick) noexcept nogil
# The highest grid price at or below, the lowest at or above; perhaps out of range.
cdef int64_t grid_down_e4(const PriceGrid* grid, int64_t price_e4) noexcept nogil
cdef int64_t grid_up_e4(const PriceGrid* grid, int64_t price_e4) noexcept nogil


cdef inline bint grid_tick(const PriceGrid* grid, int32_t price_e4,
                           uint32_t* tick) noexcept nogil:
    """Whether the price is on the grid and in range, and its tick if it is."""
    cdef uint32_t distance_e4
    if price_e4 < grid.lowest_e4 or price_e4 > grid.highest_e4:
        return False
    if not iron_likely(grid.bands_count == 1):
        return grid_tick_of_bands(grid, price_e4, tick)
    distance_e4 = <uint32_t>price_e4 - <uint32_t>grid.lowest_e4
    tick[0] = distance_e4 // grid.bands[0].tick_size_e4
    return tick[0] * grid.bands[0].tick_size_e4 == distance_e4


cdef inline int32_t grid_price_e4(const PriceGrid* grid, uint32_t tick) noexcept nogil:
    if iron_likely(grid.bands_count == 1):
        return grid.lowest_e4 + <int32_t>(tick * grid.bands[0].tick_size_e4)
    return grid_price_of_bands_e4(grid, tick)


cdef inline bint grid_in_range(const PriceGrid* grid, int64_t price_e4) noexcept nogil:
    return price_e4 >= grid.lowest_e4 and price_e4 <= grid.highest_e4


cdef inline int64_t grid_behind_e4(const PriceGrid* grid, bint sell,
                                   int32_t opposite_e4) noexcept nogil:
    """The price one tick behind an opposite one, perhaps out of range: below it for a buy, above it
    for a sell."""
    return grid_up_e4(grid, <int64_t>opposite_e4 + 1) if sell \
        else grid_down_e4(grid, <int64_t>opposite_e4 - 1)


cdef inline int64_t basis_points_e4(int32_t price_e4, uint32_t basis_points) noexcept nogil:
    return <int64_t>(<uint64_t>price_e4 * basis_points // BASIS_POINTS)


cdef inline bint is_beyond_collar(int32_t price_e4, int32_t reference_e4,
                                  uint32_t basis_points) noexcept nogil:
    """Farther from the reference than that; never, when either is 0: there is no collar."""
    cdef int64_t distance_e4 = <int64_t>price_e4 - reference_e4
    if basis_points == 0 or reference_e4 == 0:
        return False
    if distance_e4 < 0:
        distance_e4 = -distance_e4
    return distance_e4 > basis_points_e4(reference_e4, basis_points)


cdef inline int64_t protection_limit_e4(const PriceGrid* grid, bint sell, int32_t base_e4,
                                        uint32_t basis_points) noexcept nogil:
    """How far a market order goes (5.7), in range. The base itself is perhaps out of range, and off
    the grid, where these are others than when it came about."""
    cdef int64_t distance_e4 = basis_points_e4(base_e4, basis_points)
    if sell:
        return max(grid.lowest_e4, min(grid.highest_e4, grid_up_e4(grid, base_e4 - distance_e4)))
    return max(grid.lowest_e4, min(grid.highest_e4, grid_down_e4(grid, base_e4 + distance_e4)))
