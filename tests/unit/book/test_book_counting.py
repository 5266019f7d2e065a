"""Goal: what an order asks to be counted before it executes has an end, and what that is.

Method: the limit of rule 10.9 as it is, with the core and its count of steps; and a small one, with
the core and the model. What would count again and again within one command is rejected.
"""

from collections.abc import Iterable
from typing import Any

import pytest
from tests.model import records as r
from tests.model.options import write_options
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

STEPS_MAX = 4_096
LIMITS = r.Limits(instruments_max=3, sessions_max=4, orders_max=2 * STEPS_MAX, user_ref_bits=16)
REJECTED_FOR = 0x0F


@pytest.fixture
def venue(kind: str) -> Subject:
    """Sessions 1 and 2, which are strangers, and 3 and 4, which are one group."""
    return opened(Subject(kind, LIMITS))


@pytest.fixture
def core() -> Subject:
    return opened(Subject("core", LIMITS))


def opened(venue: Subject) -> Subject:
    venue.open()
    venue.ok(r.define_session(3, "O", 7))
    venue.ok(r.define_session(4, "O", 7))
    return venue


def rest_many(venue: Subject, orders: Iterable[bytes]) -> None:
    """Without looking at the book after each."""
    assert venue.core is not None
    statuses, *_ = venue.core.apply_batch(b"".join(orders))
    assert not statuses.any()
    venue.core.check_invariants()


def steps(venue: Subject) -> int:
    """That the last command took."""
    assert venue.core is not None
    return venue.core.dry_run_steps


def count_at_most(venue: Subject, limit: int) -> None:
    if venue.core is not None:
        venue.core.dry_run_steps_max = limit
    if venue.model is not None:
        venue.model.steps_max = limit


def fill_or_kill(venue: Subject, session: int, number: int, quantity: int) -> bool:
    """Whether a buy at 20.00 that is fill or kill executes; all of it, or nothing."""
    accepted, *events = venue.ok(r.enter(session, number, "B", quantity, 2000, time_in_force="4"))
    assert accepted.type == r.ACCEPTED
    executed = sum(event.quantity for event in events if event.type == r.EXECUTED)
    if executed == 0:
        (canceled,) = events
        assert (canceled.type, canceled.reason) == (r.CANCELED, ord("I"))
        return False
    assert executed == quantity
    return True


# The limit as it is


@rule("10.9")
def test_prices_are_counted_up_to_the_limit(core: Subject) -> None:
    core.ok(r.define_instrument(2, tick=1, price_min=1, price_max=100_000))
    sells = (r.enter(1, n, "S", 1, n, instrument=2) for n in range(1, STEPS_MAX + 101))
    rest_many(core, sells)
    for number, quantity, executions in ((1, STEPS_MAX + 1, 0), (2, STEPS_MAX, STEPS_MAX)):
        order = r.enter(2, number, "B", quantity, 100_000, instrument=2, time_in_force="4")
        assert kinds(core.ok(order)).count(r.EXECUTED) == executions
        assert steps(core) == STEPS_MAX


@rule("10.9")
def test_orders_at_one_price_are_steps_as_well(core: Subject) -> None:
    """As many as the steps suffice for, also where these are not all."""
    rest_many(core, (r.enter(1, n, "S", 1, 1000) for n in range(1, STEPS_MAX + 101)))
    assert not fill_or_kill(core, 2, 1, STEPS_MAX + 1)
    assert steps(core) == STEPS_MAX
    assert fill_or_kill(core, 2, 2, 5)
    assert steps(core) == 5
    assert fill_or_kill(core, 2, 3, STEPS_MAX)


@rule("10.9")
def test_orders_are_counted_up_to_the_limit_for_a_group(core: Subject) -> None:
    """Its own orders count nothing, and are looked at all the same."""
    rest_many(core, (r.enter(3, n, "S", 1, 1000) for n in range(1, STEPS_MAX)))
    rest_many(core, (r.enter(1, n, "S", 1, 1000) for n in (1, 2)))
    assert not fill_or_kill(core, 4, 1, 2)
    assert steps(core) == STEPS_MAX
    assert fill_or_kill(core, 4, 2, 1)
    assert steps(core) == STEPS_MAX


@rule("10.9")
def test_minimum_quantities_of_the_own_side_do_not_make_counting_slow(core: Subject) -> None:
    rest_many(core, (r.enter(1, n, "S", 1, 1000) for n in range(1, 101)))
    minimum = write_options(min_qty=5)
    core.ok(r.enter(2, 1, "B", 5, 500, display="N", options=minimum))
    assert fill_or_kill(core, 2, 2, 50)
    assert steps(core) == 100  # at once, with all that rest at that price
    core.ok(r.enter(1, 101, "S", 5, 1100, display="N", options=minimum))
    assert fill_or_kill(core, 2, 3, 40)
    assert steps(core) == 40


@rule("10.9")
def test_an_order_with_a_minimum_quantity_rests_when_counting_ends(core: Subject) -> None:
    rest_many(core, (r.enter(3, n, "S", 1, 1000) for n in range(1, STEPS_MAX + 1)))
    core.rest(1, 1, "S", 10, 1000)
    minimum = write_options(min_qty=10)
    accepted, added = core.ok(r.enter(4, 1, "B", 10, 1000, display="N", options=minimum))
    assert (accepted.type, added.type) == (r.ACCEPTED, r.ADDED)
    assert steps(core) == STEPS_MAX


@rule("10.9", "1.1")
def test_each_command_counts_from_the_beginning(core: Subject) -> None:
    count_at_most(core, 3)
    for number in range(1, 6):
        core.rest(1, number, "S", 1, 1000 + 100 * number)
    for number in range(1, 4):
        assert not fill_or_kill(core, 2, number, 4)
        assert steps(core) == 3
    core.ok(r.cancel(1, 5))
    assert steps(core) == 0


# A small limit, with the model as well


@rule("10.9")
def test_orders_behind_the_limit_count_nothing(venue: Subject) -> None:
    count_at_most(venue, 4)
    venue.rest(1, 1, "S", 5, 1000)
    venue.ok(r.enter(1, 2, "S", 5, 1000, display="N"))
    venue.rest(1, 3, "S", 5, 1000)
    venue.rest(1, 4, "S", 5, 1100)
    venue.rest(1, 5, "S", 5, 1200)
    assert not fill_or_kill(venue, 2, 1, 21)
    assert fill_or_kill(venue, 2, 2, 20)


@rule("10.9", "10.2")
def test_orders_that_are_passed_by_are_looked_at(venue: Subject) -> None:
    count_at_most(venue, 3)
    minimum = write_options(min_qty=50)
    for number in (1, 2):
        venue.ok(r.enter(1, number, "S", 50, 1000, display="N", options=minimum))
    venue.rest(1, 3, "S", 5, 1100)
    venue.rest(1, 4, "S", 5, 1100)
    assert not fill_or_kill(venue, 2, 1, 6)
    assert fill_or_kill(venue, 2, 2, 5)


@rule("10.9", "9.3", "12.3")
def test_reserves_count_with_their_orders(venue: Subject) -> None:
    """And those behind the limit do not. Each iceberg is as many steps as it may execute."""
    count_at_most(venue, 2 * 42)
    floor = write_options(max_floor=10)
    for session, number in ((1, 1), (3, 1), (1, 2)):
        venue.ok(r.enter(session, number, "S", 30, 1000, options=floor))
    assert not fill_or_kill(venue, 4, 1, 31)
    count_at_most(venue, 3 * 42)
    assert not fill_or_kill(venue, 4, 2, 61)
    assert fill_or_kill(venue, 2, 1, 60)
    assert fill_or_kill(venue, 4, 3, 20)


@rule("10.9")
def test_what_executes_is_not_limited(venue: Subject) -> None:
    count_at_most(venue, 1)
    for number in range(1, 6):
        venue.rest(1, number, "S", 1, 1000 + 100 * number)
    events = venue.ok(r.enter(2, 1, "B", 5, 2000, time_in_force="3"))
    assert kinds(events) == [r.ACCEPTED, *[r.EXECUTED] * 5]


# What would count many times within a command


@rule("10.9", "4.9.6")
@pytest.mark.parametrize("peg", ["P", "R", "M"])
def test_a_peg_with_a_minimum_quantity_is_rejected(venue: Subject, peg: str) -> None:
    """In each state, so that none comes to life later either."""
    venue.rest(1, 1, "B", 10, 900)
    venue.rest(1, 2, "S", 10, 1100)
    options = write_options(price_type=peg, min_qty=1)
    for number, state in enumerate("TBQT", 1):
        venue.apply(r.set_state(0, state))
        order = r.enter(2, number, "B", 999_999, r.MARKET, display="N", options=options)
        assert venue.reason(order) == REJECTED_FOR


@rule("10.9", "4.9.9")
@pytest.mark.parametrize("state", ["T", "B"])
@pytest.mark.parametrize("stop", [{"stop_price": 1000}, {"trail_offset": 100}])
def test_a_stop_that_would_count_is_rejected(
    venue: Subject, state: str, stop: dict[str, int]
) -> None:
    venue.rest(1, 1, "S", 1, 1000)
    venue.ok(r.enter(2, 1, "B", 1, 1000))
    venue.apply(r.set_state(0, state))
    plain, minimum = write_options(**stop), write_options(**stop, min_qty=1)
    orders: tuple[dict[str, Any], ...] = (
        {"time_in_force": "4", "options": plain},
        {"time_in_force": "4", "price": r.MARKET, "options": plain},
        {"time_in_force": "3", "options": minimum},
        {"display": "N", "options": minimum},
    )
    for number, fields in enumerate(orders, 2):
        fields = {"price": 2000, **fields}
        assert venue.reason(r.enter(2, number, "B", 100, **fields)) == REJECTED_FOR


@rule("10.9", "10.8")
def test_waking_stops_and_moving_pegs_counts_nothing(core: Subject) -> None:
    """Of a group, and with a minimum quantity on either side: all that makes counting slow."""
    minimum = write_options(min_qty=50)
    core.ok(r.enter(1, 1, "S", 50, 1500, display="N", options=minimum))
    core.ok(r.enter(1, 2, "B", 50, 500, display="N", options=minimum))
    rest_many(core, (r.enter(3, n, "S", 1, 1500) for n in range(1, 101)))
    core.rest(1, 3, "S", 1, 1000)
    core.rest(1, 4, "B", 1, 900)
    peg, stop = write_options(price_type="R"), write_options(stop_price=1000)
    for number in range(1, 21):
        core.ok(r.enter(4, 2 * number, "B", 1, r.MARKET, display="N", options=peg))
        core.ok(r.enter(4, 2 * number + 1, "B", 1, 1200, options=stop))
    events = core.ok(r.enter(2, 1, "B", 1, 1000))
    assert kinds(events).count(r.ACTIVATED) == 20
    assert kinds(events).count(r.ADDED) == 20
    assert steps(core) == 0


# When trading begins


def begin(venue: Subject) -> list[r.Event]:
    """The events behind the auction, at which nothing executes."""
    cross, changed, *events = venue.ok(r.set_state(0, "T"))
    assert (cross.type, cross.order_ref, changed.type) == (r.CROSS, 0, r.STATE_CHANGED)
    return events


def rest_minimum(venue: Subject, session: int, number: int, quantity: int, price: int) -> None:
    """A buy that wants all or none."""
    fields: dict[str, Any] = {"display": "N", "options": write_options(min_qty=quantity)}
    venue.ok(r.enter(session, number, "B", quantity, price, **fields))


@rule("10.10", "10.9")
def test_each_order_with_a_minimum_counts_its_share_when_trading_begins(venue: Subject) -> None:
    """Of 200 steps, two orders count 100 each, and 32 are the least of many. That a sell has a
    minimum, though out of reach, makes them count order by order."""
    count_at_most(venue, 200)
    venue.ok(r.set_state(0, "Q"))
    far: dict[str, Any] = {"display": "N", "options": write_options(min_qty=5)}
    venue.ok(r.enter(3, 1, "S", 5, 2000, **far))
    venue.ok(r.set_state(0, "T"))
    for others, reached in ((1, 100), (7, 32)):
        venue.ok(r.set_state(0, "Q"))
        first = 1000 * others
        for number in range(1, 102):
            venue.rest(1, first + number, "S", 1, 1000)
        for number in range(others):  # which reach the sells too, and want more than there is
            rest_minimum(venue, 2, first + number, 5000, 1100)
        rest_minimum(venue, 2, first + 500, reached + 1, 1000)
        assert begin(venue) == []
        venue.ok(r.set_state(0, "Q"))
        venue.ok(r.cancel(2, first + 500))
        rest_minimum(venue, 2, first + 501, reached, 1000)
        assert kinds(begin(venue)) == [r.ACTIVATED] + [r.EXECUTED] * reached
        venue.ok(r.mass_cancel(1))
        venue.ok(r.mass_cancel(2))
