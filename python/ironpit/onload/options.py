"""Onload's options and the profiles made of them: data files beside this module."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

HERE = Path(__file__).parent
PREFIX = "EF_"

# The name of an option, what was found, what was expected.
Violation = tuple[str, str, str]


class Option(NamedTuple):
    """One option: numbers from `low` to `high`, or one of `values`, or any text without blanks."""

    name: str
    default: int | str
    low: int
    high: int
    values: tuple[str, ...]
    scope: str
    meaning: str

    @property
    def expected(self) -> str:
        """What it takes, in words."""
        if self.values:
            return "one of " + ", ".join(value or "nothing" for value in self.values)
        if isinstance(self.default, str):
            return "a text without blanks"
        return f"an integer from {self.low} to {self.high}"

    def takes(self, value: str) -> bool:
        """Whether a text is a value of the option."""
        if self.values:
            return value in self.values
        if isinstance(self.default, str):
            return re.fullmatch(r"[A-Za-z0-9_.:,-]*", value) is not None
        return re.fullmatch(r"-?[0-9]{1,10}", value) is not None and (
            self.low <= int(value) <= self.high
        )


class Profile(NamedTuple):
    """A set of options under a name."""

    name: str
    summary: str
    source: str
    options: dict[str, str]


def _document(path: Path) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        document: dict[str, Any] = yaml.safe_load(file)
    return document


@cache
def known_options() -> dict[str, Option]:
    """Every option that may be set."""
    options = {}
    for name, entry in _document(HERE / "options.yaml").items():
        low, high = entry.get("range", (0, 0))
        values = tuple(entry.get("values", ()))
        options[name] = Option(
            name, entry["default"], low, high, values, entry["scope"], entry["meaning"]
        )
    return options


@cache
def profiles() -> dict[str, Profile]:
    """Every profile by its name."""
    found = {}
    for path in sorted((HERE / "profiles").glob("*.yaml")):
        entry = _document(path)
        options = {name: str(value) for name, value in entry["options"].items()}
        found[path.stem] = Profile(path.stem, entry["summary"], entry["source"], options)
    return found


def violations(options: Mapping[str, str]) -> Iterator[Violation]:
    """Options that Onload does not know or whose value is out of range."""
    import difflib

    known = known_options()
    for name, value in options.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            yield name, "an unknown option", near[0] if near else "an option of Onload (EF_...)"
        elif not known[name].takes(value):
            yield name, repr(value), known[name].expected


def merged(profile: str | None, options: Mapping[str, str]) -> dict[str, str]:
    """The options of a profile, with an operator's own in front of them."""
    chosen = profiles()[profile].options if profile is not None else {}
    return {**chosen, **options}


def as_launcher_profile(options: Mapping[str, str], why: str) -> str:
    """The text of a profile file of the `onload` launcher. What the environment says already is
    stronger than that, as with all of its profiles."""
    lines = [f"# {why}", *(f"onload_set {name} {value}" for name, value in options.items())]
    return "\n".join(lines) + "\n"
