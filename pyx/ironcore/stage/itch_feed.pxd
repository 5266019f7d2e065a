# The event stream as the public sees it: each visible event is one ITCH 5.0 message.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.wire.record cimport SystemEventCommand

cdef enum:
    # A frame's events, 32 bytes each, become at most 50 bytes and a length each.
    ITCH_FEED_OUT_BYTES_MAX = 2080

cdef struct ItchFeed:
    char stream_name[10]             # of STREAM_START; zeros before it
    uint64_t midnight_ns             # from which ITCH's timestamps count
    uint64_t sequence                # of the last frame applied
    uint64_t message_count           # since the stream began: the Mold sequence of the last one
    uint8_t* symbols                 # 8 bytes an instrument
    uint32_t instruments_max
    bint transaction_open            # the next frame holds events only
    uint64_t timestamp               # of the command in hand, ns since midnight
    uint32_t instrument              # of the command in hand
    uint32_t lot_size                # of the DEFINE_INSTRUMENT in hand

# STATUS_LIMIT: no memory.
cdef int itch_feed_open(ItchFeed* feed) noexcept nogil
cdef void itch_feed_close(ItchFeed* feed) noexcept nogil
# Translates the next frame. `out` has room for ITCH_FEED_OUT_BYTES_MAX and gets *out_bytes of
# messages, each behind its u16 length as in a MoldUDP64 block or an ITCH file. STATUS_CORRUPT: not
# the next frame of a stream; nothing was written and the feed cannot go on.
cdef int itch_feed_apply(ItchFeed* feed, uint64_t sequence, const uint8_t* payload,
                         uint32_t payload_bytes, uint8_t* out, uint32_t* out_bytes) noexcept nogil

cdef class Feed:
    cdef ItchFeed feed
