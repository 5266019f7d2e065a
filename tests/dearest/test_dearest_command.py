"""Goal: no command that a member can send costs more than is known and bounded, whatever others
have left in the book; and what has no bound yet is named, and nothing else.

Method: by search, counting instructions. Every command is sent to every adversary's book, small and
with twice the orders: what has a bound may not grow. Random books look for what no adversary has
thought of. The dearest are then counted at the limits that a venue has by default. That each of
this would be seen is shown with limits that are larger than the rules say. The last two take long:
`make dearest` runs them.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import pytest
from tests.dearest import counting
from tests.dearest.adversaries import ADVERSARIES
from tests.dearest.commands import COMMANDS, MEMBERS
from tests.dearest.counting import Case
from tests.dearest.known import (
    INSTRUCTIONS_MAX,
    LARGE_ONLY,
    STEPS_MAX,
    UNBOUNDED,
    Unbounded,
    kind_of,
)
from tests.dearest.opening import Size
from tests.dearest.random_books import random_case

pytestmark = [pytest.mark.needs_tool("valgrind"), pytest.mark.timeout(900)]

SMALL = Size(
    orders=160,
    instruments=32,
    followers=16,
    minimums=16,
    steps=64,
    user_ref_bits=15,
    step_actions=64,
    sharers=16,
)
TWICE = SMALL._replace(orders=2 * SMALL.orders, instruments=2 * SMALL.instruments)
# More orders than the core may count, and as many instruments as a session may quote in.
DEFAULT = Size(orders=20_000, instruments=256, followers=256, minimums=256, steps=STEPS_MAX)
# A bounded command may take this much more with twice the orders: the tree of prices is deeper.
GROWTH_MAX, GROWTH_INSTRUCTIONS = 1.1, 500
RANDOM_BOOKS = 200

COUNTED = ("orders at a price each", "a fill or kill that fails")
STEPPED = ("orders at a price each", "a mass cancel")
NO_LIMIT = {"steps": STEPS_MAX, "step_actions": 0}
LARGER = {
    "rule 10.9": (COUNTED, {"steps": 8 * STEPS_MAX, "orders": 9 * STEPS_MAX, "user_ref_bits": 18}),
    "step_actions_max": (STEPPED, {"step_actions": 0}),
}

Pair: TypeAlias = tuple[str, str]
Counts: TypeAlias = dict[Pair, int]


def made(size: Size, pairs: Iterable[Pair]) -> list[Case]:
    commands: dict[str, list[str]] = {}
    for book, command in pairs:
        commands.setdefault(book, []).append(command)
    return [case for book in commands for case in counting.cases_of(book, commands[book], size)]


def counted(groups: dict[str, list[Case]], directory: Path) -> dict[str, Counts]:
    """In one child, as it takes long to start."""
    found = iter(counting.count([case for group in groups.values() for case in group], directory))
    return {
        name: {(case.book, case.command): next(found).instructions for case in group}
        for name, group in groups.items()
    }


def grows(small: int, twice: int) -> bool:
    return twice > small * GROWTH_MAX + GROWTH_INSTRUCTIONS


def without_bound(small: Counts, twice: Counts) -> list[Pair]:
    """The pairs that grow, and are not known to."""
    return [
        pair
        for pair in small
        if pair[0] not in LARGE_ONLY and grows(small[pair], twice[pair]) and kind_of(*pair) is None
    ]


def dearer_than(limit: int, counts: Counts) -> list[str]:
    return [f"{pair}: {count:,}" for pair, count in counts.items() if count > limit]


def bounded(counts: Counts) -> Counts:
    return {pair: count for pair, count in counts.items() if kind_of(*pair) is None}


def of_members(counts: Counts) -> Counts:
    return {pair: count for pair, count in counts.items() if pair[1] in MEMBERS}


def dearest_of_each_book(counts: Counts) -> list[Pair]:
    """Of those that have a bound: what members send, and what the venue gives itself."""
    pairs = sorted(bounded(counts), key=counts.__getitem__)
    dearest = {(pair[0], pair[1] in MEMBERS): pair for pair in pairs}
    return list(dearest.values())


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counts]:
    """What all pairs take, small and with twice the orders; and what has its limit taken away."""
    pairs = [(book, command) for book in ADVERSARIES for command in COMMANDS]
    groups = {
        "small": made(SMALL, pairs),
        "twice": made(TWICE, pairs),
        "small, no limit": made(SMALL._replace(**NO_LIMIT), [COUNTED, STEPPED]),
        "twice, no limit": made(TWICE._replace(**NO_LIMIT), [COUNTED, STEPPED]),
    }
    return counted(groups, tmp_path_factory.mktemp("found"))


@pytest.fixture(scope="module")
def at_limits(
    found: dict[str, Counts], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Counts]:
    """What the dearest take at the default limits, and some at larger ones."""
    groups = {name: made(DEFAULT._replace(**more), [pair]) for name, (pair, more) in LARGER.items()}
    groups["default"] = made(DEFAULT, dearest_of_each_book(found["small"]))
    return counted(groups, tmp_path_factory.mktemp("limits"))


def test_no_command_grows_with_the_orders_that_live(found: dict[str, Counts]) -> None:
    small, twice = found["small"], found["twice"]
    grown = [f"{pair}: {small[pair]:,} to {twice[pair]:,}" for pair in without_bound(small, twice)]
    assert not grown, "\n".join(grown)


def test_a_command_without_its_limit_is_seen_to_grow(found: dict[str, Counts]) -> None:
    grown = without_bound(found["small, no limit"], found["twice, no limit"])
    assert grown == [COUNTED, STEPPED]


@pytest.mark.parametrize("kind", UNBOUNDED, ids=[kind.name for kind in UNBOUNDED])
def test_what_is_said_to_have_no_bound_has_none(kind: Unbounded, found: dict[str, Counts]) -> None:
    """One that has got its bound is to be struck off."""
    covered = [pair for pair in found["small"] if kind.covers(*pair)]
    assert covered, f"{kind.name}: no command and book of these names"
    growth = max(found["twice"][pair] / found["small"][pair] for pair in covered)
    assert growth > 1.5, f"{kind.name} has a bound now ({growth:.2f}): strike it off UNBOUNDED"


@pytest.mark.slow
def test_no_random_book_makes_a_command_dearer(found: dict[str, Counts], tmp_path: Path) -> None:
    commands = [name for name in MEMBERS if kind_of("", name) is None]
    cases = [random_case(number, SMALL, commands) for number in range(RANDOM_BOOKS)]
    known = max(of_members(bounded(found["small"])).values())
    assert dearer_than(known, counted({"random": cases}, tmp_path)["random"]) == []


@pytest.mark.slow
def test_no_command_is_dearer_at_the_limits_than_its_bound(at_limits: dict[str, Counts]) -> None:
    counts = at_limits["default"]
    assert dearer_than(INSTRUCTIONS_MAX, counts) == []
    # The search still gets where the limits are.
    assert max(of_members(counts).values()) > INSTRUCTIONS_MAX // 3


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGER)
def test_a_larger_limit_is_seen_to_be_dearer(name: str, at_limits: dict[str, Counts]) -> None:
    assert len(dearer_than(INSTRUCTIONS_MAX, at_limits[name])) == 1
