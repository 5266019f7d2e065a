"""Profiles: what is required, wanted or irrelevant on a kind of host.

A profile is profiles/NAME.yaml: a line for every setting, with severity, why and source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from host_tuning.common.errors import ToolError
from host_tuning.common.verdict import Severity
from host_tuning.facts.identity import Identity

DIRECTORY = Path(__file__).resolve().parents[1] / "profiles"
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

    def severity(self, setting_id: str) -> Severity:
        """How much this kind of host wants the setting."""
        return self.rules[setting_id].severity


def names() -> list[str]:
    """The profiles that are installed."""
    return sorted(path.stem for path in DIRECTORY.glob("*.yaml"))


def load(name: str, source: str = "--profile") -> Profile:
    """Read a profile. Errors: ToolError that names who asked for it and what there is."""
    if name not in names():
        raise ToolError(f"{source}: found {name!r}, expected one of {', '.join(names())}")
    document = yaml.load((DIRECTORY / f"{name}.yaml").read_bytes(), Loader=_Loader)
    rules = {
        setting: Rule(Severity(rule["severity"]), rule["why"], rule["source"])
        for setting, rule in document["settings"].items()
    }
    return Profile(name, document["summary"], rules)


def suited(identity: Identity) -> str:
    """The profile for a host of which none was named; a laptop and CI are never guessed."""
    if identity.container:
        return "container"
    return "cloud-vm" if identity.machine == "vm" else "bare-metal"
