"""Auctions: how they are extended, held and announced."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.base.check cimport iron_assert
from ironcore.book.auction_end cimport end_extend
from ironcore.engine.auction_price cimport (
    AUCTION_STEPS_ANY, AuctionPrice, AuctionSteps, auction_price, auction_quantity,
    auction_reference, waits_for_surplus,
)
from ironcore.book.book cimport (
    KIND_HIDDEN, KIND_SHIFT, KIND_SHOWN, KIND_WAITING, KIND_WAITING_MARKET, book_key,
    book_reduce, book_unlink,
)
from ironcore.engine.collars cimport emit_collars
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.order_exit cimport (
    CANCEL_REASON_IOC, cancel_whole, emit_reduced, order_remove, pair_end,
)
from ironcore.engine.order_links cimport pair_other
from ironcore.book.options cimport PRICE_TYPE_LIMIT, PRICE_TYPE_TO_LIMIT
from ironcore.book.order_pool cimport (
    ORDER_ICEBERG, Arena, Order, Special, level_at, order_at, order_ref, order_side, special_at,
)
from ironcore.engine.order_path cimport order_add
from ironcore.engine.order_terms cimport Terms, terms_of_order
from ironcore.engine.quotes.protection cimport protection_note, protections_act
from ironcore.book.price_grid cimport PRICE_NONE, grid_has_zero, is_beyond_collar
from ironcore.book.price_levels cimport (
    KEY_NONE, level_key, level_take_reserve, levels_next,
)
from ironcore.engine.replenish cimport order_replenish
from ironcore.engine.trading_state cimport book_end, end_changed
from ironcore.book.limits cimport CROSS_CLOSING, CROSS_NONE, SIDE_BUY, TIME_IN_FORCE_DAY
from ironcore.wire.record cimport (
    EVENT_CROSS, EVENT_CROSSED, EVENT_INDICATIVE, EVENT_SELL, EVENT_VISIBLE,
    STATE_CONTINUOUS,
)


cdef enum:
    INSTRUMENT_SHIFT = 32
    QUEUES_COUNT = 4                 # of a side, that take part

cdef struct Turn:                    # one side's orders that take part, in order of priority
    Engine* engine
    Book* book
    uint32_t sell
    uint8_t cross_type
    bint is_late                     # of imbalance-only orders, and no others (14.11)
    uint32_t worst_key               # of those that take part
    uint32_t levels[4]               # next of each kind of queue; 0 at the end
    uint32_t kind                    # of the queue in hand
    uint32_t level                   # the queue in hand
    uint32_t waiting                 # order that follows there, or the level at its end
    uint32_t unit                    # order in hand; 0 at the end
    uint32_t quantity                # what of it is left
    uint32_t other                   # leaves, as the order in hand has executed; 0: none


cdef inline uint32_t _kind(uint32_t index) noexcept nogil:
    """The kinds of queues in order of priority at one key."""
    if index == 0:
        return KIND_WAITING_MARKET
    if index == 1:
        return KIND_SHOWN
    return KIND_HIDDEN if index == 2 else KIND_WAITING


cdef bint _next_queue(Turn* turn) noexcept nogil:
    """The queue at the best key of what is left, if that is good enough. Where to go on is noted at
    once, as the level is gone when all its orders have executed."""
    cdef uint32_t best_key = KEY_NONE
    cdef uint32_t best = 0
    cdef uint32_t index, key
    for index in range(<uint32_t>QUEUES_COUNT):
        if turn.levels[index] == 0:
            continue
        key = level_key(&turn.engine.arena, turn.levels[index])
        if key < best_key:
            best_key = key
            best = index
        if index == 0:
            break                    # market orders first
    if best_key > turn.worst_key:
        return False
    turn.kind = _kind(best)
    turn.level = turn.levels[best]
    turn.waiting = level_at(&turn.engine.arena, turn.level).link.next
    turn.levels[best] = levels_next(
        &turn.engine.arena, &turn.book.sides[turn.kind << KIND_SHIFT | turn.sell], turn.level)
    return True


cdef inline uint32_t _quantity(const Turn* turn) noexcept nogil:
    """What of the order in hand takes part."""
    cdef Arena* arena = &turn.engine.arena
    if not turn.is_late:
        return auction_quantity(arena, turn.kind, turn.unit, turn.cross_type)
    if (not waits_for_surplus(arena, turn.unit)
            or special_at(arena, turn.unit).cross_type != turn.cross_type):
        return 0
    return order_at(arena, turn.unit).quantity


cdef void _next_order(Turn* turn) noexcept nogil:
    turn.quantity = 0
    while turn.quantity == 0:
        while turn.waiting == turn.level:
            if not _next_queue(turn):
                turn.unit = 0
                return
        turn.unit = turn.waiting
        turn.waiting = order_at(&turn.engine.arena, turn.unit).link.next
        turn.quantity = _quantity(turn)


cdef inline uint32_t _best_level(const Book* book, uint32_t side) noexcept nogil:
    return book.sides[side].best_level if book.sides[side].levels else 0


cdef void _turn_create(Turn* turn, Engine* engine, Book* book, uint32_t sell, uint8_t cross_type,
                       uint32_t worst_key, bint is_late) noexcept nogil:
    """Its first order is in hand."""
    cdef uint32_t index, kind
    turn.engine = engine
    turn.book = book
    turn.sell = sell
    turn.cross_type = cross_type
    turn.is_late = is_late
    turn.worst_key = worst_key
    turn.level = 0
    turn.waiting = 0
    for index in range(<uint32_t>QUEUES_COUNT):
        kind = _kind(index)
        turn.levels[index] = 0
        if kind == KIND_WAITING or not is_late:
            turn.levels[index] = _best_level(book, kind << KIND_SHIFT | sell)
    _next_order(turn)


cdef void _execute(Turn* turn, uint32_t quantity, int32_t price) noexcept nogil:
    """One side of a pair; what an iceberg displays goes first."""
    cdef Engine* engine = turn.engine
    cdef Order* order = order_at(&engine.arena, turn.unit)
    cdef bint is_iceberg = order.ref_side & ORDER_ICEBERG != 0
    cdef uint32_t displayed = min(quantity, order.quantity)
    cdef uint8_t flags = EVENT_SELL if turn.sell else 0
    turn.other = pair_other(&engine.arena, turn.unit)
    if turn.kind == KIND_SHOWN and not is_iceberg:
        flags |= EVENT_VISIBLE
    engine_emit(engine, EVENT_CROSSED, flags, turn.cross_type, order_side(order), quantity,
                order_ref(order), engine.match_number_last, price, order.slot)
    order.executed += quantity
    book_reduce(&engine.arena, order, displayed)
    if is_iceberg:
        special_at(&engine.arena, turn.unit).reserve -= quantity - displayed
        level_take_reserve(&engine.arena, order.level, quantity - displayed)
        if displayed:
            emit_reduced(engine, turn.unit, displayed, order.quantity)
    turn.quantity -= quantity
    if turn.book.protections:
        protection_note(engine, turn.book, order.slot, turn.sell, quantity)
    if turn.quantity == 0:
        order_remove(engine, turn.unit)


cdef void _pair(Turn* buys, Turn* sells, int32_t price) noexcept nogil:
    cdef Engine* engine = buys.engine
    cdef uint32_t quantity
    while buys.unit and sells.unit:
        quantity = min(buys.quantity, sells.quantity)
        engine.match_number_last += 1
        _execute(buys, quantity, price)
        _execute(sells, quantity, price)
        if buys.other:
            pair_end(engine, buys.other)
        if sells.other:
            pair_end(engine, sells.other)
        if buys.quantity == 0:
            _next_order(buys)
        if sells.quantity == 0:
            _next_order(sells)


cdef void _replenish(Turn* turn) noexcept nogil:
    """Only the last order of a side can have executed in part."""
    if turn.unit and order_at(&turn.engine.arena, turn.unit).quantity == 0:
        order_replenish(turn.engine, turn.book, turn.unit)


cdef uint64_t _late_volume(Engine* engine, Book* book, uint32_t sell, uint8_t cross_type,
                           const AuctionPrice* price) noexcept nogil:
    """What imbalance-only orders of a side are to execute of the surplus (14.11): nothing where
    their side's best displayed price does not reach the auction's."""
    cdef uint32_t worst_key = book_key(&book.grid, sell, price.tick)
    cdef uint64_t quantity = 0
    cdef Turn turn
    if book.sides[KIND_SHOWN << KIND_SHIFT | sell].best_key > worst_key:
        return 0
    _turn_create(&turn, engine, book, sell, cross_type, worst_key, True)
    while turn.unit and quantity < price.imbalance:
        quantity += turn.quantity
        _next_order(&turn)
    return min(quantity, price.imbalance)


cdef void _uncross(Engine* engine, Book* book, uint8_t cross_type, const AuctionPrice* price,
                   uint32_t late_sell, bint has_late) noexcept nogil:
    """First of all that take part in the price, then of the surplus and who waited for it."""
    cdef uint32_t sell
    cdef Turn turns[2]
    cdef Turn late
    for sell in range(2):
        _turn_create(&turns[sell], engine, book, sell, cross_type,
                     book_key(&book.grid, sell, price.tick), False)
    _pair(&turns[0], &turns[1], price.price)
    if has_late:
        _turn_create(&late, engine, book, late_sell, cross_type,
                     book_key(&book.grid, late_sell, price.tick), True)
        if late_sell:
            _pair(&turns[0], &late, price.price)
        else:
            _pair(&late, &turns[1], price.price)
    _replenish(&turns[0])
    _replenish(&turns[1])
    book.last_price = price.price
    if not grid_has_zero(&book.grid):
        book.reference_price = price.price


cdef inline bint _is_over(uint8_t waits_for, uint8_t cross_type, uint8_t state) noexcept nogil:
    """Whether the auction that an order waits for has been held, or is passed by (14.7)."""
    return waits_for == cross_type or (state == STATE_CONTINUOUS and waits_for != CROSS_CLOSING)


cdef bint _has_limit(const Special* special, uint8_t cross_type, int32_t price) noexcept nogil:
    """Whether what the auction left of this order becomes a limit order (14.7)."""
    return (price != 0 and special.cross_type == cross_type
            and special.options.price_type == PRICE_TYPE_TO_LIMIT
            and special.time_in_force == TIME_IN_FORCE_DAY)


cdef void _to_limit(Engine* engine, Book* book, uint32_t side, uint32_t unit,
                    int32_t price) noexcept nogil:
    """From the orders that wait to its place in the book."""
    cdef Special* special = special_at(&engine.arena, unit)
    cdef Terms terms
    book_unlink(&engine.arena, book, side, unit)
    special.price = price
    special.cross_type = CROSS_NONE
    special.options.price_type = PRICE_TYPE_LIMIT
    terms_of_order(engine, book, unit, &terms)
    order_add(engine, book, &terms, unit)


cdef void _end_waiting(Engine* engine, Book* book, uint32_t kind, uint32_t sell,
                       uint8_t cross_type, uint8_t state, int32_t price) noexcept nogil:
    """price: of the auction, or 0."""
    cdef uint32_t side = kind << KIND_SHIFT | sell
    cdef uint32_t level = _best_level(book, side)
    cdef uint32_t level_next, unit, unit_next
    while level:
        level_next = levels_next(&engine.arena, &book.sides[side], level)
        unit = level_at(&engine.arena, level).link.next
        while unit != level:
            unit_next = order_at(&engine.arena, unit).link.next
            if _has_limit(special_at(&engine.arena, unit), cross_type, price):
                _to_limit(engine, book, side, unit, price)
            elif _is_over(special_at(&engine.arena, unit).cross_type, cross_type, state):
                cancel_whole(engine, unit, CANCEL_REASON_IOC, 0)
            unit = unit_next
        level = level_next


cdef bint _is_extended(const Book* book, const AuctionPrice* price, bint force) noexcept nogil:
    if force or price.volume == 0:
        return False
    if book.auction_extensions >= book.auction_extensions_max:
        return False
    return is_beyond_collar(price.price, book.reference_price, book.auction_collar_bp)


cdef bint auction_hold(Engine* engine, Book* book, uint8_t cross_type, uint8_t state,
                       bint force) noexcept nogil:
    # What is held is right whatever it costs, as what executes is not limited either.
    cdef AuctionSteps steps = AuctionSteps(left=AUCTION_STEPS_ANY, are_spent=False)
    cdef AuctionPrice price
    cdef uint32_t sell
    cdef uint32_t late_sell
    cdef uint64_t late_volume = 0
    auction_price(&engine.arena, book, cross_type, &steps, &price)
    iron_assert(not steps.are_spent, "an auction has more orders and prices than a core")
    if _is_extended(book, &price, force):
        book.auction_extensions += 1
        book.pause_second = 0
        emit_collars(engine, book.reference_price, book.auction_collar_bp,
                     book.auction_extensions)
        if book_end(engine, book).state:
            end_extend(book_end(engine, book), engine.second_next)
            end_changed(engine, book)
        return False
    late_sell = 1 if price.side == SIDE_BUY else 0
    if price.imbalance:
        late_volume = _late_volume(engine, book, late_sell, cross_type, &price)
    engine.match_number_last += 1
    engine_emit(engine, EVENT_CROSS, EVENT_VISIBLE, cross_type, 0, 0, price.volume + late_volume,
                engine.match_number_last, price.price, 0)
    if price.volume:
        _uncross(engine, book, cross_type, &price, late_sell, late_volume != 0)
    for sell in range(2):
        _end_waiting(engine, book, KIND_WAITING_MARKET, sell, cross_type, state, price.price)
        _end_waiting(engine, book, KIND_WAITING, sell, cross_type, state, price.price)
    protections_act(engine)
    return True


cdef bint auction_indicate(Engine* engine, Book* book, uint8_t cross_type) noexcept nogil:
    cdef uint64_t instrument = <uint64_t>(book - engine.books)
    cdef bint is_first = engine.dry_run_steps == 0
    cdef AuctionSteps steps = AuctionSteps(
        left=engine.dry_run_steps_max - engine.dry_run_steps, are_spent=False)
    cdef int32_t reference_price = auction_reference(book)
    cdef AuctionPrice price
    auction_price(&engine.arena, book, cross_type, &steps, &price)
    engine.dry_run_steps = engine.dry_run_steps_max - <uint32_t>steps.left
    if steps.are_spent and not is_first:
        return False
    engine_emit(engine, EVENT_INDICATIVE, EVENT_VISIBLE, cross_type, price.side,
                <uint32_t>price.imbalance, price.volume,
                (instrument + 1) << INSTRUMENT_SHIFT | price.imbalance >> 32, price.price,
                <uint32_t>(0 if reference_price == PRICE_NONE else reference_price))
    return True
