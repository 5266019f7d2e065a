"""Goal: orders that stay come to stand on the next day as they stood: the same queues, in the same
order, with the same prices and what was open.

Method: random commands from seeds, the close of every instrument, and a second core that is opened
with what the first one leaves. Orders are known by the client_order_id that the test gives them,
which the core does not know. Each kind of queue has to be met, and a core that enters them in
another order is found.
"""

from collections import Counter
from collections.abc import Callable
from itertools import chain
from typing import Literal

import pytest
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import limits_of
from tests.model.engine_model import EngineModel

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.runtime.carried_orders import OrderNames, carried_orders, reference_price
from ironcore.stream.facts import Facts
from ironcore.wire.record import decode_frame
from ironpit.venue import definitions, opening

PLACES = {0: "displayed", 1: "hidden", 2: "stop", 5: "parked"}
# A trailing stop without a stop price needs a last price (4.9.9), and a day begins without one.
NO_PRICE = 0x01
REFERENCE_AT = definitions.HEADER.size + 28
Carried = list[tuple[int, bytes]]


def at(record: bytes, place: int) -> int:
    """What stands there in a command's header."""
    return int(opening.NUMBER.unpack_from(record, place)[0])


def made(limits: r.Limits) -> MatchingEngine:
    names = ("instruments_max", "sessions_max", "orders_max", "user_ref_bits")
    return MatchingEngine(**dict(zip(names, limits, strict=True)))


def left_by(seed: int, count: int) -> tuple[MatchingEngine, Facts, OrderNames, list[bytes]]:
    """A core at the end of its day."""
    model = EngineModel(limits_of(seed))
    engine, facts, tables = made(model.limits), Facts(), []
    names = OrderNames(engine)
    mix = CommandMix(seed, model)
    for record in chain(mix.opening(), mix.commands(count)):
        model.apply(record)
        status, _ = engine.apply(record)
        if status == r.OK:
            facts.take(record)
            names(0, record)
            if record[0] == definitions.COMMAND_DEFINE_TICK_TABLE:
                tables.append(record)
    for instrument in facts.instruments:
        engine.apply(r.set_state(instrument, "C"))
    return engine, facts, names, tables


def carried_by(engine: MatchingEngine, facts: Facts, names: OrderNames) -> list[bytes]:
    """Of the instruments that have not ended, one after the other."""
    numbers = [n for n in facts.instruments if n not in facts.retired]
    return [record for n in numbers for record in carried_orders(engine, n, names)]


def begun(facts: Facts, engine: MatchingEngine, tables: list[bytes]) -> list[bytes]:
    """The definitions of the next day, all instruments as they are while orders are entered."""
    found = [r.stream_start(r.Limits(**engine.limits)), *tables]
    for number, defined in facts.instruments.items():
        body = bytearray(defined)
        body[0] = definitions.COMMAND_DEFINE_INSTRUMENT
        (fields,) = decode_frame(defined)
        if fields["price_min"] >= 1:
            price = reference_price(engine, number)
            body[REFERENCE_AT : REFERENCE_AT + 4] = price.to_bytes(4, "little", signed=True)
        found.append(opening.lenient(bytes(body)))
    for number, session in facts.sessions.items():
        said = session[definitions.HEADER.size :]
        found.append(definitions.record(definitions.COMMAND_DEFINE_SESSION, said, session=number))
    return found


Row = tuple[int, int, int, int, int]


def rows_of(engine: MatchingEngine, instrument: int, name: Callable[[int], int]) -> list[Row]:
    """Each order of a book in its place: which it is, its price, what is open, the stop price."""
    found = []
    sides: tuple[Literal["B", "S"], ...] = ("B", "S")
    for side in sides:
        for row in engine.orders(instrument, side):
            total = int(row["quantity"]) + int(row["reserve"])
            stop = int(row["stop_price"])
            found.append(
                (int(row["place"]), name(int(row["slot"])), int(row["price"]), total, stop)
            )
    return found


def carry(seed: int, count: int, order: Callable[[list[bytes]], list[bytes]]) -> Counter[str]:
    """One day and the beginning of the next; the places that orders were met at."""
    engine, facts, names, tables = left_by(seed, count)
    records = order(carried_by(engine, facts, names))
    seen: Counter[str] = Counter()
    bits = engine.limits["user_ref_bits"]
    new_engine = made(r.Limits(**engine.limits))
    for record in begun(facts, engine, tables):
        assert new_engine.apply(record)[0] == r.OK
    symbols = {str(n): n for n in facts.instruments}
    users = {str(n): n for n in facts.sessions}
    left = [opening.CarriedOrder(str(i), str(s), record) for record in records
            for s, i in [(at(record, opening.SESSION_AT), r.instrument_of(record))]]  # fmt: skip
    was: dict[int, int] = {}
    refused: set[int] = set()
    for old, record in zip(left, opening.entered(left, symbols, users, 0), strict=True):
        old_slot = at(old.command, opening.SESSION_AT) << bits | old.user_ref
        new_slot = at(record, opening.SESSION_AT) << bits | at(record, opening.USER_REF_AT)
        was[new_slot] = old_slot
        status, events = new_engine.apply(record)
        assert status == r.OK
        if events[0]["type"] == r.REJECTED:
            assert events[0]["slot"] == NO_PRICE
            refused.add(old_slot)
    new_engine.check_invariants()
    for number in facts.instruments:
        before = [
            row for row in rows_of(engine, number, lambda slot: slot) if row[1] not in refused
        ]
        assert rows_of(new_engine, number, was.__getitem__) == before
        seen.update(PLACES[row[0]] for row in before)
    seen["refused"] += len(refused)
    return seen


def carry_all(order: Callable[[list[bytes]], list[bytes]]) -> Counter[str]:
    return sum((carry(seed, 500, order) for seed in range(60)), Counter())


def test_orders_stand_on_the_next_day_as_they_stood() -> None:
    seen = carry_all(lambda records: records)
    for place in PLACES.values():
        assert seen[place] > 10, seen


def test_orders_that_are_entered_in_another_order_are_found() -> None:
    with pytest.raises(AssertionError):
        carry_all(lambda records: records[::-1])
