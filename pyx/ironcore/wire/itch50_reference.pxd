# ITCH 5.0: stocks, their trading state, and the venue's.
#
# Fields are host-endian and named as in docs/WIRE.md. Prices have their instrument's decimals, text
# is padded with spaces and has no terminator, timestamp is ns since midnight (48 bits on the wire),
# stock_locate 0 is "no particular stock".
#
# A decoder wants exactly one message: `bytes` is its whole length. STATUS_TRUNCATED: it ends early;
# STATUS_MALFORMED: it is too long; STATUS_UNKNOWN_TYPE: another type byte.
# An encoder returns the bytes written, always ..._BYTES.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.status cimport Status

cdef enum:
    ITCH50_SYSTEM_EVENT = 0x53       # 'S'
    ITCH50_STOCK_DIRECTORY = 0x52    # 'R'
    ITCH50_STOCK_TRADING_ACTION = 0x48  # 'H'
    ITCH50_REG_SHO_RESTRICTION = 0x59  # 'Y'
    ITCH50_MARKET_PARTICIPANT_POSITION = 0x4C  # 'L'
    ITCH50_MWCB_DECLINE_LEVEL = 0x56  # 'V'
    ITCH50_MWCB_STATUS = 0x57        # 'W'
    ITCH50_IPO_QUOTING_PERIOD_UPDATE = 0x4B  # 'K'
    ITCH50_LULD_AUCTION_COLLAR = 0x4A  # 'J'
    ITCH50_OPERATIONAL_HALT = 0x68   # 'h'
    ITCH50_DLCR_PRICE_DISCOVERY = 0x4F  # 'O'

cdef enum:
    ITCH50_SYSTEM_EVENT_BYTES = 12
    ITCH50_STOCK_DIRECTORY_BYTES = 39
    ITCH50_STOCK_TRADING_ACTION_BYTES = 25
    ITCH50_REG_SHO_RESTRICTION_BYTES = 20
    ITCH50_MARKET_PARTICIPANT_POSITION_BYTES = 26
    ITCH50_MWCB_DECLINE_LEVEL_BYTES = 35
    ITCH50_MWCB_STATUS_BYTES = 12
    ITCH50_IPO_QUOTING_PERIOD_UPDATE_BYTES = 28
    ITCH50_LULD_AUCTION_COLLAR_BYTES = 35
    ITCH50_OPERATIONAL_HALT_BYTES = 21
    ITCH50_DLCR_PRICE_DISCOVERY_BYTES = 48

cdef struct ItchSystemEvent:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint8_t event_code

cdef struct ItchStockDirectory:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    char stock[8]
    uint8_t market_category
    uint8_t financial_status
    uint32_t round_lot_size
    uint8_t round_lots_only
    uint8_t issue_classification
    char issue_subtype[2]
    uint8_t authenticity
    uint8_t short_sale_threshold
    uint8_t ipo_flag
    uint8_t luld_tier
    uint8_t etp_flag
    uint32_t etp_leverage_factor
    uint8_t inverse_indicator

cdef struct ItchStockTradingAction:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    char stock[8]
    uint8_t trading_state
    uint8_t reserved
    char reason[4]

cdef struct ItchRegSHORestriction:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    char stock[8]
    uint8_t reg_sho_action

cdef struct ItchMarketParticipantPosition:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    char mpid[4]
    char stock[8]
    uint8_t primary_market_maker
    uint8_t market_maker_mode
    uint8_t participant_state

cdef struct ItchMWCBDeclineLevel:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t level1                  # 8 decimals, as level2 and level3
    uint64_t level2
    uint64_t level3

cdef struct ItchMWCBStatus:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint8_t breached_level

cdef struct ItchIPOQuotingPeriodUpdate:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    char stock[8]
    uint32_t release_time            # seconds since midnight
    uint8_t release_qualifier
    uint32_t ipo_price

cdef struct ItchLULDAuctionCollar:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    char stock[8]
    uint32_t reference_price
    uint32_t upper_price
    uint32_t lower_price
    uint32_t extension

cdef struct ItchOperationalHalt:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    char stock[8]
    uint8_t market_code
    uint8_t halt_action

cdef struct ItchDLCRPriceDiscovery:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    char stock[8]
    uint8_t open_eligibility
    uint32_t min_allowable_price
    uint32_t max_allowable_price
    uint32_t near_execution_price
    uint64_t near_execution_time
    uint32_t lower_collar
    uint32_t upper_collar

cdef Status itch50_decode_system_event(const uint8_t* buffer, size_t bytes,
                                       ItchSystemEvent* out) noexcept nogil
cdef size_t itch50_encode_system_event(const ItchSystemEvent* message, uint8_t* out) noexcept nogil
cdef Status itch50_decode_stock_directory(const uint8_t* buffer, size_t bytes,
                                          ItchStockDirectory* out) noexcept nogil
cdef size_t itch50_encode_stock_directory(const ItchStockDirectory* message,
                                          uint8_t* out) noexcept nogil
cdef Status itch50_decode_stock_trading_action(const uint8_t* buffer, size_t bytes,
                                               ItchStockTradingAction* out) noexcept nogil
cdef size_t itch50_encode_stock_trading_action(const ItchStockTradingAction* message,
                                               uint8_t* out) noexcept nogil
cdef Status itch50_decode_reg_sho_restriction(const uint8_t* buffer, size_t bytes,
                                              ItchRegSHORestriction* out) noexcept nogil
cdef size_t itch50_encode_reg_sho_restriction(const ItchRegSHORestriction* message,
                                              uint8_t* out) noexcept nogil
cdef Status itch50_decode_market_participant_position(
        const uint8_t* buffer, size_t bytes, ItchMarketParticipantPosition* out) noexcept nogil
cdef size_t itch50_encode_market_participant_position(const ItchMarketParticipantPosition* message,
                                                      uint8_t* out) noexcept nogil
cdef Status itch50_decode_mwcb_decline_level(const uint8_t* buffer, size_t bytes,
                                             ItchMWCBDeclineLevel* out) noexcept nogil
cdef size_t itch50_encode_mwcb_decline_level(const ItchMWCBDeclineLevel* message,
                                             uint8_t* out) noexcept nogil
cdef Status itch50_decode_mwcb_status(const uint8_t* buffer, size_t bytes,
                                      ItchMWCBStatus* out) noexcept nogil
cdef size_t itch50_encode_mwcb_status(const ItchMWCBStatus* message, uint8_t* out) noexcept nogil
cdef Status itch50_decode_ipo_quoting_period_update(const uint8_t* buffer, size_t bytes,
                                                    ItchIPOQuotingPeriodUpdate* out) noexcept nogil
cdef size_t itch50_encode_ipo_quoting_period_update(const ItchIPOQuotingPeriodUpdate* message,
                                                    uint8_t* out) noexcept nogil
cdef Status itch50_decode_luld_auction_collar(const uint8_t* buffer, size_t bytes,
                                              ItchLULDAuctionCollar* out) noexcept nogil
cdef size_t itch50_encode_luld_auction_collar(const ItchLULDAuctionCollar* message,
                                              uint8_t* out) noexcept nogil
cdef Status itch50_decode_operational_halt(const uint8_t* buffer, size_t bytes,
                                           ItchOperationalHalt* out) noexcept nogil
cdef size_t itch50_encode_operational_halt(const ItchOperationalHalt* message,
                                           uint8_t* out) noexcept nogil
cdef Status itch50_decode_dlcr_price_discovery(const uint8_t* buffer, size_t bytes,
                                               ItchDLCRPriceDiscovery* out) noexcept nogil
cdef size_t itch50_encode_dlcr_price_discovery(const ItchDLCRPriceDiscovery* message,
                                               uint8_t* out) noexcept nogil
