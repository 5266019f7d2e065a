"""When an order of any kind is rejected."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from ironcore.book.order_pool cimport (
    ORDER_REF_MAX, ORDER_SPECIAL, order_at, special_at,
)
from ironcore.engine.engine cimport engine_slot
from ironcore.engine.order_links cimport pair_other
from ironcore.engine.orders cimport order_place, order_sell, place_book
from ironcore.engine.pegs cimport peg_price_now
from ironcore.book.price_grid cimport basis_points_of, grid_has_zero, grid_tick
from ironcore.engine.order_terms cimport terms_prepare
from ironcore.engine.quotes.session_quotes cimport SessionQuotes, quote_place
from ironcore.engine.trading_state cimport admission_reject
from ironcore.book.limits cimport (
    CROSS_CLOSING, CROSS_HALT, CROSS_NONE, CROSS_OPENING, REJECT_COLLAR, REJECT_CROSS_ORDER,
    REJECT_DESTINATION_CLOSED, REJECT_NONE, REJECT_NOT_NOW, REJECT_NO_PRICE, REJECT_NO_ROOM,
    REJECT_OTHER, REJECT_PAIR, REJECT_PRICE,
    REJECT_SIDE, REJECT_SYMBOL, SIDE_BUY, TIME_IN_FORCE_FOK, TIME_IN_FORCE_IOC,
    instructions_reject, price_is_market, quantity_reject, side_is_sell,
)
from ironcore.book.options cimport (
    PRICE_TYPE_LIMIT, PRICE_TYPE_TO_LIMIT, Options, OptionsContext, options_are_pegged,
    options_are_stop, options_reject,
)
from ironcore.book.price_levels cimport PriceLevels, levels_price
from ironcore.engine.under_way cimport book_state_next, book_waits
from ironcore.wire.order_options cimport NAMED_OCO_REF, NAMED_STOP_PRICE
from ironcore.wire.record cimport STATE_CONTINUOUS, STATE_RETIRED, STATE_TRADE_AT_CLOSE


cdef uint32_t _fields_reject(const Book* book, uint32_t total, Terms* terms) noexcept nogil:
    """4.4 to 4.7."""
    cdef uint32_t reason = quantity_reject(&book.limits, total)
    if reason:
        return reason
    if not terms_prepare(book, terms):
        return REJECT_PRICE
    return instructions_reject(terms.time_in_force, terms.display)


cdef uint32_t _options_reject(const Engine* engine, const Book* book,
                              const Terms* terms) noexcept nogil:
    """4.9."""
    cdef uint32_t tick = 0
    cdef OptionsContext context
    if grid_has_zero(&book.grid):    # 4.9.12
        if terms.cross_type != CROSS_NONE:
            return REJECT_CROSS_ORDER
        if options_are_stop(&terms.options) or options_are_pegged(&terms.options):
            return REJECT_OTHER
    context.lot_size = book.limits.lot_size
    context.quantity = terms.quantity
    context.second_next = engine.second_next
    context.last_price = book.last_price
    context.is_market = terms.is_market
    context.stop_price_is_valid = (
        terms.options.named & NAMED_STOP_PRICE != 0
        and grid_tick(&book.grid, terms.options.stop_price, &tick))
    context.time_in_force = terms.time_in_force
    context.display = terms.display
    context.cross_type = terms.cross_type
    return options_reject(&terms.options, &context)


cdef bint _is_stop(Engine* engine, uint32_t unit) noexcept nogil:
    return (order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL != 0
            and options_are_stop(&special_at(&engine.arena, unit).options))


cdef bint _is_of_quote(Engine* engine, const Book* book, uint32_t unit) noexcept nogil:
    cdef uint32_t slot = order_at(&engine.arena, unit).slot
    cdef const SessionQuotes* quotes = &engine.quotes[slot >> engine.limits.user_ref_bits]
    cdef uint32_t place = quote_place(quotes, <uint32_t>(book - engine.books))
    return (place != quotes.count
            and quotes.slots[place][order_sell(order_at(&engine.arena, unit))] == slot)


cdef uint32_t _named(Engine* engine, const Book* book, const Terms* terms,
                     uint32_t replaced) noexcept nogil:
    """The unit of the order that OcoRef names, or 0 when that is none for a pair."""
    cdef uint32_t session = terms.slot >> engine.limits.user_ref_bits
    cdef uint32_t unit, other
    if terms.options.oco_ref >> engine.limits.user_ref_bits:
        return 0
    unit = engine.arena.slots[engine_slot(engine, session, terms.options.oco_ref)]
    if unit == 0 or unit == replaced or place_book(engine, order_place(engine, unit)) != book:
        return 0
    other = pair_other(&engine.arena, unit)
    if other and other != replaced:
        return 0
    if _is_of_quote(engine, book, unit):
        return 0
    return unit if options_are_stop(&terms.options) or _is_stop(engine, unit) else 0


cdef uint32_t _pair_reject(Engine* engine, const Book* book, Terms* terms,
                           uint32_t replaced) noexcept nogil:
    """4.9.11. Fills Terms.other, which is the old order's before, of a replacement."""
    cdef bint is_named = terms.options.named & NAMED_OCO_REF != 0
    if is_named:
        terms.other = 0
        if terms.options.oco_ref:
            terms.other = _named(engine, book, terms, replaced)
            if terms.other == 0:
                return REJECT_PAIR
        # Numbers pass from order to order with replacements: the unit says it from here on.
        terms.options.named &= ~<uint32_t>NAMED_OCO_REF
        terms.options.oco_ref = 0
    elif terms.other and not (options_are_stop(&terms.options)
                              or _is_stop(engine, terms.other)):
        terms.other = 0
    return REJECT_NONE


cdef uint32_t state_reject(const Engine* engine, const Book* book,
                           const Terms* terms) noexcept nogil:
    cdef uint8_t state = book_state_next(engine, book)
    cdef bint is_immediate = (
        terms.time_in_force == TIME_IN_FORCE_IOC or terms.time_in_force == TIME_IN_FORCE_FOK
        or (price_is_market(terms.price) and not options_are_pegged(&terms.options)))
    if state == STATE_TRADE_AT_CLOSE and terms.cross_type == CROSS_NONE and (
            terms.options.min_quantity or terms.time_in_force == TIME_IN_FORCE_FOK):
        return REJECT_NOT_NOW
    return admission_reject(state, terms.cross_type,
                            is_immediate and not options_are_stop(&terms.options))


cdef void _to_limit(const Book* book, Terms* terms) noexcept nogil:
    """Rule 5.13: a market-to-limit order in continuous trading is a limit order from here on, if
    there is a price for it."""
    cdef const PriceLevels* opposite = &book.sides[terms.sell ^ 1]
    if terms.options.price_type != PRICE_TYPE_TO_LIMIT or terms.cross_type != CROSS_NONE:
        return
    if book.state == STATE_CONTINUOUS and opposite.levels:
        terms.price = levels_price(opposite, opposite.best_key)
        terms.options.price_type = PRICE_TYPE_LIMIT
        terms_prepare(book, terms)


cdef uint32_t _price_reject(Engine* engine, const Book* book, Terms* terms) noexcept nogil:
    """4.11 and 4.12, and the limit of a market-to-limit order."""
    cdef int64_t reference_price = book.reference_price
    cdef int64_t price_distance = basis_points_of(book.reference_price, book.entry_collar_bp)
    _to_limit(book, terms)
    if reference_price and book.entry_collar_bp and not terms.is_market:
        if terms.sell and terms.price < reference_price - price_distance:
            return REJECT_COLLAR
        if not terms.sell and terms.price > reference_price + price_distance:
            return REJECT_COLLAR
    if book.state == STATE_CONTINUOUS and options_are_pegged(&terms.options):
        if peg_price_now(engine, book, &terms.options, terms.sell, terms.price) == 0:
            return REJECT_NO_PRICE
    if terms.options.price_type == PRICE_TYPE_TO_LIMIT and terms.cross_type == CROSS_NONE:
        return REJECT_NO_PRICE
    return REJECT_NONE


cdef inline bint _follows(const Options* options) noexcept nogil:
    return options_are_pegged(options) or options_are_stop(options)


cdef uint32_t _room_reject(const Book* book, const Terms* terms, const Options* old) noexcept nogil:
    """4.14, of an order that may become live; the one that it replaces, if it has options, makes
    room."""
    cdef uint32_t followers = book.followers
    cdef uint32_t min_quantities = book.min_quantity_live[0] + book.min_quantity_live[1]
    if old != NULL:
        followers -= _follows(old)
        min_quantities -= old.min_quantity != 0
    if _follows(&terms.options) and followers >= book.followers_max:
        return REJECT_NO_ROOM
    if terms.options.min_quantity and min_quantities >= book.min_quantity_max:
        return REJECT_NO_ROOM
    return REJECT_NONE


cdef inline bint _may_live(const Engine* engine, const Book* book,
                           const Terms* terms) noexcept nogil:
    return (book_waits(engine, book) or terms.may_rest or options_are_stop(&terms.options)
            or terms.cross_type != CROSS_NONE)


cdef uint32_t details_reject(Engine* engine, const Book* book, uint32_t total, Terms* terms,
                             uint32_t replaced) noexcept nogil:
    cdef uint32_t reason = _fields_reject(book, total, terms)
    cdef const Options* old = NULL
    if order_at(&engine.arena, replaced).ref_side & ORDER_SPECIAL:
        old = &special_at(&engine.arena, replaced).options
    if reason == REJECT_NONE:
        reason = _options_reject(engine, book, terms)
    if reason == REJECT_NONE:
        reason = _pair_reject(engine, book, terms, replaced)
    if reason == REJECT_NONE:
        reason = _price_reject(engine, book, terms)
    if reason == REJECT_NONE and _may_live(engine, book, terms):
        reason = _room_reject(book, terms, old)
    return reason


cdef uint32_t day_order_reject(Engine* engine, const Book* book, Terms* terms) noexcept nogil:
    cdef uint32_t reason = _fields_reject(book, terms.quantity, terms)
    if reason == REJECT_NONE and terms.is_market:
        reason = REJECT_PRICE
    if reason == REJECT_NONE:
        reason = state_reject(engine, book, terms)
    return reason if reason else _price_reject(engine, book, terms)


cdef uint32_t enter_reject(Engine* engine, const Session* session, const EnterOrder* command,
                           Terms* terms) noexcept nogil:
    cdef uint32_t instrument = command.header.instrument
    cdef uint32_t reason
    cdef const Book* book = &engine.books[instrument]
    if session.entry_disabled:
        return REJECT_DESTINATION_CLOSED
    if instrument >= engine.books_count or book.state == STATE_RETIRED:
        return REJECT_SYMBOL
    terms.side = command.side
    terms.sell = 1 if side_is_sell(command.side) else 0
    if not terms.sell and command.side != SIDE_BUY:
        return REJECT_SIDE
    terms.price = command.price
    terms.time_in_force = command.time_in_force
    terms.display = command.display
    terms.cross_type = command.cross_type
    reason = _fields_reject(book, command.quantity, terms)
    if reason:
        return reason
    if (command.cross_type != CROSS_NONE and command.cross_type != CROSS_OPENING
            and command.cross_type != CROSS_CLOSING and command.cross_type != CROSS_HALT):
        return REJECT_CROSS_ORDER
    reason = _options_reject(engine, book, terms)
    if reason == REJECT_NONE:
        reason = _pair_reject(engine, book, terms, 0)
    if reason == REJECT_NONE:
        reason = state_reject(engine, book, terms)
    if reason == REJECT_NONE:
        reason = _price_reject(engine, book, terms)
    if reason:
        return reason
    if engine.order_ref_last >= ORDER_REF_MAX:
        return REJECT_NO_ROOM
    if not _may_live(engine, book, terms):
        return REJECT_NONE
    if engine.arena.orders_live == engine.arena.orders_max:
        return REJECT_NO_ROOM
    return _room_reject(book, terms, NULL)
