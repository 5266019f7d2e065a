# OUCH 5.0, venue to client: what concerns the whole account or the venue.
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
    OUCH50_SYSTEM_EVENT = 0x53       # 'S'
    OUCH50_MASS_CANCEL_RESPONSE = 0x58  # 'X'
    OUCH50_DISABLE_ORDER_ENTRY_RESPONSE = 0x47  # 'G'
    OUCH50_ENABLE_ORDER_ENTRY_RESPONSE = 0x4B  # 'K'
    OUCH50_ACCOUNT_QUERY_RESPONSE = 0x51  # 'Q'

# The fixed part: with the appendage's length where every such message has one (those whose
# appendage is optional end before it).
cdef enum:
    OUCH50_SYSTEM_EVENT_BYTES = 10
    OUCH50_MASS_CANCEL_RESPONSE_BYTES = 27
    OUCH50_DISABLE_ORDER_ENTRY_RESPONSE_BYTES = 19
    OUCH50_ENABLE_ORDER_ENTRY_RESPONSE_BYTES = 19
    OUCH50_ACCOUNT_QUERY_RESPONSE_BYTES = 13

cdef struct OuchSystemEvent:
    uint64_t timestamp
    uint8_t event_code

cdef struct OuchMassCancelResponse:
    uint64_t timestamp
    uint32_t user_ref_num
    char firm[4]
    char symbol[8]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchDisableOrderEntryResponse:
    uint64_t timestamp
    uint32_t user_ref_num
    char firm[4]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchEnableOrderEntryResponse:
    uint64_t timestamp
    uint32_t user_ref_num
    char firm[4]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchAccountQueryResponse:
    uint64_t timestamp
    uint32_t next_user_ref_num
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef Status ouch50_decode_system_event(const uint8_t* buffer, size_t bytes,
                                       OuchSystemEvent* out) noexcept nogil
cdef size_t ouch50_encode_system_event(const OuchSystemEvent* message, uint8_t* out) noexcept nogil
cdef Status ouch50_decode_mass_cancel_response(const uint8_t* buffer, size_t bytes,
                                               OuchMassCancelResponse* out) noexcept nogil
cdef size_t ouch50_encode_mass_cancel_response(const OuchMassCancelResponse* message,
                                               uint8_t* out) noexcept nogil
cdef Status ouch50_decode_disable_order_entry_response(
        const uint8_t* buffer, size_t bytes, OuchDisableOrderEntryResponse* out) noexcept nogil
cdef size_t ouch50_encode_disable_order_entry_response(const OuchDisableOrderEntryResponse* message,
                                                       uint8_t* out) noexcept nogil
cdef Status ouch50_decode_enable_order_entry_response(
        const uint8_t* buffer, size_t bytes, OuchEnableOrderEntryResponse* out) noexcept nogil
cdef size_t ouch50_encode_enable_order_entry_response(const OuchEnableOrderEntryResponse* message,
                                                      uint8_t* out) noexcept nogil
cdef Status ouch50_decode_account_query_response(const uint8_t* buffer, size_t bytes,
                                                 OuchAccountQueryResponse* out) noexcept nogil
cdef size_t ouch50_encode_account_query_response(const OuchAccountQueryResponse* message,
                                                 uint8_t* out) noexcept nogil
