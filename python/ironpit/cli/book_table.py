"""The price levels of a book as lines of a table, bids to the left."""

from typing import Any, Protocol

from ironpit.common.decimals import Decimals


class Levels(Protocol):
    """A sequence of levels, each with a `price` and a `quantity`: a list, or an array of them."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> Any: ...


HEADER = ("quantity", "bid", "ask", "quantity")


def book_lines(bids: Levels, asks: Levels, decimals: Decimals) -> list[list[str]]:
    """A line for each pair of levels."""
    return [
        [*_cells(bids, index, decimals), *reversed(_cells(asks, index, decimals))]
        for index in range(max(len(bids), len(asks)))
    ]


def _cells(side: Levels, index: int, decimals: Decimals) -> list[str]:
    if index >= len(side):
        return ["", ""]
    level = side[index]
    quantity = decimals.show_quantity(level["quantity"], grouped=True)
    return [quantity, decimals.show_price(level["price"])]
