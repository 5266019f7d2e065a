"""ITCH 5.0, stocks and trading states: decoders and encoders."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_OK, Status
from ironcore.wire.codec cimport check_exact, load_u32_be, load_u64_be, store_u32_be, store_u64_be
from ironcore.wire.itch50_header cimport itch50_load_header, itch50_store_header


cdef Status itch50_decode_system_event(const uint8_t* buffer, size_t bytes,
                                       ItchSystemEvent* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_SYSTEM_EVENT, ITCH50_SYSTEM_EVENT_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.event_code = buffer[11]
    return STATUS_OK


cdef size_t itch50_encode_system_event(const ItchSystemEvent* message, uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_SYSTEM_EVENT, message.stock_locate, message.tracking_number,
                        message.timestamp)
    out[11] = message.event_code
    return ITCH50_SYSTEM_EVENT_BYTES


cdef Status itch50_decode_stock_directory(const uint8_t* buffer, size_t bytes,
                                          ItchStockDirectory* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_STOCK_DIRECTORY,
                                     ITCH50_STOCK_DIRECTORY_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    memcpy(out.stock, buffer + 11, 8)
    out.market_category = buffer[19]
    out.financial_status = buffer[20]
    out.round_lot_size = load_u32_be(buffer + 21)
    out.round_lots_only = buffer[25]
    out.issue_classification = buffer[26]
    memcpy(out.issue_subtype, buffer + 27, 2)
    out.authenticity = buffer[29]
    out.short_sale_threshold = buffer[30]
    out.ipo_flag = buffer[31]
    out.luld_tier = buffer[32]
    out.etp_flag = buffer[33]
    out.etp_leverage_factor = load_u32_be(buffer + 34)
    out.inverse_indicator = buffer[38]
    return STATUS_OK


cdef size_t itch50_encode_stock_directory(const ItchStockDirectory* message,
                                          uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_STOCK_DIRECTORY, message.stock_locate, message.tracking_number,
                        message.timestamp)
    memcpy(out + 11, message.stock, 8)
    out[19] = message.market_category
    out[20] = message.financial_status
    store_u32_be(out + 21, message.round_lot_size)
    out[25] = message.round_lots_only
    out[26] = message.issue_classification
    memcpy(out + 27, message.issue_subtype, 2)
    out[29] = message.authenticity
    out[30] = message.short_sale_threshold
    out[31] = message.ipo_flag
    out[32] = message.luld_tier
    out[33] = message.etp_flag
    store_u32_be(out + 34, message.etp_leverage_factor)
    out[38] = message.inverse_indicator
    return ITCH50_STOCK_DIRECTORY_BYTES


cdef Status itch50_decode_stock_trading_action(const uint8_t* buffer, size_t bytes,
                                               ItchStockTradingAction* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_STOCK_TRADING_ACTION,
                                     ITCH50_STOCK_TRADING_ACTION_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    memcpy(out.stock, buffer + 11, 8)
    out.trading_state = buffer[19]
    out.reserved = buffer[20]
    memcpy(out.reason, buffer + 21, 4)
    return STATUS_OK


cdef size_t itch50_encode_stock_trading_action(const ItchStockTradingAction* message,
                                               uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_STOCK_TRADING_ACTION,
                        message.stock_locate, message.tracking_number, message.timestamp)
    memcpy(out + 11, message.stock, 8)
    out[19] = message.trading_state
    out[20] = message.reserved
    memcpy(out + 21, message.reason, 4)
    return ITCH50_STOCK_TRADING_ACTION_BYTES


cdef Status itch50_decode_reg_sho_restriction(const uint8_t* buffer, size_t bytes,
                                              ItchRegSHORestriction* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_REG_SHO_RESTRICTION,
                                     ITCH50_REG_SHO_RESTRICTION_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    memcpy(out.stock, buffer + 11, 8)
    out.reg_sho_action = buffer[19]
    return STATUS_OK


cdef size_t itch50_encode_reg_sho_restriction(const ItchRegSHORestriction* message,
                                              uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_REG_SHO_RESTRICTION,
                        message.stock_locate, message.tracking_number, message.timestamp)
    memcpy(out + 11, message.stock, 8)
    out[19] = message.reg_sho_action
    return ITCH50_REG_SHO_RESTRICTION_BYTES


cdef Status itch50_decode_market_participant_position(
        const uint8_t* buffer, size_t bytes, ItchMarketParticipantPosition* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_MARKET_PARTICIPANT_POSITION,
                                     ITCH50_MARKET_PARTICIPANT_POSITION_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    memcpy(out.mpid, buffer + 11, 4)
    memcpy(out.stock, buffer + 15, 8)
    out.primary_market_maker = buffer[23]
    out.market_maker_mode = buffer[24]
    out.participant_state = buffer[25]
    return STATUS_OK


cdef size_t itch50_encode_market_participant_position(const ItchMarketParticipantPosition* message,
                                                      uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_MARKET_PARTICIPANT_POSITION,
                        message.stock_locate, message.tracking_number, message.timestamp)
    memcpy(out + 11, message.mpid, 4)
    memcpy(out + 15, message.stock, 8)
    out[23] = message.primary_market_maker
    out[24] = message.market_maker_mode
    out[25] = message.participant_state
    return ITCH50_MARKET_PARTICIPANT_POSITION_BYTES


cdef Status itch50_decode_mwcb_decline_level(const uint8_t* buffer, size_t bytes,
                                             ItchMWCBDeclineLevel* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_MWCB_DECLINE_LEVEL,
                                     ITCH50_MWCB_DECLINE_LEVEL_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.level1 = load_u64_be(buffer + 11)
    out.level2 = load_u64_be(buffer + 19)
    out.level3 = load_u64_be(buffer + 27)
    return STATUS_OK


cdef size_t itch50_encode_mwcb_decline_level(const ItchMWCBDeclineLevel* message,
                                             uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_MWCB_DECLINE_LEVEL,
                        message.stock_locate, message.tracking_number, message.timestamp)
    store_u64_be(out + 11, message.level1)
    store_u64_be(out + 19, message.level2)
    store_u64_be(out + 27, message.level3)
    return ITCH50_MWCB_DECLINE_LEVEL_BYTES


cdef Status itch50_decode_mwcb_status(const uint8_t* buffer, size_t bytes,
                                      ItchMWCBStatus* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_MWCB_STATUS, ITCH50_MWCB_STATUS_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.breached_level = buffer[11]
    return STATUS_OK


cdef size_t itch50_encode_mwcb_status(const ItchMWCBStatus* message, uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_MWCB_STATUS, message.stock_locate, message.tracking_number,
                        message.timestamp)
    out[11] = message.breached_level
    return ITCH50_MWCB_STATUS_BYTES


cdef Status itch50_decode_ipo_quoting_period_update(const uint8_t* buffer, size_t bytes,
                                                    ItchIPOQuotingPeriodUpdate* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_IPO_QUOTING_PERIOD_UPDATE,
                                     ITCH50_IPO_QUOTING_PERIOD_UPDATE_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    memcpy(out.stock, buffer + 11, 8)
    out.release_time = load_u32_be(buffer + 19)
    out.release_qualifier = buffer[23]
    out.ipo_price = load_u32_be(buffer + 24)
    return STATUS_OK


cdef size_t itch50_encode_ipo_quoting_period_update(const ItchIPOQuotingPeriodUpdate* message,
                                                    uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_IPO_QUOTING_PERIOD_UPDATE,
                        message.stock_locate, message.tracking_number, message.timestamp)
    memcpy(out + 11, message.stock, 8)
    store_u32_be(out + 19, message.release_time)
    out[23] = message.release_qualifier
    store_u32_be(out + 24, message.ipo_price)
    return ITCH50_IPO_QUOTING_PERIOD_UPDATE_BYTES


cdef Status itch50_decode_luld_auction_collar(const uint8_t* buffer, size_t bytes,
                                              ItchLULDAuctionCollar* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_LULD_AUCTION_COLLAR,
                                     ITCH50_LULD_AUCTION_COLLAR_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    memcpy(out.stock, buffer + 11, 8)
    out.reference_price = load_u32_be(buffer + 19)
    out.upper_price = load_u32_be(buffer + 23)
    out.lower_price = load_u32_be(buffer + 27)
    out.extension = load_u32_be(buffer + 31)
    return STATUS_OK


cdef size_t itch50_encode_luld_auction_collar(const ItchLULDAuctionCollar* message,
                                              uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_LULD_AUCTION_COLLAR,
                        message.stock_locate, message.tracking_number, message.timestamp)
    memcpy(out + 11, message.stock, 8)
    store_u32_be(out + 19, message.reference_price)
    store_u32_be(out + 23, message.upper_price)
    store_u32_be(out + 27, message.lower_price)
    store_u32_be(out + 31, message.extension)
    return ITCH50_LULD_AUCTION_COLLAR_BYTES


cdef Status itch50_decode_operational_halt(const uint8_t* buffer, size_t bytes,
                                           ItchOperationalHalt* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_OPERATIONAL_HALT,
                                     ITCH50_OPERATIONAL_HALT_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    memcpy(out.stock, buffer + 11, 8)
    out.market_code = buffer[19]
    out.halt_action = buffer[20]
    return STATUS_OK


cdef size_t itch50_encode_operational_halt(const ItchOperationalHalt* message,
                                           uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_OPERATIONAL_HALT, message.stock_locate, message.tracking_number,
                        message.timestamp)
    memcpy(out + 11, message.stock, 8)
    out[19] = message.market_code
    out[20] = message.halt_action
    return ITCH50_OPERATIONAL_HALT_BYTES


cdef Status itch50_decode_dlcr_price_discovery(const uint8_t* buffer, size_t bytes,
                                               ItchDLCRPriceDiscovery* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_DLCR_PRICE_DISCOVERY,
                                     ITCH50_DLCR_PRICE_DISCOVERY_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    memcpy(out.stock, buffer + 11, 8)
    out.open_eligibility = buffer[19]
    out.min_allowable_price = load_u32_be(buffer + 20)
    out.max_allowable_price = load_u32_be(buffer + 24)
    out.near_execution_price = load_u32_be(buffer + 28)
    out.near_execution_time = load_u64_be(buffer + 32)
    out.lower_collar = load_u32_be(buffer + 40)
    out.upper_collar = load_u32_be(buffer + 44)
    return STATUS_OK


cdef size_t itch50_encode_dlcr_price_discovery(const ItchDLCRPriceDiscovery* message,
                                               uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_DLCR_PRICE_DISCOVERY,
                        message.stock_locate, message.tracking_number, message.timestamp)
    memcpy(out + 11, message.stock, 8)
    out[19] = message.open_eligibility
    store_u32_be(out + 20, message.min_allowable_price)
    store_u32_be(out + 24, message.max_allowable_price)
    store_u32_be(out + 28, message.near_execution_price)
    store_u64_be(out + 32, message.near_execution_time)
    store_u32_be(out + 40, message.lower_collar)
    store_u32_be(out + 44, message.upper_collar)
    return ITCH50_DLCR_PRICE_DISCOVERY_BYTES
