"""How an order trades and comes to rest: sections 5, 10.1 to 10.3 and 12 of the rules, and the
collars of 13.6."""

from collections.abc import Sequence
from copy import copy

from tests.model import records as r
from tests.model.grid import basis_points, is_farther
from tests.model.icebergs import Icebergs, attribution
from tests.model.orders import (
    CONTINUOUS,
    PAUSED,
    Hand,
    Instrument,
    Order,
    Place,
    is_more_aggressive,
)
from tests.model.pairs import Pairs

LOOKED, LEFT, RANKED = 1, 16, 8  # rules 18.2 and 19.2: actions

# Rule 14.9: the auctions for which extensions are counted, by state.
AUCTIONS = {"C": "O", "B": "O", "O": "O", "X": "O", "H": "H", "P": "H", "Q": "H", "L": "C"}


class Matching(Icebergs, Pairs):
    """An aggressor, and the orders opposite."""

    allocation_orders_max = 1_024  # rule 19.2, likewise
    steps_max = 4_096  # rules 10.9 and 14.10; a test that is to reach it sets less

    # Priority

    def priority(self, order: Order) -> tuple[int, bool, int]:
        """Rule 5.3; the smallest goes first."""
        price = order.rest_price if order.sells else -order.rest_price
        return price, order.is_hidden, order.arrival

    def queue(self, instrument: Instrument, sells: bool) -> list[Order]:
        """A side of the book in order of priority."""
        return sorted(instrument.at(Place.BOOK, sells), key=self.priority)

    def opposite(self, order: Order) -> list[Order]:
        return self.queue(self.instrument_of(order), not order.sells)

    def first_met(
        self, aggressor: Order, limit: int | None, queue: Sequence[Order]
    ) -> Order | None:
        """The order that the aggressor would execute with next, by prices and rule 10.2 alone."""
        for resting in queue:
            if limit is not None and is_more_aggressive(aggressor.sells, resting.rest_price, limit):
                continue
            if aggressor.quantity < resting.min_qty:  # rule 10.2
                continue
            return resting
        return None

    # An aggressor from its beginning to its end

    def aggress(self, order: Order, limit: int | None, was_in_hand: bool = False) -> None:
        """Rules 5.2 to 5.7, for new orders and triggered stops; a peg's limit is its price."""
        if order.options.post_only == "P":
            assert limit is not None
            cancelled_for, limit = self.post_only(order, limit)
            if cancelled_for:
                self.cancel(order, cancelled_for)
                return
        paused = False
        said = order.price if order.has_its_turn else None
        minimum = 0 if was_in_hand else order.min_qty
        if was_in_hand or self.reaches_min_qty(order, limit):  # rule 10.1
            paused = self.trade(order, limit, said, minimum)
        if order.quantity == 0 or order.place == Place.UNDER_WAY:
            return
        if order.may_rest and paused and order.is_peg:
            self.put(order, Place.PARKED)  # rule 13.6
        elif order.may_rest:
            assert limit is not None
            self.rest(order, limit)  # rules 5.5 and 13.6
        elif paused:
            self.cancel(order, "K")  # rule 13.6
        else:
            self.cancel(order, self.reason_of_the_rest(order, limit))

    def limit_of(self, order: Order) -> int | None:
        """The worst price at which an aggressor executes; None is any price."""
        if not order.is_market:
            return order.price
        instrument = self.instrument_of(order)
        terms = instrument.terms
        base = (
            instrument.best_displayed(not order.sells)
            or instrument.last_price
            or instrument.reference_price
        )
        if not terms.market_protection_bp or not base:
            return None
        width = basis_points(base, terms.market_protection_bp)  # rule 5.7
        lowest = terms.grid.at_or_above(terms.price_min)
        highest = terms.grid.at_or_below(terms.price_max)
        if order.sells:
            return min(highest, max(lowest, terms.grid.at_or_above(base - width)))
        return min(highest, max(lowest, terms.grid.at_or_below(base + width)))

    def reason_of_the_rest(self, order: Order, limit: int | None) -> str:
        """Rules 5.6 and 5.7."""
        best = self.instrument_of(order).best_displayed(not order.sells)
        if not order.is_market or limit is None or best is None:
            return "I"
        return "K" if is_more_aggressive(order.sells, best, limit) else "I"

    def rest(self, order: Order, price: int, announce: bool = True) -> None:
        """Rule 5.5."""
        self.put(order, Place.BOOK)
        order.rest_price = price
        self.show_first_peak(order)
        if announce:
            self.emit(
                r.ADDED,
                order,
                flags=(r.VISIBLE if order.is_visible else 0) | attribution(order),
                quantity=order.reachable,
                other=order.reserve,
            )

    # Trading

    def trade(
        self,
        order: Order,
        limit: int | None,
        activated_price: int | None,
        minimum: int = 0,
        may_stop: bool = True,
        moves: bool = False,
    ) -> bool:
        """Executes what it can, as far as the step goes (rule 18.9); whether the instrument was
        paused by it. ACTIVATED comes before the first execution if it has a price."""
        has_executed = has_acted = False
        enough = order.quantity - minimum
        while order.quantity:
            resting = self.first_met(order, limit, self.opposite(order))
            if resting is None:
                return False
            is_to_stop = has_acted and may_stop and order.quantity <= enough
            if is_to_stop and self.step_is_over() and self.has_room(order):
                self.hold(order, limit, moves)
                return False
            has_acted = True
            if self.is_shared(resting):
                said = None if has_executed else activated_price
                executed_before = order.executed
                if self.share(order, resting, said):
                    return True
                has_executed = has_executed or order.executed > executed_before
                continue
            mode = self.prevention(order, resting)
            if mode != "-":
                self.prevent(order, resting, mode)
                continue
            violated = self.violated_collar(self.instrument_of(order), resting.rest_price)
            if violated:
                self.interrupt(self.instrument_of(order), *violated)
                return True
            if activated_price is not None and not has_executed:  # rules 11.4 and 18.11
                self.emit(r.ACTIVATED, order, quantity=order.quantity, price=activated_price)
            has_executed = True
            self.execute(order, resting)
        return False

    def counts_seconds(self) -> bool:
        """Rule 20.10: whether a protection has a window."""
        raise NotImplementedError

    def act_on_protections(self) -> None:
        """Rule 20.12: what an execution may bring about, once the aggressor is done."""

    def has_room(self, order: Order) -> bool:
        return order.was_live or len(self.live) < self.limits.orders_max

    def hold(self, order: Order, limit: int | None, moves: bool) -> None:
        """Rule 18.9: the order is in hand, and its instrument busy."""
        instrument = self.instrument_of(order)
        self.put(order, Place.UNDER_WAY)
        instrument.under_way.insert(0, order)
        instrument.in_hand = Hand(order, limit, moves)
        self.be_busy(instrument)

    def be_busy(self, instrument: Instrument) -> None:
        if not instrument.is_busy:
            instrument.is_busy = True
            self.busy.append(instrument)

    def minimums_opposite(self, order: Order) -> int:
        """Rule 18.2: live orders with MinQty of the other side."""
        orders = self.instrument_of(order).orders
        return sum(o.options.min_qty != 0 for o in orders if o.sells != order.sells)

    def count_turn(self, order: Order) -> None:
        """Rule 18.2."""
        self.actions += LEFT + self.minimums_opposite(order)

    # Section 19

    def is_shared(self, resting: Order) -> bool:
        return self.instrument_of(resting).terms.allocation != 0 and not resting.is_hidden

    def sharers(self, resting: Order) -> list[Order]:
        """Rule 19.2: the orders displayed at its price, those that have been there longest."""
        queue = self.queue(self.instrument_of(resting), resting.sells)
        level = [o for o in queue if not o.is_hidden and o.rest_price == resting.rest_price]
        return level[: self.allocation_orders_max]

    def share(self, order: Order, first: Order, activated_price: int | None) -> bool:
        """One round; whether a collar ended it."""
        sharers = []
        by_size = self.instrument_of(order).terms.allocation == 2
        for resting in self.sharers(first):
            if order.quantity == 0:
                break
            self.actions += RANKED if by_size else LOOKED
            mode = self.prevention(order, resting)
            if mode == "-":
                sharers.append(resting)
            else:
                self.prevent(order, resting, mode)
        if order.quantity == 0 or not sharers:
            return False
        instrument = self.instrument_of(order)
        violated = self.violated_collar(instrument, first.rest_price)
        if violated:
            self.interrupt(instrument, *violated)
            return True
        if activated_price is not None:
            self.emit(r.ACTIVATED, order, quantity=order.quantity, price=activated_price)
        for resting, quantity in self.allocated(instrument, order.quantity, sharers):
            if quantity:
                self.execute(order, resting, quantity)
        return False

    def allocated(
        self, instrument: Instrument, wanted: int, sharers: list[Order]
    ) -> list[tuple[Order, int]]:
        """Rules 19.3 to 19.5."""
        sizes = [order.reachable for order in sharers]
        parts = [0] * len(sharers)
        turns = list(range(len(sharers)))
        terms = instrument.terms
        if terms.allocation == 1 and wanted < sum(sizes):
            for number, size in enumerate(sizes):
                lots = size * wanted // (sum(sizes) * terms.lot)
                if lots * terms.lot >= terms.allocation_min:
                    parts[number] = lots * terms.lot
        if terms.allocation == 2:
            turns.sort(key=lambda number: -sizes[number])
        for number in turns:
            parts[number] += min(sizes[number] - parts[number], wanted - sum(parts))
        return [(sharers[number], parts[number]) for number in turns]

    def execute(
        self, order: Order, resting: Order, quantity: int | None = None, close_price: int = 0
    ) -> None:
        """Rules 5.4 and 13.14."""
        self.actions += LEFT
        executed = min(order.quantity, resting.reachable) if quantity is None else quantity
        price = close_price or resting.rest_price
        self.emit(
            r.EXECUTED,
            resting,
            flags=(r.VISIBLE if resting.is_visible else 0)
            | (r.AGGRESSOR_SELL if order.sells else 0)
            | (r.AT_CLOSE if close_price else 0),
            quantity=executed,
            other=self.next_match_number(),
            price=price,
        )
        for party in (order, resting):
            party.quantity -= executed
            party.executed += executed
        self.instrument_of(order).note_last(price)  # rule 5.12
        if resting.is_iceberg:
            resting.peak -= executed
        if resting.quantity == 0:
            self.remove(resting)
        elif resting.is_iceberg and resting.peak == 0:
            self.replenish(resting)
        self.end_pair(resting)
        self.end_pair(order)

    # Trade-at-close

    def met_at_close(self, order: Order) -> list[Order]:
        """Rule 13.14: the opposite orders that it executes with, in their priority."""
        instrument = self.instrument_of(order)
        price = instrument.last_price
        if order.options.post_only == "P" or order.min_qty or not instrument.terms.holds(price):
            return []
        if not order.is_market and is_more_aggressive(order.sells, price, order.price):
            return []
        return [
            resting
            for resting in self.opposite(order)
            if not resting.options.min_qty
            and not is_more_aggressive(order.sells, resting.rest_price, price)
        ]

    def trade_at_close(self, order: Order) -> None:
        """Rule 13.14."""
        price = self.instrument_of(order).last_price
        said = order.price if order.has_its_turn else None
        has_acted = False
        while order.quantity and (met := self.met_at_close(order)):
            if has_acted and self.step_is_over() and self.has_room(order):
                self.hold(order, None, moves=False)
                return
            has_acted = True
            mode = self.prevention(order, met[0])
            if mode != "-":
                self.prevent(order, met[0], mode)
                continue
            if said is not None:  # rule 18.11
                self.emit(r.ACTIVATED, order, quantity=order.quantity, price=said)
                said = None
            self.execute(order, met[0], close_price=price)
        if order.quantity and order.may_rest:
            self.rest(order, order.price)
        elif order.quantity:
            self.cancel(order, "I")

    # Minimum quantity and post-only

    def reaches_min_qty(self, order: Order, limit: int | None, steps: int | None = None) -> bool:
        """Rules 10.1 and 12.3: what it could execute, tried on copies of what is counted."""
        trial, executed = copy(order), 0
        queue = [copy(resting) for resting in self.counted(order, steps or self.steps_max)]
        ends = self.ended_rounds(order)
        while trial.quantity and executed < order.min_qty:
            queue.sort(key=self.priority)
            resting = self.first_met(trial, limit, queue)
            if resting is None:
                break
            if (resting.session, resting.user_ref) in ends:
                break
            mode = self.prevention(order, resting)
            if mode == "O":
                queue.remove(resting)
                continue
            if mode != "-":
                break
            if self.violated_collar(self.instrument_of(order), resting.rest_price):
                break
            quantity = min(trial.quantity, resting.reachable)
            executed += quantity
            trial.quantity -= quantity
            resting.quantity -= quantity
            if resting.quantity == 0:
                queue.remove(resting)
            elif resting.is_iceberg:
                resting.peak -= quantity
                if resting.peak == 0:
                    self.set_next_peak(resting)
                    resting.arrival = 1 + max(other.arrival for other in queue)
        return executed >= order.min_qty

    def ended_rounds(self, order: Order) -> set[tuple[int, int]]:
        """Rule 19.6: the orders of rounds that prevention would come before."""
        ended: set[tuple[int, int]] = set()
        shown = [o for o in self.opposite(order) if self.is_shared(o)]
        for price in {o.rest_price for o in shown}:
            level = [o for o in shown if o.rest_price == price]
            for start in range(0, len(level), self.allocation_orders_max):
                part = level[start : start + self.allocation_orders_max]
                if any(self.prevention(order, o) in "NBD" for o in part):
                    ended |= {(o.session, o.user_ref) for o in part}
        return ended

    def counted(self, order: Order, steps_max: int) -> list[Order]:
        """Rule 10.9: the opposite orders that are looked at for 10.1."""
        reached: list[Order] = []
        for resting in self.opposite(order):
            steps_max -= 42 if resting.reserve else 1
            if steps_max < 0:
                break
            reached.append(resting)
        return reached

    def post_only(self, order: Order, limit: int) -> tuple[str, int]:
        """Rule 10.3: the reason why it is cancelled, if so, and the price at which it rests."""
        terms = self.instrument_of(order).terms
        best = self.instrument_of(order).best_displayed(not order.sells)
        if best is not None and not is_more_aggressive(order.sells, best, limit):
            if terms.post_only_mode == 0:
                return "G", limit
            limit = terms.grid.above(best) if order.sells else terms.grid.below(best)
            if not terms.holds(limit):
                return "G", limit
        if self.first_met(order, limit, self.opposite(order)) is not None:
            return "F", limit
        return "", limit

    # Self-trade prevention: section 12

    def prevention(self, order: Order, resting: Order) -> str:
        """Rule 12.1: the mode to apply, '-' when the two may execute."""
        session, other = self.sessions[order.session], self.sessions[resting.session]
        if not session.stp_group or session.stp_group != other.stp_group:
            return "-"
        return order.options.stp or session.stp_mode

    def prevent(self, order: Order, resting: Order, mode: str) -> None:
        """Rule 12.2."""
        self.actions += LEFT
        if mode == "D":
            decrement = min(order.quantity, resting.quantity)
            self.cancel(resting, "Q", decrement)
            self.cancel(order, "Q", decrement)
            return
        if mode in "OB":
            self.cancel(resting, "Q")
        if mode in "NB":
            self.cancel(order, "Q")

    # Collars: rules 13.6 and 13.7

    def violated_collar(self, instrument: Instrument, price: int) -> tuple[int, int] | None:
        """The reference and basis points that an execution at this price would violate."""
        last_or_reference = instrument.last_before or instrument.reference_price
        for reference, points in (
            (instrument.reference_price, instrument.terms.static_collar_bp),
            (last_or_reference, instrument.terms.dynamic_collar_bp),
        ):
            if reference and points and is_farther(price, reference, points):
                return reference, points
        return None

    def interrupt(self, instrument: Instrument, reference: int, points: int) -> None:
        """Rule 13.6."""
        self.enter_state(instrument, PAUSED, b"LUDP")
        self.say_collars(reference, points)
        self.park_pegs(instrument)

    def say_collars(self, reference: int, points: int, extension: int = 0) -> None:
        """Rule 13.7."""
        width = basis_points(reference, points)
        upper, lower = reference + width, max(0, reference - width)
        self.emit(
            r.COLLARS,
            flags=r.VISIBLE,
            quantity=extension,
            order_ref=upper << 32 | lower,
            price=reference,
        )

    def enter_state(self, instrument: Instrument, state: str, reason: bytes) -> None:
        """STATE_CHANGED, and what starts anew with a state."""
        before, instrument.state = instrument.state, state
        if AUCTIONS.get(before) != AUCTIONS.get(state):  # rule 14.9
            instrument.extensions = 0
        instrument.paused_since = instrument.end = None  # rule 13.11
        if state == CONTINUOUS:
            instrument.priced_at = None  # rule 10.8: pegs are priced
        self.emit(
            r.STATE_CHANGED,
            flags=r.VISIBLE,
            reason=ord(state),
            side=ord(before),
            quantity=int.from_bytes(reason, "little"),
        )

    def park_pegs(self, instrument: Instrument) -> None:
        """Rules 8.7 and 11.3."""
        instrument.priced_at = None
        for order in sorted(instrument.at(Place.BOOK), key=lambda peg: peg.accepted):
            if order.is_peg:
                self.leave_place(order)
                order.place = Place.PARKED

    def leave_place(self, order: Order) -> None:
        """Rule 11.6, of a peg."""
        if order.is_visible:
            where = (order.instrument + 1) << 32  # rule 8.3
            self.emit(r.REDUCED, order, flags=r.VISIBLE, quantity=order.quantity, other=where)
        order.place = Place.NOWHERE
