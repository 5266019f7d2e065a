"""Goal: section 20 of docs/MATCHING_RULES.md: what a quote does, event by event.

Method: small books of the core and of the model; what is expected is worked out by hand.
"""

import pytest
from tests.model import records as r
from tests.model.options import write_options
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

from ironcore.engine.matching_engine import MatchingEngine

SIDE_COMES_IN = [r.ACCEPTED, r.ADDED]


@rule("20.2", "20.3")
def test_a_quote_is_two_orders_with_the_two_numbers_from_its_own_on(venue: Subject) -> None:
    events = venue.ok(r.quote(1, 5, (0, 1000, 10, 1100, 20)))
    assert kinds(events) == [r.QUOTED, *SIDE_COMES_IN, *SIDE_COMES_IN]
    assert events[0] == (r.QUOTED, 0, 0, 0, 0, 0, 0, 0, venue.slot(1, 5))
    _, bid, _, ask = events[1:]
    assert (bid.slot, bid.quantity, bid.price) == (venue.slot(1, 5), 10, 1000)
    assert (ask.slot, ask.quantity, ask.price) == (venue.slot(1, 6), 20, 1100)
    venue.ignored(r.quote(1, 6, (0, 1000, 10, 1100, 20)))


@rule("20.3")
def test_both_old_sides_leave_before_both_new_ones_come_in(venue: Subject) -> None:
    venue.ok(r.quote(1, 1, (0, 1000, 10, 1100, 20)))
    events = venue.ok(r.quote(1, 3, (0, 1100, 10, 1200, 20)))
    assert kinds(events) == [r.QUOTED, r.CANCELED, r.CANCELED, *SIDE_COMES_IN, *SIDE_COMES_IN]
    assert [event.slot for event in events[1:3]] == [venue.slot(1, 1), venue.slot(1, 2)]
    assert {event.reason for event in events[1:3]} == {ord("U")}


@rule("20.4")
def test_a_side_stays_first_in_its_queue_unless_it_grows(venue: Subject) -> None:
    venue.ok(r.quote(1, 1, (0, 1000, 10, 0, 0)))
    venue.ok(r.enter(2, 1, "B", 5, 1000))
    _, modified = venue.ok(r.quote(1, 3, (0, 1000, 6, 0, 0)))
    assert (modified.type, modified.quantity, modified.other) == (r.MODIFIED, 6, 4)
    assert modified.slot == venue.slot(1, 1)
    assert kinds(venue.ok(r.quote(1, 5, (0, 1000, 6, 0, 0)))) == [r.QUOTED]
    executed = venue.ok(r.enter(2, 2, "S", 1, 1000))[1]
    assert (executed.type, executed.slot) == (r.EXECUTED, venue.slot(1, 1))
    assert kinds(venue.ok(r.quote(1, 7, (0, 1000, 6, 0, 0)))) == [
        r.QUOTED, r.CANCELED, *SIDE_COMES_IN,
    ]  # fmt: skip
    executed = venue.ok(r.enter(2, 3, "S", 1, 1000))[1]
    assert executed.slot == venue.slot(2, 1)


@rule("20.3")
def test_a_quantity_of_0_takes_its_side_away(venue: Subject) -> None:
    venue.ok(r.quote(1, 1, (0, 1000, 10, 1100, 20)))
    _, cancelled = venue.ok(r.quote(1, 3, (0, 0, 0, 1100, 20)))
    assert (cancelled.type, cancelled.slot) == (r.CANCELED, venue.slot(1, 1))
    _, cancelled = venue.ok(r.quote(1, 5, (0, 0, 0, 0, 0)))
    assert (cancelled.type, cancelled.slot) == (r.CANCELED, venue.slot(1, 2))
    assert kinds(venue.ok(r.quote(1, 7, (0, 0, 0, 0, 0)))) == [r.QUOTED]


@rule("20.1", "20.7")
def test_a_bad_entry_does_not_stop_the_others(venue: Subject) -> None:
    entries = [(0, 1000, 10, 1000, 10), (1, 1000, 10, 1100, 10), (9, 1000, 10, 1100, 10)]
    events = venue.ok(r.quote(1, 1, *entries))
    assert kinds(events) == [
        r.QUOTE_REJECTED, r.INSTRUMENT_NEXT, r.QUOTED, *SIDE_COMES_IN, *SIDE_COMES_IN,
        r.QUOTE_REJECTED,
    ]  # fmt: skip
    assert (events[0].reason, events[0].quantity) == (0x91, 0)
    assert events[1].slot == 1
    assert (events[-1].reason, events[-1].quantity) == (0x17, 2)
    assert events[-1].slot == venue.slot(1, 5)


@rule("20.5")
@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        pytest.param((1, 1000, 5, 1100, 10), 0x13, id="off lot"),
        pytest.param((0, 1050, 5, 1100, 10), 0x1D, id="off the grid"),
        pytest.param((0, r.MARKET, 5, 0, 0), 0x1D, id="a market price"),
        pytest.param((0, 1200, 5, 1100, 10), 0x91, id="crossed"),
    ],
)
def test_a_rejected_entry_changes_nothing(
    venue: Subject, entry: tuple[int, int, int, int, int], reason: int
) -> None:
    venue.ok(r.quote(1, 1, (entry[0], 1000, 10, 1100, 20)))
    rejected = venue.one(r.quote(1, 3, entry))
    assert (rejected.type, rejected.reason) == (r.QUOTE_REJECTED, reason)
    quoted = venue.one(r.quote(1, 5, (entry[0], 1000, 10, 1100, 20)))
    assert quoted.type == r.QUOTED


@rule("20.6")
def test_a_quote_executes_with_what_it_meets(venue: Subject) -> None:
    venue.ok(r.enter(2, 1, "S", 4, 1000))
    events = venue.ok(r.quote(1, 1, (0, 1000, 10, 1100, 20)))
    assert kinds(events) == [
        r.QUOTED, r.ACCEPTED, r.EXECUTED, r.ADDED, *SIDE_COMES_IN,
    ]  # fmt: skip
    assert (events[2].quantity, events[3].quantity) == (4, 6)


@rule("20.1")
def test_a_quote_has_1_to_16_entries(venue: Subject) -> None:
    entry = (0, 1000, 10, 1100, 20)
    venue.malformed(r.quote(1, 1))
    venue.malformed(r.quote(1, 1, *[entry] * 17))
    assert len(venue.ok(r.quote(1, 1, *[entry] * 16))) > 16


@rule("20.5")
def test_a_member_without_order_entry_may_only_take_quotes_away(venue: Subject) -> None:
    venue.ok(r.quote(1, 1, (0, 1000, 10, 1100, 20)))
    venue.ok(r.header(r.DISABLE_ORDER_ENTRY, 48, 1) + bytes(8))
    assert venue.one(r.quote(1, 3, (0, 1000, 5, 1100, 20))).reason == 0x02
    assert kinds(venue.ok(r.quote(1, 5, (0, 0, 0, 0, 0)))) == [r.QUOTED, r.CANCELED, r.CANCELED]


@rule("20.2", "8.1")
def test_a_mass_cancel_finds_a_bid_whose_ask_begins_the_next_64_numbers(venue: Subject) -> None:
    venue.ok(r.quote(1, 127, (0, 1000, 10, 1100, 20)))
    events = venue.ok(r.mass_cancel(1))
    assert [event.slot for event in events[:2]] == [venue.slot(1, 127), venue.slot(1, 128)]
    assert kinds(events) == [r.CANCELED, r.CANCELED, r.MASS_CANCEL_RESPONSE]


def test_a_quote_moves_displayed_pegs_once_where_it_comes_back_to_an_instrument() -> None:
    """18.9: settlements in other instruments between do not make a step forget."""
    limits = r.Limits()
    core = MatchingEngine(*limits)
    peg = write_options(price_type="R")
    records = [r.stream_start(limits, step_actions_max=20_000)]
    records += [r.define_instrument(0), r.define_instrument(1)]
    records += [r.define_session(1), r.define_session(2)]
    for index in (0, 1):
        number = 2 * index + 1
        records.append(r.enter(2, number, "B", 100, 900, instrument=index))
        records.append(r.enter(2, number + 1, "B", 100, r.MARKET, instrument=index, options=peg))
    for record in records:
        assert core.apply(record)[0] == r.OK
    entries = [(n % 2, 1000 + 100 * (n // 2), 10, 3000, 10) for n in range(16)]
    events = core.apply(r.quote(1, 1, *entries))[1]
    assert events["type"].tolist().count(r.REPLENISHED) == 2
