"""Goal: section 13 of docs/MATCHING_RULES.md, and 2.10, 5.8 and 5.9: what the states of an
instrument admit, how they change, and what the clock does.

Method: one record at a time into the core and into the model; outcomes and events are written out.
"""

from typing import Any

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

EXPIRE_TIME, STOP_PRICE = 15, 128


def opened(kind: str, **terms: Any) -> Subject:
    """One instrument with these terms and two sessions."""
    venue = Subject(kind)
    venue.ok(r.stream_start(venue.limits))
    venue.ok(r.define_instrument(0, **terms))
    for session in (1, 2):
        venue.ok(r.define_session(session))
    return venue


def four(text: str) -> int:
    return int.from_bytes(text.encode(), "little")


def stop(price: int) -> bytes:
    return r.option(STOP_PRICE, price.to_bytes(8, "big"))


def expire(second: int) -> bytes:
    return r.option(EXPIRE_TIME, second.to_bytes(4, "big"))


ADMISSION = {  # cross type O, C, H, immediate, all others
    "C": (0x02, 0x02, 0x02, 0x02, 0x02),
    "B": (0, 0, 0x14, 0x2D, 0),
    "O": (0, 0, 0x14, 0x2D, 0),
    "T": (0x14, 0, 0x14, 0, 0),
    "H": (0x07, 0x07, 0x07, 0x07, 0x07),
    "P": (0x14, 0, 0, 0x07, 0),
    "Q": (0x14, 0, 0, 0x07, 0),
    "L": (0x14, 0, 0x14, 0x07, 0),
    "X": (0x14, 0x14, 0x14, 0, 0),
}


@rule("13.1", "13.2", "4.10")
@pytest.mark.parametrize("state", ADMISSION)
def test_a_state_admits_what_its_row_says(kind: str, state: str) -> None:
    venue = opened(kind, initial_state=state)
    columns: list[list[dict[str, Any]]] = [
        [{"cross_type": "O"}, {"cross_type": "O", "price": r.MARKET}],
        [{"cross_type": "C"}, {"cross_type": "C", "time_in_force": "3"}],
        [{"cross_type": "H"}],
        [{"price": r.MARKET}, {"time_in_force": "3"}, {"time_in_force": "4"}],
        [{}, {"display": "N"}, {"options": stop(5000), "time_in_force": "3"}],
    ]
    number = 0
    for column, orders in enumerate(columns):
        for order in orders:
            number += 1
            price = order.pop("price", 1000)
            event = venue.ok(r.enter(1, number, "B", 1, price, **order))[0]
            expected = ADMISSION[state][column]
            if (state, order.get("time_in_force")) == ("X", "4"):
                expected = 0x2D  # rule 13.14
            assert (event.slot if event.type == r.REJECTED else 0) == expected, order


@rule("13.3")
@pytest.mark.parametrize("state", "BOPQL")
def test_outside_the_continuous_state_nothing_executes_on_entry(kind: str, state: str) -> None:
    venue = opened(kind, initial_state=state)
    venue.rest(1, 1, "B", 5, 1000)
    venue.rest(2, 1, "S", 5, 900)
    cross = r.enter(2, 2, "S", 5, 900, cross_type="C")
    assert kinds(venue.ok(cross)) == [r.ACCEPTED]
    assert kinds(venue.ok(r.enter(1, 2, "B", 5, 1000, options=stop(100)))) == [r.ACCEPTED]


@rule("13.4")
def test_a_change_of_state_says_both_states_and_why(kind: str) -> None:
    venue = opened(kind)
    event = venue.one(r.set_state(0, "H", "T1"))
    assert event == r.Event(
        r.STATE_CHANGED, r.VISIBLE | r.LAST, ord("H"), ord("T"), four("T1  "), 0, 0, 0, 0
    )
    venue.ignored(r.set_state(0, "H"))
    venue.malformed(r.set_state(0, "R"))
    venue.malformed(r.set_state(0, "Z"))
    venue.malformed(r.set_state(1, "T"))


@rule("5.8", "13.8")
def test_the_end_of_day_takes_day_and_expiring_orders_and_those_that_wait(kind: str) -> None:
    venue = opened(kind)
    venue.rest(2, 1, "S", 1, 3000)
    venue.ok(r.enter(1, 1, "B", 1, 1000))
    venue.ok(r.enter(1, 2, "B", 1, 1000, time_in_force="1"))
    venue.ok(r.enter(1, 3, "B", 1, 1000, time_in_force="6", options=expire(60)))
    venue.ok(r.enter(1, 4, "B", 1, 1000, cross_type="C", time_in_force="3"))
    venue.ok(r.enter(1, 5, "B", 1, 1000, time_in_force="1", display="N"))
    venue.ok(r.enter(1, 6, "B", 1, 5000, options=stop(5000)))
    venue.ok(r.enter(1, 7, "B", 1, 5000, options=stop(5000), time_in_force="3"))
    venue.ok(r.enter(1, 8, "B", 1, 5000, options=stop(5000), time_in_force="1"))
    changed, *cancelled = venue.ok(r.set_state(0, "C"))
    assert changed.type == r.STATE_CHANGED
    assert {(event.type, event.reason) for event in cancelled} == {(r.CANCELED, ord("E"))}
    assert [(event.slot >> 12, event.slot & 0xFFF) for event in cancelled] == [
        (1, 1), (1, 3), (1, 4), (1, 6), (1, 7), (2, 1),
    ]  # fmt: skip
    for number in (2, 5, 8):
        assert venue.one(r.cancel(1, number)).type == r.CANCELED


@rule("13.5", "13.6", "13.7")
@pytest.mark.parametrize(
    ("collar", "reference"),
    [
        ({"static": 500}, 2000),
        ({"dynamic": 500, "static": 5000}, 1800),
        ({"dynamic": 500, "static": 5000}, 2000),
    ],
)
def test_an_execution_beyond_a_collar_pauses_the_instrument(
    kind: str, collar: dict[str, Any], reference: int
) -> None:
    venue = opened(kind, reference=2000, **collar)
    if reference != 2000:  # the last price
        venue.rest(2, 1, "S", 1, 1800)
        venue.ok(r.define_instrument(0, record_type=r.CHANGE_INSTRUMENT))
        venue.ok(r.enter(1, 1, "B", 1, 1800))
        venue.ok(r.define_instrument(0, record_type=r.CHANGE_INSTRUMENT, reference=2000, **collar))
    limit = reference + reference * 5 // 100 // 100 * 100
    venue.rest(2, 2, "S", 1, limit)
    venue.rest(2, 3, "S", 1, limit + 100)
    accepted, executed, paused, collars, added = venue.ok(r.enter(1, 2, "B", 3, limit + 100))
    assert kinds([accepted, executed, added]) == [r.ACCEPTED, r.EXECUTED, r.ADDED]
    assert executed.price == limit
    assert paused == r.Event(
        r.STATE_CHANGED, r.VISIBLE, ord("P"), ord("T"), four("LUDP"), 0, 0, 0, 0
    )
    distance = reference * 5 // 100
    assert collars == r.Event(
        r.COLLARS, r.VISIBLE, 0, 0, 0,
        reference + distance << 32 | reference - distance, 0, reference, 0,
    )  # fmt: skip
    assert (added.quantity, added.price) == (2, limit + 100)


@rule("13.6")
def test_a_collar_looks_both_ways_and_cancels_what_may_not_rest(kind: str) -> None:
    venue = opened(kind, reference=2000, static=500)
    venue.rest(2, 1, "S", 1, 1800)
    events = venue.ok(r.enter(1, 1, "B", 3, 2000, time_in_force="3"))
    assert kinds(events) == [r.ACCEPTED, r.STATE_CHANGED, r.COLLARS, r.CANCELED]
    assert (events[-1].reason, events[-1].quantity) == (ord("K"), 3)


@rule("10.1", "10.2", "13.6")
def test_an_order_that_is_passed_by_beyond_a_collar_stops_nothing(kind: str) -> None:
    venue = opened(kind, reference=2000, static=500)
    minimum = r.option(3, (5).to_bytes(4, "big"))
    venue.ok(r.enter(2, 1, "S", 5, 1800, display="N", options=minimum))
    venue.rest(2, 2, "S", 2, 2000)
    events = venue.ok(r.enter(1, 1, "B", 2, 2000, time_in_force="4"))
    assert [(event.type, event.quantity) for event in events[1:]] == [(r.EXECUTED, 2)]


@rule("13.6")
def test_the_last_price_before_the_command_is_what_the_dynamic_collar_goes_by(kind: str) -> None:
    venue = opened(kind, dynamic=1000)
    venue.rest(2, 1, "S", 1, 1000)
    venue.ok(r.enter(1, 1, "B", 1, 1000))
    for number, price in enumerate((1100, 1200, 1300), 2):
        venue.rest(2, number, "S", 1, price)
    events = venue.ok(r.enter(1, 2, "B", 3, 1300, time_in_force="3"))
    assert kinds(events)[:3] == [r.ACCEPTED, r.EXECUTED, r.STATE_CHANGED]


@rule("2.10", "13.9")
def test_a_pause_ends_by_itself_after_its_seconds(kind: str) -> None:
    venue = opened(kind, pause_seconds=10)
    venue.ok(r.set_state(0, "P"))
    assert venue.one(r.clock(100)).type == r.INDICATIVE
    assert venue.one(r.clock(109)).type == r.INDICATIVE
    cross, changed = venue.ok(r.clock(110))
    assert (cross.type, cross.reason) == (r.CROSS, ord("H"))
    assert changed == r.Event(
        r.STATE_CHANGED, r.VISIBLE | r.LAST, ord("T"), ord("P"), four("    "), 0, 0, 0, 0
    )
    venue.ignored(r.clock(111))


@rule("13.9")
def test_a_pause_without_seconds_does_not_end_and_one_that_gets_them_counts_from_its_first_clock(
    kind: str,
) -> None:
    venue = opened(kind)
    venue.ok(r.set_state(0, "P"))
    for second in (10, 5000):
        assert venue.one(r.clock(second)).type == r.INDICATIVE
    venue.ok(r.define_instrument(0, pause_seconds=20, record_type=r.CHANGE_INSTRUMENT))
    assert kinds(venue.ok(r.clock(5001))) == [r.CROSS, r.STATE_CHANGED]


@rule("2.10", "13.9")
def test_all_instruments_that_are_due_resume_with_one_clock_and_are_named_in_it(kind: str) -> None:
    venue = opened(kind, pause_seconds=1, initial_state="P")
    for index in (1, 2):
        venue.ok(r.define_instrument(index, pause_seconds=index, initial_state="P"))
    assert kinds(venue.ok(r.clock(1))) == [r.INDICATIVE] * 3
    events = venue.ok(r.clock(2))
    resumption = [r.CROSS, r.STATE_CHANGED]
    assert kinds(events) == [*resumption, r.INSTRUMENT_NEXT, *resumption, r.INDICATIVE]
    assert events[2] == r.Event(r.INSTRUMENT_NEXT, 0, 0, 0, 0, 0, 0, 0, 1)
    assert kinds(venue.ok(r.clock(3))) == resumption


@rule("2.10", "13.9")
def test_an_instrument_that_resumes_and_is_paused_at_once_starts_its_count_anew(kind: str) -> None:
    """By the stop that the auction triggers: 12.00 is beyond the collar."""
    venue = opened(
        kind, pause_seconds=10, initial_state="P", reference=1000, static=1000, auction=0
    )
    venue.ok(r.define_instrument(1, pause_seconds=10, initial_state="P"))
    venue.rest(1, 1, "B", 1, 1000)
    venue.rest(2, 1, "S", 1, 1000)
    venue.rest(2, 2, "S", 1, 1200)
    venue.ok(r.enter(1, 2, "B", 1, 1200, options=r.option(128, (1000).to_bytes(8, "big"))))
    venue.ok(r.clock(10))
    events = venue.ok(r.clock(20))
    changes = [(chr(e.side), chr(e.reason)) for e in events if e.type == r.STATE_CHANGED]
    assert changes == [("P", "T"), ("T", "P"), ("P", "T")]
    for second in (21, 30):
        assert r.STATE_CHANGED not in kinds(venue.ok(r.clock(second)))
    assert r.STATE_CHANGED in kinds(venue.ok(r.clock(31)))


@rule("2.10")
def test_a_forced_clock_counts_though_nothing_is_due(kind: str) -> None:
    venue = opened(kind)
    venue.ok(r.clock(60))
    venue.ignored(r.clock(70))
    assert venue.ok(r.clock(70, force=1)) == []
    venue.ignored(r.clock(70, force=1))
    late = r.enter(1, 1, "B", 1, 1000, time_in_force="6", options=expire(70))
    assert venue.reason(late) == 0x0F


@rule("2.10", "14.9")
def test_a_resumption_beyond_the_collar_is_extended_and_counts_anew(kind: str) -> None:
    venue = opened(
        kind, initial_state="P", pause_seconds=10, reference=1000, auction=500, extensions=1
    )
    venue.rest(1, 1, "B", 1, 2000)
    venue.rest(2, 1, "S", 1, 2000)
    venue.ok(r.clock(10))
    assert kinds(venue.ok(r.clock(20))) == [r.COLLARS, r.INDICATIVE]
    for second in (21, 30):
        assert kinds(venue.ok(r.clock(second))) == [r.INDICATIVE]
    assert kinds(venue.ok(r.clock(31))) == [r.CROSS, r.CROSSED, r.CROSSED, r.STATE_CHANGED]


@rule("2.10")
def test_the_clock_goes_forward_within_a_day(kind: str) -> None:
    venue = opened(kind, initial_state="O")
    venue.malformed(r.clock(86_400))
    venue.malformed(r.clock(0xFFFFFFFF))
    venue.ok(r.clock(0))
    venue.ignored(r.clock(0))
    venue.ok(r.clock(86_399))
    venue.ignored(r.clock(86_398))
    venue.ignored(r.clock(86_399))


@rule("2.10")
def test_a_clock_without_effect_is_not_part_of_the_stream(kind: str) -> None:
    venue = opened(kind)
    assert venue.ok(r.clock(70)) == []
    venue.ignored(r.clock(100))
    venue.ok(r.enter(1, 1, "B", 1, 1000, time_in_force="6", options=expire(80)))
    assert venue.one(r.clock(90)).type == r.CANCELED


@rule("2.10", "4.9.8", "5.9")
def test_a_clock_that_begins_a_minute_is_part_of_the_stream(kind: str) -> None:
    venue = opened(kind)
    for second in (0, 60, 121, 3599, 3600):
        assert venue.ok(r.clock(second)) == []
        venue.ignored(r.clock(second))
    venue.ignored(r.clock(3659))
    late = r.enter(1, 1, "B", 1, 1000, time_in_force="6", options=expire(3600))
    assert venue.reason(late) == 0x0F
    venue.ok(r.enter(1, 2, "B", 1, 1000, time_in_force="6", options=expire(3601)))
    assert venue.one(r.clock(3659)).type == r.CANCELED
    assert venue.ok(r.clock(3660)) == []


@rule("5.9", "8.3")
def test_orders_expire_by_second_and_then_by_acceptance(kind: str) -> None:
    venue = opened(kind)
    venue.ok(r.define_instrument(1))
    for number, (second, instrument) in enumerate([(30, 0), (20, 1), (30, 1), (31, 0), (20, 0)], 1):
        venue.ok(
            r.enter(
                1, number, "B", number, 1000, instrument=instrument, time_in_force="6",
                options=expire(second),
            )
        )  # fmt: skip
    assert venue.ok(r.clock(18)) == []
    venue.ignored(r.clock(19))
    events = venue.ok(r.clock(30))
    assert [event.slot & 0xFFF for event in events] == [2, 5, 1, 3]
    assert {(event.type, event.reason) for event in events} == {(r.CANCELED, ord("T"))}
    assert [event.other for event in events] == [2 << 32, 1 << 32, 1 << 32, 2 << 32]
    venue.ignored(r.clock(30))
    assert venue.one(r.clock(31)).quantity == 4
