"""Live orders: where each one is, and what events say of it."""

from libc.stdint cimport int32_t, uint32_t

from ironcore.book.book cimport KIND_HIDDEN
from ironcore.book.price_levels cimport level_key, levels_price


cdef int32_t order_price(Engine* engine, uint32_t unit) noexcept nogil:
    cdef uint32_t place = order_place(engine, unit)
    cdef uint32_t level
    if place_kind(place) > KIND_HIDDEN:
        return special_at(&engine.arena, unit).price
    level = order_at(&engine.arena, unit).level
    return levels_price(&place_book(engine, place).sides[place_side(place)],
                        level_key(&engine.arena, level))
