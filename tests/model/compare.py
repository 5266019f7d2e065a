"""Core and model side by side: where they differ first, and with how few commands."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.engine_model import EngineModel
from tests.model.orders import Instrument, Order, Place

from ironcore.engine.matching_engine import MatchingEngine


class Answer(NamedTuple):
    """What a command does: its outcome, its events, and what it says afterwards: its instrument
    and, of a replacement, what was open before."""

    status: int
    events: list[bytes]
    instrument: int | None
    open_before: int | None


class Difference(NamedTuple):
    """The first command after which core and model are not the same."""

    position: int
    model: Answer
    core: Answer
    said: str


def limits_of(seed: int) -> r.Limits:
    """Small pools and larger ones, by seed."""
    return r.Limits(instruments_max=5, orders_max=(30, 80, 160)[seed % 3], user_ref_bits=17)


def stream_of(seed: int, count: int, limits: r.Limits) -> list[bytes]:
    """The commands of a seed."""
    model = EngineModel(limits)
    mix, records = CommandMix(seed, model), []
    for part in (mix.opening(), mix.commands(count)):
        for record in part:
            model.apply(record)
            records.append(record)
    return records


def answer_of_model(model: EngineModel, record: bytes) -> Answer:
    status, events = model.apply(record)
    said = r.instrument_of(record) if len(record) >= r.HEADER.size else None
    stamped = said if model.stamped is None else model.stamped
    before = r.open_before_of(record) if model.open_before is None else model.open_before
    return Answer(status, events, stamped, before)


def answer_of_core(core: MatchingEngine, record: bytes) -> Answer:
    stamped = bytearray(record)
    statuses, _, events = core.apply_batch(stamped, stamp=True)
    after = bytes(stamped)
    said = [event.tobytes() for event in events]
    return Answer(int(statuses[0]), said, r.instrument_of(after), r.open_before_of(after))


def displayed_of_model(model: EngineModel, index: int, side: str) -> list[tuple[int, int, int]]:
    """What the visible book shows of a side: reference, price, quantity, in priority."""
    queue = model.queue(model.instruments[index], side == "S")
    return [(o.order_ref, o.rest_price, o.reachable) for o in queue if o.is_visible]


class Row(NamedTuple):
    """A live order, as `MatchingEngine.orders` gives it."""

    place: int
    order_ref: int
    slot: int
    quantity: int
    reserve: int
    executed: int
    price: int
    stop_price: int


def place_of(order: Order) -> int:
    """0 displayed, 1 hidden, 2 stops, 3 and 4 limit and market orders that wait, 5 parked, 6
    under way."""
    if order.place == Place.BOOK:
        return 1 if order.is_hidden else 0
    if order.place == Place.WAITING:
        return 4 if order.is_market else 3
    if order.place == Place.UNDER_WAY:
        return 6
    return 2 if order.place == Place.STOPS and order.stop_price else 5  # rules 10.6 and 11.3


def priority_in_place(order: Order) -> tuple[int, int, int]:
    """Rules 5.3, 10.7, 14.4 and 11.4."""
    place = place_of(order)
    if place == 2:
        price = -order.stop_price if order.sells else order.stop_price
    else:
        price = order.event_price if order.sells else -order.event_price
    if place == 4:
        price = 0
    if place == 5:  # pegs, then trailing stops
        return place, int(order.place == Place.STOPS), order.accepted
    return place, price, order.arrival


def priority(instrument: Instrument, order: Order) -> tuple[int, int, int]:
    if order in instrument.under_way:
        return place_of(order), instrument.under_way.index(order), 0
    return priority_in_place(order)


def orders_of_model(model: EngineModel, index: int, side: str) -> list[Row]:
    """A side's live orders, by place and in each by priority."""
    orders = [o for o in model.instruments[index].orders if o.sells == (side == "S")]
    return [
        Row(
            place_of(order),
            order.order_ref,
            model.slot_of(order),
            order.reachable,
            order.reserve,
            order.executed,
            order.event_price,
            order.stop_price if order.place == Place.STOPS else 0,
        )
        for order in sorted(orders, key=lambda one: priority(model.instruments[index], one))
    ]


def orders_of_core(core: MatchingEngine, index: int, side: str) -> list[Row]:
    rows = core.orders(index, "S" if side == "S" else "B")
    return [Row(*row) for row in rows[list(Row._fields)].tolist()]


def books_differ(core: MatchingEngine, model: EngineModel) -> str:
    """Which side of which book is not the same, or nothing."""
    for index in range(len(model.instruments)):
        for side in ("B", "S"):
            ours, theirs = orders_of_model(model, index, side), orders_of_core(core, index, side)
            if ours != theirs:
                more = [row for row in ours if row not in theirs]
                less = [row for row in theirs if row not in ours]
                return f"instrument {index} side {side}: model has {more}, core has {less}"
    return ""


def first_difference(
    records: Sequence[bytes], limits: r.Limits, check_books: bool = True
) -> Difference | None:
    """Both from their beginning, one command at a time, with the core's invariants checked."""
    model, core = EngineModel(limits), MatchingEngine(*limits)
    for index, record in enumerate(records):
        expected, actual = answer_of_model(model, record), answer_of_core(core, record)
        said = "" if expected == actual else "answers"
        if not said and check_books:
            try:
                core.check_invariants()
            except Exception as error:
                said = f"invariants: {error}"
            said = said or books_differ(core, model)
        if said:
            return Difference(index, expected, actual, said)
    return None


def shrink(
    records: list[bytes], still_differs: Callable[[list[bytes]], Difference | None]
) -> list[bytes]:
    """The fewest commands (no one can be left out) that still make a difference."""
    size = len(records) // 2
    while size:
        start = 0
        while start < len(records):
            shorter = records[:start] + records[start + size :]
            difference = still_differs(shorter) if shorter else None
            if difference is None:
                start += size
            else:
                records = shorter[: difference.position + 1]
        size //= 2
    return records
