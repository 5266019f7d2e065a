"""Goal: sections 8 and 9 of docs/MATCHING_RULES.md: what is done with all orders of a session, and
what the events say.

Method: two sessions with orders in two books of the core and of the model; events are written out.
"""

import pytest
from tests.model import records as r
from tests.model.engine_model import EngineModel
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

from ironcore.engine.matching_engine import MatchingEngine


@pytest.fixture
def busy(venue: Subject) -> Subject:
    """Session 1 has orders 5 to 8, alternately in books 1 and 0; session 2 has one."""
    for user_ref in range(5, 9):
        side, price = ("B", 1000) if user_ref < 7 else ("S", 1500)
        venue.ok(r.enter(1, user_ref, side, 10, price, instrument=user_ref % 2))
    venue.ok(r.enter(2, 1, "B", 10, 1000))
    return venue


@rule("8.1", "8.3", "15.1")
def test_a_mass_cancel_takes_the_sessions_orders_in_order_of_entry(busy: Subject) -> None:
    *cancelled, response = busy.ok(r.mass_cancel(1))
    assert [event.slot for event in cancelled] == [busy.slot(1, n) for n in (5, 6, 7, 8)]
    assert [event.other >> 32 for event in cancelled] == [2, 1, 2, 1]
    assert {event.other & 0xFFFFFFFF for event in cancelled} == {0}
    assert {event.reason for event in cancelled} == {ord("U")}
    assert {event.flags & r.VISIBLE for event in cancelled} == {r.VISIBLE}
    assert response == (r.MASS_CANCEL_RESPONSE, r.LAST, 0, 0, 4, 0, 0, 0, busy.slot(1, 0))
    assert busy.one(r.cancel(2, 1)).type == r.CANCELED


@rule("8.1")
@pytest.mark.parametrize(
    ("instrument", "numbers"), [(0, [6, 8]), (1, [5, 7]), (2, []), (r.INSTRUMENT_NONE, [])]
)
def test_a_mass_cancel_of_one_instrument_leaves_the_others(
    busy: Subject, instrument: int, numbers: list[int]
) -> None:
    record = r.mass_cancel(1, symbol_given=True, instrument=instrument, reason="S")
    *cancelled, response = busy.ok(record)
    assert [event.slot for event in cancelled] == [busy.slot(1, n) for n in numbers]
    assert {event.reason for event in cancelled} <= {ord("S")}
    assert response.quantity == len(numbers)


@rule("8.2", "8.3")
def test_a_session_is_cancelled_without_an_answer(busy: Subject) -> None:
    events = busy.ok(r.short(r.CANCEL_SESSION, 1))
    assert kinds(events) == [r.CANCELED] * 4
    assert {event.reason for event in events} == {ord("Z")}
    assert [event.flags & r.LAST for event in events] == [0, 0, 0, r.LAST]
    assert [event.other >> 32 for event in events] == [2, 1, 2, 1]
    busy.ignored(r.short(r.CANCEL_SESSION, 1))


@rule("8.4")
def test_disabled_order_entry_lets_orders_be_cancelled_and_modified(busy: Subject) -> None:
    event = busy.one(r.short(r.DISABLE_ORDER_ENTRY, 1))
    assert event == (r.ENTRY_DISABLED, r.LAST, 0, 0, 0, 0, 0, 0, busy.slot(1, 0))
    assert busy.one(r.short(r.DISABLE_ORDER_ENTRY, 1)).type == r.ENTRY_DISABLED
    assert busy.one(r.modify(1, 6, 5, "B")).type == r.MODIFIED
    assert busy.one(r.cancel(1, 6)).type == r.CANCELED


@rule("8.5")
def test_a_query_says_the_next_number(busy: Subject) -> None:
    event = busy.one(r.short(r.ACCOUNT_QUERY, 1))
    assert event == (r.ACCOUNT_QUERY_RESPONSE, r.LAST, 0, 0, 9, 0, 0, 0, busy.slot(1, 0))
    assert busy.one(r.short(r.ACCOUNT_QUERY, 2)).quantity == 2


@rule("8.6")
def test_the_orders_instrument_is_filled_into_commands_that_name_an_order() -> None:
    limits = r.Limits()
    core, model = MatchingEngine(*limits), EngineModel(limits)
    opening = [r.stream_start(limits), r.define_instrument(0), r.define_instrument(1)]
    commands = [
        r.enter(1, 1, "B", 10, 1000, instrument=1),
        r.cancel(1, 1, 9),
        r.modify(1, 1, 8, "B"),
        r.replace(1, 1, 2, 10, 1100),
        r.cancel(1, 1),
        r.cancel(1, 2),
    ]
    records = bytearray(b"".join([*opening, r.define_session(1), *commands]))
    expected = []
    for record in [*opening, r.define_session(1), *commands]:
        model.apply(record)
        expected.append(r.instrument_of(record) if model.stamped is None else model.stamped)
    core.apply_batch(records, stamp=True)
    found, at = [], 0
    while at < len(records):
        found.append(r.instrument_of(bytes(records[at : at + r.HEADER.size])))
        at += int.from_bytes(records[at + 2 : at + 4], "little")
    assert found == expected
    assert found[-6:] == [1, 1, 1, 1, r.INSTRUMENT_NONE, 1]


@rule("15.1")
def test_a_rejection_names_nothing_but_its_reason(venue: Subject) -> None:
    assert venue.one(r.enter(1, 1, "B", 0, 1000)) == (r.REJECTED, r.LAST, 0, 0, 0, 0, 0, 0, 0x13)
