"""Runs the inspections and weighs what they found by profile, site and waiver."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from host_tuning.checking.setting import Setting
from host_tuning.common.errors import SiteError, ToolError
from host_tuning.common.verdict import (
    Conformity,
    Finding,
    Severity,
    Status,
    status_of,
    worst,
)
from host_tuning.target.host import Host
from host_tuning.target.profile import Profile
from host_tuning.target.target import Waiver

EXIT_PASS, EXIT_ERROR, EXIT_FAIL, EXIT_UNPROVED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """One setting's verdict: the worst of its findings' statuses, with the waiver that mends it.

    statuses: one for each finding, in their order. waiver: the one in force, which turned a fail
    or a need of reboot into a warning; expired: one that is out of date and changed nothing.
    """

    setting: Setting
    severity: Severity
    status: Status
    findings: tuple[Finding, ...]
    statuses: tuple[Status, ...]
    waiver: Waiver | None = None
    expired: Waiver | None = None


def run(
    host: Host, profile: Profile, settings: Iterable[Setting], today: datetime.date
) -> list[Verdict]:
    """Inspect every setting. An inspection that breaks is unknown, never a pass."""
    return [_one(host, profile, setting, today) for setting in settings]


def _inspect(host: Host, setting: Setting) -> tuple[Finding, ...]:
    try:
        found = tuple(setting.inspect(host))
    except SiteError:
        raise
    except ToolError as problem:  # a file of the host holds what no kernel writes there
        return (Finding(Conformity.UNKNOWN, reason=str(problem)),)
    except (ValueError, LookupError, OSError, ArithmeticError) as problem:
        reason = f"the inspection failed: {type(problem).__name__}: {problem}"
        return (Finding(Conformity.UNKNOWN, reason=reason),)
    return found or (Finding(Conformity.UNKNOWN, reason="the inspection found nothing to look at"),)


def _severity(host: Host, profile: Profile, setting: Setting) -> Severity:
    return Severity(host.target.severities.get(setting.id, profile.severity(setting.id)))


def _waiver(host: Host, setting: Setting) -> Waiver | None:
    """The waiver that lasts longest, so that one that was renewed counts."""
    mine = [one for one in host.target.waivers if one.setting == setting.id]
    return max(mine, key=lambda one: one.until, default=None)


def required_ids(
    host: Host, profile: Profile, settings: Iterable[Setting], today: datetime.date
) -> frozenset[str]:
    """The settings that profile and site require, but for those with a waiver in force."""
    found = set()
    for setting in settings:
        waiver = _waiver(host, setting)
        waived = waiver is not None and waiver.until >= today
        if _severity(host, profile, setting) is Severity.REQUIRED and not waived:
            found.add(setting.id)
    return frozenset(found)


def _one(host: Host, profile: Profile, setting: Setting, today: datetime.date) -> Verdict:
    findings = _inspect(host, setting)
    severity = _severity(host, profile, setting)
    statuses = tuple(status_of(finding.conformity, severity) for finding in findings)
    status = worst(statuses)
    waiver = _waiver(host, setting)
    if waiver is not None and waiver.until < today:
        return Verdict(setting, severity, status, findings, statuses, expired=waiver)
    if waiver is not None and status in (Status.FAIL, Status.NEEDS_REBOOT, Status.UNKNOWN):
        softened = tuple(Status.WARN if one is status else one for one in statuses)
        return Verdict(setting, severity, Status.WARN, findings, softened, waiver)
    return Verdict(setting, severity, status, findings, statuses, waiver)


def exit_code(verdicts: Iterable[Verdict], strict: bool) -> int:
    """0 all required pass; 2 a required check fails; 3 a required one is unknown, if strict."""
    required = [one for one in verdicts if one.severity is Severity.REQUIRED]
    if any(one.status in (Status.FAIL, Status.NEEDS_REBOOT) for one in required):
        return EXIT_FAIL
    if strict and any(one.status is Status.UNKNOWN for one in required):
        return EXIT_UNPROVED
    return EXIT_PASS
