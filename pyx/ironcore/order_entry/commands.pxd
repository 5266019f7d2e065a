# Commands of a session as records, for every protocol.

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memset

from ironcore.wire.order_options cimport OrderOptions
from ironcore.wire.record cimport INSTRUMENT_NONE, CommandHeader


cdef inline void command_begin(uint8_t* record, uint8_t kind, uint32_t record_bytes,
                               uint32_t session, uint32_t user_ref) noexcept nogil:
    """A record of zeros but for its header, which names no instrument yet."""
    cdef CommandHeader* header = <CommandHeader*>record
    memset(record, 0, record_bytes)
    header.type = kind
    header.record_bytes = <uint16_t>record_bytes
    header.session = session
    header.user_ref = user_ref
    header.instrument = INSTRUMENT_NONE


cdef inline const OrderOptions* command_options(const CommandHeader* header,
                                                size_t fixed_bytes) noexcept nogil:
    """The options of an order or a replacement whose struct has so many bytes, or NULL."""
    if header.record_bytes < fixed_bytes + sizeof(OrderOptions):
        return NULL
    return <const OrderOptions*>(<const uint8_t*>header + fixed_bytes)


# The command that takes out every live order of a session whose connection is gone: its bytes.
cdef uint32_t command_cancel_session(uint32_t session, uint8_t* record) noexcept nogil
