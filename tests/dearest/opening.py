"""Commands that bring a book into a state, made by the hundred thousand.

A member that wants to make others' commands dear leaves many orders behind that look alike. One
record is written as tests/model/records.py does it, and copied with what differs from one to the
next put into the copies.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tests.model import records as r

PRICE = 1_000_000_000  # around which the books stand
TICK = 1
# More than a lowest node of the price tree spans (4,096 ticks), so that each price has its own.
FAR = 4_160
QUANTITY_MAX = 4_000_000_000
SECOND = 40_000  # at which orders expire
OWNER, STRANGER, GROUPED, GROUP_MATE = 1, 2, 3, 4
SESSIONS = 4
ICEBERG_QUANTITY = 20  # of which one share is shown
GROUP = 7

# Where a field is in the record of an order.
PLACES = {"number": 24, "instrument": 28, "quantity": 40, "price": 44} | {
    name: r.OPTIONS_AT + at
    for name, at in (("peg_offset", 24), ("stop_price", 32), ("trail", 36), ("oco", 40))
}
Column: TypeAlias = NDArray[np.int64]


class Size(NamedTuple):
    """How much a member may leave behind; the last six are limits of the core."""

    orders: int
    instruments: int
    followers: int
    minimums: int
    steps: int
    user_ref_bits: int = 16
    step_actions: int = 16_384
    sharers: int = 1_024


def room_of(size: Size) -> int:
    """For orders besides `size.orders`: what follows prices, what has a MinQty, and some more."""
    return 4 * (size.followers + size.minimums) + 64


class Opening:
    """A venue with one instrument that trades and four sessions: two strangers and two of a
    group, the second of which cancels its own resting orders rather than to trade with them."""

    def __init__(self, size: Size, **terms: Any) -> None:
        self.size = size
        orders_max = size.orders + room_of(size)
        # With room for one more instrument and session.
        self.limits = r.Limits(
            max(size.instruments, 4) + 1, SESSIONS + 1, orders_max, size.user_ref_bits
        )
        self.instruments = 1
        self.numbers = dict.fromkeys((OWNER, STRANGER, GROUPED, GROUP_MATE), 0)
        self.best = (OWNER, 1)  # whose order's leaving moves a best price
        self.terms: dict[str, Any] = {
            "tick": TICK,
            "price_min": 1,
            "quantity_max": QUANTITY_MAX,
            "followers_max": size.followers,
            "min_quantity_max": size.minimums,
            **terms,
        }
        self._records = [r.stream_start(self.limits, step_actions_max=size.step_actions)]
        bands = self.terms.pop("bands", ())
        if bands:
            self._records.append(r.define_tick_table(1, bands))
            self.terms |= {"tick": 0, "table": 1}
        self._records.append(r.define_instrument(0, **self.terms))
        self._records += [r.define_session(session) for session in (OWNER, STRANGER)]
        for session in (GROUPED, GROUP_MATE):
            self.add(r.define_session(session, "O", GROUP))

    def add(self, record: bytes) -> None:
        self._records.append(record)

    def next_number(self, session: int, gap: int = 1) -> int:
        self.numbers[session] += gap
        return self.numbers[session]

    def one(self, session: int, side: str, quantity: int, price: int, **fields: Any) -> bytes:
        """The next order of a session, for the book or as the command."""
        return r.enter(session, self.next_number(session), side, quantity, price, **fields)

    def rest(self, session: int, side: str, quantity: int, price: int, **fields: Any) -> int:
        self.add(self.one(session, side, quantity, price, **fields))
        return self.numbers[session]

    def many(
        self,
        count: int,
        session: int,
        side: str,
        vary: Mapping[str, Column] | None = None,
        *,
        quantity: int = 1,
        price: int = PRICE,
        gap: int = 1,
        **fields: Any,
    ) -> None:
        """Orders alike but for their numbers, `gap` apart, and what is to vary."""
        if count <= 0:
            return
        record = r.enter(session, 0, side, quantity, price, **fields)
        rows = np.tile(np.frombuffer(record, np.uint8), (count, 1))
        first = self.numbers[session] + gap
        self.numbers[session] += gap * count
        columns = {"number": first + gap * steps(count), **(vary or {})}
        for name, column in columns.items():
            at = PLACES[name]
            words = column.astype("<i8").astype("<u4")
            rows[:, at : at + 4] = words[:, None].view(np.uint8).reshape(count, 4)
        self.add(rows.tobytes())

    def leave(self, session: int, numbers: Column) -> None:
        """The session's orders of these numbers are cancelled."""
        record = np.frombuffer(r.cancel(session, 0), np.uint8)
        rows = np.tile(record, (len(numbers), 1))
        at = PLACES["number"]
        rows[:, at : at + 4] = numbers.astype("<u4")[:, None].view(np.uint8)
        self.add(rows.tobytes())

    def trade(self, price: int) -> None:
        """So that there is a last price."""
        self.rest(OWNER, "S", 1, price)
        self.rest(STRANGER, "B", 1, price)

    @property
    def records(self) -> bytes:
        return b"".join(self._records)


def steps(count: int, by: int = 1) -> Column:
    """0, by, 2 * by and so on."""
    return np.arange(count, dtype=np.int64) * by


def far_apart(count: int) -> Column:
    """Prices above PRICE, each in a node of its own as far as there is room."""
    return PRICE + steps(count, min(FAR, (r.PRICE_MAX - PRICE) // max(count, 1)))
