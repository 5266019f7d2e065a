"""Goal: a call ends by itself with the CLOCK that draws it, and a member is told why its cancel was
refused; a venue that was killed says the same again.

Method: a hand-turned venue in the host's own second, with an instrument in its opening auction; raw
OUCH messages and the records of the stream.
"""

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.model.rules import rule
from tests.streams import whole_stream
from tests.venue import HandVenue, Member

from ironcore.wire.record import decode_frame
from ironpit.venue.definitions import End, set_end, set_state

DAY_S = 86_400
WAIT_S = 20


@pytest.fixture
def venue(config_file: Path) -> Iterator[HandVenue]:
    hand = HandVenue(config_file)
    hand.settle()
    assert hand.matcher.submit(set_state(0, "opening-auction"))
    hand.settle()
    yield hand
    if hasattr(hand, "gateway"):
        hand.crash()


def second() -> int:
    """Of the stream's day."""
    now = int(time.time()) % DAY_S
    if now > DAY_S - 3 * WAIT_S:
        pytest.skip("the stream's day ends before the call would")
    return now


def stream(venue: HandVenue) -> list[list[dict[str, Any]]]:
    config = venue.config
    frames = whole_stream(config.journal.directory, config.streams.events.path)
    return [decode_frame(payload) for _, payload in frames]


def ended(venue: HandVenue) -> bool:
    return any(e["kind"] == "StateChanged" and e["reason"] == "T" for f in stream(venue) for e in f)


def wait_for_the_end(venue: HandVenue) -> None:
    deadline = time.monotonic() + WAIT_S
    while not ended(venue):
        assert time.monotonic() < deadline
        venue.turn()


@rule("13.11")
def test_a_call_ends_with_the_clock_that_draws_it_and_a_replay_finds_the_same(
    venue: HandVenue, config_file: Path
) -> None:
    first = second() + 1
    assert venue.matcher.submit(set_end(0, End(first, first + 2, "continuous")))
    wait_for_the_end(venue)
    clocks = [f for f in stream(venue) if f[0]["kind"] == "Clock" and f[0]["second"] >= first]
    assert any(frame[0]["draw"] for frame in clocks[:2])  # random: both are 0 once in 2^32
    assert clocks[-1][0]["second"] <= first + 2
    assert [event["kind"] for event in clocks[-1][1:3]] == ["Cross", "StateChanged"]
    before = venue.engine.digest()
    venue.crash()
    again = HandVenue(config_file)
    assert again.engine.digest() == before
    again.crash()


@rule("13.11")
def test_nothing_is_drawn_where_nothing_depends_on_it(venue: HandVenue) -> None:
    first = second() + 1
    assert venue.matcher.submit(set_end(0, End(first, first, "continuous")))
    wait_for_the_end(venue)
    assert {f[0]["draw"] for f in stream(venue) if f[0]["kind"] == "Clock"} == {0}


@rule("13.12")
def test_a_member_is_told_that_its_order_cannot_be_cancelled_now(
    member: Member, venue: HandVenue
) -> None:
    member.enter(1)
    last = second() + 2 * WAIT_S
    assert venue.matcher.submit(set_end(0, End(last, last, "continuous", no_cancel=DAY_S)))
    member.replies()
    member.send("U", struct.pack(">cII", b"X", 1, 0))
    venue.settle()
    answer = member.replies()[-1]
    assert (answer[:1], struct.unpack_from(">I", answer, 9)) == (b"I", (1,))
    assert len(answer) == 13
    assert venue.matcher.submit(set_state(0, "continuous"))
    member.send("U", struct.pack(">cII", b"X", 1, 0))
    venue.settle()
    assert member.replies()[-1][:1] == b"C"
