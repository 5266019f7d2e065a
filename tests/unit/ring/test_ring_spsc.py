"""Goal: what goes into a single-consumer ring comes out once, in order, whole.

Method: one producer and one consumer on a real file, in one thread, through every payload size and
every place that a frame can take relative to the end of the ring; owners are dropped and reopened.
"""

import struct
from pathlib import Path

import pytest

from ironcore.base.status import Status
from ironcore.ring import spsc

CAPACITY = 4096
DATA_OFFSET = 8192
TAIL_OFFSET = 256


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "orders.ring"
    spsc.create(path, CAPACITY)
    return path


def fill(producer: spsc.Producer, payload_bytes: int) -> int:
    """Offer until the ring is full; how many frames went in."""
    count = 0
    while True:
        status = producer.offer(bytes([count % 251]) * payload_bytes)
        if status != Status.OK:
            assert status == Status.FULL
            return count
        count += 1


@pytest.mark.parametrize("phase", range(0, 512, 16))
def test_every_payload_size_passes_at_every_place(path: Path, phase: int) -> None:
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    producer.offer(b"\xff" * phase)
    assert len(consumer.poll(1)) == 1
    for size in range(513):
        payload = bytes((size + i) % 256 for i in range(size))
        assert producer.offer(payload) == Status.OK
        assert consumer.poll(2) == [(size + 2, payload)]
    assert consumer.poll(1) == []


def test_payload_over_an_eighth_of_the_ring_is_too_large(path: Path) -> None:
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    assert producer.payload_bytes_max == 512
    for _ in range(50):
        assert producer.offer(b"x" * 513) == Status.TOO_LARGE
        assert producer.offer(b"x" * 512) == Status.OK
        assert len(consumer.poll(1)) == 1
    assert producer.offer(b"x" * 100_000) == Status.TOO_LARGE
    assert producer.full_count == 0


@pytest.mark.parametrize("payload_bytes", [0, 1, 16, 48, 100, 511, 512])
def test_full_ring_refuses_counts_and_goes_on_when_it_is_drained(
    path: Path, payload_bytes: int
) -> None:
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    expected = 1
    for round_ in range(1, 20):
        count = fill(producer, payload_bytes)
        span = (payload_bytes + 31) // 16 * 16
        # At worst a terminator and the padding of one wrap are lost.
        assert (CAPACITY - 16 - span) // span - 1 <= count <= (CAPACITY - 16) // span
        assert producer.full_count == round_
        frames = consumer.poll(1000)
        assert [sequence for sequence, _ in frames] == list(range(expected, expected + count))
        assert all(
            payload == bytes([i % 251]) * payload_bytes for i, (_, payload) in enumerate(frames)
        )
        expected += count


def test_space_comes_back_frame_by_frame(path: Path) -> None:
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    fill(producer, 48)
    for _ in range(500):
        assert producer.offer(b"y" * 48) == Status.FULL
        assert len(consumer.poll(1)) == 1
        assert producer.offer(b"y" * 48) == Status.OK


def test_poll_takes_no_more_than_asked(path: Path) -> None:
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    for i in range(5):
        producer.offer(bytes([i]))
    assert consumer.poll(0) == []
    assert consumer.poll(2) == [(1, b"\0"), (2, b"\1")]
    assert consumer.poll(10) == [(3, b"\2"), (4, b"\3"), (5, b"\4")]


def test_sequence_numbers_start_where_asked_and_survive_both_owners(tmp_path: Path) -> None:
    path = tmp_path / "x.ring"
    spsc.create(path, CAPACITY, sequence_next=1000)
    expected = 1000
    for size in range(0, 500, 7):
        producer = spsc.Producer(path)
        assert producer.sequence_next == expected
        producer.offer(b"a" * size)
        del producer
        consumer = spsc.Consumer(path)
        assert consumer.poll(5) == [(expected, b"a" * size)]
        del consumer
        expected += 1


def test_restarted_consumer_sees_again_what_was_not_released(path: Path) -> None:
    producer = spsc.Producer(path)
    for i in range(3):
        producer.offer(bytes([i]))
    consumer = spsc.Consumer(path)
    assert consumer.poll(1) == [(1, b"\0")]
    del consumer
    assert spsc.Consumer(path).poll(5) == [(2, b"\1"), (3, b"\2")]


def test_restarted_producer_finds_frames_behind_the_published_tail(path: Path) -> None:
    """A producer killed between commit and publication has committed all the same."""
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    for _ in range(3):
        for size in (100, 512, 300, 512, 512, 16):
            before = struct.unpack_from("<Q", path.read_bytes(), TAIL_OFFSET)[0]
            sequence = producer.sequence_next
            producer.offer(b"z" * size)
            del producer
            with path.open("r+b") as file:
                file.seek(TAIL_OFFSET)
                file.write(struct.pack("<Q", before))
            producer = spsc.Producer(path)
            assert producer.sequence_next == sequence + 1
            assert consumer.poll(9) == [(sequence, b"z" * size)]


def test_old_payload_is_never_taken_for_a_frame(path: Path) -> None:
    """Payloads here spell valid commit words of every position of the next laps."""
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    for lap in range(1, 9):
        while spsc.positions(path).tail < CAPACITY * lap:
            start = spsc.positions(path).tail + 16 + CAPACITY
            words = b"".join(
                struct.pack("<QQ", ((position >> 3) & 0xFFFFFFFF | 1) << 32 | 16, 4711)
                for position in range(start, start + 496, 16)
            )
            assert producer.offer(words) == Status.OK
            assert len(consumer.poll(2)) == 1
            assert consumer.poll(2) == []
            del producer
            producer = spsc.Producer(path)
    for _ in range(600):
        assert producer.offer(b"") == Status.OK
        assert len(consumer.poll(2)) == 1
        assert consumer.poll(2) == []


def test_positions_tell_how_full_the_ring_is(path: Path) -> None:
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    for _ in range(4):
        producer.offer(b"x" * 48)
    consumer.poll(1)
    state = spsc.positions(path)
    assert (state.tail, state.head, state.used_bytes) == (256, 64, 192)
    assert (state.capacity_bytes, state.sequence_next, state.full_count) == (CAPACITY, 5, 0)


def test_offer_takes_any_buffer(path: Path) -> None:
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    for payload in (b"abc", bytearray(b"abc"), memoryview(b"xabcx")[1:4]):
        assert producer.offer(payload) == Status.OK
    assert [payload for _, payload in consumer.poll(9)] == [b"abc"] * 3
