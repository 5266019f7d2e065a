"""What the model keeps of an order, an instrument and a session."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from tests.model import records as r
from tests.model.grid import Grid
from tests.model.options import Options

CLOSED, PRE_OPEN, OPENING_AUCTION, CONTINUOUS, HALTED = "C", "B", "O", "T", "H"
PAUSED, QUOTE_ONLY, CLOSING_AUCTION, RETIRED = "P", "Q", "L", "R"
TRADE_AT_CLOSE = "X"
STATES = "CBOTHPQLRX"  # rule 13.1


class Place(Enum):
    """Where a live order is; an order that is about to trade is nowhere."""

    NOWHERE = 0
    BOOK = 1
    STOPS = 2  # rule 10.4
    PARKED = 3  # rule 11.3
    WAITING = 4  # rule 13.3: for the auction of its cross type
    UNDER_WAY = 5  # rule 18.10: its turn is to come, or it is in hand


@dataclass(eq=False)
class Order:
    """An order as entered, and what became of it."""

    order_ref: int
    session: int
    user_ref: int
    instrument: int
    side: str
    price: int  # as entered
    quantity: int  # open
    executed: int  # by this order and those that it replaced
    time_in_force: str
    display: str
    cross_type: str
    options: Options
    accepted: int  # its first reference: orders in order of acceptance (or replacement)
    place: Place = Place.NOWHERE
    rest_price: int = 0
    arrival: int = 0  # since when it is at its price, or its stop price
    is_iceberg: bool = False  # rule 9.6
    peak: int = 0  # an iceberg's displayed quantity
    peak_seed: int = 0  # rule 9.4: state of its SplitMix64 sequence
    stop_price: int = 0
    was_live: bool = False  # it has been at a place before
    has_its_turn: bool = False  # rule 18.11
    other: "Order | None" = None  # section 21; of a pair only if the other names this one

    @property
    def sells(self) -> bool:
        return self.side != "B"

    @property
    def total(self) -> int:
        return self.executed + self.quantity

    @property
    def is_hidden(self) -> bool:
        return self.display == "N"

    @property
    def is_peg(self) -> bool:
        return self.options.is_peg

    @property
    def is_market(self) -> bool:
        return is_market(self.price)

    @property
    def may_rest(self) -> bool:
        return may_rest(self.time_in_force, self.price, self.options)

    @property
    def min_qty(self) -> int:
        """Rules 5.10, 10.1 and 10.2: MinQty, or the open quantity if less."""
        wanted = self.quantity if self.time_in_force == "4" else self.options.min_qty
        return min(wanted, self.quantity)

    @property
    def is_visible(self) -> bool:
        """Whether it is on the visible book."""
        return self.place == Place.BOOK and not self.is_hidden

    @property
    def reachable(self) -> int:
        """Rule 5.4: what an aggressor can execute of it at once."""
        return self.peak if self.is_iceberg else self.quantity

    @property
    def reserve(self) -> int:
        return self.quantity - self.reachable

    @property
    def event_price(self) -> int:
        """Rule 15.1."""
        return self.rest_price if self.place == Place.BOOK else self.price


def is_market(price: int) -> bool:
    return price in (r.MARKET, r.MARKET_CROSS)


def may_rest(time_in_force: str, price: int, options: Options) -> bool:
    """Section 4."""
    finds_price = options.is_peg or options.is_to_limit
    return time_in_force in "016" and (not is_market(price) or finds_price)


def is_more_aggressive(sells: bool, price: int, other: int) -> bool:
    return price < other if sells else price > other


@dataclass
class Terms:
    """What DEFINE_INSTRUMENT and CHANGE_INSTRUMENT say."""

    grid: Grid
    lot: int
    price_min: int
    price_max: int
    quantity_max: int
    reference: int
    static_collar_bp: int
    dynamic_collar_bp: int
    auction_collar_bp: int
    entry_collar_bp: int
    market_protection_bp: int
    pause_seconds: int
    post_only_mode: int
    extensions_max: int
    followers_max: int
    min_quantity_max: int
    price_decimals: int
    quantity_decimals: int
    pause_random_seconds: int
    allocation_min: int
    allocation: int  # section 19: 0 price-time, 1 pro-rata, 2 size-time

    def holds(self, price: int) -> bool:
        return self.price_min <= price <= self.price_max and self.grid.holds(price)


class End(NamedTuple):
    """Rule 13.11: when a call ends by itself, and what follows."""

    first: int
    last: int
    no_cancel: int
    extension: int
    state: str
    force: bool
    reason: bytes


@dataclass(eq=False)
class Hand:
    """Rule 18.9: an order that has begun to execute, and how it goes on."""

    order: Order
    limit: int | None
    moves: bool  # a peg, to a new price


@dataclass(eq=False)
class Instrument:
    """An instrument and all of its live orders, in no order."""

    index: int
    terms: Terms
    state: str
    orders: list[Order] = field(default_factory=list)
    last_price: int = 0
    has_last_price: bool = False  # which may be 0 (rule 2.12)
    last_before: int = 0  # rule 13.6: before the command, or before the order's turn
    reference_price: int = 0  # rule 13.5
    priced_at: tuple[int, int] | None = None  # rule 10.8: quotes
    owes_pegs: bool = False  # rule 11.6: displayed pegs were parked instead of moved again
    extensions: int = 0  # rule 14.9
    paused_since: int | None = None  # rule 13.9: the second at which the count started
    # Rules 18.9 to 18.11: what is left to be done between two steps.
    is_busy: bool = False
    under_way: list[Order] = field(default_factory=list)
    in_hand: Hand | None = None  # its order is the first under way
    pegs_left: list[Order] | None = None  # while pegs are priced
    price_before_pegs: int = 0
    is_pricing_again: bool = False  # rule 11.6: in the same settlement
    were_pegs_priced: bool = False  # in the settlement that is not at its end
    end: End | None = None  # rule 13.11
    state_next: str = ""  # rule 18.14: behind its auction, while that is in progress or due

    def at(self, place: Place, sells: bool | None = None) -> list[Order]:
        return [o for o in self.orders if o.place == place and sells in (None, o.sells)]

    def note_last(self, price: int) -> None:
        self.last_price, self.has_last_price = price, True

    def best_displayed(self, sells: bool) -> int | None:
        """The best price of a side's displayed orders; None without one."""
        prices = [o.rest_price for o in self.at(Place.BOOK, sells) if not o.is_hidden]
        return best_of(prices, sells)

    def quote(self, sells: bool) -> int:
        """Rule 11.1: likewise, of those that are no pegs; 0 without one (rule 2.12)."""
        displayed = [o for o in self.at(Place.BOOK, sells) if not o.is_hidden]
        return best_of([o.rest_price for o in displayed if not o.is_peg], sells) or 0


def best_of(prices: list[int], sells: bool) -> int | None:
    """None of none."""
    if not prices:
        return None
    return min(prices) if sells else max(prices)


@dataclass
class Session:
    """A member's session."""

    firm: bytes
    stp_mode: str
    stp_group: int
    user_ref_last: int = 0
    entry_disabled: bool = False
