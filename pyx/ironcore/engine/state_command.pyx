"""How the state of an instrument changes, and what follows from that."""

from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_IGNORED, STATUS_LATER, STATUS_MALFORMED, STATUS_OK
from ironcore.book.auction_end cimport AuctionEnd
from ironcore.book.options cimport SECONDS_A_DAY
from ironcore.engine.auctions.auction cimport AUCTION_HELD, auction_append, auction_step
from ironcore.engine.auctions.auction_state cimport AuctionDue
from ironcore.engine.book_orders cimport leaving_begin
from ironcore.engine.minimum_orders cimport minimum_orders_begin
from ironcore.engine.pegs cimport PEGS_PARKED, pegs_park
from ironcore.engine.pending_work cimport work_empties, works_are_full
from ironcore.engine.settlement cimport book_settle
from ironcore.engine.under_way cimport HAND_EMPTY, book_is_in_auction, book_waits
from ironcore.book.price_grid cimport grid_has_zero
from ironcore.engine.trading_state cimport (
    auction_between, auction_indicated, book_end, end_changed, state_enter, state_has_no_auction,
    state_is_known,
)
from ironcore.wire.record cimport (
    COMMAND_SET_STATE, STATE_CLOSED, STATE_CONTINUOUS, STATE_RETIRED, STATE_TRADE_AT_CLOSE,
)


cdef void _change(Engine* engine, Book* book, uint8_t state, uint32_t why) noexcept nogil:
    """No auction comes before it any more."""
    cdef uint8_t state_before = book.state
    state_enter(engine, book, state, why)
    if state == STATE_CLOSED:
        leaving_begin(engine, book, COMMAND_SET_STATE)
    if state_before == STATE_CONTINUOUS or state_before == STATE_TRADE_AT_CLOSE:
        book.in_hand = HAND_EMPTY    # it is under way still, and what it did is over
    if state_before == STATE_CONTINUOUS:
        pegs_park(engine, book)
    if state == STATE_CONTINUOUS:
        book.pegs_are_stale |= PEGS_PARKED
        minimum_orders_begin(engine, book)
        book_settle(engine, book)


cdef void auctions_step(Engine* engine) noexcept nogil:
    cdef Book* book = &engine.books[engine.auctions_first - 1]
    cdef AuctionDue due = engine.auctions[engine.auctions_first - 1]
    if auction_step(engine) == AUCTION_HELD:
        _change(engine, book, due.state, due.why)


cdef void state_change(Engine* engine, Book* book, uint8_t state, bint force,
                       uint32_t why) noexcept nogil:
    cdef bint is_first = engine.auctions_first == 0
    if auction_between(book.state, state):
        auction_append(engine, book, state, force, why)
        if is_first:
            auctions_step(engine)
        return
    book.last_before_price = book.last_price
    _change(engine, book, state, why)


cdef inline bint _interrupts(const Engine* engine, const Book* book, uint8_t state) noexcept nogil:
    """Rule 18.5: what stops trading, without an auction, does not wait for orders under way."""
    return (state != STATE_CLOSED and state != STATE_CONTINUOUS
            and auction_between(book.state, state) == 0 and not book_is_in_auction(engine, book))


cdef int set_state(Engine* engine, const SetState* command) noexcept nogil:
    cdef uint32_t why
    cdef Book* book
    if command.header.instrument >= engine.books_count or not state_is_known(command.state):
        return STATUS_MALFORMED
    book = &engine.books[command.header.instrument]
    if grid_has_zero(&book.grid) and not state_has_no_auction(command.state):
        return STATUS_MALFORMED
    if book.state == command.state or book.state == STATE_RETIRED:
        return STATUS_IGNORED
    if ((book_waits(engine, book) and not _interrupts(engine, book, command.state))
            or work_empties(engine, command.header.instrument)
            or (command.state == STATE_CLOSED and works_are_full(engine))):
        return STATUS_LATER
    memcpy(&why, command.reason, sizeof(why))
    state_change(engine, book, command.state, command.force != 0, why)
    return STATUS_OK


cdef int set_end(Engine* engine, const SetEnd* command) noexcept nogil:
    """Rule 13.11."""
    cdef Book* book
    cdef AuctionEnd* end
    if (command.header.instrument >= engine.books_count or not state_is_known(command.state)
            or command.second_first > command.second_last
            or command.second_last >= SECONDS_A_DAY):
        return STATUS_MALFORMED
    book = &engine.books[command.header.instrument]
    if (auction_indicated(book.state) == 0 or command.state == book.state
            or auction_between(book.state, command.state) == 0
            or command.second_last < engine.second_next):
        return STATUS_IGNORED
    if book_is_in_auction(engine, book):
        return STATUS_LATER
    end = book_end(engine, book)
    end.second_first = command.second_first
    end.second_last = command.second_last
    end.no_cancel_seconds = command.no_cancel_seconds
    end.extension_seconds = command.extension_seconds
    end.state = command.state
    end.force = command.force
    memcpy(&end.why, command.reason, sizeof(end.why))
    end_changed(engine, book)
    return STATUS_OK
