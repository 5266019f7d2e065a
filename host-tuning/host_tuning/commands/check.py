"""`tune-host --check`: judge the host and print the verdicts."""

import datetime
import importlib
import sys
from argparse import Namespace

from host_tuning.checking import check
from host_tuning.commands.common import host_of, profile_of, settings_of
from host_tuning.reports.check import Report


def run(options: Namespace) -> int:
    """Check, print, and return the exit code."""
    host = host_of(options)
    profile = profile_of(options, host)
    verdicts = check.run(host, profile, settings_of(options), datetime.date.today())
    report = Report(host, profile, verdicts, check.exit_code(verdicts, options.strict))
    show(report, options.format)
    return report.exit_code


def show(report: Report, shape: str) -> None:
    """Print a report as table, as JSON or in latency-audit's shape."""
    if shape == "table":
        from host_tuning.reports import check_table as report_table

        report_table.write(report, sys.stdout)
        return
    module = {"json": "check_json", "latency-audit": "check_latency_audit"}[shape]
    sys.stdout.write(importlib.import_module(f"host_tuning.reports.{module}").text(report))
