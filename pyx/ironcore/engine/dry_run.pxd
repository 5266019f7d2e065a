# What an aggressor could execute, without executing it: rules 10.1 and 10.9.

from libc.stdint cimport uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.engine.order_terms cimport Aggressor
from ironcore.book.order_pool cimport ORDER_SPECIAL, Arena, Order, order_at, special_at

# Whether it could execute this much at once, as far as the command in hand may count; `wanted` is
# not above its open quantity.
cdef bint dry_run_reaches(Engine* engine, Book* book, const Aggressor* aggressor,
                          uint32_t wanted) noexcept nogil


cdef inline bint accepts_quantity(Arena* arena, uint32_t unit, uint32_t quantity) noexcept nogil:
    """Rule 10.2: whether a resting order executes with an aggressor of this open quantity."""
    cdef const Order* order = order_at(arena, unit)
    if not order.ref_side & ORDER_SPECIAL:
        return True
    return quantity >= min(special_at(arena, unit).options.min_quantity, order.quantity)


cdef inline bint is_prevented(const Engine* engine, const Aggressor* aggressor,
                              const Order* resting) noexcept nogil:
    """Rule 12.2: whether the two do not trade with one another."""
    if aggressor.stp_group == 0:
        return False
    return (engine.sessions[resting.slot >> engine.limits.user_ref_bits].stp_group
            == aggressor.stp_group)
