"""The lists that rare orders are in besides their queue, and their pairs."""

from libc.stdint cimport uint32_t
from libc.string cimport memset

from ironcore.book.book cimport KIND_HIDDEN, SIDE_SHIFT
from ironcore.book.limits cimport (
    CROSS_NONE, DISPLAY_ATTRIBUTABLE, DISPLAY_NO, DISPLAY_YES, TIME_IN_FORCE_DAY,
    TIME_IN_FORCE_GTC,
)
from ironcore.book.options cimport options_clear
from ironcore.book.order_pool cimport (
    ORDER_ATTRIBUTED, ORDER_SPECIAL, ORDER_STAYS, Link, Order, Special, order_at, special_at,
)
from ironcore.engine.orders cimport order_place, order_price, place_kind


cdef void expiry_link(Engine* engine, uint32_t unit) noexcept nogil:
    cdef Arena* arena = &engine.arena
    cdef Link* ends = &engine.expiry[special_at(arena, unit).options.expire_second]
    engine.expiry_first = min(engine.expiry_first, special_at(arena, unit).options.expire_second)
    special_at(arena, unit).expiry.next = 0
    special_at(arena, unit).expiry.prev = ends.prev
    if ends.prev:
        special_at(arena, ends.prev).expiry.next = unit
    else:
        ends.next = unit
    ends.prev = unit


cdef void expiry_unlink(Engine* engine, uint32_t unit) noexcept nogil:
    cdef Arena* arena = &engine.arena
    cdef Link* ends = &engine.expiry[special_at(arena, unit).options.expire_second]
    cdef Link link = special_at(arena, unit).expiry
    if link.prev:
        special_at(arena, link.prev).expiry.next = link.next
    else:
        ends.next = link.next
    if link.next:
        special_at(arena, link.next).expiry.prev = link.prev
    else:
        ends.prev = link.prev


cdef void _peer_link(Arena* arena, Link* ends, uint32_t unit) noexcept nogil:
    special_at(arena, unit).peers.next = 0
    special_at(arena, unit).peers.prev = ends.prev
    if ends.prev:
        special_at(arena, ends.prev).peers.next = unit
    else:
        ends.next = unit
    ends.prev = unit


cdef void _peer_unlink(Arena* arena, Link* ends, uint32_t unit) noexcept nogil:
    cdef Link link = special_at(arena, unit).peers
    if link.prev:
        special_at(arena, link.prev).peers.next = link.next
    else:
        ends.next = link.next
    if link.next:
        special_at(arena, link.next).peers.prev = link.prev
    else:
        ends.prev = link.prev


cdef void peg_link(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    _peer_link(&engine.arena, &book.pegs, unit)
    book.followers += 1
    book.shown_pegs += special_at(&engine.arena, unit).display != DISPLAY_NO


cdef void peg_unlink(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    # Pricing one peg may take others away, the next one too.
    if book.peg_next == unit:
        book.peg_next = special_at(&engine.arena, unit).peers.next
    _peer_unlink(&engine.arena, &book.pegs, unit)
    book.followers -= 1
    book.shown_pegs -= special_at(&engine.arena, unit).display != DISPLAY_NO


cdef void trailing_link(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    book.trailed_price = 0
    _peer_link(&engine.arena, &book.trailing, unit)


cdef void trailing_unlink(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    _peer_unlink(&engine.arena, &book.trailing, unit)


cdef void _make_special(Engine* engine, uint32_t unit) noexcept nogil:
    """Of an order that rests at its limit, as each one without a Special does."""
    cdef Order* order = order_at(&engine.arena, unit)
    cdef Special* special = special_at(&engine.arena, unit)
    cdef uint32_t place = order_place(engine, unit)
    memset(special, 0, sizeof(Special))
    options_clear(&special.options)
    special.instrument = place >> SIDE_SHIFT
    special.price = order_price(engine, unit)
    special.time_in_force = (TIME_IN_FORCE_GTC if order.ref_side & ORDER_STAYS
                             else TIME_IN_FORCE_DAY)
    special.display = DISPLAY_YES
    if place_kind(place) == KIND_HIDDEN:
        special.display = DISPLAY_NO
    elif order.ref_side & ORDER_ATTRIBUTED:
        special.display = DISPLAY_ATTRIBUTABLE
    special.cross_type = CROSS_NONE
    order.ref_side |= ORDER_SPECIAL


cdef void pair_link(Engine* engine, uint32_t unit, uint32_t other) noexcept nogil:
    if not order_at(&engine.arena, other).ref_side & ORDER_SPECIAL:
        _make_special(engine, other)
    special_at(&engine.arena, unit).other = other
    special_at(&engine.arena, other).other = unit
