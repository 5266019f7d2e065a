"""Goal: either end of a stream may be killed at any instant, and the stream goes on whole.

Method: the end is a process of its own that gets SIGKILL after a random number of frames, several
times; the other end, here or in another process, checks every frame.
"""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conformance.peer import received
from tests.conformance.stream import Receiver, publish, wait_until
from tests.conformance.transport import Transport
from tests.conformance.transports import TRANSPORTS

COUNT = 12_000
KILLS = 4
HELD_BYTES = 8 << 20
Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Transport:
    return TRANSPORTS[request.param].fresh(tmp_path, held_bytes=HELD_BYTES)


@pytest.fixture
def start(transport: Transport, tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def spawn(verb: str) -> subprocess.Popen[bytes]:
        module = [sys.executable, "-m", "tests.conformance.peer"]
        arguments = [verb, transport.as_json(), str(tmp_path / verb), str(COUNT)]
        started.append(subprocess.Popen([*module, *arguments]))
        return started[-1]

    yield spawn
    for process in started:
        process.kill()
        process.wait()


def test_a_publisher_may_be_killed(transport: Transport, start: Start) -> None:
    generator = random.Random(11)
    reader = Receiver(transport.reliable())
    for _ in range(KILLS):
        publisher = start("publish")
        goal = min(COUNT, reader.next + generator.randrange(COUNT // (2 * KILLS)))
        wait_until(lambda goal=goal: reader.next > goal, reader.poll)  # type: ignore[misc]
        publisher.kill()
        publisher.wait()
    start("publish")
    wait_until(lambda: reader.next == COUNT + 1 and reader.ended, reader.poll)
    assert (reader.first, reader.frames, reader.gaps) == (1, COUNT, [])


def test_a_reader_may_be_killed(transport: Transport, start: Start, tmp_path: Path) -> None:
    generator = random.Random(12)
    publication = transport.publication()
    came = tmp_path / "receive"
    receiver = start("receive")
    kills = [(n + 1) * COUNT // (KILLS + 1) + generator.randrange(500) for n in range(KILLS)]

    def turn() -> None:
        nonlocal receiver
        publication.turn()
        time.sleep(0.0002)
        if kills and len(received(came)) >= kills[0]:
            kills.pop(0)
            receiver.kill()
            receiver.wait()
            receiver = start("receive")

    publish(publication, COUNT, turn)
    wait_until(lambda: receiver.poll() is not None, turn)
    assert receiver.returncode == 0
    assert kills == []
    assert received(came) == list(range(1, COUNT + 1))
