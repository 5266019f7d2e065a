"""OUCH 5.0, venue to client, about one order: decoders and encoders."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_OK, Status
from ironcore.wire.codec cimport (
    check_min, load_u16_be, load_u32_be, load_u64_be, store_u16_be, store_u32_be, store_u64_be,
)
from ironcore.wire.ouch50_appendage cimport (
    load_appendage, load_optional_appendage, store_appendage, store_optional_appendage,
)


cdef Status ouch50_decode_order_accepted(const uint8_t* buffer, size_t bytes,
                                         OuchOrderAccepted* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ORDER_ACCEPTED,
                                   OUCH50_ORDER_ACCEPTED_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    out.side = buffer[13]
    out.quantity = load_u32_be(buffer + 14)
    memcpy(out.symbol, buffer + 18, 8)
    out.price = load_u64_be(buffer + 26)
    out.time_in_force = buffer[34]
    out.display = buffer[35]
    out.order_ref = load_u64_be(buffer + 36)
    out.capacity = buffer[44]
    out.iso = buffer[45]
    out.cross_type = buffer[46]
    out.order_state = buffer[47]
    memcpy(out.cl_ord_id, buffer + 48, 14)
    return load_appendage(buffer, bytes, OUCH50_ORDER_ACCEPTED_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_order_accepted(const OuchOrderAccepted* message,
                                         uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ORDER_ACCEPTED
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    out[13] = message.side
    store_u32_be(out + 14, message.quantity)
    memcpy(out + 18, message.symbol, 8)
    store_u64_be(out + 26, message.price)
    out[34] = message.time_in_force
    out[35] = message.display
    store_u64_be(out + 36, message.order_ref)
    out[44] = message.capacity
    out[45] = message.iso
    out[46] = message.cross_type
    out[47] = message.order_state
    memcpy(out + 48, message.cl_ord_id, 14)
    return store_appendage(out, OUCH50_ORDER_ACCEPTED_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_order_replaced(const uint8_t* buffer, size_t bytes,
                                         OuchOrderReplaced* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ORDER_REPLACED,
                                   OUCH50_ORDER_REPLACED_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.orig_user_ref_num = load_u32_be(buffer + 9)
    out.user_ref_num = load_u32_be(buffer + 13)
    out.side = buffer[17]
    out.quantity = load_u32_be(buffer + 18)
    memcpy(out.symbol, buffer + 22, 8)
    out.price = load_u64_be(buffer + 30)
    out.time_in_force = buffer[38]
    out.display = buffer[39]
    out.order_ref = load_u64_be(buffer + 40)
    out.capacity = buffer[48]
    out.iso = buffer[49]
    out.cross_type = buffer[50]
    out.order_state = buffer[51]
    memcpy(out.cl_ord_id, buffer + 52, 14)
    return load_appendage(buffer, bytes, OUCH50_ORDER_REPLACED_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_order_replaced(const OuchOrderReplaced* message,
                                         uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ORDER_REPLACED
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.orig_user_ref_num)
    store_u32_be(out + 13, message.user_ref_num)
    out[17] = message.side
    store_u32_be(out + 18, message.quantity)
    memcpy(out + 22, message.symbol, 8)
    store_u64_be(out + 30, message.price)
    out[38] = message.time_in_force
    out[39] = message.display
    store_u64_be(out + 40, message.order_ref)
    out[48] = message.capacity
    out[49] = message.iso
    out[50] = message.cross_type
    out[51] = message.order_state
    memcpy(out + 52, message.cl_ord_id, 14)
    return store_appendage(out, OUCH50_ORDER_REPLACED_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_order_canceled(const uint8_t* buffer, size_t bytes,
                                         OuchOrderCanceled* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ORDER_CANCELED,
                                   OUCH50_ORDER_CANCELED_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    out.quantity = load_u32_be(buffer + 13)
    out.reason = buffer[17]
    return load_optional_appendage(buffer, bytes, OUCH50_ORDER_CANCELED_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_order_canceled(const OuchOrderCanceled* message,
                                         uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ORDER_CANCELED
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    store_u32_be(out + 13, message.quantity)
    out[17] = message.reason
    return store_optional_appendage(out, OUCH50_ORDER_CANCELED_BYTES, message.appendage,
                                    message.appendage_bytes)


cdef Status ouch50_decode_aiq_canceled(const uint8_t* buffer, size_t bytes,
                                       OuchAIQCanceled* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_AIQ_CANCELED, OUCH50_AIQ_CANCELED_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    out.decrement_shares = load_u32_be(buffer + 13)
    out.reason = buffer[17]
    out.quantity_prevented = load_u32_be(buffer + 18)
    out.execution_price = load_u64_be(buffer + 22)
    out.liquidity_flag = buffer[30]
    out.aiq_strategy = buffer[31]
    return load_optional_appendage(buffer, bytes, OUCH50_AIQ_CANCELED_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_aiq_canceled(const OuchAIQCanceled* message, uint8_t* out) noexcept nogil:
    out[0] = OUCH50_AIQ_CANCELED
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    store_u32_be(out + 13, message.decrement_shares)
    out[17] = message.reason
    store_u32_be(out + 18, message.quantity_prevented)
    store_u64_be(out + 22, message.execution_price)
    out[30] = message.liquidity_flag
    out[31] = message.aiq_strategy
    return store_optional_appendage(out, OUCH50_AIQ_CANCELED_BYTES, message.appendage,
                                    message.appendage_bytes)


cdef Status ouch50_decode_order_executed(const uint8_t* buffer, size_t bytes,
                                         OuchOrderExecuted* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ORDER_EXECUTED,
                                   OUCH50_ORDER_EXECUTED_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    out.quantity = load_u32_be(buffer + 13)
    out.price = load_u64_be(buffer + 17)
    out.liquidity_flag = buffer[25]
    out.match_number = load_u64_be(buffer + 26)
    return load_appendage(buffer, bytes, OUCH50_ORDER_EXECUTED_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_order_executed(const OuchOrderExecuted* message,
                                         uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ORDER_EXECUTED
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    store_u32_be(out + 13, message.quantity)
    store_u64_be(out + 17, message.price)
    out[25] = message.liquidity_flag
    store_u64_be(out + 26, message.match_number)
    return store_appendage(out, OUCH50_ORDER_EXECUTED_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_broken_trade(const uint8_t* buffer, size_t bytes,
                                       OuchBrokenTrade* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_BROKEN_TRADE, OUCH50_BROKEN_TRADE_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    out.match_number = load_u64_be(buffer + 13)
    out.reason = buffer[21]
    memcpy(out.cl_ord_id, buffer + 22, 14)
    return load_optional_appendage(buffer, bytes, OUCH50_BROKEN_TRADE_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_broken_trade(const OuchBrokenTrade* message, uint8_t* out) noexcept nogil:
    out[0] = OUCH50_BROKEN_TRADE
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    store_u64_be(out + 13, message.match_number)
    out[21] = message.reason
    memcpy(out + 22, message.cl_ord_id, 14)
    return store_optional_appendage(out, OUCH50_BROKEN_TRADE_BYTES, message.appendage,
                                    message.appendage_bytes)


cdef Status ouch50_decode_rejected(const uint8_t* buffer, size_t bytes,
                                   OuchRejected* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_REJECTED, OUCH50_REJECTED_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    out.reason = load_u16_be(buffer + 13)
    memcpy(out.cl_ord_id, buffer + 15, 14)
    return load_optional_appendage(buffer, bytes, OUCH50_REJECTED_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_rejected(const OuchRejected* message, uint8_t* out) noexcept nogil:
    out[0] = OUCH50_REJECTED
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    store_u16_be(out + 13, message.reason)
    memcpy(out + 15, message.cl_ord_id, 14)
    return store_optional_appendage(out, OUCH50_REJECTED_BYTES, message.appendage,
                                    message.appendage_bytes)


cdef Status ouch50_decode_cancel_pending(const uint8_t* buffer, size_t bytes,
                                         OuchCancelPending* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_CANCEL_PENDING,
                                   OUCH50_CANCEL_PENDING_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    return load_optional_appendage(buffer, bytes, OUCH50_CANCEL_PENDING_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_cancel_pending(const OuchCancelPending* message,
                                         uint8_t* out) noexcept nogil:
    out[0] = OUCH50_CANCEL_PENDING
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    return store_optional_appendage(out, OUCH50_CANCEL_PENDING_BYTES, message.appendage,
                                    message.appendage_bytes)


cdef Status ouch50_decode_cancel_reject(const uint8_t* buffer, size_t bytes,
                                        OuchCancelReject* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_CANCEL_REJECT, OUCH50_CANCEL_REJECT_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    return load_optional_appendage(buffer, bytes, OUCH50_CANCEL_REJECT_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_cancel_reject(const OuchCancelReject* message,
                                        uint8_t* out) noexcept nogil:
    out[0] = OUCH50_CANCEL_REJECT
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    return store_optional_appendage(out, OUCH50_CANCEL_REJECT_BYTES, message.appendage,
                                    message.appendage_bytes)


cdef Status ouch50_decode_order_priority_update(const uint8_t* buffer, size_t bytes,
                                                OuchOrderPriorityUpdate* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ORDER_PRIORITY_UPDATE,
                                   OUCH50_ORDER_PRIORITY_UPDATE_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    out.price = load_u64_be(buffer + 13)
    out.display = buffer[21]
    out.order_ref = load_u64_be(buffer + 22)
    return load_optional_appendage(buffer, bytes, OUCH50_ORDER_PRIORITY_UPDATE_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_order_priority_update(const OuchOrderPriorityUpdate* message,
                                                uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ORDER_PRIORITY_UPDATE
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    store_u64_be(out + 13, message.price)
    out[21] = message.display
    store_u64_be(out + 22, message.order_ref)
    return store_optional_appendage(out, OUCH50_ORDER_PRIORITY_UPDATE_BYTES, message.appendage,
                                    message.appendage_bytes)


cdef Status ouch50_decode_order_modified(const uint8_t* buffer, size_t bytes,
                                         OuchOrderModified* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ORDER_MODIFIED,
                                   OUCH50_ORDER_MODIFIED_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    out.side = buffer[13]
    out.quantity = load_u32_be(buffer + 14)
    return load_optional_appendage(buffer, bytes, OUCH50_ORDER_MODIFIED_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_order_modified(const OuchOrderModified* message,
                                         uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ORDER_MODIFIED
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    out[13] = message.side
    store_u32_be(out + 14, message.quantity)
    return store_optional_appendage(out, OUCH50_ORDER_MODIFIED_BYTES, message.appendage,
                                    message.appendage_bytes)


cdef Status ouch50_decode_order_restated(const uint8_t* buffer, size_t bytes,
                                         OuchOrderRestated* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ORDER_RESTATED,
                                   OUCH50_ORDER_RESTATED_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    out.reason = buffer[13]
    return load_appendage(buffer, bytes, OUCH50_ORDER_RESTATED_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_order_restated(const OuchOrderRestated* message,
                                         uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ORDER_RESTATED
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    out[13] = message.reason
    return store_appendage(out, OUCH50_ORDER_RESTATED_BYTES, message.appendage,
                           message.appendage_bytes)
