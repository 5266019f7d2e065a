"""Reads files of scenarios. README.md describes the format."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

RULE = re.compile(r"\d+(\.\d+)+")
OUTCOMES = ("ok", "ignored", "malformed", "later")


class ScenarioError(Exception):
    """A file that is not a file of scenarios: file, line, what was found and what was expected."""


@dataclass(frozen=True)
class Line:
    """A line without its mark and its remark, and where it stands."""

    path: Path
    number: int
    text: str

    def error(self, what: str) -> ScenarioError:
        return ScenarioError(f"{self.path}:{self.number}: {what}")


@dataclass
class Step:
    """One command, and what must come of it: events, or an outcome without events."""

    command: Line
    events: list[Line] = field(default_factory=list)
    outcome: Line | None = None


@dataclass
class Scenario:
    """A title, the rules that it shows, what is there at the start, and the steps."""

    title: Line
    rules: list[str] = field(default_factory=list)
    setup: list[Line] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.title.path.stem}: {self.title.text}"


def _lines(path: Path) -> Iterator[Line]:
    begun = ""
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        text = begun + " ".join(raw.split(" -- ", 1)[0].split())
        begun = text[:-1] if text.endswith("\\") else ""
        if begun:
            continue
        if text and not (text == "#" or text.startswith("# ")):
            yield Line(path, number, text)


def _step(scenario: Scenario, line: Line) -> None:
    """A line that begins with > < or =."""
    mark, rest = line.text[0], replace(line, text=line.text[1:].strip())
    if not rest.text:
        raise line.error(f"found nothing after {mark!r}")
    if mark == ">":
        scenario.steps.append(Step(rest))
        return
    if not scenario.steps:
        raise line.error(f"found {mark!r} before any command, expected '>' first")
    step = scenario.steps[-1]
    if step.outcome is not None or (mark == "=" and step.events):
        raise line.error("found a second outcome, expected events or one outcome")
    if mark == "<":
        step.events.append(rest)
    elif rest.text in OUTCOMES:
        step.outcome = rest
    else:
        raise line.error(f"found {rest.text!r}, expected one of {' '.join(OUTCOMES)}")


def _complete(scenario: Scenario) -> Scenario:
    if not scenario.rules:
        raise scenario.title.error("found a scenario without a line 'rule:'")
    if not scenario.steps:
        raise scenario.title.error("found a scenario without a command")
    for step in scenario.steps:
        if not step.events and step.outcome is None:
            raise step.command.error("found a command without events, expected '<' or '=' lines")
    return scenario


def read(path: Path) -> list[Scenario]:
    """All scenarios of a file. Lines of setup before the first one belong to each."""
    shared: list[Line] = []
    scenarios: list[Scenario] = []
    for line in _lines(path):
        key, _, value = line.text.partition(":")
        if key == "scenario":
            scenarios.append(Scenario(replace(line, text=value.strip()), setup=list(shared)))
        elif not scenarios:
            shared.append(line)
        elif key == "rule":
            scenarios[-1].rules += value.split()
            if bad := [word for word in value.split() if not RULE.fullmatch(word)]:
                raise line.error(f"found {bad[0]!r}, expected a rule's number, as 9.3")
        elif line.text[0] in "><=":
            _step(scenarios[-1], line)
        elif scenarios[-1].steps:
            raise line.error(f"found {line.text!r}, expected a line with > < or =")
        else:
            scenarios[-1].setup.append(line)
    return [_complete(scenario) for scenario in scenarios]
