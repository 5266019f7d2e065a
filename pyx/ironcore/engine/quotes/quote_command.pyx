"""Quotes: each entry of a QUOTE replaces the two sides that the session has in one instrument."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.base.status cimport STATUS_IGNORED, STATUS_MALFORMED, STATUS_OK
from ironcore.book.book cimport Book, book_note_last
from ironcore.book.limits cimport (
    CROSS_NONE, REJECT_DESTINATION_CLOSED, REJECT_NONE, REJECT_NOT_NOW, REJECT_NO_ROOM,
    REJECT_PROCESSING, REJECT_PROTECTED, REJECT_QUOTE_CROSSED, REJECT_SYMBOL, SIDE_BUY,
)
from ironcore.book.options cimport options_clear
from ironcore.book.order_pool cimport ORDER_REF_MAX, Order, order_at, order_side
from ironcore.engine.cancel_commands cimport order_is_held, order_reduce, works_take
from ironcore.engine.engine cimport Session, engine_emit, engine_slot
from ironcore.engine.order_checks cimport day_order_reject
from ironcore.engine.order_exit cimport CANCEL_REASON_USER, cancel_whole
from ironcore.engine.order_path cimport order_begin
from ironcore.engine.order_terms cimport Terms
from ironcore.engine.orders cimport order_open, order_place, order_price
from ironcore.engine.pending_work cimport STEP_LEFT, step_is_over
from ironcore.engine.quotes.quote_places cimport quote_place_find, quote_place_take
from ironcore.engine.quotes.session_quotes cimport QUOTES_MAX, SessionQuotes
from ironcore.engine.settlement cimport book_settle
from ironcore.engine.under_way cimport busy_begin
from ironcore.engine.used_numbers cimport session_consume
from ironcore.wire.record cimport (
    EVENT_ACCEPTED, EVENT_INSTRUMENT_NEXT, EVENT_QUOTED, EVENT_QUOTE_REJECTED, EVENT_SELL,
    INSTRUMENT_NONE, QUOTE_ENTRIES_MAX, STATE_CONTINUOUS, STATE_RETIRED, STATE_TRADE_AT_CLOSE,
    Quote, QuoteEntry,
)

cdef enum:
    ORDER_STATE_LIVE = 76            # 'L'
    SIDE_SELL = 83                   # 'S'
    DISPLAY_YES = 89                 # 'Y'
    TIME_IN_FORCE_DAY = 48           # '0'


cdef struct Side:                    # one side of an entry
    Terms terms                      # counts with a quantity other than 0
    uint32_t unit                    # live before, or 0
    bint stays                       # it keeps its priority


cdef struct Entry:
    uint32_t session
    uint32_t user_ref                # of the bid; the ask has the next
    uint32_t index
    uint32_t place                   # in SessionQuotes
    bint is_placed                   # it is the instrument's already
    Side sides[2]                    # bid, ask


cdef void _ask_for(Engine* engine, Entry* entry, uint32_t sell, uint32_t quantity,
                   int32_t price) noexcept nogil:
    cdef Terms* terms = &entry.sides[sell].terms
    options_clear(&terms.options)
    terms.quantity = quantity
    terms.executed = 0
    terms.price = price
    terms.sell = sell
    terms.side = SIDE_SELL if sell else SIDE_BUY
    terms.time_in_force = TIME_IN_FORCE_DAY
    terms.display = DISPLAY_YES
    terms.cross_type = CROSS_NONE
    terms.other = 0
    terms.slot = engine_slot(engine, entry.session, entry.user_ref + sell)


cdef void _look_up(Engine* engine, const CommandHeader* header, Entry* entry,
                   uint32_t instrument) noexcept nogil:
    """The sides that are live, but for those that work that waits has named: these leave now."""
    cdef const SessionQuotes* quotes = &engine.quotes[entry.session]
    cdef CommandHeader named = header[0]
    cdef uint64_t actions = engine.step_actions
    cdef uint32_t sell, unit
    cdef Side* side
    entry.place = quote_place_find(engine, quotes, instrument)
    entry.is_placed = entry.place < quotes.count and quotes.instruments[entry.place] == instrument
    for sell in range(2):
        side = &entry.sides[sell]
        side.unit = 0
        side.stays = False
        if entry.is_placed:
            unit = engine.arena.slots[quotes.slots[entry.place][sell]]
            if unit == 0:
                continue
            if works_take(engine, &named, unit):
                actions += STEP_LEFT
                engine.step_actions = actions
            else:
                side.unit = unit
                side.stays = (side.terms.quantity != 0
                              and order_price(engine, unit) == side.terms.price
                              and order_open(engine, unit) >= side.terms.quantity)


cdef uint32_t _sides_reject(Engine* engine, const Book* book, Entry* entry) noexcept nogil:
    cdef uint32_t reason = REJECT_NONE
    cdef uint32_t sell
    for sell in range(2):
        if entry.sides[sell].terms.quantity and reason == REJECT_NONE:
            reason = day_order_reject(engine, book, &entry.sides[sell].terms)
    if reason == REJECT_NONE and entry.sides[0].terms.quantity and (
            entry.sides[1].terms.quantity):
        if entry.sides[0].terms.price >= entry.sides[1].terms.price:
            return REJECT_QUOTE_CROSSED
    return reason


cdef inline bint _changes(Engine* engine, const Side* side) noexcept nogil:
    return not side.stays or order_open(engine, side.unit) != side.terms.quantity


cdef uint32_t _room_reject(Engine* engine, const Entry* entry) noexcept nogil:
    cdef uint32_t coming = 0
    cdef uint32_t leaving = 0
    cdef uint32_t sell
    cdef const Side* side
    for sell in range(2):
        side = &entry.sides[sell]
        if side.unit and _changes(engine, side) and order_is_held(engine, side.unit):
            return REJECT_NOT_NOW
        coming += side.terms.quantity != 0 and not side.stays
        leaving += side.unit != 0 and not side.stays
    if coming == 0:
        return REJECT_NONE
    if (entry.place == QUOTES_MAX or engine.order_ref_last + 1 >= ORDER_REF_MAX
            or engine.arena.orders_live + coming > engine.arena.orders_max + leaving):
        return REJECT_NO_ROOM
    return REJECT_NONE


cdef inline bint _is_reached(Engine* engine, const Entry* entry) noexcept nogil:
    return engine.quotes[entry.session].protections[entry.place].is_reached


cdef uint32_t _entry_reject(Engine* engine, const Book* book, Entry* entry) noexcept nogil:
    cdef uint32_t reason = REJECT_NONE
    if entry.sides[0].terms.quantity or entry.sides[1].terms.quantity:
        if engine.sessions[entry.session].entry_disabled:
            return REJECT_DESTINATION_CLOSED
        if entry.is_placed and _is_reached(engine, entry):
            return REJECT_PROTECTED
        reason = _sides_reject(engine, book, entry)
    return reason if reason else _room_reject(engine, entry)


cdef void _say(Engine* engine, const Entry* entry, uint8_t type, uint32_t reason) noexcept nogil:
    engine_emit(engine, type, 0, <uint8_t>reason, 0, entry.index, 0, 0, 0,
                engine_slot(engine, entry.session, 0) | entry.user_ref
                if entry.user_ref >> engine.limits.user_ref_bits == 0
                else engine_slot(engine, entry.session, 0))


cdef void _leave(Engine* engine, const Side* side) noexcept nogil:
    cdef const Order* order = order_at(&engine.arena, side.unit)
    if side.unit == 0:
        return
    if not side.stays:
        cancel_whole(engine, side.unit, CANCEL_REASON_USER, 0)
    elif order_open(engine, side.unit) != side.terms.quantity:
        order_reduce(engine, order_place(engine, side.unit), side.unit, order_side(order),
                     order_open(engine, side.unit) - side.terms.quantity)


cdef void _come(Engine* engine, Book* book, Entry* entry, uint32_t sell) noexcept nogil:
    cdef Terms* terms = &entry.sides[sell].terms
    cdef SessionQuotes* quotes = &engine.quotes[entry.session]
    if terms.quantity == 0 or entry.sides[sell].stays or _is_reached(engine, entry):
        return
    # Not before: a block of numbers that is left without a live order is looked at no more.
    session_consume(engine, &engine.sessions[entry.session], entry.user_ref + sell)
    engine.order_ref_last += 1
    terms.reference = engine.order_ref_last
    quotes.slots[entry.place][sell] = terms.slot
    engine_emit(engine, EVENT_ACCEPTED, EVENT_SELL if sell else 0, ORDER_STATE_LIVE, terms.side,
                terms.quantity, terms.reference, 0, terms.price, terms.slot)
    if entry.index and step_is_over(engine) and (book.state == STATE_CONTINUOUS
                                                 or book.state == STATE_TRADE_AT_CLOSE):
        busy_begin(engine, book)     # each entry has a cost, whatever the first ones took
    order_begin(engine, book, terms)


cdef void _apply_entry(Engine* engine, CommandHeader* header, Entry* entry,
                       const QuoteEntry* asked) noexcept nogil:
    cdef Book* book = &engine.books[asked.instrument]
    cdef uint32_t reason, sell
    if asked.instrument >= engine.books_count or book.state == STATE_RETIRED:
        _say(engine, entry, EVENT_QUOTE_REJECTED, REJECT_SYMBOL)
        return
    if entry.index:
        engine_emit(engine, EVENT_INSTRUMENT_NEXT, 0, 0, 0, 0, 0, 0, 0, asked.instrument)
    book_note_last(book)
    _ask_for(engine, entry, 0, asked.bid_quantity, asked.bid_price)
    _ask_for(engine, entry, 1, asked.ask_quantity, asked.ask_price)
    _look_up(engine, header, entry, asked.instrument)
    reason = _entry_reject(engine, book, entry)
    if reason:
        _say(engine, entry, EVENT_QUOTE_REJECTED, reason)
        return
    _say(engine, entry, EVENT_QUOTED, 0)
    quote_place_take(engine, &engine.quotes[entry.session], entry.place, asked.instrument)
    for sell in range(2):
        _leave(engine, &entry.sides[sell])
    for sell in range(2):
        _come(engine, book, entry, sell)
    book_settle(engine, book)


cdef int quote_apply(Engine* engine, CommandHeader* header) noexcept nogil:
    cdef const QuoteEntry* entries = &(<const Quote*>header).entries[0]
    cdef uint32_t bytes = header.record_bytes - <uint32_t>sizeof(CommandHeader)
    cdef uint32_t count = bytes // <uint32_t>sizeof(QuoteEntry)
    cdef Session* session = &engine.sessions[header.session]
    cdef bint is_beyond
    cdef uint32_t index
    cdef Entry entry
    if (header.record_bytes < sizeof(Quote) or bytes % sizeof(QuoteEntry)
            or count > QUOTE_ENTRIES_MAX):
        return STATUS_MALFORMED
    if header.user_ref <= session.user_ref_last:
        return STATUS_IGNORED
    is_beyond = (header.user_ref + <uint64_t>2 * count - 1) >> engine.limits.user_ref_bits != 0
    header.instrument = (entries[0].instrument if entries[0].instrument < engine.books_count
                         else <uint32_t>INSTRUMENT_NONE)
    entry.session = header.session
    for index in range(count):
        entry.index = index
        entry.user_ref = header.user_ref + 2 * index
        if is_beyond:
            _say(engine, &entry, EVENT_QUOTE_REJECTED, REJECT_PROCESSING)
            continue
        _apply_entry(engine, header, &entry, &entries[index])
        if session.user_ref_last != entry.user_ref + 1:
            session_consume(engine, session, entry.user_ref + 1)
    return STATUS_OK
