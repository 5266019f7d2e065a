"""Goal: an embedder trades an instrument at prices of 0 and below, and is told what that excludes.

Method: definitions, changes and states by what the core then holds or the sentence that is said;
executions at 0 and below by the events, the book and the last price.
"""

from typing import Any

import pytest

from ironpit.library import Book, EventType, Venue, VenueError, commands

WIDTH = 1000


def spread(**settings: Any) -> Venue:
    venue = Venue(instruments_max=3, sessions_max=2, orders_max=100, user_ref_bits=10)
    venue.add_instrument("SPREAD", tick_size=5, price_min=-WIDTH, price_max=WIDTH, **settings)
    venue.add_session("ONE")
    venue.add_session("TWO")
    return venue


def trade(venue: Venue, user_ref: int, price: int) -> None:
    for session, side in enumerate("SB", 1):
        row = commands.enter(
            session=session, user_ref=user_ref, instrument=0, side=side, quantity=1, price=price
        )
        events = venue.apply(row).events
    assert [int(event["price"]) for event in events if event["type"] == EventType.EXECUTED] == [
        price
    ]


def test_the_last_price_is_0_or_below_after_an_execution_there_and_none_before() -> None:
    venue = spread()
    assert venue.last_price(0) is None
    for user_ref, price in enumerate((0, -5, -WIDTH, 0, WIDTH), 1):
        trade(venue, user_ref, price)
        assert venue.last_price(0) == price
        assert venue.copy().last_price(0) == price


def test_quotes_levels_and_texts_are_signed() -> None:
    venue = spread(price_decimals=2)
    venue.quote(1, 1, [(0, -10, 3, -5, 4)])
    assert [tuple(level) for level in venue.depth(0, "B")] == [(-10, 1, 3)]
    assert [tuple(level) for level in venue.depth(0, "S")] == [(-5, 1, 4)]
    assert venue.decimals(0).show_price(-5) == "-0.05"
    assert venue.decimals(0).read_price("-0.05") == -5


def test_the_highest_price_is_as_far_from_the_lowest_as_it_may_be() -> None:
    venue = spread()
    venue.add_instrument("OTHER", price_min=-WIDTH)
    assert venue.terms(1)["price_max"] == 1_999_999_900 - WIDTH


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"price_max": 1_999_999_000}, VenueError, "price_min, price_max: found -1000, 1999999000"),
        ({"price_min": -2_000_000_000}, ValueError, "price_min: found -2000000000, expected -1999"),
        (
            {"price_min": -990, "price_max": -910},
            VenueError,
            "tick_size: found 100, expected one with a multiple",
        ),
        ({"price_max": -1001}, VenueError, "price_min: found -1000, expected at most price_max"),
        ({"reference_price": 100}, VenueError, "reference_price: found 100, expected 0, as price"),
        (
            {"reference_price": -5},
            VenueError,
            "reference_price: found -5, expected 0, as price_min",
        ),
        ({"auction_collar_bp": 5}, VenueError, "auction_collar_bp: found 5, expected 0, as price"),
        ({"entry_collar_bp": 5}, VenueError, "entry_collar_bp: found 5, expected 0, as price_min"),
        ({"tick_table": [(500, 500)]}, VenueError, "tick_table: found 1 bands, expected none, as"),
        ({"initial_state": "O"}, VenueError, "initial_state: found 'O', expected C, T or H, as"),
    ],
)
def test_what_such_an_instrument_cannot_have_is_named(
    arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    venue = spread()
    digest = venue.digest()
    with pytest.raises(error, match=said):
        venue.add_instrument("OTHER", **{"price_min": -1000, "price_max": 1000, **arguments})
    assert venue.digest() == digest


def test_a_state_and_a_change_that_it_cannot_have_are_named() -> None:
    venue = spread()
    venue.add_instrument("OTHER", static_collar_bp=10)
    digest = venue.digest()
    with pytest.raises(VenueError, match="state: found 'P', expected C, T or H, as price_min is"):
        venue.set_state(0, "P")
    with pytest.raises(VenueError, match="price_min: found 5, expected at most 0, as"):
        venue.change_instrument(0, price_min=5)
    with pytest.raises(VenueError, match="price_min: found 0, expected at least 1, as"):
        venue.change_instrument(1, price_min=0)
    assert venue.digest() == digest
    venue.change_instrument(0, price_min=0)
    assert venue.terms(0)["price_min"] == 0


def test_a_book_of_its_own_does_so_too() -> None:
    book = Book(price_min=-WIDTH, tick_size=5)
    book.limit("S", 5, -10)
    assert book.best_price("S") == -10
    assert "-0.001" in repr(book)
