# An incoming order of whatever kind against the opposite side: displayed and hidden orders, minimum
# quantities, icebergs, self-trade prevention and collars. Sections 5, 10 and 12 of
# docs/MATCHING_RULES.md. What most orders need is book_match, which does the same for them.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.book.price_levels cimport PriceLevels

cdef struct Aggressor:
    uint32_t sell                    # 0 or 1
    uint32_t limit_key               # on the opposite side's scale; KEY_WORST: any price
    uint32_t quantity                # open; counts down
    uint32_t executed                # counts up
    uint32_t min_quantity            # 0: none
    uint32_t stp_group               # 0: no prevention
    uint8_t stp_mode
    uint8_t side
    bint is_interrupted              # set when a collar has paused the instrument
    uint32_t slot                    # the rest is for the events that name it
    uint64_t reference
    int32_t price_e4                 # as entered
    int32_t activated_e4             # not 0: ACTIVATED at this price precedes the first execution

# Executes what it can and may; what is left is the caller's. Orders that it executes in full, or
# that prevention cancels, are gone.
cdef void aggressor_trade(Engine* engine, Book* book, Aggressor* aggressor) noexcept nogil
# Whether it meets an order that it would execute with, by price and rule 10.2 alone.
cdef bint aggressor_meets_hidden(Engine* engine, Book* book, uint32_t sell, uint32_t limit_key,
                                 uint32_t quantity) noexcept nogil


cdef inline bint aggressor_crosses(const Book* book, uint32_t sell,
                                   uint32_t limit_key) noexcept nogil:
    """Whether there is an opposite order within the limit at all."""
    cdef const PriceLevels* opposite = &book.sides[sell ^ 1]
    return min(opposite.best_key, opposite.hidden_key) <= limit_key
