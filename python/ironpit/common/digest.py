"""The visible books of a matching engine in the form in which a subscriber's are digested."""

import hashlib
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

# 16 bytes an order; ironpit.market_data.books.digest makes the same from a feed.
VISIBLE_ORDER = np.dtype([("order_ref", "<u8"), ("price", "<i4"), ("quantity", "<u4")])
PLACE_DISPLAYED = 0
SIDES: tuple[Literal["B"], Literal["S"]] = ("B", "S")


class BookSource(Protocol):
    """The matching engine, as far as it is looked at here."""

    @property
    def counters(self) -> dict[str, int]: ...
    def orders(self, instrument: int, side: Literal["B", "S"]) -> npt.NDArray[Any]: ...


def visible_digest(engine: BookSource) -> str:
    """SHA-256 of all books.

    Instrument by instrument in the order of their ids, bids and then asks in priority order, each
    order as reference u64, price i32, displayed quantity u32, all little-endian.
    """
    digest = hashlib.sha256()
    for instrument in range(engine.counters["instruments"]):
        for side in SIDES:
            orders = engine.orders(instrument, side)
            # Between two steps of an auction an iceberg may display nothing.
            orders = orders[(orders["place"] == PLACE_DISPLAYED) & (orders["quantity"] > 0)]
            visible = np.empty(len(orders), VISIBLE_ORDER)
            for name in VISIBLE_ORDER.names or ():
                visible[name] = orders[name]
            digest.update(visible.tobytes())
    return digest.hexdigest()
