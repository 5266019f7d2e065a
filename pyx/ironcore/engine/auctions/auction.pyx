"""Auctions: how they are extended, held in steps, and announced."""

from libc.stdint cimport int32_t, uint64_t
from libc.string cimport memset

from ironcore.base.check cimport iron_assert
from ironcore.book.auction_end cimport end_extend
from ironcore.book.price_grid cimport PRICE_NONE, grid_has_zero, is_beyond_collar
from ironcore.engine.auctions.auction_pairs cimport (
    late_begin, late_count, pairs_begin, pairs_end, pairs_execute, pairs_execute_late,
)
from ironcore.engine.auctions.auction_price cimport (
    auction_reference, auction_search, auction_search_begin,
)
from ironcore.engine.auctions.auction_state cimport (
    AUCTION_COUNTING, AUCTION_DUE, AUCTION_ENDING, AUCTION_PAIRING, AUCTION_PAIRING_LATE,
    AUCTION_PRICING, Auction, AuctionPrice, AuctionSearch,
)
from ironcore.engine.auctions.auction_waiting cimport waiting_end
from ironcore.engine.collars cimport emit_collars
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.pending_work cimport (
    STEP_CHANGED, STEP_LEFT, engine_classify, step_is_over,
)
from ironcore.engine.quotes.protection cimport protections_act
from ironcore.engine.trading_state cimport auction_between, book_end, end_changed
from ironcore.wire.record cimport (
    EVENT_CROSS, EVENT_INDICATIVE, EVENT_VISIBLE, STATE_CLOSED,
)


cdef enum:
    INSTRUMENT_SHIFT = 32

cdef extern from *:
    """
    #define IRON_STEPS_ANY 0xFFFFFFFFFFFFull  /* more than there are orders and prices */
    """
    const uint64_t IRON_STEPS_ANY


cdef void auction_append(Engine* engine, Book* book, uint8_t state, bint force,
                         uint32_t why) noexcept nogil:
    cdef uint32_t number = <uint32_t>(book - engine.books) + 1
    cdef AuctionDue* due = &engine.auctions[number - 1]
    iron_assert(due.state == 0, "an instrument has two auctions at a time")
    due.next = 0
    due.state = state
    due.force = force
    due.why = why
    if engine.auctions_last:
        engine.auctions[engine.auctions_last - 1].next = number
    else:
        engine.auctions_first = number
    engine.auctions_last = number
    engine.auctions_closing += state == STATE_CLOSED
    engine_classify(engine)


cdef void _leave(Engine* engine) noexcept nogil:
    """The first is over."""
    cdef AuctionDue* due = &engine.auctions[engine.auctions_first - 1]
    engine.auctions_closing -= due.state == STATE_CLOSED
    engine.auctions_first = due.next
    if due.next == 0:
        engine.auctions_last = 0
    memset(due, 0, sizeof(AuctionDue))
    memset(&engine.auction, 0, sizeof(Auction))
    engine_classify(engine)


cdef inline uint64_t _search_steps(const Engine* engine) noexcept nogil:
    """That are left of the step in hand; each counts as an order that leaves."""
    if engine.step_actions_max == 0:
        return IRON_STEPS_ANY
    if step_is_over(engine):
        return 0
    return (engine.step_actions_max - engine.step_actions - 1) // STEP_LEFT + 1


cdef bint _price(Engine* engine, Book* book, Auction* auction) noexcept nogil:
    """False when the step is over before there is one."""
    cdef uint64_t steps_before = _search_steps(engine)
    cdef uint64_t steps = steps_before
    cdef bint is_over = auction_search(&engine.arena, book, &auction.search, &steps,
                                       &auction.price)
    engine.step_actions += STEP_LEFT * (steps_before - steps)
    return is_over


cdef bint _is_extended(const Book* book, const AuctionPrice* price, bint force) noexcept nogil:
    if force or price.volume == 0:
        return False
    if book.auction_extensions >= book.auction_extensions_max:
        return False
    return is_beyond_collar(price.price, book.reference_price, book.auction_collar_bp)


cdef void _extend(Engine* engine, Book* book) noexcept nogil:
    book.auction_extensions += 1
    book.pause_second = 0
    emit_collars(engine, book.reference_price, book.auction_collar_bp, book.auction_extensions)
    if book_end(engine, book).state:
        end_extend(book_end(engine, book), engine.second_next)
        end_changed(engine, book)


cdef void _say_cross(Engine* engine, const Auction* auction) noexcept nogil:
    engine.match_number_last += 1
    engine_emit(engine, EVENT_CROSS, EVENT_VISIBLE, auction.cross_type, 0, 0,
                auction.price.volume + auction.late_volume, engine.match_number_last,
                auction.price.price, 0)


cdef void _set_last(Book* book, const AuctionPrice* price) noexcept nogil:
    """With the end of the auction: what settles then compares with the last price before it."""
    book.last_before_price = book.last_price
    if price.volume == 0:
        return
    book.last_price = price.price
    if not grid_has_zero(&book.grid):
        book.reference_price = price.price


cdef AuctionOutcome _go_on(Engine* engine, Book* book, Auction* auction, uint8_t state,
                           bint force) noexcept nogil:
    """Through its phases, as far as the step goes."""
    if auction.phase == AUCTION_DUE:
        if step_is_over(engine):
            return AUCTION_GOES_ON
        engine.step_actions += STEP_CHANGED
        auction.cross_type = auction_between(book.state, state)
        auction_search_begin(&engine.arena, book, auction.cross_type, &auction.search)
        auction.phase = AUCTION_PRICING
    if auction.phase == AUCTION_PRICING:
        if not _price(engine, book, auction):
            return AUCTION_GOES_ON
        if _is_extended(book, &auction.price, force):
            _extend(engine, book)
            return AUCTION_EXTENDED
        late_begin(book, auction)
        auction.phase = AUCTION_COUNTING
    if auction.phase == AUCTION_COUNTING:
        if not late_count(engine, book, auction):
            return AUCTION_GOES_ON
        _say_cross(engine, auction)
        pairs_begin(book, auction)
        auction.phase = AUCTION_PAIRING if auction.price.volume else AUCTION_ENDING
    if auction.phase == AUCTION_PAIRING:
        if not pairs_execute(engine, book, auction):
            return AUCTION_GOES_ON
        auction.phase = AUCTION_PAIRING_LATE
    if auction.phase == AUCTION_PAIRING_LATE:
        if not pairs_execute_late(engine, book, auction):
            return AUCTION_GOES_ON
        pairs_end(engine, book, auction)
        auction.phase = AUCTION_ENDING
    if not waiting_end(engine, book, auction, state):
        return AUCTION_GOES_ON
    _set_last(book, &auction.price)
    return AUCTION_HELD


cdef AuctionOutcome auction_step(Engine* engine) noexcept nogil:
    cdef uint32_t instrument = engine.auctions_first - 1
    cdef const AuctionDue* due = &engine.auctions[instrument]
    cdef Auction* auction = &engine.auction
    cdef AuctionOutcome outcome
    # Protections that the auction reached act with its end, and not with what comes in between.
    engine.protection_due = auction.protection_due
    engine.protection_due_last = auction.protection_due_last
    outcome = _go_on(engine, &engine.books[instrument], auction, due.state, due.force != 0)
    if outcome == AUCTION_GOES_ON:
        auction.protection_due = engine.protection_due
        auction.protection_due_last = engine.protection_due_last
        engine.protection_due = 0
        return outcome
    _leave(engine)
    protections_act(engine)
    return outcome


cdef bint auction_indicate(Engine* engine, Book* book, uint8_t cross_type) noexcept nogil:
    cdef uint64_t instrument = <uint64_t>(book - engine.books)
    cdef bint is_first = engine.dry_run_steps == 0
    cdef uint64_t steps = engine.dry_run_steps_max - engine.dry_run_steps
    cdef int32_t reference_price = auction_reference(book)
    cdef AuctionSearch search
    cdef AuctionPrice price
    cdef bint is_over
    auction_search_begin(&engine.arena, book, cross_type, &search)
    is_over = auction_search(&engine.arena, book, &search, &steps, &price)
    engine.dry_run_steps = engine.dry_run_steps_max - <uint32_t>steps
    if not is_over and not is_first:
        return False
    engine_emit(engine, EVENT_INDICATIVE, EVENT_VISIBLE, cross_type, price.side,
                <uint32_t>price.imbalance, price.volume,
                (instrument + 1) << INSTRUMENT_SHIFT | price.imbalance >> 32, price.price,
                <uint32_t>(0 if reference_price == PRICE_NONE else reference_price))
    return True


cdef const char* auctions_broken(const Engine* engine) noexcept nogil:
    cdef uint32_t number = engine.auctions_first
    cdef uint32_t count = 0
    cdef uint32_t closing = 0
    cdef uint32_t index
    cdef const AuctionDue* due
    while number:
        if number > engine.books_count or count == engine.books_count:
            return b"an auction is due of an instrument that there is not"
        due = &engine.auctions[number - 1]
        if due.state == 0 or auction_between(engine.books[number - 1].state, due.state) == 0:
            return b"an auction is due before a change that has none"
        count += 1
        closing += due.state == STATE_CLOSED
        if due.next == 0 and engine.auctions_last != number:
            return b"the auctions that are due do not know their end"
        number = due.next
    for index in range(engine.books_count):
        count -= engine.auctions[index].state != 0
    if count or closing != engine.auctions_closing:
        return b"the auctions that are due are miscounted"
    if engine.auctions_first == 0 and (engine.auction.phase or engine.auctions_last):
        return b"an auction is in progress that is not due"
    if engine.auctions_first and engine.step_actions_max == 0:
        return b"an auction is in progress though every command is one step"
    if engine.auction.phase > AUCTION_ENDING:
        return b"an auction is in a phase that there is not"
    return NULL
