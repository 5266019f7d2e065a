"""What must hold of the rarer orders, besides what invariants.pyx checks of all."""

from libc.stdint cimport uint32_t

from ironcore.book.book cimport (
    KIND_HIDDEN, KIND_SHIFT, KIND_SHOWN, KIND_STOPS, KIND_WAITING,
)
from ironcore.book.engine cimport engine_slot
from ironcore.book.order_pool cimport (
    ORDER_ICEBERG, ORDER_SPECIAL, Link, Order, Special, level_at, order_at,
    special_at,
)
from ironcore.book.orders cimport order_place, place_kind
from ironcore.book.price_levels cimport PriceLevels, levels_next
from ironcore.risk.limits cimport CROSS_NONE, DISPLAY_NO, TIME_IN_FORCE_GTT
from ironcore.risk.options cimport (
    NAMED_TRAIL_OFFSET, SECONDS_A_DAY, options_are_pegged, options_are_stop,
)
from ironcore.wire.record cimport STATE_CONTINUOUS


cdef bint order_has_min_quantity(Engine* engine, uint32_t unit) noexcept nogil:
    return (order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL != 0
            and special_at(&engine.arena, unit).options.min_quantity != 0)


cdef const char* _iceberg(const Book* book, const Special* special,
                          uint32_t kind) noexcept nogil:
    if kind != KIND_SHOWN or special.options.max_floor == 0:
        return b"an iceberg is not displayed"
    if special.reserve % book.limits.lot_size:
        return b"an order rests that is not a whole number of lots"
    return NULL


cdef const char* order_broken_special(Engine* engine, const Book* book, uint32_t unit,
                                      uint32_t kind) noexcept nogil:
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef const Special* special = special_at(&engine.arena, unit)
    if not order.ref_side & ORDER_SPECIAL:
        if kind > KIND_HIDDEN or order.ref_side & ORDER_ICEBERG:
            return b"an order lacks what its kind needs"
        return NULL
    if &engine.books[special.instrument] != book:
        return b"an order does not know its instrument"
    if (special.cross_type != CROSS_NONE) != (kind >= KIND_WAITING):
        return b"an order waits for no auction, or rests before its own"
    if options_are_stop(&special.options) != (kind == KIND_STOPS):
        return b"a stop rests, or an order sleeps that is none"
    if kind <= KIND_HIDDEN and (special.display == DISPLAY_NO) != (kind == KIND_HIDDEN):
        return b"a hidden order is displayed, or a displayed one hidden"
    if options_are_pegged(&special.options) and book.state != STATE_CONTINUOUS:
        return b"a peg has a price in a state without trading"
    if order.ref_side & ORDER_ICEBERG:
        return _iceberg(book, special, kind)
    return NULL


cdef const char* _peers(Engine* engine, const Book* book, const Link* ends, bint pegs,
                        uint32_t* count) noexcept nogil:
    """A list through Special.peers: of pegs, or of stops that trail."""
    cdef uint32_t unit = ends.next
    cdef uint32_t previous = 0
    cdef const Special* special
    count[0] = 0
    while unit:
        special = special_at(&engine.arena, unit)
        if special.peers.prev != previous or count[0] > engine.arena.orders_live:
            return b"a peer does not know its neighbour"
        if &engine.books[special.instrument] != book:
            return b"an order does not know its instrument"
        if pegs and not options_are_pegged(&special.options):
            return b"an order is among the pegs that is none"
        if not pegs and place_kind(order_place(engine, unit)) != KIND_STOPS:
            return b"an order trails that is no stop"
        count[0] += 1
        previous = unit
        unit = special.peers.next
    if ends.prev != previous:
        return b"a list does not know its end"
    return NULL


cdef void _queued(Engine* engine, const Book* book, uint32_t kind, uint32_t* orders,
                  uint32_t* with_peers) noexcept nogil:
    """The orders in both queues of a kind, and those of them that belong in a list of peers."""
    cdef uint32_t sell, level, unit, named
    cdef const PriceLevels* side
    orders[0] = 0
    with_peers[0] = 0
    for sell in range(2):
        side = &book.sides[kind << KIND_SHIFT | sell]
        level = side.best_level if side.levels else 0
        while level:
            unit = level_at(&engine.arena, level).link.next
            while unit != level:
                orders[0] += 1
                if kind == KIND_STOPS:
                    named = special_at(&engine.arena, unit).options.named
                    with_peers[0] += named & NAMED_TRAIL_OFFSET != 0
                elif order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL:
                    with_peers[0] += options_are_pegged(&special_at(&engine.arena, unit).options)
                unit = order_at(&engine.arena, unit).link.next
            level = levels_next(&engine.arena, side, level)


cdef const char* book_broken_special(Engine* engine, const Book* book) noexcept nogil:
    cdef uint32_t pegs, trailing, stops, stops_trailing, hidden, hidden_pegs
    cdef uint32_t parked = 0
    cdef uint32_t unit
    cdef const char* broken = _peers(engine, book, &book.pegs, True, &pegs)
    if broken == NULL:
        broken = _peers(engine, book, &book.trailing, False, &trailing)
    if broken != NULL:
        return broken
    _queued(engine, book, KIND_STOPS, &stops, &stops_trailing)
    _queued(engine, book, KIND_HIDDEN, &hidden, &hidden_pegs)
    unit = book.pegs.next
    while unit:
        parked += order_at(&engine.arena, unit).level == 0
        unit = special_at(&engine.arena, unit).peers.next
    if pegs != hidden_pegs + parked or trailing != stops_trailing:
        return b"a peg or a trailing stop is not among its peers"
    if book.followers != pegs + stops:
        return b"a book miscounts what follows its prices"
    return NULL


cdef const char* engine_broken_expiry(Engine* engine) noexcept nogil:
    """Good-till-time orders are in the list of their second, in time, and nothing else is."""
    cdef uint32_t listed = 0
    cdef uint32_t live = 0
    cdef uint32_t second, unit, previous, session, user_ref
    for second in range(<uint32_t>SECONDS_A_DAY):
        unit = engine.expiry[second].next
        previous = 0
        if unit and second < engine.second_next:
            return b"an order has outlived its time"
        while unit:
            if (special_at(&engine.arena, unit).time_in_force != TIME_IN_FORCE_GTT
                    or special_at(&engine.arena, unit).options.expire_second != second):
                return b"an order expires that has another time"
            if special_at(&engine.arena, unit).expiry.prev != previous:
                return b"an order does not know its neighbour in time"
            listed += 1
            previous = unit
            unit = special_at(&engine.arena, unit).expiry.next
        if engine.expiry[second].prev != previous:
            return b"a list does not know its end"
    for session in range(1, engine.sessions_count + 1):
        for user_ref in range(engine.sessions[session].user_ref_last + 1):
            unit = engine.arena.slots[engine_slot(engine, session, user_ref)]
            live += (unit != 0 and order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL != 0
                     and special_at(&engine.arena, unit).time_in_force == TIME_IN_FORCE_GTT)
    if listed != live:
        return b"an order does not expire that should"
    return NULL
