# Orders that follow the displayed best prices: section 11 of docs/MATCHING_RULES.md. How they move
# to a new price is in settlement.pyx.

from libc.stdint cimport int32_t, uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.book.options cimport Options

cdef enum:
    PEGS_LEFT_END = 0xFFFFFFFF       # of a list of books, each by its index plus 1

# The price of such a peg now, or 0; limit_price is a market price where it has no limit.
cdef int32_t peg_price(Engine* engine, const Book* book, const Options* options, uint32_t sell,
                       int32_t limit_price) noexcept nogil
# Whether pegs are to be priced: what they follow is not what it was when they last were.
cdef bint pegs_are_due(const Book* book) noexcept nogil
# Takes all pegs from the book's queues; without an event.
cdef void pegs_park(Engine* engine, Book* book) noexcept nogil
# Of all books for which pegs_leave_quotes was called since: parks the pegs where they are due.
cdef void pegs_park_left(Engine* engine) noexcept nogil


cdef inline void pegs_leave_quotes(Engine* engine, Book* book) noexcept nogil:
    """What this book's pegs follow may be gone, and the command in hand does not settle."""
    if book.pegs.next:
        if book.pegs_left_next == 0:
            book.pegs_left_next = (engine.pegs_left_first if engine.pegs_left_first
                                   else <uint32_t>PEGS_LEFT_END)
            engine.pegs_left_first = <uint32_t>(book - engine.books) + 1
