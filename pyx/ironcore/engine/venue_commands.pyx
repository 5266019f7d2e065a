"""The venue's own commands: the start of the stream, sessions, system events and the rest."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy

from ironcore.base.memory cimport memory_prefault
from ironcore.base.status cimport STATUS_IGNORED, STATUS_LATER, STATUS_MALFORMED, STATUS_OK
from ironcore.book.book cimport Book
from ironcore.engine.book_orders cimport leaving_step
from ironcore.engine.cancel_commands cimport mass_cancel_end, mass_cancel_step
from ironcore.engine.clock_command cimport clock_advance, clock_begin_day, expiry_step
from ironcore.engine.engine cimport EngineLimits, Session, Work, engine_emit, session_classify
from ironcore.engine.instrument_commands cimport (
    bust_trade, change_instrument, define_instrument, define_tick_table, retire_end,
    retire_instrument,
)
from ironcore.engine.pending_work cimport (
    STEP_LEFT, engine_classify, work_at, work_end,
)
from ironcore.engine.state_command cimport auctions_step, set_end, set_state
from ironcore.engine.turns cimport busy_step
from ironcore.engine.under_way cimport busy_book, steps_are_left
from ironcore.engine.used_numbers cimport session_begin_numbers
from ironcore.book.options cimport STP_NONE
from ironcore.wire.record cimport (
    COMMAND_BUST_TRADE, COMMAND_CANCEL_SESSION, COMMAND_CHANGE_INSTRUMENT, COMMAND_CLOCK,
    COMMAND_CONTINUE, COMMAND_DEFINE_INSTRUMENT, COMMAND_DEFINE_SESSION, COMMAND_DEFINE_TICK_TABLE,
    COMMAND_ENTER_ORDER, COMMAND_MASS_CANCEL, COMMAND_RETIRE_INSTRUMENT, COMMAND_SET_END,
    COMMAND_SET_STATE, COMMAND_STREAM_START, COMMAND_SYSTEM_EVENT, EVENT_SESSION_DEFINED,
    EVENT_SYSTEM, INSTRUMENT_NONE, RECORD_VERSION, BustTrade, ClockCommand, ContinueCommand,
    DefineInstrument, DefineSession, DefineTickTable, RetireInstrument, SetEnd, SetState,
    StreamStart, SystemEventCommand,
)


cdef enum:
    SLOTS_HOT_MAX = 1048576          # of each session, faulted in when it is defined


cdef int _stream_start(Engine* engine, const StreamStart* command) noexcept nogil:
    cdef const EngineLimits* limits = &engine.limits
    if engine.started or command.version != RECORD_VERSION:
        return STATUS_MALFORMED
    if (command.instruments_max != limits.instruments_max
            or command.sessions_max != limits.sessions_max
            or command.orders_max != limits.orders_max
            or command.user_ref_bits != limits.user_ref_bits):
        return STATUS_MALFORMED
    engine.step_actions_max = command.step_actions_max
    if command.step_actions_max:
        engine.executions_max = (command.step_actions_max - 1) // STEP_LEFT + 1
    engine.started = True
    return STATUS_OK


cdef int _define_session(Engine* engine, const DefineSession* command) noexcept nogil:
    cdef uint32_t index = engine.sessions_count + 1
    cdef uint32_t slot_first = index << engine.limits.user_ref_bits
    cdef uint64_t slots_hot = min(<uint64_t>1 << engine.limits.user_ref_bits,
                                  <uint64_t>SLOTS_HOT_MAX)
    cdef Session* session = &engine.sessions[index]
    cdef uint8_t stp_mode = command.stp_mode if command.stp_mode else STP_NONE
    if command.header.session != index or index > engine.limits.sessions_max:
        return STATUS_MALFORMED
    if memchr(b"NOBD-", stp_mode, 5) == NULL:
        return STATUS_MALFORMED
    session.stp_mode = stp_mode
    session.stp_group = command.stp_group
    session.is_preventing = session.stp_group != 0 and session.stp_mode != STP_NONE
    session_classify(session)
    session.cancel_on_disconnect = command.cancel_on_disconnect
    memcpy(session.firm, command.firm, sizeof(session.firm))
    engine.sessions_count += 1
    engine_classify(engine)
    session_begin_numbers(engine, session)
    memory_prefault(&engine.arena.slots[slot_first], slots_hot * sizeof(uint32_t))
    memory_prefault(&engine.block_next[slot_first >> engine.block_shift],
                    (slots_hot >> engine.block_shift) * sizeof(uint32_t))
    engine_emit(engine, EVENT_SESSION_DEFINED, 0, 0, 0, 0, 0, 0, 0, slot_first)
    return STATUS_OK


cdef int _system_event(Engine* engine, const SystemEventCommand* command) noexcept nogil:
    if memchr(b"OSQMEC", command.event_code, 6) == NULL:
        return STATUS_MALFORMED
    if command.event_code == c'O':
        if steps_are_left(engine):
            return STATUS_LATER
        clock_begin_day(engine)
    engine_emit(engine, EVENT_SYSTEM, 0, command.event_code, 0, 0, 0, 0, 0, 0)
    return STATUS_OK


cdef void _say_what_goes_on(ContinueCommand* command, const Work* work) noexcept nogil:
    """For readers that answer a member's command (18.3)."""
    cdef bint is_mass_cancel = work.command.header.type == COMMAND_MASS_CANCEL
    command.header.session = work.command.header.session
    command.header.user_ref = work.command.header.user_ref
    command.header.instrument = work.command.header.instrument
    command.continued = work.command.header.type
    command.firm_given = work.command.firm_given if is_mass_cancel else 0
    command.symbol_given = work.command.symbol_given if is_mass_cancel else 0


cdef void _work_on(Engine* engine, ContinueCommand* command) noexcept nogil:
    """With the first command that waits."""
    cdef Work* work = work_at(engine, 0)
    _say_what_goes_on(command, work)
    if command.continued == COMMAND_MASS_CANCEL or command.continued == COMMAND_CANCEL_SESSION:
        if mass_cancel_step(engine, work):
            mass_cancel_end(engine, work)
            work_end(engine)
    elif leaving_step(engine, work):
        if command.continued == COMMAND_RETIRE_INSTRUMENT:
            retire_end(engine, command.header.instrument)
        work_end(engine)


cdef void _say_own(ContinueCommand* command, uint8_t type, uint32_t instrument) noexcept nogil:
    """That it is no member's command."""
    command.header.session = 0
    command.header.user_ref = 0
    command.header.instrument = instrument
    command.continued = type
    command.firm_given = 0
    command.symbol_given = 0


cdef int _continue(Engine* engine, ContinueCommand* command) noexcept nogil:
    """The next step of the auction in progress; or of the expiry; or of a busy book, or of the
    first command that waits: in turns."""
    cdef Book* book = busy_book(engine)
    if not steps_are_left(engine):
        return STATUS_IGNORED
    if engine.auctions_first:
        _say_own(command, COMMAND_SET_STATE, engine.auctions_first - 1)
        auctions_step(engine)
        return STATUS_OK
    if engine.is_expiring:
        _say_own(command, COMMAND_CLOCK, INSTRUMENT_NONE)
        expiry_step(engine)
        return STATUS_OK
    if book == NULL or (engine.works_are_next and engine.works_count):
        engine.works_are_next = False
        _work_on(engine, command)
        return STATUS_OK
    engine.works_are_next = True
    _say_own(command, COMMAND_ENTER_ORDER, <uint32_t>(book - engine.books))
    busy_step(engine, book)
    return STATUS_OK


cdef int apply_venue(Engine* engine, CommandHeader* header) noexcept nogil:
    cdef uint32_t record_bytes = header.record_bytes
    if header.type == COMMAND_STREAM_START and record_bytes == sizeof(StreamStart):
        return _stream_start(engine, <const StreamStart*>header)
    if not engine.started:
        return STATUS_MALFORMED
    if header.type == COMMAND_DEFINE_INSTRUMENT and record_bytes == sizeof(DefineInstrument):
        return define_instrument(engine, <const DefineInstrument*>header)
    if header.type == COMMAND_DEFINE_TICK_TABLE and record_bytes == sizeof(DefineTickTable):
        return define_tick_table(engine, <const DefineTickTable*>header)
    if header.type == COMMAND_DEFINE_SESSION and record_bytes == sizeof(DefineSession):
        return _define_session(engine, <const DefineSession*>header)
    if header.type == COMMAND_SYSTEM_EVENT and record_bytes == sizeof(SystemEventCommand):
        return _system_event(engine, <const SystemEventCommand*>header)
    if header.type == COMMAND_CHANGE_INSTRUMENT and record_bytes == sizeof(DefineInstrument):
        return change_instrument(engine, <const DefineInstrument*>header)
    if header.type == COMMAND_RETIRE_INSTRUMENT and record_bytes == sizeof(RetireInstrument):
        return retire_instrument(engine, <const RetireInstrument*>header)
    if header.type == COMMAND_SET_STATE and record_bytes == sizeof(SetState):
        return set_state(engine, <const SetState*>header)
    if header.type == COMMAND_CONTINUE and record_bytes == sizeof(ContinueCommand):
        return _continue(engine, <ContinueCommand*>header)
    if header.type == COMMAND_CLOCK and record_bytes == sizeof(ClockCommand):
        return clock_advance(engine, <ClockCommand*>header)
    if header.type == COMMAND_SET_END and record_bytes == sizeof(SetEnd):
        return set_end(engine, <const SetEnd*>header)
    if header.type == COMMAND_BUST_TRADE and record_bytes == sizeof(BustTrade):
        return bust_trade(engine, <const BustTrade*>header)
    return STATUS_MALFORMED
