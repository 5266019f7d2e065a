"""An instrument's prices: the multiples of its tick size, or of several by price."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from ironcore.base.check cimport iron_static_assert
from ironcore.wire.record cimport PRICE_MAX, TICK_BANDS_MAX


cdef bint _bands_are_valid(uint32_t tick_size, int32_t price_min, int32_t price_max,
                           const TickBand* bands, uint32_t bands_count) noexcept nogil:
    cdef int32_t above_price = price_min
    cdef uint32_t index
    if bands_count > TICK_BANDS_MAX:
        return False
    for index in range(bands_count):
        if bands[index].price_from <= above_price or bands[index].price_from > price_max:
            return False
        if bands[index].tick_size == 0:
            return False
        above_price = bands[index].price_from
        if <uint32_t>above_price % tick_size or <uint32_t>above_price % bands[index].tick_size:
            return False
        tick_size = bands[index].tick_size
    return True


cdef bint grid_prepare(PriceGrid* grid, uint32_t tick_size, int32_t price_min,
                       int32_t price_max, const TickBand* bands,
                       uint32_t bands_count) noexcept nogil:
    iron_static_assert(sizeof(GridBand) == 16)
    iron_static_assert(sizeof(PriceGrid) == 152)
    iron_static_assert(GRID_BANDS_MAX == TICK_BANDS_MAX + 1)
    cdef PriceGrid made
    cdef GridBand* band = &made.bands[0]
    cdef uint32_t index
    cdef uint64_t first_price, last_price
    if tick_size == 0 or price_min < 1 or price_max > PRICE_MAX:
        return False
    if price_max < price_min:
        return False
    if not _bands_are_valid(tick_size, price_min, price_max, bands, bands_count):
        return False
    first_price = (<uint64_t>price_min + tick_size - 1) // tick_size * tick_size
    if first_price > <uint64_t>price_max:
        return False
    band.price_from = <int32_t>first_price
    band.tick_size = tick_size
    band.tick_first = 0
    band.reserved = 0
    for index in range(bands_count):
        made.bands[index + 1].tick_first = band.tick_first + (
            <uint32_t>(bands[index].price_from - band.price_from) // band.tick_size)
        band = &made.bands[index + 1]
        band.price_from = bands[index].price_from
        band.tick_size = bands[index].tick_size
        band.reserved = 0
    for index in range(bands_count + 1, <uint32_t>GRID_BANDS_MAX):
        made.bands[index] = GridBand(0, 0, 0, 0)
    last_price = <uint32_t>price_max // band.tick_size * <uint64_t>band.tick_size
    made.price_min = price_min
    made.price_max = price_max
    made.lowest_price = <int32_t>first_price
    made.highest_price = <int32_t>last_price
    made.ticks_count = band.tick_first + 1 + (
        (<uint32_t>last_price - <uint32_t>band.price_from) // band.tick_size)
    made.bands_count = bands_count + 1
    grid[0] = made
    return True


cdef inline const GridBand* _band_at(const PriceGrid* grid, int64_t price) noexcept nogil:
    """The band in which the price is; the first and the last one reach beyond the range."""
    cdef uint32_t index = grid.bands_count - 1
    while index and price < grid.bands[index].price_from:
        index -= 1
    return &grid.bands[index]


cdef bint grid_tick_of_bands(const PriceGrid* grid, int32_t price,
                             uint32_t* tick) noexcept nogil:
    cdef const GridBand* band = _band_at(grid, price)
    cdef uint32_t price_distance = <uint32_t>price - <uint32_t>band.price_from
    tick[0] = band.tick_first + price_distance // band.tick_size
    return price_distance % band.tick_size == 0


cdef int32_t grid_price_of_bands(const PriceGrid* grid, uint32_t tick) noexcept nogil:
    cdef uint32_t index = grid.bands_count - 1
    while tick < grid.bands[index].tick_first:
        index -= 1
    return grid.bands[index].price_from + <int32_t>(
        (tick - grid.bands[index].tick_first) * grid.bands[index].tick_size)


cdef int64_t grid_down_price(const PriceGrid* grid, int64_t price) noexcept nogil:
    cdef int64_t tick_size = _band_at(grid, price).tick_size
    # Division rounds towards 0: a negative price is out of range whatever becomes of it.
    return price // tick_size * tick_size if price >= 0 else price


cdef int64_t grid_up_price(const PriceGrid* grid, int64_t price) noexcept nogil:
    cdef int64_t tick_size = _band_at(grid, price).tick_size
    if price <= 0:
        return 0
    return (price + tick_size - 1) // tick_size * tick_size
