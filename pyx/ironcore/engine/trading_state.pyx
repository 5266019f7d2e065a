"""How the state of an instrument changes, and what follows from that."""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memchr, memcpy

from ironcore.base.status cimport STATUS_IGNORED, STATUS_MALFORMED, STATUS_OK
from ironcore.engine.auction cimport auction_between, auction_hold, auction_indicated
from ironcore.book.book cimport SIDE_SHIFT, book_classify
from ironcore.engine.book_orders cimport cancel_at_end_of_day
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.pegs cimport pegs_park
from ironcore.book.price_grid cimport basis_points_e4
from ironcore.engine.settlement cimport book_settle
from ironcore.wire.record cimport (
    EVENT_COLLARS, EVENT_STATE_CHANGED, EVENT_VISIBLE, STATE_CLOSED, STATE_CONTINUOUS,
    STATE_PAUSED, STATE_RETIRED,
)


cdef enum:
    UPPER_SHIFT = 32


cdef bint state_is_known(uint8_t state) noexcept nogil:
    return memchr(b"CBOTHPQL", state, 8) != NULL


cdef void emit_collars(Engine* engine, int32_t reference_e4, uint32_t basis_points,
                       uint32_t extension) noexcept nogil:
    cdef int64_t distance_e4 = basis_points_e4(reference_e4, basis_points)
    cdef uint64_t upper_e4 = <uint64_t>(reference_e4 + distance_e4)
    cdef uint64_t lower_e4 = <uint64_t>(reference_e4 - distance_e4)
    engine_emit(engine, EVENT_COLLARS, EVENT_VISIBLE, 0, 0, extension,
                upper_e4 << UPPER_SHIFT | lower_e4, 0, reference_e4, 0)


cdef void state_begin(Engine* engine, Book* book, uint8_t state) noexcept nogil:
    cdef uint32_t instrument = book.sides[0].index >> SIDE_SHIFT
    cdef uint64_t bit = <uint64_t>1 << (instrument & 63)
    if (auction_between(book.state, STATE_CONTINUOUS)
            != auction_between(state, STATE_CONTINUOUS)):
        book.auction_extensions = 0
    book.state = state
    book.pause_second = 0
    book_classify(book)
    if auction_indicated(state):
        engine.in_auction[instrument >> 6] |= bit
    else:
        engine.in_auction[instrument >> 6] &= ~bit


cdef void _change(Engine* engine, Book* book, uint8_t state, uint32_t why) noexcept nogil:
    engine_emit(engine, EVENT_STATE_CHANGED, EVENT_VISIBLE, state, book.state, why, 0, 0, 0, 0)
    state_begin(engine, book, state)


cdef bint state_change(Engine* engine, Book* book, uint8_t state, bint force,
                       uint32_t why) noexcept nogil:
    cdef uint8_t state_before = book.state
    cdef uint8_t cross_type = auction_between(state_before, state)
    book.last_before_e4 = book.last_price_e4
    if cross_type and not auction_hold(engine, book, cross_type, state, force):
        return False
    _change(engine, book, state, why)
    if state == STATE_CLOSED:
        cancel_at_end_of_day(engine, book)
    if state_before == STATE_CONTINUOUS:
        pegs_park(engine, book)
    if state == STATE_CONTINUOUS:
        book.pegs_are_stale = True
        book_settle(engine, book)
    return True


cdef void state_pause(Engine* engine, Book* book, int32_t price_e4) noexcept nogil:
    cdef uint32_t why
    memcpy(&why, b"LUDP", sizeof(why))
    _change(engine, book, STATE_PAUSED, why)
    if is_beyond_collar(price_e4, book.reference_price_e4, book.static_collar_bp):
        emit_collars(engine, book.reference_price_e4, book.static_collar_bp, 0)
    else:
        emit_collars(engine, dynamic_reference_e4(book), book.dynamic_collar_bp, 0)
    pegs_park(engine, book)


cdef void state_retire(Engine* engine, Book* book) noexcept nogil:
    state_begin(engine, book, STATE_RETIRED)


cdef int set_state(Engine* engine, const SetState* command) noexcept nogil:
    cdef uint32_t why
    cdef Book* book
    if command.header.instrument >= engine.books_count or not state_is_known(command.state):
        return STATUS_MALFORMED
    book = &engine.books[command.header.instrument]
    if book.state == command.state or book.state == STATE_RETIRED:
        return STATUS_IGNORED
    memcpy(&why, command.reason, sizeof(why))
    state_change(engine, book, command.state, command.force != 0, why)
    return STATUS_OK
