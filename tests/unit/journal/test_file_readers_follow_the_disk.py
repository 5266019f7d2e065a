"""Goal: who reads the files of a journal that is being written with `durability: before-reply` sees
what is on the disk, and nothing else; of every other journal, all that is in it.

Method: a venue's journal whose fdatasync is refused by the host, read with `JournalReader`,
`Replay` and `ironpit replay`; and journals written byte by byte that a second descriptor claims, as
the journal's stage does, so that each way in which the files can end is met. What takes the refused
syncs takes the writes as well, so that the test writes for the journal what the kernel would have.
"""

import errno
import fcntl
import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.model import records as r
from tests.unit.journal.journal_bytes import (
    frames_numbered,
    mark,
    record,
    segment_header,
    segment_path,
)
from tests.unit.journal.test_journal_reader import flip
from tests.unit.journal.test_journal_stage import Stream
from tests.unit.journal.test_readers_wait_for_the_journal import Venue

from ironcore.runtime.replay import Replay
from ironcore.stream.journal_reader import JournalCorruptError, JournalReader, read_mark
from ironcore.stream.journal_recovery import recover
from ironpit import cli

STATUS_IO = 11
FLAGS_AT = 1
LIMITS = r.Limits(orders_max=64, user_ref_bits=10)


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """As the journal's stage claims the segment that it writes."""
    descriptor = os.open(path, os.O_RDWR)
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
    yield
    os.close(descriptor)


def read(directory: Path, first: int = 0, *, unsynced: bool = False) -> list[int]:
    return [n for n, _ in JournalReader(directory, first, unsynced=unsynced)]


def commands(first: int, count: int) -> list[bytes]:
    """Frames that an engine can replay: the beginning of a stream, and a CLOCK a minute."""
    records = []
    for number in range(first, first + count):
        command = bytearray(r.stream_start(LIMITS) if number == 1 else r.clock(60 * number))
        command[FLAGS_AT] |= r.LAST
        records.append(bytes(command))
    return records


def offer(venue: Venue, first: int, count: int) -> None:
    for payload in commands(first, count):
        assert venue.producer.offer(payload) == 0


def write(venue: Venue, first: int, count: int) -> None:
    """To the segment, and not to the disk."""
    with segment_path(venue.directory, 1).open("ab") as segment:
        for number, payload in enumerate(commands(first, count), first):
            segment.write(record(number, payload))


# A journal that a stage writes


def test_nothing_is_read_that_a_refused_sync_has_left_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    venue = Venue(tmp_path, "before-reply")
    venue.start_journal()
    offer(venue, 1, 3)
    assert venue.journal.poll_once() == 3
    assert venue.journal.poll_once() == 0  # it has time for a durability mark
    allow = venue.refuse_syncs()
    offer(venue, 4, 5)
    assert venue.journal.poll_once() == -STATUS_IO
    write(venue, 4, 5)
    assert JournalReader(venue.directory).verify().last_sequence == 8
    assert read(venue.directory) == [1, 2, 3]
    assert read(venue.directory, 2) == [2, 3]
    assert read(venue.directory, unsynced=True) == list(range(1, 9))
    assert Replay(venue.directory).run().sequence == 3
    assert cli.main(["replay", str(venue.directory), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sequence"] == 3
    allow()
    assert venue.journal.poll_once() >= 0
    assert venue.journal.poll_once() == 0
    assert read(venue.directory) == list(range(1, 9))
    assert Replay(venue.directory).run().sequence == 8


@pytest.mark.parametrize("policy", ["off", "interval"])
def test_with_other_policies_all_that_is_written_is_read(tmp_path: Path, policy: str) -> None:
    venue = Venue(tmp_path, policy)
    venue.start_journal()
    offer(venue, 1, 5)
    assert venue.journal.poll_once() == 5
    assert read(venue.directory) == [1, 2, 3, 4, 5]
    assert Replay(venue.directory).run().sequence == 5


def test_a_journal_whose_writer_is_gone_is_read_to_its_end(tmp_path: Path) -> None:
    venue = Venue(tmp_path, "before-reply")
    venue.start_journal()
    offer(venue, 1, 3)
    assert venue.journal.poll_once() == 3
    refused = venue.refuse_syncs()
    offer(venue, 4, 5)
    assert venue.journal.poll_once() == -STATUS_IO
    write(venue, 4, 5)
    refused()
    del venue.journal
    assert read(venue.directory) == list(range(1, 9))


def test_a_reader_goes_on_where_the_disk_was(tmp_path: Path) -> None:
    venue = Venue(tmp_path, "before-reply")
    venue.start_journal()
    replay = None
    for first in (1, 4, 7):
        offer(venue, first, 3)
        assert venue.journal.poll_once() == 3
        assert venue.journal.poll_once() == 0
        replay = replay or Replay(venue.directory)
        assert replay.run().sequence == first + 2


def test_what_a_restarted_journal_has_made_durable_is_read(tmp_path: Path) -> None:
    """In the segment that it goes on in, nothing says so yet."""
    stream = Stream(tmp_path)
    stream.stage(policy="before-reply").finish()
    path = segment_path(stream.directory, 1)
    frames = frames_numbered(1, 6)
    path.write_bytes(
        segment_header(1)
        + b"".join(record(*f) for f in frames[:3])
        + mark(3)
        + b"".join(record(*f) for f in frames[3:])
    )
    stage = stream.stage(policy="before-reply")
    assert read(stream.directory) == [1, 2, 3]
    assert stage.poll_once() == 0
    assert read(stream.directory) == [1, 2, 3, 4, 5, 6]
    assert path.read_bytes().count(mark(6)) == 1
    assert stage.poll_once() == 0
    assert path.read_bytes().count(mark(6)) == 1


def test_segments_that_are_complete_are_read_whatever_their_successor_waits_for(
    tmp_path: Path,
) -> None:
    stream = Stream(tmp_path)
    stage = stream.stage(policy="before-reply", segment_bytes=1 << 10)
    frames = frames_numbered(1, 60)
    stream.offer(frames)
    while stage.poll_once() > 0:
        pass
    assert len(list(stream.directory.glob("*.journal"))) > 2
    assert list(JournalReader(stream.directory)) == frames


def test_what_the_mark_beside_the_journal_says_is_durable_is_read(tmp_path: Path) -> None:
    """Right behind the first sync of a segment it says more than the marks in the segment do."""
    stream = Stream(tmp_path)
    stage = stream.stage(policy="before-reply")
    stream.offer(frames_numbered(1, 4))
    assert stage.poll_once() == 4
    marked = read_mark(stream.directory)
    assert marked is not None
    assert marked.sequence == 4
    assert mark(4) not in segment_path(stream.directory, 1).read_bytes()
    assert read(stream.directory) == [1, 2, 3, 4]


def test_a_second_journal_does_not_write_into_a_claimed_segment(tmp_path: Path) -> None:
    stream = Stream(tmp_path)
    stage = stream.stage(policy="before-reply")
    stream.offer(frames_numbered(1, 4))
    assert stage.poll_once() == 4
    other = Stream(tmp_path, name="other")
    with pytest.raises(OSError, match=r"0000000000000001\.journal") as refused:
        other.stage(policy="before-reply")
    assert refused.value.errno == errno.EAGAIN


# Files written byte by byte


@pytest.mark.parametrize("behind_the_mark", [0, 1, 3])
def test_a_claimed_segment_ends_at_its_last_mark(tmp_path: Path, behind_the_mark: int) -> None:
    frames = frames_numbered(1, 9 + behind_the_mark)
    path = segment_path(tmp_path, 1)
    path.write_bytes(
        segment_header(1)
        + b"".join(record(*f) for f in frames[:5])
        + mark(5)
        + b"".join(record(*f) for f in frames[5:9])
        + mark(9)
        + b"".join(record(*f) for f in frames[9:])
    )
    with claimed(path):
        assert read(tmp_path) == list(range(1, 10))
        assert read(tmp_path, 7) == [7, 8, 9]
        assert read(tmp_path, 20) == []
    assert list(JournalReader(tmp_path)) == frames


def test_a_claimed_segment_without_a_mark_gives_nothing_yet(tmp_path: Path) -> None:
    frames = frames_numbered(1, 3)
    path = segment_path(tmp_path, 1)
    path.write_bytes(segment_header(1) + b"".join(record(*f) for f in frames))
    with claimed(path):
        assert read(tmp_path) == []
    assert list(JournalReader(tmp_path)) == frames


def test_the_last_mark_is_found_however_far_ahead_it_is(tmp_path: Path) -> None:
    """Much farther than one read reaches."""
    frames = frames_numbered(1, 600, payload_bytes=1200)
    path = segment_path(tmp_path, 1)
    path.write_bytes(
        segment_header(1)
        + b"".join(record(*f) for f in frames[:590])
        + mark(590)
        + b"".join(record(*f) for f in frames[590:])
    )
    with claimed(path):
        assert list(JournalReader(tmp_path)) == frames[:590]


def test_a_write_in_the_making_is_no_damage(tmp_path: Path) -> None:
    frames = frames_numbered(1, 5)
    path = segment_path(tmp_path, 1)
    whole = segment_header(1) + b"".join(record(*f) for f in frames[:3]) + mark(3)
    path.write_bytes(whole + record(*frames[3]) + record(*frames[4])[:20])
    with claimed(path):
        assert read(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize("damaged", [2, 7])
def test_damage_in_a_claimed_segment_is_reported(tmp_path: Path, damaged: int) -> None:
    """Before its last mark, and behind it, where sound records follow."""
    frames = frames_numbered(1, 9)
    path = segment_path(tmp_path, 1)
    records = [record(*f) for f in frames]
    path.write_bytes(segment_header(1) + b"".join(records[:5]) + mark(5) + b"".join(records[5:]))
    flip(path, 64 + sum(len(one) for one in records[:damaged]) + 16 * (damaged > 5) + 20)
    given: list[tuple[int, bytes]] = []
    with claimed(path), pytest.raises(JournalCorruptError, match="checksum"):
        given.extend(JournalReader(tmp_path))
    assert given == ([] if damaged == 2 else frames[:5])


def test_recovery_reads_a_claimed_segment_to_its_end(tmp_path: Path) -> None:
    """It makes durable what it finds."""
    frames = frames_numbered(1, 3)
    path = segment_path(tmp_path, 1)
    path.write_bytes(segment_header(1) + b"".join(record(*f) for f in frames))
    with claimed(path):
        assert recover(tmp_path).last_sequence == 3
