"""Places of quotes: found, taken, and whether they are sound."""

from libc.stdint cimport uint32_t
from libc.string cimport memset

from ironcore.book.book cimport SIDE_SHIFT
from ironcore.book.order_pool cimport order_at
from ironcore.engine.orders cimport order_place, order_sell
from ironcore.engine.quotes.session_quotes cimport (
    QUOTES_MAX, Protection, protection_is_set, quote_place,
)
from ironcore.engine.under_way cimport book_is_in_auction
from ironcore.wire.record cimport STATE_RETIRED


cdef inline bint _is_free(Engine* engine, const SessionQuotes* quotes,
                          uint32_t place) noexcept nogil:
    cdef const Protection* protection = &quotes.protections[place]
    if engine.books[quotes.instruments[place]].state != STATE_RETIRED and (
            protection_is_set(protection) or protection.is_reached):
        return False
    return (engine.arena.slots[quotes.slots[place][0]] == 0
            and engine.arena.slots[quotes.slots[place][1]] == 0)


cdef uint32_t quote_place_find(Engine* engine, const SessionQuotes* quotes,
                               uint32_t instrument) noexcept nogil:
    cdef uint32_t place = quote_place(quotes, instrument)
    if place < QUOTES_MAX:
        return place
    for place in range(<uint32_t>QUOTES_MAX):
        if _is_free(engine, quotes, place):
            return place
    return QUOTES_MAX


cdef void quote_place_take(Engine* engine, SessionQuotes* quotes, uint32_t place,
                           uint32_t instrument) noexcept nogil:
    cdef Protection* protection = &quotes.protections[place]
    if place == QUOTES_MAX:          # there was none, and there will be none
        return
    if place < quotes.count and quotes.instruments[place] == instrument:
        return
    if place < quotes.count and protection_is_set(protection):  # of a retired instrument
        engine.books[quotes.instruments[place]].protections -= 1
        engine.protections_timed -= protection.window_seconds != 0
    memset(protection, 0, sizeof(Protection))
    quotes.slots[place][0] = 0
    quotes.slots[place][1] = 0
    quotes.count += place == quotes.count
    quotes.instruments[place] = instrument
    quotes.near_instrument = 0


cdef const char* _sides_broken(Engine* engine, uint32_t session, uint32_t place) noexcept nogil:
    cdef const SessionQuotes* quotes = &engine.quotes[session]
    cdef uint32_t sell, slot, unit
    for sell in range(2):
        slot = quotes.slots[place][sell]
        unit = engine.arena.slots[slot]
        if unit == 0:
            continue
        if slot >> engine.limits.user_ref_bits != session:
            return b"a quote leads to another session's order"
        if order_place(engine, unit) >> SIDE_SHIFT != quotes.instruments[place]:
            return b"a quote leads to another instrument's order"
        if order_sell(order_at(&engine.arena, unit)) != sell:
            return b"a quote leads to an order of the other side"
        # One that an auction reached acts with its end.
        if quotes.protections[place].is_reached and not book_is_in_auction(
                engine, &engine.books[quotes.instruments[place]]):
            return b"a quote is live though its protection was reached"
    return NULL


cdef const char* _place_broken(Engine* engine, uint32_t session, uint32_t place) noexcept nogil:
    cdef const SessionQuotes* quotes = &engine.quotes[session]
    cdef const Protection* protection = &quotes.protections[place]
    if quotes.instruments[place] >= engine.books_count:
        return b"a quote is of an instrument that there is not"
    if quote_place(quotes, quotes.instruments[place]) != place:
        return b"a session has two quotes in one instrument"
    if (quotes.near_instrument
            and quotes.near_place != quote_place(quotes, quotes.near_instrument - 1)):
        return b"a session does not know where its quote is"
    if protection_is_set(protection) and engine.books[quotes.instruments[place]].protections == 0:
        return b"a book does not know its protections"
    if not protection.is_reached and (
            protection.volume_max and protection.volume >= protection.volume_max
            or protection.executions_max and protection.executions >= protection.executions_max):
        return b"a protection was reached, and nothing came of it"
    return _sides_broken(engine, session, place)


cdef const char* quotes_broken(Engine* engine) noexcept nogil:
    cdef uint32_t protections = 0
    cdef uint32_t timed = 0
    cdef uint32_t index, session, place
    cdef const SessionQuotes* quotes
    cdef const char* broken
    for session in range(1, engine.sessions_count + 1):
        quotes = &engine.quotes[session]
        if quotes.count > QUOTES_MAX:
            return b"a session has more quotes than it may"
        for place in range(quotes.count):
            broken = _place_broken(engine, session, place)
            if broken != NULL:
                return broken
            if protection_is_set(&quotes.protections[place]):
                protections += 1
                timed += quotes.protections[place].window_seconds != 0
    for index in range(engine.books_count):
        protections -= engine.books[index].protections
    if protections or timed != engine.protections_timed:
        return b"the protections are miscounted"
    if engine.protection_due:
        return b"a protection was reached, and nothing came of it"
    return NULL
