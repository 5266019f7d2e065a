# What the stream has defined so far: instruments by symbol.

from libc.stdint cimport uint32_t, uint64_t

cdef struct Directory:
    uint64_t* keys                   # open addressing: a symbol's 8 bytes; 0 is a free place
    uint32_t* ids
    uint64_t* symbols                # by instrument id
    uint32_t mask
    uint32_t count
    uint32_t instruments_max

cdef int directory_open(Directory* d, uint32_t instruments_max) noexcept nogil
cdef void directory_close(Directory* d) noexcept nogil
cdef int directory_add(Directory* d, const char* symbol, uint32_t instrument) noexcept nogil
# The instrument's id, or INSTRUMENT_NONE.
cdef uint32_t directory_find(const Directory* d, const char* symbol) noexcept nogil
cdef void directory_symbol(const Directory* d, uint32_t instrument, char* symbol) noexcept nogil
