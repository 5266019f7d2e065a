"""Goal: orders of 4,294,967,295 lots each: no sum of theirs overflows, wherever they rest.

Method: as many of them at one price as make every 32-bit sum, and the quantity and the count of a
level, go round; in the book, in an auction, and in books made from ITCH.
"""

import copy
from typing import Literal

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.model.subject import Subject, kinds

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.market_data.feed_books import BookBuilder
from ironcore.market_data.itch_books import MarketBooks
from ironcore.wire import itch50
from ironpit.library import Book
from ironpit.market_data import Books

MOST = 0xFFFFFFFF
PRICE = 1000
MAX_FLOOR, RANDOM_RESERVES, RESERVE_SEED = 5, 13, 133


def opened(kind: str, orders_max: int = 64, state: str = "T") -> Subject:
    venue = Subject(kind, r.Limits(orders_max=orders_max))
    venue.ok(r.stream_start(venue.limits))
    venue.ok(r.define_instrument(0, quantity_max=MOST, initial_state=state))
    for session in (1, 2):
        venue.ok(r.define_session(session))
    return venue


def filled(core: MatchingEngine, session: int, side: str, count: int) -> None:
    """That many orders of the most at one price, numbered from 1."""
    orders = [r.enter(session, number, side, MOST, PRICE) for number in range(1, count + 1)]
    statuses, _, _ = core.apply_batch(b"".join(orders))
    assert set(statuses) == {r.OK}
    core.check_invariants()


def level(core: MatchingEngine, side: Literal["B", "S"]) -> list[tuple[int, int, int]]:
    levels: list[tuple[int, int, int]] = core.depth(0, side).tolist()
    return levels


@rule("16.3")
def test_a_level_counts_and_adds_up_the_largest_orders_on_the_way_up_and_down() -> None:
    core = opened("core", 4095).core
    assert core is not None
    for number in range(1, 4096):
        core.apply(r.enter(1, number, "B", MOST, PRICE))
        if number % 1024 in (0, 1, 1023):
            core.check_invariants()
            assert level(core, "B") == [(PRICE, number, number * MOST)]
    for number in range(1, 4095):
        core.apply(r.cancel(1, number))
        left = 4095 - number
        if left % 1024 in (0, 1, 1023):
            core.check_invariants()
            assert level(core, "B") == [(PRICE, left, left * MOST)]
    core.apply(r.cancel(1, 4095))
    core.check_invariants()
    assert level(core, "B") == []
    assert core.counters["level_pages"] == 0


def test_any_number_of_the_largest_orders_fits_the_total_of_a_level() -> None:
    """2^22 - 1 orders at most are live, and a level's total has 54 bits for their quantity."""
    assert (4_194_303 * MOST).bit_length() <= 54


@rule("5.2")
def test_orders_execute_one_after_another_through_a_level_of_the_largest() -> None:
    venue = opened("core", 2100)
    core = venue.core
    assert core is not None
    filled(core, 1, "S", 2050)
    for number in range(1, 2050):
        assert kinds(core_events(core, number)) == [r.ACCEPTED, r.EXECUTED]
    core.check_invariants()
    assert level(core, "S") == [(PRICE, 1, MOST)]


def core_events(core: MatchingEngine, number: int) -> list[r.Event]:
    _, events = core.apply(r.enter(2, number, "B", MOST, PRICE))
    return [r.decode_event(event.tobytes()) for event in events]


@rule("14.3", "15.2")
def test_an_auction_says_and_executes_more_than_32_bits(kind: str) -> None:
    venue = opened(kind, state="O")
    for number in range(1, 21):
        venue.ok(r.enter(1, number, "B", MOST, PRICE))
    for number in range(1, 8):
        venue.ok(r.enter(2, number, "S", MOST, PRICE))
    event = venue.one(r.clock(1))
    assert event.type == r.INDICATIVE
    assert event.order_ref == 7 * MOST
    assert event.quantity + ((event.other & MOST) << 32) == 13 * MOST
    assert event.other >> 32 == 1
    events = venue.ok(r.set_state(0, "T"))
    assert (events[0].type, events[0].order_ref) == (r.CROSS, 7 * MOST)
    assert sum(event.quantity for event in events if event.type == r.CROSSED) == 14 * MOST


@rule("14.3")
def test_an_auction_of_two_thousand_of_the_largest_orders() -> None:
    venue = opened("core", 4000, state="O")
    assert venue.core is not None
    filled(venue.core, 1, "B", 2000)
    filled(venue.core, 2, "S", 1500)
    event = venue.one(r.clock(1))
    assert event.order_ref == 1500 * MOST
    assert event.quantity + ((event.other & MOST) << 32) == 500 * MOST
    events = venue.ok(r.set_state(0, "T"))
    assert (events[0].type, events[0].order_ref) == (r.CROSS, 1500 * MOST)
    assert level(venue.core, "B") == [(PRICE, 500, 500 * MOST)]


@rule("9.4")
def test_no_random_peak_overflows() -> None:
    for seed in range(200):
        told = []
        for kind in ("core", "model"):
            venue = opened(kind)
            values = [(MAX_FLOOR, 4_000_000_000, 4), (RANDOM_RESERVES, 2_000_000_000, 4)]
            options = b"".join(
                r.option(tag, value.to_bytes(size, "big"))
                for tag, value, size in [*values, (RESERVE_SEED, seed, 8)]
            )
            venue.ok(r.enter(1, 1, "S", MOST, PRICE, options=options))
            told.append(venue.ok(r.enter(2, 1, "B", 4_000_000_000, PRICE)))
        assert told[0] == told[1], seed


@rule("7.2")
def test_a_chain_of_replacements_has_the_largest_total(kind: str) -> None:
    venue = opened(kind)
    venue.rest(1, 1, "B", MOST, PRICE)
    venue.ok(r.enter(2, 1, "S", MOST - 5, PRICE))
    events = venue.ok(r.replace(1, 1, 2, MOST, PRICE + 100))
    assert (events[0].type, events[0].quantity) == (r.REPLACED, 5)
    assert kinds(venue.ok(r.enter(2, 2, "S", 5, PRICE + 100))) == [r.ACCEPTED, r.EXECUTED]
    venue.ignored(r.cancel(1, 2))


def add(reference: int) -> bytes:
    return itch50.encode(
        "AddOrder",
        stock_locate=1,
        timestamp=0,
        order_ref=reference,
        side="B",
        shares=MOST,
        stock="ONE",
        price=PRICE,
    )


def delete(reference: int) -> bytes:
    return itch50.encode("OrderDelete", stock_locate=1, timestamp=0, order_ref=reference)


def test_books_of_a_whole_market_add_up_the_largest_orders() -> None:
    books = MarketBooks(4096, 4096, 4)
    for reference in range(1, 2001):
        books.apply(add(reference))
        assert books.depth(1, "B").tolist() == [(PRICE, reference, reference * MOST)]
    for reference in range(1, 2000):
        books.apply(delete(reference))
        left = 2000 - reference
        assert books.depth(1, "B").tolist() == [(PRICE, left, left * MOST)]


def test_books_of_a_feed_add_up_the_largest_orders() -> None:
    builder = BookBuilder()
    builder.apply(
        itch50.encode(
            "StockDirectory",
            stock_locate=1,
            timestamp=0,
            stock="ONE",
            market_category="Q",
            financial_status="N",
            round_lot_size=1,
            round_lots_only="N",
            issue_classification="C",
            issue_subtype="Z",
            authenticity="P",
            short_sale_threshold=" ",
            ipo_flag=" ",
            luld_tier=" ",
            etp_flag=" ",
            etp_leverage_factor=0,
            inverse_indicator="N",
        )
    )
    for reference in range(1, 2001):
        builder.apply(add(reference))
    bids, _ = Books(builder).depth("ONE")
    assert bids.tolist() == [(PRICE, 2000 * MOST, 2000)]
    builder.apply(
        itch50.encode(
            "OrderExecuted",
            stock_locate=1,
            timestamp=0,
            order_ref=1,
            executed_shares=MOST,
            match_number=1,
        )
    )
    assert builder.counts()["executed_quantity"] == MOST


@pytest.mark.parametrize("count", [1023, 1024, 1025, 3000])
def test_a_copy_knows_how_many_orders_a_level_has(count: int) -> None:
    book = Book(orders_max=4096, quantity_max=MOST)
    for _ in range(count):
        book.limit("B", MOST, PRICE)
    other = copy.copy(book)
    assert other.depth("B").tolist() == [(PRICE, count, count * MOST)]
    for user_ref in range(1, count):
        other.cancel(user_ref)
    assert other.depth("B").tolist() == [(PRICE, 1, MOST)]
    assert book.depth("B").tolist() == [(PRICE, count, count * MOST)]
    other.venue.check_invariants()
