"""Runs scenarios against the core or the reference model, and tells what came otherwise."""

from dataclasses import dataclass
from typing import Protocol

from tests.model.engine_model import EngineModel
from tests.model.records import Limits
from tests.scenarios.commands import CommandWriter
from tests.scenarios.events import event_text
from tests.scenarios.names import NotationError
from tests.scenarios.scenario import Line, Scenario, Step

from ironcore.engine.matching_engine import MatchingEngine

SUBJECTS = ("model", "core")
OUTCOME_NAMES = {0: "ok", 4: "malformed", 12: "ignored", 15: "later"}
INSTRUMENT, SESSIONS = "instrument XYZ", "ABCD"


class Subject(Protocol):
    """Takes one record; gives its outcome and its events."""

    def apply(self, command: bytes) -> tuple[int, list[bytes]]: ...


class Core:
    """The core, its invariants checked after each command (rules 17)."""

    def __init__(self, limits: Limits) -> None:
        self.engine = MatchingEngine(*limits)

    def apply(self, command: bytes) -> tuple[int, list[bytes]]:
        outcome, events = self.engine.apply(command)
        self.engine.check_invariants()
        return outcome, [event.tobytes() for event in events]


def subject(name: str, limits: Limits) -> Subject:
    return Core(limits) if name == "core" else EngineModel(limits)


@dataclass(frozen=True)
class Found:
    """What a command did, in the words of the scenarios."""

    step: Step
    outcome: str
    events: list[str]

    @property
    def expected(self) -> list[str]:
        if self.step.outcome is not None:
            return [f"= {self.step.outcome.text}"]
        return [f"< {line.text}" for line in self.step.events]

    @property
    def found(self) -> list[str]:
        return [f"< {text}" for text in self.events] or [f"= {self.outcome}"]

    def complaint(self) -> str | None:
        """The first line that differs: its place, what was expected and what was found."""
        if self.expected == self.found:
            return None
        lines = [self.step.outcome] if self.step.outcome is not None else self.step.events
        same = 0
        while self.expected[same : same + 1] == self.found[same : same + 1]:
            same += 1
        place = lines[same] if same < len(lines) else self.step.command
        expected = self.expected[same] if same < len(self.expected) else "nothing more"
        found = self.found[same] if same < len(self.found) else "nothing more"
        return "\n".join(
            [
                f"{place.path}:{place.number}: after `> {self.step.command.text}`",
                f"expected {expected}",
                f"found    {found}",
                "all that was found:",
                *(f"  {text}" for text in self.found),
            ]
        )


class Run:
    """One scenario against one subject, command by command."""

    def __init__(self, scenario: Scenario, subject_name: str) -> None:
        self.writer = CommandWriter()
        setup = self._setup(scenario)
        limits = self.writer.limits
        self.limits = Limits(
            instruments_max=limits["instruments"],
            sessions_max=limits["sessions"],
            orders_max=limits["orders"],
            user_ref_bits=limits["user-ref-bits"],
        )
        self.subject = subject(subject_name, self.limits)
        for line in setup:
            self._set_up(line)

    def _setup(self, scenario: Scenario) -> list[Line]:
        """The commands before the first step: those that the scenario names, else the usual."""
        lines = {line.text: line for line in scenario.setup}
        title = scenario.title
        sessions = SESSIONS
        commands: dict[str, Line] = {"start": Line(title.path, title.number, "start")}
        tables: dict[str, Line] = {}
        instruments: dict[str, Line] = {}
        named: dict[str, Line] = {}
        for line in lines.values():
            words = line.text.split()
            if words[0] == "limits":
                try:
                    self.writer.limits |= self.writer.limits_of(words[1:])
                except NotationError as error:
                    raise line.error(str(error)) from None
            elif words[0] == "nothing":
                return []
            elif words[0] == "sessions":
                sessions = "".join(words[1:])
            elif words[0] == "table" and len(words) > 1:
                tables[line.text] = line
            elif words[0] == "session" and len(words) > 1:
                named[words[1]] = line
            elif words[0] == "instrument" and len(words) > 1:
                before = instruments.get(words[1])
                text = " ".join([before.text if before else " ".join(words[:2]), *words[2:]])
                instruments[words[1]] = Line(line.path, line.number, text)
            else:
                expected = "limits, nothing, sessions, session, table or instrument"
                raise line.error(f"found {line.text!r}, expected {expected}")
        commands |= tables
        commands |= instruments or {"XYZ": Line(title.path, title.number, INSTRUMENT)}
        for letter in sessions:
            usual = Line(title.path, title.number, f"session {letter}")
            commands["session " + letter] = named.pop(letter, usual)
        if named:
            raise next(iter(named.values())).error(f"found a session beyond {sessions}")
        return list(commands.values())

    def _record(self, line: Line) -> bytes:
        try:
            return self.writer.write(line.text)
        except NotationError as error:
            raise line.error(str(error)) from None

    def _set_up(self, line: Line) -> None:
        outcome, _ = self.subject.apply(self._record(line))
        if outcome:
            raise line.error(f"found {OUTCOME_NAMES.get(outcome, outcome)}, expected ok")

    def step(self, step: Step) -> Found:
        words = step.command.text.split()
        before = dict(self.writer.instruments)
        outcome, events = self.subject.apply(self._record(step.command))
        if outcome and words[0] == "instrument":
            self.writer.instruments = before
        if not outcome and words[0] == "change":
            self.writer.instruments[words[1]].update(words[2:])
        bits = self.limits.user_ref_bits
        texts = [
            event_text(event, self.writer.symbols, bits, place == len(events))
            for place, event in enumerate(events, 1)
        ]
        return Found(step, OUTCOME_NAMES.get(outcome, f"outcome {outcome}"), texts)


def check(scenario: Scenario, subject_name: str) -> None:
    """AssertionError says the first line at which the subject does otherwise."""
    run = Run(scenario, subject_name)
    for step in scenario.steps:
        complaint = run.step(step).complaint()
        assert complaint is None, complaint
