"""Orders entered and replaced: sections 4, 5 and 7 of docs/MATCHING_RULES.md.

Most orders have no options, are displayed, are for the day, good till cancelled or immediate, and
come to a book that trades continuously and has no collars. Their path is here. It does what
special_commands does for an order of any kind, and hands over to it where more is needed.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_opaque, iron_unlikely
from ironcore.base.status cimport STATUS_IGNORED, STATUS_MALFORMED, STATUS_OK
from ironcore.engine.aggressor cimport aggressor_crosses, aggressor_trade
from ironcore.book.book cimport (
    KIND_SHOWN, SIDE_SHIFT, Book, Execution, book_key, book_match, book_queue, book_unlink,
)
from ironcore.engine.engine cimport Session, engine_emit, engine_slot
from ironcore.engine.incoming cimport Aggressor
from ironcore.engine.order_exit cimport CANCEL_REASON_IOC, CANCEL_REASON_USER, cancel_whole
from ironcore.book.order_pool cimport (
    ORDER_ATTRIBUTED, ORDER_REF_MAX, ORDER_SPECIAL, ORDER_STAYS, REF_SHIFT, Order, order_at,
    order_give, order_ref, order_side, order_take,
)
from ironcore.engine.orders cimport (
    order_open, order_place, order_sell, place_book, place_kind, place_side,
)
from ironcore.book.price_grid cimport grid_tick
from ironcore.book.price_levels cimport KEY_WORST
from ironcore.engine.settlement cimport book_settle
from ironcore.engine.special_commands cimport enter_special, replace_special
from ironcore.engine.used_numbers cimport session_consume, session_enter_block
from ironcore.book.limits cimport (
    CROSS_NONE, DISPLAY_ATTRIBUTABLE, DISPLAY_YES, REJECT_DESTINATION_CLOSED, REJECT_NONE,
    REJECT_NO_ROOM, REJECT_PRICE, REJECT_PROCESSING, REJECT_SIDE, SIDE_BUY, TIME_IN_FORCE_GTC,
    TIME_IN_FORCE_IOC, price_is_market, quantity_reject, side_is_valid, time_is_plain,
)
from ironcore.book.options cimport Options, options_clear, options_take
from ironcore.wire.order_options cimport OrderOptions
from ironcore.wire.record cimport (
    EVENT_ACCEPTED, EVENT_ADDED, EVENT_ATTRIBUTED, EVENT_CANCELED, EVENT_REJECTED,
    EVENT_REPLACED, EVENT_SELL, EVENT_VISIBLE,
)


cdef enum:
    ORDER_STATE_LIVE = 76            # 'L'

cdef struct PlainTerms:              # a valid order of the common kind, as the book needs it
    uint32_t quantity                # to be executed or to rest
    uint32_t key                     # of its price; not for a market order
    uint32_t limit_key               # the worst that it may meet, on the opposite side's scale
    int32_t price
    uint32_t sell                    # 0 or 1
    uint32_t slot
    uint32_t executed                # before, by the orders that it replaces
    uint32_t flags                   # OUCH side and Order flags
    uint8_t side
    uint8_t event_flags              # of what says that it rests
    bint may_rest


cdef int _reject(Engine* engine, uint32_t reason) noexcept nogil:
    engine_emit(engine, EVENT_REJECTED, 0, 0, 0, 0, 0, 0, 0, reason)
    return STATUS_OK


cdef inline bint _is_plain(const Book* book, const Session* session, uint8_t time_in_force,
                           uint8_t display) noexcept nogil:
    """Whether such an order's path is the short one, its options and cross type apart."""
    return (book.is_plain and not session.is_preventing
            and time_is_plain(time_in_force)
            and (display == DISPLAY_YES or display == DISPLAY_ATTRIBUTABLE))


cdef inline uint32_t _terms_reject(const Book* book, uint32_t quantity, int32_t price,
                                   uint8_t time_in_force, uint8_t display,
                                   PlainTerms* terms) noexcept nogil:
    """What an order and a replacement have in common; fills the terms that follow from it."""
    cdef uint32_t reason = quantity_reject(&book.limits, quantity)
    cdef uint32_t tick = 0
    terms.key = 0
    if reason:
        return reason
    terms.price = price
    if price_is_market(price):
        terms.limit_key = KEY_WORST
        terms.may_rest = False
    else:
        if not grid_tick(&book.grid, price, &tick):
            return REJECT_PRICE
        terms.key = book_key(&book.grid, terms.sell, tick)
        terms.limit_key = book_key(&book.grid, terms.sell ^ 1, tick)
        terms.may_rest = time_in_force != TIME_IN_FORCE_IOC
    terms.flags = terms.side
    terms.event_flags = EVENT_VISIBLE | (EVENT_SELL if terms.sell else 0)
    if display == DISPLAY_ATTRIBUTABLE:
        terms.flags |= ORDER_ATTRIBUTED
        terms.event_flags |= EVENT_ATTRIBUTED
    if time_in_force == TIME_IN_FORCE_GTC:
        terms.flags |= ORDER_STAYS
    return REJECT_NONE


cdef void _trade_on(Engine* engine, Book* book, const PlainTerms* terms,
                    Execution* execution) noexcept nogil:
    """Past an iceberg or an order with an expiry, or with hidden orders in reach."""
    cdef Aggressor aggressor
    aggressor.sell = terms.sell
    aggressor.limit_key = terms.limit_key
    aggressor.quantity = execution.quantity
    aggressor.executed = 0
    aggressor.min_quantity = 0
    aggressor.stp_group = 0
    aggressor.is_interrupted = False
    aggressor.activated_price = 0
    aggressor_trade(engine, book, &aggressor)
    execution.quantity = aggressor.quantity


cdef uint32_t _trade(Engine* engine, Book* book, const PlainTerms* terms) noexcept nogil:
    """Execute what can be executed; the quantity that is left."""
    cdef Execution execution
    execution.limit_key = terms.limit_key
    execution.quantity = terms.quantity
    if not iron_unlikely(book.sides[terms.sell ^ 1].hidden_key <= terms.limit_key):
        execution.match_number = engine.match_number_last
        execution.events = &engine.events[engine.events_count]
        book_match(&engine.arena, book, terms.sell, &execution)
        engine.match_number_last = execution.match_number
        engine.events_count = <uint32_t>(execution.events - engine.events)
    if execution.quantity and iron_unlikely(
            aggressor_crosses(book, terms.sell, terms.limit_key)):
        _trade_on(engine, book, terms, &execution)
    return execution.quantity


cdef inline void _rest(Engine* engine, Book* book, const PlainTerms* terms, uint64_t reference,
                       uint32_t quantity) noexcept nogil:
    cdef uint32_t unit = order_take(&engine.arena)
    cdef Order* order = order_at(&engine.arena, unit)
    order.quantity = quantity
    order.ref_side = reference << REF_SHIFT | terms.flags
    order.slot = terms.slot
    order.executed = terms.executed + terms.quantity - quantity
    book_queue(&engine.arena, book, terms.sell, terms.key, unit)
    engine.arena.slots[terms.slot] = unit


cdef inline void _trade_and_rest(Engine* engine, Book* book, const PlainTerms* terms,
                                 uint64_t reference, bint crosses) noexcept nogil:
    cdef uint32_t left = terms.quantity
    if crosses:
        left = _trade(engine, book, terms)
        if left == 0:
            return
    if terms.may_rest:
        _rest(engine, book, terms, reference, left)
        engine_emit(engine, EVENT_ADDED, terms.event_flags, 0, terms.side, left, reference, 0,
                    terms.price, terms.slot)
    else:
        engine_emit(engine, EVENT_CANCELED, EVENT_SELL if terms.sell else 0, CANCEL_REASON_IOC,
                    terms.side, left, reference, 0, terms.price, terms.slot)


cdef inline uint32_t _enter_reject(const Engine* engine, const Session* session, const Book* book,
                                   const EnterOrder* command, PlainTerms* terms) noexcept nogil:
    cdef uint32_t reason
    if session.entry_disabled:
        return REJECT_DESTINATION_CLOSED
    terms.side = command.side
    terms.sell = iron_opaque(command.side != SIDE_BUY)
    if not side_is_valid(command.side):
        return REJECT_SIDE
    reason = _terms_reject(book, command.quantity, command.price, command.time_in_force,
                           command.display, terms)
    if reason:
        return reason
    if ((terms.may_rest and engine.arena.orders_live == engine.arena.orders_max)
            or engine.order_ref_last >= ORDER_REF_MAX):
        return REJECT_NO_ROOM
    return REJECT_NONE


cdef void _enter(Engine* engine, const Session* session, const EnterOrder* command) noexcept nogil:
    cdef Book* book = &engine.books[command.header.instrument]
    cdef PlainTerms terms
    cdef uint32_t reason = _enter_reject(engine, session, book, command, &terms)
    cdef uint64_t reference
    if iron_unlikely(reason):
        _reject(engine, reason)
        return
    engine.order_ref_last += 1
    reference = engine.order_ref_last
    terms.quantity = command.quantity
    terms.slot = engine_slot(engine, command.header.session, command.header.user_ref)
    terms.executed = 0
    engine_emit(engine, EVENT_ACCEPTED, EVENT_SELL if terms.sell else 0, ORDER_STATE_LIVE,
                terms.side, terms.quantity, reference, 0, terms.price, terms.slot)
    _trade_and_rest(engine, book, &terms, reference,
                    aggressor_crosses(book, terms.sell, terms.limit_key))
    if iron_unlikely(book.followers):
        book_settle(engine, book)


cdef int enter_order(Engine* engine, EnterOrder* command) noexcept nogil:
    cdef Session* session = &engine.sessions[command.header.session]
    cdef uint32_t user_ref = command.header.user_ref
    cdef bint has_options = command.header.record_bytes != sizeof(EnterOrder)
    cdef Options options
    if iron_unlikely(has_options):
        if options_take(<const OrderOptions*>(command + 1), &options) != STATUS_OK:
            return STATUS_MALFORMED
    if user_ref <= session.user_ref_last:
        return STATUS_IGNORED
    # No number of the block in hand is too large.
    if iron_unlikely(user_ref >= session.user_ref_end):
        if user_ref >> engine.limits.user_ref_bits:
            return _reject(engine, REJECT_PROCESSING)
        session_enter_block(engine, session, user_ref)
    session.user_ref_last = user_ref
    if not iron_unlikely(
            has_options or command.cross_type != CROSS_NONE
            or command.header.instrument >= engine.books_count
            or not _is_plain(&engine.books[command.header.instrument], session,
                             command.time_in_force, command.display)):
        _enter(engine, session, command)
        return STATUS_OK
    if not has_options:
        options_clear(&options)
    enter_special(engine, command, &options)
    return STATUS_OK


cdef bint _replace_plain(Engine* engine, Session* session, const ReplaceOrder* command,
                         uint32_t place, uint32_t unit) noexcept nogil:
    """Of a displayed order without a Special by one that rests at once and looks the same. False,
    and nothing has happened, when it is neither that nor invalid."""
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef Book* book = place_book(engine, place)
    cdef uint32_t reason
    cdef PlainTerms terms
    terms.side = order_side(order)
    terms.sell = order_sell(order)
    reason = _terms_reject(book, command.quantity, command.price, command.time_in_force,
                           command.display, &terms)
    if iron_unlikely(reason or command.quantity <= order.executed):
        cancel_whole(engine, unit, CANCEL_REASON_USER, 0)
        return True
    if iron_unlikely(not terms.may_rest or (order.ref_side ^ terms.flags) & ORDER_ATTRIBUTED
                     or aggressor_crosses(book, terms.sell, terms.limit_key)):
        return False
    session_consume(engine, session, command.header.user_ref)
    terms.quantity = command.quantity - order.executed
    terms.executed = order.executed
    terms.slot = engine_slot(engine, command.header.session, command.header.user_ref)
    engine.order_ref_last += 1
    engine_emit(engine, EVENT_REPLACED, terms.event_flags, ORDER_STATE_LIVE, terms.side,
                terms.quantity, engine.order_ref_last, order_ref(order), terms.price,
                terms.slot)
    engine.arena.slots[order.slot] = 0
    book_unlink(&engine.arena, book, place_side(place), unit)
    order_give(&engine.arena, unit)
    _rest(engine, book, &terms, engine.order_ref_last, terms.quantity)
    return True


cdef int replace_order(Engine* engine, ReplaceOrder* command) noexcept nogil:
    cdef Session* session = &engine.sessions[command.header.session]
    cdef uint32_t user_ref = command.header.user_ref
    cdef uint32_t unit = 0
    cdef uint32_t place
    cdef bint has_options = command.header.record_bytes != sizeof(ReplaceOrder)
    cdef Options options
    if command.orig_user_ref >> engine.limits.user_ref_bits == 0:
        unit = engine.arena.slots[
            engine_slot(engine, command.header.session, command.orig_user_ref)]
    if iron_unlikely(has_options):
        if options_take(<const OrderOptions*>(command + 1), &options) != STATUS_OK:
            return STATUS_MALFORMED
    if user_ref <= session.user_ref_last or unit == 0:
        return STATUS_IGNORED
    place = order_place(engine, unit)
    command.header.instrument = place >> SIDE_SHIFT
    command.open_before = order_open(engine, unit)
    if user_ref >> engine.limits.user_ref_bits or engine.order_ref_last >= ORDER_REF_MAX:
        return _reject(engine, REJECT_PROCESSING)
    if session.entry_disabled:
        session_consume(engine, session, user_ref)
        return _reject(engine, REJECT_DESTINATION_CLOSED)
    if not iron_unlikely(
            has_options or place_kind(place) != KIND_SHOWN
            or order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL
            or not _is_plain(place_book(engine, place), session, command.time_in_force,
                             command.display)):
        if _replace_plain(engine, session, command, place, unit):
            if iron_unlikely(place_book(engine, place).followers):
                book_settle(engine, place_book(engine, place))
            return STATUS_OK
    if not has_options:
        options_clear(&options)
    replace_special(engine, command, unit, &options)
    return STATUS_OK
