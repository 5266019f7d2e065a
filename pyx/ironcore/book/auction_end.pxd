# When an auction ends by itself, and from when on members cannot cancel: rules 13.9, 13.11 and
# 13.12 of docs/MATCHING_RULES.md. Pure: bounds, seconds of the day and a drawn number in, yes or no
# out.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef struct AuctionEnd:              # 28 bytes; of each instrument, also of one without an auction
    uint32_t second_first            # of the day: it ends with none before it,
    uint32_t second_last             # and with this one at the latest
    uint32_t no_cancel_seconds       # before second_first; 0: none
    uint32_t extension_seconds       # 0: extended, it has no end any more
    uint32_t why                     # the four characters of STATE_CHANGED
    uint16_t pause_random_seconds    # rule 13.9: of the instrument's terms
    uint8_t state                    # that follows; 0: no end is set
    uint8_t force
    uint8_t is_random                # what CLOCK draws decides something
    uint8_t holds_orders             # members cannot cancel what takes part
    uint8_t reserved[2]

# No end is set.
cdef void end_clear(AuctionEnd* end) noexcept nogil
# Whether an auction that is to end between two seconds of the day, and has not ended before
# second_next, ends with a CLOCK of this second.
cdef bint end_is_reached(uint32_t second_first, uint32_t second_last, uint32_t second_next,
                         uint32_t second, uint32_t draw, uint32_t instrument) noexcept nogil
# An end that is set, as it is when the auction is extended before second_next.
cdef void end_extend(AuctionEnd* end, uint32_t second_next) noexcept nogil


cdef inline bint end_has_no_cancel(const AuctionEnd* end, uint32_t second_next) noexcept nogil:
    """Whether the time in which members cannot cancel has begun before second_next."""
    return (end.no_cancel_seconds != 0
            and second_next + <uint64_t>end.no_cancel_seconds > end.second_first)
