# OUCH 5.0, venue to client: what happened to one order.
#
# Fields are host-endian and named as in docs/WIRE.md. Prices have their instrument's decimals, text
# is padded with spaces and has no terminator, times are ns since midnight.
#
# A decoder wants exactly one message: `bytes` is its whole length. STATUS_TRUNCATED: it ends early;
# STATUS_MALFORMED: it is longer than it says; STATUS_UNKNOWN_TYPE: another type byte. `appendage`
# points into the source buffer and has not been looked at: see ouch50_appendage.pxd.
# An encoder writes the fixed bytes and the appendage, and returns how many bytes that was; `out`
# must have room for ..._BYTES + 2 + appendage_bytes.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.status cimport Status

cdef enum:
    OUCH50_ORDER_ACCEPTED = 0x41     # 'A'
    OUCH50_ORDER_REPLACED = 0x55     # 'U'
    OUCH50_ORDER_CANCELED = 0x43     # 'C'
    OUCH50_AIQ_CANCELED = 0x44       # 'D'
    OUCH50_ORDER_EXECUTED = 0x45     # 'E'
    OUCH50_BROKEN_TRADE = 0x42       # 'B'
    OUCH50_REJECTED = 0x4A           # 'J'
    OUCH50_CANCEL_PENDING = 0x50     # 'P'
    OUCH50_CANCEL_REJECT = 0x49      # 'I'
    OUCH50_ORDER_PRIORITY_UPDATE = 0x54  # 'T'
    OUCH50_ORDER_MODIFIED = 0x4D     # 'M'
    OUCH50_ORDER_RESTATED = 0x52     # 'R'

# The fixed part: with the appendage's length where every such message has one (those whose
# appendage is optional end before it).
cdef enum:
    OUCH50_ORDER_ACCEPTED_BYTES = 64
    OUCH50_ORDER_REPLACED_BYTES = 68
    OUCH50_ORDER_CANCELED_BYTES = 18
    OUCH50_AIQ_CANCELED_BYTES = 32
    OUCH50_ORDER_EXECUTED_BYTES = 36
    OUCH50_BROKEN_TRADE_BYTES = 36
    OUCH50_REJECTED_BYTES = 29
    OUCH50_CANCEL_PENDING_BYTES = 13
    OUCH50_CANCEL_REJECT_BYTES = 13
    OUCH50_ORDER_PRIORITY_UPDATE_BYTES = 30
    OUCH50_ORDER_MODIFIED_BYTES = 18
    OUCH50_ORDER_RESTATED_BYTES = 16

cdef struct OuchOrderAccepted:
    uint64_t timestamp
    uint32_t user_ref_num
    uint8_t side
    uint32_t quantity
    char symbol[8]
    uint64_t price
    uint8_t time_in_force
    uint8_t display
    uint64_t order_ref
    uint8_t capacity
    uint8_t iso
    uint8_t cross_type
    uint8_t order_state
    char cl_ord_id[14]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchOrderReplaced:
    uint64_t timestamp
    uint32_t orig_user_ref_num
    uint32_t user_ref_num
    uint8_t side
    uint32_t quantity
    char symbol[8]
    uint64_t price
    uint8_t time_in_force
    uint8_t display
    uint64_t order_ref
    uint8_t capacity
    uint8_t iso
    uint8_t cross_type
    uint8_t order_state
    char cl_ord_id[14]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchOrderCanceled:
    uint64_t timestamp
    uint32_t user_ref_num
    uint32_t quantity
    uint8_t reason
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchAIQCanceled:
    uint64_t timestamp
    uint32_t user_ref_num
    uint32_t decrement_shares
    uint8_t reason
    uint32_t quantity_prevented
    uint64_t execution_price
    uint8_t liquidity_flag
    uint8_t aiq_strategy
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchOrderExecuted:
    uint64_t timestamp
    uint32_t user_ref_num
    uint32_t quantity
    uint64_t price
    uint8_t liquidity_flag
    uint64_t match_number
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchBrokenTrade:
    uint64_t timestamp
    uint32_t user_ref_num
    uint64_t match_number
    uint8_t reason
    char cl_ord_id[14]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchRejected:
    uint64_t timestamp
    uint32_t user_ref_num
    uint16_t reason
    char cl_ord_id[14]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchCancelPending:
    uint64_t timestamp
    uint32_t user_ref_num
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchCancelReject:
    uint64_t timestamp
    uint32_t user_ref_num
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchOrderPriorityUpdate:
    uint64_t timestamp
    uint32_t user_ref_num
    uint64_t price
    uint8_t display
    uint64_t order_ref
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchOrderModified:
    uint64_t timestamp
    uint32_t user_ref_num
    uint8_t side
    uint32_t quantity
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchOrderRestated:
    uint64_t timestamp
    uint32_t user_ref_num
    uint8_t reason
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef Status ouch50_decode_order_accepted(const uint8_t* buffer, size_t bytes,
                                         OuchOrderAccepted* out) noexcept nogil
cdef size_t ouch50_encode_order_accepted(const OuchOrderAccepted* message,
                                         uint8_t* out) noexcept nogil
cdef Status ouch50_decode_order_replaced(const uint8_t* buffer, size_t bytes,
                                         OuchOrderReplaced* out) noexcept nogil
cdef size_t ouch50_encode_order_replaced(const OuchOrderReplaced* message,
                                         uint8_t* out) noexcept nogil
cdef Status ouch50_decode_order_canceled(const uint8_t* buffer, size_t bytes,
                                         OuchOrderCanceled* out) noexcept nogil
cdef size_t ouch50_encode_order_canceled(const OuchOrderCanceled* message,
                                         uint8_t* out) noexcept nogil
cdef Status ouch50_decode_aiq_canceled(const uint8_t* buffer, size_t bytes,
                                       OuchAIQCanceled* out) noexcept nogil
cdef size_t ouch50_encode_aiq_canceled(const OuchAIQCanceled* message, uint8_t* out) noexcept nogil
cdef Status ouch50_decode_order_executed(const uint8_t* buffer, size_t bytes,
                                         OuchOrderExecuted* out) noexcept nogil
cdef size_t ouch50_encode_order_executed(const OuchOrderExecuted* message,
                                         uint8_t* out) noexcept nogil
cdef Status ouch50_decode_broken_trade(const uint8_t* buffer, size_t bytes,
                                       OuchBrokenTrade* out) noexcept nogil
cdef size_t ouch50_encode_broken_trade(const OuchBrokenTrade* message, uint8_t* out) noexcept nogil
cdef Status ouch50_decode_rejected(const uint8_t* buffer, size_t bytes,
                                   OuchRejected* out) noexcept nogil
cdef size_t ouch50_encode_rejected(const OuchRejected* message, uint8_t* out) noexcept nogil
cdef Status ouch50_decode_cancel_pending(const uint8_t* buffer, size_t bytes,
                                         OuchCancelPending* out) noexcept nogil
cdef size_t ouch50_encode_cancel_pending(const OuchCancelPending* message,
                                         uint8_t* out) noexcept nogil
cdef Status ouch50_decode_cancel_reject(const uint8_t* buffer, size_t bytes,
                                        OuchCancelReject* out) noexcept nogil
cdef size_t ouch50_encode_cancel_reject(const OuchCancelReject* message,
                                        uint8_t* out) noexcept nogil
cdef Status ouch50_decode_order_priority_update(const uint8_t* buffer, size_t bytes,
                                                OuchOrderPriorityUpdate* out) noexcept nogil
cdef size_t ouch50_encode_order_priority_update(const OuchOrderPriorityUpdate* message,
                                                uint8_t* out) noexcept nogil
cdef Status ouch50_decode_order_modified(const uint8_t* buffer, size_t bytes,
                                         OuchOrderModified* out) noexcept nogil
cdef size_t ouch50_encode_order_modified(const OuchOrderModified* message,
                                         uint8_t* out) noexcept nogil
cdef Status ouch50_decode_order_restated(const uint8_t* buffer, size_t bytes,
                                         OuchOrderRestated* out) noexcept nogil
cdef size_t ouch50_encode_order_restated(const OuchOrderRestated* message,
                                         uint8_t* out) noexcept nogil
