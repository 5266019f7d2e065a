"""Orders that take several steps, and those that wait behind them: rules 18.9 to 18.12."""

from tests.model.matching import LOOKED
from tests.model.orders import CONTINUOUS, TRADE_AT_CLOSE, Instrument, Order, Place
from tests.model.settlement import Settlement

COUNTED = 8  # rule 18.2: actions of each order that 10.9 lets it count


class UnderWay(Settlement):
    """What happens to an instrument that is busy."""

    def start(self, order: Order) -> None:
        """What becomes of an order when its turn has come."""
        raise NotImplementedError

    def start_or_wait(self, order: Order) -> None:
        """Rule 18.10."""
        instrument = self.instrument_of(order)
        if self.makes_wait(instrument) and not order.options.is_stop:
            self.be_busy(instrument)
            self.put(order, Place.UNDER_WAY)
            instrument.under_way.append(order)
        else:
            self.start(order)

    def go_on_with_book(self, instrument: Instrument) -> None:
        """Rule 18.11: one step of an instrument that is busy."""
        if instrument.in_hand:
            self.go_on_in_hand(instrument)
        while not instrument.in_hand and self.settle_on(instrument):
            if not instrument.under_way:
                self.busy.remove(instrument)
                instrument.is_busy = False
                return
            if self.step_is_over():
                break
            self.begin_turn(instrument, instrument.under_way[0])
        self.busy.append(self.busy.pop(0))

    def go_on_in_hand(self, instrument: Instrument) -> None:
        hand = instrument.in_hand
        assert hand is not None
        self.count_turn(hand.order)
        if hand.moves:
            instrument.under_way.remove(hand.order)
            instrument.in_hand = None
            self.move_peg(hand.order, hand.limit or 0)
            return
        self.remove(hand.order)
        hand.order.has_its_turn = True
        if instrument.state == TRADE_AT_CLOSE:
            self.trade_at_close(hand.order)
        else:
            self.aggress(hand.order, hand.limit, was_in_hand=True)
        hand.order.has_its_turn = False

    def begin_turn(self, instrument: Instrument, order: Order) -> None:
        self.count_turn(order)
        self.actions += LOOKED * self.displayed_pegs(instrument)
        if order.min_qty:
            self.actions += COUNTED * self.steps_max
        self.remove(order)
        instrument.last_before = instrument.last_price
        may_stay = order.may_rest or order.cross_type != "N"
        if instrument.state not in (CONTINUOUS, TRADE_AT_CLOSE) and not may_stay:
            self.cancel(order, "K")
            return
        order.has_its_turn = True
        self.start(order)
        order.has_its_turn = False
