"""The project's own records (docs/WIRE.md, record.pxd) as dicts and as numpy types.

A record is a dict of its `kind`, its `flags` by name (last visible aggressor_sell crosses sell
attributed) and its fields; the length and the reserved bytes are left out, a character that is not
set is "". The kinds of commands and events, and their fields, are those of docs/WIRE.md.
EnterOrder and ReplaceOrder have their `options` by name, as ironcore.wire.order_options has them.
"""

from typing import Any

import numpy as np
from typing_extensions import Buffer

def decode_frame(data: Buffer) -> list[dict[str, Any]]:
    """The records of one frame. ValueError says which one is no record, and at which offset."""

def check_frame(data: Buffer) -> bool:
    """Whether data is a sound frame of the event stream: at most one command, and that first."""

def encode(kind: str, **fields: Any) -> bytes:
    """The record of this kind; fields that are not given are 0 or empty."""

def dtypes() -> dict[str, np.dtype[np.void]]:
    """The fixed part of each kind of record, for numpy.frombuffer(frame, type, count, offset)."""
