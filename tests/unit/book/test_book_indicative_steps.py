"""Goal: what one CLOCK looks at for its indicative prices has an end, and what is said at the end.

Method: the limit of rule 14.10 as it is, with the core and its count of steps; and a small one,
with the core and the model, where each auction is small enough to count the steps by hand.
"""

from collections.abc import Iterable
from typing import Any

import pytest
from tests.model import records as r
from tests.model.options import write_options
from tests.model.rules import rule
from tests.model.subject import Subject

STEPS_MAX = 4_096
LIMITS = r.Limits(instruments_max=4, sessions_max=4, orders_max=4 * STEPS_MAX, user_ref_bits=17)
MINIMUM = write_options(min_qty=5)


@pytest.fixture
def venue(kind: str) -> Subject:
    return opened(Subject(kind, LIMITS))


@pytest.fixture
def core() -> Subject:
    return opened(Subject("core", LIMITS))


def opened(venue: Subject) -> Subject:
    """Four instruments in their opening auction, and two sessions."""
    venue.ok(r.stream_start(LIMITS))
    for instrument in range(4):
        shape: dict[str, Any] = {"tick": 1, "price_min": 1, "price_max": 100_000, "reference": 1000}
        venue.ok(r.define_instrument(instrument, initial_state="O", **shape))
    venue.ok(r.define_session(1))
    venue.ok(r.define_session(2))
    return venue


def rest_many(core: Subject, orders: Iterable[bytes]) -> None:
    """Without looking at the book after each."""
    assert core.core is not None
    statuses, *_ = core.core.apply_batch(b"".join(orders))
    assert not statuses.any()


def look_at_most(venue: Subject, limit: int) -> None:
    if venue.core is not None:
        venue.core.dry_run_steps_max = limit
    if venue.model is not None:
        venue.model.steps_max = limit


def steps(core: Subject) -> int:
    """That the last command took."""
    assert core.core is not None
    return core.core.dry_run_steps


def pair(venue: Subject, instrument: int, number: int, cross_type: str = "N") -> None:
    """One buys 10 and one sells 10, at 1000."""
    for session, side in ((1, "B"), (2, "S")):
        fields: dict[str, Any] = {"instrument": instrument, "cross_type": cross_type}
        venue.ok(r.enter(session, number, side, 10, 1000, **fields))


def indicated(venue: Subject, second: int) -> list[tuple[int, int]]:
    """The instruments that CLOCK says a price of, and its volume; -1 where it says that there is
    none."""
    said = []
    for event in venue.ok(r.clock(second)):
        assert event.type == r.INDICATIVE
        has_price = chr(event.side) != "O"
        assert has_price or (event.price, event.order_ref, event.quantity) == (0, 0, 0)
        said.append(((event.other >> 32) - 1, event.order_ref if has_price else -1))
    return said


# The limit as it is


@rule("14.10")
@pytest.mark.parametrize("cross_type", ["O", "C"])
def test_waiting_orders_are_looked_at_up_to_the_limit(core: Subject, cross_type: str) -> None:
    """One buy and one price of sells are two steps; orders for another auction count the same."""
    core.ok(r.enter(2, 1, "S", 10, 1000))
    core.ok(r.enter(1, 1, "B", 10, 1000))
    entered: dict[str, Any] = {"price": 1001, "cross_type": cross_type}
    rest_many(core, (r.enter(1, n, "B", 1, **entered) for n in range(2, STEPS_MAX)))
    assert indicated(core, 1)[0] == (0, 10)
    assert steps(core) == STEPS_MAX
    rest_many(core, [r.enter(1, STEPS_MAX, "B", 1, **entered)])
    assert indicated(core, 2)[0] == (0, -1)
    assert steps(core) == STEPS_MAX


@rule("14.10")
def test_hidden_orders_beside_a_minimum_quantity_are_looked_at_up_to_the_limit(
    core: Subject,
) -> None:
    core.ok(r.enter(2, 1, "S", 10, 1000))
    hidden = (r.enter(1, n, "B", 1, 1000, display="N") for n in range(1, STEPS_MAX + 101))
    rest_many(core, hidden)
    assert indicated(core, 1)[0] == (0, 10)
    assert steps(core) == 2
    core.ok(r.enter(1, STEPS_MAX + 101, "B", 5, 900, display="N", options=MINIMUM))
    assert indicated(core, 2)[0] == (0, -1)
    assert steps(core) == STEPS_MAX


@rule("14.10")
def test_prices_are_looked_at_up_to_the_limit(core: Subject) -> None:
    for session, side in ((1, "B"), (2, "S")):
        orders = (r.enter(session, n, side, 1, n) for n in range(1, STEPS_MAX + 101))
        rest_many(core, orders)
    assert indicated(core, 1)[0] == (0, -1)
    assert steps(core) == STEPS_MAX


@rule("14.10", "14.1")
def test_an_auction_is_held_however_much_there_is_to_look_at(core: Subject) -> None:
    core.ok(r.enter(2, 1, "S", STEPS_MAX + 100, 1000))
    orders = (r.enter(1, n, "B", 1, r.MARKET, cross_type="O") for n in range(1, STEPS_MAX + 101))
    rest_many(core, orders)
    assert indicated(core, 1)[0] == (0, -1)
    (cross, *_) = [e for e in core.ok(r.set_state(0, "T")) if e.type == r.CROSS]
    assert (cross.price, cross.order_ref) == (1000, STEPS_MAX + 100)
    assert steps(core) == 0


# A small limit, with the model as well


@rule("14.10")
def test_instruments_take_turns_when_the_steps_do_not_suffice_for_all(venue: Subject) -> None:
    """A pair is two steps. The third takes none, as nothing is there."""
    for number, instrument in enumerate((0, 1, 3), 1):
        pair(venue, instrument, number)
    look_at_most(venue, 6)
    assert indicated(venue, 1) == [(0, 10), (1, 10), (2, -1), (3, 10)]
    look_at_most(venue, 5)
    assert indicated(venue, 2) == [(0, 10), (1, 10), (2, -1)]
    assert indicated(venue, 3) == [(3, 10), (0, 10)]
    assert indicated(venue, 4) == [(1, 10), (2, -1), (3, 10)]
    assert indicated(venue, 5) == [(0, 10), (1, 10), (2, -1)]
    look_at_most(venue, 6)
    assert indicated(venue, 6) == [(3, 10), (0, 10), (1, 10), (2, -1)]
    assert indicated(venue, 7) == [(0, 10), (1, 10), (2, -1), (3, 10)]


@rule("14.10")
def test_one_that_all_steps_do_not_suffice_for_has_no_price_and_has_had_its_turn(
    venue: Subject,
) -> None:
    for number, instrument in enumerate((0, 1, 1, 2), 1):
        pair(venue, instrument, number, cross_type="O" if instrument == 1 else "N")
    look_at_most(venue, 3)
    assert indicated(venue, 1) == [(0, 10)]
    assert indicated(venue, 2) == [(1, -1)]
    assert indicated(venue, 3) == [(2, 10), (3, -1)]
    assert indicated(venue, 4) == [(0, 10)]


@rule("14.10")
def test_the_turn_passes_by_what_is_in_no_auction_any_more(venue: Subject) -> None:
    for number, instrument in enumerate((0, 1, 2), 1):
        pair(venue, instrument, number)
    look_at_most(venue, 3)
    assert indicated(venue, 1) == [(0, 10)]
    venue.ok(r.set_state(1, "B"))
    assert indicated(venue, 2) == [(2, 10), (3, -1)]
    assert indicated(venue, 3) == [(0, 10)]


STEPS = [
    # what is bought and sold: quantity@price, with w for an order that waits, h for a hidden one,
    # c for one that waits for another auction
    ("10@1000", "10@1000", 2),
    ("10@1000 5@1000", "10@1000", 2),
    ("10@1000 5@1000h", "10@1000", 3),
    ("10@1000w 5@1000w", "15@1000", 3),
    ("10@1000 5@1000c 5@1000c", "10@1000", 4),
    ("10@1000 5@990 5@980", "10@1000", 4),  # the next two prices
    ("10@1000 5@990 5@980 5@970", "10@1000", 4),
    ("10@1000 5@995c 5@990 5@980 5@970", "10@1000", 5),  # at 995 nothing takes part
    ("20@1000 5@990 5@980", "10@1000", 3),  # of 1000 some is left: the next one price
    ("5@990 5@980", "10@1000", 2),  # nothing executes
]


@rule("14.10")
@pytest.mark.parametrize(("buys", "sells", "expected"), STEPS)
def test_each_price_and_each_waiting_order_is_a_step(
    venue: Subject, buys: str, sells: str, expected: int
) -> None:
    for session, text in ((1, buys), (2, sells)):
        for number, order in enumerate(text.split(), 1):
            quantity, price = order.rstrip("wch").split("@")
            fields: dict[str, Any] = {
                "cross_type": {"w": "O", "c": "C"}.get(order[-1], "N"),
                "display": "N" if order[-1] == "h" else "Y",
            }
            side = "B" if session == 1 else "S"
            venue.ok(r.enter(session, number, side, int(quantity), int(price), **fields))
    look_at_most(venue, expected)
    (_, with_all), *_ = indicated(venue, 1)
    assert venue.core is None or steps(venue) == expected
    look_at_most(venue, expected - 1)
    (_, with_one_less), *_ = indicated(venue, 2)
    executes = "1000" in buys
    assert (with_all > 0) == executes
    assert with_one_less == -1


@rule("14.10", "14.3")
def test_a_mean_of_limits_looks_at_all_prices_once_more(kind: str) -> None:
    venue = Subject(kind)
    venue.ok(r.stream_start(venue.limits))
    shape: dict[str, Any] = {"tick": 1, "price_min": 1, "price_max": 100_000}
    venue.ok(r.define_instrument(0, initial_state="O", **shape))
    venue.ok(r.define_session(1))
    venue.ok(r.define_session(2))
    for number, price in enumerate((1000, 900, 800, 700), 1):
        venue.ok(r.enter(1, number, "B", 10, price))
    venue.ok(r.enter(1, 5, "B", 10, r.MARKET, cross_type="O"))
    venue.ok(r.enter(2, 1, "S", 20, 900))
    # Buys: the market order and 1000 execute, 900 and 800 follow; then all four. Sells: one, twice.
    look_at_most(venue, 10)
    assert indicated(venue, 1) == [(0, 20)]
    look_at_most(venue, 9)
    assert indicated(venue, 2) == [(0, -1)]
