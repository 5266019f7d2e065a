# The terms of a valid order: what its fields and options come to on its instrument's book.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.book.book cimport Book
from ironcore.book.options cimport Options
from ironcore.engine.engine cimport Engine
from ironcore.engine.incoming cimport Aggressor

cdef struct Terms:                   # a valid order
    Options options
    uint64_t reference
    uint32_t quantity                # open
    uint32_t executed                # by it and by those that it replaced
    uint32_t slot
    uint32_t sell                    # 0 or 1
    uint32_t key                     # of its limit; not for a market order
    uint32_t limit_key               # the worst that it may meet, on the opposite side's scale
    int32_t price                 # as entered
    uint8_t side
    uint8_t time_in_force
    uint8_t display
    uint8_t cross_type
    bint is_market
    bint may_rest
    int32_t activated_price          # as Aggressor's: it is under way

# What follows from a price, time in force and options that are set; false for a price that the
# instrument does not have.
cdef bint terms_prepare(const Book* book, Terms* terms) noexcept nogil
# The terms of a live order that has a Special.
cdef void terms_of_order(Engine* engine, const Book* book, uint32_t unit,
                         Terms* terms) noexcept nogil
cdef void aggressor_of(const Engine* engine, const Terms* terms, Aggressor* out) noexcept nogil
