"""Goal: `ironpit stat` shows where a bridge's streams stand, who reads them and what went wrong
with them, while it runs and after a kill.

Method: real bridges between rings made by the test; `ironpit stat` as an operator calls it.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.bridges import DEADLINE_S, Bridges, command_of

from ironcore.base.counters import CountersFile
from ironcore.base.status import Status
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating
from ironpit.bridge import record as watched
from ironpit.cli import main
from ironpit.common.errors import Exit
from ironpit.demo.temporary_venue import free_port

COUNT = 300


@pytest.fixture
def bridges(tmp_path: Path) -> Iterator[Bridges]:
    with Bridges(tmp_path) as bridges:
        yield bridges


def stat(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ironpit", "stat", *arguments],
        capture_output=True, text=True, check=False, timeout=DEADLINE_S,
    )  # fmt: skip


def look(*arguments: str) -> Any:
    done = stat(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ring_with_frames(
    path: Path, readers: dict[str, Gating], frame_bytes: int = 8
) -> ShmPublication:
    broadcast.create(path, 1 << 20, readers)
    publication = ShmPublication(path)
    for number in range(COUNT):
        assert publication.offer(number.to_bytes(frame_bytes, "little")) == Status.OK
    return publication


def await_frames(path: Path, last: int) -> None:
    reader, seen = ShmSubscription(path, from_="oldest"), [0]
    deadline_s = time.monotonic() + DEADLINE_S
    while seen[-1] < last:
        assert time.monotonic() < deadline_s, f"{seen[-1]} is the last frame that came"
        reader.poll(lambda sequence, _: seen.append(sequence))


def test_a_bridge_s_streams_are_shown_while_it_runs_and_after_a_kill(
    tmp_path: Path, bridges: Bridges
) -> None:
    near, far, port = tmp_path / "near.ring", tmp_path / "far.ring", free_port()
    publication = ring_with_frames(near, {"out": Gating(10**9)})
    files = [tmp_path / "counters-out.dat", tmp_path / "counters-in.dat"]
    sending = (f"shm:{near}?reader=out", f"tcp:127.0.0.1:{port}", "--counters", str(files[0]))
    server = bridges.start(*sending)
    client = bridges.start(
        f"tcp:127.0.0.1:{port}?name=FAR&backoff_max=20ms", f"shm:{far}?readers=slow&capacity=1MiB",
        "--counters", str(files[1]),
    )  # fmt: skip
    await_frames(far, COUNT)
    bridges.stop(server, signal.SIGKILL)
    assert publication.offer(b"after") == Status.OK
    bridges.start(*sending)
    await_frames(far, COUNT + 1)
    # Positions are written every few milliseconds, and with the last turn.
    bridges.stop(client)
    live = look("--counters", str(files[0]))
    [sender] = live["processes"]
    assert (sender["process"], sender["alive"], sender["to"]) == ("out", True, sending[1])
    assert [reader["reader"] for reader in sender["tcp_readers"]] == ["FAR"]
    assert [stream["stream"] for stream in live["streams"]] == ["out from"]
    assert live["streams"][0]["readers"][0]["reader"] == "out"
    [receiver] = look("--counters", str(files[1]))["processes"]
    counters = receiver["counters"]
    assert not receiver["alive"]
    assert (counters["from.frames"], counters["from.gaps"]) == (COUNT + 1, 0)
    assert (counters["from.cuts"], counters["from.resumes"]) == (1, 1)
    assert counters["position.to"] == counters["position.from"] == COUNT + 2
    assert counters["to.offered"] == COUNT + 1
    text = stat("--counters", *map(str, files)).stdout
    assert f"in (process {client.pid}, dead)" in text
    assert "from.resumes" in text
    assert "stream in to (shm, " in text


def test_a_killed_bridge_is_seen_in_the_place_that_nobody_named(
    tmp_path: Path, bridges: Bridges, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = tmp_path / "near.ring", tmp_path / "far.ring"
    ring_with_frames(near, {}, 400)  # more than the far ring holds at once
    addresses = (f"shm:{near}", f"shm:{far}?capacity=64KiB&readers=stuck&patience=10ms")
    process = subprocess.Popen(command_of(*addresses), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.readline()
    directory = watched.bridges_directory()
    assert f"counters in {directory}/counters-bridge-" in said
    [place] = [Path(word) for word in said.split() if word.startswith(f"{directory}/")]
    try:
        await_frames(far, COUNT)
        again = subprocess.run(
            command_of(*addresses), capture_output=True, text=True, check=False, timeout=DEADLINE_S
        )
        assert (again.returncode, f"held by process {process.pid}" in again.stderr) == (3, True)
        process.kill()
        process.communicate()
        shown = look("--bridges")
        [bridge] = [p for p in shown["processes"] if p["process_id"] == process.pid]
        assert (bridge["alive"], bridge["counters"]["bridge.frames"]) == (False, COUNT)
        names = [s["stream"] for s in shown["streams"] if s["path"] == str(far)]
        assert names == [f"{bridge['process']} to"]
        text = stat("--bridges", "--dead").stdout
        assert "! stuck was last evicted" in text
        assert f"{addresses[0]} to {addresses[1]}" in text
        # Started again in the same place, and ended well, it leaves nothing.
        process = subprocess.Popen(command_of(*addresses), stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, said
        assert not place.exists()
    finally:
        process.kill()
        process.communicate()
        watched.forget(place)


def test_dead_bridges_take_a_line_each_behind_the_living_and_are_forgotten_when_told(
    tmp_path: Path,
    bridges: Bridges,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(watched, "bridges_directory", lambda: tmp_path)
    near = tmp_path / "near.ring"
    ring_with_frames(near, {})
    CountersFile.create(tmp_path / "counters-other.dat", 4)  # of no bridge
    hops = [(f"shm:{near}", f"shm:{tmp_path / name}.ring") for name in ("killed", "living")]
    started = [bridges.start(*hop) for hop in hops]
    for name in ("killed", "living"):
        await_frames(tmp_path / f"{name}.ring", COUNT)
    earliest_s = int(time.time())
    bridges.stop(started[0], signal.SIGKILL)
    assert main(["stat", "--bridges"]) == Exit.OK
    shown, _, dead = capsys.readouterr().out.partition("\n\ndead (")
    assert f"(process {started[1].pid}, running)" in shown
    assert str(tmp_path / "killed.ring") not in shown
    [line] = dead.splitlines()[1:]
    found = re.fullmatch(rf"process {started[0].pid} since (.+\d): (\S+) to (\S+)", line)
    assert found is not None
    assert (found[2], found[3]) == hops[0]
    assert earliest_s - 60 <= datetime.fromisoformat(found[1]).timestamp() <= time.time()
    assert main(["stat", "--bridges", "--dead"]) == Exit.OK
    assert f"(process {started[0].pid}, dead)" in capsys.readouterr().out
    assert main(["stat", "--bridges", "--prune"]) == Exit.OK
    assert capsys.readouterr().out.startswith(f"forgotten: {hops[0][0]} to {hops[0][1]} (")
    left = sorted(path.name for path in tmp_path.glob("counters-*"))
    assert left == ["counters-1.dat", "counters-1.dat.json", "counters-other.dat"]
    assert main(["stat", "--counters", str(tmp_path / left[0]), "--prune"]) == Exit.USAGE


def test_counters_of_another_kind_are_left_alone(tmp_path: Path) -> None:
    near, other = tmp_path / "near.ring", tmp_path / "notes.txt"
    ring_with_frames(near, {})
    other.write_text("not to be lost " * 100)
    for place, text in (
        (other, f"--counters {other}: found another file, expected a counters file; a bridge's"),
        (tmp_path / "no" / "where.dat", "No such file or directory"),
    ):
        done = subprocess.run(
            command_of(f"shm:{near}", f"shm:{tmp_path / 'far.ring'}", "--counters", str(place)),
            capture_output=True, text=True, check=False, timeout=DEADLINE_S,
        )  # fmt: skip
        assert (done.returncode, text in done.stderr) == (3, True), done.stderr
    assert other.read_text().startswith("not to be lost")
    done = stat("--counters", str(other))
    assert (done.returncode, "expected a counters file" in done.stderr) == (1, True)
    done = stat("--counters", str(tmp_path / "none.dat"))
    assert (done.returncode, "none.dat: no such file" in done.stderr) == (1, True)
    assert os.listdir(tmp_path).count("far.ring") == 0
