# The lists that rare orders are in besides their queue, linked through their Special: those that
# expire in the same second, an instrument's pegs and its trailing stops. Each is in order of
# acceptance. And pairs, of which one order cancels the other.

from libc.stdint cimport uint32_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.book.book cimport Book
from ironcore.book.order_pool cimport ORDER_SPECIAL, Arena, order_at, special_at
from ironcore.engine.engine cimport Engine

cdef void expiry_link(Engine* engine, uint32_t unit) noexcept nogil
cdef void expiry_unlink(Engine* engine, uint32_t unit) noexcept nogil
cdef void peg_link(Engine* engine, Book* book, uint32_t unit) noexcept nogil
cdef void peg_unlink(Engine* engine, Book* book, uint32_t unit) noexcept nogil
cdef void trailing_link(Engine* engine, Book* book, uint32_t unit) noexcept nogil
cdef void trailing_unlink(Engine* engine, Book* book, uint32_t unit) noexcept nogil
# Rule 21.1, of two live orders, one of which may have no Special yet: each has the other's unit in
# its own. One of them is a stop that sleeps, so that what walks a book's queues, or an auction's,
# never comes to an order that leaves by its pair.
cdef void pair_link(Engine* engine, uint32_t unit, uint32_t other) noexcept nogil


cdef inline uint32_t pair_other(Arena* arena, uint32_t unit) noexcept nogil:
    """The other one of a live order's pair, or 0."""
    if iron_unlikely(order_at(arena, unit).ref_side & ORDER_SPECIAL):
        return special_at(arena, unit).other
    return 0


cdef inline void pair_unlink(Arena* arena, uint32_t unit) noexcept nogil:
    """Of an order that has a Special: the pair ends, if there is one."""
    cdef uint32_t other = special_at(arena, unit).other
    if other:
        special_at(arena, other).other = 0
        special_at(arena, unit).other = 0
