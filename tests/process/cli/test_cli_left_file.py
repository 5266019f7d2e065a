"""Goal: what left the file of a venue is still commanded, and said at the next start.

Method: a venue as a process whose file is edited while it runs, `ironpit control` and `ironpit
replay` as processes, and a member who tries to trade.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import yaml

from ironpit.client import OuchClient
from ironpit.client.replies import OrderAccepted, Rejected, Reply
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue
from ironpit.flow import generate

TIMEOUT_S = 60


@pytest.fixture
def venue() -> Iterator[TemporaryVenue]:
    settings = settings_of(generate(2, 1000), Options())
    settings["limits"]["instruments_max"] += 1
    with closing(TemporaryVenue(settings)) as venue:
        venue.start()
        yield venue


def edit(venue: TemporaryVenue, key: str, entries: list[dict[str, Any]]) -> None:
    settings = yaml.safe_load(venue.file.read_text())
    venue.file.write_text(yaml.safe_dump({**settings, key: entries}))


def ironpit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ironpit", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def control(venue: TemporaryVenue, *words: str) -> subprocess.CompletedProcess[str]:
    return ironpit("control", "-c", str(venue.file), *words)


def bid(venue: TemporaryVenue, symbol: str, user: str = "MEM1") -> Reply:
    """The venue's answer to an order in this instrument."""

    async def enter() -> Reply:
        listen = venue.config.order_entry.listen
        async with OuchClient(listen.address, listen.port, user, venue.password) as client:
            reference = client.enter(symbol, "B", 100, 1_000_000)
            while True:
                reply = await client.reply()
                if isinstance(reply, OrderAccepted | Rejected) and reply.user_ref_num == reference:
                    return reply

    return asyncio.run(enter())


def test_halt_all_halts_an_instrument_that_left_the_file(venue: TemporaryVenue) -> None:
    edit(venue, "instruments", [{"symbol": "OTHER"}])
    done = control(venue, "halt", "all")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "BTCUSD: halt: StateChanged\n"
    assert isinstance(bid(venue, "BTCUSD"), Rejected)
    done = control(venue, "halt", "OTHER")
    assert done.returncode == 2
    assert "instruments[0] was added after the start" in done.stderr
    assert control(venue, "resume", "BTCUSD").returncode == 0
    assert isinstance(bid(venue, "BTCUSD"), OrderAccepted)


def test_the_next_start_names_what_left_the_file_and_it_goes_on_trading(
    venue: TemporaryVenue,
) -> None:
    instruments = yaml.safe_load(venue.file.read_text())["instruments"]
    edit(venue, "instruments", [*instruments, {"symbol": "NEWUSD"}])
    assert control(venue, "add-instrument", "NEWUSD").returncode == 0
    edit(venue, "instruments", instruments)
    edit(venue, "sessions", [{"username": "MEM1", "firm": "F1"}])
    assert venue.stop() == 0
    assert "found no" not in venue.said()
    venue.start()
    assert (
        "venue: instruments: found no NEWUSD, which the stream has: trading goes on" in venue.said()
    )
    assert "venue: sessions: found no MEM2" in venue.said()
    assert isinstance(bid(venue, "NEWUSD"), OrderAccepted)
    assert isinstance(bid(venue, "BTCUSD", "MEM2"), OrderAccepted)
    done = control(venue, "--json", "-", "halt", "all")
    assert [one["symbol"] for one in json.loads(done.stdout)["done"]] == ["BTCUSD", "NEWUSD"]
    assert isinstance(bid(venue, "NEWUSD"), Rejected)
    assert venue.stop() == 0
    journal = str(venue.config.journal.directory)
    done = ironpit("replay", journal, "--json", "--book", "NEWUSD")
    assert json.loads(done.stdout)["book"]["bids"] == [
        {"price": 1_000_000, "quantity": 100, "orders": 1}
    ]
    assert control(venue, "retire", "NEWUSD").returncode == 3  # it does not run
    venue.start()
    assert control(venue, "retire", "NEWUSD").returncode == 0
    said = len(venue.said())
    assert venue.stop() == 0
    venue.start()
    assert "NEWUSD" not in venue.said()[said:]
