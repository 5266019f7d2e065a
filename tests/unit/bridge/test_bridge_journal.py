"""Goal: what a bridge's source has lost comes from the journal of the stream, in its place; what
the journal has not is a gap.

Method: a ring that a journal stage and a bridge read, by hand, so that the bridge is evicted when
the test wants it; journals that lack the frames.
"""

import time
from pathlib import Path

import pytest

from ironcore.base.counter_set import CounterSet
from ironcore.base.status import Status
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating
from ironcore.stage.bridge import COUNTERS, BridgeStage
from ironcore.stage.journal import COUNTERS as JOURNAL_COUNTERS
from ironcore.stage.journal import JournalStage

CAPACITY = 4096
DEADLINE_S = 20.0
JOURNAL_WAIT_NS = 1_000_000
Gaps = list[tuple[int, int]]


class Evicted:
    """A near ring with its journal, and a far ring that holds everything."""

    def __init__(self, directory: Path, on_gap: str = "pass") -> None:
        self.far = directory / "far.ring"
        near = self.path = directory / "near.ring"
        broadcast.create(near, CAPACITY, {"journal": Gating(), "bridge": Gating(1)})
        broadcast.create(self.far, 1 << 20, {})
        self.near = ShmPublication(near)
        (directory / "journal").mkdir()
        self.journal = JournalStage(
            broadcast.Reader(near, "journal"),
            directory / "journal",
            "TEST",
            CounterSet("journal", JOURNAL_COUNTERS),
            policy="off",
            segment_bytes=1 << 20,
        )
        self.directory = directory / "journal"
        self.on_gap = on_gap
        self.start()

    def start(self) -> None:
        self.stage = BridgeStage(
            ShmSubscription(self.path, "bridge"),
            ShmPublication(self.far),
            CounterSet("bridge", COUNTERS),
            on_gap=self.on_gap,
            journal=self.directory,
            journal_wait_ns=JOURNAL_WAIT_NS,
        )

    def offer(self, count: int) -> None:
        """So many frames into ring and journal; the bridge does not get a turn."""
        for _ in range(count):
            number = self.near.sequence_next
            deadline_s = time.monotonic() + DEADLINE_S
            while self.near.offer(frame_of(number)) is not Status.OK:
                assert time.monotonic() < deadline_s
            self.journal.poll_once()

    def carry(self, end: int) -> int:
        """Polls until the frame before this number is carried, or one fails: what it said."""
        deadline_s, work = time.monotonic() + DEADLINE_S, 0
        publication = self.stage.publication
        assert publication is not None
        while publication.sequence_next < end and work >= 0:
            assert time.monotonic() < deadline_s
            work = self.stage.poll_once(16)
        return work

    def arrived(self) -> tuple[list[tuple[int, bytes]], Gaps]:
        frames: list[tuple[int, bytes]] = []
        gaps: Gaps = []
        reader = ShmSubscription(self.far, from_="oldest")
        while (
            reader.poll(
                lambda sequence, frame: frames.append((sequence, frame)),
                on_gap=lambda first, count: gaps.append((first, count)),
            )
            > 0
        ):
            pass
        return frames, gaps


def frame_of(number: int) -> bytes:
    return number.to_bytes(100, "little")


def test_an_evicted_bridge_carries_everything(tmp_path: Path) -> None:
    relay = Evicted(tmp_path)
    relay.offer(10)
    relay.carry(11)
    relay.offer(200)
    relay.carry(211)
    relay.offer(5)
    relay.carry(216)
    relay.offer(300)
    relay.carry(516)
    assert relay.arrived() == ([(number, frame_of(number)) for number in range(1, 516)], [])
    counts = relay.stage.counters.snapshot()
    assert counts["evictions"] == counts["gaps"] == 2
    assert counts["filled"] == counts["gap_frames"] > 300
    assert counts["filled"] + counts["frames"] == 515


def test_what_passed_while_no_bridge_ran_comes_from_the_journal(tmp_path: Path) -> None:
    relay = Evicted(tmp_path)
    relay.offer(10)
    relay.carry(11)
    del relay.stage
    relay.offer(200)
    relay.start()
    relay.offer(1)
    relay.carry(212)
    assert relay.arrived() == ([(number, frame_of(number)) for number in range(1, 212)], [])


def test_a_gap_at_the_end_is_filled_before_the_end_is_told(tmp_path: Path) -> None:
    relay = Evicted(tmp_path)
    relay.offer(200)
    relay.near.end()
    deadline_s = time.monotonic() + DEADLINE_S
    while not relay.stage.ended:
        assert time.monotonic() < deadline_s
        relay.stage.poll_once(16)
    frames, gaps = relay.arrived()
    assert ([number for number, _ in frames], gaps) == (list(range(1, 201)), [])


@pytest.mark.parametrize("on_gap", ["pass", "stop"])
def test_a_gap_that_the_journal_does_not_hold_is_passed_on_or_stops(
    tmp_path: Path, on_gap: str
) -> None:
    relay = Evicted(tmp_path, on_gap=on_gap)
    relay.offer(10)
    relay.carry(11)
    relay.offer(200)
    (segment,) = (tmp_path / "journal").glob("*.journal")
    data = bytearray(segment.read_bytes())
    data[len(data) // 8 :] = bytes(len(data) - len(data) // 8)
    segment.write_bytes(data)
    work = relay.carry(211)
    if on_gap == "stop":
        assert work == -Status.OVERRUN
        return
    frames, gaps = relay.arrived()
    assert gaps
    assert len(frames) + sum(count for _, count in gaps) == 210
