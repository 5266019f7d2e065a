"""Goal: a stream over shared memory keeps the contract of publications and subscriptions.

Method: both ends on a real ring of the smallest capacity, in one thread, with the ring's own
producer where a test has to set the time.
"""

from pathlib import Path

import pytest

from ironcore.base.status import Status
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating

CAPACITY = 4096
SECOND = 10**9
Frames = list[tuple[int, bytes]]
Gaps = list[tuple[int, int]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "stream.ring"
    broadcast.create(path, CAPACITY, {"journal": Gating(), "console": Gating(SECOND)})
    return path


def take(subscription: ShmSubscription, batch_max: int = 256) -> tuple[int, Frames, Gaps]:
    frames: Frames = []
    gaps: Gaps = []
    work = subscription.poll(
        lambda sequence, frame: frames.append((sequence, frame)),
        batch_max,
        on_gap=lambda first, count: gaps.append((first, count)),
    )
    return work, frames, gaps


def test_frames_arrive_in_order_and_numbered(path: Path) -> None:
    publication = ShmPublication(path)
    journal = ShmSubscription(path, "journal")
    assert publication.sequence_next == journal.sequence_next == 1
    for text in (b"", b"one", bytearray(b"two")):
        assert publication.offer(text) is Status.OK
    assert take(journal, 2) == (2, [(1, b""), (2, b"one")], [])
    assert take(journal) == (1, [(3, b"two")], [])
    assert take(journal) == (0, [], [])
    assert journal.sequence_next == publication.sequence_next == 4


def test_a_full_ring_is_back_pressure_and_counted(path: Path) -> None:
    publication = ShmPublication(path)
    journal = ShmSubscription(path, "journal")
    ShmSubscription(path, "console").reader.leave()
    while publication.offer(bytes(100)) is Status.OK:
        pass
    assert publication.offer(bytes(100)) is Status.FULL
    assert publication.counters.snapshot()["back_pressure"] == 2
    taken, _, _ = take(journal)
    assert taken == publication.counters.snapshot()["offered"]
    assert publication.offer(bytes(100)) is Status.OK
    assert publication.offer(bytes(CAPACITY)) is Status.TOO_LARGE
    assert publication.counters.snapshot()["too_large"] == 1


def test_an_evicted_reader_is_told_once_and_goes_on_after_a_gap(path: Path) -> None:
    publication = ShmPublication(path)
    journal = ShmSubscription(path, "journal")
    console = ShmSubscription(path, "console")
    producer = publication.producer
    now_ns = SECOND
    for _ in range(200):  # journal keeps up, console does not look
        if producer.offer(bytes(100), now_ns) == Status.FULL:
            now_ns += 2 * SECOND  # longer than console's patience
        take(journal)
    work, frames, gaps = take(console)
    assert (work, frames, gaps) == (-Status.EVICTED, [], [])
    work, frames, gaps = take(console)
    [(first, count)] = gaps
    assert first == 1
    assert frames[0][0] == first + count
    assert work == len(frames) > 0
    counters = console.counters.snapshot()
    assert (counters["evictions"], counters["gaps"], counters["gap_frames"]) == (1, 1, count)


def test_a_lossy_reader_is_told_what_it_lost(path: Path) -> None:
    publication = ShmPublication(path)
    journal = ShmSubscription(path, "journal")
    ShmSubscription(path, "console").reader.leave()
    lossy = ShmSubscription(path, from_="oldest")
    for _ in range(200):
        assert publication.offer(bytes(100)) is Status.OK
        take(journal)
    work, frames, gaps = take(lossy)
    assert [first for first, _ in gaps] == [1]
    assert gaps[0][1] + work == 200
    assert [sequence for sequence, _ in frames] == list(range(201 - work, 201))


def test_a_handler_that_raises_sees_the_rest_with_the_next_poll(path: Path) -> None:
    publication = ShmPublication(path)
    journal = ShmSubscription(path, "journal")
    for number in range(3):
        publication.offer(bytes([number]))
    with pytest.raises(ZeroDivisionError):
        journal.poll(lambda sequence, frame: 1 // 0)
    assert journal.sequence_next == 2
    assert take(journal)[1] == [(2, b"\1"), (3, b"\2")]


def test_nothing_is_offered_after_the_end(path: Path) -> None:
    publication = ShmPublication(path)
    publication.end()
    assert publication.offer(b"late") is Status.CLOSED


@pytest.mark.timeout(60)
@pytest.mark.parametrize("frames", [0, 1, 200])
def test_numbers_left_out_before_the_end_are_a_gap_and_then_the_end(
    path: Path, frames: int
) -> None:
    """Also where the last frame ends at the end of the ring, or the ring has wrapped."""
    publication = ShmPublication(path)
    journal = ShmSubscription(path, "journal")
    console = ShmSubscription(path, "console")
    for number in range(frames):
        assert publication.offer(bytes(number % 90)) is Status.OK
        for reader in (journal, console):
            assert take(reader)[0] == 1
    publication.skip(3)
    for reader in (journal, console):
        assert take(reader) == (0, [], [])
    publication.end()
    for reader in (journal, console):
        assert take(reader) == (-Status.CLOSED, [], [(frames + 1, 3)])
        assert take(reader) == (-Status.CLOSED, [], [])
        assert reader.counters.snapshot()["gap_frames"] == 3
        assert reader.sequence_next == publication.sequence_next == frames + 4


def test_frames_that_were_not_taken_come_before_the_numbers_left_out(path: Path) -> None:
    publication = ShmPublication(path)
    journal = ShmSubscription(path, "journal")
    assert publication.offer(b"last") is Status.OK
    publication.skip(2)
    publication.end()
    assert take(journal) == (1, [(1, b"last")], [(2, 2)])
    assert take(journal) == (-Status.CLOSED, [], [])


def test_what_a_new_ring_has_no_room_for_keeps_its_number(path: Path) -> None:
    """Recalled after a restart, into a ring that was made anew and that nobody reads yet."""
    publication = ShmPublication(path)
    for number in range(1, 201):
        assert publication.sequence_next == number
        publication.recall(number.to_bytes(4, "little") * 25)
    journal = ShmSubscription(path, "journal")
    _, before, _ = take(journal)
    assert publication.offer(b"new") is Status.OK
    _, after, gaps = take(journal)
    assert gaps == [(len(before) + 1, 200 - len(before))]
    assert after == [(201, b"new")]
