"""OUCH 5.0, client to venue: decoders and encoders."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_OK, Status
from ironcore.wire.codec cimport check_min, load_u32_be, load_u64_be, store_u32_be, store_u64_be
from ironcore.wire.ouch50_appendage cimport (
    load_appendage, load_optional_appendage, store_appendage, store_optional_appendage,
)


cdef Status ouch50_decode_enter_order(const uint8_t* buffer, size_t bytes,
                                      OuchEnterOrder* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ENTER_ORDER, OUCH50_ENTER_ORDER_BYTES)
    if status != STATUS_OK:
        return status
    out.user_ref_num = load_u32_be(buffer + 1)
    out.side = buffer[5]
    out.quantity = load_u32_be(buffer + 6)
    memcpy(out.symbol, buffer + 10, 8)
    out.price = load_u64_be(buffer + 18)
    out.time_in_force = buffer[26]
    out.display = buffer[27]
    out.capacity = buffer[28]
    out.iso = buffer[29]
    out.cross_type = buffer[30]
    memcpy(out.cl_ord_id, buffer + 31, 14)
    return load_appendage(buffer, bytes, OUCH50_ENTER_ORDER_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_enter_order(const OuchEnterOrder* message, uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ENTER_ORDER
    store_u32_be(out + 1, message.user_ref_num)
    out[5] = message.side
    store_u32_be(out + 6, message.quantity)
    memcpy(out + 10, message.symbol, 8)
    store_u64_be(out + 18, message.price)
    out[26] = message.time_in_force
    out[27] = message.display
    out[28] = message.capacity
    out[29] = message.iso
    out[30] = message.cross_type
    memcpy(out + 31, message.cl_ord_id, 14)
    return store_appendage(out, OUCH50_ENTER_ORDER_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_replace_order(const uint8_t* buffer, size_t bytes,
                                        OuchReplaceOrder* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_REPLACE_ORDER, OUCH50_REPLACE_ORDER_BYTES)
    if status != STATUS_OK:
        return status
    out.orig_user_ref_num = load_u32_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 5)
    out.quantity = load_u32_be(buffer + 9)
    out.price = load_u64_be(buffer + 13)
    out.time_in_force = buffer[21]
    out.display = buffer[22]
    out.iso = buffer[23]
    memcpy(out.cl_ord_id, buffer + 24, 14)
    return load_appendage(buffer, bytes, OUCH50_REPLACE_ORDER_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_replace_order(const OuchReplaceOrder* message,
                                        uint8_t* out) noexcept nogil:
    out[0] = OUCH50_REPLACE_ORDER
    store_u32_be(out + 1, message.orig_user_ref_num)
    store_u32_be(out + 5, message.user_ref_num)
    store_u32_be(out + 9, message.quantity)
    store_u64_be(out + 13, message.price)
    out[21] = message.time_in_force
    out[22] = message.display
    out[23] = message.iso
    memcpy(out + 24, message.cl_ord_id, 14)
    return store_appendage(out, OUCH50_REPLACE_ORDER_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_cancel_order(const uint8_t* buffer, size_t bytes,
                                       OuchCancelOrder* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_CANCEL_ORDER, OUCH50_CANCEL_ORDER_BYTES)
    if status != STATUS_OK:
        return status
    out.user_ref_num = load_u32_be(buffer + 1)
    out.quantity = load_u32_be(buffer + 5)
    return load_optional_appendage(buffer, bytes, OUCH50_CANCEL_ORDER_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_cancel_order(const OuchCancelOrder* message, uint8_t* out) noexcept nogil:
    out[0] = OUCH50_CANCEL_ORDER
    store_u32_be(out + 1, message.user_ref_num)
    store_u32_be(out + 5, message.quantity)
    return store_optional_appendage(out, OUCH50_CANCEL_ORDER_BYTES, message.appendage,
                                    message.appendage_bytes)


cdef Status ouch50_decode_modify_order(const uint8_t* buffer, size_t bytes,
                                       OuchModifyOrder* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_MODIFY_ORDER, OUCH50_MODIFY_ORDER_BYTES)
    if status != STATUS_OK:
        return status
    out.user_ref_num = load_u32_be(buffer + 1)
    out.side = buffer[5]
    out.quantity = load_u32_be(buffer + 6)
    return load_optional_appendage(buffer, bytes, OUCH50_MODIFY_ORDER_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_modify_order(const OuchModifyOrder* message, uint8_t* out) noexcept nogil:
    out[0] = OUCH50_MODIFY_ORDER
    store_u32_be(out + 1, message.user_ref_num)
    out[5] = message.side
    store_u32_be(out + 6, message.quantity)
    return store_optional_appendage(out, OUCH50_MODIFY_ORDER_BYTES, message.appendage,
                                    message.appendage_bytes)


cdef Status ouch50_decode_mass_cancel(const uint8_t* buffer, size_t bytes,
                                      OuchMassCancel* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_MASS_CANCEL, OUCH50_MASS_CANCEL_BYTES)
    if status != STATUS_OK:
        return status
    out.user_ref_num = load_u32_be(buffer + 1)
    memcpy(out.firm, buffer + 5, 4)
    memcpy(out.symbol, buffer + 9, 8)
    return load_appendage(buffer, bytes, OUCH50_MASS_CANCEL_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_mass_cancel(const OuchMassCancel* message, uint8_t* out) noexcept nogil:
    out[0] = OUCH50_MASS_CANCEL
    store_u32_be(out + 1, message.user_ref_num)
    memcpy(out + 5, message.firm, 4)
    memcpy(out + 9, message.symbol, 8)
    return store_appendage(out, OUCH50_MASS_CANCEL_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_disable_order_entry(const uint8_t* buffer, size_t bytes,
                                              OuchDisableOrderEntry* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_DISABLE_ORDER_ENTRY,
                                   OUCH50_DISABLE_ORDER_ENTRY_BYTES)
    if status != STATUS_OK:
        return status
    out.user_ref_num = load_u32_be(buffer + 1)
    memcpy(out.firm, buffer + 5, 4)
    return load_appendage(buffer, bytes, OUCH50_DISABLE_ORDER_ENTRY_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_disable_order_entry(const OuchDisableOrderEntry* message,
                                              uint8_t* out) noexcept nogil:
    out[0] = OUCH50_DISABLE_ORDER_ENTRY
    store_u32_be(out + 1, message.user_ref_num)
    memcpy(out + 5, message.firm, 4)
    return store_appendage(out, OUCH50_DISABLE_ORDER_ENTRY_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_enable_order_entry(const uint8_t* buffer, size_t bytes,
                                             OuchEnableOrderEntry* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ENABLE_ORDER_ENTRY,
                                   OUCH50_ENABLE_ORDER_ENTRY_BYTES)
    if status != STATUS_OK:
        return status
    out.user_ref_num = load_u32_be(buffer + 1)
    memcpy(out.firm, buffer + 5, 4)
    return load_appendage(buffer, bytes, OUCH50_ENABLE_ORDER_ENTRY_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_enable_order_entry(const OuchEnableOrderEntry* message,
                                             uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ENABLE_ORDER_ENTRY
    store_u32_be(out + 1, message.user_ref_num)
    memcpy(out + 5, message.firm, 4)
    return store_appendage(out, OUCH50_ENABLE_ORDER_ENTRY_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_account_query(const uint8_t* buffer, size_t bytes,
                                        OuchAccountQuery* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ACCOUNT_QUERY, OUCH50_ACCOUNT_QUERY_BYTES)
    if status != STATUS_OK:
        return status
    return load_optional_appendage(buffer, bytes, OUCH50_ACCOUNT_QUERY_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_account_query(const OuchAccountQuery* message,
                                        uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ACCOUNT_QUERY
    return store_optional_appendage(out, OUCH50_ACCOUNT_QUERY_BYTES, message.appendage,
                                    message.appendage_bytes)
