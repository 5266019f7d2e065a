"""The event stream turned into OUCH 5.0 replies, session by session.

Everything here follows from the stream alone, so that a gateway which restarts, or a program that
replays the journal, arrives at the same replies with the same sequence numbers.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_CORRUPT, STATUS_OK
from ironcore.stream.directory cimport directory_add
from ironcore.order_entry.ouch.replies cimport REPLY_BYTES_MAX, session_event_replies
from ironcore.order_entry.session_state cimport Session, sessions_day_ns, sessions_reply
from ironcore.wire.ouch50_account cimport OuchSystemEvent, ouch50_encode_system_event
from ironcore.wire.record cimport (
    COMMAND_BYTES_MAX, COMMAND_DEFINE_INSTRUMENT, COMMAND_DEFINE_SESSION, COMMAND_ENTER_ORDER,
    COMMAND_HEADER_BYTES, COMMAND_REPLACE_ORDER, COMMAND_STREAM_START, COMMAND_SYSTEM_EVENT,
    EVENT_BYTES, RECORD_LAST, SLOT_NONE, CommandHeader, DefineInstrument, DefineSession, Event,
    StreamStart, SystemEventCommand,
)


cdef void _system_event(Sessions* s) noexcept nogil:
    """OUCH knows the start and the end of the day only, and every session hears of them."""
    cdef const SystemEventCommand* command = <const SystemEventCommand*>s.command
    cdef OuchSystemEvent m
    cdef uint32_t i
    cdef size_t bytes
    cdef uint8_t out[REPLY_BYTES_MAX]
    if command.event_code != b'S' and command.event_code != b'E':
        return
    m.timestamp = sessions_day_ns(s)
    m.event_code = command.event_code
    bytes = ouch50_encode_system_event(&m, out)
    for i in range(1, s.sessions_max + 1):
        if s.session[i].defined:
            sessions_reply(s, i, out, bytes)


cdef int _command(Sessions* s) noexcept nogil:
    """What a command itself says to the sessions; most only say it by their events."""
    cdef const CommandHeader* header = <const CommandHeader*>s.command
    cdef const StreamStart* start = <const StreamStart*>s.command
    cdef const DefineSession* define = <const DefineSession*>s.command
    cdef Session* session
    if header.session > s.sessions_max:
        return STATUS_CORRUPT
    s.aggressor = SLOT_NONE
    if header.type == COMMAND_ENTER_ORDER or header.type == COMMAND_REPLACE_ORDER:
        s.aggressor = header.session << s.user_ref_bits | header.user_ref
    if header.type == COMMAND_STREAM_START:
        if start.user_ref_bits != s.user_ref_bits or start.sessions_max != s.sessions_max:
            return STATUS_CORRUPT
        s.midnight_ns = start.midnight_ns
        memcpy(s.stream_name, start.stream_name, 10)
    elif header.type == COMMAND_DEFINE_INSTRUMENT:
        return directory_add(&s.directory, (<const DefineInstrument*>s.command).symbol,
                             header.instrument)
    elif header.type == COMMAND_DEFINE_SESSION:
        session = &s.session[header.session]
        s.count += not session.defined
        session.defined = True
        memcpy(session.username, define.username, 6)
        memcpy(session.firm, define.firm, 4)
        session.cancel_on_disconnect = define.cancel_on_disconnect != 0
        session.stp_mode = define.stp_mode if define.stp_mode else c'-'
    elif header.type == COMMAND_SYSTEM_EVENT:
        _system_event(s)
    return STATUS_OK


cdef int sessions_apply(Sessions* s, const uint8_t* payload, uint32_t payload_bytes) noexcept nogil:
    cdef uint32_t offset = 0
    cdef int status
    cdef const Event* event
    if not s.open:
        if payload_bytes < COMMAND_HEADER_BYTES:
            return STATUS_CORRUPT
        offset = (<const CommandHeader*>payload).record_bytes
        if offset < COMMAND_HEADER_BYTES or offset > payload_bytes or offset > COMMAND_BYTES_MAX:
            return STATUS_CORRUPT
        memcpy(s.command, payload, offset)
        status = _command(s)
        if status != STATUS_OK:
            return status
        s.open = (<const CommandHeader*>payload).flags & RECORD_LAST == 0
    while offset + EVENT_BYTES <= payload_bytes:
        event = <const Event*>(payload + offset)
        status = session_event_replies(s, event)
        if status != STATUS_OK:
            return status
        s.open = event.flags & RECORD_LAST == 0
        offset += EVENT_BYTES
    return STATUS_OK if offset == payload_bytes else STATUS_CORRUPT
