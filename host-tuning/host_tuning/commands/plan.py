"""`tune-host --plan`: what --apply would write, and what is left to people; writes nothing."""

import importlib
import json
import sys
from argparse import Namespace

from host_tuning.changing import plan
from host_tuning.commands.common import host_of, required_of, settings_of
from host_tuning.reports import plan as plan_report


def run(options: Namespace) -> int:
    """Print the plan, or the placement with --cores."""
    host = host_of(options)
    if options.cores:
        return int(importlib.import_module("host_tuning.target.cores").run(options, host))
    settings = settings_of(options)
    made = plan.make(host, settings, required_of(options, host, settings))
    if options.format == "json":
        json.dump(plan_report.document(made, host), sys.stdout, indent=2)
        print()
    else:
        plan_report.write(made, host, sys.stdout)
    return 0
