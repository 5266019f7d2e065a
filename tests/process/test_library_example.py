"""Goal: docs/examples/replay_itch.py runs as the document says, and its picture is the one shown.

Method: run it as a program, on a day that is made here and on the real one where it is present, and
compare what it says with the library's own answer. Needs the extra `examples`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.doubles.itch_day import write_day

from ironpit.flow import from_itch
from ironpit.library import EventType
from ironpit.library.flows import rows_of, venue_of

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "replay_itch.py"
REAL_DAY = "../shared/data/orders/bitstamp-2015-05-01.itch"
IMAGE_BYTES_MAX = 150_000
PNG = b"\x89PNG\r\n\x1a\n"


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments],
        cwd=directory,
        env={**os.environ, "MPLCONFIGDIR": str(directory)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def check(day: Path, directory: Path) -> None:
    ran = run(directory, str(day), "picture.png")
    assert (ran.returncode, ran.stderr) == (0, "")
    flow = from_itch(day, 2)
    rows = rows_of(flow)
    events = venue_of(flow).apply(rows).events
    trades = int((events["type"] == EventType.EXECUTED).sum())
    said = f"{day.name}: {len(rows):,} commands, {len(events):,} events, {trades:,} trades of "
    assert trades > 0
    assert ran.stdout.startswith(said)
    picture = (directory / "picture.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) < IMAGE_BYTES_MAX


def test_a_day_that_is_made_here_is_replayed_and_drawn(tmp_path: Path) -> None:
    check(write_day(tmp_path / "day.itch"), tmp_path)


@pytest.mark.needs_data(REAL_DAY)
def test_the_real_day_is_replayed_and_drawn(tmp_path: Path) -> None:
    check((ROOT / REAL_DAY).resolve(), tmp_path)


def test_the_program_says_how_it_is_used(tmp_path: Path) -> None:
    ran = run(tmp_path)
    assert ran.returncode == 1
    assert ran.stderr == "usage: replay_itch.py DAY.itch [IMAGE.png]\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "No such file or directory"),
        (b"root:x:0:0\n", "ITCH file: message 1 at offset 0: found the end of the data"),
        (b"", "found no orders, expected some"),
    ],
)
def test_a_file_that_is_no_day_is_one_line(data: bytes | None, said: str, tmp_path: Path) -> None:
    day = tmp_path / "day.itch"
    if data is not None:
        day.write_bytes(data)
    ran = run(tmp_path, str(day))
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"replay_itch.py: {day}: {said}")


def test_the_document_shows_the_picture() -> None:
    text = (ROOT / "docs" / "LIBRARY.md").read_text()
    assert "](images/replay_itch.png)" in text
    picture = (ROOT / "docs" / "images" / "replay_itch.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) < IMAGE_BYTES_MAX
