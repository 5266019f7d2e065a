"""ITCH 5.0, orders, trades and auctions: decoders and encoders."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_OK, Status
from ironcore.wire.codec cimport check_exact, load_u32_be, load_u64_be, store_u32_be, store_u64_be
from ironcore.wire.itch50_header cimport itch50_load_header, itch50_store_header


cdef Status itch50_decode_add_order(const uint8_t* buffer, size_t bytes,
                                    ItchAddOrder* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_ADD_ORDER, ITCH50_ADD_ORDER_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.order_ref = load_u64_be(buffer + 11)
    out.side = buffer[19]
    out.shares = load_u32_be(buffer + 20)
    memcpy(out.stock, buffer + 24, 8)
    out.price = load_u32_be(buffer + 32)
    return STATUS_OK


cdef size_t itch50_encode_add_order(const ItchAddOrder* message, uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_ADD_ORDER, message.stock_locate, message.tracking_number,
                        message.timestamp)
    store_u64_be(out + 11, message.order_ref)
    out[19] = message.side
    store_u32_be(out + 20, message.shares)
    memcpy(out + 24, message.stock, 8)
    store_u32_be(out + 32, message.price)
    return ITCH50_ADD_ORDER_BYTES


cdef Status itch50_decode_add_order_mpid(const uint8_t* buffer, size_t bytes,
                                         ItchAddOrderMPID* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_ADD_ORDER_MPID,
                                     ITCH50_ADD_ORDER_MPID_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.order_ref = load_u64_be(buffer + 11)
    out.side = buffer[19]
    out.shares = load_u32_be(buffer + 20)
    memcpy(out.stock, buffer + 24, 8)
    out.price = load_u32_be(buffer + 32)
    memcpy(out.attribution, buffer + 36, 4)
    return STATUS_OK


cdef size_t itch50_encode_add_order_mpid(const ItchAddOrderMPID* message,
                                         uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_ADD_ORDER_MPID, message.stock_locate, message.tracking_number,
                        message.timestamp)
    store_u64_be(out + 11, message.order_ref)
    out[19] = message.side
    store_u32_be(out + 20, message.shares)
    memcpy(out + 24, message.stock, 8)
    store_u32_be(out + 32, message.price)
    memcpy(out + 36, message.attribution, 4)
    return ITCH50_ADD_ORDER_MPID_BYTES


cdef Status itch50_decode_order_executed(const uint8_t* buffer, size_t bytes,
                                         ItchOrderExecuted* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_ORDER_EXECUTED,
                                     ITCH50_ORDER_EXECUTED_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.order_ref = load_u64_be(buffer + 11)
    out.executed_shares = load_u32_be(buffer + 19)
    out.match_number = load_u64_be(buffer + 23)
    return STATUS_OK


cdef size_t itch50_encode_order_executed(const ItchOrderExecuted* message,
                                         uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_ORDER_EXECUTED, message.stock_locate, message.tracking_number,
                        message.timestamp)
    store_u64_be(out + 11, message.order_ref)
    store_u32_be(out + 19, message.executed_shares)
    store_u64_be(out + 23, message.match_number)
    return ITCH50_ORDER_EXECUTED_BYTES


cdef Status itch50_decode_order_executed_with_price(const uint8_t* buffer, size_t bytes,
                                                    ItchOrderExecutedWithPrice* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_ORDER_EXECUTED_WITH_PRICE,
                                     ITCH50_ORDER_EXECUTED_WITH_PRICE_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.order_ref = load_u64_be(buffer + 11)
    out.executed_shares = load_u32_be(buffer + 19)
    out.match_number = load_u64_be(buffer + 23)
    out.printable = buffer[31]
    out.execution_price = load_u32_be(buffer + 32)
    return STATUS_OK


cdef size_t itch50_encode_order_executed_with_price(const ItchOrderExecutedWithPrice* message,
                                                    uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_ORDER_EXECUTED_WITH_PRICE,
                        message.stock_locate, message.tracking_number, message.timestamp)
    store_u64_be(out + 11, message.order_ref)
    store_u32_be(out + 19, message.executed_shares)
    store_u64_be(out + 23, message.match_number)
    out[31] = message.printable
    store_u32_be(out + 32, message.execution_price)
    return ITCH50_ORDER_EXECUTED_WITH_PRICE_BYTES


cdef Status itch50_decode_order_cancel(const uint8_t* buffer, size_t bytes,
                                       ItchOrderCancel* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_ORDER_CANCEL, ITCH50_ORDER_CANCEL_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.order_ref = load_u64_be(buffer + 11)
    out.cancelled_shares = load_u32_be(buffer + 19)
    return STATUS_OK


cdef size_t itch50_encode_order_cancel(const ItchOrderCancel* message, uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_ORDER_CANCEL, message.stock_locate, message.tracking_number,
                        message.timestamp)
    store_u64_be(out + 11, message.order_ref)
    store_u32_be(out + 19, message.cancelled_shares)
    return ITCH50_ORDER_CANCEL_BYTES


cdef Status itch50_decode_order_delete(const uint8_t* buffer, size_t bytes,
                                       ItchOrderDelete* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_ORDER_DELETE, ITCH50_ORDER_DELETE_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.order_ref = load_u64_be(buffer + 11)
    return STATUS_OK


cdef size_t itch50_encode_order_delete(const ItchOrderDelete* message, uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_ORDER_DELETE, message.stock_locate, message.tracking_number,
                        message.timestamp)
    store_u64_be(out + 11, message.order_ref)
    return ITCH50_ORDER_DELETE_BYTES


cdef Status itch50_decode_order_replace(const uint8_t* buffer, size_t bytes,
                                        ItchOrderReplace* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_ORDER_REPLACE,
                                     ITCH50_ORDER_REPLACE_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.original_order_ref = load_u64_be(buffer + 11)
    out.new_order_ref = load_u64_be(buffer + 19)
    out.shares = load_u32_be(buffer + 27)
    out.price = load_u32_be(buffer + 31)
    return STATUS_OK


cdef size_t itch50_encode_order_replace(const ItchOrderReplace* message,
                                        uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_ORDER_REPLACE, message.stock_locate, message.tracking_number,
                        message.timestamp)
    store_u64_be(out + 11, message.original_order_ref)
    store_u64_be(out + 19, message.new_order_ref)
    store_u32_be(out + 27, message.shares)
    store_u32_be(out + 31, message.price)
    return ITCH50_ORDER_REPLACE_BYTES


cdef Status itch50_decode_trade(const uint8_t* buffer, size_t bytes, ItchTrade* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_TRADE, ITCH50_TRADE_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.order_ref = load_u64_be(buffer + 11)
    out.side = buffer[19]
    out.shares = load_u32_be(buffer + 20)
    memcpy(out.stock, buffer + 24, 8)
    out.price = load_u32_be(buffer + 32)
    out.match_number = load_u64_be(buffer + 36)
    return STATUS_OK


cdef size_t itch50_encode_trade(const ItchTrade* message, uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_TRADE, message.stock_locate, message.tracking_number,
                        message.timestamp)
    store_u64_be(out + 11, message.order_ref)
    out[19] = message.side
    store_u32_be(out + 20, message.shares)
    memcpy(out + 24, message.stock, 8)
    store_u32_be(out + 32, message.price)
    store_u64_be(out + 36, message.match_number)
    return ITCH50_TRADE_BYTES


cdef Status itch50_decode_cross_trade(const uint8_t* buffer, size_t bytes,
                                      ItchCrossTrade* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_CROSS_TRADE, ITCH50_CROSS_TRADE_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.shares = load_u64_be(buffer + 11)
    memcpy(out.stock, buffer + 19, 8)
    out.cross_price = load_u32_be(buffer + 27)
    out.match_number = load_u64_be(buffer + 31)
    out.cross_type = buffer[39]
    return STATUS_OK


cdef size_t itch50_encode_cross_trade(const ItchCrossTrade* message, uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_CROSS_TRADE, message.stock_locate, message.tracking_number,
                        message.timestamp)
    store_u64_be(out + 11, message.shares)
    memcpy(out + 19, message.stock, 8)
    store_u32_be(out + 27, message.cross_price)
    store_u64_be(out + 31, message.match_number)
    out[39] = message.cross_type
    return ITCH50_CROSS_TRADE_BYTES


cdef Status itch50_decode_broken_trade(const uint8_t* buffer, size_t bytes,
                                       ItchBrokenTrade* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_BROKEN_TRADE, ITCH50_BROKEN_TRADE_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.match_number = load_u64_be(buffer + 11)
    return STATUS_OK


cdef size_t itch50_encode_broken_trade(const ItchBrokenTrade* message, uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_BROKEN_TRADE, message.stock_locate, message.tracking_number,
                        message.timestamp)
    store_u64_be(out + 11, message.match_number)
    return ITCH50_BROKEN_TRADE_BYTES


cdef Status itch50_decode_noii(const uint8_t* buffer, size_t bytes, ItchNOII* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_NOII, ITCH50_NOII_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    out.paired_shares = load_u64_be(buffer + 11)
    out.imbalance_shares = load_u64_be(buffer + 19)
    out.imbalance_direction = buffer[27]
    memcpy(out.stock, buffer + 28, 8)
    out.far_price = load_u32_be(buffer + 36)
    out.near_price = load_u32_be(buffer + 40)
    out.reference_price = load_u32_be(buffer + 44)
    out.cross_type = buffer[48]
    out.price_variation = buffer[49]
    return STATUS_OK


cdef size_t itch50_encode_noii(const ItchNOII* message, uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_NOII, message.stock_locate, message.tracking_number,
                        message.timestamp)
    store_u64_be(out + 11, message.paired_shares)
    store_u64_be(out + 19, message.imbalance_shares)
    out[27] = message.imbalance_direction
    memcpy(out + 28, message.stock, 8)
    store_u32_be(out + 36, message.far_price)
    store_u32_be(out + 40, message.near_price)
    store_u32_be(out + 44, message.reference_price)
    out[48] = message.cross_type
    out[49] = message.price_variation
    return ITCH50_NOII_BYTES


cdef Status itch50_decode_rpii(const uint8_t* buffer, size_t bytes, ItchRPII* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, ITCH50_RPII, ITCH50_RPII_BYTES)
    if status != STATUS_OK:
        return status
    itch50_load_header(buffer, &out.stock_locate, &out.tracking_number, &out.timestamp)
    memcpy(out.stock, buffer + 11, 8)
    out.interest_flag = buffer[19]
    return STATUS_OK


cdef size_t itch50_encode_rpii(const ItchRPII* message, uint8_t* out) noexcept nogil:
    itch50_store_header(out, ITCH50_RPII, message.stock_locate, message.tracking_number,
                        message.timestamp)
    memcpy(out + 11, message.stock, 8)
    out[19] = message.interest_flag
    return ITCH50_RPII_BYTES
