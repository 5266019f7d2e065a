"""What follows by itself: stops, trailing stops and pegs (10.4 to 10.8, section 11)."""

from tests.model import records as r
from tests.model.icebergs import attribution
from tests.model.matching import LEFT, LOOKED, Matching
from tests.model.orders import CONTINUOUS, Instrument, Order, Place, is_more_aggressive

MINIMUM_STEPS_MIN = 32  # rule 10.10


class Settlement(Matching):
    """Dormant and pegged orders."""

    # Stops

    def make_stop(self, order: Order) -> None:
        """Rules 10.4 and 10.6: a new stop sleeps."""
        options = order.options
        self.put(order, Place.STOPS)
        if options.stop_price is not None:
            order.stop_price = options.stop_price
        else:
            order.stop_price = self.trailing_price(order)

    def trailing_price(self, order: Order) -> int:
        """Rule 10.6: TrailOffset away from the last price; 0 when that is out of range."""
        instrument, offset = self.instrument_of(order), order.options.trail_offset
        assert offset is not None
        terms = instrument.terms
        grid = terms.grid
        if order.sells:
            price = grid.at_or_below(instrument.last_price - offset)
        else:
            price = grid.at_or_above(instrument.last_price + offset)
        return price if terms.price_min <= price <= terms.price_max else 0

    def follow_last_price(self, instrument: Instrument) -> None:
        """Rule 10.8 (a)."""
        if not instrument.last_price:
            return
        stops = instrument.at(Place.STOPS)
        for order in sorted(stops, key=lambda stop: stop.accepted):
            if order.options.trail_offset is None:
                continue
            price = self.trailing_price(order)
            if not price or price == order.stop_price:
                continue
            moves_up = price > order.stop_price
            if not order.stop_price or moves_up == order.sells:
                order.stop_price = price
                order.arrival = self.next_arrival()
                self.actions += LEFT  # rule 18.2

    def triggered(self, instrument: Instrument) -> list[Order]:
        """Rule 10.4, in the order of rule 10.7."""
        last = instrument.last_price
        if not last:
            return []
        stops = [o for o in instrument.at(Place.STOPS) if o.stop_price]
        buys = [o for o in stops if not o.sells and last >= o.stop_price]
        sells = [o for o in stops if o.sells and last <= o.stop_price]
        buys.sort(key=lambda stop: (stop.stop_price, stop.arrival))
        sells.sort(key=lambda stop: (-stop.stop_price, stop.arrival))
        return buys + sells

    def activate(self, order: Order) -> None:
        """Rule 10.5."""
        self.remove(order)
        order.options = order.options.without_stop()
        self.emit(r.ACTIVATED, order, quantity=order.quantity)
        self.end_pair(order)
        self.aggress(order, self.limit_of(order))

    # The beginning of trading

    def begin_trading(self, instrument: Instrument) -> None:
        """Rule 10.10."""
        due = len([order for order in instrument.orders if self.is_to_begin(order)])
        for sells in (False, True):
            for order in self.queue(instrument, sells):
                if not self.is_to_begin(order) or instrument.state != CONTINUOUS:
                    continue
                steps = min(self.steps_max, max(MINIMUM_STEPS_MIN, self.steps_max // due))
                if self.reaches_min_qty(order, order.rest_price, steps):
                    self.trade(order, order.rest_price, order.rest_price, may_stop=False)
                if order.quantity == 0:
                    self.remove(order)
                self.act_on_protections()

    def is_to_begin(self, order: Order) -> bool:
        """Whether it has a MinQty, and its limit reaches an order of the other side."""
        if order.place != Place.BOOK or not order.options.min_qty:
            return False
        if order.options.post_only == "P":
            return False
        return any(
            not is_more_aggressive(order.sells, other.rest_price, order.rest_price)
            for other in self.opposite(order)
        )

    # Settlement

    def settle(self, instrument: Instrument) -> None:
        """Rule 10.8, as far as the step goes (18.9)."""
        if instrument.is_busy:
            return
        if self.is_put_off(instrument) or not self.settle_on(instrument):
            self.be_busy(instrument)

    def is_put_off(self, instrument: Instrument) -> bool:
        """Rule 18.13."""
        trades = instrument.state == CONTINUOUS
        return self.is_expiring and trades and self.followers_of(instrument.index) > 0

    def settle_on(self, instrument: Instrument) -> bool:
        """Rule 10.8. False when the step is over before the end."""
        is_done = self.settle_as_far(instrument)
        if is_done:
            instrument.pegs_left, instrument.were_pegs_priced = None, False
        return is_done

    def settle_as_far(self, instrument: Instrument) -> bool:
        while instrument.state == CONTINUOUS:
            if instrument.pegs_left is None:
                if not self.wake_stops(instrument):  # (a) and (b)
                    return False
                pegs, quotes = self.pegs_in_order(instrument), self.quotes_of(instrument)
                is_due = instrument.owes_pegs or quotes != instrument.priced_at
                if instrument.state != CONTINUOUS or not pegs or not is_due:
                    return True  # (c)
                if self.step_actions_max and self.would_move_again(instrument):
                    return False
                instrument.priced_at, instrument.owes_pegs = quotes, False
                instrument.is_pricing_again = instrument.were_pegs_priced
                instrument.were_pegs_priced = True
                instrument.price_before_pegs = instrument.last_price
                instrument.pegs_left = pegs
            if not self.price_pegs(instrument, instrument.pegs_left):
                return False
            instrument.pegs_left = None
            # Between two steps the quotes may change, and pegs may be parked (rule 8.7).
            if self.quotes_of(instrument) != instrument.priced_at:
                instrument.were_pegs_priced = False
            elif instrument.last_price == instrument.price_before_pegs:
                return True
        return True

    def wake_stops(self, instrument: Instrument) -> bool:
        while instrument.state == CONTINUOUS:
            self.follow_last_price(instrument)  # (a)
            triggered = self.triggered(instrument)
            if not triggered:
                return True
            if self.step_is_over():
                return False
            self.count_turn(triggered[0])
            self.actions += LOOKED * self.followers_of(instrument.index)
            self.activate(triggered[0])  # (b)
            if instrument.in_hand:
                return False
        return True

    def followers_of(self, index: int) -> int:
        """Rule 4.14: live pegs and stops."""
        orders = self.instruments[index].orders
        return sum(order.is_peg or order.place == Place.STOPS for order in orders)

    # Pegs

    def quotes_of(self, instrument: Instrument) -> tuple[int, int]:
        """Rule 11.1: what pegs follow."""
        return instrument.quote(False), instrument.quote(True)

    def would_move_again(self, instrument: Instrument) -> bool:
        """Rule 18.9: whether an earlier settlement of this step priced displayed pegs already."""
        is_new = not instrument.were_pegs_priced
        return is_new and instrument in self.priced and self.displayed_pegs(instrument) > 0

    def displayed_pegs(self, instrument: Instrument) -> int:
        return sum(order.is_peg and not order.is_hidden for order in instrument.orders)

    def pegs_in_order(self, instrument: Instrument) -> list[Order]:
        pegs = [order for order in instrument.orders if order.is_peg]
        return sorted(pegs, key=lambda peg: (peg.is_hidden, peg.accepted))

    def price_pegs(self, instrument: Instrument, pegs: list[Order]) -> bool:
        """Rules 11.4 and 11.6. False when the step is over before the end."""
        self.priced.append(instrument)
        while instrument.state == CONTINUOUS:
            # Gone since, or to get its price with its turn.
            while pegs and (pegs[0] not in instrument.orders or pegs[0].place == Place.UNDER_WAY):
                del pegs[0]
            if not pegs:
                return True
            if self.step_is_over():
                return False
            order = pegs.pop(0)
            self.actions += LOOKED
            price_now = order.rest_price if order.place == Place.BOOK else None
            price = self.peg_price(order)
            if price != price_now and instrument.is_pricing_again and not order.is_hidden:
                price, instrument.owes_pegs = None, True
            if price == price_now:
                continue
            self.count_turn(order)
            self.leave_place(order)
            order.place = Place.PARKED
            if price is not None:
                self.move_peg(order, price)
            if instrument.in_hand:
                return False
        return True

    def move_peg(self, order: Order, price: int) -> None:
        order.place = Place.NOWHERE
        paused = self.trade(order, price, price, moves=True)
        if order.quantity == 0:
            self.remove(order)
        elif paused:
            order.place = Place.PARKED
        elif order.place != Place.UNDER_WAY:
            self.rest(order, price, announce=False)
            if order.is_visible:
                self.show_peg(order)

    def show_peg(self, order: Order) -> None:
        """Rule 11.6."""
        old_ref, order.order_ref = order.order_ref, self.next_order_ref()
        self.emit(
            r.REPLENISHED,
            order,
            flags=r.VISIBLE | attribution(order),
            reason=ord("P"),
            quantity=order.quantity,
            other=old_ref,
        )

    def peg_price(self, order: Order) -> int | None:
        """Rules 11.1 and 11.2; None when the peg has no price."""
        instrument = self.instrument_of(order)
        terms, grid = instrument.terms, instrument.terms.grid
        same = instrument.quote(order.sells)
        opposite = instrument.quote(not order.sells)
        needed = {"R": [same], "P": [opposite], "M": [same, opposite]}[order.options.price_type]
        if 0 in needed:
            return None
        total = sum(needed) // len(needed) + order.options.peg_offset
        if order.sells:
            price = grid.at_or_above(total)
            if opposite:
                price = max(price, grid.above(opposite))
            if not order.is_market:
                price = max(price, order.price)
        else:
            price = grid.at_or_below(total)
            if opposite:
                price = min(price, grid.below(opposite))
            if not order.is_market:
                price = min(price, order.price)
        return price if terms.holds(price) else None

    def start_peg(self, order: Order) -> None:
        """Rules 11.3 and 11.5: a new peg."""
        price = self.peg_price(order) if self.is_continuous(order) else None
        if price is None:
            self.put(order, Place.PARKED)
        else:
            self.aggress(order, price)
