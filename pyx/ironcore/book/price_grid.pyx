"""An instrument's prices: the multiples of its tick size, or of several by price."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from ironcore.base.check cimport iron_static_assert
from ironcore.wire.record cimport PRICE_E4_MAX, TICK_BANDS_MAX


cdef bint _bands_are_valid(uint32_t tick_size_e4, int32_t price_e4_min, int32_t price_e4_max,
                           const TickBand* bands, uint32_t bands_count) noexcept nogil:
    cdef int32_t above_e4 = price_e4_min
    cdef uint32_t index
    if bands_count > TICK_BANDS_MAX:
        return False
    for index in range(bands_count):
        if bands[index].price_from_e4 <= above_e4 or bands[index].price_from_e4 > price_e4_max:
            return False
        if bands[index].tick_size_e4 == 0:
            return False
        above_e4 = bands[index].price_from_e4
        if <uint32_t>above_e4 % tick_size_e4 or <uint32_t>above_e4 % bands[index].tick_size_e4:
            return False
        tick_size_e4 = bands[index].tick_size_e4
    return True


cdef bint grid_prepare(PriceGrid* grid, uint32_t tick_size_e4, int32_t price_e4_min,
                       int32_t price_e4_max, const TickBand* bands,
                       uint32_t bands_count) noexcept nogil:
    iron_static_assert(sizeof(GridBand) == 16)
    iron_static_assert(sizeof(PriceGrid) == 152)
    iron_static_assert(GRID_BANDS_MAX == TICK_BANDS_MAX + 1)
    cdef PriceGrid made
    cdef GridBand* band = &made.bands[0]
    cdef uint32_t index
    cdef uint64_t first_e4, last_e4
    if tick_size_e4 == 0 or price_e4_min < 1 or price_e4_max > PRICE_E4_MAX:
        return False
    if price_e4_max < price_e4_min:
        return False
    if not _bands_are_valid(tick_size_e4, price_e4_min, price_e4_max, bands, bands_count):
        return False
    first_e4 = (<uint64_t>price_e4_min + tick_size_e4 - 1) // tick_size_e4 * tick_size_e4
    if first_e4 > <uint64_t>price_e4_max:
        return False
    band.price_from_e4 = <int32_t>first_e4
    band.tick_size_e4 = tick_size_e4
    band.tick_first = 0
    band.reserved = 0
    for index in range(bands_count):
        made.bands[index + 1].tick_first = band.tick_first + (
            <uint32_t>(bands[index].price_from_e4 - band.price_from_e4) // band.tick_size_e4)
        band = &made.bands[index + 1]
        band.price_from_e4 = bands[index].price_from_e4
        band.tick_size_e4 = bands[index].tick_size_e4
        band.reserved = 0
    for index in range(bands_count + 1, <uint32_t>GRID_BANDS_MAX):
        made.bands[index] = GridBand(0, 0, 0, 0)
    last_e4 = <uint32_t>price_e4_max // band.tick_size_e4 * <uint64_t>band.tick_size_e4
    made.price_e4_min = price_e4_min
    made.price_e4_max = price_e4_max
    made.lowest_e4 = <int32_t>first_e4
    made.highest_e4 = <int32_t>last_e4
    made.ticks_count = band.tick_first + 1 + (
        (<uint32_t>last_e4 - <uint32_t>band.price_from_e4) // band.tick_size_e4)
    made.bands_count = bands_count + 1
    grid[0] = made
    return True


cdef inline const GridBand* _band_at(const PriceGrid* grid, int64_t price_e4) noexcept nogil:
    """The band in which the price is; the first and the last one reach beyond the range."""
    cdef uint32_t index = grid.bands_count - 1
    while index and price_e4 < grid.bands[index].price_from_e4:
        index -= 1
    return &grid.bands[index]


cdef bint grid_tick_of_bands(const PriceGrid* grid, int32_t price_e4,
                             uint32_t* tick) noexcept nogil:
    cdef const GridBand* band = _band_at(grid, price_e4)
    cdef uint32_t distance_e4 = <uint32_t>price_e4 - <uint32_t>band.price_from_e4
    tick[0] = band.tick_first + distance_e4 // band.tick_size_e4
    return distance_e4 % band.tick_size_e4 == 0


cdef int32_t grid_price_of_bands_e4(const PriceGrid* grid, uint32_t tick) noexcept nogil:
    cdef uint32_t index = grid.bands_count - 1
    while tick < grid.bands[index].tick_first:
        index -= 1
    return grid.bands[index].price_from_e4 + <int32_t>(
        (tick - grid.bands[index].tick_first) * grid.bands[index].tick_size_e4)


cdef int64_t grid_down_e4(const PriceGrid* grid, int64_t price_e4) noexcept nogil:
    cdef int64_t tick_size_e4 = _band_at(grid, price_e4).tick_size_e4
    # Division rounds towards 0: a negative price is out of range whatever becomes of it.
    return price_e4 // tick_size_e4 * tick_size_e4 if price_e4 >= 0 else price_e4


cdef int64_t grid_up_e4(const PriceGrid* grid, int64_t price_e4) noexcept nogil:
    cdef int64_t tick_size_e4 = _band_at(grid, price_e4).tick_size_e4
    if price_e4 <= 0:
        return 0
    return (price_e4 + tick_size_e4 - 1) // tick_size_e4 * tick_size_e4
