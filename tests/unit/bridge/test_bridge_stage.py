"""Goal: the bridge carries every frame once under its own number, passes back-pressure and gaps on,
and stops only for what it cannot carry on from.

Method: rings on both sides, and a TCP publication where its limits matter; one thread.
"""

from pathlib import Path

import pytest

from ironcore.base.counter_set import CounterSet
from ironcore.base.status import Status
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating
from ironcore.stage.bridge import COUNTERS, BridgeStage

CAPACITY = 4096
Frames = list[tuple[int, bytes]]
Gaps = list[tuple[int, int]]


class Relay:
    """A bridge between two rings; the far one's reader `end` is waited for."""

    def __init__(self, directory: Path, on_gap: str = "pass") -> None:
        near, far = directory / "near.ring", directory / "far.ring"
        broadcast.create(near, CAPACITY, {"bridge": Gating()})
        broadcast.create(far, CAPACITY, {"end": Gating()})
        self.near = ShmPublication(near)
        self.end = ShmSubscription(far, "end")
        self.stage = bridge(ShmSubscription(near, "bridge"), ShmPublication(far), on_gap)

    def take(self) -> tuple[Frames, Gaps]:
        frames: Frames = []
        gaps: Gaps = []
        self.end.poll(
            lambda sequence, frame: frames.append((sequence, frame)),
            on_gap=lambda first, count: gaps.append((first, count)),
        )
        return frames, gaps


def bridge(
    subscription: SubscriptionEnd, publication: PublicationEnd, on_gap: str = "pass"
) -> BridgeStage:
    return BridgeStage(subscription, publication, CounterSet("bridge", COUNTERS), on_gap=on_gap)


def test_frames_are_carried_in_batches_under_their_numbers(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    for text in (b"one", b"", b"three"):
        relay.near.offer(text)
    assert relay.stage.poll_once(2) == 2
    assert relay.take() == ([(1, b"one"), (2, b"")], [])
    assert relay.stage.poll_once(2) == 1
    assert relay.take() == ([(3, b"three")], [])
    assert relay.stage.poll_once() == 0
    assert relay.stage.counters.snapshot()["frames"] == 3


def test_back_pressure_reaches_the_source_and_loses_nothing(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    offered = 0
    while relay.near.offer(offered.to_bytes(100, "little")) is Status.OK or relay.stage.poll_once():
        offered = relay.near.sequence_next - 1
    assert relay.stage.counters.snapshot()["back_pressure"] > 0
    assert relay.near.offer(bytes(100)) is Status.FULL
    frames: Frames = []
    while len(frames) < offered:
        frames += relay.take()[0]
        relay.stage.poll_once()
    assert [number for number, _ in frames] == list(range(1, offered + 1))
    assert relay.near.offer(bytes(100)) is Status.OK


def test_a_gap_is_passed_on_in_its_place(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    relay.near.offer(b"one")
    relay.near.skip(4)
    relay.near.offer(b"six")
    relay.stage.poll_once()
    assert relay.take() == ([(1, b"one"), (6, b"six")], [(2, 4)])
    counts = relay.stage.counters.snapshot()
    assert (counts["gaps"], counts["gap_frames"], counts["left_out"]) == (1, 4, 4)


def test_a_gap_ends_the_bridge_when_it_is_told_so(tmp_path: Path) -> None:
    relay = Relay(tmp_path, on_gap="stop")
    relay.near.skip(1)
    relay.near.offer(b"two")
    for _ in range(2):
        assert relay.stage.poll_once() == -Status.OVERRUN
    assert relay.stage.failure == Status.OVERRUN
    assert relay.take() == ([], [])


def test_what_was_carried_before_is_not_carried_again(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    for text in (b"one", b"two"):
        relay.near.offer(text)
    relay.stage.poll_once()
    publication = relay.stage.publication
    assert publication is not None
    again = bridge(ShmSubscription(tmp_path / "near.ring", from_="oldest"), publication)
    relay.near.offer(b"three")
    again.poll_once()
    assert again.counters.snapshot()["repeated"] == 2
    assert [number for number, _ in relay.take()[0]] == [1, 2, 3]


def test_a_frame_that_the_far_side_cannot_carry_is_a_gap_there(tmp_path: Path) -> None:
    path = tmp_path / "near.ring"
    broadcast.create(path, 1 << 16, {"bridge": Gating()})
    near = ShmPublication(path)
    far = TcpPublication(-1, "S", window_bytes=4096, queue_bytes=4096)
    stage = bridge(ShmSubscription(path, "bridge"), far)
    for frame in (b"one", bytes(1000), b"three"):
        near.offer(frame)
    stage.poll_once()
    assert far.sequence_next == 4
    assert stage.counters.snapshot()["too_large"] == far.counters.snapshot()["skipped"] == 1


def test_the_end_is_told_once_and_the_bridge_goes_on_answering(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    relay.near.offer(b"last")
    relay.near.end()
    for _ in range(3):
        assert relay.stage.poll_once() >= 0
    assert relay.stage.ended
    assert relay.take()[0] == [(1, b"last")]
    assert relay.end.poll(lambda sequence, frame: None) == -Status.CLOSED


def test_without_a_publication_nothing_is_taken_and_nothing_lost(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    publication = relay.stage.publication
    assert publication is not None
    stage = BridgeStage(
        ShmSubscription(tmp_path / "near.ring", from_="oldest"),
        None,
        CounterSet("bridge", COUNTERS),
    )
    relay.near.skip(2)
    relay.near.offer(b"three")
    for _ in range(3):
        assert stage.poll_once() == 0
    assert stage.counters.snapshot()["back_pressure"] == 0
    stage.publish(publication)
    stage.poll_once()
    assert relay.take() == ([(3, b"three")], [(1, 2)])


def test_a_stream_that_ended_before_there_was_a_publication_is_ended_there(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    publication = relay.stage.publication
    assert publication is not None
    stage = BridgeStage(
        ShmSubscription(tmp_path / "near.ring"), None, CounterSet("bridge", COUNTERS)
    )
    relay.near.end()
    stage.poll_once()
    assert not stage.ended
    stage.publish(publication)
    stage.poll_once()
    assert stage.ended
    assert relay.end.poll(lambda sequence, frame: None) == -Status.CLOSED


def test_a_bridge_that_is_ended_takes_nothing_more(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    relay.near.offer(b"one")
    relay.stage.poll_once()
    relay.stage.end()
    relay.near.offer(b"two")
    relay.stage.poll_once()
    assert relay.take()[0] == [(1, b"one")]
    assert relay.end.poll(lambda sequence, frame: None) == -Status.CLOSED


def test_an_unknown_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="on_gap: found 'wait', expected one of pass, stop"):
        Relay(tmp_path, on_gap="wait")
