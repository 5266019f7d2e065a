# The path of an order of any kind, once it is accepted: it waits for its auction, sleeps, meets the
# opposite side, rests or is cancelled. Rules 5.1 to 5.7, 9.2, 10.3, 11.5 and 13.3.

from libc.stdint cimport uint32_t, uint64_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.engine.order_terms cimport Terms
from ironcore.wire.record cimport EnterOrder

# Whether it rests at its limit as it is, meeting no order (rule 7.6).
cdef bint terms_rest_at_once(Engine* engine, Book* book, const Terms* terms) noexcept nogil
# From ACCEPTED or REPLACED on: it waits for its turn where the book is busy (rule 18.10).
cdef void order_begin(Engine* engine, Book* book, Terms* terms) noexcept nogil
# From there, from ACTIVATED or from its turn on. unit: of the order where it is live already, in no
# queue; else 0. With the end of a step the order may be in hand.
cdef void order_proceed(Engine* engine, Book* book, Terms* terms, uint32_t unit) noexcept nogil
# Goes on with an order that was in hand.
cdef void order_go_on(Engine* engine, Book* book, Terms* terms, uint32_t unit) noexcept nogil
# Of an order without a Special: in hand with what is left. book: is busy by now.
cdef void plain_hold(Engine* engine, Book* book, const EnterOrder* command, uint64_t reference,
                     uint32_t quantity) noexcept nogil
# At its limit, without an event.
cdef uint32_t order_rest(Engine* engine, Book* book, const Terms* terms,
                         uint32_t unit) noexcept nogil
