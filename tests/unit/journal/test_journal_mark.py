"""Goal: the high-water mark says what is durable, in its documented bytes, and recovery refuses
what is behind it without changing a file.

Method: journals written by the stage or by hand, marks written a second time from docs/WIRE.md.
"""

import struct
from pathlib import Path

import pytest
from tests.unit.journal.journal_bytes import (
    STREAM_NAME,
    crc32c,
    frames_numbered,
    segment_path,
    write_segment,
)

from ironcore.stream.journal_reader import JournalCorruptError, read_mark
from ironcore.stream.journal_recovery import JournalBehindError, recover

IDENTITY = "00112233445566778899aabbccddeeff"
OTHER = "ff" * 16


def mark_bytes(
    sequence: int,
    segment: int,
    identity: str = IDENTITY,
    name: bytes = STREAM_NAME,
    version: int = 1,
) -> bytes:
    head = struct.pack(
        "<8sIIQQ16s10s2x",
        b"IRONMARK",
        version,
        64,
        sequence,
        segment,
        bytes.fromhex(identity),
        name,
    )
    return head + struct.pack("<I", crc32c(head))


def two_segments(directory: Path) -> None:
    write_segment(directory, frames_numbered(1, 5))
    write_segment(directory, frames_numbered(6, 5))


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def refused(directory: Path, *, held: tuple[int, int] = (1, 0)) -> str:
    before = contents(directory)
    with pytest.raises(JournalBehindError) as caught:
        recover(directory, held=held, identity=IDENTITY)
    assert contents(directory) == before
    return str(caught.value)


def test_recovery_writes_the_documented_bytes(tmp_path: Path) -> None:
    two_segments(tmp_path)
    recover(tmp_path, identity=IDENTITY)
    assert (tmp_path / "journal.mark").read_bytes() == mark_bytes(10, 6)
    assert not (tmp_path / "journal.mark.new").exists()


def test_an_empty_directory_gets_no_mark(tmp_path: Path) -> None:
    recover(tmp_path, identity=IDENTITY)
    assert contents(tmp_path) == {}


def test_a_journal_ahead_of_its_mark_is_normal(tmp_path: Path) -> None:
    two_segments(tmp_path)
    (tmp_path / "journal.mark").write_bytes(mark_bytes(5, 1))
    (tmp_path / "journal.mark.new").write_bytes(bytes(200))  # an interrupted write
    assert recover(tmp_path, identity=IDENTITY).last_sequence == 10
    assert (tmp_path / "journal.mark").read_bytes() == mark_bytes(10, 6)


@pytest.mark.parametrize(
    ("mark", "part"),
    [
        (mark_bytes(11, 6), "durable up to sequence 11"),
        (mark_bytes(10, 11), "0000000000000011.journal had been begun"),
        (mark_bytes(10, 6)[:63], "damaged"),
        (b"", "damaged"),
        (mark_bytes(10, 6, identity=OTHER), OTHER),
        (mark_bytes(10, 6, name=b"OTHER"), "'OTHER'"),
        (mark_bytes(10, 6, version=2), "found version 2, expected 1"),
    ],
)
def test_a_mark_against_the_journal_is_refused_with_where_it_ends(
    tmp_path: Path, mark: bytes, part: str
) -> None:
    two_segments(tmp_path)
    (tmp_path / "journal.mark").write_bytes(mark)
    said = refused(tmp_path)
    assert part in said
    assert "ends at sequence 10" in said
    assert "truncate at 10" in said
    recover(tmp_path, truncate_at=10, identity=IDENTITY)
    recover(tmp_path, identity=IDENTITY)
    found = read_mark(tmp_path)
    assert found is not None
    assert (found.sequence, found.identity) == (10, IDENTITY)


def test_what_the_old_ring_holds_counts_and_the_mark_stays(tmp_path: Path) -> None:
    two_segments(tmp_path)
    (tmp_path / "journal.mark").write_bytes(mark_bytes(20, 16))
    refused(tmp_path, held=(12, 30))
    refused(tmp_path, held=(8, 19))
    recover(tmp_path, held=(11, 20), identity=IDENTITY)
    assert (tmp_path / "journal.mark").read_bytes() == mark_bytes(20, 16)


def test_a_journal_behind_what_the_old_ring_has_given_it_is_refused(tmp_path: Path) -> None:
    two_segments(tmp_path)
    (tmp_path / "journal.mark").write_bytes(mark_bytes(7, 6))  # a kill left it behind
    before = contents(tmp_path)
    for held in ((13, 12), (13, 15)):
        with pytest.raises(JournalCorruptError, match=r"up to 12\b.* last good sequence 10\b"):
            recover(tmp_path, held=held, identity=IDENTITY)
        assert contents(tmp_path) == before
    assert recover(tmp_path, held=(11, 10), identity=IDENTITY).last_sequence == 10
    assert recover(tmp_path, truncate_at=10, held=(13, 12), identity=IDENTITY).last_sequence == 10


def test_a_headerless_segment_is_set_aside_each_time_under_a_free_name(tmp_path: Path) -> None:
    write_segment(tmp_path, frames_numbered(1, 5))
    (tmp_path / "journal.mark").write_bytes(mark_bytes(5, 6))
    odd = segment_path(tmp_path, 6)
    for content, ending in ((b"first", "odd"), (b"second", "odd-2")):
        odd.write_bytes(content)
        assert recover(tmp_path, identity=IDENTITY).set_aside == f"{odd.name}.{ending}"
        assert (tmp_path / f"{odd.name}.{ending}").read_bytes() == content
        assert not odd.exists()
    assert recover(tmp_path, identity=IDENTITY).last_sequence == 5


def test_a_segment_that_two_cuts_put_aside_is_kept_twice(tmp_path: Path) -> None:
    write_segment(tmp_path, frames_numbered(1, 5))
    for payload_bytes in (40, 48):
        lost = write_segment(tmp_path, frames_numbered(9, 2, payload_bytes))
        content = lost.read_bytes()
        recover(tmp_path, truncate_at=5)
        assert content in contents(tmp_path).values()
    assert len(list(tmp_path.glob("*.cut*"))) >= 2
