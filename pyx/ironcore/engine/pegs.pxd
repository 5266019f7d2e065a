# Orders that follow the quotes, which are the displayed best prices of orders that are no pegs:
# section 11 of docs/MATCHING_RULES.md. How they move to a new price is in settlement.pyx.

from libc.stdint cimport int32_t, uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.book.options cimport Options

cdef enum:
    PEGS_LEFT_END = 0xFFFFFFFF       # of a list of books, each by its index plus 1

cdef enum PegsStale:                 # bits of Book.pegs_are_stale
    PEGS_PARKED = 1                  # all of them were parked
    PEGS_MOVED = 2                   # or those displayed that would have moved twice (11.6)

# The keys of both sides' quotes; KEY_NONE where there is none.
cdef void quotes_read(Engine* engine, const Book* book, uint32_t* keys) noexcept nogil
# The price of such a peg for these quotes, or 0; limit_price is a market price where it has no
# limit.
cdef int32_t peg_price(const Book* book, const uint32_t* quote_keys, const Options* options,
                       uint32_t sell, int32_t limit_price) noexcept nogil
# Likewise, for the quotes as they are.
cdef int32_t peg_price_now(Engine* engine, const Book* book, const Options* options, uint32_t sell,
                           int32_t limit_price) noexcept nogil
# Whether the quotes are others than when pegs were last priced.
cdef bint quotes_are_others(Engine* engine, const Book* book) noexcept nogil
# Whether pegs are to be priced.
cdef bint pegs_are_due(Engine* engine, const Book* book) noexcept nogil
# Takes a peg from its queue, if it is in one. The public is told when it was displayed.
cdef void peg_leave(Engine* engine, Book* book, uint32_t unit) noexcept nogil
# Shows a peg that has just come to its queue, under a new reference.
cdef void peg_show(Engine* engine, uint32_t unit) noexcept nogil
# Takes all pegs from the book's queues.
cdef void pegs_park(Engine* engine, Book* book) noexcept nogil
# Of all books for which pegs_leave_quotes was called since: parks the pegs where they are due.
cdef void pegs_park_left(Engine* engine) noexcept nogil


cdef inline void pegs_leave_quotes(Engine* engine, Book* book) noexcept nogil:
    """What this book's pegs follow may be gone, and the command in hand does not settle."""
    cdef uint32_t number = <uint32_t>(book - engine.books) + 1
    if book.pegs.next:
        if book.pegs_left_next == 0:
            book.pegs_left_next = PEGS_LEFT_END
            if engine.pegs_left_first:
                engine.books[engine.pegs_left_last - 1].pegs_left_next = number
            else:
                engine.pegs_left_first = number
            engine.pegs_left_last = number
