"""Events about orders and trades as ITCH 5.0 messages.

What is not on the visible book is told of where it trades only, and then without its reference and
its side (P, as Nasdaq publishes it; in an auction the cross's Q says all of it).
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.market_data.itch_facts cimport (
    ITCH_FIRM_BYTES, ITCH_SYMBOL_BYTES, ItchFeed, itch_locate,
)
from ironcore.stream.facts cimport facts_has_session, facts_session
from ironcore.wire.itch50_orders cimport (
    ItchAddOrder, ItchAddOrderMPID, ItchBrokenTrade, ItchCrossTrade, ItchOrderCancel,
    ItchOrderDelete, ItchOrderExecuted, ItchOrderExecutedWithPrice, ItchOrderReplace, ItchTrade,
    itch50_encode_add_order, itch50_encode_add_order_mpid, itch50_encode_broken_trade,
    itch50_encode_cross_trade, itch50_encode_order_cancel, itch50_encode_order_delete,
    itch50_encode_order_executed, itch50_encode_order_executed_with_price,
    itch50_encode_order_replace, itch50_encode_trade,
)
from ironcore.wire.record cimport (
    EVENT_ADDED, EVENT_ATTRIBUTED, EVENT_AT_CLOSE, EVENT_BROKEN, EVENT_CANCELED, EVENT_CROSS,
    EVENT_CROSSED, EVENT_CROSSES, EVENT_EXECUTED, EVENT_MODIFIED, EVENT_REDUCED, EVENT_REPLACED,
    EVENT_REPLENISHED, EVENT_SELL, EVENT_VISIBLE, Event,
)

cdef enum:
    SIDE_BUY = 66                    # 'B'
    SIDE_SELL = 83                   # 'S'
    PRINTABLE = 89                   # 'Y'
    NOT_PRINTABLE = 78               # 'N'


cdef inline uint16_t _locate(const ItchFeed* feed, const Event* event) noexcept nogil:
    """ITCH's number of the event's instrument; 0 where the event is of none."""
    cdef uint64_t own = 0
    if event.type == EVENT_CANCELED or event.type == EVENT_REDUCED:
        own = event.other >> 32
    return <uint16_t>own if own else itch_locate(feed.instrument)


cdef inline void _stock(const ItchFeed* feed, uint16_t locate, char* out) noexcept nogil:
    memset(out, c' ', ITCH_SYMBOL_BYTES)
    if locate:
        memcpy(out, feed.facts.instruments[locate - 1].defined.symbol, ITCH_SYMBOL_BYTES)


cdef inline const char* _firm(const ItchFeed* feed, const Event* event) noexcept nogil:
    """The four characters that the order is attributed to; NULL when it is not."""
    cdef uint32_t session = facts_session(&feed.facts, event.slot)
    if not event.flags & EVENT_ATTRIBUTED or not facts_has_session(&feed.facts, session):
        return NULL
    return feed.facts.sessions[session].firm


cdef size_t _added(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    cdef ItchAddOrder plain
    cdef ItchAddOrderMPID m
    cdef const char* firm = _firm(feed, event)
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.order_ref = event.order_ref
    m.side = SIDE_SELL if event.flags & EVENT_SELL else SIDE_BUY
    m.shares = event.quantity
    _stock(feed, m.stock_locate, m.stock)
    m.price = <uint32_t>event.price
    if firm != NULL:
        memcpy(m.attribution, firm, ITCH_FIRM_BYTES)
        return itch50_encode_add_order_mpid(&m, out)
    plain.stock_locate = m.stock_locate
    plain.tracking_number = 0
    plain.timestamp = m.timestamp
    plain.order_ref = m.order_ref
    plain.side = m.side
    plain.shares = m.shares
    memcpy(plain.stock, m.stock, ITCH_SYMBOL_BYTES)
    plain.price = m.price
    return itch50_encode_add_order(&plain, out)


cdef size_t _executed(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    cdef ItchOrderExecuted m
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.order_ref = event.order_ref
    m.executed_shares = event.quantity
    m.match_number = event.other
    return itch50_encode_order_executed(&m, out)


cdef size_t _executed_unseen(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    """ITCH has no reference and always 'B' where the resting order is not displayed."""
    cdef ItchTrade m
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.order_ref = 0
    m.side = SIDE_BUY
    m.shares = event.quantity
    _stock(feed, m.stock_locate, m.stock)
    m.price = <uint32_t>event.price
    m.match_number = event.other
    return itch50_encode_trade(&m, out)


cdef size_t _executed_elsewhere(const ItchFeed* feed, const Event* event, uint8_t printable,
                                uint8_t* out) noexcept nogil:
    """At another price than the one at which it rests. What an auction executes is counted by the
    cross already: not printable."""
    cdef ItchOrderExecutedWithPrice m
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.order_ref = event.order_ref
    m.executed_shares = event.quantity
    m.match_number = event.other
    m.printable = printable
    m.execution_price = <uint32_t>event.price
    return itch50_encode_order_executed_with_price(&m, out)


cdef size_t _cross(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    cdef ItchCrossTrade m
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.shares = event.order_ref
    _stock(feed, m.stock_locate, m.stock)
    m.cross_price = <uint32_t>event.price
    m.match_number = event.other
    m.cross_type = event.reason
    return itch50_encode_cross_trade(&m, out)


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
    m.price = <uint32_t>event.price
    return itch50_encode_order_replace(&m, out)


cdef size_t _broken(const ItchFeed* feed, const Event* event, uint8_t* out) noexcept nogil:
    cdef ItchBrokenTrade m
    m.stock_locate = _locate(feed, event)
    m.tracking_number = 0
    m.timestamp = feed.timestamp
    m.match_number = event.other
    return itch50_encode_broken_trade(&m, out)


cdef size_t itch_order_message(const ItchFeed* feed, const Event* event,
                               uint8_t* out) noexcept nogil:
    if not event.flags & EVENT_VISIBLE:
        return _executed_unseen(feed, event, out) if event.type == EVENT_EXECUTED else 0
    if event.type == EVENT_ADDED or event.type == EVENT_REPLENISHED:
        return _added(feed, event, out)
    if event.type == EVENT_EXECUTED and event.flags & EVENT_AT_CLOSE:
        return _executed_elsewhere(feed, event, PRINTABLE, out)
    if event.type == EVENT_EXECUTED:
        return _executed(feed, event, out)
    if event.type == EVENT_CANCELED or event.type == EVENT_REDUCED:
        if <uint32_t>event.other:
            return _reduced(feed, event, event.quantity, out)
        return _deleted(feed, event, event.order_ref, out)
    if event.type == EVENT_REPLACED:
        if event.flags & EVENT_CROSSES:
            return _deleted(feed, event, event.other, out)
        return _replaced(feed, event, out)
    if event.type == EVENT_MODIFIED and event.other:
        return _reduced(feed, event, <uint32_t>event.other, out)
    if event.type == EVENT_CROSSED:
        return _executed_elsewhere(feed, event, NOT_PRINTABLE, out)
    if event.type == EVENT_CROSS:
        return _cross(feed, event, out)
    if event.type == EVENT_BROKEN:
        return _broken(feed, event, out)
    return 0
