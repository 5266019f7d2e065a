# ITCH 5.0 as a whole; the messages themselves are in itch50_reference and itch50_orders.

from libc.stdint cimport uint8_t

from ironcore.base.status cimport Status

cdef enum:
    ITCH50_MESSAGE_BYTES_MAX = 50

# Bytes of a message of this type; 0 for a type that ITCH 5.0 does not have.
cdef size_t itch50_message_bytes(uint8_t message_type) noexcept nogil
# Is it one whole message? STATUS_TRUNCATED, STATUS_MALFORMED (too long) or STATUS_UNKNOWN_TYPE.
cdef Status itch50_check(const uint8_t* buffer, size_t bytes) noexcept nogil
