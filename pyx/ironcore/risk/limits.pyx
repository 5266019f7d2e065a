"""What an order must satisfy before it may touch a book."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from ironcore.base.status cimport STATUS_MALFORMED, STATUS_OK


cdef enum OrderOption:               # OUCH 5.0 appendage tags that change how an order trades
    OPTION_MIN_QUANTITY = 3
    OPTION_MAX_FLOOR = 5
    OPTION_PRICE_TYPE = 6
    OPTION_DISCRETION_PRICE = 9
    OPTION_POST_ONLY = 12
    OPTION_RANDOM_RESERVES = 13
    OPTION_ROUTE = 14
    OPTION_SIDE = 27

cdef enum:
    PRICE_TYPE_LIMIT = 76            # 'L'
    POST_ONLY = 80                   # 'P'


cdef bint limits_are_valid(const InstrumentLimits* limits) noexcept nogil:
    if limits.lot_size == 0 or limits.quantity_max < limits.lot_size:
        return False
    return limits.quantity_max <= QUANTITY_MAX


cdef uint32_t _big_endian_u32(const uint8_t* value) noexcept nogil:
    return (<uint32_t>value[0] << 24 | <uint32_t>value[1] << 16 | <uint32_t>value[2] << 8
            | <uint32_t>value[3])


cdef bint _is_nonzero_u32(const uint8_t* value, uint32_t bytes) noexcept nogil:
    return bytes != 4 or _big_endian_u32(value) != 0


cdef uint32_t _option_reject(uint8_t option, const uint8_t* value, uint32_t bytes) noexcept nogil:
    """The reason for which this option is refused; options that only inform are not."""
    if option == OPTION_MIN_QUANTITY and _is_nonzero_u32(value, bytes):
        return REJECT_MIN_QUANTITY
    if option == OPTION_MAX_FLOOR and _is_nonzero_u32(value, bytes):
        return REJECT_MAX_FLOOR
    if option == OPTION_PRICE_TYPE and not (bytes == 1 and value[0] == PRICE_TYPE_LIMIT):
        return REJECT_PEGGING
    if option == OPTION_POST_ONLY and bytes == 1 and value[0] == POST_ONLY:
        return REJECT_OTHER
    if option == OPTION_RANDOM_RESERVES and _is_nonzero_u32(value, bytes):
        return REJECT_OTHER
    if option == OPTION_DISCRETION_PRICE:
        return REJECT_OTHER
    if option == OPTION_ROUTE:
        return REJECT_ROUTING
    return REJECT_NONE


cdef int appendage_check(const uint8_t* appendage, uint16_t bytes, uint32_t* reason,
                         uint8_t* side) noexcept nogil:
    cdef uint32_t at = 0
    cdef uint32_t element_bytes
    reason[0] = REJECT_NONE
    while at < bytes:
        element_bytes = appendage[at]
        if element_bytes == 0 or at + 1 + element_bytes > bytes:
            return STATUS_MALFORMED
        if reason[0] == REJECT_NONE:
            reason[0] = _option_reject(appendage[at + 1], &appendage[at + 2], element_bytes - 1)
        if appendage[at + 1] == OPTION_SIDE and element_bytes == 2:
            side[0] = appendage[at + 2]
        at += 1 + element_bytes
    return STATUS_OK
