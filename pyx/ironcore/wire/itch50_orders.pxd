# ITCH 5.0: orders, trades and auctions.
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
    ITCH50_ADD_ORDER = 0x41          # 'A'
    ITCH50_ADD_ORDER_MPID = 0x46     # 'F'
    ITCH50_ORDER_EXECUTED = 0x45     # 'E'
    ITCH50_ORDER_EXECUTED_WITH_PRICE = 0x43  # 'C'
    ITCH50_ORDER_CANCEL = 0x58       # 'X'
    ITCH50_ORDER_DELETE = 0x44       # 'D'
    ITCH50_ORDER_REPLACE = 0x55      # 'U'
    ITCH50_TRADE = 0x50              # 'P'
    ITCH50_CROSS_TRADE = 0x51        # 'Q'
    ITCH50_BROKEN_TRADE = 0x42       # 'B'
    ITCH50_NOII = 0x49               # 'I'
    ITCH50_RPII = 0x4E               # 'N'

cdef enum:
    ITCH50_ADD_ORDER_BYTES = 36
    ITCH50_ADD_ORDER_MPID_BYTES = 40
    ITCH50_ORDER_EXECUTED_BYTES = 31
    ITCH50_ORDER_EXECUTED_WITH_PRICE_BYTES = 36
    ITCH50_ORDER_CANCEL_BYTES = 23
    ITCH50_ORDER_DELETE_BYTES = 19
    ITCH50_ORDER_REPLACE_BYTES = 35
    ITCH50_TRADE_BYTES = 44
    ITCH50_CROSS_TRADE_BYTES = 40
    ITCH50_BROKEN_TRADE_BYTES = 19
    ITCH50_NOII_BYTES = 50
    ITCH50_RPII_BYTES = 20

cdef struct ItchAddOrder:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t order_ref
    uint8_t side
    uint32_t shares
    char stock[8]
    uint32_t price

cdef struct ItchAddOrderMPID:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t order_ref
    uint8_t side
    uint32_t shares
    char stock[8]
    uint32_t price
    char attribution[4]

cdef struct ItchOrderExecuted:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t order_ref
    uint32_t executed_shares
    uint64_t match_number

cdef struct ItchOrderExecutedWithPrice:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t order_ref
    uint32_t executed_shares
    uint64_t match_number
    uint8_t printable
    uint32_t execution_price

cdef struct ItchOrderCancel:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t order_ref
    uint32_t cancelled_shares

cdef struct ItchOrderDelete:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t order_ref

cdef struct ItchOrderReplace:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t original_order_ref
    uint64_t new_order_ref
    uint32_t shares
    uint32_t price

cdef struct ItchTrade:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t order_ref
    uint8_t side
    uint32_t shares
    char stock[8]
    uint32_t price
    uint64_t match_number

cdef struct ItchCrossTrade:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t shares
    char stock[8]
    uint32_t cross_price
    uint64_t match_number
    uint8_t cross_type

cdef struct ItchBrokenTrade:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t match_number

cdef struct ItchNOII:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    uint64_t paired_shares
    uint64_t imbalance_shares
    uint8_t imbalance_direction
    char stock[8]
    uint32_t far_price
    uint32_t near_price
    uint32_t reference_price
    uint8_t cross_type
    uint8_t price_variation

cdef struct ItchRPII:
    uint16_t stock_locate
    uint16_t tracking_number
    uint64_t timestamp
    char stock[8]
    uint8_t interest_flag

cdef Status itch50_decode_add_order(const uint8_t* buffer, size_t bytes,
                                    ItchAddOrder* out) noexcept nogil
cdef size_t itch50_encode_add_order(const ItchAddOrder* message, uint8_t* out) noexcept nogil
cdef Status itch50_decode_add_order_mpid(const uint8_t* buffer, size_t bytes,
                                         ItchAddOrderMPID* out) noexcept nogil
cdef size_t itch50_encode_add_order_mpid(const ItchAddOrderMPID* message,
                                         uint8_t* out) noexcept nogil
cdef Status itch50_decode_order_executed(const uint8_t* buffer, size_t bytes,
                                         ItchOrderExecuted* out) noexcept nogil
cdef size_t itch50_encode_order_executed(const ItchOrderExecuted* message,
                                         uint8_t* out) noexcept nogil
cdef Status itch50_decode_order_executed_with_price(const uint8_t* buffer, size_t bytes,
                                                    ItchOrderExecutedWithPrice* out) noexcept nogil
cdef size_t itch50_encode_order_executed_with_price(const ItchOrderExecutedWithPrice* message,
                                                    uint8_t* out) noexcept nogil
cdef Status itch50_decode_order_cancel(const uint8_t* buffer, size_t bytes,
                                       ItchOrderCancel* out) noexcept nogil
cdef size_t itch50_encode_order_cancel(const ItchOrderCancel* message, uint8_t* out) noexcept nogil
cdef Status itch50_decode_order_delete(const uint8_t* buffer, size_t bytes,
                                       ItchOrderDelete* out) noexcept nogil
cdef size_t itch50_encode_order_delete(const ItchOrderDelete* message, uint8_t* out) noexcept nogil
cdef Status itch50_decode_order_replace(const uint8_t* buffer, size_t bytes,
                                        ItchOrderReplace* out) noexcept nogil
cdef size_t itch50_encode_order_replace(const ItchOrderReplace* message,
                                        uint8_t* out) noexcept nogil
cdef Status itch50_decode_trade(const uint8_t* buffer, size_t bytes, ItchTrade* out) noexcept nogil
cdef size_t itch50_encode_trade(const ItchTrade* message, uint8_t* out) noexcept nogil
cdef Status itch50_decode_cross_trade(const uint8_t* buffer, size_t bytes,
                                      ItchCrossTrade* out) noexcept nogil
cdef size_t itch50_encode_cross_trade(const ItchCrossTrade* message, uint8_t* out) noexcept nogil
cdef Status itch50_decode_broken_trade(const uint8_t* buffer, size_t bytes,
                                       ItchBrokenTrade* out) noexcept nogil
cdef size_t itch50_encode_broken_trade(const ItchBrokenTrade* message, uint8_t* out) noexcept nogil
cdef Status itch50_decode_noii(const uint8_t* buffer, size_t bytes, ItchNOII* out) noexcept nogil
cdef size_t itch50_encode_noii(const ItchNOII* message, uint8_t* out) noexcept nogil
cdef Status itch50_decode_rpii(const uint8_t* buffer, size_t bytes, ItchRPII* out) noexcept nogil
cdef size_t itch50_encode_rpii(const ItchRPII* message, uint8_t* out) noexcept nogil
