"""Goal: a book for one page of Python: each method is one command, and its events are returned.

Method: short stories of a few orders, told by the events' names and quantities.
"""

import copy
import pickle
from typing import Any

import pytest

from ironpit.library import Book, EventType


class NotedBook(Book):
    """A book with an attribute of its own."""

    note: list[str]


def story(events: Any) -> list[tuple[str, int]]:
    return [(EventType(row["type"]).name, int(row["quantity"])) for row in events]


def test_orders_trade_and_rest() -> None:
    book = Book("ABC")
    first = book.limit("S", 100, 50_0000)
    assert first.user_ref == 1
    assert story(first.events) == [("ACCEPTED", 100), ("ADDED", 100)]
    second = book.limit("B", 130, 50_0000)
    assert story(second.events) == [("ACCEPTED", 130), ("EXECUTED", 100), ("ADDED", 30)]
    assert book.executed(second) == 100
    assert (book.best_price("B"), book.best_price("S")) == (50_0000, None)
    assert repr(book) == "<Book ABC: best buy 50.00, best sell None>"


def test_a_market_order_leaves_nothing_behind() -> None:
    book = Book()
    book.limit("S", 10, 100)
    assert story(book.market("B", 25).events) == [
        ("ACCEPTED", 25), ("EXECUTED", 10), ("CANCELED", 15),
    ]  # fmt: skip


def test_an_order_is_replaced_modified_and_cancelled() -> None:
    book = Book()
    entered = book.limit("B", 100, 200)
    replaced = book.replace(entered.user_ref, 80, 300, display="Y", time_in_force="0")
    assert story(replaced.events) == [("REPLACED", 80)]
    assert story(book.modify(replaced.user_ref, 60, "B")) == [("MODIFIED", 60)]
    assert book.orders("B")["quantity"].tolist() == [60]
    assert story(book.cancel(replaced.user_ref, 50)) == [("CANCELED", 10)]
    assert story(book.cancel(replaced.user_ref)) == [("CANCELED", 50)]
    assert story(book.cancel(replaced.user_ref)) == []
    assert len(book.depth("B")) == 0


def test_a_rejection_is_an_event() -> None:
    assert story(Book().limit("B", 0, 100).events) == [("REJECTED", 0)]


def test_a_copy_goes_its_own_way() -> None:
    book = Book()
    book.limit("S", 10, 100)
    other = copy.deepcopy(book)
    other.market("B", 10)
    assert len(book.depth("S")) == 1
    assert len(other.depth("S")) == 0


def test_a_hidden_order_is_not_shown_by_a_replacement_unless_that_is_said() -> None:
    book = Book()
    hidden = book.limit("S", 100, 10_000, display="N")
    with pytest.raises(TypeError, match="display"):
        book.replace(hidden.user_ref, 100, 10_100)  # type: ignore[call-arg]
    book.replace(hidden.user_ref, 100, 10_100, display="N", time_in_force="0")
    assert (len(book.depth("S")), len(book.orders("S"))) == (0, 1)


def test_a_copy_and_a_pickle_keep_class_and_attributes() -> None:
    book = NotedBook("ABC")
    book.note = ["first"]
    book.limit("S", 10, 100)
    deep = copy.deepcopy(book)
    others = [book.copy(), copy.copy(book), deep, pickle.loads(pickle.dumps(book))]
    for other in others:
        assert type(other) is NotedBook
        assert other.note == ["first"]
        assert other.venue is not book.venue
        assert other.venue.digest() == book.venue.digest()
    book.note.append("second")
    assert deep.note == ["first"]


def test_a_book_takes_as_many_orders_as_it_has_numbers() -> None:
    book = Book(user_ref_bits=2)
    events = [book.limit("B", 1, 100).events["type"][0] for _ in range(3)]
    assert events == [EventType.ACCEPTED] * 3
    assert story(book.limit("B", 1, 100).events) == [("REJECTED", 0)]
    assert Book().venue.limits["user_ref_bits"] == 24
    with pytest.raises(ValueError, match="user_ref_bits: found 31, expected 1 to 30"):
        Book(user_ref_bits=31)


def test_settings_are_those_of_an_instrument() -> None:
    book = Book(tick_size=1, lot_size=10)
    assert story(book.limit("B", 15, 7).events) == [("REJECTED", 0)]
    assert story(book.limit("B", 20, 7).events)[-1] == ("ADDED", 20)
    with pytest.raises(ValueError, match="tick_size: found 0, expected 1"):
        Book(tick_size=0)
