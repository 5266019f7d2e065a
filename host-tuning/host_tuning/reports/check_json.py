"""The check's report as JSON, as schema/check-1.json publishes it."""

import json
import os
import platform
import sys
from typing import Any

from host_tuning import __version__
from host_tuning.checking.check import Verdict
from host_tuning.common.cpulist import format_list
from host_tuning.common.verdict import Cost, Finding, Status
from host_tuning.reports.check import Report, core_verdicts

SCHEMA = "tune-host/check/1"


def cost_document(cost: Cost) -> dict[str, Any]:
    """A cost as data, with its source."""
    return {
        "value": cost.value,
        "unit": cost.unit,
        "source": cost.source,
        "citation": cost.citation,
    }


def _finding(finding: Finding, status: Status, verdict: Verdict) -> dict[str, Any]:
    cost = finding.cost if finding.cost.source != "unknown" else verdict.setting.cost
    return {
        "subject": finding.subject,
        "status": status.value,
        "actual": finding.actual,
        "parsed": finding.parsed,
        "expected": finding.expected,
        "reason": finding.reason,
        "paths": list(finding.paths),
        "cost": cost_document(cost),
        "fix": list(finding.fix),
        "undo": list(finding.undo),
    }


def _check(report: Report, verdict: Verdict) -> dict[str, Any]:
    setting = verdict.setting
    rule = report.profile.rule(setting.id)
    waiver = verdict.waiver or verdict.expired
    return {
        "id": setting.id,
        "group": setting.group,
        "title": setting.title,
        "status": verdict.status.value,
        "severity": verdict.severity.value,
        "when": setting.when.value,
        "why": setting.why,
        "profile_why": rule.why,
        "profile_source": rule.source,
        "findings": [
            _finding(finding, status, verdict)
            for finding, status in zip(verdict.findings, verdict.statuses, strict=True)
        ],
        "waiver": waiver
        and {
            "reason": waiver.reason,
            "until": waiver.until.isoformat(),
            "expired": verdict.expired is not None,
        },
    }


def kernel(report: Report) -> str:
    """The release of the host's kernel; empty where a capture does not tell."""
    release = report.host.read("/proc/sys/kernel/osrelease")
    if release.ok:
        return release.value
    words = report.host.read("/proc/version").value.split()
    return words[2] if len(words) > 2 else platform.release() if report.host.live else ""


def document(report: Report) -> dict[str, Any]:
    """The report as data."""
    identity, target = report.host.identity, report.host.target
    return {
        "schema": SCHEMA,
        "tool": {"name": "tune-host", "version": __version__},
        "argv": sys.argv[1:],
        "root": str(report.host.tree.root),
        "user": {"euid": os.geteuid()},
        "kernel": kernel(report),
        "host": {
            "machine": identity.machine,
            "hypervisor": identity.hypervisor,
            "variant": identity.variant,
            "container": identity.container,
            "cloud": identity.cloud,
            "instance_type": identity.instance_type,
            "evidence": list(identity.evidence),
        },
        "profile": report.profile.name,
        "target": {
            "source": target.source,
            "hot": format_list(target.hot),
            "housekeeping": format_list(target.housekeeping),
            "interfaces": list(target.interfaces),
        },
        "summary": {status.value: count for status, count in report.counts().items()},
        "checks": [_check(report, verdict) for verdict in report.verdicts],
        "hot_cores": [
            {
                "cpu": core.cpu,
                "status": core.status.value,
                "failing": list(core.failing),
                "unproved": list(core.unproved),
            }
            for core in core_verdicts(report)
        ],
        "exit_code": report.exit_code,
    }


def text(report: Report) -> str:
    """The report as JSON text."""
    return json.dumps(document(report), indent=2) + "\n"
