"""States, the clock and the end of a day: section 13 of the rules, 5.9 and 2.10."""

from tests.model import records as r
from tests.model.auction_price import INDICATIVE_IN
from tests.model.engine_base import IgnoredError, LaterError
from tests.model.icebergs import split_mix_64
from tests.model.matching import LEFT, LOOKED
from tests.model.options import MalformedError
from tests.model.orders import (
    CLOSED,
    CONTINUOUS,
    PAUSED,
    RETIRED,
    STATES,
    TRADE_AT_CLOSE,
    End,
    Instrument,
    Order,
)
from tests.model.steps import Steps, Work

DAY_SECONDS = 86_400


class States(Steps):
    """SET_STATE, CLOCK and RETIRE_INSTRUMENT."""

    def set_state(self, record: bytes, index: int) -> None:
        """Rule 13.4."""
        state, force, reason = r.STATE.unpack_from(record, r.BODY)
        if index >= len(self.instruments) or chr(state) not in STATES or chr(state) == RETIRED:
            raise MalformedError
        instrument = self.instruments[index]
        if instrument.terms.price_min < 1 and chr(state) not in "CTH":  # rule 2.12
            raise MalformedError
        if instrument.state in (chr(state), RETIRED):
            raise IgnoredError
        is_waited_for = self.makes_wait(instrument) and not self.interrupts(instrument, chr(state))
        if self.is_emptied(instrument) or is_waited_for:  # rule 18.5
            raise LaterError
        if chr(state) == CLOSED:
            self.needs_room()
        self.change_state(instrument, chr(state), bool(force), reason)

    def interrupts(self, instrument: Instrument, state: str) -> bool:
        """Rule 18.5."""
        if state in (CLOSED, CONTINUOUS) or instrument.state_next:
            return False
        return not self.cross_type_of(instrument.state, state)

    def change_state(self, instrument: Instrument, state: str, force: bool, reason: bytes) -> None:
        """Rule 13.4, and 14.9 for an auction that is extended instead."""
        if self.cross_type_of(instrument.state, state):
            self.begin_auction(instrument, state, force, reason)
        else:
            self.complete_change(instrument, state, reason)

    def complete_change(self, instrument: Instrument, state: str, reason: bytes) -> None:
        before = instrument.state
        self.enter_state(instrument, state, reason)
        if state == CLOSED:
            self.end_of_day(instrument)
        if before in (CONTINUOUS, TRADE_AT_CLOSE):
            instrument.in_hand = None  # it is under way still
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
        """Rule 13.8."""
        if order.time_in_force == "6":
            return (order.options.expire_time or 0) < DAY_SECONDS
        return order.time_in_force != "1" or order.cross_type != "N"

    def retire_instrument(self, index: int) -> None:
        """Rule 2.8."""
        if index >= len(self.instruments):
            raise MalformedError
        instrument = self.instruments[index]
        if instrument.state == RETIRED:
            raise IgnoredError
        if self.is_emptied(instrument) or instrument.is_busy or instrument.state_next:  # rule 18.5
            raise LaterError
        self.needs_room()
        instrument.state, instrument.end = RETIRED, None
        orders = self.as_they_are_met(instrument)
        work = Work(r.RETIRE_INSTRUMENT, 0, index, "E", orders, lambda order: True)
        if self.begin(work):
            self.finish(work)
        else:
            self.park_pegs(instrument)

    def set_end(self, record: bytes, index: int) -> None:
        """Rule 13.11."""
        first, last, no_cancel, extension, code, force, reason = r.END.unpack_from(record, r.BODY)
        state = chr(code)
        if index >= len(self.instruments) or state not in STATES or state == RETIRED:
            raise MalformedError
        if first > last or last > 86_399:
            raise MalformedError
        instrument = self.instruments[index]
        if instrument.state not in INDICATIVE_IN or last <= self.second:
            raise IgnoredError
        if state == instrument.state or not self.cross_type_of(instrument.state, state):
            raise IgnoredError
        if instrument.state_next:  # rule 18.14
            raise LaterError
        instrument.end = End(first, last, no_cancel, extension, state, bool(force), reason)
        self.say_end(instrument)

    # The clock: rule 2.10

    def clock(self, record: bytes) -> None:
        second, force, draw = r.TIME.unpack_from(record, r.BODY)
        if second >= 86_400:
            raise MalformedError
        if second <= self.second:
            raise IgnoredError
        before, was_expiring = self.second, self.is_expiring
        may_end = not self.auctions  # rule 18.15
        self.expire(second)
        due = [one for one in self.instruments if may_end and self.is_due(one, second, draw)]
        starts = [one for one in self.instruments if self.starts_count(one)]
        for instrument in starts:
            instrument.paused_since = second
        self.second = second
        self.end_those(due)
        turn = self.indicate_next
        if not self.is_expiring and not self.auctions:
            self.say_indicatives()
        may_say = any(one.state in INDICATIVE_IN for one in self.instruments)
        begins_minute = before < 0 or second // 60 != before // 60
        expires = was_expiring or self.is_expiring
        is_of_use = bool(self.events or may_say or expires or begins_minute or force)
        if not is_of_use and not self.counts_seconds():
            self.indicate_next, self.second = turn, before
            raise IgnoredError

    def end_those(self, due: list[Instrument]) -> None:
        """Rules 13.9 and 13.11."""
        is_first = True
        for instrument in due:
            end = instrument.end or End(0, 0, 0, 0, CONTINUOUS, False, b"    ")
            if end.state != CLOSED or not self.is_full():
                if not self.auctions and not self.step_is_over():  # rule 18.14
                    self.say_instrument(instrument, is_first)
                    is_first = False
                self.change_state(instrument, end.state, end.force, end.reason)

    def say_instrument(self, instrument: Instrument, is_first: bool) -> None:
        """Rule 13.9."""
        if is_first:
            self.stamped = instrument.index
        else:
            self.emit(r.INSTRUMENT_NEXT, slot=instrument.index)

    def expire(self, second: int) -> None:
        """Rules 5.9, 18.13 and 18.14."""
        orders = [
            (order.options.expire_time, order.accepted, order)
            for order in self.live.values()
            if order.time_in_force == "6" and (order.options.expire_time or 0) <= second
        ]
        expired: list[Order] = []
        if self.auctions:
            self.is_expiring = bool(orders)
            return
        for _, _, order in sorted(orders):
            if self.step_is_over():
                break
            self.cancel(order, "T", says_where=True)
            self.actions += LOOKED + LEFT
            index = order.instrument
            if self.pegs_of(index) and index not in [one.instrument for one in expired]:
                self.actions += LEFT * self.followers_of(index)
            expired.append(order)
        self.is_expiring = len(expired) < len(orders)
        self.park_pegs_beside(expired)

    def begin_day(self) -> None:
        """Rule 2.4."""
        self.second, self.is_expiring = -1, False
        self.day += 1
        for instrument in self.instruments:
            instrument.paused_since = instrument.end = None

    def starts_count(self, instrument: Instrument) -> bool:
        """Rule 13.9."""
        return instrument.state == PAUSED and instrument.paused_since is None

    def bounds_of_end(self, instrument: Instrument) -> tuple[int, int] | None:
        """Rules 13.9 and 13.11: the first and the last second at which a call may end."""
        terms = instrument.terms
        if instrument.end:
            return instrument.end.first, instrument.end.last
        if instrument.state != PAUSED or instrument.paused_since is None:
            return None
        if not terms.pause_seconds:
            return None
        first = instrument.paused_since + terms.pause_seconds
        return first, first + terms.pause_random_seconds

    def is_due(self, instrument: Instrument, second: int, draw: int) -> bool:
        """Rules 13.9 and 13.11, with a CLOCK of this second."""
        bounds = self.bounds_of_end(instrument)
        if bounds is None:
            return False
        if self.makes_wait(instrument):  # rules 18.12 and 18.13
            return False
        first, last = bounds
        if not first <= second < last:
            return second >= last
        left = range(max(first, self.second + 1), last + 1)
        z, _ = split_mix_64(draw << 32 | instrument.index)
        return left[z % len(left)] <= second
