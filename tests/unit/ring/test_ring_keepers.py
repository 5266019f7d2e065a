"""Goal: of a ring with keepers every other reader sees what all of them have released, and no more;
a ring without keepers is as it was. Method: producer, keepers and readers on a real file, in one
thread, with a time that the test sets."""

import struct
from pathlib import Path

import pytest

from ironcore.base.status import Status
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating, LossyReader, Producer, Reader
from ironcore.ring.mapped_file import SegmentError
from ironcore.runtime import pipeline

CAPACITY = 4096
SECOND = 10**9
VERSION, KEEPERS = 8, 512
KEPT_BY_TWO = {"risk": Gating(SECOND), "journal": Gating(), "replica": Gating()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.ring"


def overwrite(path: Path, offset: int, value: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(struct.pack("<I", value))


def numbers(reader: Reader) -> list[int]:
    return [sequence for sequence, _ in reader.poll(1000)[1]]


def test_readers_stop_at_the_slowest_keeper_and_the_keepers_at_nobody(path: Path) -> None:
    broadcast.create(path, CAPACITY, KEPT_BY_TWO, keepers=("journal", "replica"))
    producer = Producer(path)
    journal, replica = Reader(path, "journal"), Reader(path, "replica")
    others = [Reader(path, "risk"), LossyReader(path), LossyReader(path, "oldest")]
    for number in range(9):
        assert producer.offer(b"%d" % number) == Status.OK
    assert [sequence for sequence, _ in journal.poll(5)[1]] == [1, 2, 3, 4, 5]
    assert [numbers(other) for other in others] == [[]] * 3
    replica.poll(2)
    assert [numbers(other) for other in others] == [[1, 2]] * 3
    replica.poll(6)
    assert [numbers(other) for other in others] == [[3, 4, 5]] * 3
    journal.poll(4)
    assert [numbers(other) for other in others] == [[6, 7, 8]] * 3
    assert numbers(replica) == [9]
    assert [numbers(other) for other in others] == [[9]] * 3


def test_a_reader_may_follow_another_one_than_the_keeper_as_well(path: Path) -> None:
    readers = {"journal": Gating(), "risk": Gating(), "console": Gating(after="risk")}
    broadcast.create(path, CAPACITY, readers, keepers=("journal",))
    producer = Producer(path)
    journal, risk, console = (Reader(path, name) for name in readers)
    for _ in range(4):
        producer.offer(b"x")
    journal.poll(3)
    assert numbers(console) == []
    risk.poll(2)
    assert numbers(console) == [1, 2]
    follows = {state.name: state.follows for state in broadcast.reader_states(path)}
    assert follows == {"journal": (), "risk": ("journal",), "console": ("journal", "risk")}
    assert broadcast.positions(path).keepers == ("journal",)


def test_a_lossy_reader_from_now_on_begins_behind_what_is_kept(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()}, keepers=("journal",))
    producer, journal = Producer(path), Reader(path, "journal")
    for _ in range(500):
        assert producer.offer(bytes(50)) == Status.OK
        assert numbers(journal)
    for _ in range(3):
        producer.offer(b"x")
    lossy = LossyReader(path)
    assert lossy.first_sequence == 501
    assert numbers(lossy) == []
    journal.poll(2)
    assert numbers(lossy) == [501, 502]


def test_a_lossy_reader_that_was_lapped_stops_at_the_keeper_again(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()}, keepers=("journal",))
    producer, journal, lossy = Producer(path), Reader(path, "journal"), LossyReader(path)
    for _ in range(500):
        producer.offer(bytes(50))
        numbers(journal)
    producer.offer(b"x")
    assert lossy.poll(1000)[0] == Status.OVERRUN
    assert numbers(lossy)[-1] == 500
    assert lossy.lost_frames > 0


def test_where_a_keeper_has_left_readers_wait(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()}, keepers=("journal",))
    producer, journal = Producer(path), Reader(path, "journal")
    journal.leave()
    for _ in range(500):
        assert producer.offer(bytes(50)) == Status.OK
    for from_ in ("now", "oldest"):
        assert LossyReader(path, from_).poll(1) == (Status.EMPTY, [])


def test_nobody_is_evicted_for_the_lateness_of_a_keeper(path: Path) -> None:
    broadcast.create(path, CAPACITY, KEPT_BY_TWO, keepers=("journal", "replica"))
    producer, risk = Producer(path), Reader(path, "risk")
    journal, replica = Reader(path, "journal"), Reader(path, "replica")
    while producer.offer(bytes(50), SECOND) == Status.OK:
        pass
    journal.poll(20)
    for second in range(2, 100):
        assert producer.offer(bytes(50), second * SECOND) == Status.FULL
    replica.poll(10)
    assert producer.offer(bytes(50), 99 * SECOND + 1) == Status.FULL
    assert numbers(risk) == list(range(1, 11))
    assert producer.offer(bytes(50), 200 * SECOND) == Status.OK


def test_the_end_of_a_stream_is_told_behind_its_last_kept_frame(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()}, keepers=("journal",))
    publication = ShmPublication(path)
    journal, lossy = Reader(path, "journal"), ShmSubscription(path)
    publication.offer(b"last")
    publication.end()
    gaps: list[tuple[int, int]] = []
    assert lossy.poll(lambda *_: None, on_gap=lambda *gap: gaps.append(gap)) == 0
    journal.poll(1)
    assert lossy.poll(lambda *_: None, on_gap=lambda *gap: gaps.append(gap)) == 1
    assert gaps == []
    assert lossy.poll(lambda *_: None) == -Status.CLOSED


def test_recovery_reads_to_the_tail(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()}, keepers=("journal",))
    Producer(path).offer(b"x")
    assert broadcast.read_frames(path) == [(1, b"x")]


def test_a_ring_renewed_for_another_session_has_the_same_keepers(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()}, keepers=("journal",))
    pipeline.renew_relay_ring(path, "OTHER")
    assert broadcast.positions(path).keepers == ("journal",)


@pytest.mark.parametrize(
    ("readers", "keepers", "message"),
    [
        ({"a": Gating()}, ("b",), "keeper: found 'b', expected one of a"),
        ({"a": Gating(1)}, ("a",), "patience_ns of the keeper a: found 1, expected 0, for ever"),
        (
            {"a": Gating(after="b"), "b": Gating()},
            ("a",),
            "reader that the keeper a comes after: found 'b', expected another keeper, or none",
        ),
    ],
)
def test_keepers_that_cannot_be_are_refused(
    path: Path, readers: dict[str, Gating], keepers: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SegmentError, match=message):
        broadcast.create(path, CAPACITY, readers, keepers=keepers)
    assert list(path.parent.iterdir()) == []


def test_keepers_that_are_no_readers_are_refused(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    overwrite(path, KEEPERS, 2)
    for opener in (Producer, LossyReader):
        with pytest.raises(SegmentError, match="keepers: found 0x2, expected a bit for each of 1"):
            opener(path)
