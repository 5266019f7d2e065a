# The optional fields at the end of an OUCH 5.0 message: TagValue elements of one length byte (which
# counts the tag and the value), one tag byte and a big-endian value, in any order.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_MALFORMED, STATUS_OK, STATUS_TRUNCATED, Status
from ironcore.wire.codec cimport load_u16_be, store_u16_be
from ironcore.wire.layout cimport Layout

cdef enum OuchTagNumber:
    OUCH50_TAG_SECONDARY_ORD_REF_NUM = 1
    OUCH50_TAG_FIRM = 2
    OUCH50_TAG_MIN_QTY = 3
    OUCH50_TAG_CUSTOMER_TYPE = 4
    OUCH50_TAG_MAX_FLOOR = 5
    OUCH50_TAG_PRICE_TYPE = 6
    OUCH50_TAG_PEG_OFFSET = 7
    OUCH50_TAG_DISCRETION_PRICE = 9
    OUCH50_TAG_DISCRETION_PRICE_TYPE = 10
    OUCH50_TAG_DISCRETION_PEG_OFFSET = 11
    OUCH50_TAG_POST_ONLY = 12
    OUCH50_TAG_RANDOM_RESERVES = 13
    OUCH50_TAG_ROUTE = 14
    OUCH50_TAG_EXPIRE_TIME = 15
    OUCH50_TAG_TRADE_NOW = 16
    OUCH50_TAG_HANDLE_INST = 17
    OUCH50_TAG_BBO_WEIGHT_INDICATOR = 18
    OUCH50_TAG_DISPLAY_QUANTITY = 22
    OUCH50_TAG_DISPLAY_PRICE = 23
    OUCH50_TAG_GROUP_ID = 24
    OUCH50_TAG_SHARES_LOCATED = 25
    OUCH50_TAG_LOCATE_BROKER = 26
    OUCH50_TAG_SIDE = 27
    OUCH50_TAG_USER_REF_IDX = 28
    OUCH50_TAG_MAX = 28
    # The venue's own, above all that OUCH has (docs/WIRE.md).
    OUCH50_TAG_STOP_PRICE = 128
    OUCH50_TAG_TRAIL_OFFSET = 129
    OUCH50_TAG_SELF_TRADE_PREVENTION = 130
    OUCH50_TAG_RESERVE_SEED = 133
    OUCH50_TAG_SCOPE = 134
    OUCH50_TAG_VENUE_FIRST = 128
    OUCH50_TAG_VENUE_MAX = 134

cdef enum:
    OUCH50_APPENDAGE_BYTES_MAX = 156     # every known tag once

cdef struct OuchTag:
    uint8_t tag
    uint8_t value_bytes
    const uint8_t* value                 # inside the appendage

# Every known tag, host-endian; a field counts only when ouch50_tag_bit of its tag is in `present`.
cdef struct OuchOptions:
    uint64_t present
    uint64_t secondary_ord_ref_num
    uint64_t discretion_price            # as the other prices
    uint64_t display_price
    uint64_t stop_price                  # as the other prices
    uint64_t reserve_seed
    uint32_t min_qty
    uint32_t max_floor
    int32_t peg_offset
    int32_t discretion_peg_offset
    uint32_t random_reserves
    uint32_t expire_time                 # seconds since midnight
    uint32_t display_quantity
    uint32_t trail_offset                # likewise
    uint16_t group_id
    char firm[4]
    char route[4]
    char locate_broker[4]
    uint8_t customer_type
    uint8_t price_type
    uint8_t discretion_price_type
    uint8_t post_only
    uint8_t trade_now
    uint8_t handle_inst
    uint8_t bbo_weight_indicator
    uint8_t shares_located
    uint8_t side
    uint8_t user_ref_idx
    uint8_t self_trade_prevention
    uint8_t scope

# The element at *offset (start with 0), which moves on behind it: STATUS_OK, STATUS_EMPTY at the
# end, STATUS_MALFORMED when the element has length 0 or reaches over the end. Any tag is returned.
cdef Status ouch50_next_tag(const uint8_t* appendage, size_t bytes, size_t* offset,
                            OuchTag* out) noexcept nogil
# Bytes of a known tag's value; 0 for a tag that neither this version of OUCH nor the venue has.
cdef size_t ouch50_tag_value_bytes(uint8_t tag) noexcept nogil
# STATUS_MALFORMED: a broken element, a known tag with another length, or a tag that comes twice (it
# would have two meanings). STATUS_UNKNOWN_TYPE: sound so far as known, but with an unknown tag.
cdef Status ouch50_check_appendage(const uint8_t* appendage, size_t bytes) noexcept nogil
# Check, and read every known tag. With STATUS_UNKNOWN_TYPE the known ones have been read.
cdef Status ouch50_decode_options(const uint8_t* appendage, size_t bytes,
                                  OuchOptions* out) noexcept nogil
# Write the present ones in the order of their numbers; at most OUCH50_APPENDAGE_BYTES_MAX.
cdef size_t ouch50_encode_options(const OuchOptions* options, uint8_t* out) noexcept nogil

# For the Python face; `message` names the message in the ValueError for what is malformed.
cdef dict ouch50_appendage_dict(Layout message, const uint8_t* appendage, size_t bytes)
cdef bytes ouch50_appendage_bytes(Layout message, dict options)


cdef inline uint64_t ouch50_tag_bit(uint8_t tag) noexcept nogil:
    """The bit of a known tag in OuchOptions.present."""
    return <uint64_t>1 << (tag if tag <= OUCH50_TAG_MAX else tag - OUCH50_TAG_VENUE_FIRST + 32)


# How every message ends, after fixed_bytes. With load_appendage the fixed part includes the length
# of the appendage; with load_optional_appendage the message may end before that length.
cdef inline Status load_appendage(const uint8_t* buffer, size_t bytes, size_t fixed_bytes,
                                  const uint8_t** appendage,
                                  uint16_t* appendage_bytes) noexcept nogil:
    cdef size_t length = load_u16_be(buffer + fixed_bytes - 2)
    if length != bytes - fixed_bytes:
        return STATUS_TRUNCATED if length > bytes - fixed_bytes else STATUS_MALFORMED
    appendage[0] = buffer + fixed_bytes
    appendage_bytes[0] = <uint16_t>length
    return STATUS_OK


cdef inline Status load_optional_appendage(const uint8_t* buffer, size_t bytes, size_t fixed_bytes,
                                           const uint8_t** appendage,
                                           uint16_t* appendage_bytes) noexcept nogil:
    if bytes == fixed_bytes:
        appendage[0] = buffer + fixed_bytes
        appendage_bytes[0] = 0
        return STATUS_OK
    if bytes < fixed_bytes + 2:
        return STATUS_TRUNCATED
    return load_appendage(buffer, bytes, fixed_bytes + 2, appendage, appendage_bytes)


cdef inline size_t store_appendage(uint8_t* out, size_t fixed_bytes, const uint8_t* appendage,
                                   uint16_t appendage_bytes) noexcept nogil:
    store_u16_be(out + fixed_bytes - 2, appendage_bytes)
    if appendage_bytes:
        memcpy(out + fixed_bytes, appendage, appendage_bytes)
    return fixed_bytes + appendage_bytes


cdef inline size_t store_optional_appendage(uint8_t* out, size_t fixed_bytes,
                                            const uint8_t* appendage,
                                            uint16_t appendage_bytes) noexcept nogil:
    if appendage_bytes == 0:
        return fixed_bytes
    return store_appendage(out, fixed_bytes + 2, appendage, appendage_bytes)
