"""Goal: a command that takes several steps stops nobody, is not stopped by anybody, and ends the
same when another matcher takes over in between.

Method: a matcher with two order rings whose stream has a limit on a step. One member has many
orders and cancels them all; the other one goes on trading, now and then or without end.
"""

import re
from pathlib import Path

import pytest
from tests.model import records as r
from tests.model.rules import rule

from ironcore.base.counter_set import CounterSet
from ironcore.ring.broadcast import read_frames
from ironcore.runtime import pipeline
from ironcore.stage import matcher
from ironcore.wire.record import decode_frame

LIMITS = r.Limits(2, 2, 4096, 12)
ORDERS = 200
STEP = 10  # orders that leave with a step
STEPS = ORDERS // STEP
ACTIONS = STEP * 17
COMMANDS = range(1, 128)


class Venue:
    """A matcher with a ring for each of two members, and the first one's orders. The operator has
    so many commands to come."""

    def __init__(
        self, directory: Path, event_ring_bytes: int = 1 << 23, operators_commands: int = 0
    ) -> None:
        directory.mkdir()
        self.operators_commands = operators_commands
        self.control = directory / "control.ring"
        pipeline.create_control_ring(self.control)
        self.events = directory / "events.ring"
        self.rings = [directory / f"orders-{index}.ring" for index in range(2)]
        for ring in self.rings:
            pipeline.create_order_ring(ring, 1 << 16)
        pipeline.create_event_ring(
            self.events,
            event_ring_bytes,
            stages={"journal": 0},
            before_reply=False,
            sequence_next=1,
        )
        self.producers = [pipeline.open_order_producer(ring) for ring in self.rings]
        self.begin()
        for command in (
            r.stream_start(LIMITS, step_actions_max=ACTIONS),
            r.define_instrument(0),
            r.define_instrument(1),
            r.define_session(1),
            r.define_session(2),
        ):
            assert self.matcher.submit(command)
        for number in range(1, ORDERS + 1):
            assert self.matcher.submit(r.enter(1, number, "B", 1, 1000))
        self.number = 0
        self.operator = pipeline.open_control_producer(self.control)

    def begin(self) -> None:
        """A matcher at its start, or one that takes over."""
        self.engine = pipeline.make_engine(**LIMITS._asdict())
        self.matcher = matcher.MatcherStage(
            [pipeline.open_order_consumer(ring) for ring in self.rings],
            pipeline.open_stream_producer(self.events),
            self.engine,
            CounterSet("matcher", matcher.COUNTERS),
            pipeline.open_control_consumer(self.control),
        )

    def take_over(self) -> None:
        frames = list(read_frames(self.events, 1))
        del self.matcher  # which holds the rings
        self.begin()
        for sequence, frame in frames:
            self.matcher.replay(sequence, frame)

    def trade(self, count: int) -> None:
        """The second member's next orders."""
        for _ in range(count):
            self.number += 1
            assert self.producers[1].offer(r.enter(2, self.number, "B", 1, 900)) == 0

    def operate(self) -> None:
        """The operator's next command: the second instrument is halted, or resumes."""
        if self.operators_commands:
            self.operators_commands -= 1
            state = "HT"[self.operators_commands % 2]
            self.operator.offer(r.set_state(1, state))  # or the ring is full

    def kinds(self) -> list[str]:
        """The commands of the stream behind the first member's orders."""
        frames = [frame for _, frame in read_frames(self.events, 1) if frame[0] in COMMANDS]
        return [decode_frame(frame)[0]["kind"] for frame in frames][5 + ORDERS :]

    def said(self) -> bytes:
        """The stream's events."""
        found = b""
        for _, frame in read_frames(self.events, 1):
            skipped = int.from_bytes(frame[2:4], "little") if frame[0] in COMMANDS else 0
            found += frame[skipped:]
        return found


@rule("18.8")
def test_commands_of_others_come_between_two_steps(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "venue")
    assert venue.producers[0].offer(r.mass_cancel(1)) == 0
    venue.trade(1)
    assert venue.matcher.poll_once() == 2
    while venue.engine.works_waiting:
        venue.trade(2)
        assert venue.matcher.poll_once() == 3
    assert venue.kinds() == [
        "MassCancel",
        "EnterOrder",
        *["Continue", "EnterOrder", "EnterOrder"] * (STEPS - 1),
    ]
    assert venue.matcher.counters.snapshot()["continued"] == STEPS - 1
    assert venue.engine.counters["orders_live"] == venue.number


@rule("18.8")
def test_a_ring_that_is_never_empty_does_not_hold_a_step_back(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "venue")
    assert venue.producers[0].offer(r.mass_cancel(1)) == 0
    for step in range(STEPS):
        venue.trade(20)
        assert venue.matcher.poll_once(8) == 8 + (step > 0)
    assert venue.engine.works_waiting == 0
    assert venue.matcher.poll_once(8) == 8


def turns_in_a_full_stream(venue: Venue, batch_max: int) -> str:
    """The stream's reader takes a frame for each poll, and the matcher has more to write: what it
    wrote with the first member's mass cancel and behind it, a letter for each command."""
    reader = pipeline.open_stream_reader(venue.events, "journal")
    counters = venue.matcher.counters
    frames: list[tuple[int, bytes]] = []
    while counters.snapshot()["back_pressure"] == 0:
        venue.trade(4)
        venue.matcher.poll_once(4)
    assert venue.producers[0].offer(r.mass_cancel(1)) == 0
    venue.trade(300)
    while counters.snapshot()["continued"] < STEPS - 1:
        venue.operate()
        venue.matcher.poll_once(batch_max)
        frames += reader.poll(1)[1]
    while taken := reader.poll(64)[1]:
        frames += taken
        venue.matcher.poll_once(batch_max)
    kinds = [decode_frame(frame)[0]["kind"] for _, frame in frames if frame[0] in COMMANDS]
    letters = "".join(kind[0] for kind in kinds[kinds.index("MassCancel") :])
    return letters[: letters.rindex("C") + 1]


@rule("18.8")
@pytest.mark.parametrize("batch_max", [1, 2, 4])
def test_in_a_full_stream_steps_and_rings_take_turns(tmp_path: Path, batch_max: int) -> None:
    turns = turns_in_a_full_stream(Venue(tmp_path / "venue", 1 << 16), batch_max)
    assert re.fullmatch(f"M(E{{0,{batch_max}}}C)(E{{1,{batch_max}}}C){{{STEPS - 2}}}", turns)


@rule("18.8")
def test_in_a_full_stream_an_operator_takes_turns_too(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "venue", 1 << 16, operators_commands=1000)
    turns = turns_in_a_full_stream(venue, 4)
    assert re.fullmatch(f"M(E{{0,4}}S?C)(E{{1,4}}S?C){{{STEPS - 2}}}", turns)
    assert "ESC" in turns


@rule("18.3", "18.1")
def test_a_matcher_that_takes_over_between_two_steps_ends_what_was_begun(tmp_path: Path) -> None:
    whole, cut = Venue(tmp_path / "whole"), Venue(tmp_path / "cut")
    for venue in (whole, cut):
        assert venue.producers[0].offer(r.mass_cancel(1)) == 0
        for turn in range(STEPS):
            if venue is cut:
                venue.take_over()
            venue.trade(turn % 3)
            venue.matcher.poll_once()
        assert venue.engine.works_waiting == 0
    assert cut.said() == whole.said()
    assert cut.kinds() == whole.kinds()
    assert cut.engine.digest() == whole.engine.digest()


@rule("18.5")
def test_what_finds_no_room_to_wait_stays_in_its_ring_and_holds_no_other_ring_up(
    tmp_path: Path,
) -> None:
    venue = Venue(tmp_path / "venue")
    flood = 100
    for _ in range(flood):
        assert venue.producers[0].offer(r.mass_cancel(1, group=9)) == 0
    turns = 0
    while venue.kinds().count("MassCancel") < flood or venue.engine.works_waiting:
        venue.trade(1)
        assert venue.matcher.poll_once() > 0
        turns += 1
        assert venue.kinds().count("EnterOrder") == turns
    assert venue.kinds().count("MassCancel") == flood


@rule("18.5")
def test_one_member_s_mass_cancels_leave_room_for_another_s(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "venue")
    for _ in range(100):
        assert venue.producers[0].offer(r.mass_cancel(1)) == 0
    venue.matcher.poll_once()
    assert venue.engine.works_waiting == 8
    assert venue.producers[1].offer(r.mass_cancel(2)) == 0
    venue.matcher.poll_once()
    assert venue.engine.works_waiting == 9


@rule("18.4", "18.8")
def test_a_closing_goes_on_by_itself(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "venue")
    assert venue.matcher.submit(r.set_state(0, "C"))
    assert venue.engine.works_waiting == 1
    while venue.engine.works_waiting:
        assert venue.matcher.poll_once() == 1
    assert venue.kinds() == ["SetState", *["Continue"] * (STEPS - 1)]
    assert venue.engine.counters["orders_live"] == 0
