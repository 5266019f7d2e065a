"""What follows prices: pegs and stops, alone and so that one moves the other, many times over.

A ladder is one command's long way. An order takes the best sell; pegs follow the next one up, and
one of them meets a hidden sell in between; that price wakes a stop, which takes the best sell:

    sells   H1   A1   H2   A2   H3 ..      A displayed, H hidden
    stops   S1        S2        S3         wake at H1, H2, H3

Each rung moves all pegs. With half of what `followers_max` admits as stops and half as pegs, there
are followers_max^2 / 4 moves.
"""

from collections.abc import Callable
from typing import Any

from tests.dearest.opening import (
    FAR,
    GROUP_MATE,
    GROUPED,
    OWNER,
    PRICE,
    QUANTITY_MAX,
    STRANGER,
    TICK,
    Opening,
    Size,
    steps,
)
from tests.model import records as r
from tests.model.options import write_options

RUNG = 100
HIDDEN: dict[str, Any] = {"display": "N"}
# A tick table and collars, so that each price and each execution costs what it may.
TERMS: dict[str, Any] = {
    "bands": ((0, TICK), *((r.PRICE_MAX - 23 + index, TICK) for index in range(23))),
    "reference": PRICE,
    "static": 10_000,
    "dynamic": 10_000,
    "protection": 10_000,
}


def minimums_in_the_way(opening: Opening) -> None:
    """Hidden sells that every buy passes by."""
    options = write_options(min_qty=QUANTITY_MAX)
    fields: dict[str, Any] = {"quantity": QUANTITY_MAX, "price": 2, "options": options, **HIDDEN}
    opening.many(opening.size.minimums, STRANGER, "S", **fields)


def _shown_sells(opening: Opening, count: int) -> None:
    """Of one share, a rung apart, the first one at PRICE; and a buy far below."""
    opening.rest(OWNER, "B", 1, 1)
    opening.many(count, OWNER, "S", {"price": PRICE + steps(count, RUNG)})
    opening.best = (OWNER, 2)


def _pegs(opening: Opening, count: int, **options: Any) -> None:
    """Buys behind the best sell, each at a distance of its own."""
    given = write_options(price_type="P", peg_offset=-1, **options)
    opening.many(
        count,
        STRANGER,
        "B",
        {"peg_offset": -10 * RUNG - steps(count, FAR)},
        quantity=2,
        price=r.MARKET,
        options=given,
        **HIDDEN,
    )


def _stops(opening: Opening, count: int, first: int, by: int, quantity: int = 1) -> None:
    """Buys that take what they find."""
    prices = {"stop_price": first + steps(count, by)}
    options = write_options(stop_price=PRICE)
    opening.many(count, STRANGER, "B", prices, quantity=quantity, price=r.MARKET, options=options)


def _trailing(opening: Opening, count: int) -> None:
    """Sells that follow the last price up, each at a distance of its own."""
    distances = {"trail": 1000 * RUNG + steps(count, FAR)}
    options = write_options(trail_offset=1)
    opening.many(count, STRANGER, "S", distances, price=1, options=options)


def pegs(size: Size) -> Opening:
    opening = Opening(size, **TERMS)
    _shown_sells(opening, size.orders)
    _pegs(opening, size.followers)
    return opening


def displayed_pegs(size: Size) -> Opening:
    """Both sides', so that whoever looks for the quotes passes them by."""
    opening = Opening(size, **TERMS)
    _shown_sells(opening, size.orders // 2)
    half = size.followers // 2
    options = write_options(price_type="R")
    for side in "BS":
        opening.many(half, STRANGER, side, price=r.MARKET, options=options)
    opening.many(size.orders // 2, OWNER, "B", {"price": PRICE // 2 - steps(size.orders // 2)})
    return opening


def displayed_pegs_beside_minimums(size: Size) -> Opening:
    opening = displayed_pegs(size)
    minimums_in_the_way(opening)
    return opening


def pegs_beside_minimums(size: Size) -> Opening:
    opening = Opening(size, **TERMS)
    _shown_sells(opening, size.orders)
    minimums_in_the_way(opening)
    _pegs(opening, size.followers)
    return opening


def stops_beside_minimums(size: Size) -> Opening:
    opening = Opening(size, **TERMS)
    _shown_sells(opening, size.orders)
    minimums_in_the_way(opening)
    _stops(opening, size.followers, PRICE, 0)
    return opening


def ladder_of_trailing_stops(size: Size) -> Opening:
    """Each stop that wakes moves the last price, and all trailing stops with it."""
    opening = Opening(size, **TERMS)
    opening.trade(PRICE - RUNG)
    _shown_sells(opening, max(size.orders, size.followers))
    opening.best = (OWNER, 3)
    half = size.followers // 2
    _stops(opening, half, PRICE, RUNG)
    _trailing(opening, size.followers - half)
    return opening


def _ladder_of_pegs(opening: Opening) -> Opening:
    size = opening.size
    rungs = size.followers // 2
    _shown_sells(opening, max(size.orders, rungs + 1))
    between = {"price": PRICE + RUNG // 2 + steps(rungs, RUNG)}
    opening.many(rungs, OWNER, "S", between, **HIDDEN)
    climber = write_options(price_type="P")
    opening.rest(STRANGER, "B", QUANTITY_MAX - 1, r.MARKET, options=climber, **HIDDEN)
    _pegs(opening, size.followers - rungs - 1)
    _stops(opening, rungs, PRICE + RUNG // 2, RUNG)
    return opening


def ladder_of_pegs(size: Size) -> Opening:
    return _ladder_of_pegs(Opening(size, **TERMS))


def ladder_beside_minimums(size: Size) -> Opening:
    opening = Opening(size, **TERMS)
    minimums_in_the_way(opening)
    return _ladder_of_pegs(opening)


def peg_that_executes_much(size: Size) -> Opening:
    """Once the best sell is gone it reaches all that is hidden behind."""
    opening = Opening(size)
    _shown_sells(opening, 2)
    opening.many(size.orders, OWNER, "S", price=PRICE + RUNG // 2, **HIDDEN)
    options = write_options(price_type="P")
    opening.rest(STRANGER, "B", QUANTITY_MAX, r.MARKET, options=options, **HIDDEN)
    return opening


def peg_that_cancels_its_own(size: Size) -> Opening:
    """As self-trade prevention has it that cancels the oldest."""
    opening = Opening(size)
    _shown_sells(opening, 2)
    opening.many(size.orders, GROUPED, "S", price=PRICE + RUNG // 2, **HIDDEN)
    options = write_options(price_type="P")
    opening.rest(GROUP_MATE, "B", 1, r.MARKET, options=options, **HIDDEN)
    return opening


def stop_that_executes_much(size: Size) -> Opening:
    opening = Opening(size)
    _shown_sells(opening, size.orders)
    _stops(opening, 1, PRICE, 0, quantity=QUANTITY_MAX)
    return opening


def pairs_of_stops_that_sleep(size: Size) -> Opening:
    """Each execution takes a stop with it."""
    opening = Opening(size, **TERMS)
    _shown_sells(opening, max(size.orders, size.followers))
    _paired_stops(opening, "S", 2)
    return opening


def pairs_of_stops_that_wake(size: Size) -> Opening:
    """One trade wakes all stops, and each takes its other order from the book."""
    opening = Opening(size, **TERMS)
    _shown_sells(opening, max(size.orders, 2 * size.followers))
    _paired_stops(opening, "B", PRICE)
    return opening


def _paired_stops(opening: Opening, side: str, stop_price: int) -> None:
    """As many as there may be, each with one of the owner's sells."""
    names = {"oco": opening.best[1] + steps(opening.size.followers)}
    options = write_options(stop_price=stop_price, oco_ref=1)
    fields: dict[str, Any] = {"price": r.MARKET, "options": options}
    opening.many(opening.size.followers, OWNER, side, names, **fields)


def pegs_and_a_collar(size: Size) -> Opening:
    """An order that pauses the instrument parks all pegs."""
    opening = Opening(size, reference=PRICE, static=1, pause_seconds=1)
    _shown_sells(opening, 1)
    opening.rest(OWNER, "S", 1, r.PRICE_MAX)
    _pegs(opening, size.followers)
    return opening


ADVERSARIES: dict[str, Callable[[Size], Opening]] = {
    "pegs": pegs,
    "pegs beside MinQty orders": pegs_beside_minimums,
    "displayed pegs": displayed_pegs,
    "displayed pegs beside MinQty orders": displayed_pegs_beside_minimums,
    "stops beside MinQty orders": stops_beside_minimums,
    "a ladder of stops and trailing stops": ladder_of_trailing_stops,
    "a ladder of stops and pegs": ladder_of_pegs,
    "a ladder beside MinQty orders": ladder_beside_minimums,
    "a peg that executes much": peg_that_executes_much,
    "a peg that cancels its own": peg_that_cancels_its_own,
    "a stop that executes much": stop_that_executes_much,
    "pegs and a collar": pegs_and_a_collar,
    "pairs of stops that sleep": pairs_of_stops_that_sleep,
    "pairs of stops that wake": pairs_of_stops_that_wake,
}
