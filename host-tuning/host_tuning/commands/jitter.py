"""`tune-host --jitter SECONDS`: measure the time that is stolen from cores, and from a control."""

import sys
from argparse import Namespace

from host_tuning.commands.common import host_of
from host_tuning.common.errors import ToolError
from host_tuning.target.host import Host

SECONDS_MAX = 3600.0


def control_of(host: Host, cpus: list[int]) -> tuple[int | None, str]:
    """The core to compare with, and a note where there is none.

    One online CPU is left alone, so that whoever measures can still stop it.
    """
    spare = sorted(host.target.housekeeping - set(cpus))
    if len(host.topology.online - set(cpus)) < 2 or not spare:
        return None, "no control: it would take the last free CPU"
    return spare[-1], ""


def run(options: Namespace) -> int:
    """Measure and print."""
    host = host_of(options)
    if not host.live:
        raise ToolError("--jitter: found --root, expected the host that this runs on")
    if not 0 < options.jitter <= SECONDS_MAX:
        raise ToolError(
            f"--jitter: found {options.jitter:g}, expected seconds up to {SECONDS_MAX:g}"
        )
    if options.threshold < 1:
        raise ToolError(f"--threshold: found {options.threshold}, expected 1 ns or more")
    cpus = list(host.hot) or sorted(host.topology.online)[1:]
    if not cpus:
        raise ToolError("--jitter: found one online CPU, expected two or more: one is left free")
    control, note = control_of(host, cpus)
    # The compiled probe is needed only here.
    from host_tuning.jitter import comparison as jitter_compare
    from host_tuning.jitter import measurement as jitter
    from host_tuning.jitter import report as jitter_report

    before = jitter_compare.load(options.compare) if options.compare else None

    results = jitter.measure(host.tree, cpus, control, options.jitter, options.threshold)
    shape = jitter_report.json_text if options.format == "json" else jitter_report.table
    sys.stdout.write(shape(results, options.threshold, note))
    if before is not None:
        after = jitter_report.document(results, options.threshold, note)
        stream = sys.stderr if options.format == "json" else sys.stdout
        print("\n".join(["", *jitter_compare.compare(before, after)]), file=stream)
    if options.png:
        jitter_report.draw(results, options.png)
    return 0
