"""A venue's books in this process."""

import threading
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np

from ironcore.book.command_rows import COMMAND_DTYPE
from ironcore.book.matching_engine import EVENT_DTYPE
from ironcore.book.venue import VenueCore
from ironcore.wire import record
from ironpit.library import commands
from ironpit.library.applied import Applied, Rows, Status
from ironpit.library.codes import PRICE_E4_MAX, QUANTITY_MAX

Side = Literal["B", "S"]
RECORD_VERSION = 2


class VenueError(ValueError):
    """A definition that the rules do not admit; the text says what was found and expected."""


class Venue:
    """Instruments, sessions and their orders, changed by commands only. No clock, no I/O.

    The same commands give the same events, byte for byte, on every machine. The limits are
    reserved at once (rule 16.1) and used as needed: at a limit a command is rejected, and the venue
    goes on. A venue can be copied and pickled; the copy does with later commands exactly what the
    original does. Any thread may call it: one at a time gets in, and the GIL is released meanwhile.

    instruments_max   1 to 65,535
    sessions_max      (sessions_max + 1) << user_ref_bits is below 2^32
    orders_max        live orders, all books together: 1 to 4,194,303
    user_ref_bits     a session's UserRefNums are below 2^user_ref_bits
    """

    def __init__(
        self,
        *,
        instruments_max: int = 256,
        sessions_max: int = 64,
        orders_max: int = 1 << 18,
        user_ref_bits: int = 20,
    ) -> None:
        self._core = VenueCore(instruments_max, sessions_max, orders_max, user_ref_bits)
        self._lock = threading.Lock()
        start = record.encode(
            "StreamStart", stream_name="LIBRARY", version=RECORD_VERSION, **self._core.limits
        )
        self._core.apply(start)

    # Definitions.

    def add_instrument(
        self,
        symbol: str,
        *,
        tick_size_e4: int = 100,
        tick_table: Sequence[tuple[int, int]] = (),
        lot_size: int = 1,
        price_e4_min: int | None = None,
        price_e4_max: int = PRICE_E4_MAX,
        quantity_max: int = QUANTITY_MAX,
        initial_state: str = "T",
        **settings: int,
    ) -> int:
        """Define the next instrument (rules 2.1 to 2.6); its id, which counts from 0.

        Prices and tick sizes in 1/10,000. tick_table: up to 7 pairs (from this price on, tick
        size). settings, each 0 when not given: reference_price_e4; in basis points
        static_collar_bp, dynamic_collar_bp, auction_collar_bp, entry_collar_bp and
        market_protection_bp; pause_seconds, post_only_mode (1: reprice), auction_extensions_max;
        followers_max and min_quantity_max (rule 4.14; 0: 256). Raises VenueError.
        """
        fields = {
            "instrument": self.instruments_count,
            "symbol": symbol,
            "tick_size_e4": tick_size_e4,
            "lot_size": lot_size,
            "price_e4_min": tick_size_e4 if price_e4_min is None else price_e4_min,
            "price_e4_max": price_e4_max,
            "quantity_max": quantity_max,
            "initial_state": initial_state,
            **settings,
        }
        self._define("DefineInstrument", fields, tick_table)
        return self.instruments_count - 1

    def add_session(
        self, name: str = "", *, firm: str = "", stp_mode: str = "-", stp_group: int = 0
    ) -> int:
        """Define the next session (rule 2.3); its id, which counts from 1.

        name up to 6 characters, firm up to 4. Sessions with the same stp_group other than 0 do not
        trade with one another, in the way of stp_mode: 'N' 'O' 'B' 'D' '-' (rule 12). Raises
        VenueError.
        """
        session = self.sessions_count + 1
        fields = {
            "session": session,
            "username": name or f"S{session}",
            "firm": firm,
            "stp_mode": stp_mode,
            "stp_group": stp_group,
        }
        self._define("DefineSession", fields)
        return session

    def _define(
        self, kind: str, fields: dict[str, Any], tick_table: Sequence[tuple[int, int]] = ()
    ) -> Rows:
        if tick_table:
            fields["tick_bands_count"] = len(tick_table)
            for number, (price_from_e4, band_tick_e4) in enumerate(tick_table, 1):
                fields[f"price_from_e4_{number}"] = price_from_e4
                fields[f"tick_size_e4_{number}"] = band_tick_e4
        with self._lock:
            status, events = self._core.apply(record.encode(kind, **fields))
        if status != Status.OK:
            described = ", ".join(f"{name} {value!r}" for name, value in fields.items())
            raise VenueError(
                f"{kind} refused: found {described}; expected what rules 2.1 to 2.7 "
                f"admit, within the limits {self.limits}"
            )
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
        given = np.asarray(rows)
        if given.dtype != COMMAND_DTYPE:
            raise TypeError(f"found rows of dtype {given.dtype}, expected COMMAND_DTYPE")
        if given.ndim != 1:
            raise ValueError(f"found rows of {given.ndim} dimensions, expected 1")
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
        self, instrument: int, state: str, *, reason: str = "    ", force: bool = False
    ) -> Rows:
        """Another state of an instrument (rule 13.4): the events, EVENT_DTYPE[k]."""
        row = commands.set_state(instrument=instrument, state=state, reason=reason, force=force)
        return self._apply_one(row)

    def clock(self, second: int) -> Rows:
        """The second of the day (rule 2.10): orders expire, pauses end."""
        return self._apply_one(commands.clock(second=second))

    def _apply_one(self, row: Rows) -> Rows:
        applied = self.apply(row)
        if applied.statuses[0] == Status.MALFORMED:
            raise VenueError(f"the command is malformed: {row[0]}")
        return applied.events

    # The books.

    def depth(self, instrument: int, side: Side, levels_max: int = 10) -> Rows:
        """The visible book's best levels, best first: LEVEL_DTYPE[k], k at most levels_max.

        price_e4 (1/10,000), orders (how many), quantity (displayed, their sum).
        """
        with self._lock:
            return self._core.depth(instrument, side, levels_max)

    def orders(self, instrument: int, side: Side) -> Rows:
        """The visible orders in priority: ORDER_DTYPE[k].

        order_ref, slot (session << user_ref_bits | user_ref), quantity (displayed), executed (by
        the order and those that it replaced), price_e4, instrument, side (a code: 'B' 'S' 'T' 'E').
        """
        with self._lock:
            return self._core.orders(instrument, side)

    def user_ref_next(self, session: int) -> int:
        """The lowest UserRefNum that the session may use next (rule 3.1)."""
        with self._lock:
            return self._core.user_ref_last(session) + 1

    def last_price_e4(self, instrument: int) -> int | None:
        """The price of the instrument's last execution in 1/10,000; None before the first."""
        with self._lock:
            return self._core.last_price_e4(instrument) or None

    @property
    def symbols(self) -> list[str]:
        """The instruments' symbols, by id."""
        return self._core.symbols

    @property
    def instruments_count(self) -> int:
        return self._core.counters["instruments"]

    @property
    def sessions_count(self) -> int:
        return self._core.counters["sessions"]

    @property
    def limits(self) -> dict[str, int]:
        """What the venue was made with."""
        return self._core.limits

    @property
    def counters(self) -> dict[str, int]:
        """What is in use now, and the highest numbers given out."""
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
        """A venue of its own in the same state."""
        return type(self)._loaded(self._saved())

    def _saved(self) -> bytes:
        with self._lock:
            return self._core.save()

    @classmethod
    def _loaded(cls, saved: bytes) -> Self:
        venue = cls.__new__(cls)
        venue._core = VenueCore.load(saved)
        venue._lock = threading.Lock()
        return venue

    def __copy__(self) -> Self:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._loaded, (self._saved(),)

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
