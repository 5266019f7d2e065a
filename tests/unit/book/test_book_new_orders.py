"""Goal: sections 4 and 5 of docs/MATCHING_RULES.md: which orders are refused, how others trade.

Method: orders into the core and into the model; reasons and events are written out.
"""

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.model.subject import Subject, kinds


@rule("4.1", "8.4")
def test_order_entry_can_be_disabled_and_enabled_for_a_session(venue: Subject) -> None:
    assert venue.one(r.short(r.DISABLE_ORDER_ENTRY, 1)).type == r.ENTRY_DISABLED
    assert venue.reason(r.enter(1, 1, "B", 5, 1000)) == 0x02
    venue.rest(2, 1, "B", 5, 1000)
    assert venue.one(r.short(r.ENABLE_ORDER_ENTRY, 1)).type == r.ENTRY_ENABLED
    venue.ignored(r.enter(1, 1, "B", 5, 1000))
    venue.rest(1, 2, "B", 5, 1000)


@rule("4.2")
@pytest.mark.parametrize("instrument", [2, r.INSTRUMENT_NONE])
def test_an_unknown_instrument_is_rejected(venue: Subject, instrument: int) -> None:
    assert venue.reason(r.enter(1, 1, "B", 5, 1000, instrument=instrument)) == 0x17


@rule("4.3")
@pytest.mark.parametrize("side", ["X", "b", "\0"])
def test_an_unknown_side_is_rejected(venue: Subject, side: str) -> None:
    assert venue.reason(r.enter(1, 1, side, 5, 1000)) == 0x09


@rule("4.3")
def test_all_three_kinds_of_sell_trade_alike(venue: Subject) -> None:
    for user_ref, side in enumerate("STE", start=1):
        venue.rest(1, user_ref, side, 5, 1000)
    executions = venue.ok(r.enter(2, 1, "B", 15, 1000))[1:]
    assert [chr(event.side) for event in executions] == ["S", "T", "E"]


@rule("4.4")
@pytest.mark.parametrize(
    ("quantity", "reason"),
    [(0, 0x13), (15, 0x13), (1_000_000, 0x31), (999_999, 0x13), (0xFFFFFFFF, 0x31)],
)
def test_a_quantity_is_whole_lots_up_to_the_maximum(
    venue: Subject, quantity: int, reason: int
) -> None:
    assert venue.reason(r.enter(1, 1, "B", quantity, 1000, instrument=1)) == reason
    venue.ok(r.enter(1, 2, "B", 999_990, 1000, instrument=1))


@rule("4.5")
@pytest.mark.parametrize("price", [-1, 0, 400, 501, 599, 2051, 2100, -(2**31), r.PRICE_MAX])
def test_a_price_is_within_the_limits_and_on_a_tick(venue: Subject, price: int) -> None:
    assert venue.reason(r.enter(1, 1, "B", 10, price, instrument=1)) == 0x1D
    for user_ref, good in enumerate((500, 600, 2000), start=2):
        venue.ok(r.enter(1, user_ref, "B", 10, good, instrument=1))


@rule("4.6")
@pytest.mark.parametrize("time_in_force", ["5", "6", "E", "\0"])
def test_other_times_in_force_are_not_supported(venue: Subject, time_in_force: str) -> None:
    assert venue.reason(r.enter(1, 1, "B", 5, 1000, time_in_force=time_in_force)) == 0x0F


@rule("4.7")
@pytest.mark.parametrize(
    ("display", "accepted"), [("Y", True), ("A", True), ("N", True), ("Z", False), ("\0", False)]
)
def test_orders_are_displayed_attributed_or_hidden(
    venue: Subject, display: str, accepted: bool
) -> None:
    events = venue.ok(r.enter(1, 1, "B", 5, 1000, display=display))
    assert kinds(events) == ([r.ACCEPTED, r.ADDED] if accepted else [r.REJECTED])
    assert accepted or events[0].slot == 0x03


@rule("4.8")
@pytest.mark.parametrize("cross_type", ["S", "X", "\0"])
def test_an_unknown_cross_type_is_rejected(venue: Subject, cross_type: str) -> None:
    assert venue.reason(r.enter(1, 1, "B", 5, 1000, cross_type=cross_type)) == 0x14


@rule("4.9")
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (r.option(3, b"\0\0\0\x01"), 0x0D),
        (r.option(5, b"\0\0\0\x06"), 0x04),
        (r.option(6, b"X"), 0x05),
        (r.option(6, b"M"), 0x03),
        (r.option(12, b"X"), 0x0F),
        (r.option(9, bytes(8)), 0x0F),
        (r.option(13, b"\0\0\0\x01"), 0x0F),
        (r.option(14, b"XNAS"), 0x16),
        (r.option(2, b"FIRM") + r.option(6, b"X") + r.option(14, b"XNAS"), 0x16),
    ],
)
def test_an_option_that_cannot_be_rejects_the_order(
    venue: Subject, options: bytes, reason: int
) -> None:
    assert venue.reason(r.enter(1, 1, "B", 5, 1000, options=options)) == reason


@rule("4.9")
@pytest.mark.parametrize(
    "options",
    [
        r.option(3, bytes(4)),
        r.option(5, bytes(4)),
        r.option(6, b"L"),
        r.option(12, b"N"),
        r.option(13, bytes(4)),
        r.option(2, b"FIRM") + r.option(24, b"\0\x01") + r.option(28, b"\x01"),
    ],
)
def test_an_option_that_asks_for_nothing_special_is_accepted(
    venue: Subject, options: bytes
) -> None:
    assert kinds(venue.ok(r.enter(1, 1, "B", 5, 1000, options=options))) == [
        r.ACCEPTED,
        r.ADDED,
    ]


@rule("4.9")
@pytest.mark.parametrize(
    "elements", [r.option(255, b""), r.option(5, bytes(4)) + r.option(255, b"")]
)
def test_an_option_that_there_is_not_makes_the_record_malformed(
    venue: Subject, elements: bytes
) -> None:
    venue.malformed(r.enter(1, 1, "B", 5, 1000, options=elements))
    venue.rest(1, 1, "B", 5, 1000)
    venue.malformed(r.replace(1, 1, 2, 5, 1100, options=elements))


@rule("4.9")
def test_what_is_not_named_is_not_looked_at(venue: Subject) -> None:
    record = bytearray(r.enter(1, 1, "B", 5, 1000, options=r.option(24, b"\0\x01")))
    record[r.OPTIONS_AT + 4 : r.OPTIONS_AT + 8] = b"\xff" * 4  # a MinQty
    record[r.OPTIONS_AT + 16 : r.OPTIONS_AT + 40] = b"\xff" * 24
    record[r.OPTIONS_AT + 42 :] = b"X" * 14
    _, added = venue.ok(bytes(record))
    assert (added.quantity, added.other) == (5, 0)


@rule("4.13")
def test_a_full_pool_rejects_what_could_rest_and_lets_the_rest_trade(kind: str) -> None:
    venue = Subject(kind, r.Limits(orders_max=2)).open()
    venue.rest(1, 1, "S", 5, 1000)
    venue.rest(1, 2, "S", 5, 1000)
    assert venue.reason(r.enter(2, 1, "B", 5, 1000)) == 0x80
    events = venue.ok(r.enter(2, 2, "B", 2, 1000, time_in_force="3"))
    assert kinds(events) == [r.ACCEPTED, r.EXECUTED]
    events = venue.ok(r.enter(2, 3, "B", 3, r.MARKET))
    assert kinds(events) == [r.ACCEPTED, r.EXECUTED]
    venue.rest(2, 4, "B", 5, 900)
    assert venue.reason(r.enter(2, 5, "B", 5, 900)) == 0x80


@rule("4.4", "4.5", "4.6", "4.7", "4.8")
def test_of_several_faults_the_first_in_order_is_reported(venue: Subject) -> None:
    faults = {
        "instrument": 2,
        "time_in_force": "5",
        "display": "Z",
        "cross_type": "X",
        "options": r.option(14, b"XNAS"),
    }
    order = [(0x17, "instrument"), (0x09, ""), (0x13, ""), (0x1D, "")]
    order += [(0x0F, "time_in_force"), (0x03, "display"), (0x14, "cross_type"), (0x16, "options")]
    side, quantity, price = "X", 0, 7
    for user_ref, (reason, name) in enumerate(order, start=1):
        record = r.enter(1, user_ref, side, quantity, price, **faults)  # type: ignore[arg-type]
        assert venue.reason(record) == reason
        faults.pop(name, None)
        side = "B" if reason == 0x09 else side
        quantity = 5 if reason == 0x13 else quantity
        price = 1000 if reason == 0x1D else price


@rule("5.1", "15.1")
def test_an_accepted_order_says_all_about_itself(venue: Subject) -> None:
    accepted, added = venue.ok(r.enter(2, 9, "T", 70, 1200))
    slot, side = venue.slot(2, 9), ord("T")
    assert accepted == (r.ACCEPTED, r.SELL, ord("L"), side, 70, 1, 0, 1200, slot)
    assert added == (r.ADDED, r.SELL | r.VISIBLE | r.LAST, 0, side, 70, 1, 0, 1200, slot)


@rule("5.2")
def test_an_order_stops_where_prices_become_worse_than_its_limit(venue: Subject) -> None:
    for user_ref, price in enumerate((1000, 1100, 1200), start=1):
        venue.rest(1, user_ref, "S", 5, price)
    events = venue.ok(r.enter(2, 1, "B", 20, 1100))
    assert [e.price for e in events if e.type == r.EXECUTED] == [1000, 1100]
    assert (events[-1].type, events[-1].quantity) == (r.ADDED, 10)


@rule("5.2", "5.6")
@pytest.mark.parametrize("price", [r.MARKET, r.MARKET_CROSS])
@pytest.mark.parametrize("time_in_force", ["0", "3"])
def test_a_market_order_takes_every_price_and_never_rests(
    venue: Subject, price: int, time_in_force: str
) -> None:
    venue.rest(1, 1, "B", 5, 100)
    venue.rest(1, 2, "B", 5, 5000)
    events = venue.ok(r.enter(2, 1, "S", 12, price, time_in_force=time_in_force))
    assert kinds(events) == [r.ACCEPTED, r.EXECUTED, r.EXECUTED, r.CANCELED]
    assert [e.price for e in events[1:3]] == [5000, 100]
    assert events[-1][:5] == (r.CANCELED, r.SELL | r.LAST, ord("I"), ord("S"), 2)
    assert events[-1].price == price


@rule("5.3")
@pytest.mark.parametrize(("side", "other", "best"), [("S", "B", 1000), ("B", "S", 1200)])
def test_the_best_price_goes_first_and_at_one_price_the_oldest(
    venue: Subject, side: str, other: str, best: int
) -> None:
    venue.rest(1, 1, side, 5, 1100)
    venue.rest(1, 2, side, 5, best)
    venue.rest(1, 3, side, 5, best)
    venue.rest(1, 4, side, 5, 1100)
    executions = venue.ok(r.enter(2, 1, other, 20, 1100))[1:]
    assert [event.slot for event in executions] == [venue.slot(1, n) for n in (2, 3, 1, 4)]


@rule("5.4", "15.1")
def test_an_execution_is_at_the_resting_price_for_the_smaller_quantity(venue: Subject) -> None:
    reference = venue.rest(1, 1, "B", 30, 1300)
    accepted, execution = venue.ok(r.enter(2, 1, "S", 10, 1000))
    assert execution == (
        r.EXECUTED,
        r.VISIBLE | r.AGGRESSOR_SELL | r.LAST,
        0,
        ord("B"),
        10,
        reference,
        1,
        1300,
        venue.slot(1, 1),
    )
    assert accepted.quantity == 10
    execution, rest = venue.ok(r.enter(2, 2, "S", 25, 1000))[1:]
    assert (execution.quantity, rest.type, rest.quantity) == (20, r.ADDED, 5)
    venue.ignored(r.cancel(1, 1))
    execution = venue.ok(r.enter(1, 2, "B", 5, 1000))[1]
    assert execution.flags == r.VISIBLE | r.SELL | r.LAST


@rule("5.5")
def test_what_is_left_of_a_day_order_queues_behind_its_price(venue: Subject) -> None:
    venue.rest(1, 1, "S", 5, 1000)
    first = venue.ok(r.enter(2, 1, "B", 8, 1000))[-1]
    assert (first.type, first.quantity) == (r.ADDED, 3)
    venue.rest(2, 2, "B", 4, 1000)
    executions = venue.ok(r.enter(1, 2, "S", 7, 1000))[1:]
    assert [(e.order_ref, e.quantity) for e in executions] == [(first.order_ref, 3), (3, 4)]


@rule("5.6")
def test_what_is_left_of_an_immediate_order_is_cancelled(venue: Subject) -> None:
    accepted, cancelled = venue.ok(r.enter(1, 1, "B", 5, 1000, time_in_force="3"))
    assert (accepted.type, accepted.reason) == (r.ACCEPTED, ord("L"))
    assert cancelled == (
        r.CANCELED,
        r.LAST,
        ord("I"),
        ord("B"),
        5,
        1,
        0,
        1000,
        venue.slot(1, 1),
    )
    venue.ignored(r.cancel(1, 1))
