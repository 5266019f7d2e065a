"""Profiles: what is required, wanted or irrelevant on a kind of host.

A profile is profiles/NAME.yaml: a line for every setting, with severity, why and source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from host_tuning.common.errors import ToolError
from host_tuning.common.verdict import Severity
from host_tuning.facts.identity import Identity

DIRECTORY = Path(__file__).resolve().parents[1] / "profiles"
FIELDS = ("severity", "why", "source")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a profile says of one setting."""

    severity: Severity
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of host. rules: setting id -> rule, every setting named."""

    name: str
    summary: str
    rules: Mapping[str, Rule]

    def rule(self, setting_id: str) -> Rule:
        """What it says of a setting. ToolError: nothing."""
        if setting_id not in self.rules:
            raise ToolError(
                f"{_file(self.name)}: settings.{setting_id}: found nothing, expected its "
                f"{', '.join(FIELDS)}: every profile names every setting"
            )
        return self.rules[setting_id]

    def severity(self, setting_id: str) -> Severity:
        """How much this kind of host wants the setting. ToolError: the profile does not say."""
        return self.rule(setting_id).severity


def _file(name: str) -> Path:
    return DIRECTORY / f"{name}.yaml"


def _rule(key: str, entry: Any) -> Rule:
    for field in FIELDS:
        found = entry.get(field) if isinstance(entry, dict) else None
        if not isinstance(found, str):
            raise ToolError(f"{key}.{field}: found {found!r}, expected a text")
    words = [severity.value for severity in Severity]
    if entry["severity"] not in words:
        expected = f"one of {', '.join(words)}"
        raise ToolError(f"{key}.severity: found {entry['severity']!r}, expected {expected}")
    return Rule(Severity(entry["severity"]), entry["why"], entry["source"])


def names() -> list[str]:
    """The profiles that are installed."""
    return sorted(path.stem for path in DIRECTORY.glob("*.yaml"))


def load(name: str, source: str = "--profile") -> Profile:
    """Read a profile. Errors: ToolError that names who asked for it and what there is."""
    if name not in names():
        raise ToolError(f"{source}: found {name!r}, expected one of {', '.join(names())}")
    document = yaml.load(_file(name).read_bytes(), Loader=_Loader)
    rules = {
        setting: _rule(f"{_file(name)}: settings.{setting}", entry)
        for setting, entry in document["settings"].items()
    }
    return Profile(name, document["summary"], rules)


def suited(identity: Identity) -> str:
    """The profile for a host of which none was named; a laptop and CI are never guessed."""
    if identity.container:
        return "container"
    return "cloud-vm" if identity.machine == "vm" else "bare-metal"
