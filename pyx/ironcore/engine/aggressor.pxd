# An incoming order of whatever kind against the opposite side: displayed and hidden orders, minimum
# quantities, icebergs, self-trade prevention and collars. Sections 5, 10 and 12 of
# docs/MATCHING_RULES.md. What most orders need is book_match, which does the same for them.

from libc.stdint cimport uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.engine.order_terms cimport Aggressor
from ironcore.book.price_levels cimport PriceLevels

# Executes what it can and may, or as much of that as a step (rule 18.2) lets it; what is left is
# the caller's. Orders that it executes in full, or that prevention cancels, are gone.
cdef void aggressor_trade(Engine* engine, Book* book, Aggressor* aggressor) noexcept nogil
# Likewise, at the instrument's last price alone, which there is, and with that as its limit.
cdef void aggressor_trade_at_close(Engine* engine, Book* book, Aggressor* aggressor) noexcept nogil
# Whether it meets an order that it would execute with, by price and rule 10.2 alone.
cdef bint aggressor_meets_hidden(Engine* engine, Book* book, uint32_t sell, uint32_t limit_key,
                                 uint32_t quantity) noexcept nogil


cdef inline bint aggressor_crosses(const Book* book, uint32_t sell,
                                   uint32_t limit_key) noexcept nogil:
    """Whether there is an opposite order within the limit at all."""
    cdef const PriceLevels* opposite = &book.sides[sell ^ 1]
    return min(opposite.best_key, opposite.hidden_key) <= limit_key
