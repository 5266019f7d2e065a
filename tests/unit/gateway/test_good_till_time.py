"""Goal: when its second has come, a good-till-time order neither executes nor is accepted (5.9).

Method: a matcher on real rings and the host's clock, in a day that began 1,000 s ago. Commands are
offered one after the other across the beginning of a second, and judged by the stamps that they
have in the stream.
"""

import time
from pathlib import Path
from typing import Any

import pytest
from tests.model import records as r
from tests.model.options import write_options
from tests.model.rules import rule

from ironcore.base.counter_set import CounterSet
from ironcore.ring.broadcast import read_frames
from ironcore.runtime import pipeline
from ironcore.stage import matcher
from ironcore.wire.record import decode_frame

SECOND_NS = 1_000_000_000
BEFORE_S = 1000
ACROSS_NS = 50_000_000
TOO_LATE = 0x0F
PRICE = 10_000


class Venue:
    """A matcher, its order ring and the stream."""

    def __init__(self, directory: Path) -> None:
        self.midnight_ns = (time.time_ns() // SECOND_NS - BEFORE_S) * SECOND_NS
        limits = r.Limits(1, 2, 100_000, 18)
        orders, self.events = directory / "orders.ring", directory / "events.ring"
        pipeline.create_order_ring(orders, 1 << 16)
        pipeline.create_event_ring(
            self.events, 1 << 26, stages={"journal": 0}, before_reply=False, sequence_next=1
        )
        self.orders = pipeline.open_order_producer(orders)
        self.matcher = matcher.MatcherStage(
            [pipeline.open_order_consumer(orders)],
            pipeline.open_stream_producer(self.events),
            pipeline.make_engine(**limits._asdict()),
            CounterSet("matcher", matcher.COUNTERS),
        )
        for command in (
            r.stream_start(limits, midnight_ns=self.midnight_ns),
            r.define_instrument(0),
            r.define_session(1),
            r.define_session(2),
        ):
            assert self.matcher.submit(command)
        self.number = 0

    def second(self) -> int:
        """Of the stream's day."""
        return (time.time_ns() - self.midnight_ns) // SECOND_NS

    def offer(self, record: bytes) -> None:
        assert self.orders.offer(record) == 0
        self.matcher.poll_once()

    def enter(self, session: int, side: str, **fields: Any) -> None:
        self.number += 1
        self.offer(r.enter(session, self.number, side, 1, PRICE, **fields))

    def good_till(self, second: int) -> dict[str, Any]:
        return {"time_in_force": "6", "options": write_options(expire_time=second)}

    def stream(self) -> list[dict[str, Any]]:
        """The commands in it, each with its `events` and its second of the day, `at`."""
        found = []
        for _, frame in read_frames(self.events, 1):
            command, *events = decode_frame(frame)
            at = (command["time_ns"] - self.midnight_ns) // SECOND_NS
            found.append(command | {"events": events, "at": at})
        return found


@pytest.fixture
def venue(tmp_path: Path) -> Venue:
    return Venue(tmp_path)


@rule("5.9")
def test_no_order_executes_when_its_second_has_come(venue: Venue) -> None:
    venue.matcher.poll_once()
    end = venue.second() + 1
    # The stream has room for this part of a second, however fast the machine is.
    while time.time_ns() < venue.midnight_ns + end * SECOND_NS - ACROSS_NS:
        venue.matcher.poll_once()
    while venue.second() < end:
        venue.enter(1, "B", **venue.good_till(end))
        venue.enter(2, "S", time_in_force="3")
    for _ in range(300):
        venue.enter(1, "B", **venue.good_till(end))
        venue.enter(2, "S", time_in_force="3")
    executed = [c for c in venue.stream() if any(e["kind"] == "Executed" for e in c["events"])]
    assert executed
    assert max(c["at"] for c in executed) < end


@rule("5.9", "4.9.8")
def test_an_order_is_judged_by_the_time_at_which_it_comes(venue: Venue) -> None:
    """Though nothing has been due for a while, and no CLOCK is in the stream."""
    venue.matcher.poll_once()
    second = venue.second() + 1
    while venue.second() < second:
        venue.matcher.poll_once()
    venue.enter(1, "B", **venue.good_till(second))
    venue.matcher.poll_once()
    venue.enter(1, "B", **venue.good_till(second + 30))
    venue.matcher.poll_once()
    *_, late, good = (c for c in venue.stream() if c["kind"] == "EnterOrder")
    assert [(e["kind"], e["slot"]) for e in late["events"]] == [("Rejected", TOO_LATE)]
    assert [e["kind"] for e in good["events"]] == ["Accepted", "Added"]
    (clock,) = (c for c in venue.stream() if c["kind"] == "Clock" and c["force"])
    assert clock["second"] == second
