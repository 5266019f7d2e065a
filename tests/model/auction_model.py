"""Auctions, which may take several steps: rules 14.4 to 14.11, 13.12 and 18.14."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from tests.model import records as r
from tests.model.auction_price import CROSS_TYPES, INDICATIVE_IN, AuctionPrices, Uncrossing
from tests.model.grid import is_farther
from tests.model.matching import LEFT
from tests.model.orders import CONTINUOUS, Instrument, Order, Place, is_more_aggressive

MET, PAIRED, CHANGED = 4, 32, 64  # rule 18.14: actions


@dataclass(eq=False)
class Auction:
    """One that is in progress, or due behind another. `steps` yields what comes next counts, before
    it happens, and returns whether the auction was held; if not, it was extended."""

    instrument: Instrument
    state: str  # that follows
    reason: bytes
    steps: Generator[int, None, bool]
    cost: int = CHANGED  # of what comes next
    protected: list[tuple[int, int]] = field(default_factory=list)  # rule 20.12: reached by it


@dataclass(eq=False)
class Side:
    """Orders in priority, and the one whose turn it is."""

    orders: list[Order]
    takes_part: Callable[[Order], bool]
    order: Order | None = None

    def move(self) -> Iterator[int]:
        """To the next one that takes part, unless one is in hand."""
        while self.order is None and self.orders:
            yield MET
            order = self.orders.pop(0)
            self.order = order if self.takes_part(order) else None


class Auctions(AuctionPrices):
    """Who executes at the price, and what comes of those that do not."""

    def __init__(self, limits: r.Limits) -> None:
        super().__init__(limits)
        self.auctions: list[Auction] = []  # the first is in progress

    # In steps

    def begin_auction(self, instrument: Instrument, state: str, force: bool, reason: bytes) -> None:
        """Rule 14.1, or behind those that are in progress."""
        steps = self.auction(instrument, state, force)
        self.auctions.append(Auction(instrument, state, reason, steps))
        instrument.state_next = state
        if len(self.auctions) == 1:
            self.auctions_step()

    def auctions_step(self) -> None:
        """Rule 18.14: as far as the step goes."""
        auction = self.auctions[0]
        is_held = self.go_on_with_auction(auction)
        if is_held is None:
            return
        del self.auctions[0]
        auction.instrument.state_next = ""
        if is_held:
            self.complete_change(auction.instrument, auction.state, auction.reason)

    def go_on_with_auction(self, auction: Auction) -> bool | None:
        """None when the step is over first."""
        while not self.step_is_over():
            self.actions += auction.cost
            try:
                auction.cost = next(auction.steps)
            except StopIteration as end:
                return bool(end.value)
        return None

    def complete_change(self, instrument: Instrument, state: str, reason: bytes) -> None:
        """The change that the auction was held before."""
        raise NotImplementedError

    # The auction

    def auction(
        self, instrument: Instrument, after: str, force: bool
    ) -> Generator[int, None, bool]:
        cross = self.cross_type_of(instrument.state, after)
        for _ in range(self.indicative_steps(instrument, cross)):
            yield LEFT
        result = self.uncrossing(instrument, cross)
        if not force and self.is_extended(instrument, result.price):
            return False
        late_volume = yield from self.late_volume(instrument, cross, result)
        match_number = self.next_match_number()  # rule 14.6
        self.emit(
            r.CROSS,
            flags=r.VISIBLE,
            reason=ord(cross),
            order_ref=result.volume + late_volume,
            other=match_number,
            price=result.price,
        )
        if result.volume:
            yield from self.pair(instrument, cross, result, late_volume)
        yield from self.end_waiting(instrument, cross, after, result.price)
        instrument.last_before = instrument.last_price
        if result.volume:
            instrument.note_last(result.price)
            if instrument.terms.price_min > 0:  # rule 2.12
                instrument.reference_price = result.price
        return True

    def late_volume(
        self, instrument: Instrument, cross: str, result: Uncrossing
    ) -> Generator[int, None, int]:
        """Rule 14.11: what imbalance-only orders execute of the surplus."""
        surplus, sells = abs(result.buys - result.sells), result.buys > result.sells
        best = instrument.best_displayed(sells)
        if not surplus or best is None or is_more_aggressive(sells, result.price, best):
            return 0
        late, volume = self.imbalance_only(instrument, cross, sells), 0
        for order in self.with_limit(instrument, sells, result.price):
            yield MET
            volume += order.quantity if order in late else 0
            if volume >= surplus:
                return surplus
        return volume

    def with_limit(self, instrument: Instrument, sells: bool, price: int) -> list[Order]:
        """Those that wait, for whatever auction, with this limit or a better one."""
        waiting = [order for order in instrument.at(Place.WAITING, sells) if not order.is_market]
        orders = [order for order in waiting if self.takes(order, price)]
        return sorted(orders, key=self.auction_priority)

    def pair(
        self, instrument: Instrument, cross: str, result: Uncrossing, late_volume: int
    ) -> Iterator[int]:
        """Rules 14.5 and 14.11."""
        price = result.price
        sides = [self.side(instrument, cross, price, sells) for sells in (False, True)]
        met = [order for side in sides for order in side.orders]
        yield from self.pair_off(sides, cross, price)
        if late_volume:
            sells = result.buys > result.sells
            late = self.imbalance_only(instrument, cross, sells)
            sides[sells] = Side(self.with_limit(instrument, sells, price), late.__contains__)
            yield from self.pair_off(sides, cross, price)
        for order in met:  # rule 9.3
            if order.quantity and order.is_iceberg and order.peak == 0:
                self.replenish(order)

    def side(self, instrument: Instrument, cross: str, price: int, sells: bool) -> Side:
        """All that rest, or wait, at the price or better."""
        orders = instrument.at(Place.BOOK, sells) + instrument.at(Place.WAITING, sells)
        orders = [order for order in orders if self.takes(order, price)]
        taking_part = self.participants(instrument, cross, sells)
        return Side(sorted(orders, key=self.auction_priority), taking_part.__contains__)

    def pair_off(self, sides: list[Side], cross: str, price: int) -> Iterator[int]:
        while True:
            for side in sides:
                yield from side.move()
            pair = [side.order for side in sides if side.order]
            if len(pair) < 2:
                return
            yield PAIRED
            quantity = min(order.quantity for order in pair)
            match_number = self.next_match_number()
            for order, side in zip(pair, sides, strict=True):
                self.cross_one(order, cross, price, quantity, match_number)
                if order.quantity == 0:
                    side.order = None
            for order in pair:
                self.end_pair(order)

    def cross_one(
        self, order: Order, cross: str, price: int, quantity: int, match_number: int
    ) -> None:
        """CROSSED, and REDUCED where it is due (9.6)."""
        reachable = order.reachable
        if order.is_iceberg:  # what is displayed executes first
            order.peak -= min(order.peak, quantity)
        order.quantity -= quantity
        order.executed += quantity
        visible = order.is_visible and not order.is_iceberg
        self.emit(
            r.CROSSED,
            order,
            flags=r.VISIBLE if visible else 0,
            reason=ord(cross),
            quantity=quantity,
            other=match_number,
            price=price,
        )
        self.say_reduced(order, reachable)
        if order.quantity == 0:
            self.remove(order)

    def end_waiting(
        self, instrument: Instrument, cross: str, after: str, price: int
    ) -> Iterator[int]:
        """Rule 14.7."""
        over = cross + ("OH" if after == CONTINUOUS else "")
        for sells in (False, True):
            waiting = instrument.at(Place.WAITING, sells)
            for order in sorted(waiting, key=self.auction_priority):
                yield MET
                if self.gets_limit(order, cross, price):
                    self.actions += LEFT
                    self.rest_at(order, price)
                elif order.cross_type in over:
                    self.actions += LEFT
                    self.cancel(order, "I")

    def gets_limit(self, order: Order, cross: str, price: int) -> bool:
        """Rule 14.7: whether what is left of an order goes on as a limit order."""
        if not price or order.cross_type != cross:
            return False
        return order.options.is_to_limit and order.time_in_force == "0"

    def rest_at(self, order: Order, price: int) -> None:
        """Rules 5.13 and 14.7: the auction's price is its limit."""
        order.price, order.cross_type = price, "N"
        order.options = order.options._replace(price_type="L")
        self.rest(order, price)

    # How long it takes

    def is_extended(self, instrument: Instrument, price: int) -> bool:
        """Rule 14.9."""
        terms, reference = instrument.terms, instrument.reference_price
        if not price or not reference or not terms.auction_collar_bp:
            return False
        if not is_farther(price, reference, terms.auction_collar_bp):
            return False
        if instrument.extensions >= terms.extensions_max:
            return False
        instrument.extensions += 1
        instrument.paused_since = None
        self.say_collars(reference, terms.auction_collar_bp, instrument.extensions)
        if instrument.end:  # rule 13.11
            end = instrument.end
            first = max(self.second, 0) + end.extension
            last = first + end.last - end.first
            instrument.end = end._replace(first=first, last=last) if end.extension else None
            self.say_end(instrument)
        return True

    def say_end(self, instrument: Instrument) -> None:
        """Rule 13.11: the end of a call, or that there is none."""
        end = instrument.end
        if end is None:
            self.emit(r.END_SET, flags=r.VISIBLE)
            return
        self.emit(
            r.END_SET,
            flags=r.VISIBLE,
            reason=ord(end.state),
            quantity=end.no_cancel,
            order_ref=end.last << 32 | end.first,
            other=end.extension,
        )

    def is_in_auction(self, order: Order) -> bool:
        """Rule 18.14: whether it stays as it is until the auction is over."""
        is_queued = order.place in (Place.BOOK, Place.WAITING)
        return is_queued and bool(self.instrument_of(order).state_next)

    def is_held(self, order: Order) -> bool:
        """Rules 13.12 and 18.14: whether its owner cannot cancel it."""
        if self.is_in_auction(order):
            return True
        instrument = self.instrument_of(order)
        end = instrument.end
        if end is None or not end.no_cancel or self.second < end.first - end.no_cancel:
            return False
        cross = CROSS_TYPES[instrument.state]
        taking_part = self.participants(instrument, cross, order.sells)
        return order in taking_part + self.imbalance_only(instrument, cross, order.sells)

    # What is said of it

    def say_indicatives(self) -> None:
        """Rule 14.10: by instrument, from the one whose turn it is, as far as the steps go."""
        turns = self.instruments[self.indicate_next :] + self.instruments[: self.indicate_next]
        left, self.indicate_next = self.steps_max, 0
        for instrument in (one for one in turns if one.state in INDICATIVE_IN):
            cross = CROSS_TYPES[instrument.state]
            result = self.uncrossing(instrument, cross)
            steps = self.indicative_steps(instrument, cross)
            if left < min(steps, self.steps_max):
                self.indicate_next = instrument.index
                break
            left = max(left - steps, 0)
            self.say_indicative(instrument, result if steps <= self.steps_max else Uncrossing())

    def say_indicative(self, instrument: Instrument, result: Uncrossing) -> None:
        """Rules 14.8 and 15.2."""
        cross = CROSS_TYPES[instrument.state]
        side = "N" if result.buys == result.sells else "B" if result.buys > result.sells else "S"
        imbalance = abs(result.buys - result.sells)
        self.emit(
            r.INDICATIVE,
            flags=r.VISIBLE,
            reason=ord(cross),
            side=ord(side if result.price else "O"),
            quantity=imbalance & 0xFFFFFFFF,
            order_ref=result.volume,
            other=(instrument.index + 1) << 32 | imbalance >> 32,
            price=result.price,
            slot=self.auction_reference(instrument) or 0,
        )
