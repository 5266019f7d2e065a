"""The states of an instrument: what they mean for it, and how one begins."""

from libc.stdint cimport uint64_t
from libc.string cimport memchr, memcpy

from ironcore.book.auction_end cimport end_clear, end_has_no_cancel
from ironcore.book.book cimport book_classify
from ironcore.engine.collars cimport dynamic_reference, emit_collars
from ironcore.engine.engine cimport engine_emit
from ironcore.engine.pegs cimport pegs_park
from ironcore.engine.pending_work cimport engine_classify
from ironcore.book.price_grid cimport is_beyond_collar
from ironcore.wire.record cimport (
    EVENT_END_SET, EVENT_STATE_CHANGED, EVENT_VISIBLE, STATE_CLOSED, STATE_CLOSING_AUCTION,
    STATE_CONTINUOUS, STATE_HALTED, STATE_OPENING_AUCTION, STATE_PAUSED, STATE_PRE_OPEN,
    STATE_QUOTE_ONLY, STATE_RETIRED, STATE_TRADE_AT_CLOSE,
)

cdef enum:
    END_LAST_SHIFT = 32              # in END_SET


cdef bint state_is_known(uint8_t state) noexcept nogil:
    return memchr(b"CBOTHPQLX", state, 9) != NULL


cdef bint state_has_no_auction(uint8_t state) noexcept nogil:
    return state == STATE_CLOSED or state == STATE_CONTINUOUS or state == STATE_HALTED


cdef uint8_t auction_between(uint8_t state, uint8_t state_next) noexcept nogil:
    if state == STATE_CLOSING_AUCTION:
        return 0 if state_next == STATE_HALTED else CROSS_CLOSING
    if state_next != STATE_CONTINUOUS:
        return 0
    if (state == STATE_CLOSED or state == STATE_PRE_OPEN or state == STATE_OPENING_AUCTION
            or state == STATE_TRADE_AT_CLOSE):
        return CROSS_OPENING
    if state == STATE_HALTED or state == STATE_PAUSED or state == STATE_QUOTE_ONLY:
        return CROSS_HALT
    return 0


cdef uint8_t auction_indicated(uint8_t state) noexcept nogil:
    if state == STATE_OPENING_AUCTION:
        return CROSS_OPENING
    if state == STATE_CLOSING_AUCTION:
        return CROSS_CLOSING
    return CROSS_HALT if state == STATE_PAUSED else 0


cdef void state_begin(Engine* engine, Book* book, uint8_t state) noexcept nogil:
    cdef uint32_t instrument = <uint32_t>(book - engine.books)
    cdef uint64_t bit = <uint64_t>1 << (instrument & 63)
    if (auction_between(book.state, STATE_CONTINUOUS)
            != auction_between(state, STATE_CONTINUOUS)):
        book.auction_extensions = 0
    book.state = state
    book.pause_second = 0
    end_clear(book_end(engine, book))
    end_classify(engine, book)
    book_classify(book)
    if auction_indicated(state):
        engine.in_auction[instrument >> 6] |= bit
    else:
        engine.in_auction[instrument >> 6] &= ~bit


cdef void end_classify(Engine* engine, const Book* book) noexcept nogil:
    cdef AuctionEnd* end = book_end(engine, book)
    cdef bint is_random = end.second_first != end.second_last
    cdef bint holds_orders = end.state != 0 and end_has_no_cancel(end, engine.second_next)
    if end.state == 0:
        is_random = (book.state == STATE_PAUSED and book.pause_seconds != 0
                     and end.pause_random_seconds != 0)
    engine.ends_random += is_random
    engine.ends_random -= end.is_random
    engine.ends_holding += holds_orders
    engine.ends_holding -= end.holds_orders
    end.is_random = is_random
    end.holds_orders = holds_orders
    engine_classify(engine)


cdef void end_changed(Engine* engine, const Book* book) noexcept nogil:
    cdef const AuctionEnd* end = book_end(engine, book)
    end_classify(engine, book)
    engine_emit(engine, EVENT_END_SET, EVENT_VISIBLE, end.state, 0, end.no_cancel_seconds,
                <uint64_t>end.second_last << END_LAST_SHIFT | end.second_first,
                end.extension_seconds, 0, 0)


cdef void state_enter(Engine* engine, Book* book, uint8_t state, uint32_t why) noexcept nogil:
    engine_emit(engine, EVENT_STATE_CHANGED, EVENT_VISIBLE, state, book.state, why, 0, 0, 0, 0)
    state_begin(engine, book, state)


cdef void state_pause(Engine* engine, Book* book, int32_t price) noexcept nogil:
    cdef uint32_t why
    memcpy(&why, b"LUDP", sizeof(why))
    state_enter(engine, book, STATE_PAUSED, why)
    if is_beyond_collar(price, book.reference_price, book.static_collar_bp):
        emit_collars(engine, book.reference_price, book.static_collar_bp, 0)
    else:
        emit_collars(engine, dynamic_reference(book), book.dynamic_collar_bp, 0)
    pegs_park(engine, book)


cdef void state_retire(Engine* engine, Book* book) noexcept nogil:
    state_begin(engine, book, STATE_RETIRED)
