"""Keeps account of every order by what the events say, and compares it with the engine's orders."""

from libc.stdlib cimport calloc, malloc
from libc.string cimport memset

from ironcore.base.check cimport iron_assert
from ironcore.book.order_pool cimport Order, order_at, order_ref
from ironcore.book.limits cimport DISPLAY_NO, price_is_market, side_is_sell
from ironcore.wire.record cimport (
    ALLOCATION_PRICE_TIME, COMMAND_CANCEL_ORDER, COMMAND_CANCEL_SESSION, COMMAND_CONTINUE,
    COMMAND_ENTER_ORDER, COMMAND_MASS_CANCEL, COMMAND_QUOTE, COMMAND_REPLACE_ORDER, EVENT_ACCEPTED,
    EVENT_ACTIVATED, EVENT_ADDED, EVENT_AGGRESSOR_SELL, EVENT_AT_CLOSE, EVENT_BROKEN,
    EVENT_CANCELED, EVENT_CROSS, EVENT_CROSSED, EVENT_CROSSES, EVENT_EXECUTED,
    EVENT_MASS_CANCEL_RESPONSE, EVENT_MODIFIED, EVENT_PROTECTION_REACHED, EVENT_QUOTED,
    EVENT_REDUCED, EVENT_REPLACED, EVENT_REPLENISHED, EVENT_SELL, EVENT_VISIBLE, RECORD_LAST,
    ContinueCommand, EnterOrder, Event, Quote, QuoteEntry, ReplaceOrder, record_is_known_event,
)

cdef enum:
    ORDER_ACTIONS = 17               # of one that leaves with a step: rule 18.2
    REASON_PROTECTION = 80           # 'P' of CANCELED

cdef extern from *:
    """
    #define LOW_HALF UINT64_C(0xFFFFFFFF)
    """
    const uint64_t LOW_HALF


cdef void ledger_open(Ledger* ledger) noexcept nogil:
    memset(ledger, 0, sizeof(Ledger))
    ledger.entries = <Entry*>calloc(LEDGER_REFS_MAX, sizeof(Entry))
    ledger.live = <uint32_t*>malloc(LEDGER_LIVE_MAX * sizeof(uint32_t))


cdef void ledger_restart(Ledger* ledger) noexcept nogil:
    cdef Entry* entries = ledger.entries
    cdef uint32_t* live = ledger.live
    memset(entries, 0, (min(ledger.reference_last, <uint64_t>LEDGER_REFS_MAX - 1) + 1)
           * sizeof(Entry))
    memset(ledger, 0, sizeof(Ledger))
    ledger.entries = entries
    ledger.live = live


cdef inline bint _is_beyond(bint sell, int32_t price, int32_t limit_price) noexcept nogil:
    """Worse than a limit for an order of this side."""
    return price < limit_price if sell else price > limit_price


cdef Entry* _live_entry(const Ledger* ledger, const Event* event,
                        uint64_t reference) noexcept nogil:
    cdef Entry* entry
    iron_assert(0 < reference <= ledger.reference_last, "an event's order has a reference")
    entry = &ledger.entries[reference]
    iron_assert(entry.flags & ENTRY_LIVE, "an event's order is live")
    if event.type != EVENT_REPLACED:
        iron_assert(entry.slot == event.slot, "an event's slot is its order's")
    iron_assert(((event.flags & EVENT_SELL) != 0) == ((entry.flags & ENTRY_SELL) != 0)
                and side_is_sell(event.side) == ((entry.flags & ENTRY_SELL) != 0),
                "an event's side is its order's")
    if entry.flags & ENTRY_HIDDEN:
        iron_assert(not event.flags & EVENT_VISIBLE, "a hidden order is never visible")
    return entry


cdef Entry* _new_entry(Ledger* ledger, const Event* event) noexcept nogil:
    ledger.reference_last += 1
    iron_assert(event.order_ref == ledger.reference_last, "order references are dense")
    cdef Entry* entry = &ledger.entries[ledger.reference_last]
    ledger.is_full = ledger.reference_last == LEDGER_REFS_MAX - 1
    iron_assert(ledger.live_count < LEDGER_LIVE_MAX, "more orders are live than there may be")
    entry.live_at = ledger.live_count
    ledger.live[ledger.live_count] = <uint32_t>ledger.reference_last
    ledger.live_count += 1
    return entry


cdef void _remove(Ledger* ledger, Entry* entry) noexcept nogil:
    cdef uint32_t moved
    ledger.live_count -= 1
    moved = ledger.live[ledger.live_count]
    ledger.live[entry.live_at] = moved
    ledger.entries[moved].live_at = entry.live_at
    entry.flags &= ~<uint8_t>ENTRY_LIVE


cdef void _show(Ledger* ledger, Entry* entry, uint32_t quantity) noexcept nogil:
    iron_assert(0 < quantity <= entry.open, "what is displayed is part of the order")
    entry.flags |= ENTRY_SHOWN
    entry.shown = quantity
    ledger.arrivals += 1
    entry.arrival = ledger.arrivals


cdef void _take(Ledger* ledger, Entry* entry, uint32_t quantity) noexcept nogil:
    iron_assert(0 < quantity <= entry.open, "no more leaves an order than is open")
    entry.open -= quantity
    if entry.flags & ENTRY_SHOWN and not entry.flags & ENTRY_ICEBERG:
        entry.shown = entry.open
    if entry.open == 0:
        if entry.flags & ENTRY_ICEBERG and entry.shown:
            ledger.vanished = entry
        _remove(ledger, entry)


cdef void _entered(const Ledger* ledger, const Event* event, Entry* entry) noexcept nogil:
    cdef const EnterOrder* command = <const EnterOrder*>ledger.command
    iron_assert(ledger.command.type == COMMAND_ENTER_ORDER, "who enters an order is accepted")
    iron_assert(event.quantity == command.quantity and event.quantity > 0, "an order is as entered")
    iron_assert(event.side == command.side
                and (event.price == command.price or price_is_market(command.price)),
                "as entered, or the price that a market-to-limit order has found")
    entry.instrument = <uint16_t>ledger.command.instrument
    entry.flags |= ENTRY_HIDDEN if command.display == DISPLAY_NO else 0


cdef void _side_comes(const Ledger* ledger, const Event* event, Entry* entry) noexcept nogil:
    """Of a quote."""
    cdef const QuoteEntry* asked = &(<const Quote*>ledger.command).entries[0] + ledger.quote_entry
    cdef bint sell = event.slot != ledger.quote_slot
    iron_assert(event.slot - ledger.quote_slot <= 1, "a side has its entry's number, or the next")
    iron_assert(side_is_sell(event.side) == sell, "a bid, then an ask")
    iron_assert(event.quantity == (asked.ask_quantity if sell else asked.bid_quantity)
                and event.quantity > 0, "a side is as its entry asks")
    iron_assert(event.price == (asked.ask_price if sell else asked.bid_price), "at that price")
    entry.instrument = <uint16_t>asked.instrument


cdef void _accepted(Ledger* ledger, const Event* event) noexcept nogil:
    cdef Entry* entry = _new_entry(ledger, event)
    entry.flags = ENTRY_LIVE
    if ledger.command.type == COMMAND_QUOTE:
        _side_comes(ledger, event, entry)
    else:
        _entered(ledger, event, entry)
    entry.open = event.quantity
    entry.slot = event.slot
    entry.limit_price = event.price
    entry.flags |= ENTRY_SELL if side_is_sell(event.side) else 0
    ledger.aggressor = event.order_ref
    ledger.aggressor_limit = event.price


cdef void _replaced(Ledger* ledger, const Event* event) noexcept nogil:
    cdef const ReplaceOrder* command = <const ReplaceOrder*>ledger.command
    # Not _live_entry, as a hidden order may become a displayed one in an event that is not visible.
    iron_assert(event.other <= ledger.reference_last, "an old order has a reference")
    cdef Entry* old = &ledger.entries[event.other]
    cdef Entry* entry
    iron_assert(ledger.command.type == COMMAND_REPLACE_ORDER, "who replaces is told so")
    iron_assert(old.flags & ENTRY_LIVE, "a replaced order is live")
    iron_assert(((event.flags & EVENT_VISIBLE) != 0) == ((old.flags & ENTRY_SHOWN) != 0),
                "REPLACED is visible when the old order was")
    _remove(ledger, old)
    entry = _new_entry(ledger, event)
    iron_assert(event.quantity > 0 and event.quantity + old.executed == command.quantity,
                "total liability is open and executed quantity")
    entry.open = event.quantity
    entry.executed = old.executed
    entry.slot = event.slot
    entry.instrument = old.instrument
    entry.limit_price = event.price
    entry.flags = ENTRY_LIVE | (old.flags & ENTRY_SELL)
    entry.flags |= ENTRY_HIDDEN if command.display == DISPLAY_NO else 0
    if not event.flags & EVENT_CROSSES:
        iron_assert(old.flags & ENTRY_SHOWN and not entry.flags & ENTRY_HIDDEN,
                    "only a displayed order replaces a displayed one in place")
        entry.price = event.price
        _show(ledger, entry, event.quantity)
    ledger.aggressor = event.order_ref
    ledger.aggressor_limit = event.price


cdef void _check_priority(const Ledger* ledger, const Entry* resting) noexcept nogil:
    """Nothing on the visible book comes before the order that executes."""
    cdef uint32_t index
    cdef const Entry* other
    cdef bint sell = resting.flags & ENTRY_SELL != 0
    cdef bint is_by_time = (
        ledger.engine.books[resting.instrument].allocation == ALLOCATION_PRICE_TIME)
    for index in range(ledger.live_count):
        other = &ledger.entries[ledger.live[index]]
        if (other == resting or not other.flags & ENTRY_SHOWN
                or other.instrument != resting.instrument
                or ((other.flags & ENTRY_SELL) != 0) != sell):
            continue
        iron_assert(not _is_beyond(sell, other.price, resting.price), "the best price first")
        if other.price == resting.price:
            iron_assert(resting.flags & ENTRY_SHOWN, "at one price displayed before hidden")
            iron_assert(resting.arrival < other.arrival or not is_by_time,
                        "at one price the first first")


cdef void _executed(Ledger* ledger, const Event* event) noexcept nogil:
    cdef Entry* resting = _live_entry(ledger, event, event.order_ref)
    cdef Entry* aggressor = &ledger.entries[ledger.aggressor]
    cdef bint sell = resting.flags & ENTRY_SELL != 0
    ledger.match_last += 1
    iron_assert(event.other == ledger.match_last, "match numbers are dense")
    iron_assert(ledger.aggressor != 0 and aggressor.flags & ENTRY_LIVE
                and not aggressor.flags & ENTRY_SHOWN, "an aggressor is live, and not at rest")
    iron_assert(aggressor.instrument == resting.instrument, "both are of one instrument")
    iron_assert(((aggressor.flags & ENTRY_SELL) != 0) != sell, "they are of different sides")
    iron_assert(((event.flags & EVENT_AGGRESSOR_SELL) != 0) != sell, "and the event says so")
    iron_assert(((event.flags & EVENT_VISIBLE) != 0) == ((resting.flags & ENTRY_SHOWN) != 0),
                "EXECUTED is visible when the resting order is")
    iron_assert(price_is_market(ledger.aggressor_limit)
                or not _is_beyond(not sell, event.price, ledger.aggressor_limit),
                "an aggressor's limit holds")
    iron_assert(price_is_market(resting.limit_price)
                or not _is_beyond(sell, event.price, resting.limit_price),
                "a resting order's limit holds")
    if resting.flags & ENTRY_SHOWN:
        iron_assert(event.price == resting.price or event.flags & EVENT_AT_CLOSE,
                    "it executes where it rests")
        iron_assert(event.quantity <= resting.shown, "only what is displayed executes")
    if not event.flags & EVENT_AT_CLOSE:
        resting.price = event.price
    _check_priority(ledger, resting)
    resting.executed += event.quantity
    aggressor.executed += event.quantity
    if resting.flags & ENTRY_ICEBERG:
        resting.shown -= event.quantity
        if resting.shown == 0 and resting.open > event.quantity:
            ledger.used_up = event.order_ref
    _take(ledger, resting, event.quantity)
    _take(ledger, aggressor, event.quantity)


cdef void _added(Ledger* ledger, const Event* event) noexcept nogil:
    cdef Entry* entry = _live_entry(ledger, event, event.order_ref)
    iron_assert(not entry.flags & ENTRY_SHOWN, "an order is added once")
    iron_assert(event.quantity > 0 and event.quantity + event.other == entry.open,
                "an order rests with all that is open")
    entry.price = event.price
    if entry.flags & ENTRY_HIDDEN:
        iron_assert(event.other == 0, "a hidden order has no reserve")
        return
    iron_assert(event.flags & EVENT_VISIBLE, "ADDED is visible")
    iron_assert(price_is_market(entry.limit_price)
                or not _is_beyond((entry.flags & ENTRY_SELL) != 0, event.price, entry.limit_price),
                "an order rests within its limit")
    entry.flags |= ENTRY_ICEBERG if event.other else 0
    _show(ledger, entry, event.quantity)


cdef void _check_visibility(const Event* event, const Entry* entry) noexcept nogil:
    """What happens to an iceberg is said to its owner, and of what is displayed REDUCED speaks."""
    cdef bint shown = entry.flags & ENTRY_SHOWN != 0 and entry.flags & ENTRY_ICEBERG == 0
    iron_assert(((event.flags & EVENT_VISIBLE) != 0) == shown,
                "an event is visible when its order is, and no iceberg")


cdef bint _gives_reasons(const CommandHeader* command) noexcept nogil:
    """A cancel of somebody's has any reason, also one that looks like the venue's own."""
    cdef uint8_t type = command.type
    if type == COMMAND_CONTINUE:
        return (<const ContinueCommand*>command).continued != COMMAND_ENTER_ORDER
    return (type == COMMAND_CANCEL_ORDER or type == COMMAND_CANCEL_SESSION
            or type == COMMAND_MASS_CANCEL)


cdef void _canceled(Ledger* ledger, const Event* event) noexcept nogil:
    cdef Entry* entry = _live_entry(ledger, event, event.order_ref)
    _check_visibility(event, entry)
    iron_assert(event.quantity <= entry.open
                and entry.open - event.quantity == (event.other & LOW_HALF),
                "CANCELED says what is left")
    iron_assert(event.other >> 32 == 0 or event.other >> 32 == <uint64_t>entry.instrument + 1,
                "and of which instrument")
    iron_assert(event.reason != REASON_PROTECTION or ledger.is_protected
                or _gives_reasons(ledger.command), "a quote is protected when that was said")
    _take(ledger, entry, event.quantity)
    ledger.cancelled += entry.open == 0
    ledger.cancelled_in_steps += entry.open == 0


cdef void _modified(Ledger* ledger, const Event* event) noexcept nogil:
    cdef Entry* entry = _live_entry(ledger, event, event.order_ref)
    _check_visibility(event, entry)
    iron_assert(event.quantity > 0 and event.quantity + event.other == entry.open,
                "MODIFIED says what is open, and what was")
    if event.other:
        _take(ledger, entry, <uint32_t>event.other)


cdef void _reduced(Ledger* ledger, const Event* event) noexcept nogil:
    # The order itself may be gone already: this is about what is still on the visible book.
    cdef Entry* entry = &ledger.entries[event.order_ref]
    iron_assert(0 < event.order_ref <= ledger.reference_last and entry.slot == event.slot
                and (entry.flags & ENTRY_ICEBERG or event.quantity == entry.open),
                "REDUCED is about an iceberg, or all of a peg")
    iron_assert(event.flags & EVENT_VISIBLE, "REDUCED is visible")
    iron_assert(0 < event.quantity <= entry.shown
                and entry.shown - event.quantity == (event.other & LOW_HALF),
                "REDUCED says what is displayed still")
    entry.shown -= event.quantity
    if not entry.flags & ENTRY_ICEBERG:
        entry.flags &= ~<uint8_t>ENTRY_SHOWN
    iron_assert(entry.shown <= entry.open, "what is displayed is open")
    ledger.vanished = NULL


cdef void _replenished(Ledger* ledger, const Event* event) noexcept nogil:
    cdef Entry* old = _live_entry(ledger, event, event.other)
    cdef Entry* entry
    if event.reason:
        iron_assert(not old.flags & (ENTRY_SHOWN | ENTRY_HIDDEN) and event.quantity == old.open,
                    "a displayed peg is shown with all that is open")
    else:
        iron_assert(old.flags & ENTRY_ICEBERG and old.shown == 0,
                    "who displays nothing is replenished")
        iron_assert(event.price == old.price, "where it rests")
    iron_assert(event.flags & EVENT_VISIBLE, "REPLENISHED is visible")
    iron_assert(ledger.used_up == 0 or ledger.used_up == event.other, "and at once")
    ledger.used_up = 0
    _remove(ledger, old)
    entry = _new_entry(ledger, event)
    entry.open = old.open
    entry.executed = old.executed
    entry.slot = old.slot
    entry.limit_price = old.limit_price
    entry.price = event.price
    entry.instrument = old.instrument
    entry.flags = old.flags | ENTRY_LIVE
    _show(ledger, entry, event.quantity)


cdef void _activated(Ledger* ledger, const Event* event) noexcept nogil:
    cdef Entry* entry = _live_entry(ledger, event, event.order_ref)
    iron_assert(event.quantity == entry.open, "all that is open is activated")
    iron_assert(not entry.flags & ENTRY_SHOWN, "what is displayed does not become an aggressor")
    ledger.aggressor = event.order_ref
    ledger.aggressor_limit = event.price


cdef void _cross(Ledger* ledger, const Event* event) noexcept nogil:
    iron_assert(ledger.auction_left == 0 and ledger.pair_quantity == 0, "one auction at a time")
    ledger.match_last += 1
    iron_assert(event.other == ledger.match_last, "match numbers are dense")
    iron_assert((event.order_ref == 0) == (event.price == 0), "a price comes with a volume")
    ledger.auction_left = event.order_ref
    ledger.auction_price = event.price


cdef void _crossed(Ledger* ledger, const Event* event) noexcept nogil:
    cdef Entry* entry = _live_entry(ledger, event, event.order_ref)
    cdef bint sell = entry.flags & ENTRY_SELL != 0
    iron_assert(sell == (ledger.pair_quantity != 0), "a buy, then a sell")
    iron_assert(not sell or event.quantity == ledger.pair_quantity, "both execute the same")
    iron_assert(event.quantity <= ledger.auction_left, "and no more than the volume")
    ledger.match_last += not sell
    iron_assert(event.other == ledger.match_last, "a pair has one match number of its own")
    iron_assert(event.price == ledger.auction_price, "all execute at one price")
    iron_assert(price_is_market(entry.limit_price)
                or not _is_beyond(sell, event.price, entry.limit_price), "each within its limit")
    _check_visibility(event, entry)
    entry.executed += event.quantity
    ledger.auction_left -= event.quantity if sell else 0
    ledger.pair_quantity = 0 if sell else event.quantity
    _take(ledger, entry, event.quantity)


cdef void _read_event(Ledger* ledger, const Event* event) noexcept nogil:
    cdef uint8_t type = event.type
    iron_assert(record_is_known_event(type), "an event's type is known")
    ledger.is_protected = type == EVENT_PROTECTION_REACHED or (
        ledger.is_protected and type == EVENT_CANCELED)
    iron_assert(ledger.used_up == 0 or type == EVENT_REPLENISHED, "icebergs do not wait")
    iron_assert(ledger.vanished == NULL
                or type == EVENT_REDUCED and &ledger.entries[event.order_ref] == ledger.vanished,
                "what a dead iceberg displayed is taken off the visible book")
    if type == EVENT_ACCEPTED:
        _accepted(ledger, event)
    elif type == EVENT_QUOTED:
        ledger.quote_entry = event.quantity
        ledger.quote_slot = event.slot
    elif type == EVENT_EXECUTED:
        _executed(ledger, event)
    elif type == EVENT_CANCELED:
        _canceled(ledger, event)
    elif type == EVENT_REPLACED:
        _replaced(ledger, event)
    elif type == EVENT_ADDED:
        _added(ledger, event)
    elif type == EVENT_MODIFIED:
        _modified(ledger, event)
    elif type == EVENT_REDUCED:
        _reduced(ledger, event)
    elif type == EVENT_REPLENISHED:
        _replenished(ledger, event)
    elif type == EVENT_ACTIVATED:
        _activated(ledger, event)
    elif type == EVENT_CROSS:
        _cross(ledger, event)
    elif type == EVENT_CROSSED:
        _crossed(ledger, event)
    elif type == EVENT_BROKEN:
        iron_assert(0 < event.other <= ledger.match_last, "what is broken was executed")
    elif type == EVENT_MASS_CANCEL_RESPONSE:
        # Without steps the two are the same.
        iron_assert(ledger.cancelled <= event.quantity <= ledger.cancelled_in_steps,
                    "a mass cancel counts its orders")


cdef void ledger_read(Ledger* ledger, const Engine* engine,
                      const CommandHeader* command) noexcept nogil:
    cdef uint32_t index
    cdef bint is_last
    ledger.command = command
    ledger.engine = engine
    ledger.aggressor = 0
    ledger.cancelled = 0
    for index in range(engine.events_count):
        if ledger.is_full:
            return
        is_last = index == engine.events_count - 1
        iron_assert(((engine.events[index].flags & RECORD_LAST) != 0) == is_last,
                    "the last event is marked, and no other")
        _read_event(ledger, &engine.events[index])
    if engine.works_count == 0:
        ledger.cancelled_in_steps = 0
    # An auction counts what executes as well, and the change of state has events of its own.
    if command.type == COMMAND_CONTINUE and not ledger.was_in_auction and (
            (<const ContinueCommand*>command).continued != COMMAND_ENTER_ORDER):
        iron_assert(ledger.cancelled <= (engine.step_actions_max - 1) // ORDER_ACTIONS + 1,
                    "a step has an end")
    iron_assert(ledger.used_up == 0 and ledger.vanished == NULL, "icebergs do not wait")
    iron_assert(ledger.auction_left == 0 or engine.auctions_first, "an auction is complete")
    iron_assert(ledger.pair_quantity == 0, "so is a pair")
    ledger.was_in_auction = engine.auctions_first != 0
    iron_assert(engine.order_ref_last == ledger.reference_last, "a reference was not told")
    iron_assert(engine.match_number_last == ledger.match_last, "a match number was not told")
    iron_assert(engine.arena.orders_live == ledger.live_count, "all live orders are known")


cdef void ledger_compare(const Ledger* ledger, Engine* engine) noexcept nogil:
    cdef uint32_t index
    cdef const Entry* entry
    cdef const Order* order
    if ledger.is_full:
        return
    for index in range(ledger.live_count):
        entry = &ledger.entries[ledger.live[index]]
        iron_assert(engine.arena.slots[entry.slot] != 0, "a live order is found by its slot")
        order = order_at(&engine.arena, engine.arena.slots[entry.slot])
        iron_assert(order_ref(order) == ledger.live[index], "under the reference that was told")
        iron_assert(order.executed == entry.executed, "with the executed quantity that was told")
        if entry.flags & ENTRY_SHOWN:
            # Icebergs display again with the end of an auction.
            iron_assert(entry.shown > 0 or engine.auctions_first, "with something displayed")
            iron_assert(order.quantity == entry.shown,
                        "and with the displayed one")
