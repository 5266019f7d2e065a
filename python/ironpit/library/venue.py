"""A venue's books in this process."""

import copy
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np

from ironcore.engine.matching_engine import EVENT_DTYPE
from ironcore.library.command_rows import COMMAND_DTYPE
from ironcore.library.venue import VenueCore
from ironcore.wire import record
from ironpit.common.decimals import Decimals
from ironpit.library import commands, definitions, quotes, refusals
from ironpit.library.arguments import U32_MAX, array, flag, integer, text
from ironpit.library.codes import QUANTITY_MAX_DEFAULT, InstrumentState
from ironpit.library.results import Applied, Rows, Status

Side = Literal["B", "S"]
RECORD_VERSION = 3
INSTRUMENTS_MAX = 65_535
ORDERS_MAX = 4_194_303
# With the one session that there is at least: (1 + 1) << 30 is below 2^32.
USER_REF_BITS_MAX = 30
STATE_REASON_LENGTH = 4
SECOND_MAX = 86_399
DRAW_MAX = 0xFFFF
U64_MAX = (1 << 64) - 1
OWN = ("_core", "_lock", "_ids", "_ids_count")  # the attributes that a copy or a pickle makes anew


class VenueError(ValueError):
    """What the core refuses by its rules; the text says what was found and expected. Arguments that
    no venue would take are a TypeError or a ValueError that names them."""


class Venue:
    """Instruments, sessions and their orders, changed by commands only. No clock, no I/O.

    The same commands give the same events, byte for byte, on every machine. The limits are
    reserved at once (rule 16.1) and used as needed: at a limit a command is rejected, and the venue
    goes on. A venue can be copied and pickled; the copy does with later commands exactly what the
    original does. Any thread may call it: one at a time gets in, and the GIL is released meanwhile.

    instruments_max   1 to 65,535
    sessions_max      (sessions_max + 1) << user_ref_bits is below 2^32
    orders_max        live orders, all books together: 1 to 4,194,303
    user_ref_bits     1 to 30; a session's UserRefNums are below 2^user_ref_bits
    """

    def __init__(
        self,
        *,
        instruments_max: int = 256,
        sessions_max: int = 64,
        orders_max: int = 1 << 18,
        user_ref_bits: int = 20,
    ) -> None:
        limits = {
            "instruments_max": integer("instruments_max", instruments_max, 1, INSTRUMENTS_MAX),
            "sessions_max": integer("sessions_max", sessions_max, 1),
            "orders_max": integer("orders_max", orders_max, 1, ORDERS_MAX),
            "user_ref_bits": integer("user_ref_bits", user_ref_bits, 1, USER_REF_BITS_MAX),
        }
        slots = limits["sessions_max"] + 1 << limits["user_ref_bits"]
        if slots > U32_MAX:
            raise ValueError(
                f"sessions_max, user_ref_bits: found {sessions_max}, {user_ref_bits}, expected "
                f"(sessions_max + 1) << user_ref_bits below 2^32"
            )
        self._core = VenueCore(**limits)
        self._lock = threading.Lock()
        self._ids: dict[str, int] = {}  # of each symbol its newest instrument
        self._ids_count = 0  # instruments that it knows
        start = record.encode(
            "StreamStart", stream_name="LIBRARY", version=RECORD_VERSION, **self._core.limits
        )
        self._core.apply(start)

    # Definitions.

    def add_instrument(
        self,
        symbol: str,
        *,
        tick_size: int = 100,
        tick_table: Sequence[tuple[int, int]] = (),
        lot_size: int = 1,
        price_min: int | None = None,
        price_max: int | None = None,
        quantity_max: int = QUANTITY_MAX_DEFAULT,
        initial_state: str | InstrumentState = "T",
        price_decimals: int = 4,
        quantity_decimals: int = 0,
        **settings: int,
    ) -> int:
        """Define the next instrument (rules 2.1 to 2.6); its id, which counts from 0.

        symbol: 1 to 8 printable ASCII characters without a space, none that an instrument has that
        is not retired. price_decimals, quantity_decimals: 0 to 9, of the integers that prices and
        quantities are; they never change, and `decimals` reads and shows text by them. price_min:
        None for tick_size; below 1 for an instrument that trades at 0 and below, which then takes
        neither stops, pegs nor orders for auctions and has no collars (rule 2.12). price_max: None
        for the highest that there may be. tick_table: up to 23 pairs (from this price on, tick
        size); instruments with the same tick sizes share a tick table, of which there are up to
        256. settings, each 0 when not given: reference_price; in basis points static_collar_bp,
        dynamic_collar_bp, auction_collar_bp, entry_collar_bp and market_protection_bp;
        pause_seconds, pause_random_seconds, post_only_mode (1: reprice), allocation (0 price-time,
        1 pro-rata, 2 size-time), allocation_min (pro-rata: a share below it is none);
        auction_extensions_max (1 or more with an auction_collar_bp, which works by extensions
        alone); followers_max and min_quantity_max (rule 4.14; 0: 256).
        TypeError or ValueError names the argument; VenueError is what the core refuses.
        """
        fields = definitions.instrument(
            {
                "symbol": symbol,
                "tick_size": tick_size,
                "tick_table": tick_table,
                "lot_size": lot_size,
                "price_min": tick_size if price_min is None else price_min,
                "price_max": price_max,
                "quantity_max": quantity_max,
                "initial_state": initial_state,
                "price_decimals": price_decimals,
                "quantity_decimals": quantity_decimals,
                **settings,
            }
        )
        with self._lock:
            instrument = self._core.counters["instruments"]
            self._check_symbol(symbol, instrument)
            why = refusals.of_values(fields)
            if instrument == self.limits["instruments_max"]:
                why = f"instruments_max: found {instrument + 1}, expected at most {instrument}"
            fields = self._with_table({"instrument": instrument, **fields}, why)
            self._define("DefineInstrument", fields, why)
            self._ids[symbol] = instrument
            self._ids_count += 1
        return instrument

    def _check_symbol(self, symbol: str, count: int) -> None:
        """By the newest instrument of each symbol, as those before it are retired."""
        if self._ids_count != count:  # a copy, or the core was used by itself
            self._ids = {name: number for number, name in enumerate(self._core.symbols)}
            self._ids_count = count
        taken = self._ids.get(symbol)
        if taken is not None and self._core.state(taken) != InstrumentState.RETIRED:
            raise VenueError(
                f"symbol: found {symbol!r}, which instrument {taken} has already, expected another"
            )

    def change_instrument(self, instrument: int, **changed: Any) -> Rows:
        """Other terms for an instrument (rule 2.7), effective for later commands: the events,
        EVENT_DTYPE[k].

        changed: those of add_instrument's arguments that shall differ, but for symbol, decimals
        and initial_state; the others stay. reference_price 0 leaves that price too. VenueError when
        the core refuses: while orders are live, tick_size, tick_table, lot_size, price_min
        and price_max stay as they are.
        """
        changes = definitions.terms(changed)
        with self._lock:
            self._check_instrument(instrument)
            stays = {**self._terms(instrument), "reference_price": 0}
            price, quantity = self._core.decimals(instrument)
            fields = {**definitions.terms(stays), **changes, "instrument": instrument}
            fields |= {"price_decimals": price, "quantity_decimals": quantity}
            definitions.check_auction(fields)
            why = self._why_unchanged(fields)
            fields = self._with_table(fields, refusals.of_values(fields))
            return self._define("ChangeInstrument", fields, why)

    def _with_table(self, fields: Mapping[str, Any], fault: str) -> dict[str, Any]:
        """With the id of a tick table in the place of tick sizes; defined, if it is a new one and
        the fields have no fault."""
        if not fields["tick_table"]:
            return {**fields, "tick_table": 0}
        bands = ((0, fields["tick_size"]), *fields["tick_table"])
        tables = self._core.tick_tables
        number = next((n for n, known in tables.items() if known == bands), 0)
        if not number:
            number = len(tables) + 1
            if number > definitions.TICK_TABLES_MAX:
                fault = f"tick_table: found a new one, expected at most {len(tables)} different"
            if fault:
                raise VenueError(fault)
            self._define("DefineTickTable", definitions.tick_table_fields(number, bands), "")
        return {**fields, "tick_size": 0, "tick_table": number}

    def _why_unchanged(self, fields: Mapping[str, Any]) -> str:
        instrument = fields["instrument"]
        if self._core.state(instrument) == InstrumentState.RETIRED:
            return f"instrument: found {instrument}, which is retired, expected one that is not"
        now = self._terms(instrument)
        return (
            refusals.of_prices_below_1(now, fields)
            or refusals.of_values(fields)
            or refusals.of_change(now, fields)
        )

    def add_session(
        self, name: str = "", *, firm: str = "", stp_mode: str = "-", stp_group: int = 0
    ) -> int:
        """Define the next session (rule 2.3); its id, which counts from 1.

        name up to 16 characters, firm up to 8. Sessions with the same stp_group other than 0 do not
        trade with one another, in the way of stp_mode: 'N' 'O' 'B' 'D' '-' (rule 12). TypeError or
        ValueError names the argument; VenueError is what the core refuses.
        """
        fields = definitions.session(name, firm, stp_mode, stp_group)
        with self._lock:
            session = self._core.counters["sessions"] + 1
            fields["username"] = name or f"S{session}"[: definitions.USERNAME_LENGTH]
            limit = self.limits["sessions_max"]
            why = f"sessions_max: found {session}, expected at most {limit}"
            self._define("DefineSession", {"session": session, **fields}, why)
        return session

    def bust_trade(
        self, instrument: int, match_number: int, slots: Sequence[int], *, reason: str = "E"
    ) -> Rows:
        """Break a trade (rule 2.9): its BROKEN events, EVENT_DTYPE[1 or 2]. The books stay as they
        are.

        match_number: `other` of its EXECUTED. slots: those of the orders that hear of it, one or
        two (session << user_ref_bits | user_ref). VenueError when the core refuses.
        """
        both = [integer("slots", slot, 1) for slot in slots]
        if not 1 <= len(both) <= 2:
            raise ValueError(f"slots: found {len(both)} of them, expected 1 or 2")
        fields = {
            "instrument": integer("instrument", instrument),
            "match_number": integer("match_number", match_number, 1, U64_MAX),
            "slot_1": both[0],
            "slot_2": both[1] if len(both) == 2 else 0,
            "reason": text("reason", reason, 1, 1),
        }
        with self._lock:
            self._check_instrument(instrument)
            why = refusals.of_bust(self._core.counters["match_number_last"], fields)
            return self._define("BustTrade", fields, why)

    def _check_instrument(self, instrument: int) -> None:
        count = self._core.counters["instruments"]
        if not 0 <= integer("instrument", instrument) < count:
            raise IndexError(f"instrument {instrument}: expected one of {count} from 0")

    def _check_session(self, session: int) -> None:
        count = self._core.counters["sessions"]
        if not 1 <= integer("session", session) <= count:
            raise IndexError(f"session: found {session}, expected 1 to {count}")

    def _define(self, kind: str, fields: dict[str, Any], why: str) -> Rows:
        """One record, by whoever holds the lock; why: the reason if the core refuses it."""
        status, events = self._core.apply(record.encode(kind, **fields))
        if status != Status.OK:
            raise VenueError(why or f"{kind}: refused by a rule of section 2, found {fields}")
        return events

    # Commands.

    def apply(
        self, rows: Rows, *, into: Applied | None = None, prefetch: bool | None = None
    ) -> Applied:
        """Apply commands in their order, in one call: rows COMMAND_DTYPE[n].

        The GIL is released. `into` takes an earlier result whose arrays are used again, which
        overwrites them: without new memory a large batch is up to a third faster. prefetch: whether
        to touch the memory of later commands ahead; None lets the size of the books decide. Neither
        changes a result. What is wrong with a command is in its status or its REJECTED event.
        """
        if prefetch is not None:
            flag("prefetch", prefetch)
        if into is not None and not isinstance(into, Applied):
            raise TypeError(f"into: found {type(into).__name__}, expected an Applied or None")
        given = array("rows", rows)
        if given.dtype != COMMAND_DTYPE:
            raise TypeError(f"rows: found dtype {given.dtype}, expected COMMAND_DTYPE")
        if given.ndim != 1:
            raise ValueError(f"rows: found {given.ndim} dimensions, expected 1")
        given = np.ascontiguousarray(given)
        count = len(given)
        events, offsets, statuses, instruments = _room(count, into)
        with self._lock:
            events = self._core.apply_rows(given, statuses, instruments, offsets, events, prefetch)
        return Applied(
            events[: int(offsets[count])],
            offsets[: count + 1],
            statuses[:count],
            instruments[:count],
            (events, offsets, statuses, instruments),
        )

    def set_state(
        self,
        instrument: int,
        state: str | InstrumentState,
        *,
        reason: str = "    ",
        force: bool = False,
    ) -> Rows:
        """Another state of an instrument (rule 13.4): the events, EVENT_DTYPE[k]; none when it is
        in that state already. reason: up to 4 characters. force: also where an auction would rather
        be extended (rule 14.9)."""
        with self._lock:
            self._check_instrument(instrument)
            price_min = self._core.terms(instrument)["price_min"]
        code = definitions.state("state", state)
        text("reason", reason, STATE_REASON_LENGTH)
        why = refusals.of_state("state", code, price_min)
        if why:
            raise VenueError(why)
        row = commands.set_state(instrument=instrument, state=code, reason=reason, force=force)
        return self._apply_one(row)

    def set_end(
        self,
        instrument: int,
        first: int,
        last: int,
        *,
        state: str | InstrumentState = "T",
        no_cancel: int = 0,
        extension: int = 0,
        reason: str = "    ",
        force: bool = False,
    ) -> Rows:
        """Between which two seconds of the day the call of an auction ends by itself, as `clock`
        draws it, and which state follows (rule 13.11): the events; none when the instrument is in
        no call, when no auction leads to that state, or when `last` has passed.

        no_cancel: seconds before `first` from which on members cannot cancel (rule 13.12).
        extension: seconds of an extension; 0: extended, the call has no end by itself.
        """
        with self._lock:
            self._check_instrument(instrument)
        fields = {
            "second_first": integer("first", first, 0, SECOND_MAX),
            "second_last": integer("last", last, first, SECOND_MAX),
            "no_cancel_seconds": integer("no_cancel", no_cancel),
            "extension_seconds": integer("extension", extension),
            "state": definitions.state("state", state),
            "force": int(flag("force", force)),
            "reason": text("reason", reason, STATE_REASON_LENGTH),
        }
        command = record.encode("SetEnd", instrument=instrument, **fields)
        with self._lock:
            return self._core.apply(command)[1]

    def clock(self, second: int, *, force: bool = False, draw: int = 0) -> Rows:
        """The second of the day (rule 2.10): orders expire, pauses and auctions end. force: it
        counts also where nothing is due, so that good-till-time orders are judged by it (rule
        5.9). draw: a new random number, 0 to 65,535, where an end depends on one (rule 13.11)."""
        row = commands.clock(
            second=integer("second", second, 0, SECOND_MAX),
            force=force,
            draw=integer("draw", draw, 0, DRAW_MAX),
        )
        return self._apply_one(row)

    def quote(self, session: int, user_ref: int, entries: Sequence[quotes.QuoteEntry]) -> Rows:
        """The session's quotes in up to 16 instruments, each in the place of the one before (rule
        20.3): the events; none when user_ref was used. entries: instrument, the bid's price and
        quantity, the ask's price and quantity; a quantity of 0 asks for nothing. Entry i takes the
        numbers user_ref + 2 i and user_ref + 2 i + 1."""
        return self._of_session(session, quotes.quote(session, user_ref, entries))

    def set_protection(
        self,
        session: int,
        instrument: int,
        *,
        volume: int = 0,
        delta: int = 0,
        executions: int = 0,
        window: int = 0,
    ) -> Rows:
        """How much of a session's quotes in an instrument may execute before the rest of them
        leaves (rule 20.9): the event. Each limit 0: none. window: seconds, as `clock` counts them,
        after which an execution begins anew; 0: none."""
        command = quotes.protection(session, instrument, volume, delta, executions, window)
        return self._of_session(session, command, instrument)

    def reset_protection(self, session: int, instrument: int) -> Rows:
        """The session may quote there again, and counting begins anew (rule 20.13): the event; none
        without a protection."""
        return self._of_session(session, quotes.reset(session, instrument), instrument)

    def _of_session(self, session: int, command: bytes, instrument: int | None = None) -> Rows:
        with self._lock:
            self._check_session(session)
            if instrument is not None:
                self._check_instrument(instrument)
            return self._core.apply(command)[1]

    def _apply_one(self, row: Rows) -> Rows:
        applied = self.apply(row)
        if applied.statuses[0] == Status.MALFORMED:
            raise VenueError(f"the command is malformed: {row[0]}")
        return applied.events

    # The books.

    def depth(self, instrument: int, side: Side, levels_max: int = 10) -> Rows:
        """The visible book's best levels, best first: LEVEL_DTYPE[k], k at most levels_max.

        price, orders (how many), quantity (displayed, their sum).
        """
        levels = integer("levels_max", levels_max)
        with self._lock:
            self._check_instrument(instrument)
            return self._core.depth(instrument, side, levels)

    def orders(self, instrument: int, side: Side, *, session: int | None = None) -> Rows:
        """Every live order of one side, of one session or of all: ORDER_DTYPE[k].

        This is the owners' and the operator's view: hidden orders, dormant stops, orders that wait
        for an auction and parked pegs are listed too. They are grouped by `place` (OrderPlace, in
        its order) and in each place stand in priority; those of OrderPlace.SHOWN are what the
        public sees.
        """
        with self._lock:
            self._check_instrument(instrument)
            if session is not None:
                self._check_session(session)
            found = self._core.orders(instrument, side)
        if session is None:
            return found
        chosen: Rows = found[found["slot"] >> self.limits["user_ref_bits"] == session]
        return chosen

    def terms(self, instrument: int) -> dict[str, Any]:
        """What change_instrument may change, as it is now; the reference price may be an
        auction's."""
        with self._lock:
            self._check_instrument(instrument)
            return self._terms(instrument)

    def _terms(self, instrument: int) -> dict[str, Any]:
        found = self._core.terms(instrument)
        (_, tick_size), *bands = self._core.tick_tables.get(
            found["tick_table"], ((0, found["tick_size"]),)
        )
        return {**found, "tick_size": tick_size, "tick_table": bands}

    def decimals(self, instrument: int) -> Decimals:
        """Of the instrument's prices and quantities, to read and show them as text or Decimal."""
        with self._lock:
            self._check_instrument(instrument)
            return Decimals(*self._core.decimals(instrument))

    def state(self, instrument: int) -> InstrumentState:
        """The instrument's state (rule 13.1)."""
        with self._lock:
            self._check_instrument(instrument)
            return InstrumentState(self._core.state(instrument))

    def user_ref_next(self, session: int) -> int:
        """The lowest UserRefNum that the session may use next (rule 3.1)."""
        with self._lock:
            self._check_session(session)
            return self._core.user_ref_last(session) + 1

    def last_price(self, instrument: int) -> int | None:
        """The price of the instrument's last execution; None before the first."""
        with self._lock:
            self._check_instrument(instrument)
            price: int | None = self._core.last_price(instrument)
            return price

    @property
    def symbols(self) -> list[str]:
        """The instruments' symbols, by id."""
        with self._lock:
            return self._core.symbols

    @property
    def instruments_count(self) -> int:
        return self.counters["instruments"]

    @property
    def sessions_count(self) -> int:
        return self.counters["sessions"]

    @property
    def limits(self) -> dict[str, int]:
        """What the venue was made with."""
        return self._core.limits

    @property
    def counters(self) -> dict[str, int]:
        """What is in use now, and the highest numbers given out."""
        with self._lock:
            return self._core.counters

    @property
    def core(self) -> VenueCore:
        """The core itself, for measurements and tests; it does not wait for other threads."""
        return self._core

    def digest(self) -> str:
        """SHA-256 over the state: equal for venues of equal state, however they came to it."""
        with self._lock:
            return self._core.digest()

    def check_invariants(self) -> None:
        """Walk everything there is; AssertionError names a broken invariant (section 17)."""
        with self._lock:
            self._core.check_invariants()

    # Copies.

    def copy(self) -> Self:
        """A venue of its own in the same state; as copy.copy, pickle and copy.deepcopy, of the same
        class, with what a subclass or its user has added."""
        return copy.copy(self)

    def _saved(self) -> bytes:
        with self._lock:
            return self._core.save()

    @classmethod
    def _loaded(cls, saved: bytes) -> Self:
        venue = cls.__new__(cls)
        venue._core = VenueCore.load(saved)
        venue._lock = threading.Lock()
        venue._ids, venue._ids_count = {}, 0
        return venue

    def __reduce__(self) -> tuple[Any, ...]:
        added = {name: value for name, value in self.__dict__.items() if name not in OWN}
        return type(self)._loaded, (self._saved(),), added or None

    def __repr__(self) -> str:
        counters = self.counters
        return (
            f"<{type(self).__name__}: {counters['instruments']} instruments, "
            f"{counters['sessions']} sessions, {counters['orders_live']} live orders>"
        )


def _room(count: int, into: Applied | None) -> tuple[Rows, Any, Any, Any]:
    """Arrays for so many commands: those of an earlier result when they are large enough."""
    if into is not None and into._room is not None and len(into._room[2]) >= count:
        return into._room
    return (
        np.empty(2 * count + 64, EVENT_DTYPE),
        np.empty(count + 1, np.uint64),
        np.empty(count, np.uint8),
        np.empty(count, np.uint32),
    )
