"""OUCH 5.0 over SoupBinTCP, as an order-entry protocol: packets, login and heartbeats.

SoupBinTCP's sequence numbers count replies alone, so a reply's place in the log is its number.
"""

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.status cimport STATUS_OK
from ironcore.order_entry.ouch.inbound cimport ouch_command
from ironcore.order_entry.ouch.replies cimport ouch_report
from ironcore.order_entry.protocol cimport (
    FRAME_ALIVE, FRAME_LOGIN, FRAME_LOGOUT, FRAME_MESSAGE, FRAME_UNEXPECTED, REFUSED_NOT_AUTHORIZED,
    Frame, FrameKind, LoginRequest, OrderEntryProtocol, Protocol, RefusalReason,
)
from ironcore.wire.soupbin cimport (
    SOUP_CLIENT_HEARTBEAT, SOUP_DEBUG, SOUP_END_OF_SESSION, SOUP_HEADER_BYTES, SOUP_LOGIN_REQUEST,
    SOUP_LOGOUT_REQUEST, SOUP_REJECT_NO_SESSION, SOUP_REJECT_NOT_AUTHORIZED, SOUP_SEQUENCED_DATA,
    SOUP_SERVER_HEARTBEAT, SOUP_UNSEQUENCED_DATA, SoupLoginRequest, soupbin_decode_login_request,
    soupbin_encode_empty, soupbin_encode_login_accepted, soupbin_encode_login_rejected,
    soupbin_next,
)

cdef enum:
    INBOUND_PACKET_BYTES_MAX = 2048  # no OUCH message of a member is longer


cdef inline FrameKind _kind(uint8_t packet_type) noexcept nogil:
    if packet_type == SOUP_UNSEQUENCED_DATA:
        return FRAME_MESSAGE
    if packet_type == SOUP_CLIENT_HEARTBEAT or packet_type == SOUP_DEBUG:
        return FRAME_ALIVE
    if packet_type == SOUP_LOGIN_REQUEST:
        return FRAME_LOGIN
    return FRAME_LOGOUT if packet_type == SOUP_LOGOUT_REQUEST else FRAME_UNEXPECTED


cdef int _next(const uint8_t* buffer, size_t bytes, Frame* frame) noexcept nogil:
    cdef uint8_t packet_type = 0
    cdef int status = soupbin_next(buffer, bytes, &packet_type, &frame.payload,
                                   &frame.payload_bytes, &frame.frame_bytes)
    if status == STATUS_OK:
        frame.kind = _kind(packet_type)
    return status


cdef int _login(const uint8_t* payload, size_t bytes, LoginRequest* request) noexcept nogil:
    cdef SoupLoginRequest login
    cdef int status = soupbin_decode_login_request(payload, bytes, &login)
    if status != STATUS_OK:
        return status
    memset(request, b' ', sizeof(LoginRequest))
    memcpy(request.username, login.username, sizeof(login.username))
    memcpy(request.password, login.password, sizeof(login.password))
    memcpy(request.stream_name, login.session, sizeof(login.session))
    request.sequence = login.sequence_number
    request.peer_timeout_ns = 0
    if login.timeout_given:
        request.peer_timeout_ns = <uint64_t>login.heartbeat_timeout_ms * 1000000
    return STATUS_OK


cdef size_t _frame(uint8_t* out, uint64_t sequence, const uint8_t* message,
                   size_t message_bytes) noexcept nogil:
    out[0] = <uint8_t>((message_bytes + 1) >> 8)
    out[1] = <uint8_t>(message_bytes + 1)
    out[2] = SOUP_SEQUENCED_DATA
    memcpy(out + SOUP_HEADER_BYTES, message, message_bytes)
    return SOUP_HEADER_BYTES + message_bytes


cdef size_t _accepted(uint8_t* out, const char* stream_name, uint64_t sequence) noexcept nogil:
    return soupbin_encode_login_accepted(out, stream_name, sequence)


cdef size_t _refused(uint8_t* out, RefusalReason reason) noexcept nogil:
    return soupbin_encode_login_rejected(
        out, SOUP_REJECT_NOT_AUTHORIZED if reason == REFUSED_NOT_AUTHORIZED
        else SOUP_REJECT_NO_SESSION)


cdef size_t _heartbeat(uint8_t* out) noexcept nogil:
    return soupbin_encode_empty(out, SOUP_SERVER_HEARTBEAT)


cdef size_t _ended(uint8_t* out) noexcept nogil:
    return soupbin_encode_empty(out, SOUP_END_OF_SESSION)


cdef OrderEntryProtocol _protocol():
    cdef OrderEntryProtocol protocol = OrderEntryProtocol()
    cdef Protocol* face = &protocol.face
    face.name = b"ouch"
    face.frame_bytes_max = INBOUND_PACKET_BYTES_MAX
    face.next = _next
    face.login = _login
    face.command = ouch_command
    face.report = ouch_report
    face.framing.frame = _frame
    face.framing.bytes_max = SOUP_HEADER_BYTES
    face.accepted = _accepted
    face.refused = _refused
    face.heartbeat = _heartbeat
    face.ended = _ended
    return protocol


PROTOCOL = _protocol()
