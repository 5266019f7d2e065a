"""ITCH 5.0 as a whole, and its face to Python: messages as dicts."""

from libc.stdint cimport uint8_t

from ironcore.base.status cimport (
    STATUS_MALFORMED, STATUS_OK, STATUS_TRUNCATED, STATUS_UNKNOWN_TYPE, Status,
)
from ironcore.wire.itch50_orders cimport (
    ITCH50_ADD_ORDER, ITCH50_ADD_ORDER_BYTES, ITCH50_ADD_ORDER_MPID, ITCH50_ADD_ORDER_MPID_BYTES,
    ITCH50_BROKEN_TRADE, ITCH50_BROKEN_TRADE_BYTES, ITCH50_CROSS_TRADE, ITCH50_CROSS_TRADE_BYTES,
    ITCH50_NOII, ITCH50_NOII_BYTES, ITCH50_ORDER_CANCEL, ITCH50_ORDER_CANCEL_BYTES,
    ITCH50_ORDER_DELETE, ITCH50_ORDER_DELETE_BYTES, ITCH50_ORDER_EXECUTED,
    ITCH50_ORDER_EXECUTED_BYTES, ITCH50_ORDER_EXECUTED_WITH_PRICE,
    ITCH50_ORDER_EXECUTED_WITH_PRICE_BYTES, ITCH50_ORDER_REPLACE, ITCH50_ORDER_REPLACE_BYTES,
    ITCH50_RPII, ITCH50_RPII_BYTES, ITCH50_TRADE, ITCH50_TRADE_BYTES, itch50_decode_add_order,
    itch50_decode_add_order_mpid, itch50_decode_broken_trade, itch50_decode_cross_trade,
    itch50_decode_noii, itch50_decode_order_cancel, itch50_decode_order_delete,
    itch50_decode_order_executed, itch50_decode_order_executed_with_price,
    itch50_decode_order_replace, itch50_decode_rpii, itch50_decode_trade, itch50_encode_add_order,
    itch50_encode_add_order_mpid, itch50_encode_broken_trade, itch50_encode_cross_trade,
    itch50_encode_noii, itch50_encode_order_cancel, itch50_encode_order_delete,
    itch50_encode_order_executed, itch50_encode_order_executed_with_price,
    itch50_encode_order_replace, itch50_encode_rpii, itch50_encode_trade,
)
from ironcore.wire.itch50_reference cimport (
    ITCH50_DLCR_PRICE_DISCOVERY, ITCH50_DLCR_PRICE_DISCOVERY_BYTES,
    ITCH50_IPO_QUOTING_PERIOD_UPDATE, ITCH50_IPO_QUOTING_PERIOD_UPDATE_BYTES,
    ITCH50_LULD_AUCTION_COLLAR, ITCH50_LULD_AUCTION_COLLAR_BYTES,
    ITCH50_MARKET_PARTICIPANT_POSITION, ITCH50_MARKET_PARTICIPANT_POSITION_BYTES,
    ITCH50_MWCB_DECLINE_LEVEL, ITCH50_MWCB_DECLINE_LEVEL_BYTES, ITCH50_MWCB_STATUS,
    ITCH50_MWCB_STATUS_BYTES, ITCH50_OPERATIONAL_HALT, ITCH50_OPERATIONAL_HALT_BYTES,
    ITCH50_REG_SHO_RESTRICTION, ITCH50_REG_SHO_RESTRICTION_BYTES, ITCH50_STOCK_DIRECTORY,
    ITCH50_STOCK_DIRECTORY_BYTES, ITCH50_STOCK_TRADING_ACTION, ITCH50_STOCK_TRADING_ACTION_BYTES,
    ITCH50_SYSTEM_EVENT, ITCH50_SYSTEM_EVENT_BYTES, itch50_decode_dlcr_price_discovery,
    itch50_decode_ipo_quoting_period_update, itch50_decode_luld_auction_collar,
    itch50_decode_market_participant_position, itch50_decode_mwcb_decline_level,
    itch50_decode_mwcb_status, itch50_decode_operational_halt, itch50_decode_reg_sho_restriction,
    itch50_decode_stock_directory, itch50_decode_stock_trading_action, itch50_decode_system_event,
    itch50_encode_dlcr_price_discovery, itch50_encode_ipo_quoting_period_update,
    itch50_encode_luld_auction_collar, itch50_encode_market_participant_position,
    itch50_encode_mwcb_decline_level, itch50_encode_mwcb_status, itch50_encode_operational_halt,
    itch50_encode_reg_sho_restriction, itch50_encode_stock_directory,
    itch50_encode_stock_trading_action, itch50_encode_system_event,
)
from ironcore.wire.layout cimport Layout, Protocol


cdef size_t itch50_message_bytes(uint8_t message_type) noexcept nogil:
    if message_type == ITCH50_SYSTEM_EVENT:
        return ITCH50_SYSTEM_EVENT_BYTES
    if message_type == ITCH50_STOCK_DIRECTORY:
        return ITCH50_STOCK_DIRECTORY_BYTES
    if message_type == ITCH50_STOCK_TRADING_ACTION:
        return ITCH50_STOCK_TRADING_ACTION_BYTES
    if message_type == ITCH50_REG_SHO_RESTRICTION:
        return ITCH50_REG_SHO_RESTRICTION_BYTES
    if message_type == ITCH50_MARKET_PARTICIPANT_POSITION:
        return ITCH50_MARKET_PARTICIPANT_POSITION_BYTES
    if message_type == ITCH50_MWCB_DECLINE_LEVEL:
        return ITCH50_MWCB_DECLINE_LEVEL_BYTES
    if message_type == ITCH50_MWCB_STATUS:
        return ITCH50_MWCB_STATUS_BYTES
    if message_type == ITCH50_IPO_QUOTING_PERIOD_UPDATE:
        return ITCH50_IPO_QUOTING_PERIOD_UPDATE_BYTES
    if message_type == ITCH50_LULD_AUCTION_COLLAR:
        return ITCH50_LULD_AUCTION_COLLAR_BYTES
    if message_type == ITCH50_OPERATIONAL_HALT:
        return ITCH50_OPERATIONAL_HALT_BYTES
    if message_type == ITCH50_ADD_ORDER:
        return ITCH50_ADD_ORDER_BYTES
    if message_type == ITCH50_ADD_ORDER_MPID:
        return ITCH50_ADD_ORDER_MPID_BYTES
    if message_type == ITCH50_ORDER_EXECUTED:
        return ITCH50_ORDER_EXECUTED_BYTES
    if message_type == ITCH50_ORDER_EXECUTED_WITH_PRICE:
        return ITCH50_ORDER_EXECUTED_WITH_PRICE_BYTES
    if message_type == ITCH50_ORDER_CANCEL:
        return ITCH50_ORDER_CANCEL_BYTES
    if message_type == ITCH50_ORDER_DELETE:
        return ITCH50_ORDER_DELETE_BYTES
    if message_type == ITCH50_ORDER_REPLACE:
        return ITCH50_ORDER_REPLACE_BYTES
    if message_type == ITCH50_TRADE:
        return ITCH50_TRADE_BYTES
    if message_type == ITCH50_CROSS_TRADE:
        return ITCH50_CROSS_TRADE_BYTES
    if message_type == ITCH50_BROKEN_TRADE:
        return ITCH50_BROKEN_TRADE_BYTES
    if message_type == ITCH50_NOII:
        return ITCH50_NOII_BYTES
    if message_type == ITCH50_RPII:
        return ITCH50_RPII_BYTES
    if message_type == ITCH50_DLCR_PRICE_DISCOVERY:
        return ITCH50_DLCR_PRICE_DISCOVERY_BYTES
    return 0


cdef Status itch50_check(const uint8_t* buffer, size_t bytes) noexcept nogil:
    cdef size_t bytes_exact
    if bytes == 0:
        return STATUS_TRUNCATED
    bytes_exact = itch50_message_bytes(buffer[0])
    if bytes_exact == 0:
        return STATUS_UNKNOWN_TYPE
    if bytes != bytes_exact:
        return STATUS_TRUNCATED if bytes < bytes_exact else STATUS_MALFORMED
    return STATUS_OK


cdef Status itch50_decode(const uint8_t* buffer, size_t bytes,
                          ItchMessage* out) noexcept nogil:
    if bytes == 0:
        return STATUS_TRUNCATED
    if buffer[0] == ITCH50_SYSTEM_EVENT:
        return itch50_decode_system_event(buffer, bytes, &out.system_event)
    if buffer[0] == ITCH50_STOCK_DIRECTORY:
        return itch50_decode_stock_directory(buffer, bytes, &out.stock_directory)
    if buffer[0] == ITCH50_STOCK_TRADING_ACTION:
        return itch50_decode_stock_trading_action(buffer, bytes, &out.stock_trading_action)
    if buffer[0] == ITCH50_REG_SHO_RESTRICTION:
        return itch50_decode_reg_sho_restriction(buffer, bytes, &out.reg_sho_restriction)
    if buffer[0] == ITCH50_MARKET_PARTICIPANT_POSITION:
        return itch50_decode_market_participant_position(buffer, bytes,
                                                         &out.market_participant_position)
    if buffer[0] == ITCH50_MWCB_DECLINE_LEVEL:
        return itch50_decode_mwcb_decline_level(buffer, bytes, &out.mwcb_decline_level)
    if buffer[0] == ITCH50_MWCB_STATUS:
        return itch50_decode_mwcb_status(buffer, bytes, &out.mwcb_status)
    if buffer[0] == ITCH50_IPO_QUOTING_PERIOD_UPDATE:
        return itch50_decode_ipo_quoting_period_update(buffer, bytes,
                                                       &out.ipo_quoting_period_update)
    if buffer[0] == ITCH50_LULD_AUCTION_COLLAR:
        return itch50_decode_luld_auction_collar(buffer, bytes, &out.luld_auction_collar)
    if buffer[0] == ITCH50_OPERATIONAL_HALT:
        return itch50_decode_operational_halt(buffer, bytes, &out.operational_halt)
    if buffer[0] == ITCH50_ADD_ORDER:
        return itch50_decode_add_order(buffer, bytes, &out.add_order)
    if buffer[0] == ITCH50_ADD_ORDER_MPID:
        return itch50_decode_add_order_mpid(buffer, bytes, &out.add_order_mpid)
    if buffer[0] == ITCH50_ORDER_EXECUTED:
        return itch50_decode_order_executed(buffer, bytes, &out.order_executed)
    if buffer[0] == ITCH50_ORDER_EXECUTED_WITH_PRICE:
        return itch50_decode_order_executed_with_price(buffer, bytes,
                                                       &out.order_executed_with_price)
    if buffer[0] == ITCH50_ORDER_CANCEL:
        return itch50_decode_order_cancel(buffer, bytes, &out.order_cancel)
    if buffer[0] == ITCH50_ORDER_DELETE:
        return itch50_decode_order_delete(buffer, bytes, &out.order_delete)
    if buffer[0] == ITCH50_ORDER_REPLACE:
        return itch50_decode_order_replace(buffer, bytes, &out.order_replace)
    if buffer[0] == ITCH50_TRADE:
        return itch50_decode_trade(buffer, bytes, &out.trade)
    if buffer[0] == ITCH50_CROSS_TRADE:
        return itch50_decode_cross_trade(buffer, bytes, &out.cross_trade)
    if buffer[0] == ITCH50_BROKEN_TRADE:
        return itch50_decode_broken_trade(buffer, bytes, &out.broken_trade)
    if buffer[0] == ITCH50_NOII:
        return itch50_decode_noii(buffer, bytes, &out.noii)
    if buffer[0] == ITCH50_RPII:
        return itch50_decode_rpii(buffer, bytes, &out.rpii)
    if buffer[0] == ITCH50_DLCR_PRICE_DISCOVERY:
        return itch50_decode_dlcr_price_discovery(buffer, bytes, &out.dlcr_price_discovery)
    return STATUS_UNKNOWN_TYPE


cdef size_t itch50_encode(uint8_t message_type, const ItchMessage* message,
                          uint8_t* out) noexcept nogil:
    if message_type == ITCH50_SYSTEM_EVENT:
        return itch50_encode_system_event(&message.system_event, out)
    if message_type == ITCH50_STOCK_DIRECTORY:
        return itch50_encode_stock_directory(&message.stock_directory, out)
    if message_type == ITCH50_STOCK_TRADING_ACTION:
        return itch50_encode_stock_trading_action(&message.stock_trading_action, out)
    if message_type == ITCH50_REG_SHO_RESTRICTION:
        return itch50_encode_reg_sho_restriction(&message.reg_sho_restriction, out)
    if message_type == ITCH50_MARKET_PARTICIPANT_POSITION:
        return itch50_encode_market_participant_position(&message.market_participant_position, out)
    if message_type == ITCH50_MWCB_DECLINE_LEVEL:
        return itch50_encode_mwcb_decline_level(&message.mwcb_decline_level, out)
    if message_type == ITCH50_MWCB_STATUS:
        return itch50_encode_mwcb_status(&message.mwcb_status, out)
    if message_type == ITCH50_IPO_QUOTING_PERIOD_UPDATE:
        return itch50_encode_ipo_quoting_period_update(&message.ipo_quoting_period_update, out)
    if message_type == ITCH50_LULD_AUCTION_COLLAR:
        return itch50_encode_luld_auction_collar(&message.luld_auction_collar, out)
    if message_type == ITCH50_OPERATIONAL_HALT:
        return itch50_encode_operational_halt(&message.operational_halt, out)
    if message_type == ITCH50_ADD_ORDER:
        return itch50_encode_add_order(&message.add_order, out)
    if message_type == ITCH50_ADD_ORDER_MPID:
        return itch50_encode_add_order_mpid(&message.add_order_mpid, out)
    if message_type == ITCH50_ORDER_EXECUTED:
        return itch50_encode_order_executed(&message.order_executed, out)
    if message_type == ITCH50_ORDER_EXECUTED_WITH_PRICE:
        return itch50_encode_order_executed_with_price(&message.order_executed_with_price, out)
    if message_type == ITCH50_ORDER_CANCEL:
        return itch50_encode_order_cancel(&message.order_cancel, out)
    if message_type == ITCH50_ORDER_DELETE:
        return itch50_encode_order_delete(&message.order_delete, out)
    if message_type == ITCH50_ORDER_REPLACE:
        return itch50_encode_order_replace(&message.order_replace, out)
    if message_type == ITCH50_TRADE:
        return itch50_encode_trade(&message.trade, out)
    if message_type == ITCH50_CROSS_TRADE:
        return itch50_encode_cross_trade(&message.cross_trade, out)
    if message_type == ITCH50_BROKEN_TRADE:
        return itch50_encode_broken_trade(&message.broken_trade, out)
    if message_type == ITCH50_NOII:
        return itch50_encode_noii(&message.noii, out)
    if message_type == ITCH50_RPII:
        return itch50_encode_rpii(&message.rpii, out)
    if message_type == ITCH50_DLCR_PRICE_DISCOVERY:
        return itch50_encode_dlcr_price_discovery(&message.dlcr_price_discovery, out)
    return 0


# "@" stands for what every message begins with.
cdef Protocol _messages = Protocol("ITCH", """
S SystemEvent 12 @ event_code:c
R StockDirectory 39 @ stock:a8 market_category:c financial_status:c round_lot_size:u4
    round_lots_only:c issue_classification:c issue_subtype:a2 authenticity:c
    short_sale_threshold:c ipo_flag:c luld_tier:c etp_flag:c etp_leverage_factor:u4
    inverse_indicator:c
H StockTradingAction 25 @ stock:a8 trading_state:c reserved:c reason:a4
Y RegSHORestriction 20 @ stock:a8 reg_sho_action:c
L MarketParticipantPosition 26 @ mpid:a4 stock:a8 primary_market_maker:c market_maker_mode:c
    participant_state:c
V MWCBDeclineLevel 35 @ level1:u8 level2:u8 level3:u8
W MWCBStatus 12 @ breached_level:c
K IPOQuotingPeriodUpdate 28 @ stock:a8 release_time:u4 release_qualifier:c ipo_price:u4
J LULDAuctionCollar 35 @ stock:a8 reference_price:u4 upper_price:u4 lower_price:u4 extension:u4
h OperationalHalt 21 @ stock:a8 market_code:c halt_action:c
A AddOrder 36 @ order_ref:u8 side:c shares:u4 stock:a8 price:u4
F AddOrderMPID 40 @ order_ref:u8 side:c shares:u4 stock:a8 price:u4 attribution:a4
E OrderExecuted 31 @ order_ref:u8 executed_shares:u4 match_number:u8
C OrderExecutedWithPrice 36 @ order_ref:u8 executed_shares:u4 match_number:u8 printable:c
    execution_price:u4
X OrderCancel 23 @ order_ref:u8 cancelled_shares:u4
D OrderDelete 19 @ order_ref:u8
U OrderReplace 35 @ original_order_ref:u8 new_order_ref:u8 shares:u4 price:u4
P Trade 44 @ order_ref:u8 side:c shares:u4 stock:a8 price:u4 match_number:u8
Q CrossTrade 40 @ shares:u8 stock:a8 cross_price:u4 match_number:u8 cross_type:c
B BrokenTrade 19 @ match_number:u8
I NOII 50 @ paired_shares:u8 imbalance_shares:u8 imbalance_direction:c stock:a8 far_price:u4
    near_price:u4 reference_price:u4 cross_type:c price_variation:c
N RPII 20 @ stock:a8 interest_flag:c
O DLCRPriceDiscovery 48 @ stock:a8 open_eligibility:c min_allowable_price:u4
    max_allowable_price:u4 near_execution_price:u4 near_execution_time:u8 lower_collar:u4
    upper_collar:u4
""".replace("@", "stock_locate:u2 tracking_number:u2 timestamp:u6"), (
    sizeof(ItchSystemEvent),
    sizeof(ItchStockDirectory),
    sizeof(ItchStockTradingAction),
    sizeof(ItchRegSHORestriction),
    sizeof(ItchMarketParticipantPosition),
    sizeof(ItchMWCBDeclineLevel),
    sizeof(ItchMWCBStatus),
    sizeof(ItchIPOQuotingPeriodUpdate),
    sizeof(ItchLULDAuctionCollar),
    sizeof(ItchOperationalHalt),
    sizeof(ItchAddOrder),
    sizeof(ItchAddOrderMPID),
    sizeof(ItchOrderExecuted),
    sizeof(ItchOrderExecutedWithPrice),
    sizeof(ItchOrderCancel),
    sizeof(ItchOrderDelete),
    sizeof(ItchOrderReplace),
    sizeof(ItchTrade),
    sizeof(ItchCrossTrade),
    sizeof(ItchBrokenTrade),
    sizeof(ItchNOII),
    sizeof(ItchRPII),
    sizeof(ItchDLCRPriceDiscovery),
), {"stock_locate": 0, "tracking_number": 0, "reserved": " "})


def decode(const uint8_t[::1] data not None):
    """The message in data as a dict: its `kind` and its fields."""
    cdef size_t bytes = <size_t>data.shape[0]
    cdef const uint8_t* buffer = &data[0] if bytes else NULL
    cdef Layout layout = _messages.layout_of_type(buffer, bytes)
    cdef ItchMessage message
    if itch50_decode(buffer, bytes, &message) != STATUS_OK:
        raise layout.size_error(buffer, bytes)
    return layout.load(<const uint8_t*>&message)


def encode(str kind not None, **fields):
    """The message of this kind with these fields, as bytes."""
    cdef Layout layout = _messages.layout_of_kind(kind)
    cdef ItchMessage message
    cdef uint8_t[ITCH50_MESSAGE_BYTES_MAX] out
    layout.store(fields, <uint8_t*>&message)
    return (<char*>out)[:itch50_encode(<uint8_t>layout.type, &message, out)]


def message_bytes():
    """Bytes of each kind of message."""
    return {kind: (<Layout>layout).wire_bytes for kind, layout in _messages.by_kind.items()}
