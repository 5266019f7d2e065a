"""`tune-host --verify`: whether what was applied still stands, and whether it helps.

Every value of the runs in force is read again, then the checks of their settings are run, for the
CPUs and interfaces of the last of these runs unless others are named.
"""

import datetime
import sys
from argparse import Namespace
from pathlib import Path

from host_tuning.changing import verify as verifying
from host_tuning.changing.runs import Run, runs
from host_tuning.changing.undo_log import state_directory
from host_tuning.checking import check
from host_tuning.commands.check import show
from host_tuning.commands.common import host_of, profile_of, settings_of
from host_tuning.facts.tree import HostTree
from host_tuning.reports import run as run_report
from host_tuning.reports.check import Report


def run(options: Namespace) -> int:
    """Verify, print, and return an exit code as --check does; 2 also for a value that is gone."""
    directory = state_directory(options.state, HostTree(options.root))
    standing = [one for one in runs(directory) if one.stands]
    if standing:
        _recall(options, standing[-1])
    host = host_of(options)
    result = verifying.verify(host.tree, standing)
    settings = settings_of(options)
    if standing:
        wrote = {step.change.setting for one in standing for step in one.steps}
        settings = [one for one in settings if one.id in wrote]
    profile = profile_of(options, host)
    verdicts = check.run(host, profile, settings, datetime.date.today())
    code = check.exit_code(verdicts, options.strict)
    if not result.as_written:
        code = check.EXIT_FAIL
    if options.format == "json":
        run_report.dump(run_report.verified(result, Report(host, profile, verdicts, code)))
        return code
    run_report.write_verified(result, sys.stdout)
    if verdicts:
        print()
        show(Report(host, profile, verdicts, code), options.format)
    return code


def _recall(options: Namespace, run: Run) -> None:
    """Fill in the run's own target where no option names one."""
    if options.config or options.cpus or options.housekeeping or options.interface:
        return
    target = run.about.get("target", {})
    options.cpus = target.get("cpus")
    options.housekeeping = target.get("housekeeping")
    options.interface = list(target.get("interface", []))
    options.config = Path(target["config"]) if target.get("config") else None
    options.profile = options.profile or target.get("profile")
