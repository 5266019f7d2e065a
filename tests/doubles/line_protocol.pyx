"""An order-entry protocol of lines, for tests: what SoupBinTCP's lengths cannot show of the face.

    L USER PASSWORD              in: a login
    E REF SIDE QUANTITY PRICE SYMBOL NAME   an order; NAME has up to 20 characters
    KIND REF NAME                out: a report of an order

A line ends with a newline, so nobody knows the length of a frame before its end has come.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.stdio cimport snprintf, sscanf
from libc.string cimport memchr, memcpy, memset

from ironcore.base.status cimport STATUS_MALFORMED, STATUS_OK, STATUS_TRUNCATED
from ironcore.order_entry.commands cimport command_begin
from ironcore.order_entry.protocol cimport (
    FRAME_LOGIN, FRAME_MESSAGE, Frame, LoginRequest, OrderEntryProtocol, Protocol, RefusalReason,
    Report,
)
from ironcore.order_entry.seeds cimport SeedPool
from ironcore.order_entry.session_state cimport Sessions, sessions_reply
from ironcore.stream.directory cimport directory_find
from ironcore.wire.record cimport COMMAND_ENTER_ORDER, EnterOrder

cdef enum:
    LINE_BYTES_MAX = 256
    NAME_BYTES = 20


cdef int _next(const uint8_t* buffer, size_t bytes, Frame* frame) noexcept nogil:
    cdef const uint8_t* end = <const uint8_t*>memchr(buffer, 0x0A, bytes)
    if end == NULL:
        return STATUS_TRUNCATED
    frame.kind = FRAME_LOGIN if buffer[0] == 0x4C else FRAME_MESSAGE
    frame.payload = buffer
    frame.payload_bytes = <size_t>(end - buffer)
    frame.frame_bytes = frame.payload_bytes + 1
    return STATUS_OK


cdef bint _copied(const uint8_t* payload, size_t bytes, char* line) noexcept nogil:
    if bytes >= LINE_BYTES_MAX:
        return False
    memcpy(line, payload, bytes)
    line[bytes] = 0
    return True


cdef void _padded(const char* text, char* out, size_t out_bytes) noexcept nogil:
    cdef size_t i = 0
    memset(out, 0x20, out_bytes)
    while i < out_bytes and text[i] != 0:
        out[i] = text[i]
        i += 1


cdef int _login(const uint8_t* payload, size_t bytes, LoginRequest* request) noexcept nogil:
    cdef char line[LINE_BYTES_MAX]
    cdef char username[17]
    cdef char password[33]
    if (not _copied(payload, bytes, line)
            or sscanf(line, "L %16s %32s", username, password) != 2):
        return STATUS_MALFORMED
    memset(request, 0x20, sizeof(LoginRequest))
    _padded(username, request.username, sizeof(request.username))
    _padded(password, request.password, sizeof(request.password))
    request.sequence = 1
    request.peer_timeout_ns = 0
    return STATUS_OK


cdef int _command(const Sessions* sessions, SeedPool* seeds, uint32_t session,
                  const uint8_t* message, uint32_t message_bytes, uint8_t* record,
                  uint32_t* record_bytes) noexcept nogil:
    cdef EnterOrder* order = <EnterOrder*>record
    cdef char line[LINE_BYTES_MAX]
    cdef char symbol[9]
    cdef char padded_symbol[8]
    cdef char name[NAME_BYTES + 1]
    cdef char side
    cdef uint32_t user_ref, quantity
    cdef int32_t price
    if (not _copied(message, message_bytes, line)
            or sscanf(line, "E %u %c %u %d %8s %20s", &user_ref, &side, &quantity, &price, symbol,
                      name) != 6):
        return STATUS_MALFORMED
    record_bytes[0] = sizeof(EnterOrder)
    command_begin(record, COMMAND_ENTER_ORDER, sizeof(EnterOrder), session, user_ref)
    _padded(symbol, padded_symbol, sizeof(padded_symbol))
    order.header.instrument = directory_find(&sessions.facts.directory, padded_symbol)
    order.quantity = quantity
    order.price = price
    order.side = <uint8_t>side
    order.time_in_force = 0x30       # '0', for the day
    order.display = 0x59             # 'Y'
    order.capacity = 0x50            # 'P'
    order.iso = 0x4E                 # 'N'
    order.cross_type = 0x4E
    _padded(name, order.client_order_id, NAME_BYTES)
    return STATUS_OK


cdef int _report(Sessions* s, const Report* report) noexcept nogil:
    cdef char line[LINE_BYTES_MAX]
    cdef int bytes
    if report.facts == NULL:
        return STATUS_OK
    bytes = snprintf(line, LINE_BYTES_MAX, "%d %u %.20s", <int>report.kind, report.user_ref,
                     report.facts.client_order_id)
    sessions_reply(s, report.session, <uint8_t*>line, <size_t>bytes)
    return STATUS_OK


cdef size_t _frame(uint8_t* out, uint64_t sequence, const uint8_t* message,
                   size_t message_bytes) noexcept nogil:
    memcpy(out, message, message_bytes)
    out[message_bytes] = 0x0A
    return message_bytes + 1


cdef size_t _accepted(uint8_t* out, const char* stream_name, uint64_t sequence) noexcept nogil:
    memcpy(out, b"in\n", 3)
    return 3


cdef size_t _refused(uint8_t* out, RefusalReason reason) noexcept nogil:
    memcpy(out, b"out\n", 4)
    return 4


cdef size_t _heartbeat(uint8_t* out) noexcept nogil:
    out[0] = 0x0A
    return 1


cdef size_t _ended(uint8_t* out) noexcept nogil:
    memcpy(out, b"over\n", 5)
    return 5


cdef OrderEntryProtocol _made():
    cdef OrderEntryProtocol made = OrderEntryProtocol()
    cdef Protocol* face = &made.face
    face.name = b"line"
    face.frame_bytes_max = LINE_BYTES_MAX
    face.next = _next
    face.login = _login
    face.command = _command
    face.report = _report
    face.framing.frame = _frame
    face.framing.bytes_max = 1
    face.accepted = _accepted
    face.refused = _refused
    face.heartbeat = _heartbeat
    face.ended = _ended
    return made


PROTOCOL = _made()
