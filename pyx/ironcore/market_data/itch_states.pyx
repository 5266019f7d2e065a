"""Events about instruments and the venue as ITCH 5.0 messages."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.market_data.itch_facts cimport ITCH_SYMBOL_BYTES, ItchFeed, itch_locate
from ironcore.wire.itch50_orders cimport ItchNOII, itch50_encode_noii
from ironcore.wire.itch50_reference cimport (
    ItchLULDAuctionCollar, ItchStockDirectory, ItchStockTradingAction, ItchSystemEvent,
    itch50_encode_luld_auction_collar, itch50_encode_stock_directory,
    itch50_encode_stock_trading_action, itch50_encode_system_event,
)
from ironcore.wire.record cimport (
    EVENT_COLLARS, EVENT_INDICATIVE, EVENT_INSTRUMENT_CHANGED, EVENT_INSTRUMENT_RETIRED,
    EVENT_STATE_CHANGED, EVENT_SYSTEM, EVENT_VISIBLE, STATE_CLOSED, STATE_CONTINUOUS, STATE_HALTED,
    STATE_PAUSED, STATE_RETIRED, Event,
)


cdef size_t itch_stock_directory(const ItchFeed* feed, uint8_t* out) noexcept nogil:
    """Lot size and symbol are the venue's; the rest says 'an ordinary stock in good standing'."""
    cdef ItchStockDirectory m
    memset(&m, 0, sizeof(m))
    m.stock_locate = itch_locate(feed.instrument)
    if m.stock_locate == 0:
        return 0
    m.timestamp = feed.timestamp
    memcpy(m.stock, feed.facts.instruments[feed.instrument].defined.symbol, ITCH_SYMBOL_BYTES)
    m.market_category = c'Q'
    m.financial_status = c'N'
    m.round_lot_size = feed.facts.instruments[feed.instrument].defined.lot_size
    m.round_lots_only = c'Y' if m.round_lot_size > 1 else c'N'
    m.issue_classification = c'C'
    memcpy(m.issue_subtype, b"Z ", 2)
    m.authenticity = c'P'
    m.short_sale_threshold = c' '
    m.ipo_flag = c' '
    m.luld_tier = c' '
    m.etp_flag = c' '
    m.inverse_indicator = c'N'
    return itch50_encode_stock_directory(&m, out)


cdef inline uint8_t _trading_state(uint8_t state) noexcept nogil:
    """ITCH knows trading, halted, paused and quotation only."""
    if state == STATE_CONTINUOUS:
        return c'T'
    if state == STATE_HALTED or state == STATE_CLOSED or state == STATE_RETIRED:
        return c'H'
    return c'P' if state == STATE_PAUSED else c'Q'


cdef size_t itch_trading_action(const ItchFeed* feed, uint8_t state, const char* reason,
                                uint8_t* out) noexcept nogil:
    cdef ItchStockTradingAction m
    m.stock_locate = itch_locate(feed.instrument)
    if m.stock_locate == 0:
        return 0
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    memcpy(m.stock, feed.facts.instruments[feed.instrument].defined.symbol, ITCH_SYMBOL_BYTES)
    m.trading_state = _trading_state(state)
    m.reserved = c' '
    memcpy(m.reason, reason, 4)
    return itch50_encode_stock_trading_action(&m, out)


cdef size_t _system_event(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    cdef ItchSystemEvent m
    m.stock_locate = 0
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.event_code = event.reason
    return itch50_encode_system_event(&m, out)


cdef inline uint8_t _variation(uint32_t price, uint32_t reference) noexcept nogil:
    """ITCH's code of how far the indicative price is from the reference, in per cent."""
    cdef uint64_t distance, percent
    if price == 0 or reference == 0:
        return c' '
    distance = price - reference if price > reference else reference - price
    percent = distance * 100 // reference
    if percent < 1:
        return c'L'
    if percent < 10:
        return <uint8_t>(c'0' + percent)
    if percent < 20:
        return c'A'
    return c'B' if percent < 30 else c'C'


cdef size_t _indicative(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    """The near price is that of an auction of all orders, as ours is; there is no auction of the
    cross orders alone, so that the far price is not available."""
    cdef ItchNOII m
    cdef uint16_t locate = <uint16_t>(event.other >> 32)
    if locate == 0:
        return 0
    m.stock_locate = locate
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.paired_shares = event.order_ref
    m.imbalance_shares = event.quantity | event.other << 32
    m.imbalance_direction = event.side
    memcpy(m.stock, feed.facts.instruments[locate - 1].defined.symbol, ITCH_SYMBOL_BYTES)
    m.far_price = 0
    m.near_price = <uint32_t>event.price
    m.reference_price = event.slot
    m.cross_type = event.reason
    m.price_variation = _variation(m.near_price, m.reference_price)
    return itch50_encode_noii(&m, out)


cdef size_t _collars(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    cdef ItchLULDAuctionCollar m
    m.stock_locate = itch_locate(feed.instrument)
    if m.stock_locate == 0:
        return 0
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    memcpy(m.stock, feed.facts.instruments[feed.instrument].defined.symbol, ITCH_SYMBOL_BYTES)
    m.reference_price = <uint32_t>event.price
    m.upper_price = <uint32_t>(event.order_ref >> 32)
    m.lower_price = <uint32_t>event.order_ref
    m.extension = event.quantity
    return itch50_encode_luld_auction_collar(&m, out)


cdef size_t itch_state_message(const ItchFeed* feed, const Event* event,
                               uint8_t* out) noexcept nogil:
    if event.type == EVENT_SYSTEM:
        return _system_event(feed, event, out)
    if event.type == EVENT_INSTRUMENT_CHANGED:
        return itch_stock_directory(feed, out)
    if event.type == EVENT_INSTRUMENT_RETIRED:
        return itch_trading_action(feed, STATE_RETIRED, b"    ", out)
    if not event.flags & EVENT_VISIBLE:
        return 0
    if event.type == EVENT_STATE_CHANGED:
        return itch_trading_action(feed, event.reason, <const char*>&event.quantity, out)
    if event.type == EVENT_INDICATIVE:
        return _indicative(feed, event, out)
    if event.type == EVENT_COLLARS:
        return _collars(feed, event, out)
    return 0
