"""What a check says: findings by subject, and the status that the profile makes of them.

An inspection only tells whether what it found conforms. What a deviation means is the profile's
business: it fails where the setting is required, warns where it is wanted, and is information
where it does not matter. Unknown is never a pass, not-applicable never a failure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, Union

Json: TypeAlias = Union[str, int, bool, list["Json"], dict[str, "Json"], None]  # noqa: UP007


class Status(StrEnum):
    """The status of a check or of a finding, as it stands in table and JSON."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    INFO = "info"
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"
    NEEDS_REBOOT = "needs-reboot"


WORST_FIRST = (
    Status.FAIL,
    Status.NEEDS_REBOOT,
    Status.UNKNOWN,
    Status.WARN,
    Status.INFO,
    Status.PASS,
    Status.NOT_APPLICABLE,
)


class Severity(StrEnum):
    """How much a profile wants a setting."""

    REQUIRED = "required"
    WANTED = "wanted"
    IRRELEVANT = "irrelevant"


class Conformity(StrEnum):
    """What an inspection found, before the profile weighs it."""

    CONFORMS = "conforms"
    DEVIATES = "deviates"
    REPORT = "report"  # nothing to judge: a fact that the operator should know
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"
    NEXT_BOOT = "next-boot"  # deviates now, and the boot arguments for next time are right


@dataclass(frozen=True, slots=True)
class Cost:
    """What a deviation costs, with its source; never a constant without one.

    source: `measured` on this host in this run, `sysfs` (the host's own figure), `cited` (somebody
    else's measurement: the citation says whose) or `unknown`.
    """

    source: str = "unknown"
    value: int | None = None
    unit: str = "ns"
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for one subject.

    subject: `host`, `cpu 3`, `node 1` or `eth1`. actual: the raw text. parsed: the same as data.
    reason: one line, always given for not-applicable and unknown. paths: every file that was read.
    fix, undo: commands that a person can type.
    """

    conformity: Conformity
    subject: str = "host"
    actual: str = ""
    parsed: Json = None
    expected: str = ""
    reason: str = ""
    paths: tuple[str, ...] = ()
    cost: Cost = field(default_factory=Cost)
    fix: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()


def status_of(conformity: Conformity, severity: Severity) -> Status:
    """The status that a finding gets in a profile."""
    match conformity:
        case Conformity.CONFORMS:
            return Status.PASS
        case Conformity.REPORT:
            return Status.INFO
        case Conformity.NOT_APPLICABLE:
            return Status.NOT_APPLICABLE
        case Conformity.UNKNOWN:
            return Status.UNKNOWN
    if severity is Severity.IRRELEVANT:
        return Status.INFO
    if conformity is Conformity.NEXT_BOOT:
        return Status.NEEDS_REBOOT
    return Status.FAIL if severity is Severity.REQUIRED else Status.WARN


def worst(statuses: Iterable[Status]) -> Status:
    """The status that decides: the first of WORST_FIRST that occurs; not-applicable for none."""
    found = set(statuses)
    return next((status for status in WORST_FIRST if status in found), Status.NOT_APPLICABLE)
