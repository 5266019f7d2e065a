"""Orders and replacements of any kind, step by step."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.book.book cimport KIND_SHOWN, Book, book_note_last
from ironcore.engine.cancel_commands cimport order_is_held
from ironcore.engine.engine cimport Session, engine_emit, engine_slot
from ironcore.engine.order_checks cimport details_reject, enter_reject, state_reject
from ironcore.engine.order_exit cimport CANCEL_REASON_USER, cancel_whole, order_remove
from ironcore.engine.order_links cimport pair_other
from ironcore.engine.order_path cimport order_begin, order_rest, terms_rest_at_once
from ironcore.engine.order_terms cimport Terms
from ironcore.book.order_pool cimport (
    ORDER_ATTRIBUTED, ORDER_SPECIAL, Order, order_at, order_ref, order_side, special_at,
)
from ironcore.engine.orders cimport order_place, order_reserve, order_sell, place_book, place_kind
from ironcore.engine.settlement cimport book_settle
from ironcore.engine.used_numbers cimport session_consume
from ironcore.book.limits cimport (
    CROSS_NONE, DISPLAY_ATTRIBUTABLE, DISPLAY_NO, REJECT_NONE, REJECT_NOT_NOW, SIDE_BUY,
    TIME_IN_FORCE_FOK, TIME_IN_FORCE_IOC, price_is_market, side_is_sell,
)
from ironcore.book.options cimport options_clear, options_fit, options_inherit
from ironcore.wire.order_options cimport NAMED_SIDE
from ironcore.wire.record cimport (
    EVENT_ACCEPTED, EVENT_ATTRIBUTED, EVENT_CROSSES, EVENT_REJECTED, EVENT_REPLACED, EVENT_SELL,
    EVENT_VISIBLE,
)

cdef enum:
    ORDER_STATE_LIVE = 76            # 'L'


cdef void enter_special(Engine* engine, const EnterOrder* command,
                        const Options* options) noexcept nogil:
    cdef uint32_t reason
    cdef Terms terms
    cdef Book* book
    terms.options = options[0]
    terms.quantity = command.quantity
    terms.other = 0
    terms.slot = engine_slot(engine, command.header.session, command.header.user_ref)
    reason = enter_reject(engine, &engine.sessions[command.header.session], command, &terms)
    if reason:
        engine_emit(engine, EVENT_REJECTED, 0, 0, 0, 0, 0, 0, 0, reason)
        return
    book = &engine.books[command.header.instrument]
    book_note_last(book)
    engine.order_ref_last += 1
    terms.reference = engine.order_ref_last
    terms.executed = 0
    engine_emit(engine, EVENT_ACCEPTED, EVENT_SELL if terms.sell else 0, ORDER_STATE_LIVE,
                terms.side, terms.quantity, terms.reference, 0, terms.price, terms.slot)
    order_begin(engine, book, &terms)
    book_settle(engine, book)


cdef void _new_terms(Engine* engine, const ReplaceOrder* command, uint32_t unit,
                     const Options* options, Terms* terms) noexcept nogil:
    """What the replacement asks for, and what it inherits (7.5)."""
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef Options defaults
    terms.options = options[0]
    terms.cross_type = CROSS_NONE
    terms.other = pair_other(&engine.arena, unit)
    if order.ref_side & ORDER_SPECIAL:
        terms.cross_type = special_at(&engine.arena, unit).cross_type
        options_inherit(&terms.options, &special_at(&engine.arena, unit).options)
    else:
        options_clear(&defaults)
        options_inherit(&terms.options, &defaults)
    terms.sell = order_sell(order)
    terms.side = terms.options.new_side if options.named & NAMED_SIDE else order_side(order)
    terms.options.named &= ~<uint32_t>NAMED_SIDE
    terms.executed = order.executed
    terms.quantity = command.quantity - min(order.executed, command.quantity)
    terms.price = command.price
    terms.time_in_force = command.time_in_force
    terms.display = command.display
    terms.slot = engine_slot(engine, command.header.session, command.header.user_ref)
    options_fit(&terms.options, options.named, terms.quantity, price_is_market(command.price),
                command.display != DISPLAY_NO and not price_is_market(command.price)
                and command.time_in_force != TIME_IN_FORCE_IOC
                and command.time_in_force != TIME_IN_FORCE_FOK)


cdef bint _side_is_kept(const Terms* terms) noexcept nogil:
    """The option Side changes it among the kinds of sell only."""
    return side_is_sell(terms.side) if terms.sell else terms.side == SIDE_BUY


cdef bint _is_one_update(Engine* engine, Book* book, uint32_t unit,
                         const Terms* terms) noexcept nogil:
    """Rule 7.6: the public sees one order become the other."""
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef uint32_t max_floor = terms.options.max_floor
    if place_kind(order_place(engine, unit)) != KIND_SHOWN or terms.display == DISPLAY_NO:
        return False
    if order_reserve(engine, unit) or (max_floor and max_floor < terms.quantity):
        return False
    if (order.ref_side & ORDER_ATTRIBUTED != 0) != (terms.display == DISPLAY_ATTRIBUTABLE):
        return False
    return terms_rest_at_once(engine, book, terms)


cdef void replace_special(Engine* engine, const ReplaceOrder* command, uint32_t unit,
                          const Options* options) noexcept nogil:
    cdef Session* session = &engine.sessions[command.header.session]
    cdef uint32_t place = order_place(engine, unit)
    cdef Book* book = place_book(engine, place)
    cdef uint8_t flags = 0
    cdef bint is_one_update
    cdef uint64_t ref_before
    cdef uint32_t reason
    cdef Terms terms
    _new_terms(engine, command, unit, options, &terms)
    reason = state_reject(engine, book, &terms)
    if reason == REJECT_NONE and order_is_held(engine, unit):
        reason = REJECT_NOT_NOW
    if reason:
        session_consume(engine, session, command.header.user_ref)
        engine_emit(engine, EVENT_REJECTED, 0, 0, 0, 0, 0, 0, 0, reason)
        return
    book_note_last(book)
    if (not _side_is_kept(&terms) or details_reject(engine, book, command.quantity, &terms, unit)
            or terms.quantity == 0):
        cancel_whole(engine, unit, CANCEL_REASON_USER, 0)
        book_settle(engine, book)
        return
    session_consume(engine, session, command.header.user_ref)
    engine.order_ref_last += 1
    terms.reference = engine.order_ref_last
    is_one_update = _is_one_update(engine, book, unit, &terms)
    if place_kind(place) == KIND_SHOWN:
        flags |= EVENT_VISIBLE
    if terms.sell:
        flags |= EVENT_SELL
    if terms.display == DISPLAY_ATTRIBUTABLE:
        flags |= EVENT_ATTRIBUTED
    if not is_one_update:
        flags |= EVENT_CROSSES
    ref_before = order_ref(order_at(&engine.arena, unit))
    engine_emit(engine, EVENT_REPLACED, flags, ORDER_STATE_LIVE, terms.side, terms.quantity,
                terms.reference, ref_before, terms.price, terms.slot)
    order_remove(engine, unit)
    if is_one_update:
        order_rest(engine, book, &terms, 0)
    else:
        order_begin(engine, book, &terms)
    book_settle(engine, book)
