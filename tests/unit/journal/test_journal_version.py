"""Goal: a journal or a ring of an older release is refused, by name, and left as it is. Method: a
journal that such a release has written, and rings whose header says its version."""

import re
import shutil
import struct
from pathlib import Path

import pytest

from ironcore.ring import broadcast, spsc
from ironcore.ring.mapped_file import SegmentError
from ironcore.runtime.replay import Replay
from ironcore.stream.journal_reader import JournalReader, JournalVersionError
from ironcore.stream.journal_recovery import recover
from ironpit import cli

KEPT = Path(__file__).parent / "version_2"
SEGMENT = "0000000000000001.journal"
REFUSAL = (
    f"^journal segment {SEGMENT}: records of version 2 found, expected 3: "
    "read it with the release that wrote it; a new stream needs a new journal directory$"
)
RING_VERSION_AT = 8


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return Path(shutil.copytree(KEPT, tmp_path / "journal"))


@pytest.mark.parametrize("truncate_at", [None, 0])
def test_a_journal_of_version_2_is_refused_and_not_touched(
    journal: Path, truncate_at: int | None
) -> None:
    with pytest.raises(JournalVersionError, match=REFUSAL):
        recover(journal, truncate_at)
    assert [path.name for path in journal.iterdir()] == [SEGMENT]
    assert (journal / SEGMENT).read_bytes() == (KEPT / SEGMENT).read_bytes()


def test_no_frame_of_version_2_is_read(journal: Path) -> None:
    with pytest.raises(JournalVersionError, match=REFUSAL):
        list(JournalReader(journal))
    report = JournalReader(journal).verify()
    assert (report.frames, report.offset) == (0, 0)
    assert report.fault.startswith("records of version 2 found, expected 3")


def test_a_replay_of_version_2_is_refused(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(JournalVersionError, match=REFUSAL):
        Replay(journal).run()
    assert cli.main(["replay", str(journal)]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert re.search(REFUSAL.removeprefix("^"), said)


def test_a_replay_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found no frame, expected a journal"):
        Replay(tmp_path).run()


@pytest.mark.parametrize("found", [1, 2])
def test_rings_of_an_older_release_are_refused(tmp_path: Path, found: int) -> None:
    orders, events = tmp_path / "orders.ring", tmp_path / "events.ring"
    spsc.create(orders, 4096)
    broadcast.create(events, 4096, {})
    for path, opener in ((orders, spsc.Consumer), (events, broadcast.LossyReader)):
        with path.open("r+b") as file:
            file.seek(RING_VERSION_AT)
            file.write(struct.pack("<I", found))
        said = (
            f"{path.name}: layout version: found {found}, expected 3: stop the venue with the "
            "release that wrote it, then remove this file"
        )
        with pytest.raises(SegmentError, match=said):
            opener(path)
