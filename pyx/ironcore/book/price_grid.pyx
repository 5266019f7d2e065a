"""An instrument's prices: the multiples of its tick size, or of several by price."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from ironcore.base.check cimport iron_static_assert
from ironcore.wire.record cimport PRICE_MAX, TICK_BANDS_MAX


cdef bint _bands_are_valid(const TickBand* bands, uint32_t bands_count) noexcept nogil:
    cdef uint32_t index, price_from
    if bands_count == 0 or bands_count > TICK_BANDS_MAX or bands[0].price_from != 0:
        return False
    for index in range(bands_count):
        if bands[index].tick_size == 0:
            return False
        if index == 0:
            continue
        if (bands[index].price_from <= bands[index - 1].price_from
                or bands[index].price_from > PRICE_MAX):
            return False
        price_from = <uint32_t>bands[index].price_from
        if price_from % bands[index - 1].tick_size or price_from % bands[index].tick_size:
            return False
    return True


cdef bint table_prepare(TickTable* table, const TickBand* bands,
                        uint32_t bands_count) noexcept nogil:
    iron_static_assert(sizeof(GridBand) == 16)
    iron_static_assert(sizeof(TickTable) == 8 + TICK_BANDS_MAX * sizeof(GridBand))
    cdef GridBand* band = &table.bands[0]
    cdef uint32_t index
    if not _bands_are_valid(bands, bands_count):
        return False
    table.bands_count = bands_count
    table.reserved = 0
    for index in range(<uint32_t>TICK_BANDS_MAX):
        table.bands[index] = GridBand(0, 0, 0, 0)
    band.tick_size = bands[0].tick_size
    for index in range(1, bands_count):
        table.bands[index].tick_first = band.tick_first + (
            <uint32_t>(bands[index].price_from - band.price_from) // band.tick_size)
        band = &table.bands[index]
        band.price_from = bands[index].price_from
        band.tick_size = bands[index].tick_size
    return True


# Division rounds towards 0, here as in C: below 0 that is up.

cdef inline int64_t _down(int64_t price, int64_t tick_size) noexcept nogil:
    if price < 0:
        price -= tick_size - 1
    return price // tick_size * tick_size


cdef inline int64_t _up(int64_t price, int64_t tick_size) noexcept nogil:
    if price > 0:
        price += tick_size - 1
    return price // tick_size * tick_size


cdef bint _range_is_valid(int32_t price_min, int32_t price_max) noexcept nogil:
    # Keys are ticks from one end: a range that is no wider than 1 to PRICE_MAX has no new ones.
    return (-PRICE_MAX <= price_min and price_min <= price_max and price_max <= PRICE_MAX
            and <int64_t>price_max - price_min <= PRICE_MAX)


cdef bint grid_prepare(PriceGrid* grid, uint32_t tick_size, int32_t price_min,
                       int32_t price_max) noexcept nogil:
    iron_static_assert(sizeof(PriceGrid) == 48)
    cdef int64_t first_price, last_price
    if tick_size == 0 or not _range_is_valid(price_min, price_max):
        return False
    first_price = _up(price_min, tick_size)
    last_price = _down(price_max, tick_size)
    if first_price > last_price:
        return False
    grid.lowest_price = <int32_t>first_price
    grid.highest_price = <int32_t>last_price
    grid.ticks_count = <uint32_t>((last_price - first_price) // tick_size) + 1
    grid.bands_count = 1
    grid.tick_size = tick_size
    grid.tick_first = 0
    grid.price_min = price_min
    grid.price_max = price_max
    grid.tick_table = 0
    grid.reserved = 0
    grid.table_at = 0
    return True


# The last band that begins at or below a price, or a tick. It halves what is left: the first band
# begins at 0, and so it is found whatever the last ones are. A negative price is in the first one.

cdef inline const GridBand* _band_at_price(const TickTable* table, int64_t price) noexcept nogil:
    cdef const GridBand* band = &table.bands[0]
    cdef uint32_t left = table.bands_count
    cdef uint32_t half
    while left > 1:
        half = left >> 1
        if band[half].price_from <= price:
            band += half
        left -= half
    return band


cdef inline const GridBand* _band_at_tick(const TickTable* table, uint32_t tick) noexcept nogil:
    cdef const GridBand* band = &table.bands[0]
    cdef uint32_t left = table.bands_count
    cdef uint32_t half
    while left > 1:
        half = left >> 1
        if band[half].tick_first <= tick:
            band += half
        left -= half
    return band


cdef inline uint32_t _table_tick(const GridBand* band, int32_t price) noexcept nogil:
    """Ticks below a price of this band, from price 0 on."""
    return band.tick_first + (<uint32_t>price - <uint32_t>band.price_from) // band.tick_size


cdef bint grid_prepare_of_table(PriceGrid* grid, const TickTable* table, uint32_t tick_table,
                                int32_t price_min, int32_t price_max) noexcept nogil:
    cdef const GridBand* low
    cdef const GridBand* high
    cdef int64_t lowest_price, highest_price
    if price_min < 1 or not _range_is_valid(price_min, price_max):
        return False
    # The next band begins at a multiple of the tick size below it: rounding up never passes it.
    lowest_price = _up(price_min, _band_at_price(table, price_min).tick_size)
    high = _band_at_price(table, price_max)
    highest_price = _down(price_max, high.tick_size)
    if lowest_price > highest_price:
        return False
    low = _band_at_price(table, lowest_price)
    grid.lowest_price = <int32_t>lowest_price
    grid.highest_price = <int32_t>highest_price
    grid.bands_count = <uint32_t>(high - low) + 1
    grid.tick_size = low.tick_size
    grid.tick_first = _table_tick(low, grid.lowest_price)
    grid.ticks_count = _table_tick(high, grid.highest_price) - grid.tick_first + 1
    grid.price_min = price_min
    grid.price_max = price_max
    grid.tick_table = tick_table
    grid.reserved = 0
    grid.table_at = <int64_t>(<const char*>table - <const char*>grid)
    return True


cdef bint grid_tick_of_bands(const PriceGrid* grid, int32_t price,
                             uint32_t* tick) noexcept nogil:
    cdef const GridBand* band = _band_at_price(grid_table(grid), price)
    tick[0] = _table_tick(band, price) - grid.tick_first
    return (<uint32_t>price - <uint32_t>band.price_from) % band.tick_size == 0


cdef int32_t grid_price_of_bands(const PriceGrid* grid, uint32_t tick) noexcept nogil:
    cdef uint32_t table_tick = grid.tick_first + tick
    cdef const GridBand* band = _band_at_tick(grid_table(grid), table_tick)
    return band.price_from + <int32_t>((table_tick - band.tick_first) * band.tick_size)


cdef inline int64_t _tick_size_at(const PriceGrid* grid, int64_t price) noexcept nogil:
    if grid.tick_table == 0:
        return grid.tick_size
    return _band_at_price(grid_table(grid), price).tick_size


cdef int64_t grid_down_price(const PriceGrid* grid, int64_t price) noexcept nogil:
    return _down(price, _tick_size_at(grid, price))


cdef int64_t grid_up_price(const PriceGrid* grid, int64_t price) noexcept nogil:
    return _up(price, _tick_size_at(grid, price))
