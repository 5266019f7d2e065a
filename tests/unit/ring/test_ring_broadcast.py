"""Goal: each reader of a broadcast ring gets what its kind is promised, and the producer too.

Method: producer and readers on a real file, in one thread, with a time that the test sets; the
ring's smallest capacity, so that it wraps every few frames.
"""

import struct
from pathlib import Path

import pytest

from ironcore.base.status import Status
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating, LossyReader, Producer, Reader
from ironcore.ring.mapped_file import SegmentError, SegmentHeldError

CAPACITY = 4096
SLOTS_OFFSET = 1024
SLOT_BYTES = 256
SLOT_POSITION = 128
SLOT_STATE = 136
JOINING = 2
SECOND = 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.ring"


def numbered(number: int) -> bytes:
    return number.to_bytes(4, "little") * (number % 40)


def offer_many(producer: Producer, count: int, now_ns: int = 1) -> int:
    """Offer up to `count` frames whose payload follows from their number; how many went in."""
    for done in range(count):
        status = producer.offer(numbered(producer.tail_sequence()), now_ns)
        if status != Status.OK:
            assert status == Status.FULL
            return done
    return count


def expect(frames: list[tuple[int, bytes]], first: int, count: int) -> None:
    assert frames == [(n, numbered(n)) for n in range(first, first + count)]


def overwrite_slot(path: Path, index: int, offset: int, layout: str, value: int) -> None:
    with path.open("r+b") as file:
        file.seek(SLOTS_OFFSET + index * SLOT_BYTES + offset)
        file.write(struct.pack(layout, value))


def test_every_reader_sees_every_frame(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating(), "publisher": Gating()})
    producer = Producer(path)
    readers = [Reader(path, "journal"), Reader(path, "publisher"), LossyReader(path)]
    for _ in range(200):
        first = producer.tail_sequence()
        assert offer_many(producer, 5) == 5
        for reader in readers:
            status, frames = reader.poll(100)
            assert status == Status.EMPTY
            expect(frames, first, 5)
    assert producer.full_count == 0


@pytest.mark.parametrize("phase", range(0, 512, 16))
def test_every_payload_size_passes_at_every_place(path: Path, phase: int) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    producer, journal, lossy = Producer(path), Reader(path, "journal"), LossyReader(path)
    producer.offer(b"\xff" * phase)
    assert len(journal.poll(1)[1]) == len(lossy.poll(1)[1]) == 1
    for size in range(513):
        payload = bytes((size + i) % 256 for i in range(size))
        assert producer.offer(payload) == Status.OK
        assert journal.poll(2) == (Status.EMPTY, [(size + 2, payload)])
        assert lossy.poll(2) == (Status.EMPTY, [(size + 2, payload)])


def test_payload_over_an_eighth_of_the_ring_is_too_large(path: Path) -> None:
    broadcast.create(path, CAPACITY, {})
    producer = Producer(path)
    assert producer.payload_bytes_max == 512
    assert producer.offer(b"x" * 513) == Status.TOO_LARGE
    assert producer.offer(b"x" * 512) == Status.OK


def test_reader_without_patience_limit_is_waited_for(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    producer, journal = Producer(path), Reader(path, "journal")
    count = offer_many(producer, 1000)
    assert 10 < count < 1000
    for hours in range(5):
        assert producer.offer(b"x", hours * 3600 * SECOND) == Status.FULL
    assert producer.full_count == 6
    status, frames = journal.poll(1)
    assert status == Status.OK
    expect(frames, 1, 1)
    assert journal.poll(1)[0] == Status.OK
    assert offer_many(producer, 1) == 1
    expect(journal.poll(1000)[1], 3, count - 1)


def test_ring_without_gating_readers_is_never_full(path: Path) -> None:
    broadcast.create(path, CAPACITY, {})
    producer = Producer(path)
    assert offer_many(producer, 5000) == 5000
    assert producer.full_count == 0


def test_frames_peeked_are_kept_until_they_are_released(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    producer, journal = Producer(path), Reader(path, "journal")
    count = offer_many(producer, 1000)
    for number in range(1, count + 1):
        assert journal.peek() == (Status.OK, number, numbered(number))
        assert journal.peek() == (Status.OK, number, numbered(number))
        journal.advance()
        assert producer.offer(bytes(512), 1) == Status.FULL
    assert journal.release() == Status.OK
    assert producer.offer(bytes(512), 1) == Status.OK


def test_reader_is_evicted_when_its_own_patience_is_over_with_the_ring_full(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"slow": Gating(5 * SECOND), "slower": Gating(9 * SECOND)})
    producer, slow, slower = Producer(path), Reader(path, "slow"), Reader(path, "slower")
    count = offer_many(producer, 1000, now_ns=100 * SECOND)
    assert producer.offer(b"x", 105 * SECOND - 1) == Status.FULL
    assert slow.peek()[0] == Status.OK
    assert producer.offer(b"x", 105 * SECOND) == Status.FULL
    assert slow.peek() == (Status.EVICTED, 0, b"")
    assert slow.release() == Status.EVICTED
    assert slow.poll(5) == (Status.EVICTED, [])
    assert slower.peek()[0] == Status.OK
    assert producer.offer(b"x", 109 * SECOND) == Status.OK
    assert slower.peek() == (Status.EVICTED, 0, b"")
    state = broadcast.reader_states(path)[0]
    assert (state.name, state.state, state.evictions) == ("slow", "evicted", 1)
    assert (state.evicted_mono_ns, state.evicted_full_ns) == (105 * SECOND, 5 * SECOND)
    assert CAPACITY // 2 < state.evicted_lag_bytes <= CAPACITY
    assert producer.tail_sequence() == count + 2


def test_patience_counts_only_while_the_ring_stays_full(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"slow": Gating(5 * SECOND)})
    producer, slow = Producer(path), Reader(path, "slow")
    now = 0
    for _ in range(50):
        now += 4 * SECOND
        offer_many(producer, 1000, now)
        assert slow.poll(1)[0] == Status.OK
        assert slow.poll(1)[0] == Status.OK
    assert broadcast.reader_states(path)[0].evictions == 0


def test_eviction_spares_who_does_not_stand_in_the_way(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"slow": Gating(SECOND), "quick": Gating(SECOND)})
    producer, quick = Producer(path), Reader(path, "quick")
    offer_many(producer, 1000, now_ns=SECOND)
    quick.poll(1000)
    assert producer.offer(b"x", 3 * SECOND) == Status.OK
    assert [s.state for s in broadcast.reader_states(path)] == ["evicted", "gating"]
    assert quick.poll(5)[1] == [(producer.tail_sequence() - 1, b"x")]


def test_evicted_reader_rejoins_with_the_oldest_frame_held(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"slow": Gating(1)})
    producer, slow = Producer(path), Reader(path, "slow")
    expect(slow.poll(1)[1], 1, 0)
    offer_many(producer, 20)
    expect(slow.poll(3)[1], 1, 3)
    for now in range(1, 1000):
        producer.offer(numbered(producer.tail_sequence()), now)
    assert slow.peek()[0] == Status.EVICTED
    oldest = producer.oldest_sequence()
    assert slow.rejoin() == oldest - 4
    assert slow.first_sequence == oldest
    status, frames = slow.poll(1000)
    assert status == Status.EMPTY
    expect(frames, oldest, producer.tail_sequence() - oldest)


def test_evicted_reader_loses_nothing_that_is_still_held(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"slow": Gating(1)})
    producer, slow = Producer(path), Reader(path, "slow")
    offer_many(producer, 1000, now_ns=10)
    expect(slow.poll(7)[1], 1, 7)
    overwrite_slot(path, 0, SLOT_STATE, "<I", 3)
    assert slow.peek()[0] == Status.EVICTED
    del slow
    slow = Reader(path, "slow")
    assert slow.first_sequence == 8
    assert slow.peek() == (Status.OK, 8, numbered(8))


def test_slot_of_a_dead_owner_keeps_its_position_for_the_next(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    producer, journal = Producer(path), Reader(path, "journal")
    count = offer_many(producer, 1000)
    expect(journal.poll(4)[1], 1, 4)
    journal.advance()
    del journal
    assert offer_many(producer, 1000) < count
    journal = Reader(path, "journal")
    assert journal.first_sequence == 5
    expect(journal.poll(1)[1], 5, 1)


def test_named_readers_gate_from_the_first_frame_before_they_come(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    producer = Producer(path)
    count = offer_many(producer, 1000)
    assert count < 1000
    journal = Reader(path, "journal")
    assert journal.first_sequence == 1
    expect(journal.poll(1000)[1], 1, count)


def test_reader_that_left_is_not_waited_for(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"console": Gating()})
    producer, console = Producer(path), Reader(path, "console")
    console.leave()
    assert offer_many(producer, 1000) == 1000
    assert console.poll(1) == (Status.EVICTED, [])
    assert broadcast.reader_states(path)[0].state == "left"
    del console
    assert Reader(path, "console").first_sequence == producer.oldest_sequence()
    assert offer_many(producer, 1000) < 1000
    with pytest.raises(ValueError, match="a lossy reader has no slot"):
        LossyReader(path).leave()


def test_killed_joiner_is_not_resumed_from_its_unchecked_position(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"console": Gating()})
    producer, console = Producer(path), Reader(path, "console")
    console.leave()
    del console
    offer_many(producer, 1000)
    overwrite_slot(path, 0, SLOT_STATE, "<I", JOINING)
    assert producer.offer(b"", 1) in (Status.OK, Status.FULL)
    assert Reader(path, "console").first_sequence == producer.oldest_sequence()


def test_follower_sees_only_what_the_other_released(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"publisher": Gating(after="journal"), "journal": Gating()})
    producer, journal = Producer(path), Reader(path, "journal")
    publisher = Reader(path, "publisher")
    released = 0
    for step in range(300):
        offer_many(producer, 4)
        for _ in range(step % 7):
            if journal.peek()[0] == Status.OK:
                journal.advance()
        assert publisher.poll(100)[1] == []
        before = released
        journal.release()
        released = journal.sequence_next - 1
        expect(publisher.poll(100)[1], before + 1, released - before)
    assert released > 300


@pytest.mark.parametrize("way", ["evicted", "left", "dead"])
def test_follower_holds_when_the_other_is_gone(path: Path, way: str) -> None:
    readers = {"journal": Gating(SECOND), "publisher": Gating(after="journal")}
    broadcast.create(path, CAPACITY, readers)
    producer, publisher = Producer(path), Reader(path, "publisher")
    journal = Reader(path, "journal")
    offer_many(producer, 8)
    expect(journal.poll(3)[1], 1, 3)
    if way == "left":
        journal.leave()
    if way == "evicted":
        publisher.poll(3)
        offer_many(producer, 1000, now_ns=SECOND)
        assert producer.offer(b"x", 2 * SECOND) == Status.FULL
        assert journal.poll(1)[0] == Status.EVICTED
        assert publisher.poll(100) == (Status.EMPTY, [])
    else:
        del journal
        expect(publisher.poll(100)[1], 1, 3)
    assert publisher.poll(100) == (Status.EMPTY, [])


def test_evicted_follower_is_told_even_while_it_must_wait(path: Path) -> None:
    readers = {"journal": Gating(), "publisher": Gating(SECOND, after="journal")}
    broadcast.create(path, CAPACITY, readers)
    producer, journal = Producer(path), Reader(path, "journal")
    publisher = Reader(path, "publisher")
    offer_many(producer, 4)
    journal.poll(2)
    offer_many(producer, 1000, now_ns=SECOND)
    assert producer.offer(b"x", 2 * SECOND) == Status.OK
    assert publisher.poll(1) == (Status.EVICTED, [])
    assert journal.poll(1)[0] == Status.OK


def test_patience_begins_anew_after_a_frame_that_had_room(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"slow": Gating(SECOND)})
    producer, slow = Producer(path), Reader(path, "slow")
    large = bytes(producer.payload_bytes_max)
    while producer.offer(large, SECOND) == Status.OK:
        pass
    assert producer.offer(b"", SECOND) == Status.OK
    while producer.offer(b"", 10 * SECOND) == Status.OK:
        pass
    assert producer.offer(large, 10 * SECOND) == Status.FULL
    assert slow.peek()[0] == Status.OK
    assert producer.offer(large, 11 * SECOND) == Status.OK
    assert slow.peek()[0] == Status.EVICTED


def test_follower_is_not_evicted_for_the_lateness_of_the_one_it_follows(path: Path) -> None:
    readers = {"journal": Gating(), "publisher": Gating(SECOND, after="journal")}
    broadcast.create(path, CAPACITY, readers)
    producer, journal = Producer(path), Reader(path, "journal")
    publisher = Reader(path, "publisher")
    offer_many(producer, 1000, now_ns=SECOND)
    for second in range(2, 100):
        assert producer.offer(b"x", second * SECOND) == Status.FULL
    journal.poll(10)
    assert producer.offer(b"x", 99 * SECOND + 1) == Status.FULL
    expect(publisher.poll(100)[1], 1, 10)
    assert producer.offer(b"x", 200 * SECOND) == Status.OK


def test_lossy_reader_counts_exactly_what_it_lost(path: Path) -> None:
    broadcast.create(path, CAPACITY, {})
    producer, lossy = Producer(path), LossyReader(path)
    lost = 0
    for burst in (1, 10, 500, 3, 1000, 77, 5000):
        expected = lossy.sequence_next
        offer_many(producer, burst)
        status, frames = lossy.poll(10_000)
        if status == Status.OVERRUN:
            assert frames == []
            lost += producer.oldest_sequence() - expected
            expected = producer.oldest_sequence()
            status, frames = lossy.poll(10_000)
        assert status == Status.EMPTY
        expect(frames, expected, producer.tail_sequence() - expected)
        assert lossy.lost_frames == lost
    assert lost > 6000


def test_lossy_reader_lapped_between_peek_and_advance_goes_on_with_the_oldest(path: Path) -> None:
    broadcast.create(path, CAPACITY, {})
    producer, lossy = Producer(path), LossyReader(path)
    offer_many(producer, 3)
    assert lossy.peek() == (Status.OK, 1, numbered(1))
    offer_many(producer, 1000)
    lossy.advance()
    assert lossy.peek() == (Status.OVERRUN, 0, b"")
    assert lossy.lost_frames == producer.oldest_sequence() - 2
    assert lossy.peek()[1] == producer.oldest_sequence()


def test_late_lossy_reader_starts_now_or_with_the_oldest(path: Path) -> None:
    broadcast.create(path, CAPACITY, {})
    producer = Producer(path)
    assert LossyReader(path, "oldest").first_sequence == 1
    offer_many(producer, 1000)
    late, early = LossyReader(path), LossyReader(path, "oldest")
    assert late.first_sequence == 1001
    assert late.poll(5) == (Status.EMPTY, [])
    assert 900 < early.first_sequence == producer.oldest_sequence() == early.oldest_sequence()
    expect(early.poll(1000)[1], early.first_sequence, 1001 - early.first_sequence)
    offer_many(producer, 1)
    expect(late.poll(5)[1], 1001, 1)
    with pytest.raises(ValueError, match="from_: found 'then', expected 'now' or 'oldest'"):
        LossyReader(path, "then")


def test_most_of_the_ring_is_held_for_late_joiners(path: Path) -> None:
    broadcast.create(path, 65536, {})
    producer = Producer(path)
    for _ in range(3000):
        producer.offer(b"x" * 48, 1)
    held = producer.tail_sequence() - producer.oldest_sequence()
    assert held * 64 >= 65536 * 14 // 16


def test_restarted_producer_goes_on_where_the_last_one_stopped(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()}, sequence_next=500)
    journal = Reader(path, "journal")
    for number in range(500, 900):
        producer = Producer(path)
        assert producer.tail_sequence() == journal.tail_sequence() == number
        assert offer_many(producer, 1) == 1
        expect(journal.poll(2)[1], number, 1)
        del producer


def test_restarted_producer_respects_the_gates(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    count = offer_many(Producer(path), 1000)
    assert Producer(path).offer(bytes(512), 1) == Status.FULL
    journal = Reader(path, "journal")
    expect(journal.poll(1000)[1], 1, count)


def test_dead_ring_is_read_to_its_last_frame(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    producer, journal = Producer(path), Reader(path, "journal")
    for _ in range(300):
        offer_many(producer, 3)
        journal.poll(3)
    del producer, journal
    before = path.read_bytes()
    oldest = broadcast.positions(path).sequence_oldest
    expect(broadcast.read_frames(path), oldest, 901 - oldest)
    expect(broadcast.read_frames(path, 880), 880, 21)
    assert broadcast.read_frames(path, 901) == []
    message = f"oldest frame held: found {oldest}, expected frames from {oldest - 1} on"
    with pytest.raises(SegmentError, match=message):
        broadcast.read_frames(path, oldest - 1)
    assert path.read_bytes() == before


def test_damaged_frame_is_reported_not_delivered(path: Path) -> None:
    broadcast.create(path, CAPACITY, {})
    Producer(path).offer(b"abc")
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(struct.pack("<I", 600))
    with pytest.raises(SegmentError, match="frame 1: found status 10"):
        broadcast.read_frames(path)


def test_positions_and_states_tell_how_the_ring_stands(path: Path) -> None:
    readers = {"journal": Gating(), "publisher": Gating(SECOND, after="journal")}
    broadcast.create(path, CAPACITY, readers)
    producer, journal = Producer(path), Reader(path, "journal")
    for _ in range(4):
        producer.offer(b"x" * 48)
    journal.poll(3)
    ring = broadcast.positions(path)
    assert (ring.tail, ring.oldest, ring.used_bytes) == (256, 0, 256)
    assert (ring.sequence_oldest, ring.sequence_next, ring.full_count) == (1, 5, 0)
    first, second = broadcast.reader_states(path)
    assert (first.name, first.position, first.lag_bytes) == ("journal", 192, 64)
    assert (first.patience_ns, first.after, first.owner.alive) == (0, None, True)
    assert (second.name, second.position, second.lag_bytes) == ("publisher", 0, 256)
    assert (second.patience_ns, second.after, second.owner.alive) == (SECOND, "journal", False)


def test_second_owner_of_a_name_learns_who_holds_it(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating(), "publisher": Gating()})
    readers = [Reader(path, "journal"), Reader(path, "publisher")]
    with pytest.raises(SegmentHeldError, match="reader 'journal': found held by process"):
        Reader(path, "journal")
    readers.clear()
    assert Reader(path, "journal").first_sequence == 1


@pytest.mark.parametrize(
    ("readers", "message"),
    [
        ({f"r{i}": Gating() for i in range(17)}, "readers: found 17, expected at most 16"),
        ({"": Gating()}, "reader's name: found ''"),
        ({"n" * 33: Gating()}, "reader's name: found 'n+', expected 1 to 32 bytes"),
        ({"a\0b": Gating()}, "reader's name"),
        ({"a": Gating(-1)}, "patience_ns of a: found -1"),
        ({"a": Gating(1 << 63)}, "patience_ns of a"),
        ({"a": Gating(after="b")}, "reader that a comes after: found 'b', expected another"),
        ({"a": Gating(after="a")}, "reader that a comes after: found 'a'"),
        ({"a": Gating(after="b"), "b": Gating(after="a")}, "expected another reader, in no circle"),
    ],
)
def test_readers_that_cannot_be_are_refused(
    path: Path, readers: dict[str, Gating], message: str
) -> None:
    with pytest.raises(SegmentError, match=message):
        broadcast.create(path, CAPACITY, readers)
    assert list(path.parent.iterdir()) == []


def test_sixteen_readers_with_long_names_fit(path: Path) -> None:
    names = [f"é{i:02}".ljust(31, "x") for i in range(16)]
    broadcast.create(path, CAPACITY, dict.fromkeys(names, Gating()))
    assert [state.name for state in broadcast.reader_states(path)] == names
    readers = [Reader(path, name) for name in names]
    Producer(path).offer(b"x")
    assert all(reader.poll(1)[1] == [(1, b"x")] for reader in readers)


def test_unknown_reader_is_refused_with_the_names_there_are(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating(), "publisher": Gating()})
    message = "reader: found 'console', expected one of journal, publisher"
    with pytest.raises(SegmentError, match=message):
        Reader(path, "console")


@pytest.mark.parametrize(
    ("offset", "layout", "value", "message"),
    [
        (52, "<I", 17, "readers: found 17, expected at most 16"),
        (384, "<Q", 16, "oldest position: found 16, expected at most the tail's, 0"),
        (256, "<Q", 3, "tail position: found 3, expected a multiple of 16"),
        (SLOTS_OFFSET + SLOT_POSITION, "<Q", 8, "position of reader journal: found 8"),
    ],
)
def test_damaged_positions_are_refused(
    path: Path, offset: int, layout: str, value: int, message: str
) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(struct.pack(layout, value))
    for opener in (Producer, LossyReader):
        with pytest.raises(SegmentError, match=message):
            opener(path)
