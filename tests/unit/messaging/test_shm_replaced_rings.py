"""Goal: a ring that is removed, made anew, cut short or left by its producer is never passed over
unnoticed, and numbers that begin anew are never spliced on to a stream.

Method: rings of a few frames in one thread; the ring's file is removed and made again under the
readers. Polls by hand until what a look has to find is found, within a deadline.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ironcore.base.status import Status
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating
from ironcore.ring.mapped_file import SegmentError

CAPACITY = 4096
DEADLINE_S = 20.0


class Reader:
    """A subscription polled by hand, and all that came of it."""

    def __init__(self, subscription: ShmSubscription) -> None:
        self.end = subscription
        self.frames: list[tuple[int, bytes]] = []
        self.gaps: list[tuple[int, int]] = []
        self.answer = 0

    def poll(self) -> int:
        self.answer = self.end.poll(
            lambda sequence, frame: self.frames.append((sequence, frame)),
            on_gap=lambda first, count: self.gaps.append((first, count)),
        )
        return self.answer

    def poll_until(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, (self.frames, self.gaps, self.end.place)
            self.poll()

    def counted(self, name: str) -> int:
        return self.end.counters.snapshot()[name]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stream.ring"


def make(
    path: Path,
    texts: bytes,
    *,
    session: str | None = "VENUE",
    first: int = 1,
    capacity_bytes: int = CAPACITY,
) -> ShmPublication:
    """A new ring with one frame for each byte of the text; one that is there is removed."""
    path.unlink(missing_ok=True)
    broadcast.create(
        path, capacity_bytes, {"console": Gating(10**9)}, sequence_next=first, session=session
    )
    publication = ShmPublication(path)
    for byte in texts:
        publication.offer(bytes([byte]))
    return publication


def reader_of(path: Path, name: str) -> Reader:
    return Reader(ShmSubscription(path, name, from_="oldest"))


@pytest.mark.parametrize("name", ["", "console"])
def test_a_ring_made_anew_is_gone_over_to_and_nothing_comes_twice(path: Path, name: str) -> None:
    killed = make(path, b"abc")
    reader = reader_of(path, name)
    reader.poll()
    del killed
    # The new producer fills it again from the beginning, and has not come far yet.
    again = make(path, b"ab", capacity_bytes=2 * CAPACITY)
    reader.poll_until(lambda: reader.counted("reattached") == 1)
    for byte in b"cde":
        again.offer(bytes([byte]))
    reader.poll_until(lambda: len(reader.frames) == 5)
    assert reader.frames == [(n, bytes([byte])) for n, byte in enumerate(b"abcde", 1)]
    assert reader.gaps == []
    assert reader.counted("repeated") == 3
    assert not reader.end.orphaned
    # It reads in the new ring for good: frames longer than the old one could hold arrive.
    assert again.offer(bytes(CAPACITY // 4)) is Status.OK
    reader.poll_until(lambda: len(reader.frames) == 6)


@pytest.mark.parametrize("name", ["", "console"])
def test_what_a_ring_made_anew_does_not_hold_is_a_gap(path: Path, name: str) -> None:
    killed = make(path, b"abc")
    reader = reader_of(path, name)
    reader.poll()
    del killed
    kept = make(path, b"f", first=6)
    reader.poll_until(lambda: len(reader.frames) == 4)
    assert reader.frames[-1] == (6, b"f")
    assert reader.gaps == [(4, 2)]
    assert reader.counted("gap_frames") == 2
    assert kept.sequence_next == 7


def test_a_lapped_reader_of_a_ring_made_anew_loses_what_was_overwritten_alone(path: Path) -> None:
    killed = make(path, b"abc")
    reader = reader_of(path, "")
    reader.poll()
    del killed
    again = make(path, b"abc")
    broadcast.Reader(path, "console").leave()
    reader.poll_until(lambda: reader.counted("reattached") == 1)
    offered = 0
    while offered < 3 * CAPACITY // 64:
        assert again.offer(bytes(40)) is Status.OK
        offered += 1
    reader.poll_until(lambda: reader.end.sequence_next == again.sequence_next)
    numbers = [number for number, _ in reader.frames]
    lost = [n for first, count in reader.gaps for n in range(first, first + count)]
    assert numbers[:3] == [1, 2, 3]
    assert sorted(numbers + lost) == list(range(1, offered + 4))


@pytest.mark.parametrize("name", ["", "console"])
@pytest.mark.parametrize("session", ["OTHER", None])
def test_a_ring_of_another_session_ends_the_stream_and_is_named(
    path: Path, name: str, session: str | None
) -> None:
    killed = make(path, b"abc")
    reader = reader_of(path, name)
    reader.poll()
    del killed
    other = make(path, b"vwxyz", session=session)
    reader.poll_until(lambda: reader.answer == -Status.CLOSED)
    assert reader.poll() == -Status.CLOSED
    assert [text for _, text in reader.frames] == [b"a", b"b", b"c"]
    assert reader.end.session == "VENUE"
    assert reader.end.session_next == other.producer.session != "VENUE"
    assert reader.counted("sessions") == 1
    assert reader.end.orphaned


def test_a_ring_that_is_removed_and_one_that_nobody_writes_are_noticed(path: Path) -> None:
    publication = make(path, b"a")
    reader = reader_of(path, "")
    reader.poll_until(lambda: reader.poll() == 0)
    assert reader.end.produced
    del publication
    reader.poll_until(lambda: not reader.end.produced)
    # What was said is there, and who comes after may go on with it.
    assert not reader.end.orphaned
    assert reader.counted("producers_lost") == 1
    taken_over = ShmPublication(path)
    reader.poll_until(lambda: reader.end.produced)
    path.unlink()
    reader.poll_until(lambda: reader.end.orphaned)
    assert (reader.end.place, reader.end.produced) == ("removed", True)
    # Who removed it may still write: what comes is taken.
    taken_over.offer(b"b")
    reader.poll_until(lambda: len(reader.frames) == 2)
    assert reader.counted("reattached") == 0


def test_a_stream_that_has_ended_needs_no_producer(path: Path) -> None:
    publication = make(path, b"a")
    reader = reader_of(path, "")
    publication.end()
    del publication
    reader.poll_until(lambda: reader.answer == -Status.CLOSED)
    path.unlink()
    assert reader.poll() == -Status.CLOSED
    assert not reader.end.orphaned


def test_a_ring_that_has_no_session_yet_is_waited_for(path: Path) -> None:
    killed = make(path, b"abc")
    reader = reader_of(path, "")
    reader.poll()
    del killed
    again = make(path, b"", session="")
    reader.poll_until(lambda: reader.end.place == "removed")
    assert reader.counted("reattached") == reader.counted("sessions") == 0
    again.producer.name_session("VENUE")
    for byte in b"abcd":
        again.offer(bytes([byte]))
    reader.poll_until(lambda: len(reader.frames) == 4)
    assert reader.counted("reattached") == 1


def test_a_ring_that_was_cut_short_is_read_no_more(path: Path) -> None:
    publication = make(path, b"a")
    reader = reader_of(path, "")
    reader.poll()
    # By less than a page, so that no page of it is gone.
    os.truncate(path, path.stat().st_size - 1)
    reader.poll_until(lambda: reader.answer == -Status.CORRUPT)
    assert reader.end.place == "cut"
    assert publication.sequence_next == 2


def test_the_session_of_a_ring_is_said_once_and_kept(path: Path) -> None:
    publication = make(path, b"", session="")
    assert broadcast.positions(path).session == ShmSubscription(path).session == ""
    publication.producer.name_session("TENLETTERS")
    assert ShmSubscription(path, session="TENLETTERS").session == "TENLETTERS"
    assert broadcast.positions(path).session == "TENLETTERS"
    publication.producer.name_session("TENLETTERS")
    with pytest.raises(SegmentError, match="session: found TENLETTERS, expected OTHER"):
        publication.producer.name_session("OTHER")
    with pytest.raises(SegmentError, match="session: found TENLETTERS, expected OTHER"):
        ShmSubscription(path, session="OTHER")
    for wrong in ("ELEVENCHARS", "a\nb", " x", "\u00e9"):
        with pytest.raises(SegmentError, match=r"session: found .* expected 1 to 10 characters"):
            make(path, b"", session=wrong)


def test_rings_have_sessions_of_their_own_unless_they_are_named(path: Path) -> None:
    names = {make(path, b"", session=None).producer.session for _ in range(20)}
    assert len(names) == 20
    assert all(len(name) == 10 for name in names)
