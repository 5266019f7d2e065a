"""Goal: a side's tree of prices is as large as what rests needs, wherever that is, and in order.

Method: orders near one another and far away in the widest range, with the core's own count of its
nodes; and random ones beside a sorted list.
"""

import random
from typing import Literal

import pytest
from tests.model import records as r
from tests.model.rules import rule

from ironcore.engine.matching_engine import MatchingEngine

FAR = r.PRICE_MAX - 1
BLOCK = 4096  # prices that one lowest node spans


@pytest.fixture
def core() -> MatchingEngine:
    """One instrument of each price that there is."""
    limits = r.Limits(orders_max=2000)
    core = MatchingEngine(*limits)
    for record in (
        r.stream_start(limits),
        r.define_instrument(0, tick=1, price_min=1),
        r.define_session(1),
    ):
        assert core.apply(record)[0] == r.OK
    return core


def nodes(core: MatchingEngine) -> int:
    core.check_invariants()
    return int(core.counters["price_nodes"])


def enter(core: MatchingEngine, user_ref: int, price: int) -> None:
    assert core.apply(r.enter(1, user_ref, "S", 1, price))[0] == r.OK


@rule("17.5")
def test_prices_near_one_another_need_one_node(core: MatchingEngine) -> None:
    first = 1 + 10 * BLOCK  # price 1 is key 0
    for user_ref, price in enumerate((first, first + 1, first + BLOCK - 1), start=1):
        enter(core, user_ref, price)
        assert nodes(core) == 1


@rule("17.3", "17.5")
def test_a_far_price_costs_a_path_and_gives_it_back(core: MatchingEngine) -> None:
    enter(core, 1, BLOCK)
    enter(core, 2, FAR)
    # Two lowest nodes, and above each one node a level until the root joins them.
    assert nodes(core) == 9
    assert list(core.orders(0, "S")["price"]) == [BLOCK, FAR]
    assert core.apply(r.cancel(1, 2))[0] == r.OK
    assert nodes(core) == 5
    assert core.apply(r.cancel(1, 1))[0] == r.OK
    assert nodes(core) == 1


@rule("17.5")
def test_an_empty_side_begins_anew_wherever_the_next_order_is(core: MatchingEngine) -> None:
    for user_ref, price in enumerate((FAR, 1, BLOCK, 64 * BLOCK, FAR - BLOCK), start=1):
        enter(core, user_ref, price)
        assert nodes(core) == 1
        assert list(core.depth(0, "S")["price"]) == [price]
        assert core.apply(r.cancel(1, user_ref))[0] == r.OK
        assert nodes(core) == 1


@rule("17.3", "17.5")
def test_the_best_leaves_to_the_next_one_however_far(core: MatchingEngine) -> None:
    prices = [2, 66, BLOCK + 2, 64 * BLOCK + 1, 4096 * BLOCK + 7, FAR]
    for user_ref, price in enumerate(prices, start=1):
        enter(core, user_ref, price)
    for taken, price in enumerate(prices):
        assert list(core.depth(0, "S")["price"]) == prices[taken:]
        _, events = core.apply(r.enter(1, 100 + taken, "B", 1, price, time_in_force="3"))
        assert list(events["type"]) == [r.ACCEPTED, r.EXECUTED]
        core.check_invariants()
    assert nodes(core) == 1


@rule("17.3", "17.5", "17.6")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("side", ["B", "S"])
def test_random_prices_stay_in_order(
    core: MatchingEngine, side: Literal["B", "S"], seed: int
) -> None:
    chosen = random.Random(seed)
    spans = [64, BLOCK, 64 * BLOCK, 4096 * BLOCK, FAR]
    live: dict[int, int] = {}
    for user_ref in range(1, 3000):
        if live and chosen.random() < 0.5:
            gone = chosen.choice(list(live))
            assert core.apply(r.cancel(1, gone))[0] == r.OK
            del live[gone]
        else:
            live[user_ref] = 1 + chosen.randrange(chosen.choice(spans))
            assert core.apply(r.enter(1, user_ref, side, 1, live[user_ref]))[0] == r.OK
        if user_ref % 50 == 0:
            core.check_invariants()
            expected = sorted(live.values(), reverse=side == "B")
            assert list(core.orders(0, side)["price"]) == expected
