"""Commands that are carried out in steps: section 18 of the rules."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.model import records as r
from tests.model.auction_model import Auctions
from tests.model.engine_base import DoneError, IgnoredError, LaterError
from tests.model.matching import LEFT, LOOKED
from tests.model.orders import CLOSED, Instrument, Order, Place

WAITING_MAX, WAITING_OF_A_SESSION_MAX = 64, 8  # rule 18.5


@dataclass(eq=False)
class Work:
    """A command with the orders that it has yet to come to, in that order."""

    kind: int
    session: int
    index: int  # of the instrument in its header
    reason: str
    orders: list[Order]
    names: Callable[[Order], bool]
    cancelled: int = 0

    @property
    def empties(self) -> bool:
        """Whether it is the orders of an instrument that leave: rules 2.8 and 13.8."""
        return self.kind in (r.SET_STATE, r.RETIRE_INSTRUMENT)


class Steps(Auctions):
    """What waits for CONTINUE, and one step of it."""

    def __init__(self, limits: r.Limits) -> None:
        super().__init__(limits)
        self.waiting: list[Work] = []
        self.works_are_next = False  # rule 18.11

    def is_live(self, order: Order) -> bool:
        return self.live.get((order.session, order.user_ref)) is order

    def in_order_of_slots(self, orders: list[Order]) -> list[Order]:
        return sorted(orders, key=self.slot_of)

    def expire(self, second: int) -> None:
        raise NotImplementedError

    def needs_room(self, session: int = 0) -> None:
        """Rule 18.5."""
        if self.is_full():
            raise LaterError  # it takes many sessions
        own = [work for work in self.waiting if session and work.session == session]
        if len(own) == WAITING_OF_A_SESSION_MAX:
            raise LaterError

    def is_full(self) -> bool:
        """An auction that closes its instrument needs a place (rule 18.14)."""
        closing = [auction for auction in self.auctions if auction.state == CLOSED]
        return len(self.waiting) + len(closing) == WAITING_MAX

    def is_emptied(self, instrument: Instrument) -> bool:
        return any(work.empties and work.index == instrument.index for work in self.waiting)

    def begin(self, work: Work) -> bool:
        """Rules 18.3 and 18.14: the first step, unless others come first. Whether the command is
        done with it."""
        goes_first = not self.waiting and (work.empties or not self.auctions)
        if goes_first and self.step(work):
            return True
        self.waiting.append(work)
        return False

    @property
    def has_steps_left(self) -> bool:
        """Whether CONTINUE has anything to do."""
        return bool(self.waiting or self.busy or self.is_expiring or self.auctions)

    def go_on(self) -> None:
        """Rules 18.3, 18.11, 18.13 and 18.14: CONTINUE."""
        if not self.has_steps_left:
            raise IgnoredError
        if self.auctions:
            self.stamped = self.auctions[0].instrument.index
            self.auctions_step()
            return
        if self.is_expiring:
            self.stamped = r.INSTRUMENT_NONE
            self.expire(self.second)
            return
        if self.busy and not (self.works_are_next and self.waiting):
            self.works_are_next = True
            self.stamped = self.busy[0].index
            self.go_on_with_book(self.busy[0])
            return
        self.works_are_next = False
        work = self.waiting[0]
        self.stamped = work.index
        if self.step(work):
            del self.waiting[0]
            self.finish(work)

    def finish(self, work: Work) -> None:
        """What the last step says besides."""
        if work.kind == r.MASS_CANCEL:  # rule 8.1
            slot = self.slot(work.session)
            self.emit(r.MASS_CANCEL_RESPONSE, quantity=work.cancelled, slot=slot)
        if work.kind == r.RETIRE_INSTRUMENT:  # rule 2.8
            self.emit(r.INSTRUMENT_RETIRED, slot=work.index)

    def step(self, work: Work) -> bool:
        """Rules 18.2 and 18.4. Whether nothing is left."""
        taken, noted = [], set()
        while work.orders:
            order = work.orders[0]
            if self.is_live(order) and self.step_is_over():
                break
            del work.orders[0]
            if not self.is_live(order):
                continue
            self.actions += LOOKED
            if not work.names(order):
                continue
            self.actions += LEFT
            taken.append(order)
            if work.empties:
                continue
            self.take(work, order)
            pegs = self.pegs_of(order.instrument)
            if pegs and order.instrument not in noted:
                noted.add(order.instrument)
                self.actions += LEFT * self.followers_of(order.instrument)
        if work.empties:
            for order in self.in_order_of_slots(taken):
                self.take(work, order)
        else:
            self.park_pegs_beside(taken)
        return not work.orders

    def take(self, work: Work, order: Order) -> None:
        self.cancel(order, work.reason, says_where=not work.empties)
        work.cancelled += 1

    def meet(self, order: Order) -> None:
        """Rule 18.6: its owner has something to say of an order."""
        if self.is_in_auction(order):
            return
        for work in self.waiting:
            if order in work.orders and work.names(order):
                self.take(work, order)
                if not work.empties:
                    self.park_pegs_beside([order])
                raise DoneError

    def pegs_of(self, index: int) -> list[Order]:
        return [order for order in self.instruments[index].orders if order.is_peg]

    def park_pegs_beside(self, cancelled: list[Order]) -> None:
        """Rule 8.7."""
        for index in dict.fromkeys(order.instrument for order in cancelled):
            instrument = self.instruments[index]
            if self.quotes_of(instrument) != instrument.priced_at:
                self.park_pegs(instrument)

    def as_they_are_met(self, instrument: Instrument) -> list[Order]:
        """Rule 18.4: the order in which the orders of an instrument are come to."""
        return sorted(instrument.orders, key=self.when_met)

    def when_met(self, order: Order) -> tuple[int, bool, int, int]:
        if order.is_peg:
            return 5, False, 0, order.accepted
        if order.place == Place.STOPS and not order.stop_price:  # rule 10.6
            return 6, False, 0, order.accepted
        if order.place == Place.STOPS:  # rule 10.7
            sign = -1 if order.sells else 1
            return 2, order.sells, sign * order.stop_price, order.arrival
        price = order.event_price if order.sells else -order.event_price
        if order.place == Place.WAITING and order.is_market:  # rule 14.4
            return 4, order.sells, 0, order.arrival
        if order.place == Place.WAITING:
            return 3, order.sells, price, order.arrival
        return int(order.is_hidden), order.sells, price, order.arrival
