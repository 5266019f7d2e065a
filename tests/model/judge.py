"""A judge of the stream who knows nothing of the model's or the core's state: commands and events
alone.

No order is lost or comes twice (executed + open + cancelled = entered), none executes beyond its
limit or before one that has priority, hidden quantity is in no visible event, references and match
numbers are dense, and an order that may not rest does not.
"""

from collections.abc import Iterator

from tests.model import records as r
from tests.model.judged_order import Known, entered_order, replacing_order
from tests.model.orders import is_market, is_more_aggressive


class Judge:
    """see() what each command that is part of the stream caused; it asserts what must hold."""

    def __init__(self) -> None:
        self.orders: dict[int, Known] = {}  # open ones, by reference
        self.order_ref_last = 0
        self.match_number_last = 0
        self.arrivals = 0
        self.aggressor: Known | None = None
        self.states: dict[int, str] = {}
        self.sharing: set[int] = set()  # instruments that do not match by price and time
        self.volumes = {False: 0, True: 0}  # of an auction: still to come, of buys and of sells
        self.crossing_instrument = 0  # whose auction it is
        self.instrument = 0
        self.record = b""

    def see(self, record: bytes, instrument: int, events: list[bytes]) -> None:
        """A command that was OK, the instrument in its header afterwards, and its events."""
        self.record, self.instrument, self.aggressor = record, instrument, None
        for number, data in enumerate(events, start=1):
            event = r.decode_event(data)
            assert bool(event.flags & r.LAST) == (number == len(events)), "rule 1.5"
            self.see_one(event)
        self.orders = {ref: order for ref, order in self.orders.items() if order.open}
        for order in self.orders.values():
            assert order.may_stay, f"order {order.order_ref} may not rest"

    def open_quantities(self) -> dict[int, int]:
        """Of all open orders, by slot."""
        return {order.slot: order.open for order in self.orders.values()}

    def see_one(self, event: r.Event) -> None:
        handlers = {
            r.INSTRUMENT_DEFINED: self.instrument_defined,
            r.INSTRUMENT_CHANGED: self.terms_said,
            r.STATE_CHANGED: self.state_changed,
            r.ACCEPTED: self.accepted,
            r.REPLACED: self.replaced,
            r.ACTIVATED: self.activated,
            r.ADDED: self.added,
            r.EXECUTED: self.executed,
            r.CANCELED: self.canceled,
            r.MODIFIED: self.modified,
            r.REPLENISHED: self.replenished,
            r.REDUCED: self.reduced,
            r.CROSS: self.crossing,
            r.CROSSED: self.crossed,
            r.INSTRUMENT_NEXT: self.next_instrument,
        }
        if event.type in handlers:
            handlers[event.type](event)

    def known(self, event: r.Event) -> Known:
        """The order concerned, which must be open."""
        order = self.orders[event.order_ref]
        assert order.slot == event.slot
        assert order.sells == bool(event.flags & r.SELL)
        return order

    def next_ref(self, event: r.Event) -> None:
        self.order_ref_last += 1
        assert event.order_ref == self.order_ref_last, "rule 1.6"

    def next_arrival(self) -> int:
        self.arrivals += 1
        return self.arrivals

    def check_visible(self, event: r.Event, order: Known) -> None:
        """Rules 9.1 and 9.6."""
        assert bool(event.flags & r.VISIBLE) == order.shows, "EVENT_VISIBLE"

    # Instruments

    def instrument_defined(self, event: r.Event) -> None:
        state = r.INSTRUMENT.unpack_from(self.record, r.BODY)[14]
        self.states[event.slot] = chr(state) if state else "T"
        self.terms_said(event)

    def terms_said(self, event: r.Event) -> None:
        """Section 19."""
        self.sharing.discard(event.slot)
        if r.INSTRUMENT.unpack_from(self.record, r.BODY)[r.ALLOCATION_PLACE]:
            self.sharing.add(event.slot)

    def next_instrument(self, event: r.Event) -> None:
        """Rule 8.3."""
        assert event.slot > self.instrument
        self.instrument = event.slot

    def state_changed(self, event: r.Event) -> None:
        assert self.states[self.instrument] == chr(event.side)
        if self.instrument == self.crossing_instrument:
            self.check_volume()
        self.states[self.instrument] = chr(event.reason)

    # Orders come and rest

    def accepted(self, event: r.Event) -> None:
        self.next_ref(event)
        order = entered_order(self.record, event, self.next_arrival())
        self.orders[order.order_ref] = self.aggressor = order
        assert not event.flags & r.VISIBLE

    def replaced(self, event: r.Event) -> None:
        self.next_ref(event)
        old = self.orders.pop(event.other)
        was_visible = old.rests_at is not None and not old.is_hidden
        assert bool(event.flags & r.VISIBLE) == was_visible
        order = replacing_order(self.record, old, event, self.next_arrival())
        assert order.sells == bool(event.flags & r.SELL)
        self.orders[order.order_ref] = order
        if event.flags & r.CROSSES:
            self.aggressor = order
        else:  # rule 7.6
            assert was_visible
            assert not order.is_hidden
            order.rest(order.price, order.open, order.arrival)

    def activated(self, event: r.Event) -> None:
        order = self.known(event)
        assert event.quantity == order.open
        order.options = order.options.without_stop()
        if not order.options.min_qty:  # rule 10.10: it keeps its place
            order.rests_at = None
        order.limit = None if is_market(event.price) else event.price
        self.aggressor = order

    def added(self, event: r.Event) -> None:
        order = self.known(event)
        assert order.rests_at is None
        assert event.quantity + event.other == order.open
        if order.options.is_to_limit:  # rule 14.7
            order.price, order.cross_type = event.price, "N"
            order.options = order.options._replace(price_type="L")
        if event.other:
            assert event.quantity == order.options.max_floor
        order.rest(event.price, event.quantity, self.next_arrival())
        assert bool(event.flags & r.VISIBLE) == (not order.is_hidden), "EVENT_VISIBLE"

    def replenished(self, event: r.Event) -> None:
        """Rules 9.3 and 9.4."""
        self.next_ref(event)
        order = self.orders.pop(event.other)
        if event.reason:
            self.shown_peg(order, event)
            return
        assert order.is_iceberg
        assert order.displayed == 0
        spread, peak = order.options.random_reserves, order.options.max_floor
        assert min(peak - spread, order.open) <= event.quantity <= min(peak + spread, order.open)
        order.order_ref, order.displayed = event.order_ref, event.quantity
        order.arrival = self.next_arrival()
        self.orders[order.order_ref] = order

    def shown_peg(self, order: Known, event: r.Event) -> None:
        """Rule 11.6."""
        assert order.options.price_type == "R"
        assert order.options.peg_offset == 0
        assert not order.is_hidden
        assert order.rests_at is None
        assert event.quantity == order.open
        order.order_ref = event.order_ref
        order.rest(event.price, event.quantity, self.next_arrival())
        self.orders[order.order_ref] = order

    # Orders lose quantity

    def canceled(self, event: r.Event) -> None:
        order = self.known(event)
        self.check_visible(event, order)
        order.take(event.quantity)
        assert order.open == event.other & 0xFFFFFFFF
        if not order.is_iceberg:
            order.displayed = order.open

    def modified(self, event: r.Event) -> None:
        order = self.known(event)
        self.check_visible(event, order)
        if event.other:
            order.take(event.other)
        assert order.open == event.quantity
        if not order.is_iceberg:
            order.displayed = order.open

    def reduced(self, event: r.Event) -> None:
        """Rules 9.6 and 11.6."""
        order = self.known(event)
        if order.options.is_peg and not order.is_hidden:
            assert event.quantity == order.open == order.displayed
            order.rests_at = None
        assert order.is_iceberg or order.rests_at is None
        order.displayed -= event.quantity
        assert order.displayed == event.other & 0xFFFFFFFF <= order.open

    def next_match(self, event: r.Event) -> None:
        self.match_number_last += 1
        assert event.other == self.match_number_last, "rule 1.6"

    def executed(self, event: r.Event) -> None:
        resting, aggressor = self.known(event), self.aggressor
        self.next_match(event)
        assert aggressor is not None
        at_close = bool(event.flags & r.AT_CLOSE)
        assert self.states[resting.instrument] == ("X" if at_close else "T")
        assert resting.sells != aggressor.sells == bool(event.flags & r.AGGRESSOR_SELL)
        assert bool(event.flags & r.VISIBLE) == (not resting.is_hidden), "EVENT_VISIBLE"
        price = event.price
        if at_close:  # rule 13.14
            assert resting.rests_at is not None
            price = resting.rests_at
            assert not is_more_aggressive(resting.sells, event.price, price)
        elif not resting.options.is_peg:
            assert resting.rests_at == price
        self.check_priority(resting, price)
        assert resting.is_hidden or event.quantity <= resting.displayed
        aggressor.take(event.quantity, event.price)
        resting.take(event.quantity, event.price)
        resting.displayed -= event.quantity
        if resting.open == 0:
            del self.orders[resting.order_ref]

    def check_priority(self, resting: Known, price: int) -> None:
        """Rule 5.3: nothing that would have gone first is passed by. Since when a peg has been at
        its price (11.4) is not said."""
        sign = 1 if resting.sells else -1
        arrival = 0 if resting.options.is_peg else resting.arrival
        for other in self.same_side(resting):
            if other.rests_at is not None:
                ours = (sign * price, resting.is_hidden, arrival)
                theirs = (sign * other.rests_at, other.is_hidden, other.arrival)
                if resting.instrument in self.sharing and not resting.is_hidden:
                    ours, theirs = (*ours[:2], 0), (*theirs[:2], 1)  # section 19
                assert ours < theirs, f"order {other.order_ref} had priority"

    def same_side(self, order: Known) -> Iterator[Known]:
        for other in self.orders.values():
            alike = other.instrument == order.instrument and other.sells == order.sells
            if alike and other is not order and other.open and not other.is_passed_by:
                yield other

    # Auctions

    def crossing(self, event: r.Event) -> None:
        self.next_match(event)
        self.check_volume()
        assert (event.order_ref == 0) == (event.price == 0)
        self.volumes = {False: event.order_ref, True: event.order_ref}
        self.crossing_instrument = self.instrument

    def check_volume(self) -> None:
        """With the change of state behind an auction, or the next auction: one after the other."""
        assert not any(self.volumes.values()), "an auction's volume is that of its executions"

    def crossed(self, event: r.Event) -> None:
        order = self.known(event)
        if order.sells:
            assert event.other == self.match_number_last
        else:
            self.next_match(event)
        assert not order.is_passed_by  # rule 14.2
        self.check_visible(event, order)
        ours = self.auction_priority(order)
        for other in self.same_side(order):
            if other.is_late != order.is_late:
                continue  # rule 14.11: those that are late have a turn of their own
            if other.rests_at is not None or other.cross_type == chr(event.reason):
                assert ours < self.auction_priority(other), f"order {other.order_ref} had priority"
        order.take(event.quantity, event.price)
        self.volumes[order.sells] -= event.quantity
        if not order.is_iceberg:
            order.displayed = order.open

    def auction_priority(self, order: Known) -> tuple[bool, int, int, int]:
        """Rule 14.4."""
        price = order.price if order.rests_at is None else order.rests_at
        if is_market(price):
            return False, 0, 0, order.arrival
        kind = 2 if order.rests_at is None else 1 if order.is_hidden else 0
        return True, price if order.sells else -price, kind, order.arrival
