"""Translates the event stream into ITCH 5.0, one message for each event that the public may see.

A pure function of the frames: the publisher, its restart, replay tools and the simulator all get
the same messages with the same numbers. The order's reference in ITCH is the venue's own.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.status cimport STATUS_CORRUPT, STATUS_LIMIT, STATUS_OK
from ironcore.market_data.itch_facts cimport ItchFeed
from ironcore.market_data.itch_orders cimport itch_order_message
from ironcore.market_data.itch_states cimport (
    itch_state_message, itch_stock_directory, itch_trading_action,
)
from ironcore.stream.facts cimport (
    FACTS_INSTRUMENTS_MAX, FACTS_SESSIONS_MAX, facts_close, facts_day_ns, facts_open, facts_take,
)
from ironcore.stream.walk cimport walk_command, walk_take
from ironcore.wire.codec cimport store_u16_be
from ironcore.wire.moldudp64 cimport MOLD_BLOCK_HEADER_BYTES
from ironcore.wire.record cimport (
    COMMAND_DEFINE_INSTRUMENT, EVENT_INSTRUMENT_DEFINED, EVENT_INSTRUMENT_NEXT, STATE_CONTINUOUS,
    CommandHeader, DefineInstrument, Event,
)


cdef int itch_feed_open(ItchFeed* feed) noexcept nogil:
    memset(feed, 0, sizeof(feed[0]))
    if facts_open(&feed.facts, FACTS_INSTRUMENTS_MAX, FACTS_SESSIONS_MAX) != STATUS_OK:
        return STATUS_LIMIT
    return STATUS_OK


cdef void itch_feed_close(ItchFeed* feed) noexcept nogil:
    facts_close(&feed.facts)


cdef int _begin_transaction(ItchFeed* feed) noexcept nogil:
    """Take in the command in hand: STATUS_OK, or STATUS_CORRUPT."""
    cdef const CommandHeader* header = walk_command(&feed.walk)
    cdef uint8_t initial_state
    if facts_take(&feed.facts, header) != STATUS_OK:
        return STATUS_CORRUPT
    if header.type == COMMAND_DEFINE_INSTRUMENT:
        initial_state = (<const DefineInstrument*>header).initial_state
        feed.initial_state = initial_state if initial_state else STATE_CONTINUOUS
    feed.timestamp = facts_day_ns(&feed.facts, header)
    feed.instrument = header.instrument
    return STATUS_OK


cdef inline void _append(ItchFeed* feed, size_t message_bytes, uint8_t* out,
                         uint32_t* out_bytes) noexcept nogil:
    """Take in the message written behind the next length."""
    if message_bytes == 0:
        return
    store_u16_be(out + out_bytes[0], <uint16_t>message_bytes)
    out_bytes[0] += MOLD_BLOCK_HEADER_BYTES + <uint32_t>message_bytes
    feed.message_count += 1


cdef void _event(ItchFeed* feed, const Event* event, uint8_t* out,
                 uint32_t* out_bytes) noexcept nogil:
    cdef uint8_t* at = out + out_bytes[0] + MOLD_BLOCK_HEADER_BYTES
    cdef size_t bytes
    if event.type == EVENT_INSTRUMENT_DEFINED:
        if feed.initial_state == 0:
            return                   # no definition, or not the first event that says so
        _append(feed, itch_stock_directory(feed, at), out, out_bytes)
        at = out + out_bytes[0] + MOLD_BLOCK_HEADER_BYTES
        _append(feed, itch_trading_action(feed, feed.initial_state, b"    ", at), out, out_bytes)
        feed.initial_state = 0
        return
    if event.type == EVENT_INSTRUMENT_NEXT:
        feed.instrument = event.slot
        return
    bytes = itch_order_message(feed, event, at)
    if bytes == 0:
        bytes = itch_state_message(feed, event, at)
    _append(feed, bytes, out, out_bytes)


cdef int itch_feed_apply(ItchFeed* feed, uint64_t sequence, const uint8_t* payload,
                         uint32_t payload_bytes, uint8_t* out, uint32_t* out_bytes) noexcept nogil:
    cdef uint32_t i
    cdef int status = walk_take(&feed.walk, sequence, payload, payload_bytes)
    out_bytes[0] = 0
    if status == STATUS_OK and feed.walk.begins:
        status = _begin_transaction(feed)
    if status != STATUS_OK:
        return status
    for i in range(feed.walk.events_count):
        _event(feed, &feed.walk.events[i], out, out_bytes)
    return STATUS_OK


cdef class Feed:
    """ITCH messages of a stream whose frames are given one after the other, from the first on."""

    def __cinit__(self):
        if itch_feed_open(&self.feed) != STATUS_OK:
            raise MemoryError

    def __dealloc__(self):
        itch_feed_close(&self.feed)

    def apply(self, uint64_t sequence, const uint8_t[::1] payload):
        """The frame's messages, each behind its u16 length, as bytes. ValueError for a frame that
        does not continue the stream."""
        cdef uint8_t out[ITCH_FEED_OUT_BYTES_MAX]
        cdef uint32_t out_bytes = 0
        if payload.shape[0] == 0 or itch_feed_apply(
            &self.feed, sequence, &payload[0], <uint32_t>payload.shape[0], out, &out_bytes
        ) != STATUS_OK:
            raise ValueError(f"frame {sequence} does not continue the stream after frame "
                             f"{self.feed.walk.sequence}")
        return out[:out_bytes]

    @property
    def message_count(self):
        """Messages so far; the number of the last one in MoldUDP64."""
        return self.feed.message_count

    @property
    def stream_name(self):
        """The stream's name, which is its MoldUDP64 session; ten zeros before it has begun."""
        return self.feed.facts.start.stream_name[:10]

    @property
    def midnight_ns(self):
        """UNIX time of the midnight from which the messages' timestamps count."""
        return self.feed.facts.start.midnight_ns
