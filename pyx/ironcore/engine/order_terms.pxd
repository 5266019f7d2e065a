# The terms of a valid order: what its fields and options come to on its instrument's book, and what
# of them counts while it is held against the opposite side.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.book.book cimport Book
from ironcore.book.options cimport Options
from ironcore.engine.engine cimport Engine

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
    uint32_t other                   # unit of the other one of its pair, or 0

cdef struct Aggressor:               # an order while it is held against the opposite side
    uint32_t sell                    # 0 or 1
    uint32_t limit_key               # on the opposite side's scale; KEY_WORST: any price
    uint32_t quantity                # open; counts down
    uint32_t executed                # counts up
    uint32_t min_quantity            # 0: none
    uint32_t stp_group               # 0: no prevention
    uint8_t stp_mode
    uint8_t side
    bint is_interrupted              # set when a collar has paused the instrument
    bint may_stop                    # when the step is over, with its minimum executed
    bint has_acted                   # in this step, before it is held against the opposite side
    bint has_unit                    # it is live, or else would need room to wait for the next step
    bint is_stopped                  # set when it has
    uint32_t slot                    # the rest is for the events that name it
    uint64_t reference
    int32_t price                 # as entered
    int32_t activated_price          # ACTIVATED at this price precedes the first execution, if
                                     # it is not PRICE_NONE
    uint32_t other                   # unit: leaves with the first execution; 0: none

# What follows from a price, time in force and options that are set; false for a price that the
# instrument does not have.
cdef bint terms_prepare(const Book* book, Terms* terms) noexcept nogil
# The terms of a live order that has a Special.
cdef void terms_of_order(Engine* engine, const Book* book, uint32_t unit,
                         Terms* terms) noexcept nogil
cdef void aggressor_of(const Engine* engine, const Terms* terms, Aggressor* out) noexcept nogil
