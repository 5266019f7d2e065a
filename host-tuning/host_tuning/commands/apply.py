"""`tune-host --apply`: make the host fit, with an undo log; `--dry-run` writes nothing."""

import sys
from argparse import Namespace

from host_tuning.changing import apply, plan
from host_tuning.changing.run_lock import lock
from host_tuning.changing.runs import runs
from host_tuning.changing.undo_log import state_directory
from host_tuning.checking.check import EXIT_FAIL, EXIT_PASS
from host_tuning.commands.common import about_run, host_of, required_of, settings_of
from host_tuning.reports import plan as plan_report
from host_tuning.reports import run as run_report


def run(options: Namespace) -> int:
    """Apply, print, and return 0; 2 where a required write was refused and the run taken back."""
    host = host_of(options)
    settings = settings_of(options)
    required = required_of(options, host, settings)
    if options.dry_run:
        due = plan.make(host, settings, required)
        if options.format == "json":
            run_report.dump(plan_report.document(due, host))
        else:
            plan_report.write_writes(due, sys.stdout)
            print("\ndry run: nothing was written")
        return EXIT_PASS
    apply.guard(host)
    directory = state_directory(options.state, host.tree)
    with lock(host.tree, directory):
        about = about_run(options, settings)
        result = apply.apply(host, settings, directory, about, runs(directory), required)
    if options.format == "json":
        run_report.dump(run_report.applied(result))
    else:
        run_report.write_applied(result, sys.stdout)
    return EXIT_FAIL if result.required_refused else EXIT_PASS
