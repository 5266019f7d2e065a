# What instruments and auctions need of the order path.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.book.book cimport Book
from ironcore.book.engine cimport Engine

cdef enum:
    CANCEL_REASON_CLOSED = 69        # 'E'
    CANCEL_REASON_IOC = 73           # 'I'
    CANCEL_REASON_TIMEOUT = 84       # 'T'

cdef void order_remove(Engine* engine, uint32_t unit) noexcept nogil
cdef void cancel_whole(Engine* engine, uint32_t unit, uint8_t reason, uint64_t other) noexcept nogil
cdef void emit_reduced(Engine* engine, uint32_t unit, uint32_t decrement,
                       uint64_t other) noexcept nogil
cdef void order_replenish(Engine* engine, Book* book, uint32_t unit) noexcept nogil
cdef void pegs_park(Engine* engine, Book* book) noexcept nogil
cdef void book_settle(Engine* engine, Book* book) noexcept nogil
