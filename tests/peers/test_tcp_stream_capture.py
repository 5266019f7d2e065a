"""Goal: a stream over TCP is SoupBinTCP to those who know nothing of this project.

Method: tshark captures a session of every kind of packet that a publication sends, on the loopback
interface, and dissects it; sequence numbers are those that tshark counts.
"""

import re
import subprocess
import time
from pathlib import Path

import pytest
from tests.unit.messaging.tcp_ends import MS, RawReader, Seen, Server, offer_all, until

CAPTURE_TIMEOUT_S = 30.0


def dissected(capture: Path, port: int, *fields: str) -> list[list[str]]:
    """The fields of every packet with SoupBinTCP in it, in tshark's words."""
    command = ["tshark", "-r", str(capture), "-d", f"tcp.port=={port},soupbintcp", "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    command += ["-Y", "soupbintcp"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return [line.split("\t") for line in done.stdout.splitlines()]


def in_words(capture: Path, port: int) -> str:
    """Everything that tshark has to say."""
    command = ["tshark", "-r", str(capture), "-d", f"tcp.port=={port},soupbintcp", "-V"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def kinds(capture: Path, port: int) -> list[str]:
    """The types of all packets."""
    rows = dissected(capture, port, "soupbintcp.packet_type")
    return [kind.strip("'") for row in rows for kind in row[0].split(",")]


@pytest.mark.needs_root
@pytest.mark.needs_tool("tshark", "dumpcap")
def test_tshark_decodes_every_packet_of_a_session(tmp_path: Path) -> None:
    capture = tmp_path / "session.pcap"
    server = Server(window_bytes=4096, heartbeat_ns=20 * MS)
    with subprocess.Popen(
        ["dumpcap", "-q", "-i", "lo", "-f", f"tcp port {server.port}", "-w", str(capture)],
        stderr=subprocess.DEVNULL,
    ) as capturing:
        deadline_s = time.monotonic() + CAPTURE_TIMEOUT_S
        while not capture.exists() or capture.stat().st_size == 0:
            assert time.monotonic() < deadline_s, "nothing is captured"
        offer_all(server.publication, [bytes(100)] * 100)
        oldest = server.publication.oldest
        seen = Seen(server.reader("READER", heartbeat_ns=20 * MS))  # asks for frame 1: too old
        until(lambda: len(seen.frames) == 101 - oldest, server.publication.turn, seen.poll)
        server.publication.skip(5)
        offer_all(server.publication, [b"after the gap"])
        until(lambda: server.counts["heartbeats"] >= 3, server.publication.turn, seen.poll)
        server.publication.end()
        until(lambda: seen.last < 0, server.publication.turn, seen.poll)
        raw = RawReader(server.port)
        raw.login(sequence=50_000)
        until(lambda: raw.closed, server.publication.turn, raw.read)
        # dumpcap writes what it has got now and then; the second rejection is the last packet.
        while kinds(capture, server.port).count("J") < 2:
            assert time.monotonic() < deadline_s, "the last packet is not captured"
        capturing.terminate()
    server.close()
    rows = dissected(
        capture, server.port, "soupbintcp.packet_type", "_ws.malformed", "_ws.expert.message"
    )
    assert set(kinds(capture, server.port)) == set("L+JASUHRZ")
    assert [row for row in rows if row[1]] == []
    complaints = {row[2] for row in rows if len(row) > 2 and row[2]}
    assert not any("soupbin" in text.lower() or "invalid" in text.lower() for text in complaints)
    counted = re.findall(r"Sequence number: (\d+) \(Calculated\)", in_words(capture, server.port))
    assert [int(number) for number in counted[: 101 - oldest]] == list(range(oldest, 101))
