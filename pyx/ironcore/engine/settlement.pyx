"""What follows from a command once it is done: stops that it triggered, pegs that follow."""

from libc.stdint cimport int32_t, uint32_t

from ironcore.engine.pegs cimport pegs_are_due, pegs_price
from ironcore.engine.stops cimport stop_activate, stop_triggered, trailing_follow
from ironcore.wire.record cimport STATE_CONTINUOUS


cdef void book_settle(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t unit
    cdef int32_t last_e4
    # An interruption changes the state.
    while book.followers and book.state == STATE_CONTINUOUS:
        last_e4 = book.last_price_e4
        trailing_follow(engine, book)
        unit = stop_triggered(engine, book)
        if unit:
            stop_activate(engine, book, unit)
            continue
        if not pegs_are_due(book):
            return
        pegs_price(engine, book)
        if book.last_price_e4 == last_e4:
            return
