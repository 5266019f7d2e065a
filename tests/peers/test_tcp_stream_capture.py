"""Goal: a stream over TCP is SoupBinTCP to those who know nothing of this project.

Method: tshark captures a session of every kind of packet that a publication sends, on the loopback
interface, and dissects it; sequence numbers are those that tshark counts.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
from tests.peers.soup_capture import captured
from tests.unit.messaging.tcp_ends import MS, RawReader, Seen, Server, offer_all, until


@pytest.mark.needs_root
@pytest.mark.needs_tool("tshark", "dumpcap")
def test_tshark_decodes_every_packet_of_a_session(tmp_path: Path) -> None:
    server = Server(window_bytes=4096, heartbeat_ns=20 * MS)
    with captured(tmp_path / "session.pcap", server.port) as capture:
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
        capture.wait_for("soupbintcp.packet_type == 'J'", 2)
    server.close()
    assert set(capture.kinds()) == set("L+JASUHRZ")
    assert capture.malformed() == []
    complaints = {row[0] for row in capture.rows("soupbintcp", "_ws.expert.message")}
    assert not any("soupbin" in text.lower() or "invalid" in text.lower() for text in complaints)
    counted = re.findall(r"Sequence number: (\d+) \(Calculated\)", capture.in_words())
    assert [int(number) for number in counted[: 101 - oldest]] == list(range(oldest, 101))


@pytest.mark.needs_root
@pytest.mark.needs_tool("tshark", "dumpcap")
def test_tshark_decodes_packets_that_are_split_between_segments(tmp_path: Path) -> None:
    frames = [bytes(1000)] * 200
    server = Server(window_bytes=1 << 18)
    offer_all(server.publication, frames)
    with captured(tmp_path / "split.pcap", server.port) as capture:
        raw = RawReader(server.port, 4096)
        raw.login()
        server.publication.end()
        until(lambda: raw.received.endswith(b"\0\1Z"), server.publication.turn, raw.read)
        raw.sock.close()
        until(lambda: server.publication.connected == 0, server.publication.turn)
        capture.wait_for("tcp.flags.fin == 1", 2)
    server.close()
    assert Counter(capture.kinds()) == {"L": 1, "A": 1, "S": len(frames), "Z": 1}
    assert capture.malformed() == []
