# The optional fields at the end of an OUCH 5.0 message: TagValue elements of one length byte (which
# counts the tag and the value), one tag byte and a big-endian value, in any order.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_MALFORMED, STATUS_OK, STATUS_TRUNCATED, Status
from ironcore.wire.codec cimport load_u16_be, store_u16_be
from ironcore.wire.layout cimport Layout

cdef extern from "iron_options.h" nogil:
    enum:
        OUCH50_APPENDAGE_BYTES_MAX "IRON_APPENDAGE_BYTES_MAX"    # every known tag once
        OUCH50_TAG_VALUES "IRON_TAG_VALUES"

# Those that code names; include/iron_options.h declares them all.
cdef enum OuchTagNumber:
    OUCH50_TAG_SECONDARY_ORD_REF_NUM = 1
    OUCH50_TAG_MAX_FLOOR = 5
    OUCH50_TAG_RANDOM_RESERVES = 13
    OUCH50_TAG_EXPIRE_TIME = 15
    OUCH50_TAG_HANDLE_INST = 17
    OUCH50_TAG_DISPLAY_QUANTITY = 22
    OUCH50_TAG_GROUP_ID = 24
    OUCH50_TAG_SIDE = 27
    # The venue's own, above all that OUCH has (docs/WIRE.md).
    OUCH50_TAG_SCOPE = 134
    OUCH50_TAG_VENUE_FIRST = 128

cdef struct OuchTag:
    uint8_t tag
    uint8_t value_bytes
    const uint8_t* value                 # inside the appendage

# Every known tag; values[n] counts only when bit n is set in `present`. A value is its bytes as one
# big-endian number, be it a signed one or a text.
cdef struct OuchOptions:
    uint64_t present
    uint64_t values[64]                  # by ouch50_tag_index

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


cdef inline uint32_t ouch50_tag_index(uint8_t tag) noexcept nogil:
    """Where a known tag stands in OuchOptions."""
    return tag if tag < OUCH50_TAG_VENUE_FIRST else tag - OUCH50_TAG_VENUE_FIRST + 32


cdef inline bint ouch50_has(const OuchOptions* options, uint8_t tag) noexcept nogil:
    return options.present >> ouch50_tag_index(tag) & 1


cdef inline uint64_t ouch50_value(const OuchOptions* options, uint8_t tag) noexcept nogil:
    """Of a known tag; 0 where it is not there."""
    return options.values[ouch50_tag_index(tag)] if ouch50_has(options, tag) else 0


cdef inline void ouch50_set(OuchOptions* options, uint8_t tag, uint64_t value) noexcept nogil:
    options.values[ouch50_tag_index(tag)] = value
    options.present |= <uint64_t>1 << ouch50_tag_index(tag)


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
