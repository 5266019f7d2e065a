"""Commands of a session that no message of a member asks for."""

from libc.stdint cimport uint8_t, uint32_t

from ironcore.wire.record cimport COMMAND_CANCEL_SESSION, CancelSession

cdef enum:
    REASON_DISCONNECTED = 0x5A       # 'Z' of CANCELED


cdef uint32_t command_cancel_session(uint32_t session, uint8_t* record) noexcept nogil:
    command_begin(record, COMMAND_CANCEL_SESSION, sizeof(CancelSession), session, 0)
    (<CancelSession*>record).reason = REASON_DISCONNECTED
    return sizeof(CancelSession)
