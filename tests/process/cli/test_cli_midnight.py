"""Goal: a venue's stream has one UTC day, and everybody is told: what is left of it, that it is
over, and what a start on the journal of an earlier day gives.

Method: real processes under a preloaded clock that the test sets (tests/doubles/clock.c), so that a
day ends when the test says. What the venue did is read off its replies, its journal and its log.
"""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.process.day_venue import SECOND_NS, TIMEOUT_S, Day, until_reply

from ironpit.client import order_options
from ironpit.client.replies import (
    AccountQueryResponse,
    OrderAccepted,
    OrderCanceled,
    Rejected,
    Reply,
    SystemEvent,
)
from ironpit.venue.definitions import DAY_NS

pytestmark = pytest.mark.needs_tool("cc")

CLOSED = 0x02
DAY_LAST_NS = DAY_NS - 1


@pytest.fixture(params=["one-thread", "split"])
def day(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Day]:
    day = Day(tmp_path, request.param)
    with closing(day.venue):
        yield day


def test_the_day_ends_for_all_and_the_next_start_is_refused(day: Day) -> None:
    day.venue.start()
    date = time.strftime("%Y-%m-%d", time.gmtime(day.clock.midnight_ns // SECOND_NS - 1))
    until = time.strftime("%Y-%m-%d 00:00:00 UTC", time.gmtime(day.clock.midnight_ns // SECOND_NS))
    line = f"the stream is of {date} (UTC): it takes orders until {until}\n"
    day.wait(lambda: line in day.venue.said())
    assert line in day.stat()
    assert day.status() == {"date": date, "orders_until": until, "over": False}

    async def trade() -> list[Reply]:
        async with day.client() as client:
            client.enter(day.symbol, "B", 100, 1_000_000, time_in_force="1")
            client.enter(day.symbol, "B", 100, 990_000)
            appendage = order_options(expire_time_s=86_399)
            client.enter(day.symbol, "B", 100, 980_000, time_in_force="6", appendage=appendage)
            for _ in range(3):
                await until_reply(client, OrderAccepted)
            assert day.control("state", day.symbol, "paused").returncode == 0
            day.clock.set(1)
            ended = await until_reply(client, SystemEvent)
            client.enter(day.symbol, "B", 100, 970_000)
            ended += await until_reply(client, Rejected)
            client.cancel(1)
            return ended + await until_reply(client, OrderCanceled)

    *canceled, end, rejected, last = asyncio.run(trade())
    assert {c.user_ref_num: c.reason for c in canceled if isinstance(c, OrderCanceled)} == {
        2: "E",
        3: "E",
    }
    assert isinstance(end, SystemEvent)
    assert isinstance(rejected, Rejected)
    assert isinstance(last, OrderCanceled)
    assert (end.event_code, rejected.reason, last.user_ref_num) == ("E", CLOSED, 1)
    # OUCH's day has no time behind its last nanosecond.
    assert [end.timestamp, rejected.timestamp, last.timestamp] == [DAY_LAST_NS] * 3
    day.wait(lambda: day.status()["over"])
    closed = f"closed: the stream's day {date} (UTC) is over"
    assert f"! {closed}" in day.stat()
    resumed = day.control("resume", day.symbol)
    assert resumed.returncode == 1
    assert f"no effect: {closed}" in resumed.stderr
    assert day.venue.stop() == 0
    assert day.venue.said().count(closed) == 1
    assert day.states()[0] == (0, "P")
    symbols = len(day.venue.config.instruments)
    assert day.states()[1:] == [(number, "C") for number in range(symbols)]

    before = day.stream()
    refused = day.run()
    assert refused.returncode == 3
    assert f"journal: its stream is of {date} (UTC), and today is" in refused.stderr
    assert "ironpit run --continue-day" in refused.stderr
    assert day.stream() == before


def test_a_continued_day_gives_replies_and_cancels_and_takes_no_order(day: Day) -> None:
    day.venue.start()

    async def trade() -> None:
        async with day.client() as client:
            client.enter(day.symbol, "B", 100, 1_000_000, time_in_force="1")
            await until_reply(client, OrderAccepted)

    asyncio.run(trade())
    assert day.venue.stop() == 0
    # Nobody was there at the end of the day: what is left of it is made up for. More than the 78
    # hours have passed with which the 48 bits of ITCH's time are full.
    day.clock.set(5 * 24 * 60)
    day.venue.options = ("--continue-day",)
    day.venue.start()
    day.wait(lambda: "takes no orders: closed: the stream's day" in day.venue.said())

    async def look() -> list[Reply]:
        client = day.client()
        await client.connect(1)
        client.enter(day.symbol, "B", 100, 990_000, user_ref=2)
        found = await until_reply(client, Rejected)
        client.cancel(1)
        found += await until_reply(client, OrderCanceled)
        await client.close()
        return found

    replies = [r for r in asyncio.run(look()) if not isinstance(r, AccountQueryResponse)]
    assert [type(reply) for reply in replies] == [
        SystemEvent,
        OrderAccepted,
        SystemEvent,
        Rejected,
        OrderCanceled,
    ]
    assert [reply.timestamp for reply in replies[2:]] == [DAY_LAST_NS] * 3
    assert day.venue.stop() == 0
    assert set(day.states()) == {(n, "C") for n in range(len(day.venue.config.instruments))}
    assert [c["event_code"] for c in day.stream() if c["kind"] == "SystemEvent"] == list("OSQME")


@pytest.mark.parametrize("day", ["one-thread"], indirect=True)
def test_it_is_said_when_little_of_the_day_is_left(day: Day) -> None:
    day.clock.set(-30)
    day.venue.start()
    day.wait(lambda: "UTC, less than 1 h from now\n" in day.venue.said())
    day.clock.set(-4)
    day.wait(lambda: "UTC, less than 5 min from now\n" in day.venue.said())
    assert "! the stream is of" in day.stat()
    assert day.venue.stop() == 0


def test_the_service_manager_shows_what_becomes_of_the_day(day: Day) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("")
        manager.settimeout(TIMEOUT_S)
        address = "@" + manager.getsockname()[1:].decode()
        day.venue.spawn({"NOTIFY_SOCKET": address})
        heard = ""
        while "STATUS=the stream is of" not in heard:
            heard = manager.recv(4096).decode()
        day.clock.set(1)
        while "STATUS=closed: the stream's day" not in heard:
            heard = manager.recv(4096).decode()
        assert day.venue.stop() == 0


@pytest.mark.parametrize("day", ["one-thread"], indirect=True)
def test_a_clock_that_is_behind_the_journal_is_refused(day: Day) -> None:
    day.venue.start()
    assert day.venue.stop() == 0
    day.clock.set(-2 * 24 * 60)
    refused = day.run()
    assert refused.returncode == 3
    assert "the host's clock is behind" in refused.stderr
