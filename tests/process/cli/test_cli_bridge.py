"""Goal: `ironpit bridge` carries a stream whole over any chain of transports, says when it is ready
and why it cannot start, and goes on where it was after a restart.

Method: real processes between rings made by the test; every frame follows from its number.
"""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bridges import DEADLINE_S, Bridges, command_of
from tests.doubles.certificates import make_authority, make_certificate

from ironcore.base.counter_set import CounterSet
from ironcore.base.status import Status
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating
from ironcore.stage import journal
from ironpit.demo.temporary_venue import free_port

COUNT = 5000


@pytest.fixture
def bridges(tmp_path: Path) -> Iterator[Bridges]:
    with Bridges(tmp_path) as bridges:
        yield bridges


def frame_of(number: int) -> bytes:
    return number.to_bytes(8, "little") * (1 + number % 20)


def make_source(tmp_path: Path) -> tuple[Path, ShmPublication]:
    path = tmp_path / "source.ring"
    broadcast.create(path, 1 << 22, {}, session="SOURCE")
    return path, ShmPublication(path)


def await_frames(subscription: ShmSubscription, last: int) -> list[tuple[int, bytes]]:
    """Everything up to this number; a gap fails."""
    frames: list[tuple[int, bytes]] = []
    deadline_s = time.monotonic() + DEADLINE_S
    while not frames or frames[-1][0] < last:
        assert time.monotonic() < deadline_s, f"{frames[-1:]} is the last frame that came"
        subscription.poll(
            lambda sequence, frame: frames.append((sequence, frame)),
            on_gap=lambda first, count: pytest.fail(f"gap at {first} of {count}"),
        )
    return frames


def ring_at(path: Path) -> ShmSubscription:
    return ShmSubscription(path, from_="oldest")


def test_a_stream_comes_whole_through_tcp_and_goes_on_after_restarts(
    tmp_path: Path, bridges: Bridges
) -> None:
    path, publication = make_source(tmp_path)
    port, far = free_port(), tmp_path / "far.ring"
    for number in range(1, COUNT + 1):
        publication.offer(frame_of(number))
    sending = (f"shm:{path}", f"tcp:127.0.0.1:{port}")
    receiving = (f"tcp:127.0.0.1:{port}?name=FAR&backoff_max=50ms", f"shm:{far}?capacity=4MiB")
    server = bridges.start(*sending)
    client = bridges.start(*receiving)
    reader = ring_at(far)
    frames = await_frames(reader, COUNT)
    said = bridges.stop(client)
    assert f"{COUNT} frames carried, 0 left out as lost" in said
    assert client.returncode == 0
    publication.offer(frame_of(COUNT + 1))
    bridges.start(*receiving)
    frames += await_frames(reader, COUNT + 1)
    bridges.stop(server, signal.SIGKILL)
    publication.offer(frame_of(COUNT + 2))
    bridges.start(*sending)
    frames += await_frames(reader, COUNT + 2)
    assert frames == [(number, frame_of(number)) for number in range(1, COUNT + 3)]


def test_a_stream_comes_whole_through_multicast(tmp_path: Path, bridges: Bridges) -> None:
    path, publication = make_source(tmp_path)
    far, port, rerequest = tmp_path / "far.ring", free_port(), free_port()
    group = f"multicast:239.255.77.77:{port}@127.0.0.1"
    bridges.start(f"{group}?rerequest=127.0.0.1:{rerequest}", f"shm:{far}?capacity=4MiB")
    bridges.start(f"shm:{path}", f"{group}?rerequest=127.0.0.1:{rerequest}")
    for number in range(1, COUNT + 1):
        publication.offer(frame_of(number))
    frames = await_frames(ring_at(far), COUNT)
    assert frames == [(number, frame_of(number)) for number in range(1, COUNT + 1)]


@pytest.mark.needs_tool("openssl")
def test_a_stream_comes_whole_through_tls(tmp_path: Path, bridges: Bridges) -> None:
    authority = make_authority(tmp_path, "ca")
    keys = {}
    for name in ("venue", "cloud"):
        certificate, key = make_certificate(tmp_path, name, authority, names=f"DNS:{name}.example")
        keys[name] = f"certificate={certificate}&key={key}"
    path, publication = make_source(tmp_path)
    port, far = free_port(), tmp_path / "far.ring"
    server = bridges.start(
        f"shm:{path}", f"tcp:127.0.0.1:{port}?{keys['venue']}&client_ca={authority}"
    )
    bridges.start(
        f"tcp:127.0.0.1:{port}?{keys['cloud']}&server_ca={authority}&server_name=venue.example",
        f"shm:{far}?capacity=4MiB",
    )
    for number in range(1, COUNT + 1):
        publication.offer(frame_of(number))
    assert len(await_frames(ring_at(far), COUNT)) == COUNT
    bridges.stop(server, signal.SIGTERM)
    assert server.returncode == 0


def test_a_bridge_without_a_server_says_so_and_then_that_it_is_connected(
    tmp_path: Path, bridges: Bridges
) -> None:
    path, publication = make_source(tmp_path)
    publication.offer(b"x")
    port = free_port()
    client = bridges.start(f"tcp:127.0.0.1:{port}?backoff_max=50ms", f"shm:{tmp_path / 'far.ring'}")
    assert client.stderr is not None
    said = [client.stderr.readline(), client.stderr.readline()]
    assert f"127.0.0.1:{port}: cannot connect" in said[1]
    bridges.start(f"shm:{path}", f"tcp:127.0.0.1:{port}")
    assert f"127.0.0.1:{port}: connected, session SOURCE, frame" in client.stderr.readline()


@pytest.mark.needs_tool("openssl")
def test_a_bridge_without_tls_or_with_a_wrong_certificate_says_so(
    tmp_path: Path, bridges: Bridges
) -> None:
    authority = make_authority(tmp_path, "ca")
    certificate, key = make_certificate(tmp_path, "venue", authority)
    make_certificate(tmp_path, "late", authority, days=-1)
    path, _ = make_source(tmp_path)
    port, keys = free_port(), f"certificate={certificate}&key={key}"
    bridges.start(f"shm:{path}", f"tcp:127.0.0.1:{port}?{keys}&client_ca={authority}")
    late = f"certificate={tmp_path / 'late.pem'}&key={tmp_path / 'late.key'}"
    for number, (options, text) in enumerate(
        (
            ("name=PLAIN", "cannot connect, or closed before the login was answered"),
            (f"{keys}&server_ca={authority}&server_name=other", "Hostname mismatch"),
            (f"{late}&server_ca={authority}", "after the handshake: "),
        )
    ):
        far = tmp_path / f"{number}.ring"
        client = bridges.start(f"tcp:127.0.0.1:{port}?{options}", f"shm:{far}")
        assert client.stderr is not None
        said = [client.stderr.readline(), client.stderr.readline()]
        assert any(text in line for line in said), said


def test_the_end_of_the_source_ends_the_bridge(tmp_path: Path, bridges: Bridges) -> None:
    path, publication = make_source(tmp_path)
    publication.offer(b"only")
    process = bridges.start(f"shm:{path}", f"tcp:127.0.0.1:{free_port()}")
    publication.end()
    assert process.wait(DEADLINE_S) == 0


def test_a_gap_stops_the_bridge_when_it_is_told_so(tmp_path: Path, bridges: Bridges) -> None:
    path, publication = make_source(tmp_path)
    publication.offer(b"one")
    process = bridges.start(f"shm:{path}", f"tcp:127.0.0.1:{free_port()}", "--on-gap", "stop")
    publication.skip(3)
    publication.offer(b"five")
    _, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert "the source has lost frames for good (see --on-gap)" in said


@pytest.mark.parametrize(
    ("source", "target", "code", "text"),
    [
        (
            "udp:1",
            "shm:x",
            2,
            "--from udp:1: found 'udp', expected shm:, venue:, multicast: or tcp:",
        ),
        ("shm:x", "venue:x", 2, "found 'venue', expected shm:, multicast: or tcp:"),
        ("venue:/nowhere.yaml?reader=x", "shm:y", 2, "/nowhere.yaml: found No such file"),
        ("shm:", "shm:x", 2, "--from shm:: found no path"),
        ("tcp:host:1", "shm:x", 2, "--from tcp:host:1: found 'host:1', expected an IPv4 address"),
        ("tcp:127.0.0.1:1?nam=X", "shm:x", 2, "found the option 'nam', expected one of name,"),
        ("tcp:127.0.0.1:1?stale=3", "shm:x", 2, "found stale=3, expected a whole number with"),
        ("multicast:10.0.0.1:1@lo", "shm:x", 2, "expected a multicast group and port"),
        ("shm:x", "tcp:127.0.0.1:1?key=k", 2, "found key alone, expected certificate, client_ca"),
        ("tcp:127.0.0.1:1?server_name=x", "shm:x", 2, "found server_name alone, expected cert"),
        ("shm:/nowhere/x", "tcp:127.0.0.1:0", 2, "expected an IPv4 address and port"),
        ("shm:/nowhere/x", "shm:/nowhere/y", 3, "--to shm:/nowhere/y: No such file"),
        (
            "shm:x",
            "tcp:127.0.0.1:1?window=64KiB&queue=128KiB",
            2,
            "found queue=128KiB, expected at most window = 64KiB",
        ),
        ("shm:x", "tcp:127.0.0.1:1?queue=65MiB", 2, "expected at most window = 64MiB"),
        ("shm:/tmp/x", "shm:/tmp/../tmp/x", 2, "found where --from shm:/tmp/x reads, expected"),
        ("tcp:127.0.0.1:9", "tcp:0.0.0.0:9", 2, "found where --from tcp:127.0.0.1:9 reads"),
        (
            "multicast:239.1.1.1:9@127.0.0.1",
            "multicast:239.1.1.2:9@lo,239.1.1.1:9@lo?session=B",
            2,
            "found where --from multicast:239.1.1.1:9@127.0.0.1 reads, expected another place",
        ),
    ],
)
def test_wrong_addresses_are_named(source: str, target: str, code: int, text: str) -> None:
    done = subprocess.run(
        command_of(source, target), capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )
    assert (done.returncode, text in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_bridge_to_the_same_place_is_refused(tmp_path: Path, bridges: Bridges) -> None:
    path, _ = make_source(tmp_path)
    port, far = free_port(), tmp_path / "far.ring"
    bridges.start(f"shm:{path}", f"tcp:127.0.0.1:{port}")
    bridges.start(f"tcp:127.0.0.1:{port}", f"shm:{far}")
    for source, target, text in (
        (f"shm:{path}", f"tcp:127.0.0.1:{port}", f"cannot listen on 127.0.0.1:{port}"),
        (f"tcp:127.0.0.1:{port}", f"shm:{far}", "held by"),
    ):
        done = subprocess.run(
            command_of(source, target),
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
        )
        assert done.returncode == 3, done.stderr
        assert text in done.stderr


def test_a_ring_of_another_size_than_asked_for_is_said_to_be(
    tmp_path: Path, bridges: Bridges
) -> None:
    path, publication = make_source(tmp_path)
    far = tmp_path / "far.ring"
    arguments = (f"shm:{path}", f"shm:{far}?capacity=3MiB")
    said = bridges.stop(bridges.start(*arguments))
    assert f"--to shm:{far}: capacity: 3MiB rounded up to 4MiB, a power of two" in said
    assert broadcast.positions(far).capacity_bytes == 4 << 20
    assert "capacity" not in bridges.stop(bridges.start(*arguments)).replace(arguments[1], "")
    said = bridges.stop(bridges.start(f"shm:{path}", f"shm:{far}?capacity=8MiB"))
    assert "capacity=8MiB is not used: the ring is there, with 4MiB" in said
    assert publication is not None


def test_what_passed_while_no_bridge_ran_comes_from_the_journal(
    tmp_path: Path, bridges: Bridges
) -> None:
    near, far, directory = tmp_path / "near.ring", tmp_path / "far.ring", tmp_path / "journal"
    broadcast.create(near, 1 << 16, {"journal": Gating()}, session="TEST")
    directory.mkdir()
    publication, counters = ShmPublication(near), CounterSet("journal", journal.COUNTERS)
    reader = broadcast.Reader(near, "journal")
    stage = journal.JournalStage(reader, directory, "TEST", counters, policy="off")
    arguments = (f"shm:{near}", f"shm:{far}?capacity=4MiB", "--journal", str(directory))
    for last in (10, COUNT):
        while publication.sequence_next <= last:
            assert publication.offer(frame_of(publication.sequence_next)) is Status.OK
            stage.poll_once()
        process = bridges.start(*arguments)
        frames = await_frames(ring_at(far), last)
        said = bridges.stop(process)
    assert frames == [(number, frame_of(number)) for number in range(1, COUNT + 1)]
    carried, _, out_of = said.splitlines()[-1].partition(" frames carried (")
    assert carried == f"ironpit: bridge: {COUNT - 10}"
    assert out_of.endswith(" of them out of the journal), 0 left out as lost")
    nowhere = tmp_path / "nowhere"
    done = subprocess.run(
        command_of(*arguments[:3], str(nowhere)),
        capture_output=True, text=True, check=False, timeout=DEADLINE_S,
    )  # fmt: skip
    expected = f"--journal {nowhere}: expected a journal's directory"
    assert (done.returncode, expected in done.stderr) == (3, True), done.stderr


@pytest.mark.parametrize("to", ["shm:{}/far.ring", "tcp:127.0.0.1:{}?session=NAMED"])
def test_the_journal_of_another_session_is_refused(
    to: str, tmp_path: Path, bridges: Bridges
) -> None:
    near, directory = tmp_path / "near.ring", tmp_path / "journal"
    broadcast.create(near, 1 << 16, {"journal": Gating()}, session="SOURCE")
    directory.mkdir()
    publication, counters = ShmPublication(near), CounterSet("journal", journal.COUNTERS)
    stage = journal.JournalStage(
        broadcast.Reader(near, "journal"), directory, "OTHER", counters, policy="off"
    )
    assert publication.offer(frame_of(1)) is Status.OK
    stage.poll_once()
    target = to.format(tmp_path if to.startswith("shm") else free_port())
    done = subprocess.run(
        command_of(f"shm:{near}", target, "--journal", str(directory)),
        capture_output=True, text=True, check=False, timeout=DEADLINE_S,
    )  # fmt: skip
    expected = f"--journal {directory}: found session OTHER, expected SOURCE"
    assert (done.returncode, expected in done.stderr) == (3, True), done.stderr
