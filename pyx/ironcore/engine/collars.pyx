"""The prices beyond which nothing executes."""

from libc.stdint cimport int64_t, uint64_t

from ironcore.book.price_grid cimport basis_points_e4
from ironcore.engine.engine cimport engine_emit
from ironcore.wire.record cimport EVENT_COLLARS, EVENT_VISIBLE

cdef enum:
    UPPER_SHIFT = 32


cdef void emit_collars(Engine* engine, int32_t reference_e4, uint32_t basis_points,
                       uint32_t extension) noexcept nogil:
    cdef int64_t distance_e4 = basis_points_e4(reference_e4, basis_points)
    cdef uint64_t upper_e4 = <uint64_t>(reference_e4 + distance_e4)
    cdef uint64_t lower_e4 = <uint64_t>(reference_e4 - distance_e4)
    engine_emit(engine, EVENT_COLLARS, EVENT_VISIBLE, 0, 0, extension,
                upper_e4 << UPPER_SHIFT | lower_e4, 0, reference_e4, 0)
