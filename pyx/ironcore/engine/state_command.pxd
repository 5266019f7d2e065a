# How an instrument goes from one state to another, with all that follows: rule 13.4 of
# docs/MATCHING_RULES.md.

from libc.stdint cimport uint8_t, uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport SetEnd, SetState

# Each one whole command of a stream that has started; the status that engine_apply is to return.
cdef int set_state(Engine* engine, const SetState* command) noexcept nogil
cdef int set_end(Engine* engine, const SetEnd* command) noexcept nogil
# With the auction that it may need, and all that follows. False when the auction was extended: the
# state stays. why: the four characters of the event. For another state than the book is in.
cdef bint state_change(Engine* engine, Book* book, uint8_t state, bint force,
                       uint32_t why) noexcept nogil
