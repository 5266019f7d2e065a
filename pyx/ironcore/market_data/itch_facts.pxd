# What the ITCH messages of the event stream repeat of earlier records.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    ITCH_INSTRUMENTS_MAX = 65535     # every number that a stock locate can have
    ITCH_SESSIONS_MAX = 65535        # firms kept; sessions beyond are not attributed
    ITCH_SYMBOL_BYTES = 8
    ITCH_FIRM_BYTES = 4

cdef struct ItchFeed:
    char stream_name[10]             # of STREAM_START; zeros before it
    uint64_t midnight_ns             # from which ITCH's timestamps count
    uint64_t sequence                # of the last frame applied
    uint64_t message_count           # since the stream began: the Mold sequence of the last one
    uint8_t* symbols                 # 8 bytes an instrument
    uint32_t* lot_sizes              # by instrument
    uint8_t* firms                   # 4 bytes a session
    uint32_t user_ref_bits           # slot = session << user_ref_bits | user_ref
    bint transaction_open            # the next frame holds events only
    uint64_t timestamp               # of the command in hand, ns since midnight
    uint32_t instrument              # of the command in hand
    uint8_t initial_state            # of the DEFINE_INSTRUMENT in hand


cdef inline uint16_t itch_locate(uint32_t instrument) noexcept nogil:
    """ITCH's number of an instrument; 0: of none."""
    return <uint16_t>(instrument + 1) if instrument < ITCH_INSTRUMENTS_MAX else 0
