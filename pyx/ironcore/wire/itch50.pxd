# ITCH 5.0 as a whole: any message, for whoever handles all of them alike.

from libc.stdint cimport uint8_t

from ironcore.base.status cimport Status
from ironcore.wire.itch50_orders cimport (
    ItchAddOrder, ItchAddOrderMPID, ItchBrokenTrade, ItchCrossTrade, ItchNOII, ItchOrderCancel,
    ItchOrderDelete, ItchOrderExecuted, ItchOrderExecutedWithPrice, ItchOrderReplace, ItchRPII,
    ItchTrade,
)
from ironcore.wire.itch50_reference cimport (
    ItchDLCRPriceDiscovery, ItchIPOQuotingPeriodUpdate, ItchLULDAuctionCollar, ItchMWCBDeclineLevel,
    ItchMWCBStatus, ItchMarketParticipantPosition, ItchOperationalHalt, ItchRegSHORestriction,
    ItchStockDirectory, ItchStockTradingAction, ItchSystemEvent,
)

cdef enum:
    ITCH50_MESSAGE_BYTES_MAX = 50

cdef union ItchMessage:
    ItchSystemEvent system_event
    ItchStockDirectory stock_directory
    ItchStockTradingAction stock_trading_action
    ItchRegSHORestriction reg_sho_restriction
    ItchMarketParticipantPosition market_participant_position
    ItchMWCBDeclineLevel mwcb_decline_level
    ItchMWCBStatus mwcb_status
    ItchIPOQuotingPeriodUpdate ipo_quoting_period_update
    ItchLULDAuctionCollar luld_auction_collar
    ItchOperationalHalt operational_halt
    ItchAddOrder add_order
    ItchAddOrderMPID add_order_mpid
    ItchOrderExecuted order_executed
    ItchOrderExecutedWithPrice order_executed_with_price
    ItchOrderCancel order_cancel
    ItchOrderDelete order_delete
    ItchOrderReplace order_replace
    ItchTrade trade
    ItchCrossTrade cross_trade
    ItchBrokenTrade broken_trade
    ItchNOII noii
    ItchRPII rpii
    ItchDLCRPriceDiscovery dlcr_price_discovery

# Bytes of a message of this type; 0 for a type that ITCH 5.0 does not have.
cdef size_t itch50_message_bytes(uint8_t message_type) noexcept nogil
# Is it one whole message? STATUS_TRUNCATED, STATUS_MALFORMED (too long) or STATUS_UNKNOWN_TYPE.
cdef Status itch50_check(const uint8_t* buffer, size_t bytes) noexcept nogil
# The message that the type byte at the start names; statuses as of itch50_check.
cdef Status itch50_decode(const uint8_t* buffer, size_t bytes, ItchMessage* out) noexcept nogil
# The bytes written; 0 for an unknown type.
cdef size_t itch50_encode(uint8_t message_type, const ItchMessage* message,
                          uint8_t* out) noexcept nogil
