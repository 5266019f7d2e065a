"""Books of a market-data stream as numpy arrays."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from ironcore.market_data.feed_books import BookBuilder

BUY, SELL = ord("B"), ord("S")

# One price of one side, what its orders display together, how many they are. Integers of the
# instrument's decimals, which ITCH does not say: they are in the venue's configuration.
LEVEL = np.dtype([("price", "<i4"), ("quantity", "<u8"), ("orders", "<u4")])
# What the digest is made of: 16 bytes an order.
DIGEST_ORDER = np.dtype([("order_ref", "<u8"), ("price", "<i4"), ("quantity", "<u4")])

Array = npt.NDArray[Any]


def in_priority_order(orders: Array) -> Array:
    """Orders by instrument, bids before asks, best price first, then earliest first."""
    selling = orders["side"] == SELL
    price = orders["price"].astype(np.int64)
    better_first = np.where(selling, price, -price)
    return orders[np.lexsort((orders["priority"], better_first, selling, orders["locate"]))]


def digest(orders: Array) -> str:
    """SHA-256 of books in their canonical form.

    Instrument by instrument in the order of their ids, bids and then asks in priority order, each
    order as reference u64, price i32, quantity u32, all little-endian.
    """
    ordered = in_priority_order(orders)
    canonical = np.empty(len(ordered), DIGEST_ORDER)
    for name in ("order_ref", "price", "quantity"):
        canonical[name] = ordered[name]
    return hashlib.sha256(canonical.tobytes()).hexdigest()


def levels(orders: Array) -> Array:
    """Orders of one side, in priority order, gathered by price: an array of LEVEL."""
    if not len(orders):
        return np.empty(0, LEVEL)
    starts = np.flatnonzero(np.r_[True, np.diff(orders["price"]) != 0])
    found = np.empty(len(starts), LEVEL)
    found["price"] = orders["price"][starts]
    found["quantity"] = np.add.reduceat(orders["quantity"].astype(np.uint64), starts)
    found["orders"] = np.diff(np.r_[starts, len(orders)])
    return found


class Books:
    """All books of a stream. Every method takes its own look at the books of that moment."""

    def __init__(self, builder: BookBuilder | None = None) -> None:
        self.builder = BookBuilder() if builder is None else builder

    def apply(self, message: bytes) -> None:
        """Take in one ITCH 5.0 message; ValueError when it is none."""
        self.builder.apply(message)

    def apply_file(self, data: bytes) -> int:
        """Take in a length-framed ITCH file; the number of messages."""
        return self.builder.apply_file(data)

    def symbols(self) -> dict[str, int]:
        """Symbol to stock locate."""
        return {symbol: locate for locate, symbol in self.builder.symbols().items()}

    def states(self) -> dict[str, str]:
        """Symbol to ITCH's trading state: T trading, H halted, P paused, Q orders only."""
        states = self.builder.states()
        symbols = self.builder.symbols()
        return {symbols[locate]: state for locate, state in states.items() if locate in symbols}

    def orders(self, symbol: str | None = None) -> Array:
        """Every visible order in priority order, of one symbol or of all.

        Columns order_ref, priority, price, quantity, locate, side. KeyError: unknown symbol.
        """
        orders = self.builder.orders()
        if symbol is not None:
            orders = orders[orders["locate"] == self.symbols()[symbol]]
        return in_priority_order(orders)

    def depth(self, symbol: str, levels_max: int | None = None) -> tuple[Array, Array]:
        """Bids and asks by price, best first: two arrays of LEVEL. KeyError: unknown symbol."""
        orders = self.orders(symbol)
        bids = levels(orders[orders["side"] == BUY])
        asks = levels(orders[orders["side"] == SELL])
        return bids[:levels_max], asks[:levels_max]

    def digest(self) -> str:
        """SHA-256 of all books; see `digest` of this module."""
        return digest(self.builder.orders())

    def counts(self) -> dict[str, int]:
        """Orders now; additions, executions, auctions, broken trades, and messages that were
        unknown or malformed so far."""
        return self.builder.counts()
