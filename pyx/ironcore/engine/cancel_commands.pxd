# Orders cancelled and modified: sections 6 and 8 of docs/MATCHING_RULES.md. Each function applies
# one whole and well-formed record of a defined session, and returns the status that engine_apply is
# to return.
#
# The path of most cancels, of an order without a Special, is here, in line, so that it is compiled
# in one piece with what calls it.

from libc.stdint cimport int32_t, uint8_t, uint32_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.base.status cimport STATUS_IGNORED, STATUS_OK
from ironcore.book.book cimport (
    SIDE_SHIFT, Book, book_note_last, book_reduce, book_unlink, event_write,
)
from ironcore.book.order_pool cimport (
    ORDER_SPECIAL, Order, order_at, order_give, order_ref, order_side,
)
from ironcore.book.price_levels cimport level_key, levels_price
from ironcore.engine.engine cimport NOT_PLAIN, Engine, Work, engine_slot
from ironcore.engine.event_place cimport events_withdraw
from ironcore.engine.order_exit cimport CANCEL_REASON_USER
from ironcore.engine.orders cimport order_flags, place_book, place_side, queued_place
from ironcore.engine.settlement cimport book_settle_more
from ironcore.wire.record cimport (
    EVENT_CANCELED, RECORD_LAST, CancelOrder, CancelSession, CommandHeader, MassCancel, ModifyOrder,
)

cdef int cancel_order(Engine* engine, CancelOrder* command) noexcept nogil
cdef int modify_order(Engine* engine, ModifyOrder* command) noexcept nogil
cdef int mass_cancel(Engine* engine, const MassCancel* command) noexcept nogil
cdef int cancel_session(Engine* engine, const CancelSession* command) noexcept nogil
# One step of a mass cancel, or of the cancel of a session: True when it was the last one, behind
# which the command ends.
cdef bint mass_cancel_step(Engine* engine, Work* work) noexcept nogil
cdef void mass_cancel_end(Engine* engine, const Work* work) noexcept nogil
# Whether the order that a session's command names, or 0, was one that work that waits would have
# cancelled: that is done now, and is all that the command does (rule 18.6). Parts of the rarer path
# only: while work waits no command is plain.
cdef bint works_take(Engine* engine, CommandHeader* header, uint32_t unit) noexcept nogil
# Whether a live order takes part in an auction whose orders members cannot cancel now (rule 13.12).
# Of the rarer path, too: no command is plain then.
cdef bint order_is_held(Engine* engine, uint32_t unit) noexcept nogil

# By less than all of it, with its event; side is what it is from here on.
cdef void order_reduce(Engine* engine, uint32_t place, uint32_t unit, uint8_t side,
                       uint32_t decrement) noexcept nogil


cdef inline uint32_t live_unit(const Engine* engine, const CommandHeader* header) noexcept nogil:
    """The unit of this member's live order, or 0."""
    if iron_unlikely(header.user_ref >> engine.limits.user_ref_bits):
        return 0
    return engine.arena.slots[engine_slot(engine, header.session, header.user_ref)]


cdef inline bint is_reduction(const Book* book, uint32_t total, uint32_t total_now) noexcept nogil:
    """A new total size, above what is executed, that is smaller and in whole lots."""
    return total < total_now and (book.limits.lot_size == 1 or total % book.limits.lot_size == 0)


cdef inline int cancel_plain(Engine* engine, CancelOrder* command) noexcept nogil:
    """NOT_PLAIN, and nothing has happened: it is one of any kind."""
    cdef uint32_t unit = live_unit(engine, &command.header)
    cdef uint8_t reason = command.reason if command.reason else CANCEL_REASON_USER
    cdef uint32_t total = command.quantity
    cdef Order* order = order_at(&engine.arena, unit)
    cdef uint32_t place, total_now
    cdef int32_t price
    cdef Book* book
    if unit == 0:
        return STATUS_IGNORED
    if iron_unlikely(order.ref_side & ORDER_SPECIAL):
        return NOT_PLAIN
    place = queued_place(engine, order)
    book = place_book(engine, place)
    price = levels_price(&book.sides[place_side(place)], level_key(&engine.arena, order.level))
    if total <= order.executed:
        event_write(engine.events, EVENT_CANCELED, RECORD_LAST | order_flags(order, place), reason,
                    order_side(order), order.quantity, order_ref(order), 0, price, order.slot)
        engine.arena.slots[order.slot] = 0
        book_unlink(&engine.arena, book, place_side(place), unit)
        order_give(&engine.arena, unit)
    else:
        total_now = order.executed + order.quantity
        if not is_reduction(book, total, total_now):
            return STATUS_IGNORED
        book_reduce(&engine.arena, order, total_now - total)
        event_write(engine.events, EVENT_CANCELED, RECORD_LAST | order_flags(order, place), reason,
                    order_side(order), total_now - total, order_ref(order), order.quantity, price,
                    order.slot)
    engine.events_count = 1
    command.header.instrument = place >> SIDE_SHIFT
    if iron_unlikely(book.followers):
        book_note_last(book)
        events_withdraw(engine)
        book_settle_more(engine, book)
    return STATUS_OK
