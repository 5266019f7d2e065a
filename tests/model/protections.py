"""How quotes are protected: rules 20.9 to 20.13."""

import struct
from dataclasses import dataclass, field

from tests.model import records as r
from tests.model.auction_model import Auction
from tests.model.engine_base import IgnoredError, LaterError
from tests.model.matching import LEFT
from tests.model.options import MalformedError
from tests.model.order_commands import OrderCommands
from tests.model.order_rules import BAD_SYMBOL, NO_ROOM
from tests.model.orders import RETIRED, Order

LIMITS = struct.Struct("<QQII")
LIMIT_MAX = (1 << 62) - 1
QUOTES_MAX = 256  # rule 20.5
Key = tuple[int, int]  # session and instrument


@dataclass
class Protection:
    """Limits, each 0 for none, and what the quotes have bought (or sold: less than 0)."""

    volume_max: int = 0
    delta_max: int = 0
    executions_max: int = 0
    window: int = 0
    done: list[int] = field(default_factory=list)
    since: tuple[int, int] | None = None  # the day and the second of the first of these
    is_reached: bool = False

    @property
    def is_set(self) -> bool:
        return bool(self.volume_max or self.delta_max or self.executions_max)

    @property
    def volume(self) -> int:
        return sum(abs(quantity) for quantity in self.done) if self.volume_max else 0

    @property
    def delta(self) -> int:
        return sum(self.done) if self.delta_max else 0

    @property
    def executions(self) -> int:
        return len(self.done) if self.executions_max else 0

    @property
    def reached(self) -> str:
        """Rule 20.11: the letter of the first limit that is reached."""
        limits = (
            ("V", self.volume_max, self.volume),
            ("D", self.delta_max, abs(self.delta)),
            ("E", self.executions_max, self.executions),
        )
        return next((letter for letter, most, done in limits if 0 < most <= done), "")

    def begin(self) -> None:
        self.done, self.since = [], None


class Protections(OrderCommands):
    """What is counted, and what leaves."""

    def __init__(self, limits: r.Limits) -> None:
        super().__init__(limits)
        self.quotes: dict[Key, list[Order | None]] = {}  # bid and ask, live or not
        self.protections: dict[Key, Protection] = {}
        self.due: list[Key] = []

    def set_protection(self, record: bytes, session: int, index: int) -> None:
        """Rule 20.9."""
        volume, delta, executions, window = LIMITS.unpack_from(record, r.BODY)
        if max(volume, delta) > LIMIT_MAX:
            raise MalformedError
        if index < len(self.instruments) and self.instruments[index].state_next:  # rule 18.14
            raise LaterError
        reason = 0
        if index >= len(self.instruments) or self.instruments[index].state == RETIRED:
            reason = BAD_SYMBOL
        elif not self.has_place(session, index):
            reason = NO_ROOM
        else:
            old = self.protections.get((session, index))
            self.protections[session, index] = Protection(
                volume, delta, executions, window, is_reached=bool(old and old.is_reached)
            )
        self.emit(r.PROTECTION_SET, reason=reason, slot=self.slot(session))

    def reset_protection(self, session: int, index: int) -> None:
        """Rule 20.13."""
        protection = self.protections.get((session, index))
        if protection is None or not (protection.is_set or protection.is_reached):
            raise IgnoredError
        if self.instruments[index].state_next:  # rule 18.14
            raise LaterError
        protection.begin()
        protection.is_reached = False
        self.emit(r.PROTECTION_RESET, slot=self.slot(session))

    def has_place(self, session: int, index: int) -> bool:
        """Rule 20.5."""
        others = [i.index for i in self.instruments if i.index != index]
        return sum(self.takes_place(session, other) for other in others) < QUOTES_MAX

    def takes_place(self, session: int, index: int) -> bool:
        sides = self.quotes.get((session, index), [])
        if any(order and self.is_live(order) for order in sides):
            return True
        is_retired = self.instruments[index].state == RETIRED
        protection = self.protections.get((session, index), Protection())
        return not is_retired and (protection.is_set or protection.is_reached)

    def is_protected(self, session: int, index: int) -> bool:
        """Whether its protection was reached."""
        return self.protections.get((session, index), Protection()).is_reached

    # Rule 20.10: what is counted

    def counts_seconds(self) -> bool:
        """Also of what is retired, or was reached."""
        return any(one.is_set and one.window for one in self.protections.values())

    def execute(
        self, order: Order, resting: Order, quantity: int | None = None, close_price: int = 0
    ) -> None:
        executed = min(order.quantity, resting.reachable) if quantity is None else quantity
        super().execute(order, resting, quantity, close_price)
        self.count(resting, executed)
        self.count(order, executed)

    def cross_one(
        self, order: Order, cross: str, price: int, quantity: int, match_number: int
    ) -> None:
        super().cross_one(order, cross, price, quantity, match_number)
        self.count(order, quantity)

    def is_window_over(self, protection: Protection) -> bool:
        if protection.since is None:
            return True
        day, second = protection.since
        is_over = day != self.day or self.second >= second + protection.window
        return bool(protection.window) and is_over

    def count(self, order: Order, quantity: int) -> None:
        key = order.session, order.instrument
        protection = self.protections.get(key, Protection())
        if order not in self.quotes.get(key, []):
            return
        if protection.is_reached or not protection.is_set:
            return
        if self.is_window_over(protection):
            protection.begin()
            protection.since = self.day, self.second
        protection.done.append(-quantity if order.sells else quantity)
        if protection.reached:
            protection.is_reached = True
            self.due.append(key)

    # Rule 20.12: when quotes leave

    def act_on_protections(self) -> None:
        while self.due:
            key = self.due.pop(0)
            protection = self.protections[key]
            self.emit(
                r.PROTECTION_REACHED,
                reason=ord(protection.reached),
                quantity=protection.executions,
                order_ref=protection.volume,
                other=protection.delta & 0xFFFFFFFFFFFFFFFF,
                slot=self.slot(key[0]),
            )
            for order in self.quotes[key]:
                if order and self.is_live(order):
                    self.actions += LEFT
                    self.cancel(order, "P")

    def aggress(self, order: Order, limit: int | None, was_in_hand: bool = False) -> None:
        super().aggress(order, limit, was_in_hand)
        self.act_on_protections()

    def trade_at_close(self, order: Order) -> None:
        super().trade_at_close(order)
        self.act_on_protections()

    def go_on_with_auction(self, auction: Auction) -> bool | None:
        """What it reached acts with its end, not with what comes in between."""
        self.due = auction.protected
        is_held = super().go_on_with_auction(auction)
        if is_held is None:
            auction.protected, self.due = self.due, []
        else:
            self.act_on_protections()
        return is_held
