# The lists that rare orders are in besides their queue, linked through their Special: those that
# expire in the same second, an instrument's pegs and its trailing stops. Each is in order of
# acceptance.

from libc.stdint cimport uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

cdef void expiry_link(Engine* engine, uint32_t unit) noexcept nogil
cdef void expiry_unlink(Engine* engine, uint32_t unit) noexcept nogil
cdef void peg_link(Engine* engine, Book* book, uint32_t unit) noexcept nogil
cdef void peg_unlink(Engine* engine, Book* book, uint32_t unit) noexcept nogil
cdef void trailing_link(Engine* engine, Book* book, uint32_t unit) noexcept nogil
cdef void trailing_unlink(Engine* engine, Book* book, uint32_t unit) noexcept nogil
