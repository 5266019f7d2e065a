"""Random commands from a seed: mostly sensible, some wrong in every way that the rules name.

Commands are made one at a time, after the model has applied the one before, so that most of them
name orders that are live. Books are dense: few prices, small quantities, all kinds of orders.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.model import records as r
from tests.model.engine_model import EngineModel
from tests.model.order_mix import MID, STEP, OrderMix
from tests.model.orders import RETIRED, Instrument

BELOW_1: dict[str, Any] = {
    "price_min": -40 * STEP,
    "price_max": 40 * STEP,
    "post_only_mode": 1,
    "allocation": 1,
    "min_quantity_max": 3,
}
SHAPES: tuple[dict[str, Any], ...] = (
    {
        "price_min": MID - 40 * STEP,
        "price_max": MID + 40 * STEP,
        "reference": MID,
        "static": 80,
        "dynamic": 30,
        "auction": 40,
        "entry": 50,
        "protection": 20,
        "pause_seconds": 3,
        "pause_random_seconds": 4,
        "post_only_mode": 1,
        "extensions": 2,
        "followers_max": 6,
        "min_quantity_max": 3,
        "allocation": 1,
        "allocation_min": 2,
    },
    {
        "table": 1,
        "lot": 10,
        "price_min": MID - 30 * STEP,
        "price_max": MID + 30 * STEP,
        "pause_seconds": 2,
    },
    BELOW_1,
    {
        "tick": 1,
        "price_min": 1,
        "initial_state": "O",
        "protection": 50,
        "pause_seconds": 2,
        "allocation": 2,
    },
    {
        "lot": 5,
        "price_min": MID - 5 * STEP - 30,
        "price_max": MID + 5 * STEP + 30,
        "quantity_max": 200,
        "dynamic": 30,
        "initial_state": "C",
        "pause_seconds": 1,
        "post_only_mode": 1,
    },
)


BANDS = ((0, 50), (MID, STEP), (MID + 400, 2 * STEP))
# As many as there may be, all of them where orders are entered.
MANY_BANDS = ((0, 50), *((MID - 12 * STEP + n * STEP, (100, 50, 25)[n % 3]) for n in range(23)))
WRONG_BANDS = (
    (),
    ((1, 100),),
    ((0, 0),),
    ((0, 100), (MID + 1, 100)),
    ((0, 30), (MID, 100)),
    ((0, 100), (MID, 200), (MID, 100)),
    ((0, 100), (MID + 200, 0)),
    ((0, 100), (-MID, 100)),
    ((0, 100), (2_000_000_000, 100)),
)


class CommandMix:
    """A stream of commands for the model given; read it one by one."""

    def __init__(self, seed: int, model: EngineModel, step_actions_max: int = 0) -> None:
        self.random = Random(seed)
        self.step_actions_max = step_actions_max
        self.model = model
        self.limits = model.limits
        self.orders = OrderMix(self.random, model)
        self.maybe = self.orders.maybe

    def opening(self) -> Iterator[bytes]:
        """The stream's first commands: most instruments, of different shapes, and every session."""
        if self.maybe(0.3):
            yield r.define_instrument(0)
        if self.maybe(0.3):
            yield r.stream_start(self.limits, version=1)
            yield r.stream_start(self.limits._replace(orders_max=self.limits.orders_max + 1))
        yield r.stream_start(self.limits, step_actions_max=self.step_actions_max)
        yield r.define_tick_table(1, BANDS)
        for index in range(max(1, self.limits.instruments_max - 1)):
            if self.maybe(0.5):
                yield r.define_instrument(index, **self._shape(index))
            if len(self.model.instruments) == index:
                yield r.define_instrument(index, **SHAPES[index % len(SHAPES)])
        if self.maybe(0.3):
            yield r.define_session(1, "X")
        for session in range(1, self.limits.sessions_max + 1):
            yield r.define_session(
                session,
                self.random.choice("NOBD-\0"),
                self.random.choice((0, 7, 7)),
                self.random.choice(("FIRM", "FIRM", "ELSE")),
            )

    def commands(self, count: int) -> Iterator[bytes]:
        makers: tuple[Callable[[], bytes], ...] = (
            self._enter,
            self._cancel,
            self._replace,
            self._modify,
            self._state,
            self._clock,
            self._session_command,
            self._rare,
            self._damaged,
        )
        weights = (600, 80, 100, 60, 25, 18, 12, 9, 3)
        if self.step_actions_max:  # what may take several steps comes more often
            weights = (500, 100, 100, 80, 50, 30, 60, 12, 3)
        for make in self.random.choices(makers, weights=weights, k=count):
            while self.step_actions_max and self.maybe(0.25 if self.model.has_steps_left else 0.01):
                yield r.continue_()
            if self.step_actions_max and self.maybe(0.0005):  # more than may wait: rule 18.5
                for _ in range(40):
                    yield self._mass_cancel(self._session())
            if self.step_actions_max and self.maybe(0.004):
                yield from self._peg_over_hidden()
            if self.step_actions_max and self.maybe(0.004):
                yield from self._halt_in_hand()
            if self.maybe(0.01):
                yield from self._peg_twice()
            yield make()

    def _session(self) -> int:
        return self.random.randint(1, self.limits.sessions_max)

    def _instrument(self) -> int:
        if self.maybe(0.01):
            return self.random.choice((self.limits.instruments_max, r.INSTRUMENT_NONE))
        index = min(int(self.random.expovariate(0.9)), max(0, len(self.model.instruments) - 1))
        instrument = self._known(index)
        if instrument is not None and instrument.state in "CHR" and self.maybe(0.7):
            return 0  # few orders where none is taken
        return index

    def _known(self, index: int) -> Instrument | None:
        return self.model.instruments[index] if index < len(self.model.instruments) else None

    def _next_user_ref(self, session: int) -> int:
        last = self.model.sessions[session].user_ref_last
        chance = self.random.random()
        if chance < 0.01:
            return self.random.randint(0, last)
        if chance < 0.012:
            return self.random.choice((1 << self.limits.user_ref_bits, 0xFFFFFFFF))
        return last + (1 if chance < 0.99 else self.random.choice((2, 5, 60, 200)))

    def _known_order(self) -> tuple[int, int]:
        """A session and one of its numbers: of a live order, or of a dead or impossible one."""
        if self.model.live and self.maybe(0.92):
            return self.random.choice(list(self.model.live))
        session = self._session()
        last = self.model.sessions[session].user_ref_last
        impossible = (0, 1 << self.limits.user_ref_bits, 0xFFFFFFFF)
        if self.maybe(0.1):
            return session, self.random.choice(impossible)
        return session, self.random.randint(0, last)

    def _peg_over_hidden(self) -> Iterator[bytes]:
        """A buy that follows the best sell past hidden ones, as the best one is taken: a peg that
        executes more than once as it moves is rare by chance."""
        index = self._instrument()
        instrument = self._known(index)
        first = None if instrument is None else instrument.best_displayed(sells=True)
        if instrument is None or first is None:
            return
        terms, prices = instrument.terms, [first]
        for _ in range(4):
            prices.append(terms.grid.above(prices[-1]))
        best, *between, behind = prices
        lot = terms.lot
        for price in between:
            yield self._plain(index, "S", lot, price, display="N")
        yield self._plain(index, "S", lot, behind)
        options = {"price_type": "P"}
        yield self._plain(index, "B", 5 * lot, r.MARKET, display="N", options=options)
        yield self._plain(index, "B", 20 * lot, best, time_in_force="3")

    def _peg_twice(self) -> Iterator[bytes]:
        """A bid that moves pegs, of which a hidden one executes and wakes a stop that bids more: a
        displayed peg that would move twice (rule 11.6) is rare by chance."""
        index = self._instrument()
        instrument = self._known(index)
        if instrument is None or not instrument.quote(sells=False):
            return
        grid = instrument.terms.grid
        prices = [instrument.quote(sells=False)]
        for _ in range(3):
            prices.append(grid.above(prices[-1]))
        first, second, third, fourth = prices
        sell = instrument.best_displayed(sells=True)
        is_near = sell is not None and sell < fourth
        if is_near or not 0 < instrument.last_price < third:
            return
        lot = instrument.terms.lot
        follows = {"price_type": "R"}
        yield self._plain(index, "S", lot, third, display="N")
        yield self._plain(index, "B", lot, r.MARKET, options=follows)
        follows_closely = {**follows, "peg_offset": second - first}
        yield self._plain(index, "B", lot, r.MARKET, display="N", options=follows_closely)
        yield self._plain(index, "B", lot, third, options={"stop_price": third})
        yield self._plain(index, "B", lot, second)

    def _halt_in_hand(self) -> Iterator[bytes]:
        """A halt between two steps of an order, and the auction of the book that it leaves crossed:
        where prices go below 1 (rule 2.12) no other auction executes."""
        known = [one for one in self.model.instruments if one.state == "T"]
        below_1 = [one for one in known if one.terms.price_min < 1]
        if not below_1:
            return
        index, lot = below_1[0].index, below_1[0].terms.lot
        for steps in (-2, -1, 0, 1, 2):
            yield self._plain(index, "S", lot, steps * STEP)
        yield self._plain(index, "B", 8 * lot, 3 * STEP)
        yield r.set_state(index, "H")
        for _ in range(3):
            yield r.continue_()
        yield r.set_state(index, "T")

    def _plain(
        self,
        index: int,
        side: str,
        quantity: int,
        price: int,
        options: dict[str, Any] | None = None,
        **fields: Any,
    ) -> bytes:
        session = self._session()
        user_ref = self._next_user_ref(session)
        given = self.orders.elements(options or {})
        return r.enter(
            session, user_ref, side, quantity, price, instrument=index, options=given, **fields
        )

    # Orders

    def _enter(self) -> bytes:
        session, index = self._session(), self._instrument()
        instrument = self._known(index)
        side = self.random.choice("BBBBSSTE")
        fields, options = self.orders.order(instrument, side)
        if self.maybe(0.04):
            self.orders.spoil(instrument, fields, options)
        return r.enter(
            session,
            self._next_user_ref(session),
            side if self.maybe(0.997) else "X",
            instrument=index,
            options=self.orders.elements(options),
            **fields,
        )

    def _replace(self) -> bytes:
        session, original = self._known_order()
        old = self.model.live.get((session, original))
        instrument = self.model.instruments[old.instrument] if old else None
        fields, options = self.orders.order(instrument, old.side if old else "B")
        if old and self.maybe(0.8):
            lot = instrument.terms.lot if instrument else 1
            wanted = old.total + lot * self.random.randint(-3, 5)
            fields["quantity"] = min(max(0, wanted), 0xFFFFFFFF)
        if old and self.maybe(0.7):  # most replacements keep what the order is
            options = {}
            fields["display"] = old.display
            fields["time_in_force"] = old.time_in_force
        if self.maybe(0.03):
            self.orders.spoil(instrument, fields, options)
        if self.maybe(0.05):
            options["side"] = self.random.choice("BSTEX")
        if self.maybe(0.03):
            options[self.random.choice(("stop_price", "trail_offset"))] = 0
        del fields["cross_type"]
        return r.replace(
            session,
            original,
            self._next_user_ref(session),
            options=self.orders.elements(options),
            **fields,
        )

    def _smaller_total(self, session: int, user_ref: int) -> int:
        order = self.model.live.get((session, user_ref))
        if order is None or self.maybe(0.1):
            return self.random.choice((0, 1, 3, 10, 50))
        lot = self.model.instruments[order.instrument].terms.lot
        return max(0, order.total - lot * self.random.choice((0, 0, 1, 1, 2, 4, 8)))

    def _cancel(self) -> bytes:
        session, user_ref = self._known_order()
        total = 0 if self.maybe(0.4) else self._smaller_total(session, user_ref)
        return r.cancel(session, user_ref, total, "S" if self.maybe(0.1) else "\0")

    def _modify(self) -> bytes:
        session, user_ref = self._known_order()
        order = self.model.live.get((session, user_ref))
        side = order.side if order and self.maybe(0.7) else self.random.choice("BSTEX")
        return r.modify(session, user_ref, self._smaller_total(session, user_ref), side)

    # The venue

    def _state(self) -> bytes:
        emptied = [work.index for work in self.model.waiting if work.empties]
        if emptied and self.maybe(0.3):  # which has to wait: rule 18.5
            return r.retire_instrument(self.random.choice(emptied))
        index = self._instrument()
        asleep = [one.index for one in self.model.instruments if one.state not in "TR"]
        if asleep and self.maybe(0.6):
            index = self.random.choice(asleep)
        trading = [one.index for one in self.model.instruments if one.state == "T"]
        is_paused = any(one.state == "P" for one in self.model.instruments)
        if is_paused and trading and self.maybe(0.3):  # so that several resume with one CLOCK
            return r.set_state(self.random.choice(trading), "P")
        instrument = self._known(index)
        in_call = [one for one in self.model.instruments if one.state in "OLP"]
        if in_call and self.maybe(0.35):
            return self._end(self.random.choice(in_call))
        state = self.random.choice("CBOTHPQLX" if self.maybe(0.97) else "RZ")
        if instrument and instrument.state != "T" and self.maybe(0.75):
            state = "T"
        if instrument and instrument.state == "T" and self.maybe(0.3):
            state = self.random.choice("QLX")
        return r.set_state(index, state, self.random.choice(("", "T1")), self.maybe(0.3))

    def _end(self, instrument: Instrument) -> bytes:
        """Of a call: mostly soon, and mostly one that can be."""
        first = max(self.model.second, 0) + self.random.choice((0, 1, 2, 4))
        last = first + self.random.choice((0, 1, 3, 6))
        if self.maybe(0.05):
            last = self.random.choice((0, first - 1 if first else 0, 86_399, 86_400))
        states = "TTTTCBQXX" if instrument.state == "L" else "T"
        return r.set_end(
            instrument.index if self.maybe(0.97) else self._instrument(),
            first,
            last,
            self.random.choice(states) if self.maybe(0.95) else self.random.choice("CBOTHPQLXRZ"),
            no_cancel=self.random.choice((0, 1, 3, 10, 0xFFFFFFFF)),
            extension=self.random.choice((0, 0, 1, 4)),
            reason=self.random.choice(("", "T1")),
            force=self.maybe(0.3),
        )

    def _clock(self) -> bytes:
        if self.maybe(0.03):
            return r.clock(self.random.choice((0, max(0, self.model.second), 86_400)))
        later = self.random.choice((1, 1, 1, 2, 30))
        draw = self.random.getrandbits(16)
        return r.clock(self.model.second + later, force=self.maybe(0.1), draw=draw)

    def _session_command(self) -> bytes:
        sessions = self.model.sessions.items()
        disabled = [number for number, session in sessions if session.entry_disabled]
        if disabled and self.maybe(0.7):
            return r.short(r.ENABLE_ORDER_ENTRY, self.random.choice(disabled))
        kinds = (r.DISABLE_ORDER_ENTRY, r.ENABLE_ORDER_ENTRY, r.ACCOUNT_QUERY, r.CANCEL_SESSION)
        kind = self.random.choice((*kinds, r.CANCEL_SESSION, *[r.MASS_CANCEL] * 4))
        session = self._session() if self.maybe(0.97) else 0
        if kind != r.MASS_CANCEL:
            reason = self.random.choice("\0\0S") if kind == r.CANCEL_SESSION else "\0"
            return r.short(kind, session, reason=reason)
        return self._mass_cancel(session)

    def _mass_cancel(self, session: int) -> bytes:
        instrument = self._instrument()
        return r.mass_cancel(
            session,
            symbol_given=self.maybe(0.5),
            instrument=instrument,
            reason=self.random.choice("\0\0S"),
            group=self.random.choice((None, None, 1, 2)),
            side_given=self.maybe(0.4),
            side=self.random.choice("BST\0"),
            scope=self.random.choice((0, 0, 1)),
        )

    def _rare(self) -> bytes:
        makers = (
            (self._bust, 3),
            (self._change, 6),
            (self._define, 5),
            (self._retire, 1),
            (self._system_event, 2),
        )
        (make,) = self.random.choices([one for one, _ in makers], [weight for _, weight in makers])
        return make()

    def _damaged(self) -> bytes:
        """What is no record, but says how long it is."""
        record = self._enter()
        return self.random.choice(
            (
                record[:2] + (len(record) + 8).to_bytes(2, "little") + record[4:] + bytes(8),
                r.short(99, 1),
                r.header(r.CANCEL_ORDER, r.HEADER.size, 1),
            )
        )

    def _system_event(self) -> bytes:
        if self.maybe(0.1):
            return r.stream_start(self.limits)
        return r.system_event(self.random.choice("OSQMECX"))

    def _bust(self) -> bytes:
        slots = [self.model.slot(self._session(), self.random.randint(0, 9)), 0, 5]
        return r.bust_trade(
            self.random.randint(0, self.model.match_number_last + 1),
            self.random.choice(slots),
            self.random.choice(slots),
            instrument=r.INSTRUMENT_NONE if self.maybe(0.1) else self._instrument(),
        )

    def _shape(self, index: int) -> dict[str, Any]:
        """A definition, sometimes one that is refused or different from what it was."""
        shape: dict[str, Any] = dict(SHAPES[index % len(SHAPES)])
        shape["price_max"] = shape.get("price_max", r.PRICE_MAX)
        change = {
            "reference": self.random.choice((0, 0, MID, MID + STEP, MID + 7)),
            "protection": self.random.choice((0, 20, 10_001)),
            "dynamic": self.random.choice((0, 40, 80)),
            "static": self.random.choice((0, 100, 200)),
            "pause_seconds": self.random.choice((0, 2, 5)),
            "pause_random_seconds": self.random.choice((0, 1, 3)),
            "post_only_mode": self.random.choice((0, 1, 2)),
            "allocation": self.random.choice((0, 1, 2, 3)),
            "allocation_min": self.random.choice((0, 5, 20)),
            "tick": self.random.choice((0, 10, 1_000_000)),
            "quantity_max": self.random.choice((0, 500, 0xFFFFFFFF)),
            "price_decimals": self.random.choice((0, 9, 10)),
            "quantity_decimals": self.random.choice((0, 9, 10)),
            "followers_max": self.random.choice((1, 2, 4)),
            "min_quantity_max": self.random.choice((1, 2, 4)),
            "lot": self.random.choice((0, 2, 300)),
            "price_min": self.random.choice((0, 1, -STEP, MID - 10 * STEP, MID + 200 * STEP)),
            "price_max": self.random.choice((shape["price_max"], r.PRICE_MAX)),
            "initial_state": self.random.choice("\0TRX"),
            "table": self.random.randint(0, len(self.model.tick_tables) + 1),
        }
        for name in self.random.sample(sorted(change), k=self.random.choice((0, 1, 2, 3, 4))):
            shape[name] = change[name]
        return shape

    def _change(self) -> bytes:
        index = self._instrument()
        kind = r.CHANGE_INSTRUMENT
        shape = self._shape(index)
        if self.maybe(0.1):
            shape = {**BELOW_1, "price_min": self.random.choice((1, 0, -STEP))}
        return r.define_instrument(index & 0xFFFF, record_type=kind, **shape)

    def _define(self) -> bytes:
        if self.maybe(0.3):
            return r.define_session(self.random.choice((0, 1, 2, 99)), self.random.choice("NX"))
        if self.maybe(0.5):
            return self._table()
        index = len(self.model.instruments) + self.random.choice((0, 0, 0, 1, -1))
        shape = self._shape(self.random.randrange(len(SHAPES)))
        if self.maybe(0.1):
            shape = {**BELOW_1, "initial_state": self.random.choice("OH")}
        return r.define_instrument(max(index, 0), **shape)

    def _table(self) -> bytes:
        """A tick table, often one that is refused."""
        table = len(self.model.tick_tables) + self.random.choice((1, 1, 1, 0, 2))
        bands = self.random.choice((BANDS, MANY_BANDS, MANY_BANDS[:20], *WRONG_BANDS))
        return r.define_tick_table(table, bands, self.random.choice((None, None, 0, 25)))

    def _retire(self) -> bytes:
        """Never the first instrument, and two are left."""
        left = [one for one in self.model.instruments if one.state != RETIRED]
        index = self._instrument()
        retired = [one.index for one in self.model.instruments if one.state == RETIRED]
        if len(left) <= 2 or index == 0:
            return r.retire_instrument(self.random.choice([*retired, r.INSTRUMENT_NONE]))
        return r.retire_instrument(index)
