"""Goal: a subscriber that comes when the day is under way, and cannot ask for what was sent before,
has the same books as one that heard it all; and whatever reads SoupBinTCP and ITCH reads the
snapshot.

Method: a running venue with two feeds, a snapshot server and the smallest re-request window;
members trade before and while the subscriber joins; a snapshot is read off the connection as well.
"""

import json
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.split_venue import SPLIT, RunningVenue, StubbornMember, write_split_config

from ironcore.wire import itch50, soupbin
from ironpit.config import Config
from ironpit.demo.temporary_venue import free_port
from ironpit.market_data import FeedClient
from ironpit.transport.multicast import Group

ONE_THREAD = """placement:
  processes:
    venue: {threads: [{name: all, stages: [gateway, matcher, journal, publisher]}]}
"""
SNAPSHOT_PLACED = """placement:
  processes:
    venue:
      threads:
        - {name: all, stages: [gateway, matcher, journal, publisher]}
        - {name: books, stages: [snapshot], idle: yield}
"""
REPLIES = 1_500
TIMEOUT_S = 30.0


def write_late_config(directory: Path, placement: str) -> Path:
    file = write_split_config(directory, "off", placement)
    text = file.read_text()
    second = f"b: {{group: 239.192.78.1:{free_port(socket.SOCK_DGRAM)}, interface: 127.0.0.1}}"
    server = f"snapshot: {{listen: 127.0.0.1:{free_port()}}}"
    rerequest = re.search("( +)rerequest: .*\n", text)
    assert rerequest is not None
    more = "".join(f"{rerequest[1]}{line}\n" for line in (second, server))
    window = rerequest[0].replace("}", ", window: 64KiB}")
    text = text.replace(rerequest[0], more + window)
    file.write_text(text)
    return file


@pytest.fixture(
    params=[ONE_THREAD, SPLIT, SNAPSHOT_PLACED], ids=["one-thread", "split", "snapshot-placed"]
)
def venue(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningVenue]:
    running = RunningVenue(write_late_config(tmp_path, request.param))
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0, running.said()


def client(config: Config, *, late: bool) -> FeedClient:
    stream = config.streams.market_data
    assert stream.a is not None
    assert stream.b is not None
    assert stream.rerequest is not None
    assert stream.snapshot is not None
    return FeedClient(
        stream.a.group,
        stream.a.interface,
        b=Group(stream.b.group, stream.b.interface),
        rerequest=stream.rerequest.listen,
        snapshot=stream.snapshot.listen if late else None,
    )


def start_members(venue: RunningVenue) -> list[StubbornMember]:
    listen = venue.config.order_entry.listen
    members = [StubbornMember((listen.address, listen.port), n) for n in ("ALFA1", "BETA1")]
    for member in members:
        member.start()
    return members


def snapshot_bytes(config: Config) -> bytes:
    """What the server sends to a login of ours, to the end."""
    assert config.streams.market_data.snapshot is not None
    listen = config.streams.market_data.snapshot.listen
    with socket.create_connection((listen.address, listen.port), TIMEOUT_S) as connection:
        connection.sendall(
            soupbin.encode(
                "LoginRequest",
                username="X",
                password="Y",
                requested_session="",
                requested_sequence=1,
            )
        )
        received = b""
        while data := connection.recv(65536):
            received += data
        return received


def snapshot(config: Config) -> tuple[Counter[str], int]:
    """How many messages of each kind a snapshot has, and the number that ends it."""
    kinds: Counter[str] = Counter()
    rest, sequence = snapshot_bytes(config), 0
    while rest:
        length = 2 + int.from_bytes(rest[:2], "big")
        packet = soupbin.decode(rest[:length])
        if packet["kind"] == "SequencedData":
            message = packet["message"]
            if message[:1] == b"G":
                sequence = int(message[1:])
            else:
                kinds[itch50.decode(message)["kind"]] += 1
        rest = rest[length:]
    return kinds, sequence


def test_a_late_joiner_has_the_books_of_one_that_heard_it_all(venue: RunningVenue) -> None:
    with client(venue.config, late=False) as early:
        members = start_members(venue)
        for member in members:
            member.wait_for(REPLIES)
        with client(venue.config, late=True) as late:
            # They trade on until it has heard some of it.
            assert late.wait_until(lambda: late.counts()["messages"] > 0, TIMEOUT_S)
            for member in members:
                member.finish()
            beats = early.counts()["current"] + 2
            assert early.wait_until(lambda: early.counts()["current"] >= beats, TIMEOUT_S)
            end = early.feed.next_sequence
            assert late.wait_until(lambda: late.feed.next_sequence >= end, TIMEOUT_S)
            assert late.counts()["snapshots"] >= 1
            assert 0 < late.counts()["messages"] < early.counts()["messages"]
            assert late.feed.complete
            assert late.books.digest() == early.books.digest()
            assert late.books.states() == early.books.states()
            assert late.counts()["packets_a"] > 0
            assert late.counts()["packets_b"] > 0
            # And so does a snapshot alone, once the server takes a new one.
            kinds, sequence = snapshot(venue.config)
            deadline_s = time.monotonic() + TIMEOUT_S
            while sequence != end:
                assert time.monotonic() < deadline_s
                kinds, sequence = snapshot(venue.config)
            assert kinds["StockDirectory"] == len(venue.config.instruments)
            assert kinds["SystemEvent"] == 1
            assert kinds["AddOrder"] + kinds["AddOrderMPID"] == early.books.counts()["orders"] > 0


def test_the_feed_command_joins_late(venue: RunningVenue, tmp_path: Path) -> None:
    members = start_members(venue)
    for member in members:
        member.wait_for(REPLIES)
    report = tmp_path / "feed.json"
    file = venue.config.venue.data_directory / "venue.yaml"
    subprocess.run(
        [sys.executable, "-m", "ironpit", "feed", "-c", str(file), "--seconds", "2", "--json",
         str(report)],
        check=True,
        capture_output=True,
        timeout=60,
    )  # fmt: skip
    for member in members:
        member.finish()
    document = json.loads(report.read_text())
    assert document["complete"]
    assert document["snapshots"] == 1
    assert document["lost"] == 0
