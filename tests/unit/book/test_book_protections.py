"""Goal: rules 20.9 to 20.13: what is counted of a session's quotes, and what leaves.

Method: small books of the core and of the model; what is expected is worked out by hand. The
scenarios have the usual cases; here are limits, other kinds of executions, and a saved core.
"""

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.library.venue import VenueCore

BOTH = (0, 1000, 10, 1100, 10)
LEAVES = [r.PROTECTION_REACHED, r.CANCELED, r.CANCELED]


@rule("20.9", "20.11")
@pytest.mark.parametrize(
    ("limits", "reason", "counted"),
    [
        pytest.param({"volume": 3}, "V", (3, 0, 0), id="volume"),
        pytest.param({"delta": 3}, "D", (0, 3, 0), id="delta"),
        pytest.param({"executions": 1}, "E", (0, 0, 1), id="executions"),
        pytest.param({"volume": 3, "delta": 1, "executions": 1}, "V", (3, 3, 1), id="all"),
        pytest.param({"volume": 4, "delta": 3, "executions": 1}, "D", (3, 3, 1), id="two"),
    ],
)
def test_the_first_limit_that_is_reached_is_named(
    venue: Subject, limits: dict[str, int], reason: str, counted: tuple[int, int, int]
) -> None:
    venue.ok(r.set_protection(1, 0, **limits))
    venue.ok(r.quote(1, 1, BOTH))
    *_, reached, bid, ask = venue.ok(r.enter(2, 1, "S", 3, 1000))
    assert kinds([reached, bid, ask]) == LEAVES
    assert (reached.reason, reached.slot) == (ord(reason), venue.slot(1, 0))
    assert (reached.order_ref, reached.other, reached.quantity) == counted
    assert (bid.reason, bid.quantity, ask.quantity) == (ord("P"), 7, 10)


@rule("20.10")
def test_what_does_not_execute_does_not_count(venue: Subject) -> None:
    venue.ok(r.set_protection(1, 0, executions=1))
    venue.ok(r.quote(1, 1, BOTH))
    venue.ok(r.quote(1, 3, (0, 1000, 5, 1200, 10)))
    venue.ok(r.cancel(1, 1))
    assert venue.ok(r.quote(1, 5, BOTH))[0].type == r.QUOTED


@rule("20.10")
def test_a_side_that_was_replaced_counts_no_more(venue: Subject) -> None:
    venue.ok(r.set_protection(1, 0, executions=1))
    venue.ok(r.quote(1, 1, BOTH))
    venue.ok(r.replace(1, 1, 3, 10, 900))
    assert kinds(venue.ok(r.enter(2, 1, "S", 10, 900))) == [r.ACCEPTED, r.EXECUTED]
    assert kinds(venue.ok(r.enter(2, 2, "B", 1, 1100)))[-2:] == [r.PROTECTION_REACHED, r.CANCELED]


@rule("20.12")
def test_two_makers_leave_in_the_order_in_which_they_were_reached(venue: Subject) -> None:
    venue.ok(r.define_session(3))
    for session in (1, 2):
        venue.ok(r.set_protection(session, 0, volume=1))
    venue.ok(r.quote(2, 1, BOTH))
    venue.ok(r.quote(1, 1, BOTH))
    events = venue.ok(r.enter(3, 1, "B", 20, 1100))
    assert kinds(events) == [
        r.ACCEPTED, r.EXECUTED, r.EXECUTED,
        r.PROTECTION_REACHED, r.CANCELED, r.PROTECTION_REACHED, r.CANCELED,
    ]  # fmt: skip
    assert [event.slot for event in events[3:]] == [
        venue.slot(2, 0), venue.slot(2, 1), venue.slot(1, 0), venue.slot(1, 1),
    ]  # fmt: skip


@rule("20.9", "20.13")
def test_a_protection_that_is_reached_stays_so_whatever_is_set(venue: Subject) -> None:
    venue.ok(r.set_protection(1, 0, volume=1))
    venue.ok(r.quote(1, 1, BOTH))
    venue.ok(r.enter(2, 1, "S", 1, 1000))
    venue.ok(r.set_protection(1, 0))
    assert venue.one(r.quote(1, 3, BOTH)).reason == 0x92
    assert venue.one(r.reset_protection(1, 0)).type == r.PROTECTION_RESET
    assert venue.ok(r.quote(1, 5, BOTH))[0].type == r.QUOTED
    venue.ignored(r.reset_protection(1, 0))


@rule("20.5", "20.9")
@pytest.mark.parametrize("kind", ["core", "model"])
def test_a_session_has_quotes_or_protections_in_256_instruments(kind: str) -> None:
    subject = Subject(kind, r.Limits(instruments_max=260)).open()
    for index in range(2, 260):
        subject.ok(r.define_instrument(index))
    for index in range(255):
        assert subject.one(r.set_protection(1, index, volume=5)).reason == 0
    subject.ok(r.quote(1, 1, (255, 1000, 10, 0, 0)))
    assert subject.one(r.set_protection(1, 256, volume=5)).reason == 0x80
    assert subject.ok(r.quote(1, 3, (256, 1000, 10, 0, 0)))[0].reason == 0x80
    assert subject.one(r.set_protection(1, 255, volume=5)).reason == 0
    subject.ok(r.set_protection(1, 7))
    assert subject.one(r.set_protection(1, 256, volume=5)).reason == 0
    assert subject.one(r.set_protection(1, 257, volume=5)).reason == 0x80
    assert subject.one(r.set_protection(2, 257, volume=5)).reason == 0
    subject.ok(r.retire_instrument(9))
    assert subject.one(r.set_protection(1, 257, volume=5)).reason == 0


@rule("20.10", "20.13")
def test_a_saved_core_goes_on_counting() -> None:
    limits = r.Limits()
    core = VenueCore(*limits)
    for command in (
        r.stream_start(limits),
        r.define_instrument(0),
        r.define_session(1),
        r.define_session(2),
        r.set_protection(1, 0, volume=5, window=9),
        r.quote(1, 1, BOTH),
        r.enter(2, 1, "S", 4, 1000),
    ):
        core.apply(command)
    copy = VenueCore.load(core.save())
    for one in (core, copy):
        _, events = one.apply(r.enter(2, 2, "S", 1, 1000))
        assert events["type"].tolist()[2:] == LEAVES
        one.check_invariants()


@rule("20.9")
def test_the_digest_knows_protections() -> None:
    cores = [MatchingEngine(*r.Limits()) for _ in range(2)]
    for core in cores:
        for command in (r.stream_start(r.Limits()), r.define_instrument(0), r.define_session(1)):
            core.apply(command)
    assert cores[0].digest() == cores[1].digest()
    cores[0].apply(r.set_protection(1, 0, volume=5))
    assert cores[0].digest() != cores[1].digest()
    cores[0].apply(r.set_protection(1, 0))
    assert cores[0].digest() == cores[1].digest()
