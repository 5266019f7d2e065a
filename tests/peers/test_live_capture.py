"""Goal: what the venue puts on the wire is what others take it for.

Method: a live venue, members that trade, `ironpit feed --record` beside them; tshark captures the
loopback and its own dissectors look for anything malformed; PyPI `itchfeed` reads the recording.
"""

import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from itch.parser import MessageParser
from tests.split_venue import RunningVenue, StubbornMember, write_split_config

ONE_THREAD = """placement:
  processes:
    venue: {threads: [{name: all, stages: [gateway, matcher, journal, publisher]}]}
"""
REPLIES = 2_000


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[RunningVenue]:
    running = RunningVenue(write_split_config(tmp_path, "off", ONE_THREAD))
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0, running.said()


def trade(venue: RunningVenue) -> None:
    """Two members trade until each has heard REPLIES replies."""
    listen = venue.config.order_entry.listen
    members = [StubbornMember((listen.address, listen.port), n) for n in ("ALFA1", "BETA1")]
    for member in members:
        member.start()
    for member in members:
        member.wait_for(REPLIES)
    for member in members:
        member.finish()


def dissected(capture: Path, decode_as: str, protocol: str) -> tuple[int, list[str]]:
    """How many packets tshark takes for the protocol, and those that it calls malformed."""

    def packets(display_filter: str) -> list[str]:
        command = ["tshark", "-r", str(capture), "-d", decode_as, "-Y", display_filter]
        return subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.splitlines()

    return len(packets(protocol)), packets(f"{protocol} and _ws.malformed")


@pytest.mark.needs_root
@pytest.mark.needs_tool("tshark")
def test_tshark_finds_nothing_malformed(venue: RunningVenue, tmp_path: Path) -> None:
    capture = tmp_path / "wire.pcapng"
    orders = venue.config.order_entry.listen.port
    group = venue.config.streams.market_data.a
    assert group is not None
    feed = group.group.port
    tracer = subprocess.Popen(
        ["tshark", "-i", "lo", "-f", f"tcp port {orders} or udp port {feed}", "-w", str(capture)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr is not None
    for line in tracer.stderr:
        if re.search("Capturing on|Capture started", line):
            break
    trade(venue)
    assert venue.stop() == 0, venue.said()
    tracer.send_signal(signal.SIGINT)
    tracer.communicate()

    count, malformed = dissected(capture, f"tcp.port=={orders},soupbintcp", "soupbintcp")
    # How many messages share a packet depends on how busy the machine is, here and below.
    assert count > 20
    assert malformed == []
    count, malformed = dissected(capture, f"udp.port=={feed},moldudp64", "moldudp64")
    assert count > 20
    assert malformed == []


def test_a_peer_reads_the_recorded_feed(venue: RunningVenue, tmp_path: Path) -> None:
    recorded = tmp_path / "day.itch"
    config = venue.config.venue.data_directory / "venue.yaml"
    recorder = subprocess.Popen(
        [sys.executable, "-m", "ironpit", "feed", "-c", str(config), "--record", str(recorded)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert recorder.stdout is not None
    assert recorder.stdout.readline() != ""  # its first look: it has joined
    trade(venue)
    assert venue.stop() == 0, venue.said()
    recorder.send_signal(signal.SIGTERM)
    said, _ = recorder.communicate(timeout=30)
    assert recorder.returncode == 0, said
    with open(recorded, "rb") as file:
        kinds = Counter(m.message_type.decode() for m in MessageParser().parse_file(file))
    assert kinds["R"] == len(venue.config.instruments)
    assert kinds["S"] == 3
    assert kinds["A"] > 100
    assert kinds["E"] > 100
