"""Goal: 24 hours after the stream's midnight the matcher closes every instrument before it takes
the next command, holds no auction for it, and nothing is opened again; a matcher that takes over in
between goes on where the other one stopped.

Method: a hand-turned venue whose stream is of yesterday, so that its day is over with the first
turn.
"""

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.streams import whole_stream
from tests.unit.gateway.test_order_types import DAY_NS
from tests.venue import HandVenue, Member

from ironcore.base.counter_set import CounterSet
from ironcore.runtime import pipeline
from ironcore.stage import matcher
from ironcore.wire.record import decode_frame
from ironpit.common.errors import UserError
from ironpit.venue import day, definitions
from ironpit.venue import recovery as preparation
from ironpit.venue.day import Day, DayWatch

HOUR_NS = 3_600_000_000_000
CLOSED = 0x02


def yesterday(monkeypatch: pytest.MonkeyPatch, days: int = 1) -> None:
    """Streams that begin from now on are so many days old."""
    clock = SimpleNamespace(time_ns=lambda: time.time_ns() - days * DAY_NS)
    monkeypatch.setattr(definitions, "time", clock)


@pytest.fixture
def venue(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HandVenue]:
    yesterday(monkeypatch)
    hand = HandVenue(config_file)
    yield hand
    if hasattr(hand, "gateway"):
        hand.crash()


def commands(venue: HandVenue) -> list[dict[str, Any]]:
    """The commands of the stream behind the definitions, each with its `events`' kinds."""
    config, found = venue.config, []
    frames = whole_stream(config.journal.directory, config.streams.events.path)
    for _, frame in frames:
        first, *events = decode_frame(frame)
        found.append(first | {"events": [event["kind"] for event in events]})
    last = max(n for n, c in enumerate(found) if c.get("event_code") == "Q")
    return found[last + 1 :]


def told(venue: HandVenue) -> list[tuple[str, Any, Any]]:
    """Of each of them its kind, instrument, and code or state."""
    return [
        (c["kind"], c["instrument"], c.get("event_code") or c.get("state")) for c in commands(venue)
    ]


NONE = r.INSTRUMENT_NONE
END = [
    ("SystemEvent", NONE, "M"),
    ("SetState", 0, "C"),
    ("SetState", 1, "C"),
    ("SystemEvent", NONE, "E"),
]


@rule("13.10")
def test_every_instrument_is_closed_once_and_the_end_is_said(venue: HandVenue) -> None:
    assert not venue.matcher.day_over
    venue.settle()
    assert told(venue) == END
    assert venue.matcher.day_over
    counters = venue.matcher.counters.snapshot()
    assert (counters["day_over"], counters["day_end_ns"] % DAY_NS) == (1, 0)


def test_an_order_that_waited_in_the_ring_comes_behind_the_end(venue: HandVenue) -> None:
    member = Member(venue)
    member.login()
    member.enter(1)
    member.replies()
    assert told(venue) == [*END, ("EnterOrder", 0, None)]
    assert commands(venue)[-1]["events"] == ["Rejected"]
    (last,) = [p for p in member.replies() if p[:1] == b"J"]
    assert struct.unpack_from(">QIH", last, 1) == (DAY_NS - 1, 1, CLOSED)


@rule("13.10")
def test_the_closing_auction_is_not_held(venue: HandVenue) -> None:
    for command in (
        r.set_state(0, "L"),
        r.enter(1, 1, "B", 100, 1_000_000),
        r.enter(2, 1, "S", 100, 1_000_000),
    ):
        assert venue.matcher.submit(command)
    venue.settle()
    assert told(venue)[3:6] == [END[0], ("SetState", 0, "H"), ("SetState", 0, "C")]
    events = [kind for command in commands(venue)[3:] for kind in command["events"]]
    assert "Cross" not in events
    assert events.count("Canceled") == 2


def test_a_matcher_that_takes_over_in_between_does_the_rest(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday(monkeypatch)
    venue = HandVenue(config_file)
    for command in (r.system_event("M"), r.set_state(0, "C")):
        assert venue.matcher.submit(command)
    venue.turn(venue.journal)
    venue.crash()
    monkeypatch.setattr(day, "refuse_another", lambda config, continue_day: None)
    venue = HandVenue(config_file)
    venue.settle()
    assert told(venue) == END
    venue.crash()
    venue = HandVenue(config_file)
    venue.settle()
    assert told(venue) == END
    venue.crash()


def test_more_instruments_than_a_poll_closes(venue: HandVenue) -> None:
    limits = r.Limits(instruments_max=200, sessions_max=1, orders_max=10, user_ref_bits=4)
    ring = venue.config.venue.data_directory
    pipeline.create_order_ring(ring / "many-orders.ring", 65_536, sequence_next=1)
    pipeline.create_event_ring(
        ring / "many-events.ring",
        1 << 20,
        stages={"journal": 0},
        before_reply=False,
        sequence_next=1,
    )
    stage = matcher.MatcherStage(
        pipeline.open_order_consumer(ring / "many-orders.ring"),
        pipeline.open_stream_producer(ring / "many-events.ring"),
        pipeline.make_engine(**limits._asdict()),
        CounterSet("matcher", matcher.COUNTERS),
    )
    start = bytearray(r.stream_start(limits))
    struct.pack_into("<Q", start, 56, time.time_ns() - 2 * DAY_NS)
    assert stage.submit(bytes(start))
    for number in range(200):
        assert stage.submit(r.define_instrument(number))
    before = stage.stream_sequence
    while not stage.day_over:
        assert stage.poll_once() > 0
    assert stage.stream_sequence == before + 202


@pytest.mark.parametrize("command", [r.set_state(0, "T"), r.set_state(1, "B")])
def test_what_is_closed_stays_closed(venue: HandVenue, command: bytes) -> None:
    venue.settle()
    operator = pipeline.open_control_producer(preparation.control_ring(venue.config))
    assert operator.offer(command) == 0
    while not venue.matcher.counters.snapshot()["control_ignored"]:
        venue.turn()
    assert told(venue) == END


def test_an_instrument_that_comes_afterwards_is_closed_as_well(venue: HandVenue) -> None:
    venue.settle()
    assert venue.matcher.submit(r.define_instrument(2, initial_state="T"))
    assert not venue.matcher.day_over
    while not venue.matcher.day_over:
        venue.turn()
    assert told(venue)[len(END) :] == [("DefineInstrument", 2, None), ("SetState", 2, "C")]


def test_a_journal_of_another_day_is_refused(
    venue: HandVenue, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.settle()
    config = venue.config
    venue.crash()
    with pytest.raises(UserError, match=r"its stream is of .* and today is .*--continue-day"):
        HandVenue(config_file)
    preparation.prepare(config, None, lambda text: None, continue_day=True)
    monkeypatch.setattr(day, "time", SimpleNamespace(time_ns=lambda: time.time_ns() - 3 * DAY_NS))
    with pytest.raises(UserError, match="the host's clock is behind"):
        HandVenue(config_file)


def test_a_journal_whose_start_only_the_ring_holds_is_refused_too(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday(monkeypatch)
    HandVenue(config_file).crash()
    with pytest.raises(UserError, match="its stream is of"):
        HandVenue(config_file)


def test_each_stage_of_the_day_is_said_once() -> None:
    end_ns = 20_000 * DAY_NS
    stage = SimpleNamespace(day_end_ns=end_ns, day_over=False)
    said: list[str] = []
    watch = DayWatch("V", stage, said.append)
    for before_ns in (10 * HOUR_NS, HOUR_NS + 1, HOUR_NS, HOUR_NS - 1, HOUR_NS // 12, 1, 0, -1):
        watch.turn(end_ns - before_ns)
    day_of = Day(end_ns)
    assert said == [
        f"venue V: {day_of.described(now)}" for now in (0, end_ns - HOUR_NS, end_ns - HOUR_NS // 12)
    ]
    assert said[1].endswith("less than 1 h from now")
    assert said[2].endswith("less than 5 min from now")
    stage.day_over = True
    assert watch.turn(end_ns + 1) == day_of.described(end_ns)
    assert watch.turn(end_ns + 2) == ""
    assert [DayWatch("V", None, said.append).turn(0), len(said)] == ["", 4]
