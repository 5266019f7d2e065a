"""Goal: a bridge never splices two sessions: numbers that begin anew are told as a new session, and
downstream a stream has the session of its source.

Method: real bridges between rings made by the test. The source's ring is removed and made again
with other frames under the same numbers, while the bridges run and while they do not; every frame
says which session it is of.
"""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bridges import Bridges
from tests.unit.messaging.tcp_ends import Seen, until

from ironcore.base.status import Status
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating
from ironpit.demo.temporary_venue import free_port

FIRST, SECOND = 30, 50  # frames of either session: the second would be spliced on behind the first


@pytest.fixture
def bridges(tmp_path: Path) -> Iterator[Bridges]:
    with Bridges(tmp_path) as bridges:
        yield bridges


def make(path: Path, session: str, count: int, *readers: str, identity: str = "") -> ShmPublication:
    """A ring of this session; one that is there is removed: its source was started again."""
    path.unlink(missing_ok=True)
    places = {name: Gating() for name in readers}
    broadcast.create(path, 1 << 16, places, session=session, identity=identity)
    publication = ShmPublication(path)
    for number in range(1, count + 1):
        publication.offer(f"{session} {number}".encode())
    return publication


def frames_of(session: str, count: int) -> list[tuple[int, bytes]]:
    return [(number, f"{session} {number}".encode()) for number in range(1, count + 1)]


def reader_at(path: Path) -> Seen:
    return Seen(ShmSubscription(path, "end"))


def far_ring(path: Path) -> Path:
    """A far ring with a reader that is waited for, as a bridge makes it."""
    broadcast.create(path, 1 << 16, {"end": Gating()}, session="")
    return path


def the_far_ring_is_of(path: Path, session: str) -> bool:
    return path.exists() and broadcast.positions(path).session == session


class Chain:
    """How the source's ring gets to the far ring: directly, or over a network and two bridges."""

    def __init__(self, directory: Path, way: str, bridges: Bridges) -> None:
        self.near, self.far = directory / "near.ring", far_ring(directory / "far.ring")
        self._bridges = bridges
        place = f"127.0.0.1:{free_port()}"
        if way == "shm":
            self._hops = [(f"shm:{self.near}", f"shm:{self.far}")]
        elif way == "tcp":
            self._hops = [
                (f"shm:{self.near}", f"tcp:{place}"),
                (f"tcp:{place}?backoff_max=50ms", f"shm:{self.far}"),
            ]
        else:
            asking = f"rerequest=127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
            group = f"multicast:239.255.77.78:{free_port(socket.SOCK_DGRAM)}@127.0.0.1?{asking}"
            self._hops = [
                (f"shm:{self.near}", f"{group}&heartbeat=50ms"),
                (group, f"shm:{self.far}"),
            ]
        self.running: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        for hop in self._hops[len(self.running) :]:
            self.running.append(self._bridges.start(*hop))

    def start_first(self) -> None:
        self.running.insert(0, self._bridges.start(*self._hops[0]))

    def kill(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        self.running = []


@pytest.mark.parametrize("way", ["shm", "tcp", "multicast"])
def test_bridges_that_are_started_again_begin_the_new_session_in_a_new_ring(
    way: str, tmp_path: Path, bridges: Bridges
) -> None:
    chain = Chain(tmp_path, way, bridges)
    source = make(chain.near, "FIRST", FIRST)
    chain.start()
    old = reader_at(chain.far)
    until(lambda: len(old.frames) == FIRST, old.poll)
    chain.kill()
    del source
    again = make(chain.near, "SECOND", SECOND)
    chain.start()
    until(lambda: the_far_ring_is_of(chain.far, "SECOND"), old.poll)
    new = reader_at(chain.far)
    until(lambda: len(new.frames) == SECOND, new.poll)
    until(lambda: old.last == -Status.CLOSED, old.poll)
    assert old.frames == frames_of("FIRST", FIRST)
    assert new.frames == frames_of("SECOND", SECOND)
    assert old.gaps == new.gaps == []
    assert again.sequence_next == SECOND + 1
    said = bridges.stop(chain.running[-1])
    assert "session FIRST was followed by SECOND: the ring of FIRST ends" in said


def test_a_reader_that_is_waited_for_is_started_again_with_the_new_session(
    tmp_path: Path, bridges: Bridges
) -> None:
    near, far = tmp_path / "near.ring", far_ring(tmp_path / "far.ring")
    arguments = (f"shm:{near}?reader=copy", f"shm:{far}")
    source = make(near, "FIRST", FIRST, "copy")
    first = bridges.start(*arguments)
    old = reader_at(far)
    until(lambda: len(old.frames) == FIRST, old.poll)
    bridges.stop(first)
    del source
    again = make(near, "SECOND", SECOND, "copy")
    second = bridges.start(*arguments)
    until(lambda: the_far_ring_is_of(far, "SECOND"))
    new = reader_at(far)
    until(lambda: len(new.frames) == SECOND, new.poll)
    assert new.frames == frames_of("SECOND", SECOND)
    assert again.sequence_next == SECOND + 1
    assert "ends, and a new one takes its place" in bridges.stop(second)


@pytest.mark.parametrize("way", ["shm", "tcp"])
def test_the_session_that_follows_is_carried_from_its_beginning(
    way: str, tmp_path: Path, bridges: Bridges
) -> None:
    near, far = tmp_path / "near.ring", far_ring(tmp_path / "far.ring")
    place = f"127.0.0.1:{free_port()}"
    first_hop = (f"shm:{near}", f"tcp:{place}")
    source = make(near, "FIRST", FIRST)
    if way == "tcp":
        server = bridges.start(*first_hop)
        bridges.start(f"tcp:{place}?sequence={FIRST}&backoff_max=50ms", f"shm:{far}")
    else:
        bridges.start(f"shm:{near}?from=now", f"shm:{far}")
        source.offer(b"FIRST more")
    until(lambda: the_far_ring_is_of(far, "FIRST"))
    until(lambda: broadcast.positions(far).sequence_next > FIRST)
    del source
    if way == "tcp":
        server.kill()
    again = make(tmp_path / "next.ring", "SECOND", SECOND)
    (tmp_path / "next.ring").rename(near)
    if way == "tcp":
        bridges.start(*first_hop)
    until(lambda: the_far_ring_is_of(far, "SECOND"))
    new = reader_at(far)
    until(lambda: len(new.frames) == SECOND, new.poll)
    assert new.frames == frames_of("SECOND", SECOND)
    assert again.sequence_next == SECOND + 1


def test_a_bridge_whose_ring_is_taken_away_ends_and_says_so(
    tmp_path: Path, bridges: Bridges
) -> None:
    near, far = tmp_path / "near.ring", tmp_path / "far.ring"
    source = make(near, "FIRST", FIRST)
    bridge = bridges.start(f"shm:{near}", f"shm:{far}")
    until(lambda: the_far_ring_is_of(far, "FIRST"))
    far.unlink()
    _, said = bridge.communicate(timeout=30)
    assert bridge.returncode == 1
    assert f"--to shm:{far}: the ring was removed or replaced" in said
    assert source.sequence_next == FIRST + 1


@pytest.mark.parametrize("way", ["shm", "tcp"])
def test_a_bridge_that_runs_begins_the_new_session_in_a_new_ring(
    way: str, tmp_path: Path, bridges: Bridges
) -> None:
    chain = Chain(tmp_path, way, bridges)
    source = make(chain.near, "FIRST", FIRST)
    chain.start()
    old = reader_at(chain.far)
    until(lambda: len(old.frames) == FIRST, old.poll)
    del source
    again = make(chain.near, "SECOND", SECOND)
    if way == "tcp":
        # The first bridge ends with its session, and is started again as by a service manager.
        first = chain.running.pop(0)
        _, said = first.communicate(timeout=30)
        assert first.returncode == 1
        assert "session FIRST was followed by SECOND, and the bridge ends" in said
        bridges.running.remove(first)
        # Its readers were told: the bridge behind it has ended well, and its ring with it.
        last = chain.running.pop()
        last.communicate(timeout=30)
        assert last.returncode == 0
        bridges.running.remove(last)
        chain.start()
    until(lambda: the_far_ring_is_of(chain.far, "SECOND"), old.poll)
    new = reader_at(chain.far)
    until(lambda: len(new.frames) == SECOND, new.poll)
    until(lambda: old.last == -Status.CLOSED, old.poll)
    assert old.frames == frames_of("FIRST", FIRST)
    assert new.frames == frames_of("SECOND", SECOND)
    assert old.gaps == new.gaps == []
    assert again.sequence_next == SECOND + 1


def test_a_bridge_that_waits_for_its_server_follows_it_into_a_new_session(
    tmp_path: Path, bridges: Bridges
) -> None:
    chain = Chain(tmp_path, "tcp", bridges)
    source = make(chain.near, "FIRST", FIRST)
    chain.start()
    old = reader_at(chain.far)
    until(lambda: len(old.frames) == FIRST, old.poll)
    first = chain.running.pop(0)
    first.kill()
    first.wait()
    del source
    again = make(chain.near, "SECOND", SECOND)
    chain.start_first()
    until(lambda: the_far_ring_is_of(chain.far, "SECOND"), old.poll)
    new = reader_at(chain.far)
    until(lambda: len(new.frames) == SECOND, new.poll)
    until(lambda: old.last == -Status.CLOSED, old.poll)
    assert old.frames == frames_of("FIRST", FIRST)
    assert new.frames == frames_of("SECOND", SECOND)
    assert again.sequence_next == SECOND + 1
    said = bridges.stop(chain.running[-1])
    assert "session FIRST was followed by SECOND: the ring of FIRST ends" in said


def test_the_same_session_in_a_ring_made_anew_goes_on_in_the_same_far_ring(
    tmp_path: Path, bridges: Bridges
) -> None:
    chain = Chain(tmp_path, "shm", bridges)
    report = tmp_path / "report.json"
    source = make(chain.near, "FIRST", FIRST)
    running = bridges.start(f"shm:{chain.near}", f"shm:{chain.far}", "--json", str(report))
    old = reader_at(chain.far)
    until(lambda: len(old.frames) == FIRST, old.poll)
    del source
    source = make(chain.near, "FIRST", SECOND)
    until(lambda: len(old.frames) == SECOND, old.poll)
    assert old.frames == frames_of("FIRST", SECOND)
    said = bridges.stop(running)
    assert "the ring was made anew; the bridge now reads it" in said
    counts = json.loads(report.read_text())
    assert counts["bridge"]["sessions"] == 0
    assert (counts["from"]["reattached"], counts["from"]["repeated"]) == (1, FIRST)
    assert source.sequence_next == SECOND + 1


@pytest.mark.parametrize("running", [True, False])
def test_another_stream_of_the_same_session_s_name_is_another_session(
    running: bool, tmp_path: Path, bridges: Bridges
) -> None:
    chain = Chain(tmp_path, "shm", bridges)
    source = make(chain.near, "SAME", FIRST, identity="1" * 32)
    chain.start()
    old = reader_at(chain.far)
    until(lambda: len(old.frames) == FIRST, old.poll)
    if not running:
        chain.kill()
    del source
    source = make(chain.near, "SAME", SECOND, identity="2" * 32)
    if not running:
        chain.start()
    until(lambda: broadcast.positions(chain.far).identity == "2" * 32, old.poll)
    new = reader_at(chain.far)
    until(lambda: len(new.frames) == SECOND, new.poll)
    until(lambda: old.last == -Status.CLOSED, old.poll)
    assert (old.frames, new.frames) == (frames_of("SAME", FIRST), frames_of("SAME", SECOND))
    assert old.gaps == new.gaps == []
    assert source.sequence_next == SECOND + 1
    said = bridges.stop(chain.running[-1])
    assert "session SAME was followed by another stream of the name SAME" in said


@pytest.mark.parametrize(("option", "session"), [("", "FIRST"), ("?session=NAMED", "NAMED")])
def test_downstream_a_stream_has_the_session_of_its_source_unless_it_is_named(
    option: str, session: str, tmp_path: Path, bridges: Bridges
) -> None:
    near, port = tmp_path / "near.ring", free_port()
    source = make(near, "FIRST", FIRST)
    bridges.start(f"shm:{near}", f"tcp:127.0.0.1:{port}{option}")
    end = TcpSubscription("127.0.0.1", port, "READER")
    seen = Seen(end)
    until(lambda: len(seen.frames) == FIRST, seen.poll)
    assert end.session == session
    far = tmp_path / "far.ring"
    bridges.start(f"tcp:127.0.0.1:{port}", f"shm:{far}")
    until(lambda: the_far_ring_is_of(far, session))
    assert source.sequence_next == FIRST + 1


def test_a_relay_ring_is_locked_and_placed_as_it_is_asked_for(
    tmp_path: Path, bridges: Bridges
) -> None:
    near, far = tmp_path / "near.ring", tmp_path / "far.ring"
    source = make(near, "FIRST", FIRST)
    wishes = "huge_pages=auto&lock=auto&numa_node=1000&capacity=64KiB"
    running = bridges.start(f"shm:{near}", f"shm:{far}?{wishes}")
    until(lambda: broadcast.positions(far).sequence_next == FIRST + 1)
    locked = _locked_kib(running.pid)
    said = bridges.stop(running)
    assert locked >= 64 or "lock: not locked" in said
    assert source.sequence_next == FIRST + 1


def _locked_kib(process_id: int) -> int:
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmLck:"):
            return int(line.split()[1])
    return 0
