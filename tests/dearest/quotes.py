"""Market makers' quotes: their command, and books in which they stand, protected."""

from collections.abc import Callable
from typing import Any

from tests.dearest.ladders import HIDDEN, minimums_in_the_way
from tests.dearest.opening import (
    OWNER,
    PRICE,
    QUANTITY_MAX,
    STRANGER,
    Opening,
    Size,
    far_apart,
    steps,
)
from tests.model import records as r
from tests.model.options import write_options

ENTRIES = 16  # rule 20.1: the most
EACH = 4  # orders of one of many instruments
Command = Callable[[Opening], bytes]


def _quote(opening: Opening, session: int, *entries: tuple[int, int, int, int, int]) -> bytes:
    number = opening.next_number(session)
    opening.numbers[session] += 2 * len(entries) - 1
    return r.quote(session, number, *entries)


def _command(bid: int, quantity: int) -> Command:
    """As many instruments as there are; of one, one after the other in it."""

    def command(opening: Opening) -> bytes:
        places = [index % opening.instruments for index in range(ENTRIES)]
        asks = r.PRICE_MAX
        return _quote(opening, STRANGER, *((n, bid, quantity, asks, 1) for n in places))

    return command


COMMANDS: dict[str, Command] = {
    "quotes of one share": _command(r.PRICE_MAX - 1, 1),
    "quotes of all": _command(r.PRICE_MAX - 1, QUANTITY_MAX - 1),
    "quotes that meet nothing": _command(1, 1),
}


def instruments_with_minimums(size: Size) -> Opening:
    """In each, hidden sells that a buy passes by, and what it executes with in the end."""
    opening = Opening(size)
    count = min(ENTRIES, size.instruments)
    options = write_options(min_qty=QUANTITY_MAX)
    for index in range(count):
        if index:
            opening.add(r.define_instrument(index, **opening.terms))
        place = {"instrument": index + 0 * steps(size.minimums // count)}
        fields: dict[str, Any] = {"quantity": QUANTITY_MAX, "price": 2, "options": options}
        opening.many(size.minimums // count, OWNER, "S", place, **fields, **HIDDEN)
        many = {"instrument": index + 0 * steps(EACH), "price": far_apart(EACH)}
        opening.many(EACH, OWNER, "S", many)
    opening.instruments = count
    opening.best = (OWNER, opening.numbers[OWNER])
    return opening


def protected_quotes(size: Size) -> Opening:
    """Each execution with them reaches a limit, and takes another order away; orders behind."""
    opening = Opening(size)
    minimums_in_the_way(opening)
    opening.many(size.orders, OWNER, "S", {"price": far_apart(size.orders)})
    for session in opening.numbers:
        opening.add(r.set_protection(session, 0, executions=1))
        entry = (0, PRICE - 100 - session, 5, PRICE - 10 - session, 5)
        opening.add(_quote(opening, session, entry))
    opening.best = (OWNER, opening.numbers[OWNER])
    return opening


def protections_in_many_instruments(size: Size) -> Opening:
    """Both sides' sessions have them. Every execution looks for the one of its instrument, which
    comes last."""
    opening = Opening(size)
    for index in range(1, size.instruments):
        opening.add(r.define_instrument(index, **opening.terms))
    opening.instruments = size.instruments
    for index in reversed(range(size.instruments)):
        for session in (OWNER, STRANGER):
            opening.add(r.set_protection(session, index, volume=QUANTITY_MAX))
    opening.rest(OWNER, "B", 1, 1)
    opening.many(size.orders, OWNER, "S")
    opening.best = (OWNER, 1)
    return opening


ADVERSARIES: dict[str, Callable[[Size], Opening]] = {
    "instruments with MinQty orders": instruments_with_minimums,
    "protected quotes": protected_quotes,
    "protections in many instruments": protections_in_many_instruments,
}
