# What every ITCH 5.0 message begins with: type, stock_locate, tracking_number, timestamp.

from libc.stdint cimport uint8_t, uint16_t, uint64_t

from ironcore.wire.codec cimport load_u16_be, load_u48_be, store_u16_be, store_u48_be

cdef enum:
    ITCH50_HEADER_BYTES = 11


cdef inline void itch50_load_header(const uint8_t* buffer, uint16_t* stock_locate,
                                    uint16_t* tracking_number,
                                    uint64_t* timestamp) noexcept nogil:
    stock_locate[0] = load_u16_be(buffer + 1)
    tracking_number[0] = load_u16_be(buffer + 3)
    timestamp[0] = load_u48_be(buffer + 5)


cdef inline void itch50_store_header(uint8_t* out, uint8_t message_type, uint16_t stock_locate,
                                     uint16_t tracking_number, uint64_t timestamp) noexcept nogil:
    out[0] = message_type
    store_u16_be(out + 1, stock_locate)
    store_u16_be(out + 3, tracking_number)
    store_u48_be(out + 5, timestamp)
