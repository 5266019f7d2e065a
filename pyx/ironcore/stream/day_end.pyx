"""The end of the stream's day: which commands end it, and what is not admitted afterwards.

A stream has one day, 24 hours from the midnight of STREAM_START: that long CLOCK and the times of
ITCH and OUCH mean something. Behind it the matcher lets orders that are under way (rule 18.10) come
to their end, sequences SYSTEM 'M', closes every instrument by id, and sequences SYSTEM 'E' when all
orders have left that leave with the day. What has been done of that is in the stream, so that a
matcher that takes over in between goes on with the rest. No auction is held: an instrument in its
closing auction is halted before it is closed (rule 14.1).
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.engine.under_way cimport steps_are_left
from ironcore.wire.record cimport (
    COMMAND_DEFINE_INSTRUMENT, COMMAND_SET_STATE, COMMAND_STREAM_START, COMMAND_SYSTEM_EVENT,
    INSTRUMENT_NONE, STATE_CLOSED, STATE_CLOSING_AUCTION, STATE_HALTED, STATE_RETIRED,
    CommandHeader, SetState, StreamStart, SystemEventCommand,
)


cdef void day_end_init(DayEnd* day) noexcept nogil:
    memset(day, 0, sizeof(DayEnd))
    day.end_ns = DAY_END_NEVER


cdef void _begin(DayEnd* day, uint64_t midnight_ns) noexcept nogil:
    day_end_init(day)
    day.midnight_ns = midnight_ns
    if midnight_ns != 0 and midnight_ns < DAY_END_NEVER - DAY_END_NS:
        day.end_ns = midnight_ns + DAY_END_NS


cdef bint day_end_opens(const CommandHeader* header) noexcept nogil:
    return (header.type == COMMAND_SET_STATE and header.record_bytes == sizeof(SetState)
            and (<const SetState*>header).state != STATE_CLOSED)


cdef void day_end_observe(DayEnd* day, const CommandHeader* header) noexcept nogil:
    cdef uint8_t code
    if header.type == COMMAND_STREAM_START:
        _begin(day, (<const StreamStart*>header).midnight_ns)
    elif header.type == COMMAND_SYSTEM_EVENT:
        code = (<const SystemEventCommand*>header).event_code
        day.market_said = day.market_said or code == c'M'
        day.system_said = day.system_said or code == c'E'
    elif header.type == COMMAND_DEFINE_INSTRUMENT or day_end_opens(header):
        day.closed = False
        if header.instrument < day.instrument_next:
            day.instrument_next = header.instrument


cdef uint32_t _system(uint8_t* command, uint8_t code) noexcept nogil:
    cdef SystemEventCommand* event = <SystemEventCommand*>command
    memset(event, 0, sizeof(SystemEventCommand))
    event.header.type = COMMAND_SYSTEM_EVENT
    event.header.record_bytes = sizeof(SystemEventCommand)
    event.header.instrument = INSTRUMENT_NONE
    event.event_code = code
    return sizeof(SystemEventCommand)


cdef uint32_t _close(uint8_t* command, uint32_t instrument, uint8_t state) noexcept nogil:
    cdef SetState* change = <SetState*>command
    memset(change, 0, sizeof(SetState))
    change.header.type = COMMAND_SET_STATE
    change.header.record_bytes = sizeof(SetState)
    change.header.instrument = instrument
    change.state = STATE_HALTED if state == STATE_CLOSING_AUCTION else STATE_CLOSED
    memcpy(change.reason, b"DAY ", sizeof(change.reason))
    return sizeof(SetState)


cdef uint32_t day_end_next(DayEnd* day, const Engine* engine, uint8_t* command) noexcept nogil:
    cdef uint8_t state
    if engine.busy_first or engine.auctions_first:
        return 0                     # what came before is carried out before (rules 18.11, 18.14)
    if not day.market_said:
        return _system(command, c'M')
    while day.instrument_next < engine.books_count:
        state = engine.books[day.instrument_next].state
        if state != STATE_CLOSED and state != STATE_RETIRED:
            return _close(command, day.instrument_next, state)
        day.instrument_next += 1
    if steps_are_left(engine):
        return 0                     # what is left to be done belongs to the day
    if not day.system_said:
        return _system(command, c'E')
    day.closed = True
    return 0
