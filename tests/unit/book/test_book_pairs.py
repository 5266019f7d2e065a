"""Goal: section 21: which orders are a pair, of which one cancels the other, and when.

Method: small books of the core and of the model; what is expected is worked out by hand. The
scenarios have the usual cases; here are the kinds of orders that a stop may be a pair with, steps,
and a saved core.
"""

from typing import Any

import pytest
from tests.model import records as r
from tests.model.options import write_options
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.library.venue import VenueCore

STOP = write_options(stop_price=700, oco_ref=1)  # a sell's, of a pair with order 1
PAIR = ord("O")

KINDS: dict[str, tuple[dict[str, Any], bytes]] = {
    "plain": ({}, b""),
    "good till cancelled": ({"time_in_force": "1"}, b""),
    "attributed": ({"display": "A"}, b""),
    "hidden": ({"display": "N"}, b""),
    "a minimum": ({"display": "N"}, write_options(min_qty=2)),
    "an iceberg": ({}, write_options(max_floor=5)),
    "till a second": ({"time_in_force": "6"}, write_options(expire_time=60)),
    "post-only": ({}, write_options(post_only="P")),
    "of a group": ({}, write_options(group_id=7)),
}


def paired(venue: Subject, sort: str) -> None:
    """Order 1 of session 1, of this kind, sells 10 at 1000; order 2 is its stop."""
    fields, options = KINDS[sort]
    accepted, added = venue.ok(r.enter(1, 1, "S", 10, 1000, options=options, **fields))
    assert (accepted.type, added.type) == (r.ACCEPTED, r.ADDED)
    assert venue.one(r.enter(1, 2, "S", 10, 500, options=STOP)).type == r.ACCEPTED


@rule("21.3", "21.4")
@pytest.mark.parametrize("sort", KINDS)
@pytest.mark.parametrize("quantity", [3, 10])
def test_an_order_of_any_kind_takes_its_stop_with_it(
    venue: Subject, sort: str, quantity: int
) -> None:
    paired(venue, sort)
    events = venue.ok(r.enter(2, 1, "B", quantity, 1000))
    (left,) = [event for event in events if event.type == r.CANCELED]
    behind = (
        [r.EXECUTED, r.REPLENISHED] if sort == "an iceberg" and quantity == 10 else [r.EXECUTED]
    )
    assert kinds(events)[1 : events.index(left)] == behind
    assert (left.reason, left.slot) == (PAIR, venue.slot(1, 2))
    assert (left.quantity, left.other, left.price) == (10, 0, 500)


@rule("21.3", "21.4")
@pytest.mark.parametrize("sort", KINDS)
def test_a_stop_takes_an_order_of_any_kind_with_it(venue: Subject, sort: str) -> None:
    paired(venue, sort)
    venue.rest(2, 1, "B", 5, 600)
    events = venue.ok(r.enter(2, 2, "S", 1, 600))
    at = kinds(events).index(r.ACTIVATED)
    canceled = events[at + 1]
    assert (canceled.type, canceled.reason) == (r.CANCELED, PAIR)
    assert (canceled.slot, canceled.quantity) == (venue.slot(1, 1), 10)
    assert kinds(events)[-2:] == [r.EXECUTED, r.ADDED]
    venue.ignored(r.cancel(1, 1))


@rule("21.4", "13.8")
@pytest.mark.parametrize(("time_in_force", "leaves"), [("0", True), ("1", False)])
def test_an_order_that_got_a_pair_is_what_it_was(
    venue: Subject, time_in_force: str, leaves: bool
) -> None:
    venue.ok(r.enter(1, 1, "S", 10, 1000, time_in_force=time_in_force, display="A"))
    venue.rest(1, 3, "S", 10, 1000)
    venue.ok(r.enter(1, 4, "S", 10, 500, options=STOP))
    venue.ok(r.cancel(1, 4))
    events = venue.ok(r.set_state(0, "C"))
    assert [event.slot for event in events if event.type == r.CANCELED] == [
        *([venue.slot(1, 1)] if leaves else []),
        venue.slot(1, 3),
    ]


@rule("21.4", "5.3")
def test_an_order_that_got_a_pair_keeps_its_priority(venue: Subject) -> None:
    paired(venue, "plain")
    venue.rest(2, 1, "S", 10, 1000)
    executed = venue.ok(r.enter(2, 2, "B", 1, 1000))[1]
    assert executed.slot == venue.slot(1, 1)


@rule("21.2")
def test_a_triggered_stop_is_none_any_more(venue: Subject) -> None:
    venue.rest(2, 1, "B", 1, 600)
    venue.ok(r.enter(1, 1, "S", 10, 500, options=write_options(stop_price=700)))
    venue.ok(r.enter(2, 2, "S", 1, 600))
    named = write_options(oco_ref=1)
    assert venue.reason(r.enter(1, 2, "S", 1, 900, options=named)) == 0x93
    venue.ok(r.enter(1, 3, "S", 1, 900, options=STOP))


@rule("21.4", "13.12")
def test_a_stop_leaves_though_members_cannot_cancel(venue: Subject) -> None:
    venue.ok(r.clock(10))
    venue.ok(r.set_state(0, "L"))
    paired(venue, "plain")
    venue.ok(r.set_end(0, 20, 20, no_cancel=15))
    venue.rest(2, 1, "B", 4, 1000)
    assert venue.one(r.cancel(1, 1)).type == r.CANCEL_REJECTED
    events = venue.ok(r.clock(20))
    assert kinds(events)[:4] == [r.CROSS, r.CROSSED, r.CROSSED, r.CANCELED]
    assert (events[3].slot, events[3].reason) == (venue.slot(1, 2), PAIR)


@rule("21.6", "7.3")
def test_a_replacement_that_names_no_order_for_a_pair_is_invalid(venue: Subject) -> None:
    paired(venue, "plain")
    named = write_options(oco_ref=9)
    assert venue.one(r.replace(1, 1, 3, 10, 1000, options=named)).type == r.CANCELED
    venue.ok(r.enter(2, 1, "B", 1, 900))
    assert venue.one(r.cancel(1, 2)).reason == ord("U")


@rule("21.4", "18.2", "18.9")
@pytest.mark.parametrize("kind", ["core", "model"])
def test_what_leaves_counts_for_the_step(kind: str) -> None:
    """Two executions are 32 actions, and a stop that leaves is 16: the step ends before."""
    limits = r.Limits()
    executed = []
    for options in (b"", STOP):
        subject = Subject(kind, limits)
        subject.ok(r.stream_start(limits, step_actions_max=32))
        subject.ok(r.define_instrument(0))
        for session in (1, 2):
            subject.ok(r.define_session(session))
        for number in (1, 3, 4):
            subject.rest(1, number, "S", 1, 1000)
        if options:
            subject.ok(r.enter(1, 5, "S", 1, 500, options=options))
        events = subject.ok(r.enter(2, 1, "B", 3, 1000))
        executed.append(kinds(events).count(r.EXECUTED))
        subject.ok(r.continue_())
    assert executed == [2, 1]


def opened(core: VenueCore | MatchingEngine, limits: r.Limits) -> None:
    for command in (
        r.stream_start(limits),
        r.define_instrument(0),
        r.define_session(1),
        r.define_session(2),
        r.enter(1, 1, "S", 10, 1000),
    ):
        core.apply(command)


@rule("21.4")
def test_a_saved_core_knows_its_pairs() -> None:
    limits = r.Limits()
    core = VenueCore(*limits)
    opened(core, limits)
    core.apply(r.enter(1, 2, "S", 10, 500, options=STOP))
    copy = VenueCore.load(core.save())
    for one in (core, copy):
        _, events = one.apply(r.enter(2, 1, "B", 1, 1000))
        assert events["type"].tolist() == [r.ACCEPTED, r.EXECUTED, r.CANCELED]
        one.check_invariants()


@rule("21.1")
def test_the_digest_knows_pairs() -> None:
    limits = r.Limits()
    cores = [MatchingEngine(*limits) for _ in range(2)]
    for core in cores:
        opened(core, limits)
    assert cores[0].digest() == cores[1].digest()
    cores[0].apply(r.enter(1, 2, "S", 10, 500, options=STOP))
    cores[1].apply(r.enter(1, 2, "S", 10, 500, options=write_options(stop_price=700)))
    assert cores[0].digest() != cores[1].digest()
