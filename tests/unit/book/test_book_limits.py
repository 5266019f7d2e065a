"""Goal: section 16 of docs/MATCHING_RULES.md: named limits, and no counter that can overflow.

Method: limits at and beyond their ends; counters set to their last value in the core's memory.
"""

import subprocess
import sys

import pytest
from tests.model import records as r
from tests.model.memory import Memory
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

from ironcore.engine.matching_engine import MatchingEngine


@rule("16.1")
@pytest.mark.parametrize(
    "change",
    [
        {"instruments_max": 0},
        {"instruments_max": 65_536},
        {"sessions_max": 0},
        {"sessions_max": 16, "user_ref_bits": 28},
        {"sessions_max": 0xFFFFFFFF, "user_ref_bits": 1},
        {"orders_max": 0},
        {"orders_max": 4_194_304},
        {"user_ref_bits": 0},
        {"user_ref_bits": 32},
    ],
)
def test_limits_out_of_range_are_refused_by_name(change: dict[str, int]) -> None:
    limits = r.Limits()._replace(**change)
    with pytest.raises(ValueError, match=next(iter(change))):
        MatchingEngine(*limits)


@rule("16.1")
def test_the_widest_limits_can_be_reserved() -> None:
    limits = r.Limits(65_535, 15, 4_194_303, 27)
    core = MatchingEngine(*limits)
    assert core.limits == limits._asdict()
    assert core.apply(r.stream_start(limits))[0] == r.OK


REFUSED = """
import resource
from ironcore.engine.matching_engine import MatchingEngine
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
for _ in range(3):
    try:
        MatchingEngine(65_535, 15, 4_194_303, 27)
    except MemoryError as error:
        print(error)
small = MatchingEngine(1, 1, 100, 8)
small.check_invariants()
"""


@rule("16.1")
def test_a_reservation_that_the_host_refuses_is_an_error_and_leaves_nothing_behind() -> None:
    run = [sys.executable, "-c", REFUSED]
    result = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.count("refuses the address space") == 3


@rule("16.1")
def test_each_order_can_have_a_price_far_from_all_others() -> None:
    limits = r.Limits(orders_max=2000)
    core = MatchingEngine(*limits)
    opening = [r.stream_start(limits), r.define_instrument(0, tick=1, price_min=1)]
    step = r.PRICE_MAX // 2000 - 1
    orders = [r.enter(1, 1 + n, "S", 1, 1 + n * step) for n in range(2000)]
    statuses, _, _ = core.apply_batch(b"".join([*opening, r.define_session(1), *orders]))
    assert set(statuses) == {r.OK}
    core.check_invariants()
    assert core.counters["level_pages"] == 2000
    prices = core.orders(0, "S")["price"]
    assert list(prices) == [1 + n * step for n in range(2000)]
    core.apply(r.mass_cancel(1))
    core.check_invariants()
    assert core.counters["level_pages"] == 0
    assert core.counters["price_nodes"] == 1


@rule("16.2")
def test_one_command_may_execute_or_cancel_every_order(kind: str) -> None:
    venue = Subject(kind, r.Limits(orders_max=50)).open()
    for user_ref in range(1, 51):
        venue.rest(1, user_ref, "S", 2, 1000 + user_ref % 7 * 100)
    events = venue.ok(r.enter(2, 1, "B", 150, r.MARKET))
    assert kinds(events) == [r.ACCEPTED, *[r.EXECUTED] * 50, r.CANCELED]
    for user_ref in range(51, 101):
        venue.rest(1, user_ref, "S", 2, 1000)
    events = venue.ok(r.mass_cancel(1))
    assert kinds(events) == [*[r.CANCELED] * 50, r.MASS_CANCEL_RESPONSE]


@rule("16.3", "4.13")
def test_the_last_order_reference_is_given_and_none_after_it() -> None:
    venue = Subject("core").open()
    assert venue.core is not None
    memory = Memory(venue.core)
    venue.rest(1, 1, "B", 5, 900)
    memory.u64(memory.engine_field("order_ref_last")).value = 2**48 - 2**28 - 2
    assert venue.rest(1, 2, "B", 5, 1000) == 2**48 - 2**28 - 1
    assert venue.reason(r.enter(1, 3, "B", 5, 1000)) == 0x80
    assert venue.reason(r.enter(1, 4, "B", 5, 1000, time_in_force="3")) == 0x80
    assert venue.reason(r.replace(1, 1, 5, 5, 1000)) == 0x0A
    assert [order["order_ref"] for order in venue.core.orders(0, "B")] == [2**48 - 2**28 - 1, 1]


@rule("4.14")
def test_a_definition_that_names_no_limits_has_256(kind: str) -> None:
    venue = Subject(kind, r.Limits(orders_max=600)).open()
    stop = r.option(128, (2000).to_bytes(8, "big"))
    minimum = r.option(3, (5).to_bytes(4, "big"))
    for number in range(1, 257):
        venue.ok(r.enter(1, number, "B", 10, 1000, options=stop))
        venue.ok(r.enter(2, number, "B", 10, 1000, display="N", options=minimum))
    assert venue.reason(r.enter(1, 257, "B", 10, 1000, options=stop)) == 0x80
    hidden = r.enter(2, 257, "B", 10, 1000, display="N", options=minimum)
    assert venue.reason(hidden) == 0x80
    venue.ok(r.enter(1, 258, "B", 10, 1000, instrument=1, options=stop))
    venue.ok(r.define_instrument(0, followers_max=257, record_type=r.CHANGE_INSTRUMENT))
    venue.ok(r.enter(1, 259, "B", 10, 1000, options=stop))
    assert venue.reason(r.enter(1, 260, "B", 10, 1000, options=stop)) == 0x80
