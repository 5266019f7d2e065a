# Orders under way: rules 18.9 to 18.12 of docs/MATCHING_RULES.md. When a step is over before an
# order, or what follows from it, has come to its end, its book is busy. The order is in hand then,
# and those that come meanwhile wait behind it, accepted and live, but in no queue of the book.
#
# Here is who waits where; whose turn is next, and what is done with it, is in turns.pyx.

from libc.stdint cimport uint8_t, uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

cdef enum Hand:                      # Book.in_hand
    HAND_EMPTY = 0
    HAND_ORDER = 1                   # the first under way goes on against the opposite side
    HAND_PEG = 2                     # likewise, but it is a peg that moves to in_hand_key

# The book's steps come behind those of the books that are busy already.
cdef void busy_begin(Engine* engine, Book* book) noexcept nogil
# Of the first busy book: nothing is left, or the next step is another book's turn.
cdef void busy_end(Engine* engine) noexcept nogil
cdef void busy_rotate(Engine* engine) noexcept nogil
# A live order in no queue waits behind all others.
cdef void under_way_append(Engine* engine, Book* book, uint32_t unit) noexcept nogil
# It is in hand, before all others. The book is busy from here on.
cdef void under_way_hold(Engine* engine, Book* book, uint32_t unit, Hand hand,
                         uint32_t limit_key) noexcept nogil
# It leaves, or its turn has come; if it was in hand, nothing is.
cdef void under_way_unlink(Engine* engine, Book* book, uint32_t unit) noexcept nogil
# The first broken rule, or NULL.
cdef const char* busy_broken(Engine* engine) noexcept nogil


cdef inline Book* busy_book(Engine* engine) noexcept nogil:
    """Whose step comes next, or NULL."""
    return &engine.books[engine.busy_first - 1] if engine.busy_first else NULL


cdef inline bint steps_are_left(const Engine* engine) noexcept nogil:
    """Whether CONTINUE has anything to do."""
    return (engine.is_expiring or engine.works_count != 0 or engine.busy_first != 0
            or engine.auctions_first != 0)


cdef inline bint book_is_in_auction(const Engine* engine, const Book* book) noexcept nogil:
    """Whether its auction is in progress, or due behind another's (18.14): the orders in its queues
    stay as they are but for what the auction itself does."""
    return engine.auctions_first != 0 and engine.auctions[book - engine.books].state != 0


cdef inline uint8_t book_state_next(const Engine* engine, const Book* book) noexcept nogil:
    """The state by which new orders are judged."""
    if book_is_in_auction(engine, book):
        return engine.auctions[book - engine.books].state
    return book.state


cdef inline bint book_waits(const Engine* engine, const Book* book) noexcept nogil:
    """Whether new orders wait under way."""
    return book.is_busy or engine.is_expiring or book_is_in_auction(engine, book)
