# Where the quotes of one session are, and how they are protected. A quote's sides are orders of the
# book, and live as long as their slots lead to one: no slot is ever used again, so nothing here is
# told when a side leaves.

from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef enum:
    QUOTES_MAX = 256                 # instruments with a live quote or a protection, of one session

cdef struct Protection:              # 64 bytes: rule 20.9
    uint64_t volume_max              # each limit 0: none; what has none is not counted
    uint64_t delta_max
    uint64_t volume                  # executed since the window began
    int64_t delta                    # bought less sold
    uint64_t due_next                # within a command: number of the next that was reached, or 0
    uint32_t executions_max
    uint32_t executions
    uint32_t window_seconds          # 0: without end
    uint32_t window_first            # Engine.second_next when it began
    uint32_t window_day              # Engine.days + 1 when it began; 0: none has begun
    bint is_reached                  # until it is reset

cdef struct SessionQuotes:
    uint32_t count                   # places in use, some perhaps of quotes that have left
    # What quote_place_near has found last: an order meets many others in one instrument. It decides
    # nothing, and is not saved.
    uint32_t near_instrument         # and 1; 0: nothing
    uint32_t near_place
    uint32_t instruments[256]
    uint32_t slots[256][2]           # of the bid and the ask; 0: there never was one
    Protection protections[256]


cdef inline uint32_t quote_place(const SessionQuotes* quotes, uint32_t instrument) noexcept nogil:
    """The place of an instrument, or `count`."""
    cdef uint32_t place = 0
    while place < quotes.count and quotes.instruments[place] != instrument:
        place += 1
    return place


cdef inline uint32_t quote_place_near(SessionQuotes* quotes, uint32_t instrument) noexcept nogil:
    """Likewise, for each execution."""
    if quotes.near_instrument != instrument + 1:
        quotes.near_instrument = instrument + 1
        quotes.near_place = quote_place(quotes, instrument)
    return quotes.near_place


cdef inline bint protection_is_set(const Protection* protection) noexcept nogil:
    return (protection.volume_max | protection.delta_max | protection.executions_max) != 0
