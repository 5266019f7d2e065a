"""Goal: the producer never looks at a frame again, so no claim costs more because of what it
overwrites; only a new producer does, once, and refuses a damaged ring then.

Method: real files in one thread. All frames that are held are damaged in the file behind the back
of the producer, which goes on for laps as if nothing had happened.
"""

from pathlib import Path

import pytest

from ironcore.base.status import Status
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating, LossyReader, Producer, Reader
from ironcore.ring.mapped_file import SegmentError

CAPACITY = 65536
DATA_OFFSET = 8192
# From empty frames to the longest, and so many that no two blocks of the ring look alike.
LENGTHS = [length * length % 8193 for length in range(0, 2000, 7)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.ring"


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(DATA_OFFSET + offset)
        file.write(data)


@pytest.mark.parametrize("readers", [{}, {"journal": Gating()}], ids=["lossy", "gating"])
def test_a_claim_looks_at_no_frame_that_it_overwrites(
    path: Path, readers: dict[str, Gating]
) -> None:
    broadcast.create(path, CAPACITY, readers)
    producer = Producer(path)
    journal = Reader(path, "journal") if readers else LossyReader(path)
    for length in LENGTHS:
        assert producer.offer(bytes(length), 1) == Status.OK
        assert len(journal.poll(2)[1]) == 1
    damaged_up_to = broadcast.positions(path).tail
    # All but the terminator, which is the next frame's header already.
    end = damaged_up_to % CAPACITY
    overwrite(path, 0, b"\xff" * end)
    overwrite(path, end + 16, b"\xff" * (CAPACITY - end - 16))
    first = producer.tail_sequence()
    for number, length in enumerate(LENGTHS, first):
        assert producer.offer(bytes(length), 1) == Status.OK
        assert journal.poll(2)[1] == [(number, bytes(length))]
    stands = broadcast.positions(path)
    assert stands.oldest > damaged_up_to
    held = broadcast.read_frames(path)
    assert [number for number, _ in held] == list(
        range(stands.sequence_oldest, stands.sequence_next)
    )
    assert sum(len(payload) for _, payload in held) > CAPACITY // 2


def test_every_place_that_the_oldest_comes_to_is_where_a_frame_begins(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    producer, journal = Producer(path), Reader(path, "journal")
    for number, length in enumerate(LENGTHS * 3, 1):
        if number % 100 == 0:
            del producer
            producer = Producer(path)
        assert producer.offer(bytes(length), 1) == Status.OK
        journal.poll(number % 3)
        held = [sequence for sequence, _ in broadcast.read_frames(path)]
        assert held == list(range(held[0], number + 1))
        while len(held) > 12 and journal.poll(1)[1]:
            held.pop()


def test_a_new_producer_refuses_a_ring_with_a_damaged_frame(path: Path) -> None:
    broadcast.create(path, CAPACITY, {})
    producer = Producer(path)
    for _ in range(5):
        producer.offer(bytes(48))
    del producer
    message = (
        "frames from position 0 on: found no whole one at 128, "
        "expected whole ones up to the tail, 320"
    )
    overwrite(path, 128 + 4, b"\0\0\0\0")
    with pytest.raises(SegmentError, match=message):
        Producer(path)
    # A length that leads past the tail.
    overwrite(path, 128, (1000).to_bytes(4, "little") + (128 >> 3 | 1).to_bytes(4, "little"))
    with pytest.raises(SegmentError, match="found no whole one at 1152, expected whole ones up"):
        Producer(path)
