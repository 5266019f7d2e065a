"""Auctions: section 14 of the rules."""

from itertools import groupby
from typing import NamedTuple

from tests.model import records as r
from tests.model.grid import is_farther
from tests.model.orders import CONTINUOUS, Instrument, Order, Place, is_more_aggressive
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


class Auctions(UnderWay):
    """How a price is found, and who executes at it."""

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

    def for_surplus(self, instrument: Instrument, cross: str, result: Uncrossing) -> list[Order]:
        """Rule 14.11: the imbalance-only orders that the surplus executes with, in priority."""
        if result.buys == result.sells:
            return []
        sells = result.buys > result.sells
        best = instrument.best_displayed(sells)
        if best is None or is_more_aggressive(sells, result.price, best):
            return []
        orders = self.imbalance_only(instrument, cross, sells)
        return [order for order in orders if self.takes(order, result.price)]

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

    # The auction

    def auction(self, instrument: Instrument, cross: str, after: str, force: bool) -> bool:
        """Whether it was held; if not, it was extended (rule 14.9)."""
        result = self.uncrossing(instrument, cross)
        if not force and self.is_extended(instrument, result.price):
            return False
        late = self.for_surplus(instrument, cross, result)
        surplus = abs(result.buys - result.sells)
        match_number = self.next_match_number()  # rule 14.6
        self.emit(
            r.CROSS,
            flags=r.VISIBLE,
            reason=ord(cross),
            order_ref=result.volume + min(surplus, sum(order.quantity for order in late)),
            other=match_number,
            price=result.price,
        )
        if result.volume:
            instrument.note_last(result.price)
            if instrument.terms.price_min > 0:  # rule 2.12
                instrument.reference_price = result.price
            self.pair(instrument, cross, result.price, late)
        for sells in (False, True):  # rule 14.7
            over = cross + ("OH" if after == CONTINUOUS else "")
            waiting = instrument.at(Place.WAITING, sells)
            for order in sorted(waiting, key=self.auction_priority):
                if self.gets_limit(order, cross, result.price):
                    self.rest_at(order, result.price)
                elif order.cross_type in over:
                    self.cancel(order, "I")
        return True

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

    def is_held(self, order: Order) -> bool:
        """Rule 13.12: whether its owner cannot cancel it."""
        instrument = self.instrument_of(order)
        end = instrument.end
        if end is None or not end.no_cancel or self.second < end.first - end.no_cancel:
            return False
        cross = CROSS_TYPES[instrument.state]
        taking_part = self.participants(instrument, cross, order.sells)
        return order in taking_part + self.imbalance_only(instrument, cross, order.sells)

    def pair(self, instrument: Instrument, cross: str, price: int, late: list[Order]) -> None:
        """Rules 14.5 and 14.11."""
        sides = [
            [o for o in self.participants(instrument, cross, sells) if self.takes(o, price)]
            for sells in (False, True)
        ]
        met = [*sides[0], *sides[1]]
        self.pair_off(sides, cross, price)
        if late:
            sides[late[0].sells] += late
            self.pair_off(sides, cross, price)
        for order in met:  # rule 9.3
            if order.quantity and order.is_iceberg and order.peak == 0:
                self.replenish(order)

    def pair_off(self, sides: list[list[Order]], cross: str, price: int) -> None:
        while sides[0] and sides[1]:
            pair = sides[0][0], sides[1][0]
            quantity = min(order.quantity for order in pair)
            match_number = self.next_match_number()
            for order, side in zip(pair, sides, strict=True):
                self.cross_one(order, cross, price, quantity, match_number)
                if order.quantity == 0:
                    side.remove(order)
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
