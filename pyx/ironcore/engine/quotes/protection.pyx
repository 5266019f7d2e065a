"""Protections: set, counted, reached and reset."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from ironcore.base.status cimport STATUS_IGNORED, STATUS_LATER, STATUS_MALFORMED, STATUS_OK
from ironcore.book.book cimport book_classify
from ironcore.book.limits cimport REJECT_NONE, REJECT_NO_ROOM, REJECT_SYMBOL
from ironcore.engine.engine cimport engine_emit, engine_slot
from ironcore.engine.order_exit cimport CANCEL_REASON_PROTECTION, cancel_whole
from ironcore.engine.pending_work cimport STEP_LEFT
from ironcore.engine.quotes.quote_places cimport quote_place_find, quote_place_take
from ironcore.engine.quotes.session_quotes cimport (
    QUOTES_MAX, Protection, SessionQuotes, protection_is_set, quote_place, quote_place_near,
)
from ironcore.engine.under_way cimport book_is_in_auction
from ironcore.wire.record cimport (
    EVENT_PROTECTION_REACHED, EVENT_PROTECTION_RESET, EVENT_PROTECTION_SET, STATE_RETIRED,
)

cdef enum ReachedLimit:              # reason of PROTECTION_REACHED
    REACHED_DELTA = 68               # 'D'
    REACHED_EXECUTIONS = 69          # 'E'
    REACHED_VOLUME = 86              # 'V'

cdef enum:
    LIMIT_MAX_SHIFT = 62             # so that a quantity more than a limit fits an int64_t


cdef void _begin(Protection* protection) noexcept nogil:
    """Nothing is counted yet."""
    protection.volume = 0
    protection.delta = 0
    protection.executions = 0
    protection.window_day = 0


cdef void _set(Engine* engine, Book* book, Protection* protection,
               const SetProtection* command) noexcept nogil:
    book.protections -= protection_is_set(protection)
    engine.protections_timed -= (protection_is_set(protection)
                                 and protection.window_seconds != 0)
    protection.volume_max = command.volume_max
    protection.delta_max = command.delta_max
    protection.executions_max = command.executions_max
    protection.window_seconds = command.window_seconds
    _begin(protection)
    book.protections += protection_is_set(protection)
    engine.protections_timed += (protection_is_set(protection)
                                 and protection.window_seconds != 0)
    book_classify(book)


cdef int protection_set(Engine* engine, const SetProtection* command) noexcept nogil:
    cdef uint32_t instrument = command.header.instrument
    cdef SessionQuotes* quotes = &engine.quotes[command.header.session]
    cdef uint32_t reason = REJECT_NONE
    cdef uint32_t place
    if command.volume_max >> LIMIT_MAX_SHIFT or command.delta_max >> LIMIT_MAX_SHIFT:
        return STATUS_MALFORMED
    if instrument < engine.books_count and (
            book_is_in_auction(engine, &engine.books[instrument])):
        return STATUS_LATER
    if instrument >= engine.books_count or engine.books[instrument].state == STATE_RETIRED:
        reason = REJECT_SYMBOL
    else:
        place = quote_place_find(engine, quotes, instrument)
        if place == QUOTES_MAX:
            reason = REJECT_NO_ROOM
        else:
            quote_place_take(engine, quotes, place, instrument)
            _set(engine, &engine.books[instrument], &quotes.protections[place], command)
    engine_emit(engine, EVENT_PROTECTION_SET, 0, <uint8_t>reason, 0, 0, 0, 0, 0,
                engine_slot(engine, command.header.session, 0))
    return STATUS_OK


cdef int protection_reset(Engine* engine, const ResetProtection* command) noexcept nogil:
    cdef SessionQuotes* quotes = &engine.quotes[command.header.session]
    cdef uint32_t place = quote_place(quotes, command.header.instrument)
    cdef Protection* protection
    if place == quotes.count:
        return STATUS_IGNORED
    protection = &quotes.protections[place]
    if not protection_is_set(protection) and not protection.is_reached:
        return STATUS_IGNORED
    if book_is_in_auction(engine, &engine.books[command.header.instrument]):
        return STATUS_LATER
    _begin(protection)
    protection.is_reached = False
    engine_emit(engine, EVENT_PROTECTION_RESET, 0, 0, 0, 0, 0, 0, 0,
                engine_slot(engine, command.header.session, 0))
    return STATUS_OK


cdef inline bint _is_over(const Engine* engine, const Protection* protection) noexcept nogil:
    """Whether the window in hand is, if there is one; with a new day it is."""
    if protection.window_day == 0:
        return True
    return protection.window_seconds != 0 and (
        protection.window_day != engine.days + 1
        or engine.second_next - protection.window_first >= protection.window_seconds)


cdef uint8_t _reached(const Protection* protection) noexcept nogil:
    """Which of its limits, or 0."""
    cdef int64_t delta = protection.delta if protection.delta > 0 else -protection.delta
    if protection.volume_max and protection.volume >= protection.volume_max:
        return REACHED_VOLUME
    if protection.delta_max and <uint64_t>delta >= protection.delta_max:
        return REACHED_DELTA
    if protection.executions_max and protection.executions >= protection.executions_max:
        return REACHED_EXECUTIONS
    return 0


cdef inline Protection* _at(Engine* engine, uint64_t number) noexcept nogil:
    return &engine.quotes[(number - 1) // QUOTES_MAX].protections[(number - 1) % QUOTES_MAX]


cdef void _append_due(Engine* engine, uint64_t number) noexcept nogil:
    if engine.protection_due:
        _at(engine, engine.protection_due_last).due_next = number
    else:
        engine.protection_due = number
    engine.protection_due_last = number


cdef void protection_note(Engine* engine, const Book* book, uint32_t slot, uint32_t sell,
                          uint32_t quantity) noexcept nogil:
    cdef uint32_t session = slot >> engine.limits.user_ref_bits
    cdef SessionQuotes* quotes = &engine.quotes[session]
    cdef uint32_t place = quote_place_near(quotes, <uint32_t>(book - engine.books))
    cdef Protection* protection
    if place == quotes.count or quotes.slots[place][sell] != slot:
        return
    protection = &quotes.protections[place]
    if protection.is_reached or not protection_is_set(protection):
        return
    if _is_over(engine, protection):
        _begin(protection)
        protection.window_day = engine.days + 1
        protection.window_first = engine.second_next
    protection.executions += protection.executions_max != 0
    if protection.volume_max:
        protection.volume += quantity
    if protection.delta_max:
        protection.delta += -<int64_t>quantity if sell else <int64_t>quantity
    if _reached(protection):
        protection.is_reached = True
        _append_due(engine, session * <uint64_t>QUOTES_MAX + place + 1)


cdef void _act(Engine* engine, uint32_t session, uint32_t place) noexcept nogil:
    cdef SessionQuotes* quotes = &engine.quotes[session]
    cdef const Protection* protection = &quotes.protections[place]
    cdef uint32_t sell, unit
    engine_emit(engine, EVENT_PROTECTION_REACHED, 0, _reached(protection), 0,
                protection.executions, protection.volume, <uint64_t>protection.delta, 0,
                engine_slot(engine, session, 0))
    for sell in range(2):
        unit = engine.arena.slots[quotes.slots[place][sell]]
        if unit:
            engine.step_actions += STEP_LEFT
            cancel_whole(engine, unit, CANCEL_REASON_PROTECTION, 0)


cdef void protections_act(Engine* engine) noexcept nogil:
    cdef uint64_t number = engine.protection_due
    cdef Protection* protection
    while number:
        protection = _at(engine, number)
        engine.protection_due = protection.due_next
        protection.due_next = 0
        _act(engine, <uint32_t>((number - 1) // QUOTES_MAX),
             <uint32_t>((number - 1) % QUOTES_MAX))
        number = engine.protection_due
