"""Goal: `run`, `load`, `feed`, `replay` and `stat` work together on one venue, and stop cleanly.

Method: a venue in a directory of its own, each command as a process of its own.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ironpit.client import OuchClient
from ironpit.client.replies import OrderAccepted, OrderExecuted, Reply, SystemEvent
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue
from ironpit.flow import generate
from ironpit.market_data import Books

TIMEOUT_S = 60
MESSAGES = 6_000


@pytest.fixture
def venue() -> Iterator[TemporaryVenue]:
    settings = settings_of(generate(2, MESSAGES), Options())
    with closing(TemporaryVenue(settings)) as venue:
        yield venue


def ironpit(
    *arguments: str, text: str = "", code: int | None = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "ironpit", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert code is None or done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def load(venue: TemporaryVenue) -> dict[str, Any]:
    done = ironpit(
        *("load", "-c", str(venue.file), "--messages", str(MESSAGES), "--rate", "max", "--json"),
        text=venue.password + "\n",
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_feed_and_replay_agree_on_the_books_after_a_load(
    venue: TemporaryVenue, tmp_path: Path
) -> None:
    venue.start()
    record, report_file = tmp_path / "out.itch", tmp_path / "feed.json"
    feed = subprocess.Popen(
        [
            *(sys.executable, "-m", "ironpit", "feed", "-c", str(venue.file), "--interval", "0.1"),
            *("--json", str(report_file), "--record", str(record)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert feed.stdout is not None
        while not feed.stdout.readline().startswith("DEMO: "):
            assert feed.poll() is None
        report = load(venue)
        assert report["orders_sent"] == report["orders_acknowledged"]
        assert report["messages"] == MESSAGES
        assert venue.stop() == 0
        feed.send_signal(signal.SIGINT)
        out, _ = feed.communicate(timeout=TIMEOUT_S)
    finally:
        feed.kill()
    assert feed.returncode == 0
    assert "BTCUSD" in out
    heard = json.loads(report_file.read_text())
    journal = str(venue.config.journal.directory)
    replayed = json.loads(ironpit("replay", journal, "--json").stdout)
    assert heard["complete"]
    assert heard["books_digest"] == replayed["visible_digest"]
    books = Books()
    assert books.apply_file(record.read_bytes()) == heard["messages"]
    assert books.digest() == heard["books_digest"]
    assert heard["executions"] == replayed["trades"] > 0


def test_a_replay_stops_where_it_is_told_and_shows_a_book(venue: TemporaryVenue) -> None:
    venue.start()
    load(venue)
    venue.stop()
    journal = str(venue.config.journal.directory)
    whole = json.loads(ironpit("replay", journal, "--json", "--book", "BTCUSD").stdout)
    part = json.loads(ironpit("replay", journal, "--json", "--until", "500").stdout)
    assert part["sequence"] == 500 < whole["sequence"]
    assert part["stream_digest"] != whole["stream_digest"]
    bids, asks = whole["book"]["bids"], whole["book"]["asks"]
    assert bids[0]["price"] < asks[0]["price"]
    assert [b["price"] for b in bids] == sorted((b["price"] for b in bids), reverse=True)
    nothing = json.loads(ironpit("replay", journal, "--json", "--until", "2000-01-01T00:00").stdout)
    assert nothing["trades"] == 0
    done = ironpit("replay", journal, "--book", "NONE", code=2)
    assert "found NONE, expected one of BTCUSD" in done.stderr


def test_counters_are_shown_while_the_venue_runs_and_after_it_died(venue: TemporaryVenue) -> None:
    venue.start()
    load(venue)
    assert venue.process is not None
    os.kill(venue.process.pid, signal.SIGKILL)
    venue.process.wait()
    seen = json.loads(ironpit("stat", "-c", str(venue.file), "--json").stdout)
    (process,) = seen["processes"]
    assert process["process"] == "venue"
    assert not process["alive"]
    assert process["counters"]["gateway.logins"] == 2
    orders, events = seen["streams"]
    assert orders["sequence_next"] > 1
    assert [reader["reader"] for reader in events["readers"]] == ["journal", "gateway", "publisher"]
    assert not any(reader["alive"] for reader in events["readers"])
    text = ironpit("stat", "-c", str(venue.file)).stdout
    assert "dead)" in text
    assert "stream events (shm, " in text
    assert "gateway.logins" in text


def test_an_operator_halts_and_resumes_a_running_venue(venue: TemporaryVenue) -> None:
    done = ironpit("control", "-c", str(venue.file), "halt", "BTCUSD", code=3)
    assert "is not running" in done.stderr
    venue.start()
    config = str(venue.file)
    assert ironpit("control", "-c", config, "halt", "BTCUSD").stdout == (
        "BTCUSD: halt: StateChanged\n"
    )
    done = ironpit("control", "-c", config, "halt", "BTCUSD", code=1)
    assert "no effect" in done.stderr
    ironpit("control", "-c", config, "resume", "BTCUSD")
    report = load(venue)
    assert report["counts"]["rejected"] == 0


def test_a_second_load_goes_on_behind_the_first(venue: TemporaryVenue) -> None:
    venue.start()
    for _ in range(3):
        report = load(venue)
        assert report["orders_sent"] == report["orders_acknowledged"] > 3000
        assert report["counts"]["rejected"] == 0


def test_a_wrong_password_is_one_line_and_exit_1(venue: TemporaryVenue) -> None:
    venue.start()
    done = ironpit("load", "-c", str(venue.file), "--messages", "10", text="WRONG\n", code=1)
    assert done.stderr == "ironpit: login of MEM1: wrong username or password\n"


def test_a_venue_that_is_not_there_is_one_line_and_exit_1(venue: TemporaryVenue) -> None:
    done = ironpit("load", "-c", str(venue.file), "--messages", "10", text="X\n", code=1)
    assert "Connection refused" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_line_that_names_it_and_exit_3(venue: TemporaryVenue) -> None:
    listen = venue.config.order_entry.listen
    with socket.create_server((listen.address, listen.port)):
        done = ironpit("run", "-c", str(venue.file), code=3)
    assert str(listen) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_client_goes_on_where_it_stood_when_the_venue_starts_again(
    venue: TemporaryVenue,
) -> None:
    venue.start()

    async def member() -> None:
        listen = venue.config.order_entry.listen
        client = OuchClient(listen.address, listen.port, "MEM1", venue.password)
        await client.connect()
        first = client.enter("BTCUSD", "B", 300, 2_350_000)
        # A session's first message is the venue's start of day.
        assert isinstance(await client.reply(), SystemEvent)
        assert isinstance(await client.reply(), OrderAccepted)
        venue.stop()
        with pytest.raises(ConnectionError):
            async for _ in client.replies():
                pass
        await client.close()
        venue.start()
        await client.connect()
        assert client.user_ref_next == first + 1
        client.enter("BTCUSD", "S", 100, 2_350_000, time_in_force="3")
        replies = [await client.reply() for _ in range(3)]
        assert isinstance(replies[0], OrderAccepted)
        assert [r.user_ref_num for r in replies[1:]] in ([1, 2], [2, 1])
        assert all(isinstance(r, OrderExecuted) for r in replies[1:])
        await client.close()
        # Another client of the same member hears the whole history, each reply once.
        late = OuchClient(listen.address, listen.port, "MEM1", venue.password)
        await late.connect(sequence=1)
        assert late.user_ref_next == 3
        heard: list[Reply] = []
        while len([r for r in heard if isinstance(r, OrderExecuted)]) < 2:
            heard.append(await late.reply())
        assert [r.sequence for r in heard] == list(range(1, len(heard) + 1))
        await late.close()

    asyncio.run(asyncio.wait_for(member(), TIMEOUT_S))
