"""Goal: with a calendar the next trading day begins while the venue runs. Orders that stay are
there again, with their priority, under numbers that begin anew; the finished day's journal is
whole.

Method: real processes under a preloaded clock (tests/process/day_venue.py). A member with its own
client looks at its orders before and after; the journals of both days are replayed.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.process.day_venue import SECOND_NS, TIMEOUT_S, Day, until_reply

from ironcore.runtime.replay import Replay
from ironcore.wire import moldudp64, soupbin
from ironpit.client.replies import (
    OrderAccepted,
    OrderCanceled,
    OrderExecuted,
    Reply,
    SystemEvent,
)

pytestmark = pytest.mark.needs_tool("cc")

DAY_MINUTES = 24 * 60


@pytest.fixture(params=["one-thread", "split"])
def day(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Day]:
    day = Day(
        tmp_path,
        request.param,
        calendar={},
    )
    with closing(day.venue):
        yield day


def date_of(day: Day, days: int = 0) -> str:
    """The first day's date, or a later one's."""
    noon_ns = day.clock.midnight_ns - SECOND_NS + days * DAY_MINUTES * 60 * SECOND_NS
    return time.strftime("%Y-%m-%d", time.gmtime(noon_ns // SECOND_NS))


def begun(day: Day, days: int) -> bool:
    return f"day {date_of(day, days)} begins" in day.venue.said() and (
        day.venue.said().count("takes orders on") == days + 1
    )


async def enter_orders(day: Day) -> None:
    async with day.client() as client, day.client("MEM2") as other:
        for price, quantity, name in (
            (1_000_000, 100, "FIRST"),
            (1_000_000, 200, "SECOND"),
            (990_000, 300, "LOWER"),
        ):
            client.enter(day.symbol, "B", quantity, price, time_in_force="1", cl_ord_id=name)
            await until_reply(client, OrderAccepted)
        client.enter(day.symbol, "B", 400, 1_000_000)  # for the day
        await until_reply(client, OrderAccepted)
        other.enter(day.symbol, "S", 50, 1_000_000, time_in_force="3")
        await until_reply(client, OrderExecuted)


def test_orders_that_stay_are_there_on_the_next_day(day: Day) -> None:
    day.venue.start()
    asyncio.run(enter_orders(day))
    day.clock.set(1)
    day.wait(lambda: begun(day, 1))

    async def look() -> list[Reply]:
        client = day.client()
        await client.connect(1)  # replies of the day, from its first one on
        async with day.client("MEM2") as other:
            found: list[Reply] = []
            for _ in range(3):
                found += await until_reply(client, OrderAccepted)
            other.enter(day.symbol, "S", 60, 1_000_000, time_in_force="3")
            found += await until_reply(client, OrderExecuted)
            found += await until_reply(client, OrderExecuted)
            client.cancel(3)
            found += await until_reply(client, OrderCanceled)
        await client.close()
        return found

    replies = asyncio.run(look())
    accepted = [r for r in replies if isinstance(r, OrderAccepted)]
    assert [(r.user_ref_num, r.cl_ord_id, r.quantity) for r in accepted] == [
        (1, "FIRST", 50),
        (2, "SECOND", 200),
        (3, "LOWER", 300),
    ]
    executed = [r for r in replies if isinstance(r, OrderExecuted)]
    assert [(r.user_ref_num, r.quantity) for r in executed] == [(1, 50), (2, 10)]
    assert all(r.timestamp < 3_600 * SECOND_NS for r in accepted)
    assert isinstance(replies[0], SystemEvent)
    assert day.venue.stop() == 0
    journal = day.venue.config.journal.directory
    for directory in (journal / date_of(day), journal):
        assert Replay(directory).run().fault == ""
    assert [c["event_code"] for c in day.stream() if c["kind"] == "SystemEvent"] == list("OSQ")


# What the venue has said when it is killed, with the day's date; nothing: it is killed at once.
MOMENTS = ("", "closed: the stream's day {0}", "day {0} is over", "sockets of orders")


def has_said(day: Day, words: str, behind: int) -> bool:
    return words in day.venue.said()[behind:]


def is_at(day: Day, number: int) -> bool:
    return day.status().get("date") == date_of(day, number)


def kill(day: Day) -> None:
    assert day.venue.process is not None
    day.venue.process.send_signal(signal.SIGKILL)
    day.venue.process.wait(TIMEOUT_S)


def test_days_follow_one_another_though_the_venue_is_killed_around_each_midnight(
    day: Day,
) -> None:
    day.venue.start()
    asyncio.run(enter_orders(day))
    for number, moment in enumerate(MOMENTS):
        said = len(day.venue.said())
        day.clock.set(number * DAY_MINUTES + 1)
        words = moment.format(date_of(day, number))
        day.wait(partial(has_said, day, words, said))
        kill(day)
        day.venue.start()
        day.wait(partial(is_at, day, number + 1))
    assert day.venue.stop() == 0
    journal = day.venue.config.journal.directory
    days = [journal / date_of(day, number) for number in range(len(MOMENTS))]
    for directory in (*days, journal):
        assert Replay(directory).run().fault == ""
    assert sorted(p.name for p in journal.iterdir() if p.is_dir()) == [d.name for d in days]
    entered = [(c["session"], c["quantity"]) for c in day.stream() if c["kind"] == "EnterOrder"]
    assert entered == [(1, 50), (1, 200), (1, 300)]


def subscribed(day: Day) -> socket.socket:
    """A bare socket that has joined the feed's group."""
    group = day.venue.config.streams.market_data.a
    assert group is not None
    joined = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    joined.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    joined.bind((group.group.address, group.group.port))
    membership = socket.inet_aton(group.group.address) + socket.inet_aton("127.0.0.1")
    joined.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    joined.settimeout(TIMEOUT_S)
    return joined


def test_members_and_subscribers_are_told_that_the_session_is_over(day: Day) -> None:
    """By the packets of SoupBinTCP and MoldUDP64."""
    day.venue.start()
    listen = day.venue.config.order_entry.listen
    with (
        socket.create_connection((listen.address, listen.port)) as member,
        subscribed(day) as subscriber,
    ):
        member.settimeout(TIMEOUT_S)
        login = soupbin.encode(
            "LoginRequest", username="MEM1", password=day.venue.password, requested_sequence=1
        )
        member.sendall(login)
        received = member.recv(4096)
        day.clock.set(1)
        while data := member.recv(4096):
            received += data
        heard: dict[str, Any] = {}
        while heard.get("kind") != "EndOfSession":
            heard = moldudp64.decode_packet(subscriber.recv(2048))
        assert heard["session"] == "DEMO"
    kinds, offset = [], 0
    while (packet := soupbin.next_packet(received, offset)) is not None:
        kind, _, offset = packet
        kinds.append(kind)
    assert (kinds[0], kinds[-1]) == ("A", "Z")  # accepted, and the end of the session
    day.wait(partial(begun, day, 1))


def test_the_file_is_read_again_and_a_wrong_one_keeps_the_venue_closed(day: Day) -> None:
    day.venue.start()
    asyncio.run(enter_orders(day))
    text = day.venue.file.read_text()
    settings = yaml.safe_load(text)
    settings["instruments"].append({**settings["instruments"][0], "symbol": "NEWONE"})
    settings["limits"] = {**settings.get("limits", {}), "instruments_max": 4}
    day.venue.file.write_text(f"{text}\nvenu: 1\n")
    day.clock.set(1)
    day.wait(lambda: "the next trading day cannot begin" in day.venue.said())
    assert "venu: found an unknown key, expected venue" in day.venue.said()
    day.venue.file.write_text(yaml.safe_dump(settings))
    day.wait(partial(begun, day, 1))
    assert day.venue.stop() == 0
    symbols = [c["symbol"] for c in day.stream() if c["kind"] == "DefineInstrument"]
    assert symbols == [*(i.symbol for i in day.venue.config.instruments), "NEWONE"]
    assert len([c for c in day.stream() if c["kind"] == "EnterOrder"]) == 3


def open_files(day: Day) -> int:
    assert day.venue.process is not None
    return len(os.listdir(f"/proc/{day.venue.process.pid}/fd"))


@pytest.mark.parametrize("day", ["one-thread"], indirect=True)
def test_thirty_days_in_a_row(day: Day) -> None:
    """In one process, which holds no more files at the end than after the first roll."""
    day.venue.start()
    asyncio.run(enter_orders(day))
    held = []
    for number in range(30):
        day.clock.set(number * DAY_MINUTES + 1)
        day.wait(partial(begun, day, number + 1))
        held.append(open_files(day))
    assert held[-1] == held[0]
    assert day.venue.stop() == 0
    entered = [(c["user_ref"], c["quantity"]) for c in day.stream() if c["kind"] == "EnterOrder"]
    assert entered == [(1, 50), (2, 200), (3, 300)]
    said = day.venue.said()
    assert len({word for word in said.split() if word.startswith("DEMO-")}) == 30
