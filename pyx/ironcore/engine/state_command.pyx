"""How the state of an instrument changes, and what follows from that."""

from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_IGNORED, STATUS_LATER, STATUS_MALFORMED, STATUS_OK
from ironcore.engine.auction cimport auction_hold
from ironcore.engine.book_orders cimport leaving_begin
from ironcore.engine.minimum_orders cimport minimum_orders_begin
from ironcore.engine.pegs cimport PEGS_PARKED, pegs_park
from ironcore.engine.pending_work cimport work_empties, works_are_full
from ironcore.engine.settlement cimport book_settle
from ironcore.engine.trading_state cimport auction_between, state_enter, state_is_known
from ironcore.wire.record cimport (
    COMMAND_SET_STATE, STATE_CLOSED, STATE_CONTINUOUS, STATE_RETIRED,
)


cdef bint state_change(Engine* engine, Book* book, uint8_t state, bint force,
                       uint32_t why) noexcept nogil:
    cdef uint8_t state_before = book.state
    cdef uint8_t cross_type = auction_between(state_before, state)
    book.last_before_price = book.last_price
    if cross_type and not auction_hold(engine, book, cross_type, state, force):
        return False
    state_enter(engine, book, state, why)
    if state == STATE_CLOSED:
        leaving_begin(engine, book, COMMAND_SET_STATE)
    if state_before == STATE_CONTINUOUS:
        pegs_park(engine, book)
    if state == STATE_CONTINUOUS:
        book.pegs_are_stale = PEGS_PARKED
        minimum_orders_begin(engine, book)
        book_settle(engine, book)
    return True


cdef int set_state(Engine* engine, const SetState* command) noexcept nogil:
    cdef uint32_t why
    cdef Book* book
    if command.header.instrument >= engine.books_count or not state_is_known(command.state):
        return STATUS_MALFORMED
    book = &engine.books[command.header.instrument]
    if book.state == command.state or book.state == STATE_RETIRED:
        return STATUS_IGNORED
    if (work_empties(engine, command.header.instrument)
            or (command.state == STATE_CLOSED and works_are_full(engine))):
        return STATUS_LATER
    memcpy(&why, command.reason, sizeof(why))
    state_change(engine, book, command.state, command.force != 0, why)
    return STATUS_OK
