"""Goal: each poll of a watched stage is seen with what it did, and the dearest ones have a cause.

Method: a journal is polled by hand, so few times that all polls are kept; a venue runs for two
seconds, whose report is looked at for its structure; causes are asked for with polls made up here.
"""

import json
import os
from pathlib import Path

import pytest

from ironcore.base.counter_set import CounterSet
from ironcore.bench.stalls import Watched
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating, Producer, Reader
from ironcore.stage import journal
from ironpit.bench import stalls

FRAME = bytes(1000)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A journal with short segments, and `x.ring` before it."""
    broadcast.create(tmp_path / "x.ring", 1 << 16, {"journal": Gating()})
    (tmp_path / "journal").mkdir()
    stage = journal.JournalStage(
        Reader(tmp_path / "x.ring", "journal"),
        tmp_path / "journal",
        "TEST",
        CounterSet("journal", journal.COUNTERS),
        policy="off",
        segment_bytes=4096,
    )
    return Watched(stage, stage.counters, 1 << 62)


def test_every_poll_is_seen_with_its_work_and_what_it_counted(
    watched: Watched, tmp_path: Path
) -> None:
    producer = Producer(tmp_path / "x.ring")
    done = []
    for frames in (0, 2, 9, 3):
        for _ in range(frames):
            assert producer.offer(FRAME) == 0
        # A poll ends with a segment.
        done.append(watched.poll_once())
        while done[-1]:
            done.append(watched.poll_once())
    assert len(done) < 32
    polls = watched.polls()
    assert (polls["idle_polls"], polls["busy_polls"]) == (4, len(done) - 4)
    assert polls["work"] == sum(done) > 0
    assert polls["busy_ns"] > 0
    assert polls["long_polls"] == 0
    longest = watched.longest()
    assert len(longest) == len(done)
    assert sorted(poll.work for poll in longest) == sorted(done)
    assert [poll.excess_ns for poll in longest] == sorted(
        (poll.excess_ns for poll in longest), reverse=True
    )
    counts = watched.counted()
    assert counts["frames"] == 14
    for name, total in counts.items():
        assert sum(poll.counted.get(name, 0) for poll in longest) == total
    assert counts["segments"] > 1


def test_only_the_dearest_polls_are_kept(watched: Watched) -> None:
    for _ in range(1000):
        watched.poll_once()
    assert watched.polls()["idle_polls"] == 1000
    assert len(watched.longest()) == 32


def test_long_polls_are_counted(tmp_path: Path, watched: Watched) -> None:
    stage = journal.JournalStage(
        Reader(_ring(tmp_path), "journal"),
        tmp_path / "journal",
        "TEST",
        CounterSet("journal", journal.COUNTERS),
        policy="off",
        segment_bytes=4096,
    )
    short = Watched(stage, stage.counters, 0)
    # The first one is what is usual so far, and some of so many cost more than the mean.
    for _ in range(10_000):
        short.poll_once()
    assert 0 < short.polls()["long_polls"] < 10_000
    assert watched.polls()["long_polls"] == 0


def _ring(directory: Path) -> Path:
    path = directory / "y.ring"
    broadcast.create(path, 1 << 16, {"journal": Gating()})
    return path


@pytest.mark.parametrize(
    ("page_faults", "counted", "cause"),
    [
        (0, {"frames": 7}, "nothing that is counted"),
        (3, {"frames": 7}, "3 page faults"),
        (0, {"frames": 7, "syncs": 1, "segments": 1}, "segments 1, syncs 1"),
        (12, {"segments": 1, "bytes": 99}, "12 page faults, segments 1"),
        (0, {}, "nothing that is counted"),
    ],
)
def test_a_cause_is_what_happens_seldom(
    page_faults: int, counted: dict[str, int], cause: str
) -> None:
    stage = {
        "idle_polls": 9_000,
        "busy_polls": 1_000,
        "counted": {"frames": 5_000, "syncs": 100, "segments": 3, "bytes": 10**9},
    }
    poll = {"page_faults": page_faults, "counted": counted}
    assert stalls.cause_of(poll, stage) == cause


def test_a_venue_is_watched_and_its_dearest_polls_are_told() -> None:
    cpu = max(os.sched_getaffinity(0))
    report = stalls.run(stalls.Plan(seconds=2, rate=500, venue_cpu=cpu))
    assert json.loads(json.dumps(report)) == report
    assert {stage["stage"] for stage in report["stages"]} == {
        *("gateway", "matcher", "journal", "publisher")
    }
    work = {stage["stage"]: stage["work"] for stage in report["stages"]}
    assert work["matcher"] >= 1000
    assert len(report["longest"]) == stalls.LONGEST
    # Half of the members were told all of their replies once more.
    assert report["told_again"] >= 500
    text = stalls.text_of(report)
    assert "beyond their work" in text
    assert "matcher: " in text
