"""Command streams for `bench match`: made beforehand, so that only the matching core is measured.

One instrument, tick 0.01, four sessions in turn. Every stream is a function of its arguments.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from ironcore.wire import itch50, record
from ironcore.wire.itch_file import ItchFileReader

SESSIONS = 4
TICK_E4 = 100
PRICE_E4_MAX = 1_999_999_900
QUANTITY_MAX = 999_999
ENTER, REPLACE, REDUCE, CANCEL = range(4)
KINDS = ("EnterOrder", "ReplaceOrder", "CancelOrder", "CancelOrder")
# What every record of a kind has in common.
FIXED: dict[str, dict[str, Any]] = {
    "EnterOrder": {
        "time_in_force": "0",
        "display": "Y",
        "capacity": "P",
        "iso": "N",
        "cross_type": "N",
        "cl_ord_id": "BENCH",
    },
    "ReplaceOrder": {"time_in_force": "0", "display": "Y", "iso": "N", "cl_ord_id": "BENCH"},
}


class Workload(NamedTuple):
    """Records one after the other; the first `opening` of them define the venue."""

    name: str
    records: NDArray[np.uint8]
    opening: int
    limits: dict[str, int]


def _opening(limits: dict[str, int]) -> list[bytes]:
    start = record.encode("StreamStart", stream_name="BENCH", version=1, **limits)
    instrument = record.encode(
        "DefineInstrument",
        symbol="BENCH",
        tick_size_e4=TICK_E4,
        lot_size=1,
        price_e4_min=TICK_E4,
        price_e4_max=PRICE_E4_MAX,
        quantity_max=QUANTITY_MAX,
    )
    sessions = [
        record.encode("DefineSession", session=session, username=f"M{session}", firm="FIRM")
        for session in range(1, limits["sessions_max"] + 1)
    ]
    return [start, instrument, *sessions]


def _limits(orders_max: int, user_refs: int) -> dict[str, int]:
    return {
        "instruments_max": 1,
        "sessions_max": SESSIONS,
        "orders_max": orders_max,
        "user_ref_bits": max(int(user_refs).bit_length(), 4),
    }


def _workload(name: str, orders_max: int, user_refs: int, body: NDArray[np.uint8]) -> Workload:
    limits = _limits(orders_max, user_refs)
    opening = _opening(limits)
    first = np.frombuffer(b"".join(opening), np.uint8)
    return Workload(name, np.concatenate([first, body]), len(opening), limits)


class _Flow(NamedTuple):
    """Messages in order of time: what each does, to which order; and which orders are immediate."""

    kinds: NDArray[np.int64]
    orders: NDArray[np.int64]
    immediate: NDArray[np.bool_]


def _flow(random: np.random.Generator, messages: int, lifetime_messages: float) -> _Flow:
    """15 % of the orders are immediate; of the others 20 % are replaced or reduced, and 95 %
    cancelled after an exponential lifetime, 2 % of these twice."""
    count = messages
    entered = np.sort(random.uniform(0, messages, count))
    life = random.exponential(lifetime_messages, count)
    immediate = random.random(count) < 0.15
    rests = np.flatnonzero(~immediate)
    cancelled = rests[random.random(len(rests)) < 0.95]
    changed = rests[random.random(len(rests)) < 0.20]
    again = cancelled[random.random(len(cancelled)) < 0.02]
    parts = [
        (ENTER, np.arange(count), entered),
        (REPLACE, changed[::2], (entered + life / 2)[changed[::2]]),
        (REDUCE, changed[1::2], (entered + life / 2)[changed[1::2]]),
        (CANCEL, cancelled, (entered + life)[cancelled]),
        (CANCEL, again, (entered + life)[again] + 1),
    ]
    kinds = np.concatenate([np.full(len(which), kind) for kind, which, _ in parts])
    orders = np.concatenate([which for _, which, _ in parts])
    when = np.concatenate([times for _, _, times in parts])
    first = np.argsort(when, kind="stable")[:messages]
    return _Flow(kinds[first], orders[first], immediate)


def _numbers(flow: _Flow) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each message's UserRefNum, and for a replacement that of the order which it replaces."""
    count = len(flow.kinds)
    numbers = np.zeros(count, np.int64)
    takes = flow.kinds <= REPLACE
    for session in range(SESSIONS):
        mine = takes & (flow.orders % SESSIONS == session)
        numbers[mine] = np.arange(1, np.count_nonzero(mine) + 1)
    enters, replaces = (np.flatnonzero(flow.kinds == kind) for kind in (ENTER, REPLACE))
    first = np.zeros(len(flow.immediate), np.int64)
    first[flow.orders[enters]] = numbers[enters]
    second = np.zeros(len(flow.immediate), np.int64)
    second[flow.orders[replaces]] = numbers[replaces]
    replaced_at = np.full(len(flow.immediate), count)
    replaced_at[flow.orders[replaces]] = replaces
    named = np.where(
        np.arange(count) > replaced_at[flow.orders], second[flow.orders], first[flow.orders]
    )
    return np.where(takes, numbers, named), first[flow.orders]


def _pack(kinds: NDArray[np.int64], fields: dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """The records of these messages, one after the other."""
    templates = [record.encode(kind, **FIXED.get(kind, {})) for kind in KINDS]
    sizes = np.array([len(template) for template in templates])[kinds]
    offsets = np.cumsum(sizes) - sizes
    packed = np.zeros(int(sizes.sum()), np.uint8)
    for kind, template in enumerate(templates):
        which = np.flatnonzero(kinds == kind)
        rows = np.tile(np.frombuffer(template, np.uint8), (len(which), 1))
        columns = rows.reshape(-1).view(record.dtypes()[KINDS[kind]])
        for name in set(columns.dtype.names or ()) & set(fields):
            columns[name] = fields[name][which]
        packed[offsets[which, None] + np.arange(len(template))] = rows
    return packed


def liquid(messages: int, seed: int, lifetime_messages: float = 1000.0) -> Workload:
    """A liquid instrument: a mid price that wanders by single ticks, limit orders at power-law
    distances from it, and immediate orders that reach four ticks across it."""
    random = np.random.default_rng(seed)
    flow = _flow(random, messages, lifetime_messages)
    numbers, originals = _numbers(flow)
    mid = 10_000 + np.cumsum(random.choice([-1, 0, 1], messages, p=[0.01, 0.98, 0.01]))
    away = np.minimum(random.pareto(1.2, messages) * 2, 2000).astype(np.int64) + 1
    away[flow.immediate[flow.orders]] = -4
    buys = (random.random(len(flow.immediate)) < 0.5)[flow.orders]
    quantity = random.integers(1, 10, messages) * 100
    quantity[flow.kinds == REDUCE] = 50
    quantity[flow.kinds == CANCEL] = 0
    fields = {
        "session": flow.orders % SESSIONS + 1,
        "user_ref": numbers,
        "orig_user_ref": originals,
        "quantity": quantity,
        "price_e4": (mid + np.where(buys, -away, away)) * TICK_E4,
        "side": np.where(buys, b"B", b"S"),
        "time_in_force": np.where(flow.immediate[flow.orders], b"3", b"0"),
    }
    name = f"liquid instrument, seed {seed}"
    return _workload(name, 1 << 18, int(numbers.max()), _pack(flow.kinds, fields))


class _Replayed:
    """An order of the file, as a member of the venue would know it."""

    def __init__(self, session: int, number: int, side: str, price: int, shares: int) -> None:
        self.session, self.number, self.side, self.price = session, number, side, price
        self.executed = 0
        self.open = shares


class _ItchFlow:
    """Turns messages into what members must have sent: A and F into a limit order, D into a cancel,
    X into a reduction, U into a replacement, E and C into the immediate order that caused them."""

    def __init__(self) -> None:
        self.live: dict[int, _Replayed] = {}
        self.last = [0] * (SESSIONS + 1)
        self.records: list[bytes] = []

    def _take(self, order_ref: int) -> tuple[int, int]:
        session = order_ref % SESSIONS + 1
        self.last[session] += 1
        return session, self.last[session]

    def _enter(self, order_ref: int, side: str, shares: int, price: int, tif: str) -> _Replayed:
        order = _Replayed(*self._take(order_ref), side, price, min(shares, QUANTITY_MAX))
        self.records.append(
            record.encode(
                "EnterOrder",
                **{**FIXED["EnterOrder"], "time_in_force": tif},
                session=order.session,
                user_ref=order.number,
                side=side,
                quantity=order.open,
                price_e4=price,
            )
        )
        return order

    def _cancel(self, order: _Replayed, total: int) -> None:
        self.records.append(
            record.encode(
                "CancelOrder", session=order.session, user_ref=order.number, quantity=total
            )
        )

    def add(self, message: dict[str, Any]) -> None:
        kind = message["kind"]
        if kind in ("AddOrder", "AddOrderMPID"):
            ref, side, price = message["order_ref"], message["side"], message["price"]
            self.live[ref] = self._enter(ref, side, message["shares"], price, "0")
        elif kind in ("OrderExecuted", "OrderExecutedWithPrice"):
            order = self.live[message["order_ref"]]
            shares = min(message["executed_shares"], order.open)
            self._enter(
                message["order_ref"] + 1,
                "S" if order.side == "B" else "B",
                shares,
                order.price,
                "3",
            )
            order.executed += shares
            order.open -= shares
        elif kind == "OrderCancel":
            order = self.live[message["order_ref"]]
            order.open -= min(message["cancelled_shares"], order.open)
            self._cancel(order, order.executed + order.open)
        elif kind == "OrderDelete":
            self._cancel(self.live.pop(message["order_ref"]), 0)
        elif kind == "OrderReplace":
            self._replace(message)

    def _replace(self, message: dict[str, Any]) -> None:
        order = self.live.pop(message["original_order_ref"])
        original = order.number
        self.last[order.session] += 1
        order.number = self.last[order.session]
        order.price, order.open = message["price"], min(message["shares"], QUANTITY_MAX)
        self.live[message["new_order_ref"]] = order
        self.records.append(
            record.encode(
                "ReplaceOrder",
                **FIXED["ReplaceOrder"],
                session=order.session,
                user_ref=order.number,
                orig_user_ref=original,
                quantity=min(order.executed + order.open, QUANTITY_MAX),
                price_e4=order.price,
            )
        )


def itch_replay(name: str, data: Buffer) -> Workload:
    """The orders of an ITCH file of one instrument, whole-cent prices, as members' orders."""
    flow = _ItchFlow()
    for message in ItchFileReader(data):
        flow.add(itch50.decode(message))
    body = np.frombuffer(b"".join(flow.records), np.uint8)
    return _workload(f"orders of {name}", 1 << 18, max(flow.last), body)
