"""States, the clock and the end of a day: section 13 of the rules, 5.9 and 2.10."""

from tests.model import records as r
from tests.model.engine_base import IgnoredError, LaterError
from tests.model.options import MalformedError
from tests.model.orders import (
    CLOSED,
    CONTINUOUS,
    PAUSED,
    RETIRED,
    STATES,
    Instrument,
    Order,
)
from tests.model.steps import Steps, Work


class States(Steps):
    """SET_STATE, CLOCK and RETIRE_INSTRUMENT."""

    def set_state(self, record: bytes, index: int) -> None:
        """Rule 13.4."""
        state, force, reason = r.STATE.unpack_from(record, r.BODY)
        if index >= len(self.instruments) or chr(state) not in STATES or chr(state) == RETIRED:
            raise MalformedError
        instrument = self.instruments[index]
        if instrument.state in (chr(state), RETIRED):
            raise IgnoredError
        if self.is_emptied(instrument) or instrument.is_busy:  # rule 18.5
            raise LaterError
        if chr(state) == CLOSED:
            self.needs_room()
        self.change_state(instrument, chr(state), bool(force), reason)

    def change_state(self, instrument: Instrument, state: str, force: bool, reason: bytes) -> None:
        """Rule 13.4, and 14.9 for an auction that is extended instead."""
        before = instrument.state
        cross = self.cross_type_of(before, state)
        if cross and not self.auction(instrument, cross, state, force):
            return
        self.enter_state(instrument, state, reason)
        if state == CLOSED:
            self.end_of_day(instrument)
        if before == CONTINUOUS:
            self.park_pegs(instrument)
        if state == CONTINUOUS:
            self.begin_trading(instrument)
        self.settle(instrument)

    def end_of_day(self, instrument: Instrument) -> None:
        """Rules 5.8 and 13.8."""
        orders = self.as_they_are_met(instrument)
        self.begin(Work(r.SET_STATE, 0, instrument.index, "E", orders, self.leaves_with_the_day))

    def leaves_with_the_day(self, order: Order) -> bool:
        return order.time_in_force != "1" or order.cross_type != "N"

    def retire_instrument(self, index: int) -> None:
        """Rule 2.8."""
        if index >= len(self.instruments):
            raise MalformedError
        instrument = self.instruments[index]
        if instrument.state == RETIRED:
            raise IgnoredError
        if self.is_emptied(instrument) or instrument.is_busy:  # rule 18.5
            raise LaterError
        self.needs_room()
        instrument.state = RETIRED
        orders = self.as_they_are_met(instrument)
        work = Work(r.RETIRE_INSTRUMENT, 0, index, "E", orders, lambda order: True)
        if self.begin(work):
            self.finish(work)
        else:
            self.park_pegs(instrument)

    # The clock: rule 2.10

    def clock(self, record: bytes) -> None:
        second, force = r.TIME.unpack_from(record, r.BODY)
        if second >= 86_400:
            raise MalformedError
        if second <= self.second:
            raise IgnoredError
        self.expire(second)
        due = [one for one in self.instruments if self.is_due(one, second)]
        starts = [one for one in self.instruments if self.starts_count(one)]
        for instrument in starts:
            instrument.paused_since = second
        for number, instrument in enumerate(due):
            if number == 0:
                self.stamped = instrument.index
            else:
                self.emit(r.INSTRUMENT_NEXT, slot=instrument.index)
            self.change_state(instrument, CONTINUOUS, False, b"    ")
        turn = self.indicate_next
        self.say_indicatives()
        begins_minute = self.second < 0 or second // 60 != self.second // 60
        if not self.events and not starts and not begins_minute and not force:
            self.indicate_next = turn
            raise IgnoredError
        self.second = second

    def expire(self, second: int) -> None:
        """Rule 5.9."""
        orders = [
            (order.options.expire_time, order.accepted, order)
            for order in self.live.values()
            if order.time_in_force == "6" and (order.options.expire_time or 0) <= second
        ]
        for _, _, order in sorted(orders):
            self.cancel(order, "T", says_where=True)
        self.park_pegs_beside([order for _, _, order in orders])

    def begin_day(self) -> None:
        """Rule 2.4."""
        self.second = -1
        for instrument in self.instruments:
            instrument.paused_since = None

    def starts_count(self, instrument: Instrument) -> bool:
        """Rule 13.9."""
        return instrument.state == PAUSED and instrument.paused_since is None

    def is_due(self, instrument: Instrument, second: int) -> bool:
        """Rule 13.9."""
        if instrument.state != PAUSED or not instrument.terms.pause_seconds:
            return False
        if instrument.is_busy:  # rule 18.12
            return False
        if instrument.paused_since is None:
            return False
        return second - instrument.paused_since >= instrument.terms.pause_seconds
