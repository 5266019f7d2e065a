"""Goal: the matcher takes from many order rings in fair turns, and each command of each ring once,
also when it dies before the rings have heard that it took them.

Method: a real matcher on real rings against a naive model of the turns, over random offers, polls
and deaths. A death puts the order rings back to what they were before the last poll, so that the
next matcher finds frames again that are in the stream.
"""

import struct
import tempfile
from collections import deque
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model import records as r

from ironcore.base.counter_set import CounterSet
from ironcore.ring.broadcast import read_frames
from ironcore.runtime import pipeline
from ironcore.stage import matcher

TURN_MAX = 32  # commands of one ring before the next one's turn comes
ENTER_ORDER = 16
BATCH = 256


class Command(NamedTuple):
    """A frame of an order ring."""

    source: int
    sequence: int


class Model:
    """What the matcher has to do, as simply as it can be said."""

    def __init__(self, sources: int) -> None:
        self.waiting: list[deque[Command]] = [deque() for _ in range(sources)]
        self.offered = [0] * sources
        self.stream: list[Command] = []
        self.first = 0

    def offer(self, index: int) -> None:
        self.offered[index] += 1
        self.waiting[index].append(Command(index + 1, self.offered[index]))

    def poll(self, batch: int) -> None:
        turn_max = TURN_MAX if len(self.waiting) > 1 else batch
        index, idle = self.first, 0
        while batch and idle < len(self.waiting):
            served = min(turn_max, batch, len(self.waiting[index]))
            for _ in range(served):
                command = self.waiting[index].popleft()
                if command not in self.stream:
                    self.stream.append(command)
            batch -= served
            idle = 0 if served else idle + 1
            index = (index + 1) % len(self.waiting)
            if served:
                self.first = index


class Venue:
    """A matcher, its order rings, and the stream."""

    def __init__(self, directory: Path, sources: int) -> None:
        self.directory, self.sources = directory, sources
        self.events = directory / "events.ring"
        self.rings = [directory / f"orders-{index}.ring" for index in range(sources)]
        self.limits = r.Limits(1, sources, 4096, 12)
        for ring in self.rings:
            pipeline.create_order_ring(ring, 1 << 16)
        pipeline.create_event_ring(
            self.events, 1 << 20, stages={"journal": 0}, before_reply=False, sequence_next=1
        )
        self._open()
        for command in (
            r.stream_start(self.limits),
            r.define_instrument(0),
            *(r.define_session(index + 1) for index in range(sources)),
        ):
            assert self.matcher.submit(command)

    def _open(self) -> None:
        self.producers = [pipeline.open_order_producer(ring) for ring in self.rings]
        self.matcher = matcher.MatcherStage(
            [pipeline.open_order_consumer(ring) for ring in self.rings],
            pipeline.open_stream_producer(self.events),
            pipeline.make_engine(**self.limits._asdict()),
            CounterSet("matcher", matcher.COUNTERS),
        )
        for sequence, payload in read_frames(self.events, 1):
            self.matcher.replay(sequence, payload)

    def offer(self, index: int, number: int) -> None:
        assert self.producers[index].offer(r.enter(index + 1, number, "B", 1, 10_000)) == 0

    def die_after(self, batch: int) -> None:
        """Poll, and die before any ring has heard of it."""
        before = [ring.read_bytes() for ring in self.rings]
        self.matcher.poll_once(batch)
        del self.matcher, self.producers
        for ring, content in zip(self.rings, before, strict=True):
            ring.write_bytes(content)
        self._open()

    def stream(self) -> list[Command]:
        """The members' commands in it."""
        found = []
        for _, frame in read_frames(self.events, 1):
            if frame[0] == ENTER_ORDER:
                (sequence,) = struct.unpack_from("<Q", frame, 16)
                (source,) = struct.unpack_from("<H", frame, 32)
                found.append(Command(source, sequence))
        return found


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.integers(0, 4), st.integers(1, 80)),
        st.tuples(st.just("poll"), st.just(0), st.integers(1, BATCH)),
        st.tuples(st.just("die"), st.just(0), st.integers(1, BATCH)),
    ),
    max_size=10,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), STEPS)
def test_each_command_of_each_ring_is_taken_once_and_in_fair_turns(
    sources: int, steps: list[tuple[str, int, int]]
) -> None:
    model = Model(sources)
    with tempfile.TemporaryDirectory() as directory:
        venue = Venue(Path(directory), sources)
        for what, index, count in [*steps, ("poll", 0, 10 * BATCH)]:
            if what == "offer":
                for _ in range(count):
                    model.offer(index % sources)
                    venue.offer(index % sources, model.offered[index % sources])
            elif what == "poll":
                model.poll(count)
                venue.matcher.poll_once(count)
            else:
                before = [deque(waiting) for waiting in model.waiting]
                model.poll(count)
                model.waiting, model.first = before, 0
                venue.die_after(count)
            assert venue.stream() == model.stream
        assert venue.matcher.source_sequences == tuple(model.offered)


def test_a_busy_ring_keeps_nobody_waiting(tmp_path: Path) -> None:
    venue = Venue(tmp_path, 3)
    for number in range(1, 401):
        venue.offer(0, number)
    venue.offer(2, 1)
    venue.matcher.poll_once(BATCH)
    assert venue.stream().index(Command(3, 1)) <= TURN_MAX


def test_more_rings_than_it_has_room_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="orders: found 65 rings, expected 1 to 64"):
        Venue(tmp_path, 65)
