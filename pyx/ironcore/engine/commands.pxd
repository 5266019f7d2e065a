# One command applied: the short paths of the commands that are most, and the way to all others. It
# is in line, so that what a command of the common kind needs is compiled in one piece.

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.base.check cimport IRON_IS_DEBUG
from ironcore.base.status cimport STATUS_MALFORMED
from ironcore.book.book cimport event_mark_last
from ironcore.engine.cancel_commands cimport cancel_plain
from ironcore.engine.engine cimport NOT_PLAIN, Engine
from ironcore.engine.event_place cimport events_withdraw
from ironcore.engine.invariants cimport engine_check_now_and_then
from ironcore.engine.member_commands cimport apply_member
from ironcore.engine.order_commands cimport enter_plain, replace_plain
from ironcore.engine.pending_work cimport step_begin
from ironcore.engine.venue_commands cimport apply_venue
from ironcore.wire.record cimport (
    COMMAND_CANCEL_ORDER, COMMAND_ENTER_ORDER, COMMAND_REPLACE_ORDER, CancelOrder, CommandHeader,
    EnterOrder, ReplaceOrder,
)


cdef inline int command_apply_plain(Engine* engine, CommandHeader* header) noexcept nogil:
    """NOT_PLAIN, and nothing has happened; else the status, and the last event is marked."""
    cdef uint8_t type = header.type
    cdef uint16_t record_bytes = header.record_bytes
    # Sessions are defined only after the stream has started, and none is plain while work waits.
    if iron_unlikely(header.session - 1 >= engine.sessions_plain):
        return NOT_PLAIN
    if type == COMMAND_ENTER_ORDER and record_bytes == sizeof(EnterOrder):
        return enter_plain(engine, <const EnterOrder*>header)
    if type == COMMAND_CANCEL_ORDER and record_bytes == sizeof(CancelOrder):
        return cancel_plain(engine, <CancelOrder*>header)
    if type == COMMAND_REPLACE_ORDER and record_bytes == sizeof(ReplaceOrder):
        return replace_plain(engine, <ReplaceOrder*>header)
    return NOT_PLAIN


cdef inline int command_apply(Engine* engine, uint8_t* command,
                              uint32_t command_bytes) noexcept nogil:
    """As engine_apply. The events are at engine.events, which is perhaps not where it was."""
    cdef CommandHeader* header = <CommandHeader*>command
    cdef int status
    engine.events_count = 0
    engine.dry_run_steps = 0
    if (iron_unlikely(command_bytes < sizeof(CommandHeader))
            or iron_unlikely(header.record_bytes > command_bytes)):
        return STATUS_MALFORMED
    status = command_apply_plain(engine, header)
    if iron_unlikely(status == NOT_PLAIN):
        events_withdraw(engine)
        step_begin(engine)
        status = (apply_venue(engine, header) if header.type < COMMAND_ENTER_ORDER
                  else apply_member(engine, header))
        if engine.events_count:
            event_mark_last(&engine.events[engine.events_count - 1])
    if IRON_IS_DEBUG:
        engine_check_now_and_then(engine)
    return status
