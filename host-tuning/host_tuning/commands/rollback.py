"""`tune-host --rollback [RUN]`: take a run back, the last that is in force if none is named.

`all` takes back every run in force: where an interface came up again, or the host file was changed,
what --apply wrote since is more than one run.
"""

import os
import sys
from argparse import Namespace
from pathlib import Path

from host_tuning.changing import rollback
from host_tuning.changing.apply import in_container
from host_tuning.changing.run_lock import lock
from host_tuning.changing.runs import Run, runs
from host_tuning.changing.undo_log import state_directory
from host_tuning.checking.check import EXIT_FAIL, EXIT_PASS
from host_tuning.commands.common import host_of
from host_tuning.common.errors import ToolError
from host_tuning.reports import run as run_report


def run(options: Namespace) -> int:
    """Take back, print, and return 0; 2 where something of the run still stands."""
    host = host_of(options)
    if container := in_container(host):
        raise ToolError(f"--rollback: {container}; nothing was written")
    if host.live and os.geteuid() != 0:
        raise ToolError("--rollback: needs root; nothing was written")
    directory = state_directory(options.state, host.tree)
    if not directory.is_dir():
        raise ToolError(f"{directory}: there is no undo log: no run was ever applied")
    with lock(host.tree, directory):
        chosen = _choose(runs(directory), options.rollback, directory)
        if isinstance(chosen, str):
            if options.format == "json":
                run_report.dump(run_report.nothing_taken_back(chosen))
            else:
                print(chosen)
            return EXIT_PASS
        results = rollback.roll_back_all(host.tree, chosen, options.force)
    every = options.rollback == "all"
    if options.format == "json":
        document = run_report.all_rolled_back(results) if every else None
        run_report.dump(document or run_report.rolled_back(results[0]))
    else:
        run_report.write_all_rolled_back(results, sys.stdout, "all" if every else chosen[0].id)
    whole = all(one.complete and not one.failures for one in results)
    return EXIT_PASS if whole else EXIT_FAIL


def _choose(found: list[Run], name: str, directory: Path) -> list[Run] | str:
    """The runs that are meant, or a sentence where there is none or it is taken back already.

    Errors: ToolError that lists the runs, for a name that none has.
    """
    standing = [one for one in found if one.stands]
    if name in ("last", "all"):
        if not standing:
            last = f"; the last was {found[-1].describe()}" if found else ""
            return f"nothing to take back: no run in {directory} is in force{last}"
        return standing if name == "all" else standing[-1:]
    chosen = next((one for one in found if one.id == name), None)
    if chosen is None:
        listing = "".join(f"\n  {one.describe()}" for one in found) or " (none)"
        raise ToolError(
            f"--rollback: found {name!r}, expected `last`, `all` or one of the runs{listing}"
        )
    if not chosen.stands:
        return f"run {chosen.id} is no longer in force: {chosen.over}"
    return [chosen]
