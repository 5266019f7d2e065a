# What the ITCH messages of the event stream repeat of earlier records.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.stream.facts cimport StreamFacts
from ironcore.stream.walk cimport Walk

cdef enum:
    ITCH_INSTRUMENTS_MAX = 65535     # every number that a stock locate can have
    ITCH_SYMBOL_BYTES = 8
    ITCH_FIRM_BYTES = 4

cdef struct ItchFeed:
    StreamFacts facts
    Walk walk
    uint64_t message_count           # since the stream began: the Mold sequence of the last one
    uint64_t timestamp               # of the command in hand, ns since midnight
    uint32_t instrument              # of the command in hand, or the last INSTRUMENT_NEXT
    uint8_t initial_state            # of the DEFINE_INSTRUMENT in hand


cdef inline uint16_t itch_locate(uint32_t instrument) noexcept nogil:
    """ITCH's number of an instrument; 0: of none."""
    return <uint16_t>(instrument + 1) if instrument < ITCH_INSTRUMENTS_MAX else 0
