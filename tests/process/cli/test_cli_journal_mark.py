"""Goal: a venue never goes on behind a journal that has lost what was durable: it refuses with what
the high-water mark says and what the journal has, changes nothing, and starts when the right files
are back; and who reads such a journal is warned.

Method: real processes trade over several segments, stop or are killed; then the journal is harmed.
"""

import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.process.cli.test_cli_venue import MESSAGES, ironpit, load

from ironcore.stream.journal_reader import JournalMarked, JournalReader, read_mark
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue
from ironpit.flow import generate

REFUSED = 3
SEGMENTS = 3
HEADER_BYTES = 64
RECORD = struct.Struct("<IIQ")
MARK = "journal.mark"


@pytest.fixture
def venue() -> Iterator[TemporaryVenue]:
    settings = settings_of(generate(2, MESSAGES), Options())
    settings["journal"] = {**settings.get("journal", {}), "segment": "1MiB"}
    with closing(TemporaryVenue(settings)) as venue:
        yield venue


def traded(venue: TemporaryVenue, killed: bool) -> tuple[Path, list[Path], JournalMarked]:
    """The journal of a venue that has traded, its segments and its mark."""
    venue.start()
    while len(list(venue.config.journal.directory.glob("*.journal"))) < SEGMENTS:
        load(venue)
    if killed:
        assert venue.process is not None
        venue.process.kill()
        venue.process.wait()
        venue.process = None
    else:
        assert venue.stop() == 0
    directory = venue.config.journal.directory
    segments = sorted(directory.glob("*.journal"))
    assert len(segments) >= SEGMENTS
    marked = read_mark(directory)
    assert marked is not None
    assert marked.fault == ""
    return directory, segments, marked


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.suffix != ".lock"}


def last_of(directory: Path) -> int:
    return JournalReader(directory).verify().last_sequence


def older_copy(segment: Path) -> bytes:
    """The segment as it was when it had half of its records, all of them sound."""
    found = segment.read_bytes()
    offset = HEADER_BYTES
    while offset < len(found) // 2:
        offset += RECORD.size + (RECORD.unpack_from(found, offset)[0] + 7 & ~7)
    return found[:offset]


def refusal(venue: TemporaryVenue) -> str:
    """What a start says that is refused, and changes nothing in the journal."""
    before = contents(venue.config.journal.directory)
    said = ironpit("run", "-c", str(venue.file), code=REFUSED).stderr
    assert contents(venue.config.journal.directory) == before
    return said


def starts(venue: TemporaryVenue) -> None:
    venue.start()
    load(venue)
    assert venue.stop() == 0


@pytest.mark.parametrize("killed", [False, True])
def test_a_journal_without_its_newest_segment_is_refused_until_it_is_back(
    venue: TemporaryVenue, killed: bool, tmp_path: Path
) -> None:
    directory, segments, marked = traded(venue, killed)
    whole = last_of(directory)
    if killed:
        assert marked.sequence <= whole
    else:
        assert marked.sequence == whole
    assert marked.segment == segments[-1].name
    segments[-1].rename(tmp_path / "kept")
    said = refusal(venue)
    for part in (
        f"sequence {marked.sequence}",
        f"ends at sequence {last_of(directory)}",
        segments[-1].name,
        f"--truncate-at {last_of(directory)}",
        str(directory),
    ):
        assert part in said
    (tmp_path / "kept").rename(segments[-1])
    starts(venue)
    assert last_of(directory) > whole


def test_an_older_copy_of_the_newest_segment_is_refused_until_the_newer_one_is_back(
    venue: TemporaryVenue,
) -> None:
    directory, segments, marked = traded(venue, False)
    newest = segments[-1].read_bytes()
    segments[-1].write_bytes(older_copy(segments[-1]))
    assert int(segments[-1].stem) <= last_of(directory) < marked.sequence
    said = refusal(venue)
    assert f"durable up to sequence {marked.sequence}" in said
    assert f"ends at sequence {last_of(directory)}" in said
    segments[-1].write_bytes(newest)
    starts(venue)


@pytest.mark.parametrize("bytes_left", [0, 17])
def test_a_newest_segment_cut_to_less_than_its_header_is_refused_and_kept(
    venue: TemporaryVenue, bytes_left: int
) -> None:
    directory, segments, marked = traded(venue, False)
    newest = segments[-1].read_bytes()
    segments[-1].write_bytes(newest[:bytes_left])
    said = refusal(venue)
    assert f"durable up to sequence {marked.sequence}" in said
    assert f"ends at sequence {last_of(directory)}" in said
    segments[-1].write_bytes(newest)
    starts(venue)


def test_a_journal_without_a_middle_segment_is_refused_until_it_is_back(
    venue: TemporaryVenue, tmp_path: Path
) -> None:
    _, segments, _ = traded(venue, False)
    segments[1].rename(tmp_path / "kept")
    said = refusal(venue)
    assert f"the segment that begins with sequence {int(segments[1].stem)} is missing" in said
    (tmp_path / "kept").rename(segments[1])
    starts(venue)


def test_a_journal_without_its_oldest_segment_is_refused_until_it_is_back(
    venue: TemporaryVenue, tmp_path: Path
) -> None:
    _, segments, _ = traded(venue, True)
    segments[0].rename(tmp_path / "kept")
    said = refusal(venue)
    assert f"found {int(segments[1].stem)} as its oldest frame, expected 1" in said
    (tmp_path / "kept").rename(segments[0])
    starts(venue)


def test_an_older_copy_after_a_kill_is_refused_by_what_the_ring_has_given(
    venue: TemporaryVenue,
) -> None:
    directory, segments, _ = traded(venue, True)
    (directory / MARK).unlink()
    newest, whole = segments[-1].read_bytes(), last_of(directory)
    segments[-1].write_bytes(older_copy(segments[-1]))
    said = refusal(venue)
    assert f"last good sequence {last_of(directory)}" in said
    assert f"--truncate-at {last_of(directory)}" in said
    segments[-1].write_bytes(newest)
    starts(venue)
    assert last_of(directory) > whole


def test_a_mark_that_the_host_does_not_read_is_refused(venue: TemporaryVenue) -> None:
    venue.start()
    assert venue.stop() == 0
    mark = venue.config.journal.directory / MARK
    mark.unlink()
    mark.mkdir()
    said = ironpit("run", "-c", str(venue.file), code=REFUSED).stderr
    assert "Is a directory" in said
    assert "Traceback" not in said


def test_all_segments_gone_beside_a_mark_are_refused(venue: TemporaryVenue, tmp_path: Path) -> None:
    _, segments, marked = traded(venue, False)
    for segment in segments:
        segment.rename(tmp_path / segment.name)
    said = refusal(venue)
    assert f"durable up to sequence {marked.sequence}" in said
    assert "the journal ends at sequence 0" in said
    for segment in segments:
        (tmp_path / segment.name).rename(segment)
    starts(venue)


def flipped(mark: bytes) -> bytes:
    return mark[:16] + bytes([mark[16] ^ 1]) + mark[17:]


def cut(mark: bytes) -> bytes:
    return mark[:40]


@pytest.mark.parametrize("harm", [flipped, cut])
def test_a_damaged_mark_is_refused_until_the_right_one_is_back(
    venue: TemporaryVenue, harm: Callable[[bytes], bytes]
) -> None:
    directory, _, _ = traded(venue, False)
    good = (directory / MARK).read_bytes()
    (directory / MARK).write_bytes(harm(good))
    said = refusal(venue)
    assert "journal.mark: it is damaged" in said
    assert f"the journal ends at sequence {last_of(directory)}" in said
    (directory / MARK).write_bytes(good)
    starts(venue)


def test_a_mark_of_another_stream_is_refused_and_kept_aside_when_it_is_given_up(
    venue: TemporaryVenue,
) -> None:
    directory, _, marked = traded(venue, False)
    last = last_of(directory)
    settings = settings_of(generate(2, MESSAGES), Options())
    with closing(TemporaryVenue(settings)) as other:
        other.start()
        assert other.stop() == 0
        foreign = (other.config.journal.directory / MARK).read_bytes()
        its = read_mark(other.config.journal.directory)
    assert its is not None
    (directory / MARK).write_bytes(foreign)
    said = refusal(venue)
    for part in (its.identity, marked.identity, f"sequence {its.sequence}", f"sequence {last}"):
        assert part in said
    command = ("run", "-c", str(venue.file), "--truncate-at", str(last))
    truncated(venue, command)
    assert (directory / f"{MARK}.odd").read_bytes() == foreign


def truncated(venue: TemporaryVenue, command: tuple[str, ...]) -> str:
    """A start with --truncate-at, and a stop: what it said."""
    with subprocess.Popen(
        [sys.executable, "-m", "ironpit", *command], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = ""
        while "takes orders on" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.terminate()
        process.stderr.read()
        assert process.wait(60) == 0
    return said


def test_a_journal_of_before_the_mark_is_accepted_and_gets_one(venue: TemporaryVenue) -> None:
    directory, _, _ = traded(venue, False)
    (directory / MARK).unlink()
    starts(venue)
    marked = read_mark(directory)
    assert marked is not None
    assert marked.sequence == last_of(directory)


@pytest.mark.parametrize("killed", [False, True])
def test_truncating_goes_on_without_the_segment_and_sets_the_mark_back(
    venue: TemporaryVenue, killed: bool, tmp_path: Path
) -> None:
    directory, segments, marked = traded(venue, killed)
    segments[-1].rename(tmp_path / "lost")
    last = last_of(directory)
    refusal(venue)
    ironpit("run", "-c", str(venue.file), "--truncate-at", str(last - 1), code=REFUSED)
    said = truncated(venue, ("run", "-c", str(venue.file), "--truncate-at", str(last)))
    assert f"journal.mark is set back to sequence {last}" in said
    assert f"durable up to sequence {marked.sequence}" in said
    starts(venue)


def test_replay_warns_of_a_journal_behind_its_mark(venue: TemporaryVenue, tmp_path: Path) -> None:
    directory, segments, marked = traded(venue, False)
    assert ironpit("replay", str(directory)).stderr == ""
    segments[-1].rename(tmp_path / "lost")
    said = ironpit("replay", str(directory)).stderr
    assert re.search(
        f"durable up to sequence {marked.sequence}, and it ends at sequence {last_of(directory)}",
        said,
    )
