"""The second of the day: what is due with it."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.builtins cimport iron_lowest_bit
from ironcore.base.status cimport STATUS_IGNORED, STATUS_MALFORMED, STATUS_OK
from ironcore.book.auction_end cimport AuctionEnd, end_clear, end_is_reached
from ironcore.engine.auctions.auction cimport auction_indicate
from ironcore.engine.book_orders cimport leaving_pass
from ironcore.engine.engine cimport engine_emit
from ironcore.book.book cimport Book
from ironcore.engine.order_exit cimport CANCEL_REASON_TIMEOUT, cancel_whole
from ironcore.book.order_pool cimport special_at
from ironcore.engine.pegs cimport pegs_leave_quotes, pegs_park_left
from ironcore.engine.pending_work cimport (
    STEP_LEFT, STEP_LOOKED, engine_classify, step_is_over, works_are_full,
)
from ironcore.engine.state_command cimport state_change
from ironcore.engine.trading_state cimport auction_indicated, end_classify
from ironcore.engine.under_way cimport book_waits
from ironcore.book.options cimport SECONDS_A_DAY
from ironcore.wire.record cimport (
    EVENT_INSTRUMENT_NEXT, INSTRUMENT_NONE, STATE_CLOSED, STATE_CONTINUOUS, STATE_PAUSED,
)


cdef enum:
    INSTRUMENT_SHIFT = 32
    SECONDS_A_MINUTE = 60


cdef uint32_t _next_in_auction(const Engine* engine, uint32_t instrument) noexcept nogil:
    """The first instrument from this one on whose state has indicative prices."""
    cdef uint32_t word = instrument >> 6
    cdef uint32_t words = (engine.books_count + 63) >> 6
    cdef uint64_t bits
    if instrument >= engine.books_count:
        return INSTRUMENT_NONE
    bits = engine.in_auction[word] >> (instrument & 63) << (instrument & 63)
    while bits == 0:
        word += 1
        if word >= words:
            return INSTRUMENT_NONE
        bits = engine.in_auction[word]
    return (word << 6) + iron_lowest_bit(bits)


cdef bint _expires(Engine* engine, uint32_t second) noexcept nogil:
    """Whether any order does. Seconds without one are passed once, not with every CLOCK."""
    while engine.expiry_first <= second:
        if engine.expiry[engine.expiry_first].next:
            return True
        engine.expiry_first += 1
    return False


cdef inline bint _begins_minute(const Engine* engine, uint32_t second) noexcept nogil:
    """Such a CLOCK is part of the stream whatever it causes, so that the core knows the time well
    enough to refuse an order that would have expired (4.9.8)."""
    return (engine.second_next == 0
            or second // SECONDS_A_MINUTE != (engine.second_next - 1) // SECONDS_A_MINUTE)


cdef void _expire_one(Engine* engine, uint32_t unit) noexcept nogil:
    cdef uint64_t instrument = special_at(&engine.arena, unit).instrument
    cdef Book* book = &engine.books[instrument]
    leaving_pass(engine, unit)
    cancel_whole(engine, unit, CANCEL_REASON_TIMEOUT, (instrument + 1) << INSTRUMENT_SHIFT)
    engine.step_actions += STEP_LOOKED + STEP_LEFT
    if book.pegs.next and book.pegs_left_next == 0:
        engine.step_actions += <uint64_t>STEP_LEFT * book.followers
    pegs_leave_quotes(engine, book)


cdef void _expire(Engine* engine, uint32_t second) noexcept nogil:
    """As far as the step goes; none while an auction is in progress, whose orders stay."""
    engine.is_expiring = engine.auctions_first != 0 and _expires(engine, second)
    while engine.auctions_first == 0 and _expires(engine, second):
        if step_is_over(engine):
            engine.is_expiring = True
            break
        _expire_one(engine, engine.expiry[engine.expiry_first].next)
    pegs_park_left(engine)
    engine_classify(engine)


cdef void expiry_step(Engine* engine) noexcept nogil:
    _expire(engine, engine.second_next - 1)


cdef bint _pause_ends(const Book* book, const AuctionEnd* end, const ClockCommand* command,
                      uint32_t second_next, uint32_t instrument) noexcept nogil:
    """Rule 13.9."""
    cdef uint32_t second_first
    if book.state != STATE_PAUSED or book.pause_seconds == 0 or book.pause_second == 0:
        return False
    # pause_second is one more than the second at which the count started.
    second_first = book.pause_second - 1 + book.pause_seconds
    return end_is_reached(second_first, second_first + end.pause_random_seconds, second_next,
                          command.second, command.draw, instrument)


cdef bint _auction_ends(Engine* engine, const AuctionEnd* end, const ClockCommand* command,
                        uint32_t second_next, uint32_t instrument) noexcept nogil:
    """Rule 13.11."""
    if end.state == STATE_CLOSED and works_are_full(engine):
        return False
    return end_is_reached(end.second_first, end.second_last, second_next, command.second,
                          command.draw, instrument)


cdef void _end(Engine* engine, uint32_t instrument) noexcept nogil:
    cdef AuctionEnd end = engine.ends[instrument]
    if end.state == 0:
        end.state = STATE_CONTINUOUS
        memcpy(&end.why, b"    ", sizeof(end.why))
    state_change(engine, &engine.books[instrument], end.state, end.force != 0, end.why)


cdef void _end_all(Engine* engine, ClockCommand* command, uint32_t second_next) noexcept nogil:
    """All that are due, unless the last auctions are in progress still; the counts of pauses that
    have none start. Events do not say their instrument: the command does of the first that ends, an
    event of its own of each later one. The step may be over before the first event of one.
    """
    cdef uint32_t instrument = _next_in_auction(engine, 0)
    cdef bint may_end = engine.auctions_first == 0
    cdef bint is_first = True
    cdef bint is_due
    cdef Book* book
    cdef const AuctionEnd* end
    while instrument != INSTRUMENT_NONE:
        book = &engine.books[instrument]
        end = &engine.ends[instrument]
        if not may_end or book_waits(engine, book):  # rule 18.12
            is_due = False
        elif end.state:
            is_due = _auction_ends(engine, end, command, second_next, instrument)
        else:
            is_due = _pause_ends(book, end, command, second_next, instrument)
        if book.state == STATE_PAUSED and book.pause_second == 0:
            book.pause_second = command.second + 1
        if is_due:
            if engine.auctions_first == 0 and not step_is_over(engine):
                if is_first:
                    command.header.instrument = instrument
                else:
                    engine_emit(engine, EVENT_INSTRUMENT_NEXT, 0, 0, 0, 0, 0, 0, 0, instrument)
                is_first = False
            _end(engine, instrument)
        else:
            end_classify(engine, book)
        instrument = _next_in_auction(engine, instrument + 1)


cdef bint _indicate_between(Engine* engine, uint32_t first, uint32_t end) noexcept nogil:
    """For the instruments first .. end - 1. False when the steps did not suffice for all."""
    cdef uint32_t instrument = _next_in_auction(engine, first)
    cdef Book* book
    while instrument < end:          # INSTRUMENT_NONE is not
        book = &engine.books[instrument]
        if not auction_indicate(engine, book, auction_indicated(book.state)):
            engine.indicate_next = instrument
            return False
        instrument = _next_in_auction(engine, instrument + 1)
    return True


cdef void _indicate(Engine* engine) noexcept nogil:
    """In turns: those that the last CLOCK had no steps for come first (14.10)."""
    cdef uint32_t first = engine.indicate_next
    engine.indicate_next = 0
    if _indicate_between(engine, first, engine.books_count):
        _indicate_between(engine, 0, first)


cdef int clock_advance(Engine* engine, ClockCommand* command) noexcept nogil:
    cdef uint32_t second = command.second
    cdef uint32_t second_next
    if second >= SECONDS_A_DAY:
        return STATUS_MALFORMED
    if second < engine.second_next:
        return STATUS_IGNORED
    # An instrument that is paused is one of those for which INDICATIVE is said.
    if (command.force == 0 and _next_in_auction(engine, 0) == INSTRUMENT_NONE
            and not engine.is_expiring and not _expires(engine, second)
            and not _begins_minute(engine, second)
            and engine.protections_timed == 0):
        return STATUS_IGNORED
    _expire(engine, second)
    second_next = engine.second_next
    engine.second_next = second + 1
    _end_all(engine, command, second_next)
    if not engine.is_expiring and engine.auctions_first == 0:
        _indicate(engine)
    return STATUS_OK


cdef void clock_begin_day(Engine* engine) noexcept nogil:
    cdef uint32_t instrument = _next_in_auction(engine, 0)
    engine.days += 1
    engine.second_next = 0
    engine.expiry_first = 0
    engine.is_expiring = False
    engine_classify(engine)
    while instrument != INSTRUMENT_NONE:
        engine.books[instrument].pause_second = 0
        end_clear(&engine.ends[instrument])
        end_classify(engine, &engine.books[instrument])
        instrument = _next_in_auction(engine, instrument + 1)
