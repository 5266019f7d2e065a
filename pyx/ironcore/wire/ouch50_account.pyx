"""OUCH 5.0, venue to client, about the account or the venue: decoders and encoders."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_OK, Status
from ironcore.wire.codec cimport (
    check_exact, check_min, load_u32_be, load_u64_be, store_u32_be, store_u64_be,
)
from ironcore.wire.ouch50_appendage cimport (
    load_appendage, load_optional_appendage, store_appendage, store_optional_appendage,
)


cdef Status ouch50_decode_system_event(const uint8_t* buffer, size_t bytes,
                                       OuchSystemEvent* out) noexcept nogil:
    cdef Status status = check_exact(buffer, bytes, OUCH50_SYSTEM_EVENT, OUCH50_SYSTEM_EVENT_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.event_code = buffer[9]
    return STATUS_OK


cdef size_t ouch50_encode_system_event(const OuchSystemEvent* message, uint8_t* out) noexcept nogil:
    out[0] = OUCH50_SYSTEM_EVENT
    store_u64_be(out + 1, message.timestamp)
    out[9] = message.event_code
    return OUCH50_SYSTEM_EVENT_BYTES


cdef Status ouch50_decode_mass_cancel_response(const uint8_t* buffer, size_t bytes,
                                               OuchMassCancelResponse* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_MASS_CANCEL_RESPONSE,
                                   OUCH50_MASS_CANCEL_RESPONSE_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    memcpy(out.firm, buffer + 13, 4)
    memcpy(out.symbol, buffer + 17, 8)
    return load_appendage(buffer, bytes, OUCH50_MASS_CANCEL_RESPONSE_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_mass_cancel_response(const OuchMassCancelResponse* message,
                                               uint8_t* out) noexcept nogil:
    out[0] = OUCH50_MASS_CANCEL_RESPONSE
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    memcpy(out + 13, message.firm, 4)
    memcpy(out + 17, message.symbol, 8)
    return store_appendage(out, OUCH50_MASS_CANCEL_RESPONSE_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_disable_order_entry_response(
        const uint8_t* buffer, size_t bytes, OuchDisableOrderEntryResponse* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_DISABLE_ORDER_ENTRY_RESPONSE,
                                   OUCH50_DISABLE_ORDER_ENTRY_RESPONSE_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    memcpy(out.firm, buffer + 13, 4)
    return load_appendage(buffer, bytes, OUCH50_DISABLE_ORDER_ENTRY_RESPONSE_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_disable_order_entry_response(const OuchDisableOrderEntryResponse* message,
                                                       uint8_t* out) noexcept nogil:
    out[0] = OUCH50_DISABLE_ORDER_ENTRY_RESPONSE
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    memcpy(out + 13, message.firm, 4)
    return store_appendage(out, OUCH50_DISABLE_ORDER_ENTRY_RESPONSE_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_enable_order_entry_response(
        const uint8_t* buffer, size_t bytes, OuchEnableOrderEntryResponse* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ENABLE_ORDER_ENTRY_RESPONSE,
                                   OUCH50_ENABLE_ORDER_ENTRY_RESPONSE_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.user_ref_num = load_u32_be(buffer + 9)
    memcpy(out.firm, buffer + 13, 4)
    return load_appendage(buffer, bytes, OUCH50_ENABLE_ORDER_ENTRY_RESPONSE_BYTES,
                          &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_enable_order_entry_response(const OuchEnableOrderEntryResponse* message,
                                                      uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ENABLE_ORDER_ENTRY_RESPONSE
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.user_ref_num)
    memcpy(out + 13, message.firm, 4)
    return store_appendage(out, OUCH50_ENABLE_ORDER_ENTRY_RESPONSE_BYTES, message.appendage,
                           message.appendage_bytes)


cdef Status ouch50_decode_account_query_response(const uint8_t* buffer, size_t bytes,
                                                 OuchAccountQueryResponse* out) noexcept nogil:
    cdef Status status = check_min(buffer, bytes, OUCH50_ACCOUNT_QUERY_RESPONSE,
                                   OUCH50_ACCOUNT_QUERY_RESPONSE_BYTES)
    if status != STATUS_OK:
        return status
    out.timestamp = load_u64_be(buffer + 1)
    out.next_user_ref_num = load_u32_be(buffer + 9)
    return load_optional_appendage(buffer, bytes, OUCH50_ACCOUNT_QUERY_RESPONSE_BYTES,
                                   &out.appendage, &out.appendage_bytes)


cdef size_t ouch50_encode_account_query_response(const OuchAccountQueryResponse* message,
                                                 uint8_t* out) noexcept nogil:
    out[0] = OUCH50_ACCOUNT_QUERY_RESPONSE
    store_u64_be(out + 1, message.timestamp)
    store_u32_be(out + 9, message.next_user_ref_num)
    return store_optional_appendage(out, OUCH50_ACCOUNT_QUERY_RESPONSE_BYTES, message.appendage,
                                    message.appendage_bytes)
