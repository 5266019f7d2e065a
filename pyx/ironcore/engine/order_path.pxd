# The path of an order of any kind, once it is accepted: it waits for its auction, sleeps, meets the
# opposite side, rests or is cancelled. Rules 5.1 to 5.7, 9.2, 10.3, 11.5 and 13.3.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.engine.aggressor cimport Aggressor
from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.book.options cimport Options

cdef struct Terms:                   # a valid order
    Options options
    uint64_t reference
    uint32_t quantity                # open
    uint32_t executed                # by it and by those that it replaced
    uint32_t slot
    uint32_t sell                    # 0 or 1
    uint32_t key                     # of its limit; not for a market order
    uint32_t limit_key               # the worst that it may meet, on the opposite side's scale
    int32_t price_e4                 # as entered
    uint8_t side
    uint8_t time_in_force
    uint8_t display
    uint8_t cross_type
    bint is_market
    bint may_rest

# What follows from a price, time in force and options that are set; false for a price that the
# instrument does not have.
cdef bint terms_prepare(const Book* book, Terms* terms) noexcept nogil
# The terms of a live order that has a Special.
cdef void terms_of_order(Engine* engine, const Book* book, uint32_t unit,
                         Terms* terms) noexcept nogil
cdef void aggressor_of(const Engine* engine, const Terms* terms, Aggressor* out) noexcept nogil
# Whether it rests at its limit as it is, meeting no order (rule 7.6).
cdef bint terms_rest_at_once(Engine* engine, Book* book, const Terms* terms) noexcept nogil
# From ACCEPTED, REPLACED or ACTIVATED on. unit: of the order where it is live already, in no queue;
# else 0.
cdef void order_proceed(Engine* engine, Book* book, Terms* terms, uint32_t unit) noexcept nogil
# At its limit, without an event.
cdef uint32_t order_rest(Engine* engine, Book* book, const Terms* terms,
                         uint32_t unit) noexcept nogil
