"""A member's commands of any kind: each by its type, if it has a length of that type."""

from libc.stdint cimport uint8_t, uint32_t

from ironcore.base.status cimport STATUS_MALFORMED, STATUS_OK
from ironcore.engine.cancel_commands cimport (
    cancel_order, cancel_session, mass_cancel, modify_order,
)
from ironcore.engine.engine cimport Session, engine_emit, session_classify
from ironcore.engine.order_commands cimport enter_order, replace_order
from ironcore.engine.quotes.protection cimport protection_reset, protection_set
from ironcore.engine.quotes.quote_command cimport quote_apply
from ironcore.wire.order_options cimport OPTIONS_BYTES
from ironcore.wire.record cimport (
    COMMAND_ACCOUNT_QUERY, COMMAND_CANCEL_ORDER, COMMAND_CANCEL_SESSION,
    COMMAND_DISABLE_ORDER_ENTRY, COMMAND_ENABLE_ORDER_ENTRY, COMMAND_ENTER_ORDER,
    COMMAND_MASS_CANCEL, COMMAND_MODIFY_ORDER, COMMAND_QUOTE, COMMAND_REPLACE_ORDER,
    COMMAND_RESET_PROTECTION, COMMAND_SET_PROTECTION, EVENT_ACCOUNT_QUERY_RESPONSE,
    EVENT_ORDER_ENTRY_DISABLED, EVENT_ORDER_ENTRY_ENABLED, AccountQuery, CancelOrder,
    CancelSession, EnterOrder, EntrySwitch, MassCancel, ModifyOrder, ReplaceOrder,
    ResetProtection, SetProtection,
)


cdef int _order_entry(Engine* engine, const EntrySwitch* command, bint disabled) noexcept nogil:
    cdef Session* session = &engine.sessions[command.header.session]
    session.entry_disabled = disabled
    session_classify(session)
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
    if type == COMMAND_SET_PROTECTION and record_bytes == sizeof(SetProtection):
        return protection_set(engine, <const SetProtection*>header)
    if type == COMMAND_RESET_PROTECTION and record_bytes == sizeof(ResetProtection):
        return protection_reset(engine, <const ResetProtection*>header)
    if type == COMMAND_ACCOUNT_QUERY and record_bytes == sizeof(AccountQuery):
        return _account_query(engine, <const AccountQuery*>header)
    if record_bytes != sizeof(EntrySwitch):
        return STATUS_MALFORMED
    if type == COMMAND_DISABLE_ORDER_ENTRY:
        return _order_entry(engine, <const EntrySwitch*>header, True)
    if type == COMMAND_ENABLE_ORDER_ENTRY:
        return _order_entry(engine, <const EntrySwitch*>header, False)
    return STATUS_MALFORMED


cdef int apply_member(Engine* engine, CommandHeader* header) noexcept nogil:
    if header.session - 1 >= engine.sessions_count:
        return STATUS_MALFORMED
    if header.type == COMMAND_ENTER_ORDER:
        if not _is_order(header.record_bytes, sizeof(EnterOrder)):
            return STATUS_MALFORMED
        return enter_order(engine, <EnterOrder*>header)
    if header.type == COMMAND_REPLACE_ORDER:
        if not _is_order(header.record_bytes, sizeof(ReplaceOrder)):
            return STATUS_MALFORMED
        return replace_order(engine, <ReplaceOrder*>header)
    if header.type == COMMAND_QUOTE:
        return quote_apply(engine, header)
    return _apply_short(engine, header)
