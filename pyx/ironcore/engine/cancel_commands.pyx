"""Orders cancelled and modified: sections 6 and 8 of docs/MATCHING_RULES.md."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp

from ironcore.base.status cimport STATUS_IGNORED, STATUS_OK
from ironcore.book.book cimport SIDE_SHIFT, Book
from ironcore.book.limits cimport SIDE_BUY, side_is_sell
from ironcore.book.order_pool cimport (
    ORDER_ICEBERG, ORDER_SIDE_MASK, ORDER_SPECIAL, Order, order_at, order_ref, order_side,
    special_at,
)
from ironcore.engine.engine cimport Session, engine_emit, engine_slot
from ironcore.engine.order_exit cimport (
    CANCEL_REASON_SYSTEM, CANCEL_REASON_USER, cancel_part, cancel_whole, emit_reduced,
    order_shrink,
)
from ironcore.engine.orders cimport (
    order_flags, order_open, order_place, order_price, order_sell, place_book,
)
from ironcore.engine.pegs cimport pegs_leave_quotes, pegs_park_left
from ironcore.engine.settlement cimport book_settle
from ironcore.engine.used_numbers cimport NumberBlocks, blocks_begin, blocks_next
from ironcore.wire.record cimport EVENT_MASS_CANCEL_RESPONSE, EVENT_MODIFIED


cdef enum:
    INSTRUMENT_SHIFT = 32            # in the field "other" of a mass cancel's events
    SCOPE_FIRM = 1                   # of a mass cancel: every session of the same firm


cdef void _settle(Engine* engine, Book* book) noexcept nogil:
    if book.followers:
        book.last_before_price = book.last_price
        book_settle(engine, book)


cdef int cancel_order(Engine* engine, CancelOrder* command) noexcept nogil:
    cdef uint32_t unit = live_unit(engine, &command.header)
    cdef uint8_t reason = command.reason if command.reason else CANCEL_REASON_USER
    cdef uint32_t total = command.quantity
    cdef uint32_t place, total_now
    cdef const Order* order
    cdef Book* book
    if unit == 0:
        return STATUS_IGNORED
    order = order_at(&engine.arena, unit)
    place = order_place(engine, unit)
    book = place_book(engine, place)
    if total <= order.executed:
        cancel_whole(engine, unit, reason, 0)
    else:
        total_now = order.executed + order_open(engine, unit)
        if not is_reduction(book, total, total_now):
            return STATUS_IGNORED
        cancel_part(engine, unit, total_now - total, reason)
    command.header.instrument = place >> SIDE_SHIFT
    _settle(engine, book)
    return STATUS_OK


cdef void _modify(Engine* engine, uint32_t place, uint32_t unit, uint8_t side,
                  uint32_t decrement) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t displayed = order_shrink(engine, unit, decrement) if decrement else 0
    order.ref_side = (order.ref_side & ~<uint64_t>ORDER_SIDE_MASK) | side
    engine_emit(engine, EVENT_MODIFIED, order_flags(order, place), 0, side,
                order_open(engine, unit), order_ref(order), decrement,
                order_price(engine, unit), order.slot)
    if order.ref_side & ORDER_ICEBERG and displayed:
        emit_reduced(engine, unit, displayed, order.quantity)


cdef int modify_order(Engine* engine, ModifyOrder* command) noexcept nogil:
    cdef uint32_t unit = live_unit(engine, &command.header)
    cdef uint32_t total = command.quantity
    cdef uint32_t place, total_now
    cdef const Order* order
    cdef Book* book
    if unit == 0:
        return STATUS_IGNORED
    order = order_at(&engine.arena, unit)
    if side_is_sell(command.side) != (order_sell(order) != 0):
        return STATUS_IGNORED
    if not side_is_sell(command.side) and command.side != SIDE_BUY:
        return STATUS_IGNORED
    place = order_place(engine, unit)
    book = place_book(engine, place)
    if total <= order.executed:
        cancel_whole(engine, unit, CANCEL_REASON_USER, 0)
    else:
        total_now = order.executed + order_open(engine, unit)
        if total == total_now:
            if command.side == order_side(order):
                return STATUS_IGNORED
        elif not is_reduction(book, total, total_now):
            return STATUS_IGNORED
        _modify(engine, place, unit, command.side, total_now - total)
    command.header.instrument = place >> SIDE_SHIFT
    _settle(engine, book)
    return STATUS_OK


cdef bint _is_selected(Engine* engine, const MassCancel* command, uint32_t unit) noexcept nogil:
    """Whether an order is among those that a mass cancel names."""
    cdef const Order* order = order_at(&engine.arena, unit)
    if command.symbol_given and command.header.instrument != (
            order_place(engine, unit) >> SIDE_SHIFT):
        return False
    if command.side_given and (order_sell(order) == 0) != (command.side == SIDE_BUY):
        return False
    if command.group_given:
        return command.group == (special_at(&engine.arena, unit).options.group
                                 if order.ref_side & ORDER_SPECIAL else 0)
    return True


cdef uint32_t _cancel_session(Engine* engine, uint32_t session, const MassCancel* selection,
                              uint8_t reason) noexcept nogil:
    """Cancel the session's orders, all or those selected, in order of their UserRefNum."""
    cdef uint32_t cancelled = 0
    cdef uint32_t slot, unit, instrument
    cdef NumberBlocks blocks
    blocks_begin(engine, session, &blocks)
    while blocks_next(engine, &blocks):
        for slot in range(blocks.slot_first, blocks.slot_end):
            unit = engine.arena.slots[slot]
            if unit == 0 or (selection != NULL and not _is_selected(engine, selection, unit)):
                continue
            instrument = order_place(engine, unit) >> SIDE_SHIFT
            cancel_whole(engine, unit, reason, (<uint64_t>instrument + 1) << INSTRUMENT_SHIFT)
            pegs_leave_quotes(engine, &engine.books[instrument])
            cancelled += 1
    return cancelled


cdef int mass_cancel(Engine* engine, const MassCancel* command) noexcept nogil:
    cdef uint8_t reason = command.reason if command.reason else CANCEL_REASON_USER
    cdef const Session* own = &engine.sessions[command.header.session]
    cdef uint32_t cancelled = 0
    cdef uint32_t session
    if command.scope != SCOPE_FIRM:
        cancelled = _cancel_session(engine, command.header.session, command, reason)
    else:
        for session in range(1, engine.sessions_count + 1):
            if memcmp(engine.sessions[session].firm, own.firm, sizeof(own.firm)) == 0:
                cancelled += _cancel_session(engine, session, command, reason)
    pegs_park_left(engine)
    engine_emit(engine, EVENT_MASS_CANCEL_RESPONSE, 0, 0, 0, cancelled, 0, 0, 0,
                engine_slot(engine, command.header.session, 0))
    return STATUS_OK


cdef int cancel_session(Engine* engine, const CancelSession* command) noexcept nogil:
    cdef uint8_t reason = command.reason if command.reason else CANCEL_REASON_SYSTEM
    if _cancel_session(engine, command.header.session, NULL, reason) == 0:
        return STATUS_IGNORED
    pegs_park_left(engine)
    return STATUS_OK
