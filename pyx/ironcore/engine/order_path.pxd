# The path of an order of any kind, once it is accepted: it waits for its auction, sleeps, meets the
# opposite side, rests or is cancelled. Rules 5.1 to 5.7, 9.2, 10.3, 11.5 and 13.3.

from libc.stdint cimport uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.engine.order_terms cimport Terms

# Whether it rests at its limit as it is, meeting no order (rule 7.6).
cdef bint terms_rest_at_once(Engine* engine, Book* book, const Terms* terms) noexcept nogil
# From ACCEPTED, REPLACED or ACTIVATED on. unit: of the order where it is live already, in no queue;
# else 0.
cdef void order_proceed(Engine* engine, Book* book, Terms* terms, uint32_t unit) noexcept nogil
# It rests at its limit, and ADDED says so.
cdef void order_add(Engine* engine, Book* book, const Terms* terms,
                    uint32_t unit) noexcept nogil
# Likewise, without an event.
cdef uint32_t order_rest(Engine* engine, Book* book, const Terms* terms,
                         uint32_t unit) noexcept nogil
