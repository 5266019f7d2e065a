# OUCH 5.0, client to venue.
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
    OUCH50_ENTER_ORDER = 0x4F        # 'O'
    OUCH50_REPLACE_ORDER = 0x55      # 'U'
    OUCH50_CANCEL_ORDER = 0x58       # 'X'
    OUCH50_MODIFY_ORDER = 0x4D       # 'M'
    OUCH50_MASS_CANCEL = 0x43        # 'C'
    OUCH50_DISABLE_ORDER_ENTRY = 0x44  # 'D'
    OUCH50_ENABLE_ORDER_ENTRY = 0x45  # 'E'
    OUCH50_ACCOUNT_QUERY = 0x51      # 'Q'

# The fixed part: with the appendage's length where every such message has one (those whose
# appendage is optional end before it).
cdef enum:
    OUCH50_ENTER_ORDER_BYTES = 47
    OUCH50_REPLACE_ORDER_BYTES = 40
    OUCH50_CANCEL_ORDER_BYTES = 9
    OUCH50_MODIFY_ORDER_BYTES = 10
    OUCH50_MASS_CANCEL_BYTES = 19
    OUCH50_DISABLE_ORDER_ENTRY_BYTES = 11
    OUCH50_ENABLE_ORDER_ENTRY_BYTES = 11
    OUCH50_ACCOUNT_QUERY_BYTES = 1

cdef struct OuchEnterOrder:
    uint32_t user_ref_num
    uint8_t side
    uint32_t quantity
    char symbol[8]
    uint64_t price
    uint8_t time_in_force
    uint8_t display
    uint8_t capacity
    uint8_t iso
    uint8_t cross_type
    char cl_ord_id[14]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchReplaceOrder:
    uint32_t orig_user_ref_num
    uint32_t user_ref_num
    uint32_t quantity
    uint64_t price
    uint8_t time_in_force
    uint8_t display
    uint8_t iso
    char cl_ord_id[14]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchCancelOrder:
    uint32_t user_ref_num
    uint32_t quantity
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchModifyOrder:
    uint32_t user_ref_num
    uint8_t side
    uint32_t quantity
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchMassCancel:
    uint32_t user_ref_num
    char firm[4]
    char symbol[8]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchDisableOrderEntry:
    uint32_t user_ref_num
    char firm[4]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchEnableOrderEntry:
    uint32_t user_ref_num
    char firm[4]
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef struct OuchAccountQuery:
    const uint8_t* appendage
    uint16_t appendage_bytes

cdef Status ouch50_decode_enter_order(const uint8_t* buffer, size_t bytes,
                                      OuchEnterOrder* out) noexcept nogil
cdef size_t ouch50_encode_enter_order(const OuchEnterOrder* message, uint8_t* out) noexcept nogil
cdef Status ouch50_decode_replace_order(const uint8_t* buffer, size_t bytes,
                                        OuchReplaceOrder* out) noexcept nogil
cdef size_t ouch50_encode_replace_order(const OuchReplaceOrder* message,
                                        uint8_t* out) noexcept nogil
cdef Status ouch50_decode_cancel_order(const uint8_t* buffer, size_t bytes,
                                       OuchCancelOrder* out) noexcept nogil
cdef size_t ouch50_encode_cancel_order(const OuchCancelOrder* message, uint8_t* out) noexcept nogil
cdef Status ouch50_decode_modify_order(const uint8_t* buffer, size_t bytes,
                                       OuchModifyOrder* out) noexcept nogil
cdef size_t ouch50_encode_modify_order(const OuchModifyOrder* message, uint8_t* out) noexcept nogil
cdef Status ouch50_decode_mass_cancel(const uint8_t* buffer, size_t bytes,
                                      OuchMassCancel* out) noexcept nogil
cdef size_t ouch50_encode_mass_cancel(const OuchMassCancel* message, uint8_t* out) noexcept nogil
cdef Status ouch50_decode_disable_order_entry(const uint8_t* buffer, size_t bytes,
                                              OuchDisableOrderEntry* out) noexcept nogil
cdef size_t ouch50_encode_disable_order_entry(const OuchDisableOrderEntry* message,
                                              uint8_t* out) noexcept nogil
cdef Status ouch50_decode_enable_order_entry(const uint8_t* buffer, size_t bytes,
                                             OuchEnableOrderEntry* out) noexcept nogil
cdef size_t ouch50_encode_enable_order_entry(const OuchEnableOrderEntry* message,
                                             uint8_t* out) noexcept nogil
cdef Status ouch50_decode_account_query(const uint8_t* buffer, size_t bytes,
                                        OuchAccountQuery* out) noexcept nogil
cdef size_t ouch50_encode_account_query(const OuchAccountQuery* message,
                                        uint8_t* out) noexcept nogil
