"""Orders entered and replaced, of any kind: who may, and whether their number is new."""

from libc.stdint cimport uint32_t

from ironcore.base.status cimport STATUS_IGNORED, STATUS_MALFORMED, STATUS_OK
from ironcore.book.book cimport SIDE_SHIFT
from ironcore.book.limits cimport (
    REJECT_DESTINATION_CLOSED, REJECT_PROCESSING,
)
from ironcore.book.options cimport Options, options_clear, options_take
from ironcore.book.order_pool cimport ORDER_REF_MAX
from ironcore.engine.cancel_commands cimport works_take
from ironcore.engine.engine cimport Session, engine_emit, engine_slot
from ironcore.engine.orders cimport order_open, order_place
from ironcore.engine.special_commands cimport enter_special, replace_special
from ironcore.engine.used_numbers cimport session_consume
from ironcore.wire.order_options cimport OrderOptions
from ironcore.wire.record cimport EVENT_REJECTED, EnterOrder, ReplaceOrder


cdef int _reject(Engine* engine, uint32_t reason) noexcept nogil:
    engine_emit(engine, EVENT_REJECTED, 0, 0, 0, 0, 0, 0, 0, reason)
    return STATUS_OK


cdef inline int _options(const void* behind, bint are_given, Options* options) noexcept nogil:
    """What follows a record's fixed part."""
    if are_given:
        return options_take(<const OrderOptions*>behind, options)
    options_clear(options)
    return STATUS_OK


cdef int enter_order(Engine* engine, EnterOrder* command) noexcept nogil:
    cdef Session* session = &engine.sessions[command.header.session]
    cdef uint32_t user_ref = command.header.user_ref
    cdef Options options
    if _options(command + 1, command.header.record_bytes != sizeof(EnterOrder),
                &options) != STATUS_OK:
        return STATUS_MALFORMED
    if user_ref <= session.user_ref_last:
        return STATUS_IGNORED
    if user_ref >> engine.limits.user_ref_bits:
        return _reject(engine, REJECT_PROCESSING)
    session_consume(engine, session, user_ref)
    enter_special(engine, command, &options)
    return STATUS_OK


cdef int replace_order(Engine* engine, ReplaceOrder* command) noexcept nogil:
    cdef Session* session = &engine.sessions[command.header.session]
    cdef uint32_t user_ref = command.header.user_ref
    cdef uint32_t unit = 0
    cdef Options options
    if command.orig_user_ref >> engine.limits.user_ref_bits == 0:
        unit = engine.arena.slots[
            engine_slot(engine, command.header.session, command.orig_user_ref)]
    if _options(command + 1, command.header.record_bytes != sizeof(ReplaceOrder),
                &options) != STATUS_OK:
        return STATUS_MALFORMED
    if user_ref <= session.user_ref_last or unit == 0:
        return STATUS_IGNORED
    command.header.instrument = order_place(engine, unit) >> SIDE_SHIFT
    command.open_before = order_open(engine, unit)
    if works_take(engine, &command.header, unit):
        return STATUS_OK
    if user_ref >> engine.limits.user_ref_bits or engine.order_ref_last >= ORDER_REF_MAX:
        return _reject(engine, REJECT_PROCESSING)
    if session.entry_disabled:
        session_consume(engine, session, user_ref)
        return _reject(engine, REJECT_DESTINATION_CLOSED)
    replace_special(engine, command, unit, &options)
    return STATUS_OK
