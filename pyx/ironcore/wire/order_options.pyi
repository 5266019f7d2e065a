"""The options of an order, as include/iron_options.h declares them."""

from typing import Any, Final, NamedTuple

import numpy as np

class Option(NamedTuple):
    """One option: its names, its tag in OUCH with bytes and kind there (u unsigned, i signed, c a
    character, a text, p a price), its format in records, where it is there, its bit in `named`, its
    value where it is not named, and whether a replacement that does not name it keeps the old
    order's. Those that are refused wherever they are named have no format."""

    name: str
    ouch: str
    tag: int
    bytes: int
    kind: str
    format: str
    offset: int
    bit: int
    default: int
    kept: bool

OPTIONS: Final[tuple[Option, ...]]
REFUSED: Final[tuple[Option, ...]]
OPTIONS_DTYPE: np.dtype[np.void]
"""The block that stands behind an order's record."""

def named_of(options: dict[str, Any]) -> int:
    """The bits of what is named."""
