"""The event stream turned into OUCH 5.0 replies, session by session.

Everything here follows from the stream alone, so that a gateway which restarts, or a program that
replays the journal, arrives at the same replies with the same sequence numbers.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.status cimport STATUS_CORRUPT, STATUS_OK
from ironcore.order_entry.ouch.replies cimport REPLY_BYTES_MAX, session_event_replies
from ironcore.order_entry.session_state cimport (
    sessions_claim, sessions_day_ns, sessions_reply,
)
from ironcore.stream.facts cimport facts_has_session, facts_take
from ironcore.stream.walk cimport walk_command, walk_take
from ironcore.wire.ouch50_account cimport OuchSystemEvent, ouch50_encode_system_event
from ironcore.wire.record cimport (
    COMMAND_DEFINE_SESSION, COMMAND_ENTER_ORDER, COMMAND_REPLACE_ORDER, COMMAND_STREAM_START,
    COMMAND_SYSTEM_EVENT, SLOT_NONE, CommandHeader, StreamStart, SystemEventCommand,
)


cdef void _system_event(Sessions* s) noexcept nogil:
    """OUCH knows the start and the end of the day only, and every session hears of them."""
    cdef const SystemEventCommand* command = <const SystemEventCommand*>walk_command(&s.walk)
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
        if facts_has_session(&s.facts, i):
            sessions_reply(s, i, out, bytes)


cdef int _command(Sessions* s) noexcept nogil:
    """What a command itself says to the sessions; most only say it by their events."""
    cdef const CommandHeader* header = walk_command(&s.walk)
    cdef const StreamStart* start = <const StreamStart*>header
    if header.session > s.sessions_max:
        return STATUS_CORRUPT
    s.aggressor = SLOT_NONE
    if header.type == COMMAND_ENTER_ORDER or header.type == COMMAND_REPLACE_ORDER:
        s.aggressor = header.session << s.user_ref_bits | header.user_ref
        return STATUS_OK
    if header.type == COMMAND_SYSTEM_EVENT:
        _system_event(s)
        return STATUS_OK
    if facts_take(&s.facts, header) != STATUS_OK:
        return STATUS_CORRUPT
    if header.type == COMMAND_DEFINE_SESSION:
        sessions_claim(s, header.session)
    if header.type == COMMAND_STREAM_START and (
            start.user_ref_bits != s.user_ref_bits or start.sessions_max != s.sessions_max):
        return STATUS_CORRUPT
    return STATUS_OK


cdef int sessions_apply(Sessions* s, uint64_t sequence, const uint8_t* payload,
                        uint32_t payload_bytes) noexcept nogil:
    cdef int status = walk_take(&s.walk, sequence, payload, payload_bytes)
    cdef uint32_t i
    if status == STATUS_OK and s.walk.begins:
        status = _command(s)
    if status != STATUS_OK:
        return status
    for i in range(s.walk.events_count):
        status = session_event_replies(s, &s.walk.events[i])
        if status != STATUS_OK:
            return status
    return STATUS_OK
