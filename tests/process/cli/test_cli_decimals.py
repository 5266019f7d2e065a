"""Goal: whoever looks at an order sees the same price and the same quantity, in the decimals of its
instrument: the member, the subscriber, the library, the replayed journal and the demo.

Method: a venue that trades bitcoin at 250,000.00 in lots of 0.0001, and a coin of 0.00000123.
Orders are written as text, go in by OUCH, and what each of the others says is compared as text.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from ironpit.cli.book_table import HEADER, book_lines
from ironpit.cli.feed import depth
from ironpit.client import OuchClient
from ironpit.client.replies import OrderAccepted, OrderExecuted
from ironpit.common.errors import UserError
from ironpit.common.output import table
from ironpit.demo.temporary_venue import TemporaryVenue, one_thread
from ironpit.flow import generate
from ironpit.library import EventType, Venue, commands
from ironpit.library.flows import rows_of, venue_of
from ironpit.market_data import FeedClient, open_feed
from ironpit.venue.stream_identity import session_of

TIMEOUT_S = 60
SIDES: tuple[tuple[str, Literal["B", "S"]], ...] = (("bid", "B"), ("ask", "S"))
INSTRUMENTS: list[dict[str, Any]] = [
    {
        "symbol": "BTCUSD",
        "price_decimals": 2,
        "quantity_decimals": 4,
        "tick_size": "0.01",
        "lot_size": "0.0001",
        "price_max": "1000000.00",
        "quantity_max": "429496.7295",
    },
    {
        "symbol": "COINUSD",
        "price_decimals": 8,
        "tick_size": "0.00000001",
        "price_max": "19.99999",
        "quantity_max": 4_294_967_295,
    },
]


class Entry(NamedTuple):
    symbol: str
    side: str
    quantity: str
    price: str


ENTRIES = [
    Entry("BTCUSD", "S", "0.0001", "250000.00"),
    Entry("BTCUSD", "S", "1.5", "250000.01"),
    Entry("BTCUSD", "B", "429496.7295", "249999.99"),
    Entry("BTCUSD", "B", "429496.7295", "249999.99"),
    Entry("BTCUSD", "B", "0.5001", "250000.01"),
    Entry("COINUSD", "B", "4294967295", "0.00000123"),
    Entry("COINUSD", "B", "4294967295", "0.00000123"),
    Entry("COINUSD", "S", "10000", "0.00000124"),
    Entry("COINUSD", "S", "7", "0.00000123"),
]
EXECUTIONS = [("0.0001", "250000.00"), ("0.5", "250000.01"), ("7", "0.00000123")]


@pytest.fixture
def venue() -> Iterator[TemporaryVenue]:
    settings = {
        "venue": {"name": "COINS"},
        "instruments": INSTRUMENTS,
        "sessions": [{"username": "MEM1", "firm": "F1"}],
        "placement": one_thread(),
    }
    with closing(TemporaryVenue(settings)) as venue:
        yield venue


def ironpit(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ironpit", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def enter(venue: TemporaryVenue) -> tuple[list[Entry], list[tuple[str, str]]]:
    """Enter the orders; those accepted and the executions, as the member reads them."""
    listen, decimals = venue.config.order_entry.listen, venue.config.decimals
    accepted: list[Entry] = []
    executions: list[tuple[str, str]] = []
    async with OuchClient(listen.address, listen.port, "MEM1", venue.password) as client:
        for symbol, side, quantity, price in ENTRIES:
            own = decimals[symbol]
            client.enter(symbol, side, own.read_quantity(quantity), own.read_price(price))
        # Each execution is said to the buyer and to the seller.
        while len(accepted) < len(ENTRIES) or len(executions) < 2 * len(EXECUTIONS):
            reply = await client.reply()
            if isinstance(reply, OrderAccepted):
                own = decimals[reply.symbol]
                texts = own.show_quantity(reply.quantity), own.show_price(reply.price)
                accepted.append(Entry(reply.symbol, reply.side, *texts))
            if isinstance(reply, OrderExecuted):
                own = decimals[ENTRIES[reply.user_ref_num - 1].symbol]
                texts = own.show_quantity(reply.quantity), own.show_price(reply.price)
                executions.append(texts)
    return accepted, executions[::2]


def of_library() -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The books and the executions of the same orders in this process."""
    venue = Venue()
    for one in INSTRUMENTS:
        venue.add_instrument(
            one["symbol"],
            tick_size=1,
            price_decimals=one["price_decimals"],
            quantity_decimals=one.get("quantity_decimals", 0),
            quantity_max=4_294_967_295,
        )
    venue.add_session()
    executions = []
    for user_ref, (symbol, side, quantity, price) in enumerate(ENTRIES, 1):
        instrument = venue.symbols.index(symbol)
        own = venue.decimals(instrument)
        row = commands.enter(
            session=1,
            user_ref=user_ref,
            instrument=instrument,
            side=side,
            quantity=own.read_quantity(quantity),
            price=own.read_price(price),
        )
        for event in venue.apply(row).events:
            if event["type"] == EventType.EXECUTED:
                texts = own.show_quantity(event["quantity"]), own.show_price(event["price"])
                executions.append(texts)
    return {
        symbol: table(
            book_lines(venue.depth(i, "B"), venue.depth(i, "S"), venue.decimals(i)), HEADER
        )
        for i, symbol in enumerate(venue.symbols)
    }, executions


def test_everyone_sees_the_same_prices_and_quantities(venue: TemporaryVenue) -> None:
    config = venue.config
    opened = open_feed(config.streams.market_data, session_of(config), groups=False)
    with FeedClient(opened=opened) as feed:
        venue.start()
        accepted, executions = asyncio.run(asyncio.wait_for(enter(venue), TIMEOUT_S))
        books, executed = of_library()
        assert feed.wait_until(
            lambda: feed.books.counts()["added"] == 7 and feed.books.counts()["executions"] == 3,
            TIMEOUT_S,
        )
        shown = {one: depth(feed, one, 10, config.decimals) for one in books}
    assert venue.stop() == 0
    assert accepted == ENTRIES
    assert executions == executed == EXECUTIONS
    assert shown == books
    assert "249999.99" in books["BTCUSD"]
    assert "858,993.459" in books["BTCUSD"]
    assert "0.00000123" in books["COINUSD"]
    for symbol, book in books.items():
        replayed = ironpit("replay", str(config.journal.directory), "--book", symbol)
        assert replayed.endswith(f"\n{symbol}\n{book}\n")


def test_the_demo_shows_the_best_prices_that_the_library_finds(tmp_path: Path) -> None:
    report = tmp_path / "demo.json"
    out = ironpit("demo", "--sessions", "1", "--messages", "3000", "--json", str(report))
    flow = generate(1, 3000)
    venue = venue_of(flow)
    venue.apply(rows_of(flow))
    own = venue.decimals(0)
    best = {
        name: [own.show_quantity(level["quantity"]), own.show_price(level["price"])]
        for name, side in SIDES
        for level in venue.depth(0, side, 1)
    }
    assert json.loads(report.read_text())["best_prices"] == {"BTCUSD": best}
    assert 249_000 < float(best["bid"][1]) < float(best["ask"][1]) < 251_000
    assert best["bid"][1] in out
    assert best["ask"][0] in out


def test_decimals_that_changed_in_the_file_are_refused_by_name(venue: TemporaryVenue) -> None:
    venue.start()
    text = venue.file.read_text()
    venue.file.write_text(text.replace("price_decimals: 2", "price_decimals: 3"))
    done = subprocess.run(
        [*(sys.executable, "-m", "ironpit", "control", "-c", str(venue.file)), "change", "BTCUSD"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    expected = "instruments[0].price_decimals: found 3, expected 2 as the stream has it"
    assert (done.returncode, expected in done.stderr) == (2, True), done.stderr
    assert venue.stop() == 0
    with pytest.raises(UserError, match=re.escape(expected)):
        venue.start()
