"""Member order flow as one numpy array: what the load generator sends, in order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ironpit.common.decimals import Decimals

ENTER, REPLACE, CANCEL = ord("O"), ord("U"), ord("X")
BUY, SELL = ord("B"), ord("S")
DAY, IMMEDIATE_OR_CANCEL = ord("0"), ord("3")
QUANTITY_MAX = 999_999  # of OUCH 5.0, for an instrument that allows no more

# 32 bytes; the compiled load generator has the same layout (ironcore.client.load, Operation).
#   time_ns         since the start of the flow
#   user_ref        ENTER, REPLACE: the new UserRefNum; CANCEL: the order's
#   orig_user_ref   REPLACE: the order that is replaced
#   quantity        ENTER: the order's size. REPLACE, CANCEL: the intended total of the order, what
#                   was executed included (OUCH 5.0); CANCEL 0 takes out all
#   session         index of the session that sends it
#   symbol          index in Flow.symbols
OPERATION = np.dtype(
    [
        ("time_ns", "<u8"),
        ("user_ref", "<u4"),
        ("orig_user_ref", "<u4"),
        ("quantity", "<u4"),
        ("price", "<i4"),
        ("session", "<u2"),
        ("symbol", "<u2"),
        ("kind", "u1"),
        ("side", "u1"),
        ("time_in_force", "u1"),
        ("reserved", "u1"),
    ]
)

Operations = npt.NDArray[np.void]
_CHUNK_ROWS = 1 << 16


@dataclass(frozen=True)
class Flow:
    """Operations of several sessions on some symbols, in the order in which they are sent.

    For each session user references count from 1 without a hole. `skipped` counts what the source
    held and the flow does not, by reason. `decimals` are those of the prices and quantities of all
    its symbols: four and none in ITCH.
    """

    symbols: tuple[str, ...]
    sessions_count: int
    operations: Operations
    skipped: dict[str, int] = field(default_factory=dict)
    decimals: Decimals = Decimals()  # noqa: RUF009

    def user_refs_max(self) -> int:
        """The highest user reference of any session; 0 for an empty flow."""
        return int(self.operations["user_ref"].max(initial=0))

    def tick_sizes(self) -> list[int]:
        """For each symbol the coarsest of 100, 10 and 1 that its prices are multiples of: with four
        decimals 0.01, 0.001 and 0.0001."""
        rows = self.operations[self.operations["kind"] != CANCEL]
        sizes = np.full(len(self.symbols), 100)
        for tick, finer in ((100, 10), (10, 1)):
            sizes[rows["symbol"][rows["price"] % tick != 0]] = finer
        return [int(size) for size in sizes]


class Writer:
    """Collects operations and numbers them: each session's orders from 1."""

    def __init__(self, sessions_count: int) -> None:
        if not 1 <= sessions_count <= 0xFFFF:
            raise ValueError(f"found {sessions_count} sessions, expected 1 to 65535")
        self.sessions_count = sessions_count
        self._user_refs = [0] * sessions_count
        self._symbols: dict[str, int] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._chunks: list[Operations] = []

    def symbol(self, name: str) -> int:
        """The index of a symbol, a new one if it is new."""
        return self._symbols.setdefault(name, len(self._symbols))

    def enter(
        self,
        time_ns: int,
        session: int,
        symbol: int,
        side: int,
        quantity: int,
        price: int,
        time_in_force: int = DAY,
    ) -> int:
        """A new order; its user reference."""
        user_ref = self._next(session)
        self._row(
            (time_ns, user_ref, 0, quantity, price, session, symbol, ENTER, side, time_in_force)
        )
        return user_ref

    def replace(
        self,
        time_ns: int,
        session: int,
        symbol: int,
        side: int,
        orig_user_ref: int,
        quantity: int,
        price: int,
    ) -> int:
        """Another price or size for an order; the user reference that it has then."""
        ref = self._next(session)
        self._row(
            (time_ns, ref, orig_user_ref, quantity, price, session, symbol, REPLACE, side, DAY)
        )
        return ref

    def cancel(self, time_ns: int, session: int, symbol: int, user_ref: int, total: int) -> None:
        """Bring an order down to an intended total, 0 for all of it."""
        self._row((time_ns, user_ref, 0, total, 0, session, symbol, CANCEL, 0, 0))

    def flow(self, skipped: dict[str, int]) -> Flow:
        """Everything that was collected."""
        self._flush()
        rows = np.concatenate(self._chunks) if self._chunks else np.zeros(0, OPERATION)
        return Flow(tuple(self._symbols), self.sessions_count, rows, skipped)

    def _next(self, session: int) -> int:
        self._user_refs[session] += 1
        return self._user_refs[session]

    def _row(self, row: tuple[Any, ...]) -> None:
        self._rows.append((*row, 0))
        if len(self._rows) == _CHUNK_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._chunks.append(np.array(self._rows, OPERATION))
            self._rows.clear()


def pieces_of(quantity: int, quantity_max: int = QUANTITY_MAX) -> Iterable[int]:
    """A quantity in parts that OUCH can carry."""
    while quantity > 0:
        yield min(quantity, quantity_max)
        quantity -= quantity_max
