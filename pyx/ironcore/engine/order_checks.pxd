# When an order of any kind is rejected: section 4 of docs/MATCHING_RULES.md, in its order. The path
# of common orders (order_commands) checks the same for what they can be.

from libc.stdint cimport uint32_t

from ironcore.engine.engine cimport Engine, Session
from ironcore.book.book cimport Book
from ironcore.engine.order_terms cimport Terms
from ironcore.wire.record cimport EnterOrder

# Both fill the rest of the terms, of which options and quantity (what would be open) are set.
# 4.1 to 4.14, or REJECT_NONE.
cdef uint32_t enter_reject(Engine* engine, const Session* session, const EnterOrder* command,
                           Terms* terms) noexcept nogil
# Of a displayed limit order for the day, whose quantity, price and side are set: 4.4, 4.5, 4.10 and
# 4.11. What follows from them is set.
cdef uint32_t day_order_reject(Engine* engine, const Book* book, Terms* terms) noexcept nogil
# What rule 7.3 asks of a replacement's details; total is the quantity that it names, replaced the
# unit of the order that it replaces.
cdef uint32_t details_reject(Engine* engine, const Book* book, uint32_t total, Terms* terms,
                             uint32_t replaced) noexcept nogil
# Rule 13.2.
cdef uint32_t state_reject(const Engine* engine, const Book* book,
                           const Terms* terms) noexcept nogil
