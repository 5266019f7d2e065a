"""Goal: the reader gives every sound frame and tells a crash's traces from damage. Method: segment
files are written by a second, independent writer of the format and then cut or damaged at chosen
places."""

import errno
import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.journal.journal_bytes import (
    SECTOR_BYTES,
    SEGMENT_HEADER_BYTES,
    frames_numbered,
    mark,
    record,
    segment_header,
    segment_path,
    write_segment,
)

from ironcore.base.files import HostDirectory
from ironcore.stream.journal_reader import JournalCorruptError, JournalReader
from ironcore.stream.journal_recovery import recover


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x10
    path.write_bytes(data)


def record_offset(frames: list[tuple[int, bytes]], index: int) -> int:
    return SEGMENT_HEADER_BYTES + sum(len(record(*f)) for f in frames[:index])


def test_an_empty_directory_is_an_empty_journal(tmp_path: Path) -> None:
    assert list(JournalReader(tmp_path)) == []
    report = recover(tmp_path)
    assert (report.last_sequence, report.segments, report.segment) == (0, 0, "")


def test_a_missing_directory_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        JournalReader(tmp_path / "none")


def test_frames_of_all_segments_come_in_order(tmp_path: Path) -> None:
    frames = frames_numbered(1, 30)
    for part in (frames[20:], frames[:7], frames[7:20]):
        write_segment(tmp_path, part)
    (tmp_path / "0000000000000003.journal.cut").write_bytes(b"not a segment")
    (tmp_path / "notes.journal").write_bytes(b"not a segment either")
    assert list(JournalReader(tmp_path)) == frames
    report = JournalReader(tmp_path).verify()
    assert report.stream_name == "TESTSTREAM"
    assert (report.segments, report.frames, report.last_sequence) == (3, 30, 30)
    assert (report.fault, report.torn_bytes) == ("", 0)
    assert report.segment == "0000000000000021.journal"


def test_reading_may_begin_at_any_sequence(tmp_path: Path) -> None:
    frames = frames_numbered(1, 30)
    for part in (frames[:7], frames[7:20], frames[20:]):
        write_segment(tmp_path, part)
    for first in range(1, 32):
        assert list(JournalReader(tmp_path, first)) == frames[first - 1 :]


def test_a_journal_may_begin_late_when_old_segments_were_moved_away(tmp_path: Path) -> None:
    frames = frames_numbered(101, 5)
    write_segment(tmp_path, frames)
    assert list(JournalReader(tmp_path)) == frames
    assert recover(tmp_path).first_sequence == 101


def test_durability_marks_are_not_frames(tmp_path: Path) -> None:
    a, b = frames_numbered(1, 2)
    segment_path(tmp_path, 1).write_bytes(
        segment_header(1) + mark(0) + record(*a) + mark(1) + record(*b) + mark(2)
    )
    assert list(JournalReader(tmp_path)) == [a, b]


def test_a_mark_with_another_sequence_is_damage(tmp_path: Path) -> None:
    (a,) = frames_numbered(1, 1)
    segment_path(tmp_path, 1).write_bytes(segment_header(1) + record(*a) + mark(7))
    with pytest.raises(JournalCorruptError, match="sequence 7 found, expected 2"):
        recover(tmp_path)


def test_a_journal_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    frames = frames_numbered(1, 3)
    write_segment(tmp_path, frames).chmod(0o444)
    tmp_path.chmod(0o755)
    reader = JournalReader(tmp_path)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may write whatever the mode says
    try:
        assert list(reader) == frames
    finally:
        os.seteuid(user)


def test_a_segment_that_cannot_be_opened_is_an_os_error(tmp_path: Path) -> None:
    segment_path(tmp_path, 1).symlink_to("elsewhere")
    with pytest.raises(OSError, match=r"0000000000000001\.journal") as caught:
        list(JournalReader(tmp_path))
    assert caught.value.errno == errno.ELOOP


def test_every_cut_of_the_newest_segment_recovers_the_frames_before_it(tmp_path: Path) -> None:
    old = frames_numbered(1, 3)
    new = frames_numbered(4, 4, payload_bytes=21)
    write_segment(tmp_path, old)
    path = write_segment(tmp_path, new)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        kept = sum(record_offset(new, i + 1) <= length for i in range(len(new)))
        assert list(JournalReader(tmp_path)) == old + new[:kept]
        report = recover(tmp_path)
        assert report.last_sequence == 3 + kept
        if length < SEGMENT_HEADER_BYTES:
            assert not path.exists()
            assert report.segment == ""
        else:
            sound_bytes = record_offset(new, kept)
            assert (report.segment, report.offset) == (path.name, sound_bytes)
            assert report.torn_bytes == length - sound_bytes
            assert path.stat().st_size == sound_bytes
        assert JournalReader(tmp_path).verify().torn_bytes == 0


@settings(max_examples=60, deadline=None)
@given(
    payloads=st.lists(st.binary(min_size=1, max_size=1280), min_size=1, max_size=40),
    cuts=st.lists(st.integers(1, 39), max_size=5),
    tail=st.binary(max_size=60),
)
def test_any_frames_in_any_segments_with_any_tail_come_back(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes], cuts: list[int], tail: bytes
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    frames = list(enumerate(payloads, 1))
    edges = [0, *sorted({c for c in cuts if c < len(frames)}), len(frames)]
    for begin, end in itertools.pairwise(edges):
        path = write_segment(directory, frames[begin:end])
    with path.open("ab") as file:
        file.write(tail)
    assert list(JournalReader(directory)) == frames
    report = recover(directory)
    assert (report.last_sequence, report.torn_bytes) == (len(frames), len(tail))
    assert list(JournalReader(directory)) == frames


@pytest.mark.parametrize("index", range(6))
def test_a_damaged_record_before_sound_ones_is_refused_by_name(tmp_path: Path, index: int) -> None:
    frames = frames_numbered(1, 7)
    path = write_segment(tmp_path, frames)
    for within in (0, 2, 5, 9, 17, 50):
        whole = path.read_bytes()
        flip(path, record_offset(frames, index) + within)
        damaged = path.read_bytes()
        with pytest.raises(JournalCorruptError) as caught:
            recover(tmp_path)
        error = caught.value
        assert error.segment == path.name
        assert error.offset == record_offset(frames, index)
        assert error.last_sequence == index
        for part in (path.name, f"offset {error.offset}", f"truncate at {index}"):
            assert part in str(error)
        assert path.read_bytes() == damaged
        with pytest.raises(JournalCorruptError):
            list(JournalReader(tmp_path))
        assert JournalReader(tmp_path).verify().fault != ""
        path.write_bytes(whole)


def test_a_damaged_record_at_the_very_end_is_a_torn_write(tmp_path: Path) -> None:
    frames = frames_numbered(1, 4)
    path = write_segment(tmp_path, frames)
    flip(path, path.stat().st_size - 3)
    report = recover(tmp_path)
    assert (report.last_sequence, report.torn_bytes) == (3, len(record(*frames[3])))


def test_a_damaged_record_before_a_durability_mark_is_refused(tmp_path: Path) -> None:
    frames = frames_numbered(1, 4)
    path = write_segment(tmp_path, frames)
    with path.open("ab") as file:
        file.write(mark(4))
    flip(path, record_offset(frames, 3) + 20)
    with pytest.raises(JournalCorruptError, match="last good sequence 3"):
        recover(tmp_path)


def unsynced_tail(tmp_path: Path, synced: int) -> tuple[Path, list[tuple[int, bytes]]]:
    frames = frames_numbered(1, 100, payload_bytes=72)
    path = segment_path(tmp_path, 1)
    records = [record(*f) for f in frames]
    path.write_bytes(
        segment_header(1) + b"".join(records[:synced]) + mark(synced) + b"".join(records[synced:])
    )
    return path, frames


@pytest.mark.parametrize("behind", [0, 1, 3])
def test_a_sector_that_never_reached_the_disk_is_a_torn_write(tmp_path: Path, behind: int) -> None:
    path, frames = unsynced_tail(tmp_path, synced=10)
    data = bytearray(path.read_bytes())
    sector = (record_offset(frames, 10) // SECTOR_BYTES + 1 + behind) * SECTOR_BYTES
    data[sector : sector + SECTOR_BYTES] = bytes(SECTOR_BYTES)
    path.write_bytes(data)
    report = recover(tmp_path)
    assert report.last_sequence >= 10
    assert path.stat().st_size <= sector
    assert list(JournalReader(tmp_path)) == frames[: report.last_sequence]


def test_a_sector_left_in_its_earlier_state_is_a_torn_write(tmp_path: Path) -> None:
    path, frames = unsynced_tail(tmp_path, synced=10)
    data = bytearray(path.read_bytes())
    end = record_offset(frames, 10)
    sector_end = (end // SECTOR_BYTES + 1) * SECTOR_BYTES
    assert sector_end - end > 16
    data[end:sector_end] = bytes(sector_end - end)
    path.write_bytes(data)
    assert recover(tmp_path).last_sequence == 10


def test_a_missing_sector_before_a_durability_mark_is_refused(tmp_path: Path) -> None:
    path, _ = unsynced_tail(tmp_path, synced=60)
    data = bytearray(path.read_bytes())
    data[2 * SECTOR_BYTES : 3 * SECTOR_BYTES] = bytes(SECTOR_BYTES)
    path.write_bytes(data)
    with pytest.raises(JournalCorruptError):
        recover(tmp_path)


def three_segments(directory: Path) -> list[Path]:
    frames = frames_numbered(1, 12)
    return [write_segment(directory, frames[i : i + 4]) for i in (0, 4, 8)]


def test_a_segment_cut_short_before_its_successor_is_refused(tmp_path: Path) -> None:
    paths = three_segments(tmp_path)
    with paths[1].open("r+b") as file:
        file.truncate(paths[1].stat().st_size - 5)
    with pytest.raises(JournalCorruptError) as caught:
        recover(tmp_path)
    assert (caught.value.segment, caught.value.last_sequence) == (paths[1].name, 7)


def test_a_segment_that_ends_early_at_a_record_is_refused(tmp_path: Path) -> None:
    paths = three_segments(tmp_path)
    with paths[1].open("r+b") as file:
        file.truncate(paths[1].stat().st_size - len(record(8, bytes(40))))
    with pytest.raises(JournalCorruptError, match="begins with sequence 8 is missing"):
        recover(tmp_path)


def test_a_missing_segment_is_refused(tmp_path: Path) -> None:
    paths = three_segments(tmp_path)
    paths[1].unlink()
    with pytest.raises(JournalCorruptError) as caught:
        recover(tmp_path)
    assert (caught.value.segment, caught.value.last_sequence) == (paths[0].name, 4)


@pytest.mark.parametrize("index", [0, 1])
def test_a_damaged_header_of_an_older_segment_is_refused(tmp_path: Path, index: int) -> None:
    paths = three_segments(tmp_path)
    flip(paths[index], 9)
    with pytest.raises(JournalCorruptError, match="header") as caught:
        recover(tmp_path)
    assert (caught.value.segment, caught.value.offset) == (paths[index].name, 0)
    assert caught.value.last_sequence == index * 4


def test_a_damaged_header_before_sound_records_is_refused(tmp_path: Path) -> None:
    paths = three_segments(tmp_path)
    flip(paths[2], 30)
    with pytest.raises(JournalCorruptError, match="header") as caught:
        recover(tmp_path)
    assert caught.value.last_sequence == 8


def test_a_segment_of_another_stream_is_refused(tmp_path: Path) -> None:
    frames = frames_numbered(1, 4)
    write_segment(tmp_path, frames[:2])
    segment_path(tmp_path, 3).write_bytes(
        segment_header(3, b"OTHER") + b"".join(record(*f) for f in frames[2:])
    )
    with pytest.raises(JournalCorruptError, match="header"):
        recover(tmp_path)


def test_a_repeated_sequence_is_refused(tmp_path: Path) -> None:
    (a, b) = frames_numbered(1, 2)
    write_segment(tmp_path, [a, b, b])
    with pytest.raises(JournalCorruptError, match="sequence 2 found, expected 3"):
        recover(tmp_path)


def test_truncating_puts_aside_what_follows_the_damage(tmp_path: Path) -> None:
    paths = three_segments(tmp_path)
    flip(paths[1], SEGMENT_HEADER_BYTES + len(record(5, bytes(40))) + 20)
    cut = record_offset(frames_numbered(5, 4), 1)
    removed = paths[1].read_bytes()[cut:]
    newest = paths[2].read_bytes()
    report = recover(tmp_path, truncate_at=5)
    assert (report.last_sequence, report.segment, report.offset) == (5, paths[1].name, cut)
    assert list(JournalReader(tmp_path)) == frames_numbered(1, 5)
    assert (tmp_path / f"{paths[1].name}.cut-{cut}").read_bytes() == removed
    assert (tmp_path / f"{paths[2].name}.cut").read_bytes() == newest
    assert recover(tmp_path, truncate_at=5).last_sequence == 5


@pytest.mark.parametrize("damage", ["header", "record", "missing"])
def test_truncating_before_a_whole_segment_puts_it_aside(tmp_path: Path, damage: str) -> None:
    paths = three_segments(tmp_path)
    if damage == "missing":
        paths[1].unlink()
    else:
        flip(paths[1], 9 if damage == "header" else SEGMENT_HEADER_BYTES + 4)
    report = recover(tmp_path, truncate_at=4)
    assert report.last_sequence == 4
    assert list(JournalReader(tmp_path)) == frames_numbered(1, 4)
    assert not paths[2].exists()


def test_truncating_elsewhere_than_at_the_damage_is_refused(tmp_path: Path) -> None:
    paths = three_segments(tmp_path)
    with pytest.raises(ValueError, match="sound up to its end, sequence 12"):
        recover(tmp_path, truncate_at=11)
    flip(paths[1], SEGMENT_HEADER_BYTES + 20)
    with pytest.raises(ValueError, match="last good sequence before the damage is 4"):
        recover(tmp_path, truncate_at=3)
    assert paths[2].exists()


@pytest.mark.parametrize("newest_only", [False, True])
def test_recovery_writes_the_last_mark_again(tmp_path: Path, newest_only: bool) -> None:
    """What is before a mark is durable, the mark itself is not: a sync of it may have failed."""
    frames = frames_numbered(1, 3)
    path = write_segment(tmp_path, frames)
    offset = path.stat().st_size
    path.write_bytes(path.read_bytes() + mark(3))
    os.utime(path, ns=(0, 0))
    report = recover(tmp_path, newest_only=newest_only)
    assert (report.last_sequence, report.durable_offset) == (3, offset)
    assert path.stat().st_mtime_ns != 0, "nothing was written"
    assert path.read_bytes()[offset:] == mark(3)


def test_recovery_of_the_newest_segment_alone_finds_the_end(tmp_path: Path) -> None:
    paths = three_segments(tmp_path)
    flip(paths[0], 80)
    report = recover(HostDirectory(tmp_path), newest_only=True)
    assert (report.last_sequence, report.frames) == (12, 4)
    assert report.offset == paths[2].stat().st_size
    paths[2].write_bytes(paths[2].read_bytes()[:10])
    report = recover(tmp_path, newest_only=True)
    assert (report.last_sequence, report.segment) == (8, "")


def test_a_reader_sees_what_is_appended_while_it_reads(tmp_path: Path) -> None:
    frames = frames_numbered(1, 6)
    path = write_segment(tmp_path, frames[:2])
    reading = iter(JournalReader(tmp_path))
    assert next(reading) == frames[0]
    with path.open("ab") as file:
        file.write(record(*frames[2]) + record(*frames[3])[:9])
        file.flush()
        assert [next(reading), next(reading)] == frames[1:3]
        file.write(record(*frames[3])[9:])
    write_segment(tmp_path, frames[4:])
    assert list(reading) == frames[3:]
