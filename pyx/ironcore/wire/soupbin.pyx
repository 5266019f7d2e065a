"""SoupBinTCP: packet framing, and the packets that open and close a session.

What real peers send is read: text padded on either side, with spaces or NULs, in either case. What
goes out is as the specification has it: session and numbers right-justified, user left-justified.
"""

from libc.stdint cimport UINT64_MAX, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport (
    STATUS_MALFORMED, STATUS_OK, STATUS_TRUNCATED, STATUS_UNKNOWN_TYPE, Status,
)
from ironcore.wire.codec cimport load_u16_be, store_u16_be
from ironcore.wire.layout cimport Layout, Protocol


cdef Status soupbin_next(const uint8_t* buffer, size_t bytes, uint8_t* packet_type,
                         const uint8_t** payload, size_t* payload_bytes,
                         size_t* packet_bytes) noexcept nogil:
    cdef size_t length
    packet_bytes[0] = 0
    if bytes < 2:
        return STATUS_TRUNCATED
    length = load_u16_be(buffer)
    if length == 0:
        return STATUS_MALFORMED
    packet_bytes[0] = 2 + length
    if bytes < 2 + length:
        return STATUS_TRUNCATED
    packet_type[0] = buffer[2]
    payload[0] = buffer + SOUP_HEADER_BYTES
    payload_bytes[0] = length - 1
    return STATUS_OK


cdef Status soupbin_check(uint8_t packet_type, size_t payload_bytes) noexcept nogil:
    if packet_type == SOUP_SEQUENCED_DATA or packet_type == SOUP_UNSEQUENCED_DATA \
            or packet_type == SOUP_DEBUG:
        return STATUS_OK
    if packet_type == SOUP_CLIENT_HEARTBEAT or packet_type == SOUP_SERVER_HEARTBEAT \
            or packet_type == SOUP_LOGOUT_REQUEST or packet_type == SOUP_END_OF_SESSION:
        return STATUS_OK if payload_bytes == 0 else STATUS_MALFORMED
    if packet_type == SOUP_LOGIN_REQUEST:
        if payload_bytes == SOUP_LOGIN_BYTES or payload_bytes == SOUP_LOGIN_TIMEOUT_BYTES:
            return STATUS_OK
        return STATUS_MALFORMED
    if packet_type == SOUP_LOGIN_ACCEPTED:
        return STATUS_OK if payload_bytes == SOUP_LOGIN_ACCEPTED_BYTES else STATUS_MALFORMED
    if packet_type == SOUP_LOGIN_REJECTED:
        return STATUS_OK if payload_bytes == SOUP_LOGIN_REJECTED_BYTES else STATUS_MALFORMED
    return STATUS_UNKNOWN_TYPE


cdef inline bint _is_padding(uint8_t c) noexcept nogil:
    return c == 0x20 or c == 0


cdef const uint8_t* _trim(const uint8_t* field, size_t* bytes) noexcept nogil:
    while bytes[0] and _is_padding(field[bytes[0] - 1]):
        bytes[0] -= 1
    while bytes[0] and _is_padding(field[0]):
        field += 1
        bytes[0] -= 1
    return field


cdef Status _load_text(const uint8_t* field, size_t bytes, char* out,
                       bint upper) noexcept nogil:
    """Trimmed, then padded with spaces to the same width."""
    cdef size_t i
    cdef uint8_t c
    cdef size_t text_bytes = bytes
    cdef const uint8_t* text = _trim(field, &text_bytes)
    memset(out, 0x20, bytes)
    for i in range(text_bytes):
        c = text[i]
        if c < 0x20 or c > 0x7E:
            return STATUS_MALFORMED
        if upper and 0x61 <= c <= 0x7A:
            c = c - 0x20
        out[i] = <char>c
    return STATUS_OK


cdef Status _load_number(const uint8_t* field, size_t bytes, uint64_t value_max,
                         uint64_t* out) noexcept nogil:
    """Decimal digits between padding; blank is 0."""
    cdef size_t i
    cdef size_t digits = bytes
    cdef const uint8_t* text = _trim(field, &digits)
    cdef uint64_t value = 0
    cdef uint64_t digit
    for i in range(digits):
        if text[i] < 0x30 or text[i] > 0x39:
            return STATUS_MALFORMED
        digit = text[i] - 0x30
        if value > (value_max - digit) // 10:
            return STATUS_MALFORMED
        value = value * 10 + digit
    out[0] = value
    return STATUS_OK


cdef Status soupbin_decode_login_request(const uint8_t* payload, size_t bytes,
                                         SoupLoginRequest* out) noexcept nogil:
    cdef Status status = soupbin_check(SOUP_LOGIN_REQUEST, bytes)
    cdef uint64_t timeout_ms = 0
    if status != STATUS_OK:
        return status
    out.timeout_given = bytes == SOUP_LOGIN_TIMEOUT_BYTES
    if (_load_text(payload, 6, out.username, True) != STATUS_OK
            or _load_text(payload + 6, 10, out.password, True) != STATUS_OK
            or _load_text(payload + 16, 10, out.session, False) != STATUS_OK
            or _load_number(payload + 26, 20, UINT64_MAX, &out.sequence_number) != STATUS_OK):
        return STATUS_MALFORMED
    if out.timeout_given and _load_number(payload + 46, 5, 99999, &timeout_ms) != STATUS_OK:
        return STATUS_MALFORMED
    if timeout_ms == 0:
        timeout_ms = SOUP_HEARTBEAT_TIMEOUT_MS_DEFAULT
    out.heartbeat_timeout_ms = <uint32_t>timeout_ms
    return STATUS_OK


cdef Status soupbin_decode_login_accepted(const uint8_t* payload, size_t bytes,
                                          SoupLoginAccepted* out) noexcept nogil:
    cdef Status status = soupbin_check(SOUP_LOGIN_ACCEPTED, bytes)
    if status == STATUS_OK:
        status = _load_text(payload, 10, out.session, False)
    if status == STATUS_OK:
        status = _load_number(payload + 10, 20, UINT64_MAX, &out.sequence_number)
    return status


cdef Status soupbin_decode_login_rejected(const uint8_t* payload, size_t bytes,
                                          uint8_t* reason) noexcept nogil:
    cdef Status status = soupbin_check(SOUP_LOGIN_REJECTED, bytes)
    if status == STATUS_OK:
        reason[0] = payload[0]
    return status


cdef size_t soupbin_encode_header(uint8_t* out, uint8_t packet_type,
                                  size_t payload_bytes) noexcept nogil:
    iron_assert(payload_bytes <= SOUP_PAYLOAD_BYTES_MAX, "a SoupBinTCP payload fits its length")
    store_u16_be(out, <uint16_t>(payload_bytes + 1))
    out[2] = packet_type
    return SOUP_HEADER_BYTES


cdef size_t soupbin_encode_data(uint8_t* out, uint8_t packet_type, const uint8_t* payload,
                                size_t payload_bytes) noexcept nogil:
    soupbin_encode_header(out, packet_type, payload_bytes)
    if payload_bytes:
        memcpy(out + SOUP_HEADER_BYTES, payload, payload_bytes)
    return SOUP_HEADER_BYTES + payload_bytes


cdef size_t soupbin_encode_empty(uint8_t* out, uint8_t packet_type) noexcept nogil:
    return soupbin_encode_header(out, packet_type, 0)


cdef void _store_number(uint8_t* out, size_t bytes, uint64_t value) noexcept nogil:
    """Right-justified; the low digits only, where the field is too narrow."""
    cdef size_t at = bytes
    memset(out, 0x20, bytes)
    while at:
        at -= 1
        out[at] = <uint8_t>(0x30 + value % 10)
        value //= 10
        if value == 0:
            return


cdef void _store_text_right(uint8_t* out, const char* text, size_t bytes) noexcept nogil:
    cdef size_t text_bytes = bytes
    cdef const uint8_t* trimmed = _trim(<const uint8_t*>text, &text_bytes)
    memset(out, 0x20, bytes)
    memcpy(out + bytes - text_bytes, trimmed, text_bytes)


cdef size_t soupbin_encode_login_accepted(uint8_t* out, const char* session,
                                          uint64_t sequence_number) noexcept nogil:
    soupbin_encode_header(out, SOUP_LOGIN_ACCEPTED, SOUP_LOGIN_ACCEPTED_BYTES)
    _store_text_right(out + 3, session, 10)
    _store_number(out + 13, 20, sequence_number)
    return SOUP_HEADER_BYTES + SOUP_LOGIN_ACCEPTED_BYTES


cdef size_t soupbin_encode_login_rejected(uint8_t* out, uint8_t reason) noexcept nogil:
    soupbin_encode_header(out, SOUP_LOGIN_REJECTED, SOUP_LOGIN_REJECTED_BYTES)
    out[3] = reason
    return SOUP_HEADER_BYTES + SOUP_LOGIN_REJECTED_BYTES


cdef size_t soupbin_encode_login_request(uint8_t* out,
                                         const SoupLoginRequest* login) noexcept nogil:
    cdef size_t payload_bytes = SOUP_LOGIN_BYTES
    if login.timeout_given:
        payload_bytes = SOUP_LOGIN_TIMEOUT_BYTES
        _store_number(out + 49, 5, login.heartbeat_timeout_ms)
    soupbin_encode_header(out, SOUP_LOGIN_REQUEST, payload_bytes)
    memcpy(out + 3, login.username, 6)
    memcpy(out + 9, login.password, 10)
    _store_text_right(out + 19, login.session, 10)
    _store_number(out + 29, 20, login.sequence_number)
    return SOUP_HEADER_BYTES + payload_bytes


cdef Protocol _packets = Protocol("SoupBinTCP", """
+ Debug 1
A LoginAccepted 19 session:a10 sequence_number:u8
J LoginRejected 2 reason:c
S SequencedData 1
U UnsequencedData 1
H ServerHeartbeat 1
Z EndOfSession 1
L LoginRequest 43 username:a6 password:a10 requested_session:a10 requested_sequence:u8
    heartbeat_timeout_ms:u4 timeout_given:i4
R ClientHeartbeat 1
O LogoutRequest 1
""", (0, sizeof(SoupLoginAccepted), 1, 0, 0, 0, 0, sizeof(SoupLoginRequest), 0, 0),
    {"requested_session": "", "requested_sequence": 0, "timeout_given": 0,
     "heartbeat_timeout_ms": SOUP_HEARTBEAT_TIMEOUT_MS_DEFAULT})


def next_packet(const uint8_t[::1] data not None, size_t offset=0):
    """The packet that starts at offset: type, payload and where the next one starts; None when the
    data ends before it does."""
    cdef size_t available = <size_t>data.shape[0]
    cdef uint8_t packet_type = 0
    cdef const uint8_t* payload = NULL
    cdef size_t payload_bytes = 0
    cdef size_t packet_bytes = 0
    cdef Status status
    if offset >= available:
        return None
    status = soupbin_next(&data[offset], available - offset, &packet_type, &payload,
                          &payload_bytes, &packet_bytes)
    if status == STATUS_TRUNCATED:
        return None
    if status != STATUS_OK:
        raise ValueError(f"SoupBinTCP: length: found 0 at offset {offset}, expected at least 1")
    return chr(packet_type), (<char*>payload)[:payload_bytes], offset + packet_bytes


def decode(const uint8_t[::1] data not None):
    """The one whole packet in data as a dict: its `kind` and its fields."""
    cdef uint8_t packet_type = 0
    cdef uint8_t reason = 0
    cdef SoupLoginAccepted accepted
    cdef SoupLoginRequest login
    cdef Layout layout
    cdef Status status
    packet = next_packet(data)
    if packet is None or packet[2] != data.shape[0]:
        raise ValueError(f"SoupBinTCP: found {data.shape[0]} bytes, expected one whole packet")
    cdef bytes payload = packet[1]
    packet_type = data[2]
    layout = _packets.layout_of_type(&packet_type, 1)
    status = soupbin_check(packet_type, len(payload))
    if status == STATUS_OK and packet_type == SOUP_LOGIN_REQUEST:
        status = soupbin_decode_login_request(payload, len(payload), &login)
        if status == STATUS_OK:
            out = layout.load(<const uint8_t*>&login)
            del out["timeout_given"]
            return out
    elif status == STATUS_OK and packet_type == SOUP_LOGIN_ACCEPTED:
        status = soupbin_decode_login_accepted(payload, len(payload), &accepted)
        if status == STATUS_OK:
            return layout.load(<const uint8_t*>&accepted)
    elif status == STATUS_OK and packet_type == SOUP_LOGIN_REJECTED:
        soupbin_decode_login_rejected(payload, len(payload), &reason)
        return layout.load(&reason)
    if status != STATUS_OK:
        # Not what it is: there may be a password in it.
        raise layout.error("payload", f"{len(payload)} bytes", "the length and the characters of "
                           "this packet")
    if packet_type == SOUP_DEBUG:
        return {"kind": layout.kind, "text": payload.decode("latin-1")}
    if packet_type == SOUP_SEQUENCED_DATA or packet_type == SOUP_UNSEQUENCED_DATA:
        return {"kind": layout.kind, "message": payload}
    return {"kind": layout.kind}


cdef bytes _encode_login_request(Layout layout, dict fields):
    cdef SoupLoginRequest login
    cdef uint8_t[SOUP_SHORT_PACKET_BYTES_MAX] out
    cdef object timeout_ms = fields.pop("heartbeat_timeout_ms", None)
    if timeout_ms is not None:
        fields["heartbeat_timeout_ms"] = timeout_ms
        fields["timeout_given"] = 1
    layout.store(fields, <uint8_t*>&login)
    if login.timeout_given and not 1 <= login.heartbeat_timeout_ms <= 99999:
        raise layout.error("heartbeat_timeout_ms", repr(timeout_ms), "an integer from 1 to 99999")
    return (<char*>out)[:soupbin_encode_login_request(out, &login)]


cdef bytes _encode_data(Layout layout, dict fields, str name):
    cdef bytes header
    cdef uint8_t[SOUP_HEADER_BYTES] out
    if list(fields) != [name]:
        raise layout.error(name, f"the fields {sorted(fields)}", f"{name} alone")
    payload = fields[name].encode("latin-1") if name == "text" else bytes(fields[name])
    if len(payload) > SOUP_PAYLOAD_BYTES_MAX:
        raise layout.error(name, f"{len(payload)} bytes", f"at most {SOUP_PAYLOAD_BYTES_MAX}")
    header = (<char*>out)[:soupbin_encode_header(out, <uint8_t>layout.type, len(payload))]
    return header + payload


def encode(str kind not None, **fields):
    """The packet of this kind with these fields, as bytes."""
    cdef Layout layout = _packets.layout_of_kind(kind)
    cdef SoupLoginAccepted accepted
    cdef uint8_t reason = 0
    cdef uint8_t[SOUP_SHORT_PACKET_BYTES_MAX] out
    cdef size_t packet_bytes
    if layout.type == SOUP_LOGIN_REQUEST:
        return _encode_login_request(layout, fields)
    if layout.type == SOUP_SEQUENCED_DATA or layout.type == SOUP_UNSEQUENCED_DATA:
        return _encode_data(layout, fields, "message")
    if layout.type == SOUP_DEBUG:
        return _encode_data(layout, fields, "text")
    if layout.type == SOUP_LOGIN_ACCEPTED:
        layout.store(fields, <uint8_t*>&accepted)
        packet_bytes = soupbin_encode_login_accepted(out, accepted.session,
                                                     accepted.sequence_number)
    elif layout.type == SOUP_LOGIN_REJECTED:
        layout.store(fields, &reason)
        packet_bytes = soupbin_encode_login_rejected(out, reason)
    else:
        layout.store(fields, &reason)
        packet_bytes = soupbin_encode_empty(out, <uint8_t>layout.type)
    return (<char*>out)[:packet_bytes]
