"""The price of an auction: rules 14.1 to 14.4, 14.8 and 14.10."""

from itertools import groupby
from typing import NamedTuple

from tests.model.orders import Instrument, Order, Place
from tests.model.under_way import UnderWay

# Rule 14.1: the cross type of the auction that is held on leaving a state, for continuous trading.
CROSS_TYPES = {"C": "O", "B": "O", "O": "O", "X": "O", "H": "H", "P": "H", "Q": "H", "L": "C"}
INDICATIVE_IN = "OLP"  # rule 14.8


class Uncrossing(NamedTuple):
    """What an auction would do; all 0 when nothing executes."""

    price: int = 0
    volume: int = 0
    buys: int = 0
    sells: int = 0


class PriceRange(NamedTuple):
    """Prices of the grid at which the same quantities could be bought and sold."""

    low: int
    high: int
    bought: int
    sold: int

    @property
    def volume(self) -> int:
        return min(self.bought, self.sold)

    @property
    def imbalance(self) -> int:
        return abs(self.bought - self.sold)


class Heap(NamedTuple):
    """A side's orders at one price: the steps of rule 14.10, and the quantity that takes part."""

    is_market: bool
    steps: int
    quantity: int


class AuctionPrices(UnderWay):
    """Who takes part, how a price is found, and how long that takes."""

    def cross_type_of(self, before: str, after: str) -> str:
        """Rule 14.1: the cross type of the auction before a change of state, or nothing."""
        if before == "L":
            return "C" if after != "H" else ""
        return CROSS_TYPES[before] if after == "T" and before in CROSS_TYPES else ""

    def participants(self, instrument: Instrument, cross: str, sells: bool) -> list[Order]:
        """Rules 14.2 and 14.4: a side's orders in order of priority."""
        resting = [
            order
            for order in instrument.at(Place.BOOK, sells)
            if not order.options.min_qty and not order.is_peg
        ]
        waiting = self.waiting_for(instrument, cross, sells)
        waiting = [order for order in waiting if not order.options.is_imbalance_only]
        return sorted(resting + waiting, key=self.auction_priority)

    def waiting_for(self, instrument: Instrument, cross: str, sells: bool) -> list[Order]:
        return [o for o in instrument.at(Place.WAITING, sells) if o.cross_type == cross]

    def imbalance_only(self, instrument: Instrument, cross: str, sells: bool) -> list[Order]:
        """Rule 14.11: in order of priority."""
        waiting = self.waiting_for(instrument, cross, sells)
        orders = [order for order in waiting if order.options.is_imbalance_only]
        return sorted(orders, key=self.auction_priority)

    def auction_priority(self, order: Order) -> tuple[bool, int, int, int]:
        """Rule 14.4; the smallest goes first."""
        if order.is_market:
            return False, 0, 0, order.arrival
        kind = 2 if order.place == Place.WAITING else 1 if order.is_hidden else 0
        price = order.event_price
        return True, price if order.sells else -price, kind, order.arrival

    # The price

    def uncrossing(self, instrument: Instrument, cross: str) -> Uncrossing:
        """Rule 14.3."""
        buys = self.participants(instrument, cross, sells=False)
        sells = self.participants(instrument, cross, sells=True)
        candidates = self.candidates(instrument, buys, sells)
        price = self.chosen_price(instrument, candidates, buys, sells) if candidates else None
        if price is None:
            return Uncrossing()
        bought, sold = self.at_price(buys, price), self.at_price(sells, price)
        return Uncrossing(price, candidates[0].volume, bought, sold)

    def candidates(
        self, instrument: Instrument, buys: list[Order], sells: list[Order]
    ) -> list[PriceRange]:
        """Rule 14.3, its first two steps; none when nothing would execute."""
        ranges = [
            PriceRange(low, high, self.at_price(buys, low), self.at_price(sells, low))
            for low, high in self.price_ranges(instrument, buys + sells)
        ]
        volume = max(one.volume for one in ranges)
        if volume == 0:
            return []
        ranges = [one for one in ranges if one.volume == volume]
        imbalance = min(one.imbalance for one in ranges)
        return [one for one in ranges if one.imbalance == imbalance]

    def chosen_price(
        self,
        instrument: Instrument,
        candidates: list[PriceRange],
        buys: list[Order],
        sells: list[Order],
    ) -> int | None:
        """Rule 14.3, its last two steps; None when nothing says at what price."""
        price = self.pressed_price(candidates, buys, sells)
        reference = self.auction_reference(instrument)
        if reference is None:
            reference = self.mean_limit(buys + sells)
        if price is not None or reference is None:
            return price
        return self.nearest(instrument, candidates[0].low, candidates[-1].high, reference)

    def pressed_price(
        self, candidates: list[PriceRange], buys: list[Order], sells: list[Order]
    ) -> int | None:
        """Rule 14.3, its third step; None when it decides nothing."""
        lowest, highest = candidates[0].low, candidates[-1].high
        if all(one.bought > one.sold for one in candidates):
            return highest if self.has_limit(buys, highest) else None
        if all(one.sold > one.bought for one in candidates):
            return lowest if self.has_limit(sells, lowest) else None
        return None

    def has_limit(self, orders: list[Order], price: int) -> bool:
        return any(not order.is_market and order.event_price == price for order in orders)

    def price_ranges(self, instrument: Instrument, orders: list[Order]) -> list[tuple[int, int]]:
        """The grid in range, cut where the quantities change: just above each buy's limit and at
        each sell's. Between two cuts all prices are alike."""
        grid = instrument.terms.grid
        lowest = grid.at_or_above(instrument.terms.price_min)
        highest = grid.at_or_below(instrument.terms.price_max)
        starts = {lowest}
        for order in orders:
            if not order.is_market:
                price = order.event_price
                starts.add(price if order.sells else grid.above(price))
        cuts = sorted(start for start in starts if start <= highest)
        ends = [grid.below(start) for start in cuts[1:]] + [highest]
        return list(zip(cuts, ends, strict=True))

    def at_price(self, orders: list[Order], price: int) -> int:
        """The quantity of a side's orders that could execute at a price."""
        return sum(order.quantity for order in orders if self.takes(order, price))

    def takes(self, order: Order, price: int) -> bool:
        if order.is_market:
            return True
        return order.event_price <= price if order.sells else order.event_price >= price

    def auction_reference(self, instrument: Instrument) -> int | None:
        """What is published; None when there is none."""
        if instrument.terms.price_min < 1:  # rule 2.12
            return instrument.last_price if instrument.has_last_price else None
        return instrument.last_price or instrument.reference_price or None

    def mean_limit(self, orders: list[Order]) -> int | None:
        """Of those that take part; None when all are market orders."""
        limits = [order.event_price for order in orders if not order.is_market]
        return (min(limits) + max(limits)) // 2 if limits else None

    def nearest(self, instrument: Instrument, low: int, high: int, reference: int) -> int:
        """Of the grid's prices from low to high the one nearest to the reference."""
        grid = instrument.terms.grid
        if reference <= low or reference >= high:
            return low if reference <= low else high
        below, above = grid.at_or_below(reference), grid.at_or_above(reference)
        return below if reference - below < above - reference else above

    # Its steps

    def indicative_steps(self, instrument: Instrument, cross: str) -> int:
        """Rule 14.10: what has to be looked at for an indicative price."""
        sides = [self.heaps(instrument, cross, sells) for sells in (False, True)]
        orders = [self.participants(instrument, cross, sells) for sells in (False, True)]
        candidates = self.candidates(instrument, *orders)
        volume = candidates[0].volume if candidates else 0
        steps = sum(self.steps_of_side(side, volume, 2 if volume else 1) for side in sides)
        if not volume or self.pressed_price(candidates, *orders) is not None:
            return steps
        if self.auction_reference(instrument) is not None:
            return steps
        return steps + sum(heap.steps for side in sides for heap in side if not heap.is_market)

    def heaps(self, instrument: Instrument, cross: str, sells: bool) -> list[Heap]:
        """What a side has at its prices, best first, with its market orders before all."""
        orders = instrument.at(Place.BOOK, sells) + instrument.at(Place.WAITING, sells)
        takes_part = self.participants(instrument, cross, sells)
        by_price = groupby(sorted(orders, key=self.auction_priority), self.price_of_heap)
        one_by_one = any(o.options.min_qty for o in instrument.orders if o.sells == sells)
        heaps = []
        for (has_limit, _), group in by_price:
            heap = list(group)
            waiting = sum(o.place == Place.WAITING for o in heap)
            hidden = sum(o.place == Place.BOOK and o.is_hidden for o in heap)
            displayed = len(heap) - waiting - hidden
            steps = waiting + (hidden if one_by_one else min(hidden, 1)) + min(displayed, 1)
            quantity = sum(o.quantity for o in heap if o in takes_part)
            heaps.append(Heap(not has_limit, steps, quantity))
        return heaps

    def price_of_heap(self, order: Order) -> tuple[bool, int]:
        return self.auction_priority(order)[:2]

    def steps_of_side(self, heaps: list[Heap], volume: int, prices_beyond: int) -> int:
        """Until as many prices are found at which more is than executes."""
        steps = found = beyond = 0
        for heap in heaps:
            if beyond < prices_beyond:
                steps += heap.steps
                found += heap.quantity
                beyond += heap.quantity > 0 and found > volume
        return steps
