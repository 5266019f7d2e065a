"""Goal: books built from ITCH messages are those of the messages, order by order, or say why not.

Method: streams of messages are generated with all kinds of prices; the books are compared with
those of the feed's table of orders, which finds them by another way. Impossible messages are made
by hand.
"""

import random
from typing import Final

import numpy as np
import pytest

from ironcore.market_data.feed_books import BookBuilder
from ironcore.market_data.itch_books import MarketBooks
from ironcore.wire import itch50
from ironpit.market_data.books import in_priority_order

BUY: Final = "B"
SELL: Final = "S"
SIDES: Final = (BUY, SELL)


def add(reference: int, side: str, shares: int, price: int, locate: int = 1) -> bytes:
    fields = {"stock_locate": locate, "tracking_number": 0, "timestamp": 0}
    return itch50.encode(
        "AddOrder",
        **fields,
        order_ref=reference,
        side=side,
        shares=shares,
        stock="ONE",
        price=price,
    )


def about(kind: str, reference: int, **fields: int) -> bytes:
    head = {"stock_locate": 1, "tracking_number": 0, "timestamp": 0, "order_ref": reference}
    if kind == "OrderReplace":
        head["original_order_ref"] = head.pop("order_ref")
    return itch50.encode(kind, **head, **fields)


def stream(seed: int, count: int) -> list[bytes]:
    """Messages about orders in whole cents, in 1/10,000 and near the ends of the price range."""
    choose = random.Random(seed)
    live: dict[int, int] = {}
    found = []
    for reference in range(1, count):
        kind = choose.choice(["add", "add", "delete", "execute", "cancel", "replace"])
        price = choose.choice(
            [
                100 * choose.randrange(9_000, 11_000),
                choose.randrange(1, 10_000),
                choose.choice([1, 100, 1_999_999_900, 2_000_000_000]),
            ]
        )
        if kind == "add" or not live:
            shares = choose.randrange(1, 1_000)
            locate = choose.choice([1, 2, 999])
            found.append(add(reference, choose.choice([BUY, SELL]), shares, price, locate))
            live[reference] = shares
            continue
        other = choose.choice(list(live))
        taken = choose.randrange(1, live[other] + 1)
        if kind in ("execute", "cancel"):
            live[other] -= taken
            if kind == "execute":
                found.append(about("OrderExecuted", other, executed_shares=taken, match_number=1))
            else:
                found.append(about("OrderCancel", other, cancelled_shares=taken))
        else:
            shares = live.pop(other)
            if kind == "delete":
                found.append(about("OrderDelete", other))
            else:
                live[reference] = shares
                found.append(
                    about(
                        "OrderReplace", other, new_order_ref=reference, shares=shares, price=price
                    )
                )
        if live.get(other) == 0:
            del live[other]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_books_are_those_of_the_feed_after_every_kind_of_message(seed: int) -> None:
    books, table = MarketBooks(4096, 1 << 16, 1000), BookBuilder()
    messages = stream(seed, 4_000)
    for message in messages:
        books.apply(message)
        table.apply(message)
    ordered = in_priority_order(table.orders())
    assert len(ordered) == books.counts()["orders"] > 100
    for locate in (1, 2, 999):
        for side in SIDES:
            expected = ordered[(ordered["locate"] == locate) & (ordered["side"] == ord(side))]
            found = books.orders(locate, side)
            for name in ("order_ref", "price", "quantity"):
                assert (found[name] == expected[name]).all()
            depth = books.depth(locate, side, 10_000)
            prices, first = np.unique(expected["price"], return_index=True)
            assert list(depth["price"]) == list(prices[np.argsort(first)])
            assert depth["quantity"].sum() == expected["quantity"].sum()
            assert depth["orders"].sum() == len(expected)


def test_a_file_gives_the_books_of_its_messages() -> None:
    messages = stream(7, 2_000)
    one_by_one, whole = MarketBooks(4096, 1 << 16), MarketBooks(4096, 1 << 16)
    for message in messages:
        one_by_one.apply(message)
    data = b"".join(len(message).to_bytes(2, "big") + message for message in messages)
    assert whole.apply_file(data) == len(messages)
    assert whole.counts() == one_by_one.counts()
    for side in SIDES:
        assert (whole.orders(1, side) == one_by_one.orders(1, side)).all()
        assert len(whole.depth(1, side, 3)) == 3


@pytest.mark.parametrize(
    "message",
    [
        b"",
        add(1, BUY, 100, 100)[:-1],
        about("OrderDelete", 1)[:-1],
        about("OrderReplace", 5, new_order_ref=9, shares=1, price=100)[:-1],
        add(6, BUY, 0, 100),
        add(6, BUY, 100, 2_000_000_001),
        add(5, SELL, 100, 100),
        add(0, SELL, 100, 100),
        add(6, "X", 100, 100),
        about("OrderReplace", 5, new_order_ref=5, shares=1, price=100),
    ],
)
def test_an_impossible_message_is_refused_and_changes_nothing(message: bytes) -> None:
    books = MarketBooks(16, 1 << 10)
    books.apply(add(5, BUY, 100, 250_000))
    before = books.orders(1, BUY).tobytes()
    with pytest.raises(ValueError, match="ITCH message"):
        books.apply(message)
    assert books.orders(1, BUY).tobytes() == before
    assert books.counts()["malformed"] == 1


def test_limits_are_named_and_nothing_is_lost_at_them() -> None:
    books = MarketBooks(2, 100, 10)
    books.apply(add(1, BUY, 100, 250_000))
    for message in (add(100, BUY, 1, 100), add(2, BUY, 1, 100, locate=10)):
        with pytest.raises(MemoryError, match="beyond orders_max"):
            books.apply(message)
    books.apply(add(2, SELL, 100, 260_000))
    with pytest.raises(MemoryError):
        books.apply(add(3, SELL, 100, 260_000))
    books.apply(about("OrderReplace", 2, new_order_ref=3, shares=50, price=255_000))
    assert books.orders(1, SELL).tolist() == [(3, 255_000, 50)]
    with pytest.raises(ValueError, match="orders_max 0"):
        MarketBooks(0)


def test_messages_about_unknown_orders_are_counted() -> None:
    books = MarketBooks(16, 100)
    books.apply(about("OrderDelete", 7))
    books.apply(about("OrderCancel", 1 << 40, cancelled_shares=1))
    books.apply(about("OrderReplace", 7, new_order_ref=8, shares=1, price=100))
    assert books.counts()["unknown"] == 3
    assert books.counts()["orders"] == 0


def test_a_file_that_breaks_off_keeps_what_came_before() -> None:
    books = MarketBooks(16, 100)
    message = add(1, BUY, 100, 250_000)
    frame = len(message).to_bytes(2, "big") + message
    with pytest.raises(ValueError, match="offset 38"):
        books.apply_file(frame + frame[:20])
    assert books.counts()["orders"] == 1
    assert books.apply_file(b"\0\0" + frame) == 0


def test_no_side_and_no_instrument_have_no_orders() -> None:
    books = MarketBooks(16, 100, 5)
    assert len(books.orders(3, BUY)) == len(books.depth(9, SELL)) == 0
    with pytest.raises(ValueError, match="side"):
        books.depth(1, "X")  # type: ignore[arg-type]
