"""Goal: section 14 of docs/MATCHING_RULES.md: the price of an auction, who executes, what is said.

Method: auctions worked by hand, small enough to follow on paper. The price is read from INDICATIVE,
then the auction is held and has to agree.
"""

from typing import Any, NamedTuple

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

MIN_QTY, MAX_FLOOR = 3, 5


class Entry(NamedTuple):
    """An order; a price of 0 is a market order, which waits for the opening auction."""

    side: str
    quantity: int
    price: int
    cross_type: str = "N"
    display: str = "Y"
    options: bytes = b""


def u32(tag: int, value: int) -> bytes:
    return r.option(tag, value.to_bytes(4, "big"))


def opened(kind: str, state: str = "O", **terms: Any) -> Subject:
    """Prices 100 to 200 with tick 1, unless the terms say otherwise."""
    venue = Subject(kind)
    shape: dict[str, Any] = {"tick": 1, "price_min": 100, "price_max": 200} | terms
    venue.ok(r.stream_start(venue.limits))
    venue.ok(r.define_instrument(0, initial_state=state, **shape))
    for session in (1, 2):
        venue.ok(r.define_session(session))
    return venue


def fill(venue: Subject, *entries: Entry) -> None:
    """Buys are session 1's and sells session 2's; UserRefNums count from 1 over both."""
    for number, entry in enumerate(entries, 1):
        market = entry.price == 0
        venue.ok(
            r.enter(
                1 if entry.side == "B" else 2,
                number,
                entry.side,
                entry.quantity,
                r.MARKET if market else entry.price,
                cross_type="O" if market else entry.cross_type,
                display=entry.display,
                options=entry.options,
            )
        )


def book(buys: str, sells: str) -> list[Entry]:
    """From "quantity@price ..." for each side; "m" is a market order's price."""
    entries = []
    for side, text in (("B", buys), ("S", sells)):
        for order in text.split():
            quantity, price = order.split("@")
            entries.append(Entry(side, int(quantity), 0 if price == "m" else int(price)))
    return entries


def indicated(venue: Subject, second: int = 1) -> tuple[int, int, int, str]:
    """Price, volume, imbalance and its side."""
    event = venue.one(r.clock(second))
    assert event.type == r.INDICATIVE
    return event.price, event.order_ref, event.quantity, chr(event.side)


PRICES = [
    ("most volume", "200@103 100@102 100@101", "150@100 150@101 100@103", 0, (102, 300, 0, "N")),
    ("most volume, whatever the reference", "10@150", "5@140 5@150", 199, (150, 10, 0, "N")),
    ("smallest imbalance, mean of limits", "100@103 50@101", "100@101", 0, (102, 100, 0, "N")),
    ("reference above the tie", "100@103 50@101", "100@101", 110, (103, 100, 0, "N")),
    ("reference below the tie", "100@103 50@101", "100@101", 100, (102, 100, 0, "N")),
    ("buys left at every price", "300@105", "100@101", 0, (105, 100, 200, "B")),
    ("buys left, reference in between", "300@105", "100@101", 104, (105, 100, 200, "B")),
    ("buys left until the next buy", "150@105 50@103", "100@101", 101, (105, 100, 50, "B")),
    ("sells left at every price", "100@105", "300@101", 0, (101, 100, 200, "S")),
    ("sells left until the next sell", "100@105", "150@101 50@103", 190, (101, 100, 50, "S")),
    ("market buys left, limits too", "100@m 50@120", "10@105", 0, (121, 10, 90, "B")),
    ("a limit at the end is pressed to", "5@m 20@200", "10@105", 110, (200, 10, 15, "B")),
    ("market sells left press nothing", "10@105", "30@m", 110, (105, 10, 20, "S")),
    ("less left of sells", "100@102 50@101", "100@100 40@102", 100, (102, 100, 40, "S")),
    ("less left of buys", "100@102 40@101", "100@100 50@102", 190, (101, 100, 40, "B")),
    ("as much left, mean of limits", "100@102 50@101", "100@100 50@102", 0, (101, 100, 50, "B")),
    ("as much left, reference above", "100@102 50@101", "100@100 50@102", 190, (102, 100, 50, "S")),
    ("only market orders", "100@m", "60@m", 0, (0, 0, 0, "O")),
    ("only market orders, reference", "100@m", "60@m 40@m", 123, (123, 100, 0, "N")),
    ("market orders meet limits", "50@m 20@105", "70@110", 100, (110, 50, 20, "S")),
    ("market orders meet a limit, at it", "50@m", "70@110", 0, (110, 50, 20, "S")),
    ("a limit that does not execute", "10@150 5@101", "10@120", 0, (125, 10, 0, "N")),
    ("the mean of limits, rounded down", "10@104", "10@101", 0, (102, 10, 0, "N")),
    ("market sells take the best buys", "30@180 30@170", "40@m", 200, (170, 40, 20, "B")),
    ("limits at the ends of the range", "10@200", "10@100", 0, (150, 10, 0, "N")),
    ("no meeting", "10@110", "10@111", 105, (0, 0, 0, "O")),
    ("one side only", "10@110 5@m", "", 105, (0, 0, 0, "O")),
    ("nothing at all", "", "", 105, (0, 0, 0, "O")),
]


@rule("14.3", "14.8", "15.2")
@pytest.mark.parametrize(
    ("buys", "sells", "reference", "expected"),
    [pytest.param(*case[1:], id=case[0]) for case in PRICES],
)
def test_the_price_has_most_volume_least_imbalance_then_pressure_or_the_reference_decides(
    kind: str, buys: str, sells: str, reference: int, expected: tuple[int, int, int, str]
) -> None:
    venue = opened(kind, reference=reference)
    fill(venue, *book(buys, sells))
    event = venue.one(r.clock(1))
    price, volume, imbalance, side = expected
    assert event == r.Event(
        r.INDICATIVE,
        r.VISIBLE | r.LAST,
        ord("O"),
        ord(side),
        imbalance,
        volume,
        1 << 32,
        price,
        reference,
    )
    cross = venue.ok(r.set_state(0, "T"))[0]
    assert (cross.type, cross.order_ref, cross.price) == (r.CROSS, volume, price)


@rule("14.3")
@pytest.mark.parametrize(
    ("reference", "price"),
    [(1000, 1000), (1050, 1100), (1049, 1000), (1005, 1000), (995, 1000), (992, 990)],
)
def test_prices_are_compared_by_value_on_the_grid_and_ties_go_up(
    kind: str, reference: int, price: int
) -> None:
    # Tick 10 up to 1000, 100 from there on; the reference is on the finer grid that was before.
    venue = opened(kind, price_min=900, price_max=2000, reference=reference)
    venue.ok(r.define_tick_table(1, [(0, 10), (1000, 100)]))
    coarse = r.define_instrument(
        0, table=1, price_min=900, price_max=2000, record_type=r.CHANGE_INSTRUMENT
    )
    venue.ok(coarse)
    fill(venue, Entry("B", 10, 1300), Entry("S", 10, 950))
    assert indicated(venue) == (price, 10, 0, "N")


@rule("14.2")
def test_all_quantity_takes_part_except_that_of_minimum_quantities_and_other_auctions(
    kind: str,
) -> None:
    venue = opened(kind)
    fill(
        venue,
        Entry("B", 10, 110, options=u32(MAX_FLOOR, 1)),
        Entry("B", 20, 110, display="N"),
        Entry("B", 40, 110, cross_type="O"),
        Entry("B", 80, 110, cross_type="C"),
        Entry("B", 160, 110, display="N", options=u32(MIN_QTY, 160)),
        Entry("S", 1000, 110),
    )
    assert indicated(venue) == (110, 70, 930, "S")


@rule("14.3")
def test_only_limits_that_take_part_stand_in_for_a_reference(kind: str) -> None:
    venue = opened(kind)
    fill(
        venue,
        Entry("B", 10, 120),
        Entry("S", 10, 104),
        Entry("S", 10, 130, display="N"),
        Entry("S", 10, 160, display="N", options=u32(MIN_QTY, 10)),
        Entry("B", 10, 100, cross_type="C"),
    )
    assert indicated(venue) == (117, 10, 0, "N")  # of 104 and 130


@rule("14.4", "14.5", "14.6")
def test_market_orders_come_first_then_price_then_displayed_hidden_and_waiting(kind: str) -> None:
    venue = opened(kind)
    fill(
        venue,
        Entry("B", 1, 120, cross_type="O"),
        Entry("B", 2, 120, display="N"),
        Entry("B", 3, 120),
        Entry("B", 4, 119),
        Entry("B", 5, 121, cross_type="O"),
        Entry("B", 6, 0),
        Entry("B", 7, 0),
        Entry("B", 8, 120),
        Entry("S", 36, 119),
    )
    events = venue.ok(r.set_state(0, "T"))
    assert events[0] == r.Event(r.CROSS, r.VISIBLE, ord("O"), 0, 0, 36, 1, 119, 0)
    bought = [event for event in events[1:-1] if not event.flags & r.SELL]
    assert [event.slot & 0xFFF for event in bought] == [6, 7, 5, 3, 8, 2, 1, 4]
    assert [event.other for event in bought] == list(range(2, 10))
    assert [event.quantity for event in bought] == [6, 7, 5, 3, 8, 2, 1, 4]
    assert [bool(event.flags & r.VISIBLE) for event in bought] == [False] * 3 + [True, True] + [
        False, False, True,
    ]  # fmt: skip
    sold = [event for event in events[1:-1] if event.flags & r.SELL]
    assert {(event.slot & 0xFFF, event.flags) for event in sold} == {(9, r.VISIBLE | r.SELL)}
    assert [event.other for event in sold] == list(range(2, 10))
    assert kinds(events[1:-1]) == [r.CROSSED] * 16
    assert events[-1].type == r.STATE_CHANGED


@rule("14.5")
def test_an_iceberg_crosses_with_its_reserve_and_is_replenished_once(kind: str) -> None:
    venue = opened(kind)
    fill(
        venue,
        Entry("B", 10, 110, options=u32(MAX_FLOOR, 4)),
        Entry("S", 3, 110),
        Entry("S", 2, 110),
        Entry("S", 1, 110),
    )
    events = venue.ok(r.set_state(0, "T"))
    seen = [(event.type, event.slot & 0xFFF, event.quantity, event.other) for event in events]
    assert seen[1:-1] == [
        (r.CROSSED, 1, 3, 2),
        (r.REDUCED, 1, 3, 1),
        (r.CROSSED, 2, 3, 2),
        (r.CROSSED, 1, 2, 3),
        (r.REDUCED, 1, 1, 0),
        (r.CROSSED, 3, 2, 3),
        (r.CROSSED, 1, 1, 4),
        (r.CROSSED, 4, 1, 4),
        (r.REPLENISHED, 1, 4, 1),
    ]
    assert not events[1].flags & r.VISIBLE
    assert events[2].flags & r.VISIBLE


@rule("14.5")
def test_an_iceberg_that_crosses_in_full_leaves_the_visible_book_with_reduced(kind: str) -> None:
    venue = opened(kind)
    fill(venue, Entry("B", 10, 110, options=u32(MAX_FLOOR, 4)), Entry("S", 10, 110))
    events = venue.ok(r.set_state(0, "T"))
    assert kinds(events) == [r.CROSS, r.CROSSED, r.REDUCED, r.CROSSED, r.STATE_CHANGED]
    assert (events[2].quantity, events[2].other, events[2].price) == (4, 0, 110)
    venue.ignored(r.cancel(1, 1))


@rule("14.6", "5.12")
def test_an_auction_sets_the_last_price_and_the_reference_only_when_it_executes(kind: str) -> None:
    venue = opened(kind, reference=150)
    fill(venue, Entry("B", 1, 110), Entry("S", 1, 111))
    cross, _ = venue.ok(r.set_state(0, "T"))
    assert (cross.order_ref, cross.price, cross.other) == (0, 0, 1)
    venue.ok(r.set_state(0, "P"))
    assert venue.one(r.clock(1)).slot == 150
    venue.ok(r.enter(1, 10, "B", 1, 111))
    assert venue.ok(r.set_state(0, "T"))[0].price == 111
    venue.ok(r.set_state(0, "P"))
    assert venue.one(r.clock(2)).slot == 111


@rule("14.7")
def test_waiting_orders_of_the_auction_that_are_left_are_cancelled_in_priority(kind: str) -> None:
    venue = opened(kind)
    fill(
        venue,
        Entry("B", 1, 105, cross_type="O"),
        Entry("B", 2, 106, cross_type="O"),
        Entry("B", 4, 107, cross_type="C"),
        Entry("S", 8, 120, cross_type="O"),
        Entry("S", 16, 0),
        Entry("B", 1, 0),
    )
    events = venue.ok(r.set_state(0, "T"))
    cancelled = [event for event in events if event.type == r.CANCELED]
    assert [(event.slot & 0xFFF, event.quantity) for event in cancelled] == [(5, 12), (4, 8)]
    assert {event.reason for event in cancelled} == {ord("I")}
    assert {event.flags & r.VISIBLE for event in cancelled} == {0}
    assert cancelled[1].price == 120
    assert venue.one(r.cancel(1, 3)).quantity == 4


@rule("14.1")
@pytest.mark.parametrize(
    ("before", "after", "cross_type"),
    [
        ("C", "T", "O"), ("B", "T", "O"), ("O", "T", "O"), ("H", "T", "H"), ("P", "T", "H"),
        ("Q", "T", "H"), ("L", "T", "C"), ("L", "C", "C"), ("L", "B", "C"), ("L", "P", "C"),
        ("L", "H", ""), ("B", "O", ""), ("T", "L", ""), ("P", "H", ""), ("T", "C", ""),
        ("X", "T", "O"), ("L", "X", "C"), ("X", "C", ""),
    ],
)  # fmt: skip
def test_an_auction_is_held_on_leaving_certain_states(
    kind: str, before: str, after: str, cross_type: str
) -> None:
    venue = opened(kind, state=before)
    events = venue.ok(r.set_state(0, after))
    crosses = [chr(event.reason) for event in events if event.type == r.CROSS]
    assert crosses == list(cross_type)
    assert events[-1].type == r.STATE_CHANGED


@rule("14.8", "2.10")
def test_indicative_prices_are_said_in_auctions_and_pauses_by_instrument(kind: str) -> None:
    venue = Subject(kind, r.Limits(instruments_max=8))
    venue.ok(r.stream_start(venue.limits))
    for index, state in enumerate("COBLTPHQ"):
        venue.ok(r.define_instrument(index, initial_state=state))
    events = venue.ok(r.clock(1))
    assert [(event.other >> 32, chr(event.reason)) for event in events] == [
        (2, "O"),
        (4, "C"),
        (6, "H"),
    ]


EXTENDED: dict[str, Any] = {"reference": 150, "auction": 1000, "extensions": 2}


@rule("14.9", "13.7")
def test_an_auction_beyond_its_collar_is_extended_until_it_has_been_often_enough(kind: str) -> None:
    venue = opened(kind, **EXTENDED)
    fill(venue, Entry("B", 1, 166), Entry("S", 1, 166))
    for extension in (1, 2):
        event = venue.one(r.set_state(0, "T"))
        assert (event.type, event.quantity, event.price) == (r.COLLARS, extension, 150)
        assert event.order_ref == 165 << 32 | 135
    assert kinds(venue.ok(r.set_state(0, "T"))) == [
        r.CROSS,
        r.CROSSED,
        r.CROSSED,
        r.STATE_CHANGED,
    ]


@rule("14.9")
def test_an_auction_is_not_extended_when_forced_within_its_collar_or_without_a_price(
    kind: str,
) -> None:
    beyond, within = (
        (Entry("B", 1, 166), Entry("S", 1, 166)),
        (Entry("B", 1, 165), Entry("S", 1, 165)),
    )
    for entries, force in ((beyond, True), (within, False), ((), False)):
        venue = opened(kind, **EXTENDED)
        fill(venue, *entries)
        assert venue.ok(r.set_state(0, "T", force=force))[0].type == r.CROSS


@rule("14.9")
def test_extensions_are_counted_until_a_state_before_another_auction(kind: str) -> None:
    venue = opened(kind, **EXTENDED)
    fill(venue, Entry("B", 1, 166), Entry("S", 1, 166))
    assert venue.one(r.set_state(0, "T")).quantity == 1
    assert venue.one(r.set_state(0, "B")).type == r.STATE_CHANGED
    assert venue.one(r.set_state(0, "T")).quantity == 2
    assert venue.one(r.set_state(0, "Q")).type == r.STATE_CHANGED
    assert venue.one(r.set_state(0, "T")).quantity == 1
