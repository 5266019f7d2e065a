"""Goal: 2.5 to 2.9 of docs/MATCHING_RULES.md: price grids, and instruments defined, changed and
retired; trades broken.

Method: one record at a time into the core and into the model; outcomes and events are written out.
"""

from typing import Any

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

BANDS = [(0, 1), (1000, 10), (5000, 50), (10_000, 100)]
BANDS_OF_SEVEN = [(0, 7), (700, 14)]
EXPIRE_TIME, STOP_PRICE = 15, 128


def opened(kind: str, **terms: Any) -> Subject:
    """Three tick tables, one instrument with these terms and two sessions."""
    venue = Subject(kind)
    venue.ok(r.stream_start(venue.limits))
    for number, bands in enumerate((BANDS, BANDS_OF_SEVEN, [(0, 100), (1000, 500)]), 1):
        assert venue.ok(r.define_tick_table(number, bands)) == []
    venue.ok(r.define_instrument(0, **terms))
    for session in (1, 2):
        venue.ok(r.define_session(session))
    return venue


def change(index: int = 0, **terms: Any) -> bytes:
    return r.define_instrument(index, record_type=r.CHANGE_INSTRUMENT, **terms)


@rule("2.5")
@pytest.mark.parametrize(
    ("price", "is_on_grid"),
    [
        (7, False), (8, True), (9, True), (999, True), (1000, True), (1001, False), (1009, False),
        (1010, True), (4990, True), (4995, False), (5000, True), (5010, False), (5050, True),
        (9950, True), (10_000, True), (10_050, False), (10_100, True), (20_000, True),
        (20_050, False), (20_100, False),
    ],
)  # fmt: skip
def test_a_tick_table_decides_which_prices_are_on_the_grid(
    kind: str, price: int, is_on_grid: bool
) -> None:
    venue = opened(kind, table=1, price_min=8, price_max=20_099)
    for number, side in enumerate("BS", 1):
        events = venue.ok(r.enter(number, 1, side, 1, price))
        assert kinds(events) == ([r.ACCEPTED, r.ADDED] if is_on_grid else [r.REJECTED])
        assert events[-1].price == (price if is_on_grid else 0)
        assert is_on_grid or events[0].slot == 0x1D
        venue.apply(r.cancel(number, 1))


@rule("2.5", "5.3")
def test_prices_of_all_bands_trade_in_order_of_price(kind: str) -> None:
    venue = opened(kind, table=1, price_min=8, price_max=20_099)
    prices = [8, 999, 1000, 1010, 4990, 5000, 5050, 9950, 10_000, 10_100, 20_000]
    for number, price in enumerate(sorted(prices, key=str), 1):
        venue.rest(1, number, "S", 1, price)
    events = venue.ok(r.enter(2, 1, "B", len(prices), 20_000))
    assert [event.price for event in events[1:]] == prices
    for number, price in enumerate(sorted(prices, key=str), 20):
        venue.rest(1, number, "B", 1, price)
    events = venue.ok(r.enter(2, 2, "S", len(prices), 8))
    assert [event.price for event in events[1:]] == prices[::-1]


@rule("2.5", "10.3")
@pytest.mark.parametrize(
    ("side", "opposite", "behind"),
    [("B", 1010, 1000), ("B", 1000, 999), ("S", 999, 1000), ("S", 1000, 1010), ("S", 9950, 10_000)],
)
def test_one_tick_is_the_next_price_of_the_grid(
    kind: str, side: str, opposite: int, behind: int
) -> None:
    venue = opened(
        kind, table=1, price_min=8, price_max=20_099, post_only_mode=1
    )  # fmt: skip
    venue.rest(1, 1, "S" if side == "B" else "B", 1, opposite)
    limit = 20_000 if side == "B" else 8
    _, added = venue.ok(r.enter(2, 1, side, 1, limit, options=r.option(12, b"P")))
    assert added.price == behind


@rule("2.11")
@pytest.mark.parametrize(
    ("bands", "count"),
    [
        ([(0, 5), (1000, 0)], 2),
        ([(0, 0)], 1),
        ([(5, 5)], 1),
        ([(-5, 5)], 1),
        ([(0, 5), (0, 10)], 2),
        ([(0, 5), (1005, 10)], 2),
        ([(0, 5), (1000, 30)], 2),
        ([(0, 5), (1000, 10), (1000, 20)], 3),
        ([(0, 5), (1000, 10), (1100, 20), (1060, 20)], 4),
        ([(0, 5), (1000, 40), (1060, 20)], 3),
        ([(0, 5), (-1000, 10)], 2),
        ([(0, 5), (r.PRICE_MAX + 100, 10)], 2),
        ([(0, 5)], 2),
        ([(1000 * n, 1) for n in range(24)], 25),
        ([], 0),
        ([(0, 5)], 0xFFFFFFFF),
    ],
)
def test_bands_that_are_no_tick_table_are_malformed(
    kind: str, bands: list[tuple[int, int]], count: int
) -> None:
    venue = opened(kind)
    venue.malformed(r.define_tick_table(4, bands, count))
    venue.malformed(r.define_instrument(1, table=4))
    assert venue.ok(r.define_tick_table(4, [(0, 5)])) == []
    assert venue.one(r.define_instrument(1, table=4)).type == r.INSTRUMENT_DEFINED


@rule("2.11")
def test_a_tick_table_has_up_to_24_bands(kind: str) -> None:
    venue = opened(kind)
    # Each is a tenth of what its band begins at: 1, 2, 4 ... 2^22.
    bands = [(0, 1), *((10 << n, 1 << n) for n in range(1, 24))]
    venue.ok(r.define_tick_table(4, bands))
    venue.ok(r.define_instrument(1, table=4, price_min=1))
    for number, (price, tick) in enumerate(bands[1:], 1):
        assert venue.reason(r.enter(1, 3 * number, "B", 1, price + tick // 2, instrument=1)) == 0x1D
        for behind, on_grid in enumerate((price - tick // 2, price + tick), 1):
            events = venue.ok(r.enter(1, 3 * number + behind, "B", 1, on_grid, instrument=1))
            assert [event.price for event in events] == [on_grid, on_grid]


@rule("2.11")
def test_there_are_256_tick_tables_and_each_stays_as_it_is(kind: str) -> None:
    venue = opened(kind)
    venue.malformed(r.define_tick_table(0, BANDS))
    venue.malformed(r.define_tick_table(3, BANDS))
    for number in range(4, 257):
        venue.malformed(r.define_tick_table(number + 1, BANDS))
        venue.ok(r.define_tick_table(number, BANDS))
    venue.malformed(r.define_tick_table(256, BANDS))
    venue.malformed(r.define_tick_table(257, BANDS))
    venue.ok(r.define_instrument(1, table=256))


@rule("2.5")
@pytest.mark.parametrize(
    "terms",
    [
        {"table": 4},
        {"table": 1, "tick": 10},
        {"tick": 0},
        {"table": 0xFFFFFFFF},
        {"table": 1, "price_min": 1001, "price_max": 1009},
    ],
)
def test_an_instrument_has_a_tick_size_or_a_table_with_a_price_in_range(
    kind: str, terms: dict[str, Any]
) -> None:
    venue = opened(kind)
    venue.malformed(r.define_instrument(1, **terms))
    venue.malformed(change(**terms))
    assert venue.one(r.define_instrument(1, table=1)).type == r.INSTRUMENT_DEFINED


@rule("2.6")
@pytest.mark.parametrize(
    "terms",
    [
        {"initial_state": "R"},
        {"initial_state": "Z"},
        {"post_only_mode": 2},
        {"static": 10_001},
        {"dynamic": 10_001},
        {"auction": 10_001},
        {"entry": 10_001},
        {"protection": 10_001},
        {"reference": 150},
        {"reference": 100},
        {"reference": 2100},
        {"reference": -100},
    ],
)
def test_terms_out_of_range_are_malformed(kind: str, terms: dict[str, Any]) -> None:
    venue = opened(kind)
    venue.malformed(r.define_instrument(1, price_min=200, price_max=2000, **terms))
    assert venue.one(r.define_instrument(1)).type == r.INSTRUMENT_DEFINED
    if "initial_state" not in terms:
        venue.malformed(change(price_min=200, price_max=2000, **terms))


@rule("2.6")
def test_terms_at_the_ends_of_their_ranges_are_defined(kind: str) -> None:
    venue = opened(kind)
    collars: dict[str, Any] = dict.fromkeys(
        ("static", "dynamic", "auction", "entry", "protection"), 10_000
    )
    venue.ok(r.define_instrument(1, reference=r.PRICE_MAX, post_only_mode=1, **collars))
    for index, state in enumerate("CB", 2):
        venue.ok(r.define_instrument(index, initial_state=state))
        assert venue.one(r.set_state(index, "H")).side == ord(state)


@rule("2.7")
@pytest.mark.parametrize(
    "terms",
    [
        {"tick": 50},
        {"lot": 2},
        {"price_min": 200},
        {"price_min": 99},
        {"price_max": 1_000_000},
        {"price_max": r.PRICE_MAX - 1},
        {"table": 1},
        {"table": 3},
    ],
)
@pytest.mark.parametrize("entered", ["resting", "hidden", "stop", "waiting"])
def test_the_shape_of_an_instrument_changes_only_without_live_orders(
    kind: str, terms: dict[str, Any], entered: str
) -> None:
    venue = opened(kind)
    stop = r.option(STOP_PRICE, (2000).to_bytes(8, "big"))
    venue.ok(
        r.enter(
            1,
            1,
            "B",
            2,
            1000,
            display="N" if entered == "hidden" else "Y",
            cross_type="C" if entered == "waiting" else "N",
            options=stop if entered == "stop" else b"",
        )
    )
    venue.ignored(change(**terms))
    venue.ok(change(quantity_max=10))
    assert venue.reason(r.enter(1, 2, "B", 11, 1000)) == 0x31
    venue.ok(r.cancel(1, 1))
    assert venue.one(change(**terms)) == r.Event(r.INSTRUMENT_CHANGED, r.LAST, 0, 0, 0, 0, 0, 0, 0)
    venue.rest(1, 3, "B", 2, 10_000)


@rule("2.7")
def test_a_book_goes_on_with_its_new_grid(kind: str) -> None:
    venue = opened(kind)
    for number in range(1, 4):
        venue.rest(1, number, "B", 1, 100 * number)
        venue.rest(2, number, "S", 1, 10_000_000 * number)
    for number in range(1, 4):
        venue.ok(r.cancel(1, number))
        venue.ok(r.cancel(2, number))
    venue.ok(change(table=2, price_min=1, price_max=70_000))
    venue.rest(1, 4, "B", 5, 693)
    venue.rest(2, 4, "S", 5, 714)
    assert venue.reason(r.enter(1, 5, "B", 1, 707)) == 0x1D
    assert venue.ok(r.enter(1, 6, "B", 5, 714))[1].price == 714


@rule("2.7")
def test_a_change_of_what_is_not_defined_or_retired_is_malformed(kind: str) -> None:
    venue = opened(kind)
    venue.malformed(change(1))
    venue.malformed(change(r.INSTRUMENT_NONE))
    venue.ok(r.retire_instrument(0))
    venue.malformed(change(0))


@rule("2.7")
@pytest.mark.parametrize("decimals", [{"price_decimals": 2}, {"quantity_decimals": 1}])
def test_decimals_never_change(kind: str, decimals: dict[str, int]) -> None:
    venue = opened(kind)
    venue.malformed(change(**decimals))
    venue.ok(change(quantity_max=0xFFFFFFFF))
    venue.ok(r.define_instrument(1, price_decimals=9, quantity_decimals=9))
    venue.malformed(change(1, price_decimals=9))
    venue.ok(change(1, price_decimals=9, quantity_decimals=9))


@rule("2.7", "13.5")
def test_a_change_leaves_the_state_and_a_reference_price_that_it_does_not_name(kind: str) -> None:
    venue = opened(kind, reference=1000, initial_state="O")
    venue.ok(change(reference=0, initial_state="R"))
    assert venue.one(r.clock(1)).slot == 1000
    venue.ok(change(reference=1200))
    assert venue.one(r.clock(2)).slot == 1200


@rule("2.8")
def test_retiring_cancels_all_orders_in_order_of_their_slots(kind: str) -> None:
    venue = opened(kind)
    venue.ok(r.define_instrument(1))
    peg = r.option(6, b"P")
    stop = r.option(STOP_PRICE, (5000).to_bytes(8, "big"))
    venue.rest(2, 1, "S", 1, 2000)
    venue.ok(r.enter(1, 1, "B", 2, 1000, time_in_force="1"))
    venue.ok(r.enter(1, 2, "B", 3, 1000, cross_type="C"))
    venue.ok(r.enter(2, 2, "S", 4, r.MARKET, cross_type="C"))
    venue.ok(r.enter(1, 3, "B", 5, 5000, options=stop))
    venue.ok(r.enter(1, 4, "B", 6, 1000, display="N"))
    venue.ok(r.enter(1, 5, "S", 7, 3000, display="N", options=peg))
    venue.ok(r.enter(1, 6, "B", 8, 500, instrument=1))
    expire = r.option(EXPIRE_TIME, (50).to_bytes(4, "big"))
    venue.ok(r.enter(1, 7, "B", 9, 500, time_in_force="6", options=expire))
    events = venue.ok(r.retire_instrument(0))
    assert [(event.slot >> 12, event.slot & 0xFFF, event.quantity) for event in events[:-1]] == [
        (1, 1, 2), (1, 2, 3), (1, 3, 5), (1, 4, 6), (1, 5, 7), (1, 7, 9), (2, 1, 1), (2, 2, 4),
    ]  # fmt: skip
    assert {(event.type, event.reason) for event in events[:-1]} == {(r.CANCELED, ord("E"))}
    assert events[-1] == r.Event(r.INSTRUMENT_RETIRED, r.LAST, 0, 0, 0, 0, 0, 0, 0)
    assert venue.reason(r.enter(1, 8, "B", 1, 1000)) == 0x17
    venue.ignored(r.retire_instrument(0))
    venue.ignored(r.set_state(0, "T"))
    assert venue.ok(r.clock(60)) == []
    venue.malformed(r.retire_instrument(2))


@rule("2.9")
def test_a_bust_tells_each_owner_and_the_public_once(kind: str) -> None:
    venue = opened(kind)
    venue.rest(1, 1, "B", 5, 1000)
    venue.ok(r.enter(2, 1, "S", 5, 1000))
    buyer, seller = venue.slot(1, 1), venue.slot(2, 1)
    events = venue.ok(r.bust_trade(1, buyer, seller))
    assert events == [
        r.Event(r.BROKEN, r.VISIBLE, ord("E"), 0, 0, 0, 1, 0, buyer),
        r.Event(r.BROKEN, r.LAST, ord("E"), 0, 0, 0, 1, 0, seller),
    ]
    for slots in ((buyer, 0), (0, seller)):
        event = venue.one(r.bust_trade(1, *slots))
        assert (event.slot, event.flags) == (sum(slots), r.VISIBLE | r.LAST)


@rule("2.9")
def test_a_bust_of_nothing_that_happened_is_malformed(kind: str) -> None:
    venue = opened(kind)
    venue.rest(1, 1, "B", 5, 1000)
    venue.ok(r.enter(2, 1, "S", 5, 1000))
    slot = venue.slot(1, 1)
    venue.malformed(r.bust_trade(0, slot, 0))
    venue.malformed(r.bust_trade(2, slot, 0))
    venue.malformed(r.bust_trade(1, 0, 0))
    venue.malformed(r.bust_trade(1, slot, venue.slot(3, 1)))
    venue.malformed(r.bust_trade(1, 5, 0))
    venue.malformed(r.bust_trade(1, slot, 0, instrument=1))
