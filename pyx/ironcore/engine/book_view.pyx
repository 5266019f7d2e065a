"""The state of the core, for Python to look at."""

import struct

from ironcore.base.check cimport iron_static_assert
from ironcore.book.auction_end cimport AuctionEnd
from ironcore.book.book cimport (
    KIND_PARKED, KIND_SHIFT, KIND_STOPS, KIND_UNDER_WAY, SIDES_COUNT, Book,
)
from ironcore.engine.auctions.auction_state cimport (
    Auction, AuctionDue, AuctionSearch, AuctionTurn,
)
from ironcore.engine.engine cimport EngineLimits, Session, Work
from ironcore.book.order_pool cimport (
    ORDER_SPECIAL, Order, Special, level_at, order_at, order_ref, order_side, special_at,
)
from ironcore.engine.orders cimport order_price, order_reserve, order_sell
from ironcore.engine.pending_work cimport work_at, work_last
from ironcore.engine.quotes.session_quotes cimport Protection, SessionQuotes, protection_is_set
from ironcore.book.price_grid cimport PriceGrid, TickTable
from ironcore.book.price_levels cimport level_key, levels_next, levels_price
from ironcore.book.limits cimport InstrumentLimits
from ironcore.book.options cimport SECONDS_A_DAY, Options
from ironcore.wire.record cimport MassCancel


cdef bytes _row(Engine* engine, uint32_t instrument, uint32_t unit, uint8_t place):
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef OrderRow row
    row.order_ref = order_ref(order)
    row.slot = order.slot
    row.quantity = order.quantity
    row.executed = order.executed
    row.price = order_price(engine, unit)
    row.instrument = instrument
    row.side = order_side(order)
    row.place = place
    row.reserved = [0, 0]
    row.reserve = order_reserve(engine, unit)
    row.stop_price = 0
    if place == KIND_STOPS:
        row.stop_price = levels_price(
            &engine.books[instrument].sides[KIND_STOPS << KIND_SHIFT | order_sell(order)],
            level_key(&engine.arena, order.level))
    return (<const char*>&row)[:sizeof(OrderRow)]


cdef list _units(Engine* engine, uint32_t instrument, uint32_t sell):
    """Each live order of a side: its unit and its place."""
    cdef Book* book = &engine.books[instrument]
    cdef uint32_t side, level, unit
    units = []
    for side in range(sell, <uint32_t>SIDES_COUNT, 2):
        level = book.sides[side].best_level if book.sides[side].levels else 0
        while level:
            unit = level_at(&engine.arena, level).link.next
            while unit != level:
                units.append((unit, side >> KIND_SHIFT))
                unit = order_at(&engine.arena, unit).link.next
            level = levels_next(&engine.arena, &book.sides[side], level)
    for unit in (book.pegs.next, book.trailing.next):
        while unit:
            if (order_at(&engine.arena, unit).level == 0
                    and not special_at(&engine.arena, unit).is_under_way):
                if order_sell(order_at(&engine.arena, unit)) == sell:
                    units.append((unit, KIND_PARKED))
            unit = special_at(&engine.arena, unit).peers.next
    unit = book.under_way.next
    while unit:
        if order_sell(order_at(&engine.arena, unit)) == sell:
            units.append((unit, KIND_UNDER_WAY))
        unit = order_at(&engine.arena, unit).link.next
    return units


cdef bytes orders_of(Engine* engine, uint32_t instrument, uint32_t sell):
    iron_static_assert(sizeof(OrderRow) == 40)
    return b"".join([_row(engine, instrument, unit, place)
                     for unit, place in _units(engine, instrument, sell)])


cdef bytes _special(Engine* engine, uint32_t unit):
    """What an order has besides its row."""
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef const Special* special = special_at(&engine.arena, unit)
    flags = (order.ref_side >> 8 & 0xFF).to_bytes(1, "little")
    if not order.ref_side & ORDER_SPECIAL:
        return flags
    return flags + (<const char*>&special.options)[:sizeof(Options)] + struct.pack(
        "<QiBBB", special.seed_state, special.price, special.time_in_force, special.display,
        special.cross_type)


cdef bytes _slots(Engine* engine, uint32_t unit, bint by_second):
    """Those of the orders in a list, in its order."""
    cdef const Special* special
    slots = []
    while unit:
        slots.append(order_at(&engine.arena, unit).slot)
        special = special_at(&engine.arena, unit)
        unit = special.expiry.next if by_second else special.peers.next
    return struct.pack(f"<{len(slots) + 1}I", len(slots), *slots)


cdef bytes _busy(Engine* engine, const Book* book):
    """What is left to do for a book, in order."""
    cdef uint32_t unit = book.under_way.next
    parts = [struct.pack("<BIBBBBIii", book.in_hand, book.in_hand_key, book.is_pricing_pegs,
                         book.is_pricing_shown, book.is_pricing_again, book.were_pegs_priced,
                         book.busy_next, book.pegs_last_price, book.last_before_price)]
    if book.peg_next:
        parts.append(struct.pack("<I", order_at(&engine.arena, book.peg_next).slot))
    while unit:
        parts.append(struct.pack("<I", order_at(&engine.arena, unit).slot))
        unit = order_at(&engine.arena, unit).link.next
    return b"".join(parts)


cdef bytes _book(Engine* engine, uint32_t instrument):
    cdef Book* book = &engine.books[instrument]
    cdef uint32_t sell, unit
    parts = [
        (<const char*>&book.limits)[:sizeof(InstrumentLimits)],
        (<const char*>&book.grid)[:sizeof(PriceGrid)],
        book.symbol[:8],
        struct.pack(
            "<BiiHHHHHHBBBIHHBB", book.state, book.last_price, book.reference_price,
            book.static_collar_bp, book.dynamic_collar_bp, book.auction_collar_bp,
            book.entry_collar_bp, book.market_protection_bp, book.pause_seconds,
            book.post_only_mode, book.auction_extensions_max, book.auction_extensions,
            book.pause_second, book.followers_max, book.min_quantity_max,
            book.price_decimals, book.quantity_decimals),
        _slots(engine, book.pegs.next, False),
        _slots(engine, book.trailing.next, False),
    ]
    end = (<const char*>&engine.ends[instrument])[:sizeof(AuctionEnd)]
    if any(end):
        parts.append(end)
    if book.allocation:
        parts.append(struct.pack("<BI", book.allocation, book.allocation_min))
    if book.pegs.next:
        parts.append(struct.pack("<BII", book.pegs_are_stale, book.peg_keys[0], book.peg_keys[1]))
    if book.is_busy:
        parts.append(_busy(engine, book))
    if engine.auctions[instrument].state:
        parts.append((<const char*>&engine.auctions[instrument])[:sizeof(AuctionDue)])
    for sell in range(2):
        for unit, place in _units(engine, instrument, sell):
            parts.append(_row(engine, instrument, unit, place) + _special(engine, unit))
        parts.append(b"/")
    return b"".join(parts)


cdef bytes _turn(Engine* engine, const AuctionTurn* turn):
    cdef uint32_t slot = 0
    if turn.unit and not turn.is_moving:
        slot = order_at(&engine.arena, turn.unit).slot
    return struct.pack("<BIII", turn.is_moving, turn.quantity, slot, turn.worst_key)


cdef bytes _auction(Engine* engine):
    """How far the one in progress has come."""
    cdef const Auction* auction = &engine.auction
    cdef const AuctionSearch* search = &auction.search
    cdef uint32_t sell
    parts = [struct.pack("<IIBBBqqQiQQQQ", engine.auctions_first, engine.auctions_last,
                         auction.phase, auction.cross_type, search.phase, search.low, search.high,
                         search.volume, auction.price.price, auction.price.volume,
                         auction.late_volume, auction.protection_due,
                         auction.protection_due_last),
             _turn(engine, &auction.late)]
    for sell in range(2):
        parts.append(struct.pack("<qQQ", search.offers[sell].tick, search.offers[sell].quantity,
                                 search.offers[sell].market_quantity))
        parts.append(_turn(engine, &auction.turns[sell]))
    return b"".join(parts)


cdef bytes _works(Engine* engine):
    """Commands that wait for their next step; nothing without one."""
    cdef uint32_t index, session
    cdef const Work* work
    cdef MassCancel command
    parts = []
    for index in range(engine.works_count):
        work = work_at(engine, index)
        command = work.command
        command.header.time_ns = 0    # as everywhere, it decides nothing
        parts.append((<const char*>&command)[:sizeof(MassCancel)] + struct.pack(
            "<IBIIII", work.cancelled, work.is_begun, work.session, work.session_end, work.slot,
            work.place))
        for session in range(work.session, work.session_end):
            parts.append(struct.pack("<I", work_last(engine, work, session)[0]))
    if engine.leaving_next:
        parts.append(struct.pack("<I", order_at(&engine.arena, engine.leaving_next).slot))
    if engine.step_actions_max:
        parts.append(struct.pack("<I", engine.step_actions_max))
    if engine.is_expiring:
        parts.append(b"expiring")
    if engine.auctions_first:
        parts.append(_auction(engine))
    if engine.busy_first:
        parts.append(struct.pack("<IB", engine.busy_first, engine.works_are_next))
    return b"".join(parts)


cdef inline uint32_t _live_slot(Engine* engine, uint32_t slot) noexcept nogil:
    return slot if engine.arena.slots[slot] else 0


cdef bytes _quotes(Engine* engine):
    """Of each session; nothing of quotes that have left and are not protected."""
    cdef uint32_t session, place, bid, ask
    cdef const SessionQuotes* quotes
    cdef const Protection* protection
    parts = []
    for session in range(1, engine.sessions_count + 1):
        quotes = &engine.quotes[session]
        for place in range(quotes.count):
            protection = &quotes.protections[place]
            bid = _live_slot(engine, quotes.slots[place][0])
            ask = _live_slot(engine, quotes.slots[place][1])
            if bid or ask:
                parts.append(struct.pack("<II", bid, ask))
            if protection_is_set(protection) or protection.is_reached:
                parts.append(struct.pack("<II", session, quotes.instruments[place])
                             + (<const char*>protection)[:sizeof(Protection)])
    return b"".join(parts)


cdef bytes state_of(Engine* engine):
    cdef uint32_t index
    cdef Session session
    parts = [
        (<const char*>&engine.limits)[:sizeof(EngineLimits)],
        struct.pack("<BQQIIIII", engine.started, engine.order_ref_last, engine.match_number_last,
                    engine.sessions_count, engine.books_count, engine.second_next,
                    engine.days, engine.indicate_next),
    ]
    for index in range(1, engine.sessions_count + 1):
        session = engine.sessions[index]
        session.sweep = 0            # where a sweep has come to decides nothing
        parts.append((<const char*>&session)[:sizeof(Session)])
    parts.append((<const char*>engine.tick_tables)[:engine.tick_tables_count * sizeof(TickTable)])
    for index in range(engine.books_count):
        parts.append(_book(engine, index))
    for index in range(<uint32_t>SECONDS_A_DAY):
        if engine.expiry[index].next:
            parts.append(struct.pack("<I", index))
            parts.append(_slots(engine, engine.expiry[index].next, True))
    parts.append(_works(engine))
    parts.append(_quotes(engine))
    return b"".join(parts)
