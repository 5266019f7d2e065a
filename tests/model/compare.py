"""Core and model side by side: where they differ first, and with how few commands."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.engine_model import EngineModel
from tests.model.orders import Place

from ironcore.book.matching_engine import MatchingEngine


class Answer(NamedTuple):
    """What a command does: its outcome, its events, and the header's instrument after it."""

    status: int
    events: list[bytes]
    instrument: int | None


class Difference(NamedTuple):
    """The first command after which core and model are not the same."""

    index: int
    model: Answer
    core: Answer
    said: str


def limits_of(seed: int) -> r.Limits:
    """Small pools and larger ones, by seed."""
    return r.Limits(orders_max=(30, 80, 160)[seed % 3], user_ref_bits=17)


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
    return Answer(status, events, said if model.stamped is None else model.stamped)


def answer_of_core(core: MatchingEngine, record: bytes) -> Answer:
    stamped = bytearray(record)
    statuses, _, events = core.apply_batch(stamped, stamp=True)
    return Answer(int(statuses[0]), [event.tobytes() for event in events], r.instrument_of(stamped))


def displayed_of_model(model: EngineModel, index: int, side: str) -> list[tuple[int, int, int]]:
    """What the visible book shows of a side: reference, price, quantity, in priority."""
    queue = model.queue(model.instruments[index], side == "S")
    return [(o.order_ref, o.rest_price, o.reachable) for o in queue if o.is_visible]


def resting_of_model(model: EngineModel, index: int, side: str) -> list[tuple[int, int, int, int]]:
    """A side of the book in priority: reference, slot, open quantity, price."""
    queue = model.queue(model.instruments[index], side == "S")
    return [(o.order_ref, model.slot_of(o), o.quantity, o.rest_price) for o in queue]


def resting_of_core(core: MatchingEngine, index: int, side: str) -> list[tuple[int, int, int, int]]:
    rows = core.orders(index, "S" if side == "S" else "B")
    return [tuple(row) for row in rows[["order_ref", "slot", "quantity", "price_e4"]].tolist()]


def books_differ(core: MatchingEngine, model: EngineModel) -> str:
    """Which side of which book is not the same, or nothing."""
    for index in range(len(model.instruments)):
        for side in ("B", "S"):
            ours, theirs = (
                resting_of_model(model, index, side),
                resting_of_core(core, index, side),
            )
            if ours != theirs:
                return f"instrument {index} side {side}: model {ours}, core {theirs}"
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
                records = shorter[: difference.index + 1]
        size //= 2
    return records


def live_places(model: EngineModel) -> dict[int, Place]:
    """Slots of all live orders, and where they are."""
    return {model.slot_of(order): order.place for order in model.live.values()}
