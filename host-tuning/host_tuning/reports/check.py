"""What every format of a check's report is made from: verdicts by group, and by hot core."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from host_tuning.checking.check import Verdict
from host_tuning.common.cpulist import format_list
from host_tuning.common.verdict import WORST_FIRST, Finding, Status, worst
from host_tuning.target.host import Host
from host_tuning.target.profile import Profile

_CPU = re.compile(r"cpu (\d+)\Z")


@dataclass(frozen=True, slots=True)
class Report:
    """A finished check. exit_code: what the command returns."""

    host: Host
    profile: Profile
    verdicts: Sequence[Verdict]
    exit_code: int

    def counts(self) -> dict[Status, int]:
        """How many checks have each status."""
        found = [verdict.status for verdict in self.verdicts]
        return {status: found.count(status) for status in WORST_FIRST}


@dataclass(frozen=True, slots=True)
class CoreVerdict:
    """What the checks say of one hot core: the worst status, and the checks that are not well."""

    cpu: int
    status: Status
    failing: tuple[str, ...]
    unproved: tuple[str, ...]


def core_verdicts(report: Report) -> list[CoreVerdict]:
    """One verdict for each hot core, from the findings about it and about its host.

    A finding about another core, an interface or a node does not count against this core.
    """
    found = []
    for cpu in report.host.hot:
        statuses: dict[str, Status] = {}
        for verdict in report.verdicts:
            concerning = [
                status
                for finding, status in zip(verdict.findings, verdict.statuses, strict=True)
                if finding.subject in ("host", f"cpu {cpu}")
            ]
            statuses[verdict.setting.id] = worst(concerning)
        bad = (Status.FAIL, Status.NEEDS_REBOOT)
        failing = tuple(name for name, status in statuses.items() if status in bad)
        unproved = tuple(name for name, status in statuses.items() if status is Status.UNKNOWN)
        found.append(CoreVerdict(cpu, worst(statuses.values()), failing, unproved))
    return found


def merged(verdict: Verdict) -> list[tuple[Status, Finding]]:
    """The findings, worst first, with those of several CPUs that say the same put together."""
    rows: dict[tuple[object, ...], list[int]] = {}
    kept: list[tuple[Status, Finding, tuple[object, ...]]] = []
    for finding, status in zip(verdict.findings, verdict.statuses, strict=True):
        match = _CPU.match(finding.subject)
        key = (status, finding.actual, finding.expected, finding.reason, bool(match))
        if match is None:
            kept.append((status, finding, ()))
        elif key in rows:
            rows[key].append(int(match[1]))
        else:
            rows[key] = [int(match[1])]
            kept.append((status, finding, key))
    put = [
        (status, replace(one, subject=f"cpu {format_list(rows[key])}") if key else one)
        for status, one, key in kept
    ]
    return sorted(put, key=lambda row: WORST_FIRST.index(row[0]))


def by_group(verdicts: Iterable[Verdict]) -> list[tuple[str, list[Verdict]]]:
    """The groups with their verdicts, both worst first."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.setting.group, []).append(verdict)

    def rank(verdict: Verdict) -> int:
        return WORST_FIRST.index(verdict.status)

    ordered = [(name, sorted(members, key=rank)) for name, members in groups.items()]
    return sorted(ordered, key=lambda group: rank(group[1][0]))
