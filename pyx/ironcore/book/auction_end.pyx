"""When an auction ends by itself.

The moment is drawn anew with each CLOCK from what is left of the time between the bounds: each
second of it is as likely as another, and nobody can know before.
"""

from libc.string cimport memset

from ironcore.base.splitmix64 cimport iron_splitmix64

cdef enum:
    DRAW_SHIFT = 32


cdef bint end_is_reached(uint32_t second_first, uint32_t second_last, uint32_t second_next,
                         uint32_t second, uint32_t draw, uint32_t instrument) noexcept nogil:
    cdef uint32_t left_first = max(second_first, second_next)
    cdef uint64_t state = <uint64_t>draw << DRAW_SHIFT | instrument
    if second < second_first:
        return False
    if second >= second_last:
        return True
    return iron_splitmix64(&state) % (second_last - left_first + 1) <= second - left_first


cdef void end_clear(AuctionEnd* end) noexcept nogil:
    cdef AuctionEnd cleared
    memset(&cleared, 0, sizeof(cleared))
    cleared.pause_random_seconds = end.pause_random_seconds
    cleared.is_random = end.is_random
    cleared.holds_orders = end.holds_orders
    end[0] = cleared


cdef void end_extend(AuctionEnd* end, uint32_t second_next) noexcept nogil:
    cdef uint32_t width = end.second_last - end.second_first
    cdef uint32_t now = second_next - 1 if second_next else 0
    if end.extension_seconds == 0:
        end_clear(end)
        return
    end.second_first = now + end.extension_seconds
    end.second_last = end.second_first + width
