"""The model's state, its events, and what every subject needs of both."""

from tests.model import records as r
from tests.model.orders import CONTINUOUS, Instrument, Order, Place, Session
from tests.model.records import Limits


class IgnoredError(Exception):
    """Rule 1.2."""


class LaterError(Exception):
    """Rule 1.2."""


class DoneError(Exception):
    """A command has nothing left to do, and is OK (rule 18.6)."""


class EngineBase:
    """All that there is; the subjects add what happens to it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.started = False
        self.step_actions_max = 0  # rule 18.1
        self.instruments: list[Instrument] = []
        self.tick_tables: dict[int, tuple[tuple[int, int], ...]] = {}
        self.is_expiring = False  # rule 18.13
        self.busy: list[Instrument] = []  # rule 18.9: in the order of their steps
        self.sessions: dict[int, Session] = {}
        self.live: dict[tuple[int, int], Order] = {}  # by session and UserRefNum
        self.order_ref_last = 0
        self.match_number_last = 0
        self.arrival_last = 0
        self.day = 0  # how many have begun
        self.second = -1  # of the last CLOCK that was OK
        self.indicate_next = 0  # rule 14.10: the instrument whose turn it is
        self.events: list[r.Event] = []
        self.stamped: int | None = None  # the instrument written into the header
        self.open_before: int | None = None  # written into a replacement
        self.actions = 0  # rule 18.2: of the step in hand
        self.priced: list[Instrument] = []  # rule 11.6: whose pegs the step in hand has priced

    def slot(self, session: int, user_ref: int = 0) -> int:
        return (session << self.limits.user_ref_bits) + user_ref

    def slot_of(self, order: Order) -> int:
        return self.slot(order.session, order.user_ref)

    def next_order_ref(self) -> int:
        self.order_ref_last += 1
        return self.order_ref_last

    def next_match_number(self) -> int:
        self.match_number_last += 1
        return self.match_number_last

    def next_arrival(self) -> int:
        self.arrival_last += 1
        return self.arrival_last

    def emit(self, kind: int, order: Order | None = None, **fields: int) -> None:
        """One event; an order gives its own reference, slot, side, price and flag (rule 15.1)."""
        values = dict.fromkeys(r.Event._fields, 0)
        if order is not None:
            values["order_ref"] = order.order_ref
            values["slot"] = self.slot_of(order)
            values["side"] = ord(order.side)
            values["price"] = order.event_price
            values["flags"] = r.SELL if order.sells else 0
        values["type"] = kind
        flags = values["flags"] | fields.pop("flags", 0)
        self.events.append(r.Event(**{**values, **fields, "flags": flags}))

    def instrument_of(self, order: Order) -> Instrument:
        return self.instruments[order.instrument]

    def is_continuous(self, order: Order) -> bool:
        return self.instrument_of(order).state == CONTINUOUS

    def makes_wait(self, instrument: Instrument) -> bool:
        """Rules 18.10, 18.13 and 18.14."""
        return instrument.is_busy or self.is_expiring or bool(instrument.state_next)

    def step_is_over(self) -> bool:
        """Rule 18.2."""
        return 0 < self.step_actions_max <= self.actions

    def put(self, order: Order, place: Place) -> None:
        """An order comes to a place, behind all that are there."""
        if (order.session, order.user_ref) not in self.live:
            self.live[order.session, order.user_ref] = order
            self.instrument_of(order).orders.append(order)
        order.place = place
        order.was_live = True
        order.arrival = self.next_arrival()

    def remove(self, order: Order) -> None:
        if self.live.pop((order.session, order.user_ref), None) is not None:
            self.instrument_of(order).orders.remove(order)
        instrument = self.instrument_of(order)
        if order in instrument.under_way:
            instrument.under_way.remove(order)
            if instrument.in_hand and instrument.in_hand.order is order:
                instrument.in_hand = None
        order.place = Place.NOWHERE

    def cancel(
        self, order: Order, reason: str, decrement: int | None = None, says_where: bool = False
    ) -> None:
        """CANCELED for the whole order or a part of it, and REDUCED where it is due (9.6)."""
        decrement = order.quantity if decrement is None else decrement
        where = (order.instrument + 1) << 32 if says_where else 0  # rule 8.3
        reachable = self.shrink(order, decrement)
        visible = order.is_visible and not order.is_iceberg
        self.emit(
            r.CANCELED,
            order,
            flags=r.VISIBLE if visible else 0,
            reason=ord(reason),
            quantity=decrement,
            other=where | order.quantity,
        )
        self.say_reduced(order, reachable, where)
        if order.quantity == 0:
            self.remove(order)

    def shrink(self, order: Order, decrement: int) -> int:
        """The order loses quantity, from its reserve first (rule 9.5); what was reachable."""
        reachable = order.reachable
        order.peak -= max(0, decrement - order.reserve) if order.is_iceberg else 0
        order.quantity -= decrement
        return reachable

    def say_reduced(self, order: Order, reachable_before: int, where: int = 0) -> None:
        """Rule 9.6."""
        decrement = reachable_before - order.reachable
        if order.place == Place.BOOK and order.is_iceberg and decrement:
            self.emit(
                r.REDUCED,
                order,
                flags=r.VISIBLE,
                quantity=decrement,
                other=where | order.reachable,
            )
