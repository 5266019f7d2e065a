"""Goal: a member whose mass cancel takes several steps is answered once, as for one that takes one
step, and nobody else waits for it; the end of the day waits for the orders that leave with it.

Method: a hand-turned venue whose limit lets one order leave with each step; raw OUCH messages.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.unit.gateway.test_day_end import NONE, told, yesterday
from tests.venue import HandVenue, Member

LIMITS = "user_refs_max: 4096"


def step_by_step(config_file: Path) -> None:
    text = config_file.read_text()
    assert LIMITS in text
    config_file.write_text(text.replace(LIMITS, f"{LIMITS}, step_actions_max: 17"))


@pytest.fixture
def venue(config_file: Path) -> Iterator[HandVenue]:
    step_by_step(config_file)
    hand = HandVenue(config_file)
    hand.settle()
    yield hand
    if hasattr(hand, "gateway"):
        hand.crash()


@rule("18.3", "8.1")
def test_the_answer_to_a_mass_cancel_comes_with_its_last_step(
    member: Member, venue: HandVenue
) -> None:
    other = Member(venue, "BETA1")
    other.login()
    for number in (1, 2, 3):
        member.enter(number)
    member.replies()
    member.send("U", struct.pack(">cI4s8sH", b"C", 4, b"ALFA", b"BTCUSD  ", 0))
    other.enter(1)
    *_, first, second, third, answer = member.replies()
    assert [reply[:1] for reply in (first, second, third)] == [b"C"] * 3
    assert struct.unpack_from(">cQI4s8s", answer) == (
        b"X",
        struct.unpack_from(">Q", answer, 1)[0],
        4,
        b"ALFA",
        b"BTCUSD  ",
    )
    assert other.replies()[-1][:1] == b"A"
    assert venue.matcher.counters.snapshot()["continued"] == 2


@rule("18.8", "13.10")
def test_the_end_of_the_day_is_said_when_its_orders_have_left(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step_by_step(config_file)
    yesterday(monkeypatch)
    venue = HandVenue(config_file)
    for number in (1, 2, 3):
        assert venue.matcher.submit(r.enter(1, number, "B", 100, 1_000_000))
    venue.settle()
    assert told(venue)[3:] == [
        ("SystemEvent", NONE, "M"),
        ("SetState", 0, "C"),
        ("SetState", 1, "C"),
        ("Continue", 0, None),
        ("Continue", 0, None),
        ("Continue", 1, None),
        ("SystemEvent", NONE, "E"),
    ]
    assert venue.matcher.day_over
    venue.crash()
