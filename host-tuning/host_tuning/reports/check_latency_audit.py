"""The check's report in the JSON shape of latency-audit 0.1.4, for pipelines that read that.

The shape is `version, score, summary, checks[]`; the names are ours. What is not applicable or
unknown is `skip` there and stays out of the score.
"""

import json

from host_tuning import __version__
from host_tuning.common.verdict import Status
from host_tuning.reports.check import Report, merged
from host_tuning.reports.check_table import cost_words

WORDS = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.NEEDS_REBOOT: "fail",
    Status.WARN: "warn",
    Status.INFO: "info",
    Status.UNKNOWN: "skip",
    Status.NOT_APPLICABLE: "skip",
}


def text(report: Report) -> str:
    """The report as JSON text."""
    checks = []
    for verdict in report.verdicts:
        _, worst_finding = merged(verdict)[0]
        checks.append(
            {
                "name": verdict.setting.id,
                "category": verdict.setting.group,
                "status": WORDS[verdict.status],
                "current_value": worst_finding.actual or "unknown",
                "expected_value": worst_finding.expected,
                "latency_impact": cost_words(worst_finding.cost) or None,
                "description": worst_finding.reason or verdict.setting.why,
                "fix_hint": "; ".join(worst_finding.fix) or None,
            }
        )
    passed, failed, warned = (
        sum(check["status"] == word for check in checks) for word in ("pass", "fail", "warn")
    )
    judged = passed + failed + warned
    document = {
        "version": f"tune-host {__version__}",
        "score": 100 * passed // judged if judged else 0,
        "summary": {
            "total": len(checks),
            "passed": passed,
            "failed": failed,
            "warnings": warned,
        },
        "checks": checks,
    }
    return json.dumps(document, indent=2) + "\n"
