"""`tune-host --perf SECONDS`: perf's counters of the CPUs, or why there are none."""

import json
import sys
from argparse import Namespace

from host_tuning import __version__
from host_tuning.commands.common import host_of
from host_tuning.common.errors import ToolError
from host_tuning.jitter import perf

SECONDS_MAX = 3600.0


def run(options: Namespace) -> int:
    """Count and print."""
    host = host_of(options)
    if not host.live:
        raise ToolError("--perf: found --root, expected the host that this runs on")
    if not 0 < options.perf <= SECONDS_MAX:
        raise ToolError(f"--perf: found {options.perf:g}, expected seconds up to {SECONDS_MAX:g}")
    cpus = list(host.hot) or sorted(host.topology.online)
    counts = perf.measure(host, cpus, options.perf)
    reason = perf.why_no_pmu(host)
    if options.format == "json":
        document = {
            "schema": "tune-host/perf/1",
            "tool": {"name": "tune-host", "version": __version__},
            "seconds": options.perf,
            "pmu": {"exposed": not reason, "reason": reason},
            "counts": [{"cpu": one.cpu, "event": one.event, "value": one.value} for one in counts],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return 0
    if reason:
        print(reason)
    for cpu in cpus:
        print(f"cpu {cpu}")
        for one in counts:
            if one.cpu == cpu:
                print(f"  {one.event:18} {'not counted' if one.value is None else one.value:>16}")
    return 0
