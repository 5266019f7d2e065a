"""Member order flow from a day of market data.

What the market saw is turned into what its members must have sent:

    A, F   a limit order
    D      its cancellation
    X      its reduction
    U      its replacement
    E, C   the aggressive immediate-or-cancel order that took it: the opposite side, the resting
           order's price, the executed shares, another session (if there is more than one)

The orders of the file are dealt to the sessions in turn, so that the same file and number of
sessions always give the same flow. OUCH 5.0 carries at most 999,999 shares: a larger order becomes
several, and what the file does to the order is done to the last of them first.

The flow is an order flow like that of the file, not a copy of its trades: the venue matches by its
own rules, and an order that it has already filled is cancelled in vain.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ironcore.wire import itch50
from ironcore.wire.itch_file import ItchFileReader
from ironpit.common.decimals import PRICE_MAX
from ironpit.flow.operations import (
    BUY,
    IMMEDIATE_OR_CANCEL,
    QUANTITY_MAX,
    SELL,
    Flow,
    Writer,
    pieces_of,
)

PROGRESS_MESSAGES = 10_000
NOT_ORDERS = "messages that are not about orders"
UNKNOWN_ORDER = "messages about orders that the file did not add"
PRICE_TOO_HIGH = "orders with a price that OUCH cannot carry"

Progress = Callable[[int], None]


class FlowError(Exception):
    """The file is no ITCH 5.0 file; the text says where and what was found."""


@dataclass(slots=True)
class _Piece:
    """One OUCH order of the file's order. `total` is what was ever asked for, less reductions."""

    user_ref: int
    open: int
    total: int


@dataclass(slots=True)
class _Order:
    session: int
    symbol: int
    side: int
    price: int
    pieces: list[_Piece]


class _Converter:
    def __init__(self, sessions_count: int) -> None:
        self.writer = Writer(sessions_count)
        self.sessions_count = sessions_count
        self.orders: dict[int, _Order] = {}
        self.skipped: Counter[str] = Counter()
        self.orders_count = 0
        self.executions_count = 0
        self.time_ns = 0
        self.start_ns: int | None = None
        self.handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "AddOrder": self._add,
            "AddOrderMPID": self._add,
            "OrderDelete": self._delete,
            "OrderCancel": self._reduce,
            "OrderReplace": self._replace,
            "OrderExecuted": self._execute,
            "OrderExecutedWithPrice": self._execute,
        }

    def take(self, message: dict[str, Any]) -> None:
        handler = self.handlers.get(message["kind"])
        if handler is None:
            self.skipped[NOT_ORDERS] += 1
            return
        if self.start_ns is None:
            self.start_ns = message["timestamp"]
        self.time_ns = max(self.time_ns, message["timestamp"] - self.start_ns)
        handler(message)

    def _known(self, reference: int) -> _Order | None:
        order = self.orders.get(reference)
        if order is None:
            self.skipped[UNKNOWN_ORDER] += 1
        return order

    def _enter(self, order: _Order, quantity: int) -> None:
        for size in pieces_of(quantity):
            user_ref = self.writer.enter(
                self.time_ns, order.session, order.symbol, order.side, size, order.price
            )
            order.pieces.append(_Piece(user_ref, size, size))

    def _add(self, message: dict[str, Any]) -> None:
        if not 0 < message["price"] <= PRICE_MAX:
            self.skipped[PRICE_TOO_HIGH] += 1
            return
        session = self.orders_count % self.sessions_count
        self.orders_count += 1
        symbol = self.writer.symbol(message["stock"].strip())
        order = _Order(session, symbol, ord(message["side"]), message["price"], [])
        self._enter(order, message["shares"])
        self.orders[message["order_ref"]] = order

    def _cancel(self, order: _Order, piece: _Piece, total: int) -> None:
        self.writer.cancel(self.time_ns, order.session, order.symbol, piece.user_ref, total)

    def _delete(self, message: dict[str, Any]) -> None:
        order = self._known(message["order_ref"])
        if order is None:
            return
        del self.orders[message["order_ref"]]
        for piece in order.pieces:
            self._cancel(order, piece, 0)

    def _reduce(self, message: dict[str, Any]) -> None:
        order = self._known(message["order_ref"])
        if order is None:
            return
        left = message["cancelled_shares"]
        while left and order.pieces:
            piece = order.pieces[-1]
            if left >= piece.open:
                left -= piece.open
                self._cancel(order, order.pieces.pop(), 0)
                continue
            piece.open -= left
            piece.total -= left
            self._cancel(order, piece, piece.total)
            left = 0
        if not order.pieces:
            del self.orders[message["order_ref"]]

    def _replace(self, message: dict[str, Any]) -> None:
        order = self._known(message["original_order_ref"])
        if order is None:
            return
        del self.orders[message["original_order_ref"]]
        if not 0 < message["price"] <= PRICE_MAX:
            self.skipped[PRICE_TOO_HIGH] += 1
            for piece in order.pieces:
                self._cancel(order, piece, 0)
            return
        order.price = message["price"]
        pieces, order.pieces = order.pieces, []
        # The first piece is replaced; further ones go and come anew with what is over its size.
        first, shares = pieces[0], message["shares"]
        executed = first.total - first.open
        size = min(shares, QUANTITY_MAX - executed)
        first.user_ref = self.writer.replace(
            self.time_ns,
            order.session,
            order.symbol,
            order.side,
            first.user_ref,
            executed + size,
            order.price,
        )
        first.open, first.total = size, executed + size
        order.pieces.append(first)
        for piece in pieces[1:]:
            self._cancel(order, piece, 0)
        self._enter(order, shares - size)
        self.orders[message["new_order_ref"]] = order

    def _execute(self, message: dict[str, Any]) -> None:
        order = self._known(message["order_ref"])
        if order is None:
            return
        shares = message["executed_shares"]
        aggressor = order.session
        if self.sessions_count > 1:
            step = 1 + self.executions_count % (self.sessions_count - 1)
            aggressor = (order.session + step) % self.sessions_count
        self.executions_count += 1
        side = SELL if order.side == BUY else BUY
        for size in pieces_of(shares):
            self.writer.enter(
                self.time_ns,
                aggressor,
                order.symbol,
                side,
                size,
                order.price,
                IMMEDIATE_OR_CANCEL,
            )
        while shares and order.pieces:
            piece = order.pieces[0]
            taken = min(shares, piece.open)
            piece.open -= taken
            shares -= taken
            if not piece.open:
                order.pieces.pop(0)
        if not order.pieces:
            del self.orders[message["order_ref"]]


def from_itch(
    file: str | Path,
    sessions_count: int,
    messages_max: int | None = None,
    progress: Progress | None = None,
) -> Flow:
    """The flow of an ITCH 5.0 file, or of its first messages.

    progress is called with the bytes done. Raises FlowError, OSError.
    """
    data = Path(file).read_bytes()
    reader = ItchFileReader(data, skip_unknown=True)
    converter = _Converter(sessions_count)
    try:
        for count, message in enumerate(reader):
            if count == messages_max:
                break
            if progress and count % PROGRESS_MESSAGES == 0:
                progress(reader.offset)
            converter.take(itch50.decode(message))
    except ValueError as error:
        raise FlowError(f"{file}: {error}") from error
    return converter.writer.flow(dict(converter.skipped))
