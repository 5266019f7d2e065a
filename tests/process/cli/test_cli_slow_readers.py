"""Goal: `ironpit stat` names readers that were stopped, that took the least they could, or that
were killed, and says why the stream went on without them.

Method: a stream in the places where a venue's configuration has it, published by the test; the good
reader and the three bad ones are processes, the ends of `ironpit bench slow-readers`. Another test
runs that measurement, too short for figures.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.messaging.tcp_ends import Server, until
from tests.venue import write_config

from ironcore.base.counters import CountersFile
from ironcore.base.status import Status
from ironcore.messaging import shm
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import Gating, ShmPublication
from ironpit import config
from ironpit.bench import slow_readers
from ironpit.bench.slow_readers_ends import BAD, DRIPPING, KILLED, STOPPED

COUNTERS_MAX = 256
FRAME = bytes(1000)
FRAMES_FOLLOWED = 50
FRAMES_MAX = 1_000_000
MS = 1_000_000
DEADLINE_S = 30.0


class Readers:
    """Processes that have said that they read."""

    def __init__(self) -> None:
        self.running: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str, settings: dict[str, Any]) -> None:
        text = json.dumps({**settings, "name": name, "cpu": -1})
        self.running[name] = subprocess.Popen(
            [*slow_readers.ENDS, "bad", text], stdout=subprocess.PIPE, text=True
        )

    def ready(self, name: str) -> bool:
        """Waits for the word."""
        out = self.running[name].stdout
        return out is not None and out.readline() == "ready\n"


@pytest.fixture
def readers() -> Iterator[Readers]:
    readers = Readers()
    yield readers
    for process in readers.running.values():
        process.kill()
        process.communicate(timeout=DEADLINE_S)


def go_bad(readers: Readers) -> None:
    readers.running[STOPPED].send_signal(signal.SIGSTOP)
    readers.running[KILLED].kill()
    readers.running[KILLED].wait(DEADLINE_S)


def offer_until(publication: PublicationEnd, condition: Callable[[], object]) -> None:
    """Frames, and again those that were refused, until it holds."""
    for _ in range(FRAMES_MAX):
        if publication.offer(FRAME) is Status.FULL or publication.sequence_next % 50 == 0:
            publication.turn()
            if condition():
                return
    pytest.fail("it did not come true in time")


def stat(file: Path) -> str:
    command = [sys.executable, "-m", "ironpit", "stat", "-c", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    return done.stdout


def test_readers_evicted_from_a_ring_are_named_with_the_reason(
    tmp_path: Path, readers: Readers
) -> None:
    file = write_config(tmp_path)
    venue = config.load(file)
    venue.venue.data_directory.mkdir(parents=True, exist_ok=True)
    counters = CountersFile.create(venue.venue.data_directory / "counters-venue.dat", COUNTERS_MAX)
    path = venue.streams.events.path
    path.parent.mkdir(parents=True, exist_ok=True)
    shm.create(path, 1 << 16, dict.fromkeys(BAD, Gating(20 * MS)))
    publication = ShmPublication(path)
    for name in BAD:
        readers.start(name, {"carrier": "shm", "path": str(path)})
    assert all(readers.ready(name) for name in BAD)
    go_bad(readers)
    offer_until(publication, lambda: all(r.evictions for r in shm.reader_states(path)))
    text = stat(file)
    for name in BAD:
        [note] = [line for line in text.splitlines() if line.startswith(f"! {name} was last ")]
        assert "behind and the ring had been full for" in note
        assert "(patience 20.0 ms)" in note
    [killed] = [line for line in text.splitlines() if line.startswith(f"{KILLED} ")]
    assert killed.endswith("gone")
    assert counters is not None


@pytest.mark.parametrize(
    ("policy", "reason"),
    [("disconnect", "was disconnected"), ("conflate", "frames that it missed")],
)
def test_slow_readers_over_tcp_are_named_with_the_reason(
    tmp_path: Path, readers: Readers, policy: str, reason: str
) -> None:
    file = write_config(tmp_path)
    venue = config.load(file)
    venue.venue.data_directory.mkdir(parents=True, exist_ok=True)
    counters = CountersFile.create(venue.venue.data_directory / "counters-venue.dat", COUNTERS_MAX)
    server = Server(
        window_bytes=1 << 20, policy=policy, counters_file=counters, writer="market-data"
    )
    for name in BAD:
        readers.start(name, {"carrier": f"tcp-{policy}", "port": server.port})
    turn = server.publication.turn
    until(lambda: server.counts["logins"] == len(BAD), turn)
    assert all(readers.ready(name) for name in BAD)
    go_bad(readers)

    def named() -> set[str]:
        return {str(r["name"]) for r in server.publication.reader_counts() if r["slow"]}

    offer_until(server.publication, lambda: named() >= {STOPPED, DRIPPING})
    until(lambda: server.counts["closed_by_peer"] + server.counts["closed_error"] > 0, turn)
    text = stat(file)
    for name in (STOPPED, DRIPPING):
        [note] = [line for line in text.splitlines() if line.startswith(f"! {name} was too slow ")]
        assert "for market-data" in note
        assert reason in note
    assert f"! {KILLED} was" not in text
    [killed] = [line for line in text.splitlines() if f"market-data {KILLED} " in line]
    assert killed.split()[2] == "no"
    server.close()


def test_the_measurement_names_the_bad_readers_and_no_other() -> None:
    plan = slow_readers.Plan(("shm", "tcp-disconnect"), messages=40_000, rounds=1)
    report = slow_readers.run(plan)
    assert json.loads(json.dumps(report)) == report
    shm_found, tcp_found = report["carriers"]["shm"], report["carriers"]["tcp-disconnect"]
    assert shm_found["named"] == sorted(BAD)
    assert tcp_found["named"] == sorted([STOPPED, DRIPPING])
    for found in (shm_found, tcp_found):
        assert found["named_without_cause"] == []
        assert found["missed_by_the_good"] == 0
        assert found["offers"]["with"]["count"] == plan.messages
    assert "named DRIP, KILL, STOP" in slow_readers.text_of(report)
