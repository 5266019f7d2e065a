"""Goal: each type of order does what its rule says, in the plainest case of it.

Method: a few commands on an empty book, run against the core and the model; the scenarios and the
random streams have the rest.
"""

from typing import Any

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

MIN_QTY, MAX_FLOOR, PRICE_TYPE, POST_ONLY = 3, 5, 6, 12
RANDOM_RESERVES, EXPIRE_TIME, STOP_PRICE, TRAIL_OFFSET, STP, SEED = 13, 15, 128, 129, 130, 133


def u32(tag: int, value: int) -> bytes:
    return r.option(tag, value.to_bytes(4, "big", signed=value < 0))


def u64(tag: int, value: int) -> bytes:
    return r.option(tag, value.to_bytes(8, "big"))


def letter(tag: int, value: str) -> bytes:
    return r.option(tag, value.encode())


@pytest.fixture
def venue(kind: str) -> Subject:
    return Subject(kind).open()


def entered(venue: Subject, *order: Any, options: bytes = b"", **fields: Any) -> list[r.Event]:
    """What an order causes besides ACCEPTED."""
    accepted, *events = venue.ok(r.enter(*order, options=options, **fields))
    assert accepted.type == r.ACCEPTED
    return events


def brief(events: list[r.Event]) -> list[tuple[int, int, int]]:
    """Of each: type, quantity, price."""
    return [(event.type, event.quantity, event.price) for event in events]


@rule("9.1", "5.3")
def test_a_hidden_order_waits_behind_displayed_ones_at_its_price(venue: Subject) -> None:
    (hidden,) = entered(venue, 1, 1, "S", 5, 1000, display="N")
    assert hidden.flags == r.LAST | r.SELL
    venue.rest(1, 2, "S", 5, 1000)
    shown, unseen = entered(venue, 2, 1, "B", 8, 1000)
    assert (shown.slot, shown.quantity, bool(shown.flags & r.VISIBLE)) == (4098, 5, True)
    assert (unseen.slot, unseen.quantity, bool(unseen.flags & r.VISIBLE)) == (4097, 3, False)


@rule("9.1", "5.2")
def test_a_hidden_order_at_a_better_price_goes_first(venue: Subject) -> None:
    venue.rest(1, 1, "B", 5, 900)
    entered(venue, 1, 2, "B", 5, 1000, display="N")
    events = entered(venue, 2, 1, "S", 7, 900, time_in_force="3")
    assert brief(events) == [(r.EXECUTED, 5, 1000), (r.EXECUTED, 2, 900)]


@rule("9.2", "9.3")
def test_an_iceberg_shows_one_peak_after_the_other(venue: Subject) -> None:
    (added,) = entered(venue, 1, 1, "S", 25, 1000, options=u32(MAX_FLOOR, 10))
    assert (added.quantity, added.other) == (10, 15)
    venue.rest(1, 2, "S", 10, 1000)
    events = entered(venue, 2, 1, "B", 45, 1000)
    executed, replenished, other, again, last_peak, last, rest = events
    assert [e.quantity for e in (executed, other, again, last)] == [10, 10, 10, 5]
    assert (replenished.type, replenished.quantity, replenished.other) == (r.REPLENISHED, 10, 1)
    assert (replenished.order_ref, last_peak.other, last_peak.quantity) == (4, 4, 5)
    assert (rest.type, rest.quantity) == (r.ADDED, 10)


@rule("9.4")
def test_random_peaks_come_from_the_seed(venue: Subject) -> None:
    options = u32(MAX_FLOOR, 100) + u32(RANDOM_RESERVES, 50) + u64(SEED, 0)
    entered(venue, 1, 1, "S", 1000, 1000, options=options)
    _, replenished = entered(venue, 2, 1, "B", 100, 1000)
    # SplitMix64 from state 0 gives 0xE220A8397B1DCDAF first.
    assert replenished.quantity == 50 + 0xE220A8397B1DCDAF % 101


@rule("9.5", "9.6")
def test_a_smaller_total_takes_from_the_reserve_first(venue: Subject) -> None:
    entered(venue, 1, 1, "S", 25, 1000, options=u32(MAX_FLOOR, 10))
    (canceled,) = venue.ok(r.cancel(1, 1, 12))
    assert (canceled.quantity, canceled.other, canceled.flags) == (13, 12, r.LAST | r.SELL)
    canceled, reduced = venue.ok(r.cancel(1, 1, 7))
    assert (canceled.quantity, canceled.other) == (5, 7)
    assert (reduced.type, reduced.quantity, reduced.other) == (r.REDUCED, 3, 7)
    assert reduced.flags == r.LAST | r.SELL | r.VISIBLE


@rule("10.1", "5.10")
def test_fill_or_kill_executes_in_full_or_not_at_all(venue: Subject) -> None:
    venue.rest(1, 1, "S", 5, 1000)
    entered(venue, 1, 2, "S", 5, 1100, display="N")
    killed = entered(venue, 2, 1, "B", 11, 1100, time_in_force="4")
    assert brief(killed) == [(r.CANCELED, 11, 1100)]
    filled = entered(venue, 2, 2, "B", 10, 1100, time_in_force="4")
    assert brief(filled) == [(r.EXECUTED, 5, 1000), (r.EXECUTED, 5, 1100)]


@rule("10.1")
def test_reserves_count_for_a_minimum_quantity(venue: Subject) -> None:
    entered(venue, 1, 1, "S", 25, 1000, options=u32(MAX_FLOOR, 10))
    events = entered(venue, 2, 1, "B", 30, 1000, time_in_force="3", options=u32(MIN_QTY, 25))
    executed = [event.quantity for event in events if event.type == r.EXECUTED]
    assert executed == [10, 10, 5]
    assert brief(events[-1:]) == [(r.CANCELED, 5, 1000)]


@rule("10.2")
def test_a_resting_minimum_quantity_lets_small_orders_pass(venue: Subject) -> None:
    entered(venue, 1, 1, "S", 10, 1000, display="N", options=u32(MIN_QTY, 6))
    assert brief(entered(venue, 2, 1, "B", 5, 1000)) == [(r.ADDED, 5, 1000)]
    assert brief(entered(venue, 2, 2, "B", 6, 1000)) == [(r.EXECUTED, 6, 1000)]
    # What is left is less than the minimum, which is then all of it.
    assert brief(entered(venue, 2, 3, "B", 4, 1000)) == [(r.EXECUTED, 4, 1000)]


@rule("10.3")
@pytest.mark.parametrize("display", ["Y", "N"])
def test_post_only_does_not_take(venue: Subject, display: str) -> None:
    entered(venue, 1, 1, "S", 5, 1000, display=display)
    (canceled,) = entered(venue, 2, 1, "B", 5, 1000, options=letter(POST_ONLY, "P"))
    assert (canceled.type, chr(canceled.reason)) == (r.CANCELED, "G" if display == "Y" else "F")
    events = entered(venue, 2, 2, "B", 5, 900, options=letter(POST_ONLY, "P"))
    assert brief(events) == [(r.ADDED, 5, 900)]


@rule("10.3")
def test_post_only_may_step_back_one_tick(kind: str) -> None:
    venue = Subject(kind)
    venue.ok(r.stream_start(venue.limits))
    venue.ok(r.define_instrument(0, post_only_mode=1))
    for session in (1, 2):
        venue.ok(r.define_session(session))
    venue.rest(1, 1, "S", 5, 1000)
    accepted, added = venue.ok(r.enter(2, 1, "B", 5, 1200, options=letter(POST_ONLY, "P")))
    assert (accepted.price, added.price) == (1200, 900)


@rule("10.4", "10.5", "10.7")
def test_a_stop_sleeps_until_the_last_price_reaches_it(venue: Subject) -> None:
    assert entered(venue, 1, 1, "S", 5, 800, options=u64(STOP_PRICE, 900)) == []
    venue.rest(1, 2, "B", 1, 900)
    venue.rest(1, 3, "B", 9, 800)
    events = entered(venue, 2, 1, "S", 1, 900)
    assert kinds(events) == [r.EXECUTED, r.ACTIVATED, r.EXECUTED]
    assert (events[1].slot, events[2].price, events[2].quantity) == (4097, 800, 5)


@rule("10.6")
def test_a_trailing_stop_follows_the_last_price_one_way(venue: Subject) -> None:
    def trade(number: int, price: int) -> list[r.Event]:
        venue.rest(2, number, "B", 1, price)
        return entered(venue, 1, number, "S", 1, price)

    trade(1, 1000)
    assert entered(venue, 1, 2, "S", 5, r.MARKET, options=u32(TRAIL_OFFSET, 150)) == []
    assert len(trade(3, 1200)) == 1  # the stop price goes from 800 to 1000
    assert len(trade(4, 1100)) == 1
    assert [chr(e.reason) for e in trade(5, 1000) if e.type == r.CANCELED] == ["I"]


@rule("10.8")
def test_stops_cascade(venue: Subject) -> None:
    for number, price in enumerate((1000, 900, 800), 1):
        venue.rest(1, number, "B", 1, price)
    for number, price in ((4, 1000), (5, 900)):
        entered(venue, 1, number, "S", 1, r.MARKET, options=u64(STOP_PRICE, price))
    events = entered(venue, 2, 1, "S", 1, 1000)
    once = [r.EXECUTED, r.ACTIVATED]
    assert kinds(events) == [*once, *once, r.EXECUTED]
    assert [e.price for e in events if e.type == r.EXECUTED] == [1000, 900, 800]


@rule("11.1", "11.4", "11.5")
def test_a_peg_follows_its_side(venue: Subject) -> None:
    venue.rest(1, 1, "B", 1, 900)
    pegged = letter(PRICE_TYPE, "R")
    (added,) = entered(venue, 2, 1, "B", 5, r.MARKET, display="N", options=pegged)
    assert (added.price, added.flags) == (900, r.LAST)
    venue.rest(1, 2, "B", 1, 1000)
    executed = entered(venue, 2, 2, "S", 6, 1000)
    assert brief(executed) == [(r.EXECUTED, 1, 1000), (r.EXECUTED, 5, 1000)]


@rule("11.3", "4.12")
def test_a_peg_without_a_price_is_refused_and_one_that_loses_it_parked(venue: Subject) -> None:
    pegged = letter(PRICE_TYPE, "R")
    assert venue.reason(r.enter(2, 1, "B", 5, r.MARKET, display="N", options=pegged)) == 0x01
    venue.rest(1, 1, "B", 1, 900)
    entered(venue, 2, 2, "B", 5, r.MARKET, display="N", options=pegged)
    venue.ok(r.cancel(1, 1))
    assert brief(entered(venue, 1, 2, "S", 5, 500, time_in_force="3")) == [(r.CANCELED, 5, 500)]
    venue.rest(1, 3, "B", 1, 700)
    events = entered(venue, 1, 4, "S", 6, 500, time_in_force="3")
    assert brief(events) == [(r.EXECUTED, 1, 700), (r.EXECUTED, 5, 700)]


@rule("12.1", "12.2")
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("N", [(r.CANCELED, 8, 1000)]),
        ("O", [(r.CANCELED, 5, 1000), (r.ADDED, 8, 1000)]),
        ("B", [(r.CANCELED, 5, 1000), (r.CANCELED, 8, 1000)]),
        ("D", [(r.CANCELED, 5, 1000), (r.CANCELED, 5, 1000), (r.ADDED, 3, 1000)]),
        ("-", [(r.EXECUTED, 5, 1000), (r.ADDED, 3, 1000)]),
    ],
)
def test_self_trade_prevention(kind: str, mode: str, expected: list[tuple[int, int, int]]) -> None:
    venue = Subject(kind)
    venue.ok(r.stream_start(venue.limits))
    venue.ok(r.define_instrument(0))
    for session in (1, 2):
        venue.ok(r.define_session(session, stp_group=7))
    venue.rest(1, 1, "S", 5, 1000)
    events = entered(venue, 2, 1, "B", 8, 1000, options=letter(STP, mode))
    assert brief(events) == expected
    assert {chr(e.reason) for e in events if e.type == r.CANCELED} <= {"Q"}


@rule("5.9", "4.9.8")
def test_good_till_time_orders_leave_in_time(venue: Subject) -> None:
    for number, second in ((1, 200), (2, 100), (3, 100)):
        until = u32(EXPIRE_TIME, second)
        resting = entered(venue, 1, number, "B", 5, 1000, options=until, time_in_force="6")
        assert kinds(resting) == [r.ADDED]
    assert venue.ok(r.clock(98)) == []
    venue.ignored(r.clock(99))
    assert [e.slot & 0xFFF for e in venue.ok(r.clock(150))] == [2, 3]
    late = r.enter(1, 4, "B", 5, 1000, time_in_force="6", options=u32(EXPIRE_TIME, 150))
    assert venue.reason(late) == 0x0F


@rule("5.7")
def test_a_market_order_stops_at_its_protection(kind: str) -> None:
    venue = Subject(kind)
    venue.ok(r.stream_start(venue.limits))
    venue.ok(r.define_instrument(0, protection=1000))
    for session in (1, 2):
        venue.ok(r.define_session(session))
    for number, price in enumerate((1000, 1100, 1200), 1):
        venue.rest(1, number, "S", 5, price)
    events = entered(venue, 2, 1, "B", 15, r.MARKET)
    assert brief(events[:2]) == [(r.EXECUTED, 5, 1000), (r.EXECUTED, 5, 1100)]
    assert (events[2].type, chr(events[2].reason)) == (r.CANCELED, "K")


@rule("7.5")
def test_a_replacement_inherits_what_it_does_not_name(venue: Subject) -> None:
    entered(venue, 1, 1, "S", 25, 1000, options=u32(MAX_FLOOR, 10))
    replaced, added = venue.ok(r.replace(1, 1, 2, 30, 1100))
    assert (replaced.flags, replaced.quantity) == (r.VISIBLE | r.SELL | r.CROSSES, 30)
    assert (added.quantity, added.other) == (10, 20)
    replaced, added = venue.ok(r.replace(1, 2, 3, 30, 1100, options=u32(MAX_FLOOR, 0)))
    assert (added.quantity, added.other) == (30, 0)
