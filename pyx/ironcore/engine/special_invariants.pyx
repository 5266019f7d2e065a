"""What must hold of the rarer orders, of states and of sessions."""

from libc.stdint cimport uint32_t

from ironcore.book.auction_end cimport AuctionEnd, end_has_no_cancel
from ironcore.book.book cimport (
    KIND_HIDDEN, KIND_SHIFT, KIND_SHOWN, KIND_STOPS, KIND_WAITING, SIDE_SHIFT, SIDES_COUNT,
    book_classify, book_is_empty,
)
from ironcore.engine.engine cimport Session
from ironcore.book.order_pool cimport (
    ORDER_ICEBERG, ORDER_SPECIAL, Arena, Link, Order, Special, level_at, order_at,
    special_at,
)
from ironcore.engine.order_links cimport pair_other
from ironcore.engine.orders cimport order_place, order_sell, place_kind
from ironcore.book.price_levels cimport PriceLevels, level_key, levels_next
from ironcore.engine.pegs cimport (
    PEGS_PARKED, pegs_are_due, quotes_are_others, quotes_read,
)
from ironcore.engine.pending_work cimport work_empties
from ironcore.engine.trading_state cimport (
    auction_between, auction_indicated, state_is_known,
)
from ironcore.engine.used_numbers cimport session_broken_numbers
from ironcore.book.limits cimport CROSS_NONE, DISPLAY_NO
from ironcore.book.options cimport (
    PRICE_TYPE_PRIMARY_PEG, STP_NONE, options_are_pegged, options_are_stop, options_expire_today,
)
from ironcore.wire.order_options cimport NAMED_TRAIL_OFFSET
from ironcore.wire.record cimport (
    ALLOCATION_SIZE_TIME, STATE_CONTINUOUS, STATE_PAUSED, STATE_RETIRED,
)


cdef bint order_has_min_quantity(Engine* engine, uint32_t unit) noexcept nogil:
    return (order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL != 0
            and special_at(&engine.arena, unit).options.min_quantity != 0)


cdef bint order_keeps_turn(Engine* engine, uint32_t unit, uint32_t kind) noexcept nogil:
    cdef bint is_special = order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL != 0
    if kind >= KIND_WAITING:
        return True
    if kind == KIND_STOPS:
        return special_at(&engine.arena, unit).options.named & NAMED_TRAIL_OFFSET == 0
    # A stop that was triggered and a peg come later.
    return not is_special


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
    if options_are_pegged(&special.options) and kind == KIND_SHOWN and (
            special.options.price_type != PRICE_TYPE_PRIMARY_PEG or special.options.peg_offset
            or special.reserve):
        return b"a peg is displayed that may not be"
    if order.ref_side & ORDER_ICEBERG:
        return _iceberg(book, special, kind)
    return NULL


cdef inline bint _trails(Engine* engine, uint32_t unit) noexcept nogil:
    """A trailing stop that sleeps, with a stop price or without one (10.6)."""
    if order_at(&engine.arena, unit).level == 0:
        return special_at(&engine.arena, unit).options.named & NAMED_TRAIL_OFFSET != 0
    return place_kind(order_place(engine, unit)) == KIND_STOPS


cdef inline uint32_t _count_parked(Engine* engine, uint32_t unit) noexcept nogil:
    """Of a list of peers, from this one on."""
    cdef uint32_t count = 0
    while unit:
        count += order_at(&engine.arena, unit).level == 0
        unit = special_at(&engine.arena, unit).peers.next
    return count


cdef inline uint32_t _count_shown(Engine* engine, uint32_t unit) noexcept nogil:
    """Likewise, those that are displayed where they have a price."""
    cdef uint32_t count = 0
    while unit:
        count += special_at(&engine.arena, unit).display != DISPLAY_NO
        unit = special_at(&engine.arena, unit).peers.next
    return count


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
        if not pegs and not _trails(engine, unit):
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


cdef const char* _improving_peg(Engine* engine, const Book* book) noexcept nogil:
    """Rule 11.6: where the quotes are those at which pegs were priced, no displayed one is better
    than its own side's."""
    cdef uint32_t[2] keys
    cdef uint32_t unit = book.pegs.next
    quotes_read(engine, book, keys)
    while unit:
        if special_at(&engine.arena, unit).display != DISPLAY_NO and (
                order_at(&engine.arena, unit).level != 0
                and level_key(&engine.arena, order_at(&engine.arena, unit).level)
                < keys[order_sell(order_at(&engine.arena, unit))]):
            return b"a displayed peg improves on what it follows"
        unit = special_at(&engine.arena, unit).peers.next
    return NULL


cdef const char* book_broken_special(Engine* engine, const Book* book) noexcept nogil:
    cdef uint32_t pegs, trailing, stops, stops_trailing, hidden, hidden_pegs
    cdef uint32_t shown, shown_pegs, stops_parked, shown_all
    cdef const char* broken = _peers(engine, book, &book.pegs, True, &pegs)
    if broken == NULL:
        broken = _peers(engine, book, &book.trailing, False, &trailing)
    if broken != NULL:
        return broken
    _queued(engine, book, KIND_STOPS, &stops, &stops_trailing)
    _queued(engine, book, KIND_SHOWN, &shown, &shown_pegs)
    _queued(engine, book, KIND_HIDDEN, &hidden, &hidden_pegs)
    stops_parked = _count_parked(engine, book.trailing.next)
    shown_all = _count_shown(engine, book.pegs.next)
    if (pegs != shown_pegs + hidden_pegs + _count_parked(engine, book.pegs.next)
            or trailing != stops_trailing + stops_parked):
        return b"a peg or a trailing stop is not among its peers"
    if book.followers != pegs + stops + stops_parked:
        return b"a book miscounts what follows its prices"
    if shown_all != book.shown_pegs:
        return b"a book miscounts its displayed pegs"
    if (pegs and book.state == STATE_CONTINUOUS and book.pegs_are_stale & PEGS_PARKED
            and not book.is_busy and not quotes_are_others(engine, book)):
        return b"pegs were parked though what they follow is as it was"
    if book.shown_pegs and not book.is_busy and not pegs_are_due(engine, book):
        return _improving_peg(engine, book)
    return NULL


cdef uint32_t _with_min_quantity(Engine* engine, const PriceLevels* side) noexcept nogil:
    cdef uint32_t count = 0
    cdef uint32_t level = side.best_level if side.levels else 0
    cdef uint32_t unit
    while level:
        unit = level_at(&engine.arena, level).link.next
        while unit != level:
            count += order_has_min_quantity(engine, unit)
            unit = order_at(&engine.arena, unit).link.next
        level = levels_next(&engine.arena, side, level)
    return count


cdef const char* _min_quantities(Engine* engine, const Book* book) noexcept nogil:
    """A side without a minimum quantity may be summed up by its levels."""
    cdef uint32_t counts[2]
    cdef uint32_t number
    cdef uint32_t unit = book.pegs.next
    while unit:
        if order_has_min_quantity(engine, unit):
            return b"a peg has a minimum quantity"
        unit = special_at(&engine.arena, unit).peers.next
    counts[:] = [0, 0]
    for number in range(<uint32_t>SIDES_COUNT):
        counts[number & 1] += _with_min_quantity(engine, &book.sides[number])
    unit = book.under_way.next
    while unit:
        counts[order_sell(order_at(&engine.arena, unit))] += order_has_min_quantity(engine, unit)
        unit = order_at(&engine.arena, unit).link.next
    if counts[0] != book.min_quantity_live[0] or counts[1] != book.min_quantity_live[1]:
        return b"a book miscounts its minimum quantities"
    return NULL


cdef const char* book_broken_state(Engine* engine, const Book* book) noexcept nogil:
    cdef uint32_t instrument = <uint32_t>(book - engine.books)
    cdef bint in_auction = (engine.in_auction[instrument >> 6] >> (instrument & 63)) & 1
    cdef const AuctionEnd* end = &engine.ends[instrument]
    cdef Book again = book[0]
    cdef uint32_t number
    book_classify(&again)
    if not state_is_known(book.state) and book.state != STATE_RETIRED:
        return b"a book's state is none"
    if book.allocation > ALLOCATION_SIZE_TIME:
        return b"a book shares its executions out in no known way"
    if again.is_plain != book.is_plain:
        return b"a book is plain that is not, or the other way round"
    if in_auction != (auction_indicated(book.state) != 0):
        return b"a book is not where those in an auction are looked for"
    if book.pause_second and book.state != STATE_PAUSED:
        return b"a pause is counted that is over"
    if end.state and (not in_auction or auction_between(book.state, end.state) == 0):
        return b"an auction is to end that is not held"
    if end.holds_orders and (end.state == 0 or not end_has_no_cancel(end, engine.second_next)):
        return b"orders cannot be cancelled though their time has not come"
    if (book.state == STATE_RETIRED and not book_is_empty(book)
            and not work_empties(engine, instrument)):
        return b"a retired instrument has orders"
    for number in range(<uint32_t>SIDES_COUNT):
        if book.trees[number].index >> SIDE_SHIFT != instrument:
            return b"a side does not know itself"
    return _min_quantities(engine, book)


cdef const char* engine_broken_ends(Engine* engine) noexcept nogil:
    cdef uint32_t index
    cdef uint32_t random = 0
    cdef uint32_t holding = 0
    for index in range(engine.books_count):
        random += engine.ends[index].is_random
        holding += engine.ends[index].holds_orders
    if random != engine.ends_random or holding != engine.ends_holding:
        return b"the ends of auctions are miscounted"
    return NULL


cdef const char* engine_broken_sessions(Engine* engine) noexcept nogil:
    cdef uint32_t index
    cdef const Session* session
    cdef const char* broken
    for index in range(1, engine.sessions_count + 1):
        session = &engine.sessions[index]
        if session.user_ref_last >> engine.limits.user_ref_bits:
            return b"a session consumed a number that there is no room for"
        if (session.is_preventing != 0) != (session.stp_group != 0
                                            and session.stp_mode != STP_NONE):
            return b"a session prevents self-trades that is alone, or the other way round"
        if (session.is_plain != 0) != (not session.entry_disabled and not session.is_preventing):
            return b"a session is plain that is not, or the other way round"
        broken = session_broken_numbers(engine, index)
        if broken != NULL:
            return broken
    return NULL


cdef inline bint _is_live(Engine* engine, uint32_t unit) noexcept nogil:
    return engine.arena.slots[order_at(&engine.arena, unit).slot] == unit


cdef inline bint _expires_in(Engine* engine, uint32_t unit, uint32_t second) noexcept nogil:
    cdef const Special* special = special_at(&engine.arena, unit)
    return (_is_live(engine, unit) and order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL != 0
            and options_expire_today(&special.options, special.time_in_force)
            and special.options.expire_second == second)


cdef const char* _expiry(Engine* engine, uint32_t unit) noexcept nogil:
    """A good-till-time order's place in the list of its second: between two others, or an end."""
    cdef Arena* arena = &engine.arena
    cdef const Special* special = special_at(arena, unit)
    cdef uint32_t second = special.options.expire_second
    cdef Link ends
    cdef Link link = special.expiry
    if second < engine.second_next and not engine.is_expiring:
        return b"an order has outlived its time"
    ends = engine.expiry[second]
    if (link.prev and not _expires_in(engine, link.prev, second)
            or link.next and not _expires_in(engine, link.next, second)):
        return b"an order expires that has another time"
    if (special_at(arena, link.prev).expiry.next if link.prev else ends.next) != unit:
        return b"an order does not know its neighbour in time"
    if (special_at(arena, link.next).expiry.prev if link.next else ends.prev) != unit:
        return b"an order does not know its neighbour in time"
    return NULL


cdef const char* engine_broken_expiry(Engine* engine) noexcept nogil:
    """By the orders, as there are far more seconds: those that live are in their lists, those that
    are gone begin none."""
    cdef uint32_t number, unit
    cdef const Special* special
    cdef const char* broken = NULL
    for number in range(1, engine.arena.order_pool.fresh + 1):
        unit = 2 * number
        special = special_at(&engine.arena, unit)
        if not options_expire_today(&special.options, special.time_in_force):
            continue
        if _expires_in(engine, unit, special.options.expire_second):
            broken = _expiry(engine, unit)
        elif engine.expiry[special.options.expire_second].next == unit:
            broken = b"an order expires that is gone"
        if broken != NULL:
            return broken
    return NULL


cdef bint _is_stop(Engine* engine, uint32_t unit) noexcept nogil:
    return (order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL != 0
            and options_are_stop(&special_at(&engine.arena, unit).options))


cdef const char* _pair_broken(Engine* engine, uint32_t unit, uint32_t other) noexcept nogil:
    if other % 2 or other > 2 * engine.arena.order_pool.fresh or other == unit:
        return b"an order is a pair with something that is no order"
    if (engine.arena.slots[order_at(&engine.arena, other).slot] != other
            or pair_other(&engine.arena, other) != unit):
        return b"an order is a pair with one that does not know it"
    if (order_at(&engine.arena, unit).slot ^ order_at(&engine.arena, other).slot) >> (
            engine.limits.user_ref_bits):
        return b"a pair is of two sessions"
    if order_place(engine, unit) >> SIDE_SHIFT != order_place(engine, other) >> SIDE_SHIFT:
        return b"a pair is of two instruments"
    if not _is_stop(engine, unit) and not _is_stop(engine, other):
        return b"a pair has no stop"
    return NULL


cdef const char* engine_broken_pairs(Engine* engine) noexcept nogil:
    cdef uint32_t number, unit, other
    cdef const char* broken
    for number in range(1, engine.arena.order_pool.fresh + 1):
        unit = 2 * number
        if engine.arena.slots[order_at(&engine.arena, unit).slot] != unit:
            continue
        other = pair_other(&engine.arena, unit)
        broken = _pair_broken(engine, unit, other) if other else NULL
        if broken != NULL:
            return broken
    return NULL
