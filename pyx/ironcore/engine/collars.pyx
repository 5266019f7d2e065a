"""The prices beyond which nothing executes."""

from libc.stdint cimport int64_t, uint64_t

from ironcore.book.price_grid cimport basis_points_of
from ironcore.engine.engine cimport engine_emit
from ironcore.wire.record cimport EVENT_COLLARS, EVENT_VISIBLE

cdef enum:
    UPPER_SHIFT = 32


cdef void emit_collars(Engine* engine, int32_t reference_price, uint32_t basis_points,
                       uint32_t extension) noexcept nogil:
    cdef int64_t price_distance = basis_points_of(reference_price, basis_points)
    cdef uint64_t upper_price = <uint64_t>(reference_price + price_distance)
    cdef uint64_t lower_price = <uint64_t>(reference_price - price_distance)
    engine_emit(engine, EVENT_COLLARS, EVENT_VISIBLE, 0, 0, extension,
                upper_price << UPPER_SHIFT | lower_price, 0, reference_price, 0)
