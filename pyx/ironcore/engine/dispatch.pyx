"""The matching core: it applies one command at a time, and says in events what happened."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.base.check cimport IRON_IS_DEBUG, iron_assert
from ironcore.base.status cimport STATUS_MALFORMED, STATUS_OK
from ironcore.book.book cimport event_mark_last
from ironcore.engine.cancel_commands cimport (
    cancel_order, cancel_session, mass_cancel, modify_order,
)
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.invariants cimport engine_broken_invariant
from ironcore.engine.order_commands cimport enter_order, replace_order
from ironcore.engine.venue_commands cimport apply_venue
from ironcore.wire.order_options cimport OPTIONS_BYTES
from ironcore.wire.record cimport (
    COMMAND_ACCOUNT_QUERY, COMMAND_CANCEL_ORDER, COMMAND_CANCEL_SESSION,
    COMMAND_DISABLE_ORDER_ENTRY, COMMAND_ENABLE_ORDER_ENTRY, COMMAND_ENTER_ORDER,
    COMMAND_MASS_CANCEL, COMMAND_MODIFY_ORDER, COMMAND_REPLACE_ORDER,
    EVENT_ACCOUNT_QUERY_RESPONSE, EVENT_ORDER_ENTRY_DISABLED, EVENT_ORDER_ENTRY_ENABLED,
    AccountQuery, CancelOrder, CancelSession, CommandHeader, EnterOrder, EntrySwitch, MassCancel,
    ModifyOrder, ReplaceOrder,
)


cdef enum:
    CHECK_STEPS = 4096               # of a walk through everything, for each command


cdef int _order_entry(Engine* engine, const EntrySwitch* command, bint disabled) noexcept nogil:
    engine.sessions[command.header.session].entry_disabled = disabled
    engine_emit(engine, EVENT_ORDER_ENTRY_DISABLED if disabled else EVENT_ORDER_ENTRY_ENABLED,
                0, 0, 0, 0, 0, 0, 0, command.header.session << engine.limits.user_ref_bits)
    return STATUS_OK


cdef int _account_query(Engine* engine, const AccountQuery* command) noexcept nogil:
    engine_emit(engine, EVENT_ACCOUNT_QUERY_RESPONSE, 0, 0, 0,
                engine.sessions[command.header.session].user_ref_last + 1, 0, 0, 0,
                command.header.session << engine.limits.user_ref_bits)
    return STATUS_OK


cdef inline bint _is_order(uint32_t record_bytes, uint32_t fixed_bytes) noexcept nogil:
    """With options or without."""
    return record_bytes == fixed_bytes or record_bytes == fixed_bytes + OPTIONS_BYTES


cdef int _apply_short(Engine* engine, CommandHeader* header) noexcept nogil:
    """A member's commands of one length each."""
    cdef uint8_t type = header.type
    cdef uint32_t record_bytes = header.record_bytes
    if type == COMMAND_CANCEL_ORDER and record_bytes == sizeof(CancelOrder):
        return cancel_order(engine, <CancelOrder*>header)
    if type == COMMAND_MODIFY_ORDER and record_bytes == sizeof(ModifyOrder):
        return modify_order(engine, <ModifyOrder*>header)
    if type == COMMAND_MASS_CANCEL and record_bytes == sizeof(MassCancel):
        return mass_cancel(engine, <const MassCancel*>header)
    if type == COMMAND_CANCEL_SESSION and record_bytes == sizeof(CancelSession):
        return cancel_session(engine, <const CancelSession*>header)
    if type == COMMAND_ACCOUNT_QUERY and record_bytes == sizeof(AccountQuery):
        return _account_query(engine, <const AccountQuery*>header)
    if record_bytes != sizeof(EntrySwitch):
        return STATUS_MALFORMED
    if type == COMMAND_DISABLE_ORDER_ENTRY:
        return _order_entry(engine, <const EntrySwitch*>header, True)
    if type == COMMAND_ENABLE_ORDER_ENTRY:
        return _order_entry(engine, <const EntrySwitch*>header, False)
    return STATUS_MALFORMED


cdef int _apply_member(Engine* engine, CommandHeader* header) noexcept nogil:
    # Sessions are defined only after the stream has started.
    if iron_unlikely(header.session - 1 >= engine.sessions_count):
        return STATUS_MALFORMED
    if header.type == COMMAND_ENTER_ORDER:
        if not _is_order(header.record_bytes, sizeof(EnterOrder)):
            return STATUS_MALFORMED
        return enter_order(engine, <EnterOrder*>header)
    if header.type == COMMAND_REPLACE_ORDER:
        if not _is_order(header.record_bytes, sizeof(ReplaceOrder)):
            return STATUS_MALFORMED
        return replace_order(engine, <ReplaceOrder*>header)
    return _apply_short(engine, header)


cdef void _check_invariants(Engine* engine) noexcept nogil:
    """In debug builds: after every command while there is little to walk, and seldom enough later
    that a command costs a bounded number of steps."""
    cdef uint64_t steps = engine.arena.order_pool.fresh
    cdef uint32_t index
    cdef const char* broken
    if engine.commands_unchecked:
        engine.commands_unchecked -= 1
        return
    for index in range(1, engine.sessions_count + 1):
        steps += engine.sessions[index].user_ref_last
    engine.commands_unchecked = steps // CHECK_STEPS
    broken = engine_broken_invariant(engine)
    if broken != NULL:
        iron_assert(False, broken)


cdef int engine_apply(Engine* engine, uint8_t* command, uint32_t command_bytes) noexcept nogil:
    cdef CommandHeader* header = <CommandHeader*>command
    cdef int status
    engine.events_count = 0
    engine.dry_run_steps = 0
    if (iron_unlikely(command_bytes < sizeof(CommandHeader))
            or iron_unlikely(header.record_bytes > command_bytes)):
        return STATUS_MALFORMED
    if iron_unlikely(header.type < COMMAND_ENTER_ORDER):
        status = apply_venue(engine, header)
    else:
        status = _apply_member(engine, header)
    if engine.events_count:
        event_mark_last(&engine.events[engine.events_count - 1])
    if IRON_IS_DEBUG:
        iron_assert(engine.events_count <= engine.events_max, "a command has more events than fit")
        _check_invariants(engine)
    return status
