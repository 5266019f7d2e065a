"""Books that nobody thought of: layers of orders at random, and a command at random.

Each layer leaves some of what a member can leave behind, on either side and at prices that lie
dense or far apart. Few of the books make sense; that is why they are looked at.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeAlias

from tests.dearest.counting import Case, case_of
from tests.dearest.opening import (
    FAR,
    GROUP_MATE,
    GROUPED,
    OWNER,
    PRICE,
    QUANTITY_MAX,
    STRANGER,
    Column,
    Opening,
    Size,
    steps,
)
from tests.model import records as r
from tests.model.options import write_options

Layer: TypeAlias = Callable[[Opening, Random, int], None]

SESSIONS = (OWNER, STRANGER, GROUPED, GROUP_MATE)
# Those whose orders may become aggressors later: of a group they would cancel all that they meet.
STRANGERS = (OWNER, STRANGER)
SPACINGS = (0, 1, 10, 50, 100, 100, FAR)
OFFSETS = (0, 0, 10, 50, 100)


def _prices(random: Random, side: str, count: int) -> Column:
    """From somewhere near PRICE away from the other side, or through it."""
    away = (-1 if side == "B" else 1) * random.choice((1, 1, 1, -1))
    return PRICE + away * (random.choice(OFFSETS) + steps(count, random.choice(SPACINGS)))


def _many(opening: Opening, random: Random, count: int, **fields: Any) -> None:
    side = random.choice("BS")
    vary = {"price": _prices(random, side, count)}
    opening.many(count, random.choice(SESSIONS), side, vary, **fields)


def shown(opening: Opening, random: Random, count: int) -> None:
    _many(opening, random, count, quantity=random.choice((1, 1, 2)))


def hidden(opening: Opening, random: Random, count: int) -> None:
    _many(opening, random, count, display="N")


def icebergs(opening: Opening, random: Random, count: int) -> None:
    _many(opening, random, count, quantity=20, options=write_options(max_floor=1))


def minimums(opening: Opening, random: Random, count: int) -> None:
    """At the end of the range, or among the others."""
    count = min(count, opening.size.minimums)
    side, quantity = random.choice("BS"), random.choice((2, 100, QUANTITY_MAX))
    vary = {"price": _prices(random, side, count)} if random.random() < 0.5 else None
    options = write_options(min_qty=quantity)
    end = 2 if side == "S" else r.PRICE_MAX
    fields: dict[str, Any] = {"quantity": quantity, "price": end, "options": options}
    opening.many(count, STRANGER, side, vary, display="N", **fields)


def pegs(opening: Opening, random: Random, count: int) -> None:
    count = min(count, random.randint(1, opening.size.followers))
    offsets = random.choice((-1, 0, 1)) * steps(count, random.choice(SPACINGS))
    given: dict[str, Any] = {"price_type": random.choice("PRM"), "peg_offset": 1}
    fields: dict[str, Any] = {"quantity": random.choice((1, 2)), "price": r.MARKET}
    opening.many(
        count,
        random.choice(STRANGERS),
        random.choice("BS"),
        {"peg_offset": offsets},
        options=write_options(**given),
        display="N",
        **fields,
    )


def displayed_pegs(opening: Opening, random: Random, count: int) -> None:
    count = min(count, random.randint(1, opening.size.followers))
    side, options = random.choice("BS"), write_options(price_type="R")
    opening.many(count, random.choice(STRANGERS), side, price=r.MARKET, options=options)


def stops(opening: Opening, random: Random, count: int) -> None:
    count = min(count, random.randint(1, opening.size.followers))
    side = random.choice("BS")
    up = 1 if side == "B" else -1
    prices = PRICE + up * (random.choice(OFFSETS) + steps(count, random.choice(SPACINGS)))
    opening.many(
        count,
        random.choice(STRANGERS),
        side,
        {"stop_price": prices},
        quantity=random.choice((1, 2)),
        price=r.MARKET,
        options=write_options(stop_price=PRICE),
    )


def trailing(opening: Opening, random: Random, count: int) -> None:
    count = min(count, random.randint(1, opening.size.followers))
    side = random.choice("BS")
    distances = {"trail": 100 + steps(count, random.choice(SPACINGS))}
    price = 1 if side == "S" else r.PRICE_MAX
    options = write_options(trail_offset=1)
    opening.many(count, STRANGER, side, distances, price=price, options=options)


LAYERS: tuple[Layer, ...] = (
    *(shown, shown, hidden, icebergs, minimums),
    *(pegs, displayed_pegs, stops, trailing),
)


def random_case(number: int, size: Size, commands: Sequence[str]) -> Case:
    """The number is the seed."""
    random = Random(number)
    opening = Opening(size)
    opening.trade(PRICE)
    opening.rest(OWNER, "B", 1, PRICE - 200)
    opening.rest(OWNER, "S", 1, PRICE + 200)
    opening.best = (OWNER, random.choice((2, 3)))
    names = [f"random book {number}"]
    for layer in random.choices(LAYERS, k=random.randint(2, 6)):
        layer(opening, random, random.randint(1, size.orders // 6))
        names.append(layer.__name__)
    case = case_of(", ".join(names), random.choice(commands), opening)
    return case._replace(is_random=True)
