# What follows from a command once it is done: stops that it triggered, pegs that follow. Rule 10.8.

from ironcore.book.book cimport Book, event_mark_last, event_unmark_last
from ironcore.engine.engine cimport Engine

cdef void book_settle(Engine* engine, Book* book) noexcept nogil


cdef inline void book_settle_more(Engine* engine, Book* book) noexcept nogil:
    """Where the last event is marked already."""
    event_unmark_last(&engine.events[engine.events_count - 1])
    book_settle(engine, book)
    event_mark_last(&engine.events[engine.events_count - 1])
