"""Translates the event stream into ITCH 5.0, one message for each event that the public may see.

A pure function of the frames: the publisher, its restart, replay tools and the simulator all get
the same messages with the same numbers. The order's reference in ITCH is the venue's own.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from ironcore.base.status cimport STATUS_CORRUPT, STATUS_LIMIT, STATUS_OK
from ironcore.wire.codec cimport store_u16_be
from ironcore.wire.itch50_orders cimport (
    ItchAddOrder, ItchOrderCancel, ItchOrderDelete, ItchOrderExecuted, ItchOrderReplace,
    itch50_encode_add_order, itch50_encode_order_cancel, itch50_encode_order_delete,
    itch50_encode_order_executed, itch50_encode_order_replace,
)
from ironcore.wire.itch50_reference cimport (
    ItchStockDirectory, ItchSystemEvent, itch50_encode_stock_directory, itch50_encode_system_event,
)
from ironcore.wire.moldudp64 cimport MOLD_BLOCK_HEADER_BYTES
from ironcore.wire.record cimport (
    COMMAND_BYTES_MAX, COMMAND_DEFINE_INSTRUMENT, COMMAND_HEADER_BYTES, COMMAND_STREAM_START,
    EVENT_ADDED, EVENT_BYTES, EVENT_CANCELED, EVENT_CROSSES, EVENT_EXECUTED,
    EVENT_INSTRUMENT_DEFINED, EVENT_MODIFIED, EVENT_REPLACED, EVENT_SELL, EVENT_SYSTEM,
    EVENT_VISIBLE, FRAME_PAYLOAD_BYTES_MAX, RECORD_LAST, CommandHeader, DefineInstrument, Event,
    StreamStart,
)

cdef enum:
    SYMBOL_BYTES = 8
    # Every number that a stock locate can have.
    INSTRUMENTS_MAX = 65535
    SIDE_BUY = 66                    # 'B'
    SIDE_SELL = 83                   # 'S'


cdef int itch_feed_open(ItchFeed* feed) noexcept nogil:
    memset(feed, 0, sizeof(feed[0]))
    feed.instruments_max = INSTRUMENTS_MAX
    feed.symbols = <uint8_t*>calloc(INSTRUMENTS_MAX, SYMBOL_BYTES)
    return STATUS_OK if feed.symbols != NULL else STATUS_LIMIT


cdef void itch_feed_close(ItchFeed* feed) noexcept nogil:
    free(feed.symbols)
    feed.symbols = NULL


cdef inline uint16_t _locate(const ItchFeed* feed, const Event* event) noexcept nogil:
    """ITCH's number of the event's instrument; 0 where the event is of none."""
    cdef uint64_t own = event.other >> 32 if event.type == EVENT_CANCELED else 0
    if own:
        return <uint16_t>own
    return <uint16_t>(feed.instrument + 1) if feed.instrument < feed.instruments_max else 0


cdef size_t _stock_directory(const ItchFeed* feed, uint8_t* out) noexcept nogil:
    """Lot size and symbol are the venue's; the rest says 'an ordinary stock in good standing'."""
    cdef ItchStockDirectory m
    if feed.instrument >= feed.instruments_max:
        return 0
    memset(&m, 0, sizeof(m))
    m.stock_locate = <uint16_t>(feed.instrument + 1)
    m.timestamp = feed.timestamp
    memcpy(m.stock, feed.symbols + feed.instrument * SYMBOL_BYTES, SYMBOL_BYTES)
    m.market_category = c'Q'
    m.financial_status = c'N'
    m.round_lot_size = feed.lot_size
    m.round_lots_only = c'Y' if feed.lot_size > 1 else c'N'
    m.issue_classification = c'C'
    memcpy(m.issue_subtype, b"Z ", 2)
    m.authenticity = c'P'
    m.short_sale_threshold = c' '
    m.ipo_flag = c' '
    m.luld_tier = c' '
    m.etp_flag = c' '
    m.inverse_indicator = c'N'
    return itch50_encode_stock_directory(&m, out)


cdef size_t _system_event(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    cdef ItchSystemEvent m
    m.stock_locate = 0
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.event_code = event.reason
    return itch50_encode_system_event(&m, out)


cdef size_t _add_order(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    cdef ItchAddOrder m
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.order_ref = event.order_ref
    m.side = SIDE_SELL if event.flags & EVENT_SELL else SIDE_BUY
    m.shares = event.quantity
    memset(m.stock, c' ', SYMBOL_BYTES)
    if m.stock_locate:
        memcpy(m.stock, feed.symbols + (m.stock_locate - 1) * SYMBOL_BYTES, SYMBOL_BYTES)
    m.price = <uint32_t>event.price_e4
    return itch50_encode_add_order(&m, out)


cdef size_t _executed(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    cdef ItchOrderExecuted m
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.order_ref = event.order_ref
    m.executed_shares = event.quantity
    m.match_number = event.other
    return itch50_encode_order_executed(&m, out)


cdef size_t _reduced(const ItchFeed* feed, const Event* event, uint32_t shares,
                     uint8_t* out) noexcept nogil:
    cdef ItchOrderCancel m
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.order_ref = event.order_ref
    m.cancelled_shares = shares
    return itch50_encode_order_cancel(&m, out)


cdef size_t _deleted(const ItchFeed* feed, const Event* event, uint64_t order_ref,
                     uint8_t* out) noexcept nogil:
    cdef ItchOrderDelete m
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.order_ref = order_ref
    return itch50_encode_order_delete(&m, out)


cdef size_t _replaced(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    cdef ItchOrderReplace m
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.original_order_ref = event.other
    m.new_order_ref = event.order_ref
    m.shares = event.quantity
    m.price = <uint32_t>event.price_e4
    return itch50_encode_order_replace(&m, out)


cdef size_t _message(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    """The event's message; 0 bytes when the public does not see it."""
    if event.type == EVENT_INSTRUMENT_DEFINED:
        return _stock_directory(feed, out)
    if event.type == EVENT_SYSTEM:
        return _system_event(feed, event, out)
    if not event.flags & EVENT_VISIBLE:
        return 0
    if event.type == EVENT_ADDED:
        return _add_order(feed, event, out)
    if event.type == EVENT_EXECUTED:
        return _executed(feed, event, out)
    if event.type == EVENT_CANCELED:
        if <uint32_t>event.other:
            return _reduced(feed, event, event.quantity, out)
        return _deleted(feed, event, event.order_ref, out)
    if event.type == EVENT_REPLACED:
        if event.flags & EVENT_CROSSES:
            return _deleted(feed, event, event.other, out)
        return _replaced(feed, event, out)
    if event.type == EVENT_MODIFIED and event.other:
        return _reduced(feed, event, <uint32_t>event.other, out)
    return 0


cdef int _begin_transaction(ItchFeed* feed, const uint8_t* payload,
                            uint32_t payload_bytes) noexcept nogil:
    """Take the command in hand: STATUS_OK, or STATUS_CORRUPT."""
    cdef const CommandHeader* header = <const CommandHeader*>payload
    cdef const StreamStart* start = <const StreamStart*>payload
    cdef const DefineInstrument* definition = <const DefineInstrument*>payload
    if (payload_bytes < COMMAND_HEADER_BYTES
            or header.record_bytes < COMMAND_HEADER_BYTES
            or header.record_bytes > payload_bytes
            or header.record_bytes > COMMAND_BYTES_MAX
            or header.type >= 128):
        return STATUS_CORRUPT
    if header.type == COMMAND_STREAM_START:
        if header.record_bytes < sizeof(StreamStart):
            return STATUS_CORRUPT
        memcpy(feed.stream_name, start.stream_name, sizeof(feed.stream_name))
        feed.midnight_ns = start.midnight_ns
    elif header.type == COMMAND_DEFINE_INSTRUMENT:
        if header.record_bytes < sizeof(DefineInstrument) or header.instrument >= INSTRUMENTS_MAX:
            return STATUS_CORRUPT
        memcpy(feed.symbols + header.instrument * SYMBOL_BYTES, definition.symbol, SYMBOL_BYTES)
        feed.lot_size = definition.lot_size
    feed.timestamp = header.time_ns - feed.midnight_ns
    feed.instrument = header.instrument
    feed.transaction_open = not header.flags & RECORD_LAST
    return STATUS_OK


cdef int itch_feed_apply(ItchFeed* feed, uint64_t sequence, const uint8_t* payload,
                         uint32_t payload_bytes, uint8_t* out, uint32_t* out_bytes) noexcept nogil:
    cdef const Event* event
    cdef uint32_t offset = 0
    cdef size_t message_bytes
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
        message_bytes = _message(feed, event, out + out_bytes[0] + MOLD_BLOCK_HEADER_BYTES)
        if message_bytes:
            store_u16_be(out + out_bytes[0], <uint16_t>message_bytes)
            out_bytes[0] += MOLD_BLOCK_HEADER_BYTES + <uint32_t>message_bytes
            feed.message_count += 1
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
