"""Orders entered, replaced, cancelled and modified: sections 4 to 8 of docs/MATCHING_RULES.md."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.base.status cimport STATUS_IGNORED, STATUS_MALFORMED, STATUS_OK
from ironcore.book.book cimport (
    Book, Execution, SIDE_MASK, SIDE_SHIFT, book_key, book_match, book_queue, book_reduce,
    book_unlink,
)
from ironcore.book.engine cimport Session
from ironcore.base.builtins cimport iron_unlikely
from ironcore.book.order_pool cimport (
    ORDER_REF_MAX, ORDER_SIDE_MASK, REF_SHIFT, Order, order_at, order_give, order_ref, order_side,
    order_take,
)
from ironcore.book.price_grid cimport grid_tick
from ironcore.book.price_levels cimport KEY_WORST, PAGE_SHIFT, level_key, levels_price_e4
from ironcore.risk.limits cimport (
    CROSS_NONE, REJECT_CROSS_ORDER, REJECT_DESTINATION_CLOSED, REJECT_NONE, REJECT_OTHER,
    REJECT_PRICE, REJECT_PROCESSING, REJECT_SIDE, REJECT_SYMBOL, SIDE_BUY, TIME_IN_FORCE_DAY,
    appendage_check, instructions_reject, price_is_market, quantity_reject, side_is_sell,
)
from ironcore.wire.record cimport (
    EVENT_ACCEPTED, EVENT_ADDED, EVENT_CANCELED, EVENT_CROSSES, EVENT_MASS_CANCEL_RESPONSE,
    EVENT_MODIFIED, EVENT_REJECTED, EVENT_REPLACED, EVENT_SELL, EVENT_VISIBLE, INSTRUMENT_NONE,
)


cdef enum:
    ORDER_STATE_LIVE = 76            # 'L'
    CANCEL_REASON_IOC = 73           # 'I'
    CANCEL_REASON_USER = 85          # 'U'
    CANCEL_REASON_SYSTEM = 90        # 'Z'
    INSTRUMENT_SHIFT = 32            # in the field "other" of a mass cancel's events

cdef struct Terms:                   # a valid order, as the book needs it
    uint32_t quantity                # to be executed or to rest
    uint32_t key                     # of its price; not for a market order
    uint32_t limit_key               # the worst that it may meet, on the opposite side's scale
    int32_t price_e4
    uint32_t sell                    # 0 or 1
    uint32_t slot
    uint32_t executed                # before, by the orders that it replaces
    uint8_t side
    bint may_rest


cdef inline uint32_t _slot(const Engine* engine, uint32_t session,
                           uint32_t user_ref) noexcept nogil:
    return session << engine.limits.user_ref_bits | user_ref


cdef inline uint32_t _live_unit(const Engine* engine, uint32_t session,
                                uint32_t user_ref) noexcept nogil:
    """The unit of this member's live order, or 0."""
    if iron_unlikely(user_ref >> engine.limits.user_ref_bits):
        return 0
    return engine.arena.slots[_slot(engine, session, user_ref)]


cdef inline uint32_t _instrument_of(const Engine* engine, const Order* order) noexcept nogil:
    return engine.arena.pages[order.level >> PAGE_SHIFT].side >> SIDE_SHIFT


cdef int _reject(Engine* engine, uint32_t reason) noexcept nogil:
    engine_emit(engine, EVENT_REJECTED, 0, 0, 0, 0, 0, 0, 0, reason)
    return STATUS_OK


cdef inline uint32_t _terms_reject(const Book* book, uint32_t quantity, int32_t price_e4,
                                   uint8_t time_in_force, uint8_t display,
                                   Terms* terms) noexcept nogil:
    """What an order and a replacement have in common; fills the terms that follow from it."""
    cdef uint32_t reason = quantity_reject(&book.limits, quantity)
    cdef uint32_t tick = 0
    terms.key = 0
    if reason:
        return reason
    terms.price_e4 = price_e4
    if price_is_market(price_e4):
        terms.limit_key = KEY_WORST
        terms.may_rest = False
    else:
        if not grid_tick(&book.grid, price_e4, &tick):
            return REJECT_PRICE
        terms.key = book_key(&book.grid, terms.sell, tick)
        terms.limit_key = book_key(&book.grid, terms.sell ^ 1, tick)
        terms.may_rest = time_in_force == TIME_IN_FORCE_DAY
    return instructions_reject(time_in_force, display)


cdef inline uint32_t _enter_reject(const Engine* engine, const Session* session,
                                   const EnterOrder* command, Terms* terms) noexcept nogil:
    cdef uint32_t reason
    if session.entry_disabled:
        return REJECT_DESTINATION_CLOSED
    if command.header.instrument >= engine.books_count:
        return REJECT_SYMBOL
    terms.side = command.side
    terms.sell = 1 if side_is_sell(command.side) else 0
    if not terms.sell and command.side != SIDE_BUY:
        return REJECT_SIDE
    reason = _terms_reject(&engine.books[command.header.instrument], command.quantity,
                           command.price_e4, command.time_in_force, command.display, terms)
    if reason:
        return reason
    return REJECT_NONE if command.cross_type == CROSS_NONE else REJECT_CROSS_ORDER


cdef inline bint _crosses(const Book* book, const Terms* terms) noexcept nogil:
    return book.sides[terms.sell ^ 1].best_key <= terms.limit_key


cdef uint32_t _trade(Engine* engine, Book* book, const Terms* terms) noexcept nogil:
    """Execute what can be executed; the quantity that is left."""
    cdef Execution execution
    execution.limit_key = terms.limit_key
    execution.quantity = terms.quantity
    execution.match_number = engine.match_number_last
    execution.events = &engine.events[engine.events_count]
    book_match(&engine.arena, book, terms.sell, &execution)
    engine.match_number_last = execution.match_number
    engine.events_count = <uint32_t>(execution.events - engine.events)
    return execution.quantity


cdef inline void _rest(Engine* engine, Book* book, const Terms* terms, uint64_t reference,
                       uint32_t quantity) noexcept nogil:
    cdef uint32_t unit = order_take(&engine.arena)
    cdef Order* order = order_at(&engine.arena, unit)
    order.quantity = quantity
    order.ref_side = reference << REF_SHIFT | terms.side
    order.slot = terms.slot
    order.executed = terms.executed + terms.quantity - quantity
    book_queue(&engine.arena, book, terms.sell, terms.key, unit)
    engine.arena.slots[terms.slot] = unit


cdef inline void _trade_and_rest(Engine* engine, Book* book, const Terms* terms,
                                 uint64_t reference, bint crosses) noexcept nogil:
    cdef uint32_t left = terms.quantity
    cdef uint8_t flags = EVENT_SELL if terms.sell else 0
    if crosses:
        left = _trade(engine, book, terms)
        if left == 0:
            return
    if terms.may_rest:
        _rest(engine, book, terms, reference, left)
        engine_emit(engine, EVENT_ADDED, flags | EVENT_VISIBLE, 0, terms.side, left, reference, 0,
                    terms.price_e4, terms.slot)
    else:
        engine_emit(engine, EVENT_CANCELED, flags, CANCEL_REASON_IOC, terms.side, left, reference,
                    0, terms.price_e4, terms.slot)


cdef int enter_order(Engine* engine, EnterOrder* command) noexcept nogil:
    cdef Session* session = &engine.sessions[command.header.session]
    cdef uint32_t user_ref = command.header.user_ref
    cdef uint32_t option_reason = REJECT_NONE
    cdef uint8_t option_side = 0
    cdef uint32_t reason
    cdef uint64_t reference
    cdef Terms terms
    cdef Book* book
    if iron_unlikely(command.appendage_bytes):
        if appendage_check(<uint8_t*>command + sizeof(EnterOrder), command.appendage_bytes,
                           &option_reason, &option_side) != STATUS_OK:
            return STATUS_MALFORMED
    if user_ref <= session.user_ref_last:
        return STATUS_IGNORED
    if iron_unlikely(user_ref >> engine.limits.user_ref_bits):
        return _reject(engine, REJECT_PROCESSING)
    session.user_ref_last = user_ref
    reason = _enter_reject(engine, session, command, &terms)
    if reason == REJECT_NONE:
        reason = option_reason
    if reason == REJECT_NONE and _is_exhausted(engine, &terms):
        reason = REJECT_OTHER
    if iron_unlikely(reason):
        return _reject(engine, reason)
    book = &engine.books[command.header.instrument]
    engine.order_ref_last += 1
    reference = engine.order_ref_last
    terms.quantity = command.quantity
    terms.slot = _slot(engine, command.header.session, user_ref)
    terms.executed = 0
    engine_emit(engine, EVENT_ACCEPTED, EVENT_SELL if terms.sell else 0, ORDER_STATE_LIVE,
                terms.side, terms.quantity, reference, 0, terms.price_e4, terms.slot)
    _trade_and_rest(engine, book, &terms, reference, _crosses(book, &terms))
    return STATUS_OK


cdef inline bint _is_exhausted(const Engine* engine, const Terms* terms) noexcept nogil:
    return ((terms.may_rest and engine.arena.orders_live == engine.arena.orders_max)
            or engine.order_ref_last == ORDER_REF_MAX)


cdef inline uint8_t _order_flags(const Order* order) noexcept nogil:
    return EVENT_VISIBLE if order_side(order) == SIDE_BUY else EVENT_VISIBLE | EVENT_SELL


cdef inline int32_t _order_price_e4(Engine* engine, const Order* order) noexcept nogil:
    cdef uint32_t side = engine.arena.pages[order.level >> PAGE_SHIFT].side
    return levels_price_e4(&engine.books[side >> SIDE_SHIFT].sides[side & SIDE_MASK],
                           level_key(&engine.arena, order.level))


cdef inline void _remove(Engine* engine, uint32_t unit) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t side = engine.arena.pages[order.level >> PAGE_SHIFT].side
    engine.arena.slots[order.slot] = 0
    book_unlink(&engine.arena, &engine.books[side >> SIDE_SHIFT], side & SIDE_MASK, unit)
    order_give(&engine.arena, unit)


cdef void _cancel_whole(Engine* engine, uint32_t unit, uint8_t reason,
                        uint64_t other) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    engine_emit(engine, EVENT_CANCELED, _order_flags(order), reason, order_side(order),
                order.quantity, order_ref(order), other, _order_price_e4(engine, order),
                order.slot)
    _remove(engine, unit)


cdef int cancel_order(Engine* engine, CancelOrder* command) noexcept nogil:
    cdef uint32_t unit = _live_unit(engine, command.header.session, command.header.user_ref)
    cdef uint8_t reason = command.reason if command.reason else CANCEL_REASON_USER
    cdef uint32_t total = command.quantity
    cdef uint32_t decrement
    cdef Order* order
    if unit == 0:
        return STATUS_IGNORED
    order = order_at(&engine.arena, unit)
    if total <= order.executed:
        command.header.instrument = _instrument_of(engine, order)
        _cancel_whole(engine, unit, reason, 0)
        return STATUS_OK
    if not _is_reduction(engine, order, total):
        return STATUS_IGNORED
    command.header.instrument = _instrument_of(engine, order)
    decrement = order.executed + order.quantity - total
    book_reduce(&engine.arena, order, decrement)
    engine_emit(engine, EVENT_CANCELED, _order_flags(order), reason, order_side(order), decrement,
                order_ref(order), order.quantity, _order_price_e4(engine, order), order.slot)
    return STATUS_OK


cdef inline bint _is_reduction(Engine* engine, const Order* order, uint32_t total) noexcept nogil:
    """A new total size, above what is executed, that is smaller and in whole lots."""
    cdef uint32_t lot_size = engine.books[_instrument_of(engine, order)].limits.lot_size
    return total < order.executed + order.quantity and (lot_size == 1 or total % lot_size == 0)


cdef int modify_order(Engine* engine, CancelOrder* command) noexcept nogil:
    cdef uint32_t unit = _live_unit(engine, command.header.session, command.header.user_ref)
    cdef uint32_t total = command.quantity
    cdef uint32_t decrement = 0
    cdef Order* order
    if unit == 0:
        return STATUS_IGNORED
    order = order_at(&engine.arena, unit)
    if side_is_sell(command.side) != side_is_sell(order_side(order)):
        return STATUS_IGNORED
    if not side_is_sell(command.side) and command.side != SIDE_BUY:
        return STATUS_IGNORED
    if total <= order.executed:
        command.header.instrument = _instrument_of(engine, order)
        _cancel_whole(engine, unit, CANCEL_REASON_USER, 0)
        return STATUS_OK
    if total == order.executed + order.quantity:
        if command.side == order_side(order):
            return STATUS_IGNORED
    elif _is_reduction(engine, order, total):
        decrement = order.executed + order.quantity - total
        book_reduce(&engine.arena, order, decrement)
    else:
        return STATUS_IGNORED
    order.ref_side = (order.ref_side & ~<uint64_t>ORDER_SIDE_MASK) | command.side
    command.header.instrument = _instrument_of(engine, order)
    engine_emit(engine, EVENT_MODIFIED, _order_flags(order), 0, command.side, order.quantity,
                order_ref(order), decrement, _order_price_e4(engine, order), order.slot)
    return STATUS_OK


cdef uint32_t _replace_reject(Engine* engine, const ReplaceOrder* command, uint8_t option_side,
                              const Order* order, Terms* terms) noexcept nogil:
    cdef uint32_t instrument = _instrument_of(engine, order)
    terms.sell = 1 if side_is_sell(order_side(order)) else 0
    terms.side = option_side if option_side else order_side(order)
    if terms.side != SIDE_BUY and not side_is_sell(terms.side):
        return REJECT_SIDE
    if side_is_sell(terms.side) != side_is_sell(order_side(order)):
        return REJECT_SIDE
    return _terms_reject(&engine.books[instrument], command.quantity, command.price_e4,
                         command.time_in_force, command.display, terms)


cdef int replace_order(Engine* engine, ReplaceOrder* command) noexcept nogil:
    cdef Session* session = &engine.sessions[command.header.session]
    cdef uint32_t user_ref = command.header.user_ref
    cdef uint32_t unit = _live_unit(engine, command.header.session, command.orig_user_ref)
    cdef uint32_t option_reason = REJECT_NONE
    cdef uint8_t option_side = 0
    cdef uint32_t reason
    cdef Order* order
    cdef Terms terms
    if command.appendage_bytes:
        if appendage_check(<uint8_t*>command + sizeof(ReplaceOrder), command.appendage_bytes,
                           &option_reason, &option_side) != STATUS_OK:
            return STATUS_MALFORMED
    if user_ref <= session.user_ref_last or unit == 0:
        return STATUS_IGNORED
    order = order_at(&engine.arena, unit)
    command.header.instrument = _instrument_of(engine, order)
    if user_ref >> engine.limits.user_ref_bits or engine.order_ref_last == ORDER_REF_MAX:
        return _reject(engine, REJECT_PROCESSING)
    if session.entry_disabled:
        session.user_ref_last = user_ref
        return _reject(engine, REJECT_DESTINATION_CLOSED)
    reason = _replace_reject(engine, command, option_side, order, &terms)
    if reason or option_reason or command.quantity <= order.executed:
        _cancel_whole(engine, unit, CANCEL_REASON_USER, 0)
        return STATUS_OK
    session.user_ref_last = user_ref
    terms.quantity = command.quantity - order.executed
    terms.executed = order.executed
    terms.slot = _slot(engine, command.header.session, user_ref)
    _replace(engine, unit, &terms)
    return STATUS_OK


cdef void _replace(Engine* engine, uint32_t unit, const Terms* terms) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef Book* book = &engine.books[_instrument_of(engine, order)]
    cdef bint crosses = _crosses(book, terms)
    cdef uint8_t flags = _order_flags(order)
    cdef uint64_t reference
    if crosses or not terms.may_rest:
        flags |= EVENT_CROSSES
    engine.order_ref_last += 1
    reference = engine.order_ref_last
    engine_emit(engine, EVENT_REPLACED, flags, ORDER_STATE_LIVE, terms.side, terms.quantity,
                reference, order_ref(order), terms.price_e4, terms.slot)
    _remove(engine, unit)
    if flags & EVENT_CROSSES:
        _trade_and_rest(engine, book, terms, reference, crosses)
    else:
        _rest(engine, book, terms, reference, terms.quantity)


cdef uint32_t _cancel_all(Engine* engine, uint32_t session, uint32_t instrument,
                          uint8_t reason) noexcept nogil:
    """Cancel the session's orders, of one instrument or of all (INSTRUMENT_NONE), in order of their
    UserRefNum. Looks at every number that the session has used: rare enough not to pay for a list
    of its own in every order. Each event says its instrument in the upper half of "other"."""
    cdef uint32_t first = _slot(engine, session, 0)
    cdef uint32_t cancelled = 0
    cdef uint32_t user_ref, unit, order_instrument
    for user_ref in range(1, engine.sessions[session].user_ref_last + 1):
        unit = engine.arena.slots[first + user_ref]
        if unit == 0:
            continue
        order_instrument = _instrument_of(engine, order_at(&engine.arena, unit))
        if instrument == INSTRUMENT_NONE or instrument == order_instrument:
            _cancel_whole(engine, unit, reason,
                          <uint64_t>(order_instrument + 1) << INSTRUMENT_SHIFT)
            cancelled += 1
    return cancelled


cdef int mass_cancel(Engine* engine, CancelOrder* command) noexcept nogil:
    cdef uint8_t reason = command.reason if command.reason else CANCEL_REASON_USER
    cdef uint32_t instrument = INSTRUMENT_NONE
    cdef uint32_t cancelled = 0
    if command.symbol_given:
        instrument = command.header.instrument
    if not command.symbol_given or instrument < engine.books_count:
        cancelled = _cancel_all(engine, command.header.session, instrument, reason)
    engine_emit(engine, EVENT_MASS_CANCEL_RESPONSE, 0, 0, 0, cancelled, 0, 0, 0,
                _slot(engine, command.header.session, 0))
    return STATUS_OK


cdef int cancel_session(Engine* engine, CancelOrder* command) noexcept nogil:
    cdef uint8_t reason = command.reason if command.reason else CANCEL_REASON_SYSTEM
    if _cancel_all(engine, command.header.session, INSTRUMENT_NONE, reason) == 0:
        return STATUS_IGNORED
    return STATUS_OK
