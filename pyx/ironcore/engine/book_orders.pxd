# All orders of one instrument, as they leave it: rules 2.8 and 13.8, in the steps of section 18.

from libc.stdint cimport uint8_t, uint32_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine, Work

# The first step of the orders that leave with a command of this type, or its place behind the work
# that waits already. True when they all have left.
cdef bint leaving_begin(Engine* engine, const Book* book, uint8_t type) noexcept nogil
# One step: those that it comes to leave in order of their slots. True when it was the last one. The
# instrument takes no orders, and nothing executes there.
cdef bint leaving_step(Engine* engine, Work* work) noexcept nogil
# Whether an order, whose owner has something to say of it, is one that is to leave: it has then.
cdef bint leaving_takes(Engine* engine, const Work* work, uint32_t unit) noexcept nogil
# The next step begins behind the order that it would have begun with.
cdef void leaving_move(Engine* engine) noexcept nogil


cdef inline void leaving_pass(Engine* engine, uint32_t unit) noexcept nogil:
    """To be called before an order leaves that is not cancelled by leaving_step, if it may be of
    an instrument that is closed."""
    if iron_unlikely(unit == engine.leaving_next):
        leaving_move(engine)
