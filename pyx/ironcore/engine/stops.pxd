# Dormant orders: rules 10.4 to 10.7. What becomes of one that wakes is in settlement.pyx.

from libc.stdint cimport uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

# An order with a Special, in no queue, becomes dormant.
cdef void stop_begin(Engine* engine, Book* book, uint32_t unit) noexcept nogil
cdef void trailing_follow(Engine* engine, Book* book) noexcept nogil
# The stop to be activated next, or 0.
cdef uint32_t stop_triggered(Engine* engine, const Book* book) noexcept nogil
