"""Translates the event stream into ITCH 5.0, one message for each event that the public may see.

A pure function of the frames: the publisher, its restart, replay tools and the simulator all get
the same messages with the same numbers. The order's reference in ITCH is the venue's own.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from ironcore.base.status cimport STATUS_CORRUPT, STATUS_LIMIT, STATUS_OK
from ironcore.stage.day_end cimport day_ns
from ironcore.market_data.itch_facts cimport (
    ITCH_FIRM_BYTES, ITCH_INSTRUMENTS_MAX, ITCH_SESSIONS_MAX, ITCH_SYMBOL_BYTES, ItchFeed,
)
from ironcore.market_data.itch_orders cimport itch_order_message
from ironcore.market_data.itch_states cimport (
    itch_state_message, itch_stock_directory, itch_trading_action,
)
from ironcore.wire.codec cimport store_u16_be
from ironcore.wire.moldudp64 cimport MOLD_BLOCK_HEADER_BYTES
from ironcore.wire.record cimport (
    COMMAND_BYTES_MAX, COMMAND_CHANGE_INSTRUMENT, COMMAND_DEFINE_INSTRUMENT,
    COMMAND_DEFINE_SESSION, COMMAND_HEADER_BYTES, COMMAND_STREAM_START, EVENT_BYTES,
    EVENT_INSTRUMENT_DEFINED, FRAME_PAYLOAD_BYTES_MAX, RECORD_LAST, STATE_CONTINUOUS,
    CommandHeader, DefineInstrument, DefineSession, Event, StreamStart,
)


cdef int itch_feed_open(ItchFeed* feed) noexcept nogil:
    memset(feed, 0, sizeof(feed[0]))
    feed.symbols = <uint8_t*>calloc(ITCH_INSTRUMENTS_MAX, ITCH_SYMBOL_BYTES)
    feed.lot_sizes = <uint32_t*>calloc(ITCH_INSTRUMENTS_MAX, sizeof(uint32_t))
    feed.firms = <uint8_t*>calloc(ITCH_SESSIONS_MAX + 1, ITCH_FIRM_BYTES)
    if feed.symbols == NULL or feed.lot_sizes == NULL or feed.firms == NULL:
        itch_feed_close(feed)
        return STATUS_LIMIT
    return STATUS_OK


cdef void itch_feed_close(ItchFeed* feed) noexcept nogil:
    free(feed.symbols)
    free(feed.lot_sizes)
    free(feed.firms)
    feed.symbols = NULL
    feed.lot_sizes = NULL
    feed.firms = NULL


cdef int _take_instrument(ItchFeed* feed, const DefineInstrument* command) noexcept nogil:
    cdef uint32_t instrument = command.header.instrument
    if (command.header.record_bytes < sizeof(DefineInstrument)
            or instrument >= ITCH_INSTRUMENTS_MAX):
        return STATUS_CORRUPT
    feed.lot_sizes[instrument] = command.lot_size
    if command.header.type == COMMAND_DEFINE_INSTRUMENT:
        memcpy(feed.symbols + instrument * ITCH_SYMBOL_BYTES, command.symbol, ITCH_SYMBOL_BYTES)
        feed.initial_state = command.initial_state if command.initial_state else STATE_CONTINUOUS
    return STATUS_OK


cdef int _take_session(ItchFeed* feed, const DefineSession* command) noexcept nogil:
    if command.header.record_bytes < sizeof(DefineSession):
        return STATUS_CORRUPT
    if command.header.session <= ITCH_SESSIONS_MAX:
        memcpy(feed.firms + command.header.session * ITCH_FIRM_BYTES, command.firm,
               ITCH_FIRM_BYTES)
    return STATUS_OK


cdef int _take_start(ItchFeed* feed, const StreamStart* command) noexcept nogil:
    if command.header.record_bytes < sizeof(StreamStart) or command.user_ref_bits > 31:
        return STATUS_CORRUPT
    memcpy(feed.stream_name, command.stream_name, sizeof(feed.stream_name))
    feed.midnight_ns = command.midnight_ns
    feed.user_ref_bits = command.user_ref_bits
    return STATUS_OK


cdef int _begin_transaction(ItchFeed* feed, const uint8_t* payload,
                            uint32_t payload_bytes) noexcept nogil:
    """Take the command in hand: STATUS_OK, or STATUS_CORRUPT."""
    cdef const CommandHeader* header = <const CommandHeader*>payload
    cdef int status = STATUS_OK
    if (payload_bytes < COMMAND_HEADER_BYTES
            or header.record_bytes < COMMAND_HEADER_BYTES
            or header.record_bytes > payload_bytes
            or header.record_bytes > COMMAND_BYTES_MAX
            or header.type >= 128):
        return STATUS_CORRUPT
    if header.type == COMMAND_STREAM_START:
        status = _take_start(feed, <const StreamStart*>payload)
    elif header.type == COMMAND_DEFINE_INSTRUMENT or header.type == COMMAND_CHANGE_INSTRUMENT:
        status = _take_instrument(feed, <const DefineInstrument*>payload)
    elif header.type == COMMAND_DEFINE_SESSION:
        status = _take_session(feed, <const DefineSession*>payload)
    if status != STATUS_OK:
        return status
    feed.timestamp = day_ns(header.time_ns, feed.midnight_ns)
    feed.instrument = header.instrument
    feed.transaction_open = not header.flags & RECORD_LAST
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
    bytes = itch_order_message(feed, event, at)
    if bytes == 0:
        bytes = itch_state_message(feed, event, at)
    _append(feed, bytes, out, out_bytes)


cdef int itch_feed_apply(ItchFeed* feed, uint64_t sequence, const uint8_t* payload,
                         uint32_t payload_bytes, uint8_t* out, uint32_t* out_bytes) noexcept nogil:
    cdef const Event* event
    cdef uint32_t offset = 0
    out_bytes[0] = 0
    if sequence != feed.sequence + 1 or payload_bytes > FRAME_PAYLOAD_BYTES_MAX:
        return STATUS_CORRUPT
    if not feed.transaction_open:
        if _begin_transaction(feed, payload, payload_bytes) != STATUS_OK:
            return STATUS_CORRUPT
        offset = (<const CommandHeader*>payload).record_bytes
    if (payload_bytes - offset) % EVENT_BYTES or (offset < payload_bytes
                                                  and not feed.transaction_open):
        return STATUS_CORRUPT
    feed.sequence = sequence
    while offset < payload_bytes:
        event = <const Event*>(payload + offset)
        offset += EVENT_BYTES
        if event.flags & RECORD_LAST:
            feed.transaction_open = False
        _event(feed, event, out, out_bytes)
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
                             f"{self.feed.sequence}")
        return out[:out_bytes]

    @property
    def message_count(self):
        """Messages so far; the number of the last one in MoldUDP64."""
        return self.feed.message_count

    @property
    def stream_name(self):
        """The stream's name, which is its MoldUDP64 session; ten zeros before it has begun."""
        return self.feed.stream_name[:10]

    @property
    def midnight_ns(self):
        """UNIX time of the midnight from which the messages' timestamps count."""
        return self.feed.midnight_ns
