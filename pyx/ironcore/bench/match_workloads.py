"""Command streams for `bench match`: made beforehand, so that only the matching core is timed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ironcore.wire import record

PRICE_MAX = 1_999_999_900
QUANTITY_MAX = 999_999
RECORD_VERSION = 3
# An operation's kind is the type of the OUCH message that it becomes.
KINDS = {ord("O"): "EnterOrder", ord("U"): "ReplaceOrder", ord("X"): "CancelOrder"}
INSTRUCTIONS = {"display": "Y", "iso": "N", "client_order_id": "BENCH"}
FIXED: dict[str, dict[str, Any]] = {
    "EnterOrder": {**INSTRUCTIONS, "capacity": "P", "cross_type": "N"},
    "ReplaceOrder": INSTRUCTIONS,
    "CancelOrder": {},
}


class Workload(NamedTuple):
    """Records one after the other; the first `opening` of them define the venue and fill its books:
    they are not measured."""

    name: str
    records: NDArray[np.uint8]
    opening: int
    limits: dict[str, int]


def _opening(limits: dict[str, int], tick_sizes: Sequence[int]) -> list[bytes]:
    start = record.encode("StreamStart", stream_name="BENCH", version=RECORD_VERSION, **limits)
    instruments = [
        record.encode(
            "DefineInstrument",
            instrument=index,
            symbol=f"S{index}",
            tick_size=tick_step,
            lot_size=1,
            price_min=tick_step,
            price_max=PRICE_MAX,
            quantity_max=QUANTITY_MAX,
        )
        for index, tick_step in enumerate(tick_sizes)
    ]
    sessions = [
        record.encode("DefineSession", session=session, username=f"M{session}", firm="FIRM")
        for session in range(1, limits["sessions_max"] + 1)
    ]
    return [start, *instruments, *sessions]


def _pack(operations: NDArray[np.void]) -> NDArray[np.uint8]:
    """The record of each operation, one after the other."""
    codes = np.array(list(KINDS))
    kinds = np.searchsorted(codes, operations["kind"], sorter=np.argsort(codes))
    names = [KINDS[code] for code in sorted(KINDS)]
    templates = [record.encode(name, **FIXED[name]) for name in names]
    sizes = np.array([len(template) for template in templates])[kinds]
    offsets = np.cumsum(sizes) - sizes
    packed = np.zeros(int(sizes.sum()), np.uint8)
    for kind, template in enumerate(templates):
        which = np.flatnonzero(kinds == kind)
        rows = np.tile(np.frombuffer(template, np.uint8), (len(which), 1))
        columns = rows.reshape(-1).view(record.dtypes()[names[kind]])
        chosen = operations[which]
        columns["session"] = chosen["session"] + 1
        columns["instrument"] = chosen["symbol"]
        columns["user_ref"] = chosen["user_ref"]
        columns["quantity"] = chosen["quantity"]
        for name in {"price", "orig_user_ref"} & set(columns.dtype.names or ()):
            columns[name] = chosen[name]
        for name in {"side", "time_in_force"} & set(columns.dtype.names or ()):
            columns[name] = chosen[name].view("S1")
        packed[offsets[which, None] + np.arange(len(template))] = rows
    return packed


def from_operations(
    name: str,
    operations: NDArray[np.void],
    sessions: int,
    tick_sizes: Sequence[int],
    orders_max: int,
    opening: int = 0,
) -> Workload:
    """The commands of a flow (operations as in ironcore.client.load) on instruments with these
    ticks, one for each symbol. At most orders_max orders rest at one time; the first `opening`
    operations are not measured."""
    user_refs = int(operations["user_ref"].max(initial=0))
    limits = {
        "instruments_max": len(tick_sizes),
        "sessions_max": sessions,
        "orders_max": orders_max,
        "user_ref_bits": max(user_refs.bit_length(), 4),
    }
    venue = _opening(limits, tick_sizes)
    first = np.frombuffer(b"".join(venue), np.uint8)
    records = np.concatenate([first, _pack(operations)])
    return Workload(name, records, len(venue) + opening, limits)
