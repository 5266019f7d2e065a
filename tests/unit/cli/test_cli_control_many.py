"""Goal: thousands of instruments are halted by few looks at the stream, and what fails is named.

Method: a hand-turned venue of 600 instruments that turns when the operator sleeps; sleeps and
the matcher's polls are counted.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.cli.test_cli_control import sequenced
from tests.venue import HandVenue, write_config

from ironcore.runtime import pipeline
from ironpit.cli import main
from ironpit.common.errors import UserError
from ironpit.operate import control
from ironpit.operate.control import COMMANDS_AT_ONCE, Control
from ironpit.venue import recovery as preparation
from ironpit.venue.definitions import Definitions, set_state

INSTRUMENTS = 600
TICK_WAIT_S = 10


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[HandVenue]:
    file = write_config(tmp_path / "venue")
    text = file.read_text().replace("instruments_max: 4,", f"instruments_max: {INSTRUMENTS},")
    more = "".join(f'  - {{symbol: S{i}, price_max: "10.00"}}\n' for i in range(2, INSTRUMENTS))
    file.write_text(text.replace("sessions:", f"{more}sessions:", 1))
    venue = HandVenue(file)
    venue.settle()
    yield venue
    venue.crash()


def turn_until_taken(venue: HandVenue) -> None:
    ring = preparation.control_ring(venue.config)
    deadline_s = time.monotonic() + TICK_WAIT_S
    while pipeline.order_ring_positions(ring).used_bytes:
        assert time.monotonic() < deadline_s, "the matcher takes nothing off the control ring"
        venue.turn()
    venue.settle()


@pytest.fixture
def sleeps(venue: HandVenue, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The operator's sleeps, in each of which the venue takes all that is on the ring."""
    seen: list[float] = []

    class Clock:
        monotonic = staticmethod(time.monotonic)
        time_ns = staticmethod(time.time_ns)

        @staticmethod
        def sleep(seconds: float) -> None:
            seen.append(seconds)
            turn_until_taken(venue)

    monkeypatch.setattr(control, "time", Clock)
    return seen


def run(venue: HandVenue, *words: str) -> int:
    file = venue.config.venue.data_directory / "venue.yaml"
    return main(["control", "-c", str(file), *words])


def test_all_are_halted_in_a_few_looks(
    venue: HandVenue, sleeps: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(venue, "halt", "all") == 0
    assert len(sleeps) <= 2 * -(-INSTRUMENTS // COMMANDS_AT_ONCE)
    assert len(capsys.readouterr().out.splitlines()) == INSTRUMENTS
    commands = sequenced(venue, "SetState")
    assert [c["instrument"] for c in commands] == list(range(INSTRUMENTS))
    assert venue.matcher.counters.snapshot()["control"] == INSTRUMENTS


def test_the_names_are_gathered_once_and_not_for_each(
    venue: HandVenue, sleeps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered: list[int] = []
    symbols = Definitions.symbols

    def counted(self: Definitions) -> dict[str, int]:
        gathered.append(1)
        return symbols(self)

    monkeypatch.setattr(Definitions, "symbols", counted)
    assert run(venue, "halt", "all") == 0
    assert sleeps
    assert 0 < len(gathered) <= 4


def test_of_many_those_without_effect_are_named_once_with_the_reason(
    venue: HandVenue, sleeps: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(venue, "halt", "S7", "S300", "S599") == 0
    capsys.readouterr()
    assert run(venue, "halt", "all") == 1
    said = capsys.readouterr()
    assert "halt: S7, S300, S599: no effect: the stream has it like this already" in said.err
    assert len(said.out.splitlines()) == INSTRUMENTS - 3
    assert len(sequenced(venue, "SetState")) == INSTRUMENTS
    assert sleeps


def test_a_refused_one_keeps_none_of_the_others(venue: HandVenue, sleeps: list[float]) -> None:
    with Control(venue.config) as operator:
        outcomes = operator.send_all([set_state(n, "halted") for n in (0, 4000, 1, 1)])
    assert [isinstance(o, UserError) for o in outcomes] == [False, True, False, True]
    assert "no effect" in str(outcomes[1])
    assert "; or refused" in str(outcomes[1])
    assert [c["instrument"] for c in sequenced(venue, "SetState")] == [0, 1]
    assert sleeps


def test_a_matcher_that_takes_nothing_is_waited_for_once(venue: HandVenue) -> None:
    with Control(venue.config) as operator:
        commands = [set_state(n, "halted") for n in range(INSTRUMENTS)]
        said = [str(outcome) for outcome in operator.send_all(commands, timeout_s=0)]
    assert len(said) == INSTRUMENTS
    assert {text[:24] for text in said[:COMMANDS_AT_ONCE]} == {"the command was not seen"}
    assert {text[:8] for text in said[COMMANDS_AT_ONCE:]} == {"not sent"}
    turn_until_taken(venue)
    assert len(sequenced(venue, "SetState")) == COMMANDS_AT_ONCE


def test_the_matcher_takes_a_command_with_each_poll_once_it_looks(venue: HandVenue) -> None:
    operator = pipeline.open_control_producer(preparation.control_ring(venue.config))
    for number in range(100):
        assert operator.offer(set_state(number, "halted")) == 0
    deadline_s = time.monotonic() + TICK_WAIT_S
    while not venue.matcher.counters.snapshot()["control"]:
        assert time.monotonic() < deadline_s
        venue.turn(venue.matcher)
    for _ in range(99):
        venue.turn(venue.matcher)
    assert venue.matcher.counters.snapshot()["control"] == 100
