# Loads and stores of integers at any alignment, and the checks with which every decoder begins.
# Compilers turn the shifts into one load and one byte swap.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.status cimport (
    STATUS_MALFORMED, STATUS_OK, STATUS_TRUNCATED, STATUS_UNKNOWN_TYPE, Status,
)


cdef inline uint16_t load_u16_be(const uint8_t* p) noexcept nogil:
    return <uint16_t>((<uint32_t>p[0] << 8) | p[1])


cdef inline uint32_t load_u32_be(const uint8_t* p) noexcept nogil:
    return ((<uint32_t>p[0] << 24) | (<uint32_t>p[1] << 16)
            | (<uint32_t>p[2] << 8) | <uint32_t>p[3])


cdef inline uint64_t load_u48_be(const uint8_t* p) noexcept nogil:
    return (<uint64_t>load_u16_be(p) << 32) | load_u32_be(p + 2)


cdef inline uint64_t load_u64_be(const uint8_t* p) noexcept nogil:
    return ((<uint64_t>p[0] << 56) | (<uint64_t>p[1] << 48)
            | (<uint64_t>p[2] << 40) | (<uint64_t>p[3] << 32)
            | (<uint64_t>p[4] << 24) | (<uint64_t>p[5] << 16)
            | (<uint64_t>p[6] << 8) | <uint64_t>p[7])


cdef inline uint16_t load_u16_le(const uint8_t* p) noexcept nogil:
    return <uint16_t>(p[0] | (<uint32_t>p[1] << 8))


cdef inline void store_u16_be(uint8_t* p, uint16_t value) noexcept nogil:
    p[0] = <uint8_t>(value >> 8)
    p[1] = <uint8_t>value


cdef inline void store_u32_be(uint8_t* p, uint32_t value) noexcept nogil:
    p[0] = <uint8_t>(value >> 24)
    p[1] = <uint8_t>(value >> 16)
    p[2] = <uint8_t>(value >> 8)
    p[3] = <uint8_t>value


cdef inline void store_u48_be(uint8_t* p, uint64_t value) noexcept nogil:
    store_u16_be(p, <uint16_t>(value >> 32))
    store_u32_be(p + 2, <uint32_t>value)


cdef inline void store_u64_be(uint8_t* p, uint64_t value) noexcept nogil:
    p[0] = <uint8_t>(value >> 56)
    p[1] = <uint8_t>(value >> 48)
    p[2] = <uint8_t>(value >> 40)
    p[3] = <uint8_t>(value >> 32)
    p[4] = <uint8_t>(value >> 24)
    p[5] = <uint8_t>(value >> 16)
    p[6] = <uint8_t>(value >> 8)
    p[7] = <uint8_t>value


cdef inline Status check_min(const uint8_t* buffer, size_t bytes, uint8_t message_type,
                             size_t bytes_min) noexcept nogil:
    """Is it this message, and as long as its fixed part at least?"""
    if bytes == 0:
        return STATUS_TRUNCATED
    if buffer[0] != message_type:
        return STATUS_UNKNOWN_TYPE
    return STATUS_TRUNCATED if bytes < bytes_min else STATUS_OK


cdef inline Status check_exact(const uint8_t* buffer, size_t bytes, uint8_t message_type,
                               size_t bytes_exact) noexcept nogil:
    """Is it this message, and exactly this long?"""
    cdef Status status = check_min(buffer, bytes, message_type, bytes_exact)
    if status == STATUS_OK and bytes > bytes_exact:
        return STATUS_MALFORMED
    return status
