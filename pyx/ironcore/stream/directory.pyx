"""What the stream has defined so far: instruments by symbol, 8 characters padded with spaces."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from ironcore.base.status cimport STATUS_IO, STATUS_LIMIT, STATUS_OK
from ironcore.wire.record cimport INSTRUMENT_NONE


cdef inline uint32_t _place(uint64_t key, uint32_t mask) noexcept nogil:
    # Fibonacci hashing (Knuth, TAOCP 6.4): symbols differ mostly in their first bytes.
    return <uint32_t>((key * 0x9E3779B97F4A7C15ull) >> 32) & mask


cdef int directory_open(Directory* d, uint32_t instruments_max) noexcept nogil:
    cdef uint32_t places = 16
    while places < 2 * instruments_max:
        places *= 2
    d.keys = <uint64_t*>calloc(places, sizeof(uint64_t))
    d.ids = <uint32_t*>calloc(places, sizeof(uint32_t))
    d.symbols = <uint64_t*>calloc(instruments_max + 1, sizeof(uint64_t))
    d.mask = places - 1
    d.count = 0
    d.instruments_max = instruments_max
    if d.keys == NULL or d.ids == NULL or d.symbols == NULL:
        directory_close(d)
        return STATUS_IO
    return STATUS_OK


cdef void directory_close(Directory* d) noexcept nogil:
    free(d.keys)
    free(d.ids)
    free(d.symbols)
    d.keys = NULL
    d.ids = NULL
    d.symbols = NULL


cdef int directory_add(Directory* d, const char* symbol, uint32_t instrument) noexcept nogil:
    cdef uint64_t key
    cdef uint32_t place
    memcpy(&key, symbol, 8)
    if instrument >= d.instruments_max or key == 0:
        return STATUS_LIMIT
    place = _place(key, d.mask)
    while d.keys[place] != 0 and d.keys[place] != key:
        place = (place + 1) & d.mask
    d.count += d.keys[place] == 0
    d.keys[place] = key
    d.ids[place] = instrument
    d.symbols[instrument] = key
    return STATUS_OK


cdef uint32_t directory_find(const Directory* d, const char* symbol) noexcept nogil:
    cdef uint64_t key
    cdef uint32_t place
    memcpy(&key, symbol, 8)
    place = _place(key, d.mask)
    while d.keys[place] != 0:
        if d.keys[place] == key:
            return d.ids[place]
        place = (place + 1) & d.mask
    return INSTRUMENT_NONE


cdef void directory_symbol(const Directory* d, uint32_t instrument, char* symbol) noexcept nogil:
    if instrument < d.instruments_max and d.symbols[instrument] != 0:
        memcpy(symbol, &d.symbols[instrument], 8)
    else:
        memset(symbol, b' ', 8)
