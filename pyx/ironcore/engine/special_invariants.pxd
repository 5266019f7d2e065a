# What must hold of the rarer orders, of states and of sessions, besides what invariants.pyx checks
# of all.

from libc.stdint cimport uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

# Each: NULL, or a sentence that names the first broken invariant.
cdef const char* order_broken_special(Engine* engine, const Book* book, uint32_t unit,
                                      uint32_t kind) noexcept nogil
# The lists of pegs and trailing stops, and their number; the queues have been checked.
cdef const char* book_broken_special(Engine* engine, const Book* book) noexcept nogil
# What follows from the instrument's state, and is kept beside it.
cdef const char* book_broken_state(Engine* engine, const Book* book) noexcept nogil
cdef const char* engine_broken_sessions(Engine* engine) noexcept nogil
cdef const char* engine_broken_ends(Engine* engine) noexcept nogil
cdef const char* engine_broken_expiry(Engine* engine) noexcept nogil
# Rules 21.1 and 21.2.
cdef const char* engine_broken_pairs(Engine* engine) noexcept nogil
cdef bint order_has_min_quantity(Engine* engine, uint32_t unit) noexcept nogil
# Whether it came to its queue when it got its reference: none behind it has a lower one.
cdef bint order_keeps_turn(Engine* engine, uint32_t unit, uint32_t kind) noexcept nogil
