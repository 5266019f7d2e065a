# The event stream as the public sees it: each visible event is an ITCH 5.0 message.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.market_data.itch_facts cimport ItchFeed

cdef enum:
    # A frame's events, 32 bytes each, become at most 50 bytes and a length each; one, of an
    # instrument's definition, becomes two messages of 39 and 25 bytes.
    ITCH_FEED_OUT_BYTES_MAX = 2096

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
