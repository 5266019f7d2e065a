"""A consumer of the public part of the stream: it looks only at events with EVENT_VISIBLE, and
rebuilds the visible book from them. What it rebuilds is the venue's visible book if, and only if,
the events say everything about it and nothing else."""

from dataclasses import dataclass

from tests.model import records as r


@dataclass(eq=False)
class Shown:
    """An order as the public sees it."""

    order_ref: int
    instrument: int
    sells: bool
    price: int
    quantity: int


class VisibleBook:
    """All instruments' visible orders; at one price the one that came first is first."""

    def __init__(self) -> None:
        self.orders: dict[int, Shown] = {}  # in order of arrival
        self.states: dict[int, str] = {}

    def see(self, instrument: int, events: list[bytes]) -> None:
        """The events of a command; `instrument` is its header's, as the core left it."""
        for data in events:
            event = r.decode_event(data)
            if event.type == r.INSTRUMENT_NEXT:  # rule 8.3
                instrument = event.slot
            if event.flags & r.VISIBLE:
                self.see_one(instrument, event)

    def see_one(self, instrument: int, event: r.Event) -> None:
        where = event.other >> 32
        if event.type in (r.CANCELED, r.REDUCED) and where:  # rule 8.3
            instrument = where - 1
        if event.type in (r.EXECUTED, r.CANCELED, r.REDUCED, r.CROSSED):
            self.take(instrument, event)
        elif event.type == r.ADDED:
            self.add(instrument, event)
        elif event.type == r.REPLENISHED:  # rule 9.3: its last peak was used up
            assert event.other not in self.orders
            self.add(instrument, event)
        elif event.type == r.REPLACED:
            old = self.orders.pop(event.other)
            assert old.instrument == instrument
            if not event.flags & r.CROSSES:  # rule 7.6
                self.add(instrument, event)
        elif event.type == r.MODIFIED:
            order = self.orders[event.order_ref]
            assert order.quantity - event.other == event.quantity > 0
            order.quantity = event.quantity
        elif event.type == r.STATE_CHANGED:
            assert self.states.get(instrument, chr(event.side)) == chr(event.side)
            self.states[instrument] = chr(event.reason)
        else:
            assert event.type in (r.CROSS, r.INDICATIVE, r.COLLARS, r.BROKEN, r.END_SET)

    def add(self, instrument: int, event: r.Event) -> None:
        assert event.order_ref not in self.orders
        assert event.quantity > 0
        sells = bool(event.flags & r.SELL)
        order = Shown(event.order_ref, instrument, sells, event.price, event.quantity)
        self.orders[event.order_ref] = order

    def take(self, instrument: int, event: r.Event) -> None:
        order = self.orders[event.order_ref]
        assert order.instrument == instrument
        assert order.sells == bool(event.flags & r.SELL)
        is_elsewhere = event.type == r.CROSSED or event.flags & r.AT_CLOSE
        assert is_elsewhere or order.price == event.price
        order.quantity -= event.quantity
        assert order.quantity >= 0
        if event.type in (r.CANCELED, r.REDUCED):
            assert order.quantity == event.other & 0xFFFFFFFF
        if order.quantity == 0:
            del self.orders[order.order_ref]

    def side(self, instrument: int, sells: bool) -> list[tuple[int, int, int]]:
        """Reference, price and quantity of a side's orders in order of priority."""
        orders = [
            order
            for order in self.orders.values()
            if order.instrument == instrument and order.sells == sells
        ]
        orders.sort(key=lambda order: order.price if sells else -order.price)
        return [(order.order_ref, order.price, order.quantity) for order in orders]
