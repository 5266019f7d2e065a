# The prices beyond which nothing executes: rules 13.5, 13.6 and 14.9 of docs/MATCHING_RULES.md.

from libc.stdint cimport int32_t, uint32_t

from ironcore.book.book cimport Book
from ironcore.book.price_grid cimport is_beyond_collar
from ironcore.engine.engine cimport Engine

cdef void emit_collars(Engine* engine, int32_t reference_price, uint32_t basis_points,
                       uint32_t extension) noexcept nogil


cdef inline int32_t dynamic_reference(const Book* book) noexcept nogil:
    """What the dynamic collar counts from; 0: none."""
    return book.last_before_price if book.last_before_price else book.reference_price


cdef inline bint collar_forbids(const Book* book, int32_t price) noexcept nogil:
    """Whether an execution at this price would be beyond a collar; not asked of a book that is
    plain."""
    return (is_beyond_collar(price, book.reference_price, book.static_collar_bp)
            or is_beyond_collar(price, dynamic_reference(book), book.dynamic_collar_bp))
