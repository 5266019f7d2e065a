"""Goal: no command that a member can send costs more than is known and bounded, whatever others have
left in the book; and what has no bound yet is named, and nothing else.

Method: by search, counting instructions. Every command is sent to every adversary's book, small and
with twice the orders: what has a bound may not grow. Random books look for what no adversary has
thought of. The dearest are then counted at the limits that a venue has by default. That each of
this would be seen is shown with limits that are larger than the rules say.
"""

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import TypeAlias

import pytest
from tests.dearest import counting
from tests.dearest.adversaries import ADVERSARIES
from tests.dearest.commands import COMMANDS, MEMBERS
from tests.dearest.counting import Count
from tests.dearest.known import (
    INSTRUCTIONS_MAX,
    STEPS_MAX,
    UNBOUNDED,
    Unbounded,
    kind_of,
)
from tests.dearest.opening import Size
from tests.dearest.random_books import random_case

pytestmark = [pytest.mark.needs_tool("valgrind"), pytest.mark.timeout(900)]

SMALL = Size(orders=160, instruments=32, followers=16, minimums=16, steps=64)
TWICE = SMALL._replace(orders=2 * SMALL.orders, instruments=2 * SMALL.instruments)
# More orders than the core may count.
DEFAULT = Size(orders=20_000, instruments=64, followers=256, minimums=256, steps=STEPS_MAX)
# A bounded command may take this much more with twice the orders: the tree of prices is deeper.
GROWTH_MAX, GROWTH_INSTRUCTIONS = 1.1, 500
RANDOM_BOOKS = 400

Pair: TypeAlias = tuple[str, str]
Counts: TypeAlias = dict[Pair, int]


def counted(size: Size, pairs: Iterable[Pair], directory: Path) -> Counts:
    commands: dict[str, list[str]] = {}
    for book, command in pairs:
        commands.setdefault(book, []).append(command)
    cases = [
        case for book, names in commands.items() for case in counting.cases_of(book, names, size)
    ]
    found = counting.count(cases, directory)
    return {(count.book, count.command): count.instructions for count in found}


def grows(small: int, twice: int) -> bool:
    return twice > small * GROWTH_MAX + GROWTH_INSTRUCTIONS


def without_bound(small: Counts, twice: Counts) -> list[Pair]:
    """The pairs that grow, and are not known to."""
    return [
        pair for pair in small if grows(small[pair], twice[pair]) and kind_of(*pair) is None
    ]


def dearer_than(limit: int, counts: Counts) -> list[str]:
    return [f"{pair}: {count:,}" for pair, count in counts.items() if count > limit]


def dearest_of_each_book(counts: Counts, each: int) -> list[Pair]:
    """Of those that have a bound."""
    bounded = sorted((pair for pair in counts if kind_of(*pair) is None), key=counts.__getitem__)
    found: list[Pair] = []
    for book in ADVERSARIES:
        found += [pair for pair in bounded if pair[0] == book][-each:]
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Counts:
    pairs = [(book, command) for book in ADVERSARIES for command in COMMANDS]
    return counted(SMALL, pairs, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def twice(small: Counts, tmp_path_factory: pytest.TempPathFactory) -> Counts:
    return counted(TWICE, small, tmp_path_factory.mktemp("twice"))


def test_no_command_grows_with_the_orders_that_live(small: Counts, twice: Counts) -> None:
    found = [f"{pair}: {small[pair]:,} to {twice[pair]:,}" for pair in without_bound(small, twice)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("kind", UNBOUNDED, ids=[kind.name for kind in UNBOUNDED])
def test_what_is_said_to_have_no_bound_has_none(
    kind: Unbounded, small: Counts, twice: Counts
) -> None:
    """One that has got its bound is to be struck off."""
    covered = [pair for pair in small if kind.covers(*pair)]
    assert covered, f"{kind.name}: no command and book of these names"
    growth = max(twice[pair] / small[pair] for pair in covered)
    assert growth > 1.5, f"{kind.name} has a bound now ({growth:.2f}): strike it off UNBOUNDED"


def test_no_command_is_dearer_at_the_limits_than_the_house_allows(
    small: Counts, tmp_path: Path
) -> None:
    counts = counted(DEFAULT, dearest_of_each_book(small, 2), tmp_path)
    assert dearer_than(INSTRUCTIONS_MAX, counts) == []
    # The search still gets where the limits are.
    assert max(counts.values()) > INSTRUCTIONS_MAX // 3


def test_no_random_book_makes_a_command_dearer(small: Counts, tmp_path: Path) -> None:
    random = Random(1)
    commands = [name for name in MEMBERS if kind_of("", name) is None]
    cases = [random_case(random, SMALL, commands) for _ in range(RANDOM_BOOKS)]
    found: list[Count] = counting.count(cases, tmp_path)
    dearest = max(found, key=lambda count: count.instructions)
    known = max(count for pair, count in small.items() if kind_of(*pair) is None)
    assert dearest.instructions <= known, str(dearest)


# That it would be seen


COUNTED = ("orders at a price each", "a fill or kill that fails")


def test_a_count_without_a_limit_is_seen_to_grow(tmp_path: Path) -> None:
    sizes = [size._replace(steps=1 << 20) for size in (SMALL, TWICE)]
    small, twice = (counted(size, [COUNTED], tmp_path) for size in sizes)
    assert without_bound(small, twice) == [COUNTED]


@pytest.mark.parametrize(
    ("pair", "larger"),
    [
        (COUNTED, {"steps": 8 * STEPS_MAX, "orders": 8 * STEPS_MAX}),
        (("a ladder beside MinQty orders", "a buy of one share"), {"followers": 1024}),
        (("stops beside MinQty orders", "a buy of one share"), {"minimums": 4096}),
    ],
    ids=["rule 10.9", "followers_max", "min_quantity_max"],
)
def test_a_larger_limit_is_seen_to_be_dearer(
    pair: Pair, larger: dict[str, int], tmp_path: Path
) -> None:
    counts = counted(DEFAULT._replace(**larger), [pair], tmp_path)
    assert len(dearer_than(INSTRUCTIONS_MAX, counts)) == 1
