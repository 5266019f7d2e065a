"""Orders cancelled and modified: sections 6 and 8 of docs/MATCHING_RULES.md."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp

from ironcore.base.status cimport STATUS_IGNORED, STATUS_LATER, STATUS_OK
from ironcore.book.book cimport (
    KIND_PARKED, KIND_STOPS, KIND_WAITING, SIDE_SHIFT, Book, book_note_last,
)
from ironcore.book.limits cimport SIDE_BUY, side_is_sell
from ironcore.book.order_pool cimport (
    ORDER_ICEBERG, ORDER_SIDE_MASK, ORDER_SPECIAL, Order, order_at, order_ref, order_side,
    special_at,
)
from ironcore.engine.auctions.auction_price cimport auction_quantity, waits_for_surplus
from ironcore.engine.book_orders cimport leaving_pass, leaving_takes
from ironcore.engine.engine cimport Session, engine_emit, engine_slot
from ironcore.engine.order_exit cimport (
    CANCEL_REASON_SYSTEM, CANCEL_REASON_USER, cancel_part, cancel_whole, emit_reduced,
    order_shrink,
)
from ironcore.engine.orders cimport (
    order_flags, order_open, order_place, order_price, order_sell, place_book, place_kind,
)
from ironcore.engine.pegs cimport pegs_leave_quotes, pegs_park_left
from ironcore.engine.pending_work cimport (
    STEP_LEFT, STEP_LOOKED, step_is_over, work_at, work_last, work_prepare, work_wait,
    works_are_full_for,
)
from ironcore.engine.settlement cimport book_settle
from ironcore.engine.trading_state cimport auction_indicated
from ironcore.engine.under_way cimport book_is_in_auction
from ironcore.engine.used_numbers cimport (
    NumberBlocks, blocks_begin, blocks_next, blocks_resume, next_used,
)
from ironcore.wire.record cimport (
    COMMAND_CANCEL_SESSION, COMMAND_MASS_CANCEL, EVENT_CANCEL_REJECTED,
    EVENT_MASS_CANCEL_RESPONSE, EVENT_MODIFIED, EVENT_SELL,
)


cdef enum:
    INSTRUMENT_SHIFT = 32            # in the field "other" of a mass cancel's events
    SCOPE_FIRM = 1                   # of a mass cancel: every session of the same firm


cdef void _settle(Engine* engine, Book* book) noexcept nogil:
    if book.followers:
        book_note_last(book)
        book_settle(engine, book)


cdef bint order_is_held(Engine* engine, uint32_t unit) noexcept nogil:
    cdef uint32_t place, kind
    cdef uint8_t cross_type
    cdef const Book* book
    if engine.ends_holding == 0 and engine.auctions_first == 0:
        return False
    place = order_place(engine, unit)
    kind = place_kind(place)
    book = place_book(engine, place)
    if kind == KIND_STOPS or kind == KIND_PARKED:
        return False
    if book_is_in_auction(engine, book):
        return True
    if not engine.ends[place >> SIDE_SHIFT].holds_orders:
        return False
    cross_type = auction_indicated(book.state)
    if kind == KIND_WAITING and waits_for_surplus(&engine.arena, unit):
        return special_at(&engine.arena, unit).cross_type == cross_type
    return auction_quantity(&engine.arena, kind, unit, cross_type) != 0


cdef int _refuse(Engine* engine, CommandHeader* header, uint32_t unit) noexcept nogil:
    cdef const Order* order = order_at(&engine.arena, unit)
    header.instrument = order_place(engine, unit) >> SIDE_SHIFT
    engine_emit(engine, EVENT_CANCEL_REJECTED, EVENT_SELL if order_sell(order) else 0, 0,
                order_side(order), 0, order_ref(order), 0, order_price(engine, unit), order.slot)
    return STATUS_OK


cdef int cancel_order(Engine* engine, CancelOrder* command) noexcept nogil:
    cdef uint32_t unit = live_unit(engine, &command.header)
    cdef uint8_t reason = command.reason if command.reason else CANCEL_REASON_USER
    cdef uint32_t total = command.quantity
    cdef uint32_t place, total_now
    cdef const Order* order
    cdef Book* book
    if works_take(engine, &command.header, unit):
        return STATUS_OK
    if unit == 0:
        return STATUS_IGNORED
    order = order_at(&engine.arena, unit)
    place = order_place(engine, unit)
    book = place_book(engine, place)
    total_now = order.executed + order_open(engine, unit)
    if total > order.executed and not is_reduction(book, total, total_now):
        return STATUS_IGNORED
    if order_is_held(engine, unit) and (
            reason == CANCEL_REASON_USER or book_is_in_auction(engine, book)):
        return _refuse(engine, &command.header, unit)
    if total <= order.executed:
        leaving_pass(engine, unit)
        cancel_whole(engine, unit, reason, 0)
    else:
        cancel_part(engine, unit, total_now - total, reason)
    command.header.instrument = place >> SIDE_SHIFT
    _settle(engine, book)
    return STATUS_OK


cdef void order_reduce(Engine* engine, uint32_t place, uint32_t unit, uint8_t side,
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
    if works_take(engine, &command.header, unit):
        return STATUS_OK
    if unit == 0:
        return STATUS_IGNORED
    order = order_at(&engine.arena, unit)
    if side_is_sell(command.side) != (order_sell(order) != 0):
        return STATUS_IGNORED
    if not side_is_sell(command.side) and command.side != SIDE_BUY:
        return STATUS_IGNORED
    place = order_place(engine, unit)
    book = place_book(engine, place)
    total_now = order.executed + order_open(engine, unit)
    if total == total_now:
        if command.side == order_side(order):
            return STATUS_IGNORED
    elif total > order.executed and not is_reduction(book, total, total_now):
        return STATUS_IGNORED
    elif order_is_held(engine, unit):
        return _refuse(engine, &command.header, unit)
    if total <= order.executed:
        leaving_pass(engine, unit)
        cancel_whole(engine, unit, CANCEL_REASON_USER, 0)
    else:
        order_reduce(engine, place, unit, command.side, total_now - total)
    command.header.instrument = place >> SIDE_SHIFT
    _settle(engine, book)
    return STATUS_OK


cdef inline uint8_t _reason(const MassCancel* command) noexcept nogil:
    cdef uint8_t reason = command.reason
    if command.header.type == COMMAND_CANCEL_SESSION:
        reason = (<const CancelSession*>command).reason
        return reason if reason else CANCEL_REASON_SYSTEM
    return reason if reason else CANCEL_REASON_USER


cdef bint _is_selected(Engine* engine, const MassCancel* command, uint32_t unit) noexcept nogil:
    """Whether an order is among those that a mass cancel names."""
    cdef const Order* order = order_at(&engine.arena, unit)
    if command.symbol_given and command.header.instrument != (
            order_place(engine, unit) >> SIDE_SHIFT):
        return False
    if command.side_given and (order_sell(order) == 0) != (command.side == SIDE_BUY):
        return False
    if command.group_given and command.group != (
            special_at(&engine.arena, unit).options.group
            if order.ref_side & ORDER_SPECIAL else 0):
        return False
    return _reason(command) != CANCEL_REASON_USER or not order_is_held(engine, unit)


cdef void _cancel_named(Engine* engine, Work* work, uint32_t unit) noexcept nogil:
    """As the mass cancel, or the cancel of a session, that names it says."""
    cdef uint32_t instrument = order_place(engine, unit) >> SIDE_SHIFT
    cdef Book* book = &engine.books[instrument]
    cancel_whole(engine, unit, _reason(&work.command), (<uint64_t>instrument + 1)
                 << INSTRUMENT_SHIFT)
    work.cancelled += 1
    engine.step_actions += STEP_LEFT
    if book.pegs.next and book.pegs_left_next == 0:
        engine.step_actions += <uint64_t>STEP_LEFT * book.followers
    pegs_leave_quotes(engine, book)


cdef inline bint _names(Engine* engine, const Work* work, uint32_t unit) noexcept nogil:
    """Of an order whose number is among those concerned."""
    return (work.command.header.type == COMMAND_CANCEL_SESSION
            or _is_selected(engine, &work.command, unit))


cdef bint _block_step(Engine* engine, Work* work, const NumberBlocks* blocks,
                      uint32_t slot_last) noexcept nogil:
    """Cancel what is named of the block in hand. False when the step is over before its end."""
    cdef uint32_t slot_end = min(blocks.slot_end, slot_last + 1)
    cdef uint32_t slot = next_used(engine, work.slot, slot_end)
    cdef uint32_t unit
    while slot < slot_end:
        unit = engine.arena.slots[slot]
        if step_is_over(engine):
            work.slot = slot
            return False
        engine.step_actions += STEP_LOOKED
        if _names(engine, work, unit):
            _cancel_named(engine, work, unit)
        slot = next_used(engine, slot + 1, slot_end)
    work.slot = blocks.slot_end
    return True


cdef bint _session_step(Engine* engine, Work* work) noexcept nogil:
    """Cancel what is named of the session in hand, in order of UserRefNum, from where the last step
    ended. False when the step is over before all is seen."""
    cdef uint32_t last = work_last(engine, work, work.session)[0]
    cdef uint32_t slot_last = engine_slot(engine, work.session, last)
    cdef bint is_in_hand = work.block != 0
    cdef NumberBlocks blocks
    if last == 0:
        return True
    if is_in_hand:
        blocks_resume(engine, work.block_before, work.block, &blocks)
    else:
        blocks_begin(engine, work.session, &blocks)
    while is_in_hand or blocks_next(engine, &blocks):
        if not is_in_hand:
            work.slot = blocks.slot_first
        is_in_hand = False
        if not _block_step(engine, work, &blocks, slot_last):
            work.block_before = blocks.before
            work.block = blocks.block
            return False
        if blocks.slot_end > slot_last:
            return True
    work.block_before = blocks.before
    work.block = blocks.block
    work.slot = (blocks.block + 1) << engine.block_shift
    return blocks.block_next == 0


cdef bint mass_cancel_step(Engine* engine, Work* work) noexcept nogil:
    work.is_begun = True
    while work.session < work.session_end and _session_step(engine, work):
        work.session += 1
        work.block = 0
    pegs_park_left(engine)
    return work.session == work.session_end


cdef void mass_cancel_end(Engine* engine, const Work* work) noexcept nogil:
    if work.command.header.type == COMMAND_MASS_CANCEL:
        engine_emit(engine, EVENT_MASS_CANCEL_RESPONSE, 0, 0, 0, work.cancelled, 0, 0, 0,
                    engine_slot(engine, work.command.header.session, 0))


cdef void _concern(Engine* engine, Work* work) noexcept nogil:
    """The sessions of a mass cancel, and of each the numbers that it has used by now."""
    cdef const MassCancel* command = &work.command
    cdef const Session* own = &engine.sessions[command.header.session]
    cdef const Session* session
    cdef bint is_of_firm = (command.header.type == COMMAND_MASS_CANCEL
                            and command.scope == SCOPE_FIRM)
    cdef uint32_t index
    work.session = 1 if is_of_firm else command.header.session
    work.session_end = (engine.sessions_count if is_of_firm else command.header.session) + 1
    for index in range(work.session, work.session_end):
        session = &engine.sessions[index]
        work_last(engine, work, index)[0] = (
            session.user_ref_last if memcmp(session.firm, own.firm, sizeof(own.firm)) == 0 else 0)


cdef inline bint _goes_first(const Engine* engine) noexcept nogil:
    """Whether a mass cancel makes its first step at once."""
    return engine.works_count == 0 and engine.auctions_first == 0


cdef int mass_cancel(Engine* engine, const MassCancel* command) noexcept nogil:
    cdef Work* work
    if works_are_full_for(engine, command.header.session):
        return STATUS_LATER
    work = work_prepare(engine, &command.header, sizeof(MassCancel))
    _concern(engine, work)
    if not _goes_first(engine) or not mass_cancel_step(engine, work):
        work_wait(engine)
    else:
        mass_cancel_end(engine, work)
    return STATUS_OK


cdef int cancel_session(Engine* engine, const CancelSession* command) noexcept nogil:
    cdef Work* work
    if works_are_full_for(engine, command.header.session):
        return STATUS_LATER
    work = work_prepare(engine, &command.header, sizeof(CancelSession))
    _concern(engine, work)
    if not _goes_first(engine) or not mass_cancel_step(engine, work):
        work_wait(engine)
    elif work.cancelled == 0:
        return STATUS_IGNORED
    return STATUS_OK


cdef bint _work_takes(Engine* engine, Work* work, uint32_t unit) noexcept nogil:
    """Cancel an order as work that waits would, if it is one that this concerns."""
    cdef uint32_t slot = order_at(&engine.arena, unit).slot
    cdef uint32_t session = slot >> engine.limits.user_ref_bits
    if work.command.header.type != COMMAND_MASS_CANCEL and (
            work.command.header.type != COMMAND_CANCEL_SESSION):
        return leaving_takes(engine, work, unit)
    if session < work.session or session >= work.session_end:
        return False
    if slot > engine_slot(engine, session, work_last(engine, work, session)[0]):
        return False
    # What it has passed by stays passed by, though it might name it now (rule 13.12).
    if session == work.session and work.block != 0 and slot < work.slot:
        return False
    if not _names(engine, work, unit):
        return False
    leaving_pass(engine, unit)
    _cancel_named(engine, work, unit)
    pegs_park_left(engine)
    return True


cdef bint works_take(Engine* engine, CommandHeader* header, uint32_t unit) noexcept nogil:
    cdef uint32_t index
    cdef uint32_t instrument
    if unit == 0:
        return False
    instrument = order_place(engine, unit) >> SIDE_SHIFT
    if book_is_in_auction(engine, &engine.books[instrument]) and order_is_held(engine, unit):
        return False
    for index in range(engine.works_count):
        if _work_takes(engine, work_at(engine, index), unit):
            header.instrument = instrument
            return True
    return False
