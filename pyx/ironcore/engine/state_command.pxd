# How an instrument goes from one state to another, with all that follows: rule 13.4 of
# docs/MATCHING_RULES.md.

from libc.stdint cimport uint8_t, uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport SetEnd, SetState

# Each one whole command of a stream that has started; the status that engine_apply is to return.
cdef int set_state(Engine* engine, const SetState* command) noexcept nogil
cdef int set_end(Engine* engine, const SetEnd* command) noexcept nogil
# With the auction that it may need, and all that follows. That is left to be done when the step is
# over before, or another auction is in progress (18.14); when the auction is extended, the state
# stays. why: the four characters of the event. For another state than the book is in.
cdef void state_change(Engine* engine, Book* book, uint8_t state, bint force,
                       uint32_t why) noexcept nogil
# One step of the auction in progress, and what follows from its end.
cdef void auctions_step(Engine* engine) noexcept nogil
