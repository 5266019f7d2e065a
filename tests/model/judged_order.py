"""An order as its command and its events tell of it, for tests.model.judge."""

from dataclasses import dataclass

from tests.model import records as r
from tests.model.options import Options, fitted, inherited, read_options
from tests.model.orders import is_market, may_rest


@dataclass(eq=False)
class Known:
    """What is known of an open order."""

    order_ref: int
    slot: int
    instrument: int
    sells: bool
    price: int  # as entered
    time_in_force: str
    display: str
    cross_type: str
    options: Options
    entered: int
    executed_before: int  # by those that it replaced
    arrival: int
    executed: int = 0
    cancelled: int = 0
    limit: int | None = None  # as an aggressor
    rests_at: int | None = None
    displayed: int = 0
    is_iceberg: bool = False

    @property
    def open(self) -> int:
        return self.entered - self.executed - self.cancelled

    @property
    def is_hidden(self) -> bool:
        return self.display == "N"

    @property
    def is_passed_by(self) -> bool:
        """Whether others may go before it, or it moves unseen."""
        return self.options.min_qty > 0 or self.options.is_peg

    @property
    def is_late(self) -> bool:
        """Whether it executes with an auction's surplus alone (rule 14.11)."""
        return self.options.price_type == "I"

    @property
    def may_stay(self) -> bool:
        """Whether it may be open after its command."""
        if self.options.is_stop or self.cross_type != "N":
            return True
        can_rest = may_rest(self.time_in_force, self.price, self.options)
        return can_rest and (self.rests_at is not None or self.options.is_peg)

    @property
    def shows(self) -> bool:
        """Whether what happens to its open quantity is public."""
        return self.rests_at is not None and not self.is_hidden and not self.is_iceberg

    def rest(self, price: int, displayed: int, arrival: int) -> None:
        self.rests_at, self.arrival = price, arrival
        self.displayed = displayed
        self.is_iceberg = displayed < self.open

    def take(self, quantity: int, price: int | None = None) -> None:
        """It executes or, without a price, loses quantity; nothing is lost twice."""
        if price is None:
            self.cancelled += quantity
        else:
            self.executed += quantity
            worst = self.limit if self.rests_at is None else self.rests_at
            if worst is not None and not self.options.is_peg:
                assert price >= worst if self.sells else price <= worst, "beyond its limit"
        assert quantity > 0
        assert self.open >= 0, "more than was entered"


def said_price(
    price: int, cross_type: str, options: Options, event: r.Event
) -> tuple[int, Options]:
    """ACCEPTED and REPLACED say the price entered, or the one that a market-to-limit order has
    found (rule 5.13)."""
    if options.is_to_limit and cross_type == "N":
        assert not is_market(event.price)
        return event.price, options._replace(price_type="L")
    assert event.price == price
    return price, options


def entered_order(record: bytes, event: r.Event, arrival: int) -> Known:
    """The order of an ENTER_ORDER that was accepted."""
    quantity, price, side, tif, display, _, _, cross, _ = r.ENTER.unpack_from(record, r.BODY)
    assert event.quantity == quantity
    assert event.side == side
    price, options = said_price(
        price, chr(cross), Options(**read_options(r.options_of(record))), event
    )
    return Known(
        event.order_ref,
        event.slot,
        r.instrument_of(record),
        bool(event.flags & r.SELL),
        price,
        chr(tif),
        chr(display),
        chr(cross),
        options,
        quantity,
        0,
        arrival,
        limit=None if is_market(price) else price,
    )


def replacing_order(record: bytes, old: Known, event: r.Event, arrival: int) -> Known:
    """The order of a REPLACE_ORDER that was good."""
    total, price, _, _, tif, display, _, _ = r.REPLACE.unpack_from(record, r.BODY)
    executed_before = old.executed_before + old.executed
    assert event.quantity == total - executed_before, "total liability"  # rule 7.4
    given = read_options(r.options_of(record))
    leaves_at_once = is_market(price) or chr(tif) in "34"
    options = fitted(  # rule 7.5
        inherited(old.options, given),
        given,
        event.quantity,
        chr(display) != "N",
        leaves_at_once,
        not is_market(price),
    )
    price, options = said_price(price, old.cross_type, options, event)
    return Known(
        event.order_ref,
        event.slot,
        old.instrument,
        old.sells,
        price,
        chr(tif),
        chr(display),
        old.cross_type,
        options,
        event.quantity,
        executed_before,
        arrival,
        limit=None if is_market(price) else price,
    )
