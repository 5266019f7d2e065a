# What follows from a command once it is done: stops that it triggered, pegs that follow. Rule 10.8.

from libc.stdint cimport int32_t, uint32_t

from ironcore.book.book cimport Book, event_mark_last, event_unmark_last
from ironcore.engine.engine cimport Engine
from ironcore.engine.pending_work cimport step_count

# As far as the step of the command in hand lets it; the book is busy with the rest then. A book
# that is busy already settles when that comes to its end.
cdef void book_settle(Engine* engine, Book* book) noexcept nogil
# Likewise, of a busy book: False when anything is left.
cdef bint settle_on(Engine* engine, Book* book) noexcept nogil
# A peg that is in no queue, as an aggressor to this price.
cdef void peg_move(Engine* engine, Book* book, uint32_t unit, int32_t price) noexcept nogil


cdef inline void book_settle_more(Engine* engine, Book* book) noexcept nogil:
    """Where the last event is marked already."""
    event_unmark_last(&engine.events[engine.events_count - 1])
    step_count(engine)
    book_settle(engine, book)
    event_mark_last(&engine.events[engine.events_count - 1])
