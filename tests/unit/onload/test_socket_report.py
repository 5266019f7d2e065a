"""Goal: the report of a process's sockets follows what comes, goes and falls back; alarms are said
once, and under `require_onload` a session is refused.

Method: real sockets, and a truth that the test tells.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironcore.base.counter_set import CounterSet
from ironpit.common.errors import Exit, UserError
from ironpit.onload.library import Library, Version
from ironpit.onload.truth import Truth, Verdict
from ironpit.venue.sockets import COUNTERS, LOOK_AGAIN_NS, ORDERS, Open, SocketReport

GOOD = Verdict("accelerated", "proved", "1:2 established")
BAD = Verdict("kernel", "no driver")


class Told(Truth):
    """Answers what the test says; sockets are accelerated unless it says so."""

    def __init__(self) -> None:
        super().__init__(Library("interposed", "/lib/libonload.so", Version(1, 2, 0)), {})
        self.verdicts: dict[int, Verdict] = {}

    def judge(self, fd: int) -> Verdict:
        return self.verdicts.get(fd, GOOD)


class Gateway:
    def __init__(self) -> None:
        self.sockets: dict[tuple[int, int], int] = {}
        self.refused: list[tuple[int, int]] = []

    def connections(self) -> list[tuple[int, int, int]]:
        return [(*key, fd) for key, fd in self.sockets.items()]

    def unaccelerated(self, connection: int, generation: int) -> None:
        self.refused.append((connection, generation))


class Publication:
    def __init__(self, fds: list[int]) -> None:
        self.fds = fds

    def descriptors(self) -> list[int]:
        return self.fds


class Scene:
    """A listener, connections, and the report on them."""

    def __init__(self, *, require: bool = False, verdict: Verdict = GOOD) -> None:
        self.truth, self.gateway, self.said = Told(), Gateway(), list[str]()
        self.sockets = [socket.socket() for _ in range(4)]
        listener = self.sockets[0].fileno()
        self.truth.verdicts[listener] = verdict
        self.counted = CounterSet("sockets", COUNTERS)
        self.report = SocketReport(
            [Open(ORDERS, listener)],
            self.counted,
            self.said.append,
            require=require,
            truth=self.truth,
        )
        self.now_ns = self.report._looked_ns

    def connect(self, index: int, verdict: Verdict = GOOD) -> int:
        fd = self.sockets[index].fileno()
        self.truth.verdicts[fd] = verdict
        self.gateway.sockets[(index, 1)] = fd
        return fd

    def turn(self, later_ns: int = 0) -> None:
        self.now_ns += later_ns
        self.report.turn([self.gateway], [], self.now_ns)

    def counts(self) -> dict[str, int]:
        return {name: n for name, n in self.counted.snapshot().items() if n}

    def paths(self) -> list[str]:
        return [s["path"] for s in self.report.describe("venue", 1)["sockets"]]


@pytest.fixture
def scenes() -> Iterator[list[Scene]]:
    made: list[Scene] = []
    yield made
    for scene in made:
        for sock in scene.sockets:
            sock.close()


def scene_of(scenes: list[Scene], *, require: bool = False, verdict: Verdict = GOOD) -> Scene:
    scenes.append(Scene(require=require, verdict=verdict))
    return scenes[-1]


def test_connections_are_judged_when_they_come_and_forgotten_when_they_go(
    scenes: list[Scene],
) -> None:
    scene = scene_of(scenes)
    scene.connect(1)
    scene.turn()
    assert scene.paths() == ["accelerated", "accelerated"]
    scene.gateway.sockets.clear()
    scene.turn()
    assert scene.paths() == ["accelerated"]
    assert scene.counts() == {"accelerated": 2}
    assert scene.said == []


def test_a_connection_that_the_kernel_carries_is_a_fallback_said_once(scenes: list[Scene]) -> None:
    scene = scene_of(scenes)
    for index in (1, 2):
        scene.connect(index, BAD)
        scene.turn()
    scene.turn(LOOK_AGAIN_NS)
    assert scene.counts() == {"accelerated": 1, "kernel": 2, "fallbacks": 2}
    [line] = scene.said
    assert line.startswith("ALARM: a socket of orders")
    assert line.endswith("kernel: no driver")
    assert scene.gateway.refused == []


def test_a_socket_that_is_handed_over_later_is_seen_at_the_next_look(scenes: list[Scene]) -> None:
    scene = scene_of(scenes, require=True)
    fd = scene.connect(1)
    scene.turn()
    scene.truth.verdicts[fd] = Verdict("passthrough", "handed over")
    scene.turn(LOOK_AGAIN_NS - 1)
    assert scene.counts() == {"accelerated": 2}
    scene.turn(1)
    assert scene.counts() == {"accelerated": 2, "fallbacks": 1, "refused": 1}
    assert scene.gateway.refused == [(1, 1)]
    assert scene.paths() == ["accelerated", "passthrough"]


def test_where_nothing_is_accelerated_nothing_has_fallen_back(scenes: list[Scene]) -> None:
    scene = scene_of(scenes, verdict=BAD)
    scene.connect(1, BAD)
    scene.turn()
    assert scene.counts() == {"kernel": 2}
    assert scene.said == []
    assert scene.report.summary() == ["sockets of orders: kernel: no driver"]


def test_a_login_is_admitted_only_by_an_accelerated_socket(scenes: list[Scene]) -> None:
    scene = scene_of(scenes, require=True)
    scene.connect(1)
    scene.connect(2, BAD)
    assert scene.report.admit(scene.gateway, 1, 1)
    assert not scene.report.admit(scene.gateway, 2, 1)
    assert not scene.report.admit(scene.gateway, 3, 1)  # it is not even there any more
    assert scene.gateway.refused == [(2, 1), (3, 1)]
    lax = scene_of(scenes)
    lax.connect(2, BAD)
    assert lax.report.admit(lax.gateway, 2, 1)


def test_the_venue_is_refused_for_its_order_sockets_alone(scenes: list[Scene]) -> None:
    with pytest.raises(UserError, match="no driver") as caught:
        scene_of(scenes, verdict=BAD).report.refuse_unproved()
    assert caught.value.code == Exit.REFUSED
    with socket.socket() as other:
        truth = Told()
        truth.verdicts[other.fileno()] = BAD
        SocketReport(
            [Open("market data", other.fileno())],
            CounterSet("sockets", COUNTERS),
            print,
            require=True,
            truth=truth,
        ).refuse_unproved()


def test_what_cannot_be_judged_is_not_taken_for_accelerated() -> None:
    report = SocketReport(
        [Open(ORDERS, 1023)], CounterSet("sockets", COUNTERS), print, require=True, truth=Told()
    )
    with pytest.raises(UserError, match="no socket"):
        report.refuse_unproved()


def test_readers_of_a_stream_are_looked_at_with_all_others(scenes: list[Scene]) -> None:
    scene = scene_of(scenes)
    publication = Publication([scene.sockets[3].fileno()])
    streams = [("market data", publication)]
    scene.report.turn([], streams, scene.now_ns + LOOK_AGAIN_NS)
    assert [s["role"] for s in scene.report.describe("venue", 1)["sockets"]] == [
        "orders",
        "market data",
    ]
    publication.fds = []
    scene.report.turn([], streams, scene.now_ns + 2 * LOOK_AGAIN_NS)
    assert len(scene.paths()) == 1


def test_a_socket_that_has_gone_meanwhile_is_passed_over(scenes: list[Scene]) -> None:
    scene = scene_of(scenes)
    scene.connect(1)
    scene.sockets[1].close()
    scene.turn()
    assert scene.paths() == ["accelerated"]


def test_the_file_is_written_when_something_has_changed(
    scenes: list[Scene], tmp_path: Path
) -> None:
    scene, file = scene_of(scenes), tmp_path / "sockets-venue.json"
    scene.report.write(file, "venue", 7)
    found = json.loads(file.read_text())
    assert (found["schema"], found["process_id"]) == ("ironpit-sockets-1", 7)
    assert found["sockets"][0]["endpoint"] == "1:2 established"
    file.unlink()
    scene.report.write(file, "venue", 7)
    assert not file.exists()


def test_connections_of_two_gateways_are_kept_apart(scenes: list[Scene]) -> None:
    scene, other = scene_of(scenes), Gateway()
    scene.connect(1)
    fd = scene.sockets[2].fileno()
    scene.truth.verdicts[fd] = GOOD
    other.sockets[(1, 1)] = fd  # the same number of a connection, of another gateway
    scene.report.turn([scene.gateway, other], [], scene.now_ns)
    assert scene.paths() == ["accelerated"] * 3
    del other.sockets[(1, 1)]
    scene.report.turn([scene.gateway, other], [], scene.now_ns)
    assert scene.paths() == ["accelerated"] * 2
