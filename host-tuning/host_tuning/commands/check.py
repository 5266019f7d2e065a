"""`tune-host --check`: judge the host and print the verdicts."""

import datetime
from argparse import Namespace

from host_tuning import check
from host_tuning.commands.common import host_of, profile_of, settings_of


def run(options: Namespace) -> int:
    """Check, print, and return the exit code."""
    host = host_of(options)
    profile = profile_of(options, host)
    verdicts = check.run(host, profile, settings_of(options), datetime.date.today())
    for verdict in verdicts:
        print(f"{verdict.status:14} {verdict.setting.id}")
        for finding, status in zip(verdict.findings, verdict.statuses, strict=True):
            print(f"    {status:14} {finding.subject}: {finding.actual} {finding.reason}")
    return check.exit_code(verdicts, options.strict)
