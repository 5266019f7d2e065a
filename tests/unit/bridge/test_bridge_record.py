"""Goal: counters of another release of ironpit bar a bridge's place only while their process lives.

Method: a counters file whose header says the version before, of this process, of one that is there
for the test's time, or of one that has gone.
"""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ironcore.base.counters import CountersReader
from ironpit.bridge import record
from ironpit.bridge.addresses import parse
from ironpit.cli import stat
from ironpit.common.errors import UserError
from ironpit.operate import overview

OLD_VERSION = 1
WRITER = (
    "import sys; from ironcore.base.counters import CountersFile; "
    "file = CountersFile.create(sys.argv[1], 4); print('made', flush=True); sys.stdin.read()"
)


def of_another_release(path: Path) -> subprocess.Popen[str]:
    """Its writer, which lives until its standard input ends."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WRITER, str(path)]
    writer = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "made\n"
    with path.open("r+b") as file:
        file.seek(8)
        file.write(struct.pack("<I", OLD_VERSION))
    return writer


def create(path: Path) -> None:
    source = parse("from", f"shm:{path.parent / 'near.ring'}")
    record.create(path, source, parse("to", f"shm:{path.parent / 'far.ring'}"))


def test_a_dead_bridge_of_another_release_leaves_its_place(tmp_path: Path) -> None:
    path = tmp_path / "counters-bridge.dat"
    of_another_release(path).communicate()
    create(path)
    assert CountersReader(path).process_id == os.getpid()


def test_a_living_bridge_of_another_release_keeps_its_place(tmp_path: Path) -> None:
    path = tmp_path / "counters-bridge.dat"
    writer = of_another_release(path)
    try:
        with pytest.raises(UserError, match=f"held by process {writer.pid}, expected a place"):
            create(path)
    finally:
        writer.communicate()


def test_dead_bridges_of_another_release_are_forgotten_and_living_ones_are_not(
    tmp_path: Path,
) -> None:
    paths = [tmp_path / f"counters-{name}.dat" for name in ("dead", "living")]
    for path in paths:
        create(path)  # and so the facts beside it
    of_another_release(paths[0]).communicate()
    living = of_another_release(paths[1])
    try:
        assert record.prune(paths) == [paths[0]]
        assert [path.exists() for path in paths] == [False, True]
    finally:
        living.communicate()


def test_counters_of_another_release_hide_no_bridge_beside_them(tmp_path: Path) -> None:
    ours, theirs = (tmp_path / f"counters-{name}.dat" for name in ("ours", "theirs"))
    create(ours)
    of_another_release(theirs).communicate()
    look = overview.look_around(tmp_path)
    assert [process["process"] for process in look["processes"]] == ["ours"]
    [said] = look["other_releases"]
    assert f"{theirs}: found counters of layout version {OLD_VERSION}, expected" in said
    assert f"! {said}" in stat.text_of(look).splitlines()
    with pytest.raises(UserError, match="wrote them with another release of ironpit"):
        overview.look_at([theirs])
