"""Goal: sections 1 to 3 of docs/MATCHING_RULES.md, which say what may be in the stream at all.

Method: one record at a time into the core and into the model; outcomes and events are written out.
"""

from typing import Any

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.model.subject import Subject, kinds


@rule("1.1")
def test_flags_time_and_source_of_a_command_change_nothing(kind: str) -> None:
    venue, other = Subject(kind).open(), Subject(kind).open()
    record = r.enter(1, 1, "B", 5, 1000)
    stamped = bytearray(record)
    stamped[1] = 0xFF
    stamped[8:24] = b"\xaa" * 16
    assert venue.ok(record) == other.ok(bytes(stamped))


@rule("1.2")
def test_an_ignored_and_a_malformed_command_have_no_effect(venue: Subject) -> None:
    venue.rest(1, 1, "B", 5, 1000)
    venue.ignored(r.enter(1, 1, "S", 5, 1000))
    venue.malformed(r.enter(3, 1, "S", 5, 1000))
    assert venue.rest(1, 2, "B", 5, 1000) == 2


@rule("1.3")
@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(r.header(r.CANCEL_ORDER, 40, 1, 1)[:39], id="less than a header"),
        pytest.param(r.header(r.CANCEL_ORDER, 40, 1, 1), id="a header only"),
        pytest.param(r.cancel(1, 1)[:71], id="cut short"),
        pytest.param(r.header(r.CANCEL_ORDER, 80, 1, 1) + bytes(40), id="too long for its type"),
        pytest.param(r.header(99, 48, 1, 1) + bytes(8), id="unknown type"),
        pytest.param(r.header(r.MODIFY_ORDER, 72, 1, 1) + bytes(32), id="a modify like a cancel"),
        pytest.param(r.header(r.MASS_CANCEL, 48, 1) + bytes(8), id="a short mass cancel"),
        pytest.param(r.header(r.CANCEL_SESSION, 56, 1) + bytes(16), id="a long session cancel"),
        pytest.param(r.header(r.ACCOUNT_QUERY, 48, 1) + bytes(8), id="a long query"),
        pytest.param(r.header(r.DISABLE_ORDER_ENTRY, 40, 1), id="a short switch"),
        pytest.param(r.header(r.ENTER_ORDER, 40, 1, 1), id="an order without a body"),
        pytest.param(r.header(r.REPLACE_ORDER, 40, 1, 1), id="a replacement without a body"),
        pytest.param(r.enter(1, 1, "B", 5, 1000, options=r.option(2, b"FIRM"))[:80]),
        pytest.param(r.header(r.CONTINUE, 40, 0), id="a short continue"),
        pytest.param(b"\x0b" + r.system_event("O")[1:], id="a type between the ranges"),
    ],
)
def test_a_record_of_another_length_than_its_type_is_malformed(
    venue: Subject, record: bytes
) -> None:
    venue.malformed(record)


@rule("1.3")
def test_an_order_whose_length_leaves_out_a_part_of_its_options_is_malformed(
    venue: Subject,
) -> None:
    record = bytearray(r.enter(1, 1, "B", 5, 1000, options=r.option(2, b"FIRM")))
    record[2] -= 8
    venue.malformed(bytes(record[:-8]))


@rule("1.4")
def test_the_stream_begins_with_the_limits_that_the_core_was_made_with(kind: str) -> None:
    venue = Subject(kind)
    venue.malformed(r.define_instrument(0))
    venue.malformed(r.define_session(1))
    venue.malformed(r.system_event("O"))
    venue.malformed(r.enter(1, 1, "B", 5, 1000))
    venue.malformed(r.stream_start(venue.limits, version=r.RECORD_VERSION + 1))
    for name in r.Limits._fields:
        wrong = venue.limits._replace(**{name: getattr(venue.limits, name) + 1})
        venue.malformed(r.stream_start(wrong))
    assert venue.ok(r.stream_start(venue.limits)) == []
    venue.malformed(r.stream_start(venue.limits))


@rule("1.5")
def test_only_the_last_event_says_that_it_is_the_last(venue: Subject) -> None:
    venue.rest(1, 1, "S", 5, 1000)
    venue.rest(1, 2, "S", 5, 1000)
    events = venue.ok(r.enter(2, 1, "B", 20, 1000))
    assert kinds(events) == [r.ACCEPTED, r.EXECUTED, r.EXECUTED, r.ADDED]
    assert [event.flags & r.LAST for event in events] == [0, 0, 0, r.LAST]


@rule("1.6", "3.2")
def test_references_and_match_numbers_are_dense_and_rejected_orders_take_none(
    venue: Subject,
) -> None:
    assert venue.rest(1, 1, "S", 5, 1000) == 1
    assert venue.reason(r.enter(1, 2, "S", 0, 1000)) == 0x13
    assert venue.rest(1, 3, "S", 5, 1000) == 2
    assert venue.ok(r.replace(1, 1, 4, 5, 1100))[0].order_ref == 3
    accepted, first, second = venue.ok(r.enter(2, 1, "B", 10, 1100))
    assert accepted.order_ref == 4
    assert (first.other, second.other) == (1, 2)
    assert venue.one(r.short(r.ACCOUNT_QUERY, 1)).quantity == 5


@rule("2.1")
def test_instruments_are_defined_in_order_and_up_to_the_limit(kind: str) -> None:
    venue = Subject(kind, r.Limits(instruments_max=2))
    venue.ok(r.stream_start(venue.limits))
    venue.malformed(r.define_instrument(1))
    assert venue.one(r.define_instrument(0))[:2] == (r.INSTRUMENT_DEFINED, r.LAST)
    venue.malformed(r.define_instrument(0))
    assert venue.one(r.define_instrument(1)).slot == 1
    venue.malformed(r.define_instrument(2))


@rule("2.2")
@pytest.mark.parametrize(
    "shape",
    [
        {"tick": 0},
        {"lot": 0},
        {"price_min": 0, "reference": 100},
        {"price_min": -100, "price_max": r.PRICE_MAX},
        {"price_max": r.PRICE_MAX + 1},
        {"price_min": 200, "price_max": 100},
        {"tick": 100, "price_min": 101, "price_max": 199},
        {"tick": 0xFFFFFFFF},
        {"quantity_max": 0},
        {"price_decimals": 10},
        {"quantity_decimals": 10},
        {"lot": 11, "quantity_max": 10},
    ],
)
def test_an_instrument_that_no_order_could_satisfy_is_malformed(
    venue: Subject, shape: dict[str, Any]
) -> None:
    venue.malformed(r.define_instrument(2, **shape))
    venue.ok(r.define_instrument(2))


@rule("2.2")
def test_the_widest_price_range_that_a_field_can_say_can_be_traded(venue: Subject) -> None:
    venue.ok(r.define_instrument(2, tick=1, price_min=1))
    for user_ref, (side, price) in enumerate((("B", 1), ("B", 2), ("S", r.PRICE_MAX)), start=1):
        venue.ok(r.enter(1, user_ref, side, 1, price, instrument=2))
    _, execution = venue.ok(r.enter(2, 1, "B", 1, r.PRICE_MAX, instrument=2))
    assert execution.price == r.PRICE_MAX
    executions = venue.ok(r.enter(2, 2, "S", 2, 1, instrument=2))[1:]
    assert [event.price for event in executions] == [2, 1]


@rule("2.3")
def test_sessions_are_defined_in_order_and_up_to_the_limit(venue: Subject) -> None:
    venue.malformed(r.define_session(2))
    venue.malformed(r.define_session(4))
    assert venue.one(r.define_session(3)).slot == venue.slot(3, 0)
    venue.malformed(r.define_session(4))


@rule("2.3")
@pytest.mark.parametrize("session", [0, 3, 0xFFFFFFFF])
def test_a_member_command_for_an_undefined_session_is_malformed(
    venue: Subject, session: int
) -> None:
    venue.malformed(r.enter(session, 1, "B", 5, 1000))
    venue.malformed(r.replace(session, 1, 2, 5, 1000))
    venue.malformed(r.cancel(session, 1))
    venue.malformed(r.modify(session, 1, 5, "B"))
    venue.malformed(r.mass_cancel(session, 1))
    for kind in (r.CANCEL_SESSION, r.ACCOUNT_QUERY, r.DISABLE_ORDER_ENTRY, r.ENABLE_ORDER_ENTRY):
        venue.malformed(r.short(kind, session, 1))


@rule("2.4")
def test_a_system_event_is_passed_on_and_an_unknown_one_is_malformed(venue: Subject) -> None:
    for code in "OSQMEC":
        event = venue.one(r.system_event(code))
        assert (event.type, event.reason) == (r.SYSTEM, ord(code))
    venue.malformed(r.system_event("X"))


@rule("3.1", "3.2")
def test_a_number_that_is_not_above_the_last_is_a_retransmission(venue: Subject) -> None:
    venue.ignored(r.enter(1, 0, "B", 5, 1000))
    venue.rest(1, 7, "B", 5, 1000)
    venue.ignored(r.enter(1, 7, "B", 5, 1000))
    venue.ignored(r.enter(1, 6, "B", 5, 1000))
    assert venue.reason(r.enter(1, 8, "B", 0, 1000)) == 0x13
    venue.ignored(r.enter(1, 8, "B", 5, 1000))
    venue.rest(2, 7, "B", 5, 1000)


@rule("3.3")
def test_a_number_beyond_what_is_kept_is_rejected_and_not_consumed(venue: Subject) -> None:
    first_beyond = 1 << venue.limits.user_ref_bits
    assert venue.reason(r.enter(1, first_beyond, "B", 5, 1000)) == 0x0A
    assert venue.reason(r.enter(1, 0xFFFFFFFF, "B", 5, 1000)) == 0x0A
    venue.rest(1, 1, "B", 5, 1000)
    assert venue.reason(r.replace(1, 1, first_beyond, 5, 1100)) == 0x0A
    venue.rest(1, first_beyond - 1, "B", 5, 1000)
    assert venue.one(r.cancel(1, 1)).type == r.CANCELED


@rule("3.4")
def test_other_commands_neither_need_nor_consume_a_number(venue: Subject) -> None:
    venue.rest(1, 5, "B", 5, 1000)
    venue.ok(r.mass_cancel(1, 9))
    venue.ok(r.mass_cancel(1, 9))
    venue.ok(r.short(r.DISABLE_ORDER_ENTRY, 1, 10))
    venue.ok(r.short(r.ENABLE_ORDER_ENTRY, 1, 10))
    venue.rest(1, 6, "B", 5, 1000)
