"""Goal: what the journal took from the event stream is in its files, once, whatever interrupts it.
Method: a real ring and real files; the files are read back with the journal's reader, and writes
are refused by the host itself through its limit on file sizes."""

import errno
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.journal.journal_bytes import (
    STREAM_NAME,
    frames_numbered,
    mark,
    record,
    segment_header,
    segment_path,
    write_segment,
)

from ironcore.base.counter_set import CounterSet
from ironcore.ring import broadcast
from ironcore.stage import journal
from ironcore.stage.journal import JournalStage
from ironcore.stream.journal_reader import JournalCorruptError, JournalReader, read_mark
from ironcore.stream.journal_recovery import recover

STATUS_OK, STATUS_CORRUPT, STATUS_IO = 0, 10, 11


class Stream:
    """A ring with the journal's slot and a follower's, and a journal's directory."""

    def __init__(self, root: Path, sequence_next: int = 1, name: str = "events") -> None:
        self.ring = root / f"{name}.ring"
        self.directory = root / "journal"
        self.directory.mkdir(exist_ok=True)
        readers = {"journal": broadcast.Gating(), "gateway": broadcast.Gating(after="journal")}
        broadcast.create(self.ring, 1 << 16, readers, sequence_next)
        self.producer = broadcast.Producer(self.ring)
        self.follower = broadcast.Reader(self.ring, "gateway")

    def offer(self, frames: list[tuple[int, bytes]]) -> None:
        for sequence, payload in frames:
            assert self.producer.tail_sequence() == sequence
            assert self.producer.offer(payload) == STATUS_OK

    def stage(self, **settings: object) -> JournalStage:
        return JournalStage(
            broadcast.Reader(self.ring, "journal"),
            self.directory,
            STREAM_NAME.decode(),
            CounterSet("journal", journal.COUNTERS),
            **settings,  # type: ignore[arg-type]
        )

    def followed(self) -> list[int]:
        return [sequence for sequence, _ in self.follower.poll(1 << 20)[1]]

    def journaled(self) -> list[tuple[int, bytes]]:
        return list(JournalReader(self.directory, unsynced=True))


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path)


@pytest.fixture
def file_bytes_limit() -> Iterator[Callable[[int], None]]:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(file_bytes: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, hard))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.parametrize("policy", ["off", "interval", "before-reply"])
def test_frames_of_the_stream_are_in_the_journal(stream: Stream, policy: str) -> None:
    frames = frames_numbered(1, 100)
    stage = stream.stage(policy=policy)
    stream.offer(frames)
    assert stream.followed() == []
    assert stage.poll_once() == 100
    assert stage.poll_once() == 0
    assert stream.journaled() == frames
    assert stream.followed() == list(range(1, 101))
    assert stage.sequence == 100


def test_the_bytes_on_disk_are_the_documented_ones(stream: Stream) -> None:
    a, b = frames_numbered(1, 2, payload_bytes=13)
    stage = stream.stage(policy="before-reply")
    stream.offer([a])
    stage.poll_once()
    stream.offer([b])
    stage.poll_once()
    assert segment_path(stream.directory, 1).read_bytes() == (
        segment_header(1) + record(*a) + mark(1) + record(*b)
    )
    stage.poll_once()
    assert segment_path(stream.directory, 1).read_bytes().endswith(record(*b) + mark(2))
    assert segment_path(stream.directory, 1).stat().st_mode & 0o777 == 0o600


def test_one_write_and_one_sync_carry_a_whole_batch(stream: Stream) -> None:
    stage = stream.stage(policy="before-reply")
    stream.offer(frames_numbered(1, 200))
    stage.poll_once(200)
    counters = stage.counters.snapshot()
    assert (counters["writes"], counters["syncs"], counters["frames"]) == (1, 1, 200)


def test_a_poll_takes_no_more_frames_than_it_may(stream: Stream) -> None:
    stage = stream.stage()
    stream.offer(frames_numbered(1, 10))
    assert [stage.poll_once(4) for _ in range(4)] == [4, 4, 2, 0]


def test_with_interval_it_syncs_when_the_interval_is_over_and_something_is_new(
    stream: Stream,
) -> None:
    patient = stream.stage(policy="interval", interval_ns=1 << 62)
    stream.offer(frames_numbered(1, 3))
    patient.poll_once()
    assert patient.counters.snapshot()["syncs"] == 0
    del patient
    eager = stream.stage(policy="interval", interval_ns=0)
    stream.offer(frames_numbered(4, 3))
    for _ in range(3):
        eager.poll_once()
    assert eager.counters.snapshot()["syncs"] == 1


def test_with_off_it_syncs_only_complete_segments(stream: Stream) -> None:
    stage = stream.stage(policy="off", segment_bytes=200)
    stream.offer(frames_numbered(1, 3))
    for _ in range(6):
        stage.poll_once()
    assert stage.counters.snapshot()["segments"] == 2
    assert stage.counters.snapshot()["syncs"] == 1


def test_segments_end_before_they_grow_over_their_size(stream: Stream) -> None:
    frames = frames_numbered(1, 60, payload_bytes=100)
    stage = stream.stage(segment_bytes=1000)
    stream.offer(frames)
    while stage.poll_once():
        pass
    paths = sorted(stream.directory.iterdir())
    assert len(paths) > 5
    assert all(path.stat().st_size <= 1000 for path in paths)
    assert stream.journaled() == frames


@settings(max_examples=40, deadline=None)
@given(
    payloads=st.lists(st.binary(min_size=1, max_size=1280), min_size=1, max_size=30),
    policy=st.sampled_from(["off", "interval", "before-reply"]),
    segment_bytes=st.integers(64, 8192),
    batch_bytes_max=st.integers(2000, 8192),
    batch_max=st.integers(1, 12),
    restarts=st.sets(st.integers(0, 20)),
)
def test_any_frames_survive_any_segment_size_batch_and_restart(
    tmp_path_factory: pytest.TempPathFactory,
    payloads: list[bytes],
    policy: str,
    segment_bytes: int,
    batch_bytes_max: int,
    batch_max: int,
    restarts: set[int],
) -> None:
    stream = Stream(tmp_path_factory.mktemp("stream"))
    sizes = {"segment_bytes": segment_bytes, "batch_bytes_max": batch_bytes_max}
    frames = list(enumerate(payloads, 1))
    stage = stream.stage(policy=policy, **sizes)
    stream.offer(frames)
    polls = 0
    while stage.poll_once(batch_max):
        if polls in restarts:
            del stage
            stage = stream.stage(policy=policy, **sizes)
        polls += 1
    assert stream.journaled() == frames
    assert stream.followed() == [sequence for sequence, _ in frames]


def test_a_mark_that_the_host_refused_is_written_at_the_stop(stream: Stream) -> None:
    obstacle = stream.directory / "journal.mark.new"
    obstacle.mkdir()
    stage = stream.stage(policy="before-reply")
    stream.offer(frames_numbered(1, 5))
    assert stage.poll_once() == 5
    assert stage.counters.snapshot()["mark_errors"] == 1
    assert read_mark(stream.directory) is None
    obstacle.rmdir()
    stage.finish()
    marked = read_mark(stream.directory)
    assert marked is not None
    assert (marked.sequence, marked.segment) == (5, "0000000000000001.journal")


@pytest.mark.parametrize("policy", ["off", "interval", "before-reply"])
def test_a_restarted_journal_goes_on_in_the_same_segment(stream: Stream, policy: str) -> None:
    frames = frames_numbered(1, 30)
    stage = stream.stage(policy=policy)
    stream.offer(frames[:10])
    stage.poll_once()
    del stage
    stage = stream.stage(policy=policy)
    assert stage.recovered.last_sequence == 10
    stream.offer(frames[10:])
    stage.poll_once()
    assert stream.journaled() == frames
    assert len(list(stream.directory.glob("*.journal"))) == 1


def test_frames_that_a_killed_journal_wrote_but_did_not_release_are_not_repeated(
    stream: Stream,
) -> None:
    frames = frames_numbered(1, 12)
    write_segment(stream.directory, frames[:7])
    stream.offer(frames)
    stage = stream.stage()
    assert stage.poll_once() == 12
    assert stream.journaled() == frames
    assert stage.counters.snapshot()["repeated"] == 7
    assert stream.followed() == list(range(1, 13))


def test_a_record_torn_by_the_kill_is_written_again(stream: Stream) -> None:
    frames = frames_numbered(1, 5)
    path = write_segment(stream.directory, frames[:3])
    path.write_bytes(path.read_bytes()[:-11])
    stream.offer(frames)
    stage = stream.stage()
    assert stage.recovered.torn_bytes > 0
    stage.poll_once()
    assert stream.journaled() == frames


def test_a_gap_between_journal_and_ring_is_named(tmp_path: Path) -> None:
    stream = Stream(tmp_path, sequence_next=7)
    write_segment(stream.directory, frames_numbered(1, 4))
    stage = stream.stage()
    stream.offer(frames_numbered(7, 2))
    assert stage.poll_once() == -STATUS_CORRUPT
    assert (stage.sequence, stage.gap_sequence) == (4, 7)
    assert stream.followed() == []


def test_a_damaged_newest_segment_is_refused(stream: Stream) -> None:
    path = write_segment(stream.directory, frames_numbered(1, 4))
    data = bytearray(path.read_bytes())
    data[90] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalCorruptError):
        stream.stage()


def test_a_journal_of_another_stream_is_refused(stream: Stream) -> None:
    segment_path(stream.directory, 1).write_bytes(segment_header(1, b"OTHER"))
    with pytest.raises(ValueError, match="found stream 'OTHER', expected 'TESTSTREAM'"):
        stream.stage()


def test_senseless_settings_are_refused(stream: Stream) -> None:
    with pytest.raises(ValueError, match="expected one of off, interval, before-reply"):
        stream.stage(policy="sometimes")
    with pytest.raises(ValueError, match="found 1000, expected 1376 or more"):
        stream.stage(batch_bytes_max=1000)


@pytest.mark.parametrize("policy", ["off", "interval", "before-reply"])
@pytest.mark.parametrize("room", [0, 63, 64, 65, 200, 1000])
def test_nothing_is_lost_or_seen_early_while_the_disk_is_full(
    stream: Stream, file_bytes_limit: Callable[[int], None], policy: str, room: int
) -> None:
    frames = frames_numbered(1, 40)
    stage = stream.stage(policy=policy)
    stream.offer(frames)
    file_bytes_limit(room)
    for _ in range(3):
        assert stage.poll_once() == -STATUS_IO
        assert stage.os_error == errno.EFBIG
        assert stream.followed() == []
    assert JournalReader(stream.directory).verify().last_sequence < 40
    file_bytes_limit(1 << 20)
    stage.poll_once()
    assert stream.journaled() == frames
    assert stream.followed() == list(range(1, 41))
    assert stage.counters.snapshot()["write_errors"] == 3


def test_a_refused_directory_is_named_and_tried_again(stream: Stream) -> None:
    stage = stream.stage(segment_bytes=100)
    stream.offer(frames_numbered(1, 2))
    segment_path(stream.directory, 2).mkdir()
    while (work := stage.poll_once()) > 0:
        pass
    assert work == -STATUS_IO
    assert stage.os_error == errno.EEXIST
    segment_path(stream.directory, 2).rmdir()
    stage.poll_once()
    assert stream.journaled() == frames_numbered(1, 2)


def test_finishing_leaves_a_mark_behind_the_last_frame(stream: Stream) -> None:
    stage = stream.stage(policy="off")
    stream.offer(frames_numbered(1, 3))
    stage.poll_once()
    stage.finish()
    path = segment_path(stream.directory, 1)
    assert path.read_bytes().endswith(mark(3))
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalCorruptError, match="last good sequence 2"):
        recover(stream.directory)


def test_finishing_an_empty_journal_makes_no_file(stream: Stream) -> None:
    stream.stage().finish()
    assert list(stream.directory.iterdir()) == []
