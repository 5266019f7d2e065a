"""The executions of an auction: who comes when, and what becomes of each pair."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memset

from ironcore.book.book cimport (
    KIND_HIDDEN, KIND_SHIFT, KIND_SHOWN, KIND_WAITING, KIND_WAITING_MARKET, book_key, book_reduce,
)
from ironcore.book.limits cimport SIDE_BUY
from ironcore.book.order_pool cimport (
    ORDER_ICEBERG, Arena, Order, level_at, order_at, order_ref, order_side, special_at,
)
from ironcore.book.price_levels cimport (
    KEY_NONE, level_key, level_take_reserve, levels_next,
)
from ironcore.engine.auctions.auction_price cimport auction_quantity, waits_for_surplus
from ironcore.engine.auctions.auction_state cimport AuctionTurn
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.order_exit cimport emit_reduced, order_remove, pair_end
from ironcore.engine.order_links cimport pair_other
from ironcore.engine.pending_work cimport STEP_MET, STEP_PAIRED, step_is_over
from ironcore.engine.quotes.protection cimport protection_note
from ironcore.engine.replenish cimport order_replenish
from ironcore.wire.record cimport EVENT_CROSSED, EVENT_SELL, EVENT_VISIBLE


cdef enum:
    QUEUES_COUNT = 4                 # of a side, that take part


cdef inline uint32_t _kind(uint32_t index) noexcept nogil:
    """The kinds of queues in order of priority at one key."""
    if index == 0:
        return KIND_WAITING_MARKET
    if index == 1:
        return KIND_SHOWN
    return KIND_HIDDEN if index == 2 else KIND_WAITING


cdef bint _next_queue(Arena* arena, Book* book, AuctionTurn* turn) noexcept nogil:
    """The queue at the best key of what is left, if that is good enough. Where to go on is noted at
    once, as the level is gone when all its orders have executed."""
    cdef uint32_t best_key = KEY_NONE
    cdef uint32_t best = 0
    cdef uint32_t index, key
    for index in range(<uint32_t>QUEUES_COUNT):
        if turn.levels[index] == 0:
            continue
        key = level_key(arena, turn.levels[index])
        if key < best_key:
            best_key = key
            best = index
        if index == 0:
            break                    # market orders first
    if best_key > turn.worst_key:
        return False
    turn.kind = _kind(best)
    turn.level = turn.levels[best]
    turn.waiting = level_at(arena, turn.level).link.next
    turn.levels[best] = levels_next(
        arena, &book.sides[turn.kind << KIND_SHIFT | turn.sell], turn.level)
    return True


cdef inline uint32_t _quantity(Arena* arena, const AuctionTurn* turn,
                               uint8_t cross_type) noexcept nogil:
    """What of the order in hand takes part."""
    if not turn.is_late:
        return auction_quantity(arena, turn.kind, turn.unit, cross_type)
    if (not waits_for_surplus(arena, turn.unit)
            or special_at(arena, turn.unit).cross_type != cross_type):
        return 0
    return order_at(arena, turn.unit).quantity


cdef bint _move(Engine* engine, Book* book, AuctionTurn* turn, uint8_t cross_type) noexcept nogil:
    """To the next order that takes part, if it has to. False when the step is over before."""
    while turn.is_moving:
        if turn.waiting == turn.level:
            if not _next_queue(&engine.arena, book, turn):
                turn.unit = 0
                turn.is_moving = False
                return True
        elif step_is_over(engine):
            return False
        else:
            engine.step_actions += STEP_MET
            turn.unit = turn.waiting
            turn.waiting = order_at(&engine.arena, turn.unit).link.next
            turn.quantity = _quantity(&engine.arena, turn, cross_type)
            turn.is_moving = turn.quantity == 0
    return True


cdef void _turn_begin(Book* book, const Auction* auction, AuctionTurn* turn, uint32_t sell,
                      bint is_late) noexcept nogil:
    cdef uint32_t index, kind, side
    memset(turn, 0, sizeof(AuctionTurn))
    turn.sell = sell
    turn.is_late = is_late
    turn.worst_key = book_key(&book.grid, sell, auction.price.tick)
    turn.is_moving = True
    for index in range(<uint32_t>QUEUES_COUNT):
        kind = _kind(index)
        side = kind << KIND_SHIFT | sell
        if book.sides[side].levels and (kind == KIND_WAITING or not is_late):
            turn.levels[index] = book.sides[side].best_level


cdef void _execute(Engine* engine, Book* book, const Auction* auction,
                   AuctionTurn* turn, uint32_t quantity) noexcept nogil:
    """One side of a pair; what an iceberg displays goes first."""
    cdef Order* order = order_at(&engine.arena, turn.unit)
    cdef bint is_iceberg = order.ref_side & ORDER_ICEBERG != 0
    cdef uint32_t displayed = min(quantity, order.quantity)
    cdef uint8_t flags = EVENT_SELL if turn.sell else 0
    turn.other = pair_other(&engine.arena, turn.unit)
    if turn.kind == KIND_SHOWN and not is_iceberg:
        flags |= EVENT_VISIBLE
    engine_emit(engine, EVENT_CROSSED, flags, auction.cross_type, order_side(order), quantity,
                order_ref(order), engine.match_number_last, auction.price.price, order.slot)
    order.executed += quantity
    book_reduce(&engine.arena, order, displayed)
    if is_iceberg:
        special_at(&engine.arena, turn.unit).reserve -= quantity - displayed
        level_take_reserve(&engine.arena, order.level, quantity - displayed)
        if displayed:
            emit_reduced(engine, turn.unit, displayed, order.quantity)
    turn.quantity -= quantity
    turn.is_moving = turn.quantity == 0
    if book.protections:
        protection_note(engine, book, order.slot, turn.sell, quantity)
    if turn.quantity == 0:
        order_remove(engine, turn.unit)


cdef bint _pair(Engine* engine, Book* book, const Auction* auction, AuctionTurn* buys,
                AuctionTurn* sells) noexcept nogil:
    """Until one side is at its end. False when the step is over before."""
    cdef uint32_t quantity
    while True:
        if (not _move(engine, book, buys, auction.cross_type)
                or not _move(engine, book, sells, auction.cross_type)):
            return False
        if buys.unit == 0 or sells.unit == 0:
            return True
        if step_is_over(engine):
            return False
        engine.step_actions += STEP_PAIRED
        quantity = min(buys.quantity, sells.quantity)
        engine.match_number_last += 1
        _execute(engine, book, auction, buys, quantity)
        _execute(engine, book, auction, sells, quantity)
        if buys.other:
            pair_end(engine, buys.other)
        if sells.other:
            pair_end(engine, sells.other)


cdef void late_begin(Book* book, Auction* auction) noexcept nogil:
    """Nothing where the best displayed price of their side does not reach the auction's."""
    cdef uint32_t sell = 1 if auction.price.side == SIDE_BUY else 0
    _turn_begin(book, auction, &auction.late, sell, True)
    auction.late_volume = 0
    if (auction.price.imbalance == 0 or auction.late.worst_key
            < book.sides[KIND_SHOWN << KIND_SHIFT | sell].best_key):
        auction.late.is_moving = False


cdef bint late_count(Engine* engine, Book* book, Auction* auction) noexcept nogil:
    cdef AuctionTurn* late = &auction.late
    if late.is_moving:
        while auction.late_volume < auction.price.imbalance:
            if not _move(engine, book, late, auction.cross_type):
                return False
            if late.unit == 0:
                break
            auction.late_volume += late.quantity
            late.is_moving = True
    auction.late_volume = min(auction.late_volume, auction.price.imbalance)
    return True


cdef void pairs_begin(Book* book, Auction* auction) noexcept nogil:
    cdef uint32_t sell
    for sell in range(2):
        _turn_begin(book, auction, &auction.turns[sell], sell, False)
    _turn_begin(book, auction, &auction.late, auction.late.sell, True)


cdef bint pairs_execute(Engine* engine, Book* book, Auction* auction) noexcept nogil:
    return _pair(engine, book, auction, &auction.turns[0], &auction.turns[1])


cdef bint pairs_execute_late(Engine* engine, Book* book, Auction* auction) noexcept nogil:
    if auction.late_volume == 0:
        return True
    if auction.late.sell:
        return _pair(engine, book, auction, &auction.turns[0], &auction.late)
    return _pair(engine, book, auction, &auction.late, &auction.turns[1])


cdef void pairs_end(Engine* engine, Book* book, Auction* auction) noexcept nogil:
    """Only the last order of a side can have executed in part."""
    cdef uint32_t sell, unit
    for sell in range(2):
        unit = auction.turns[sell].unit
        if unit and order_at(&engine.arena, unit).quantity == 0:
            order_replenish(engine, book, unit)
