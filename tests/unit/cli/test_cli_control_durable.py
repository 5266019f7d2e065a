"""Goal: with `durability: before-reply` an operator is told of a command, and that one had no
effect, only when what is told is on the disk.

Method: a hand-turned venue whose journal is polled or not; while the command waits, its time goes
by in steps, and the stages turn in each.
"""

import time
from pathlib import Path

import pytest
from tests.venue import HandVenue, write_config

from ironpit.common.errors import UserError
from ironpit.operate import control as controls
from ironpit.operate.control import Control
from ironpit.venue.definitions import set_state

HALT = set_state(0, "halted")
HALT_ANOTHER = set_state(1, "halted")
WAITS = "the command was not seen in the stream within 10 s; it may have been sequenced"


class Time:
    """The command's time: a step of it is a turn of these stages, the first one many, until the
    matcher has taken the command."""

    def __init__(self, venue: HandVenue) -> None:
        self.venue = venue
        self.with_journal = False
        self.now_s = 0.0
        self.taken = self._taken()

    def _taken(self) -> tuple[int, int]:
        matcher = self.venue.matcher
        return matcher.stream_sequence, matcher.counters.snapshot()["control_ignored"]

    def monotonic(self) -> float:
        return self.now_s

    def time_ns(self) -> int:
        return time.time_ns()

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        while self._taken() == self.taken:
            self.venue.turn(self.venue.matcher)
        if self.with_journal:
            self.venue.turn(self.venue.journal)


@pytest.fixture
def venue(tmp_path: Path) -> HandVenue:
    venue = HandVenue(write_config(tmp_path / "venue", durability="before-reply"))
    venue.settle()
    return venue


def send(
    venue: HandVenue, command: bytes, monkeypatch: pytest.MonkeyPatch, *, journal: bool
) -> list[str]:
    """The kinds of the events that the command caused."""
    turned = Time(venue)
    turned.with_journal = journal
    monkeypatch.setattr(controls, "time", turned)
    with Control(venue.config) as control:
        return [event["kind"] for event in control.send(command)]


def test_a_command_is_confirmed_when_it_is_durable(
    venue: HandVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = venue.matcher.stream_sequence
    with pytest.raises(UserError, match=f"{WAITS}, and then waits for the journal$"):
        send(venue, HALT, monkeypatch, journal=False)
    assert venue.matcher.stream_sequence > before
    assert send(venue, HALT_ANOTHER, monkeypatch, journal=True) == ["StateChanged"]


def test_that_a_command_had_no_effect_is_told_when_its_cause_is_durable(
    venue: HandVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        with pytest.raises(UserError, match=WAITS):
            send(venue, HALT, monkeypatch, journal=False)
    assert venue.matcher.counters.snapshot()["control_ignored"] == 1
    with pytest.raises(UserError, match="no effect: the stream has it like this already"):
        send(venue, HALT, monkeypatch, journal=True)


def test_with_other_policies_the_journal_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = HandVenue(write_config(tmp_path / "venue", durability="interval"))
    venue.settle()
    assert send(venue, HALT, monkeypatch, journal=False) == ["StateChanged"]
    with pytest.raises(UserError, match="no effect"):
        send(venue, HALT, monkeypatch, journal=False)
