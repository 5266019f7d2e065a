"""Jitter as a table with a histogram, as JSON, and as a picture."""

import json
from pathlib import Path
from typing import Any

from host_tuning import __version__
from host_tuning.common.errors import ToolError
from host_tuning.common.words import counted
from host_tuning.jitter.measurement import PERCENTILES, CoreJitter

SCHEMA = "tune-host/jitter/1"
LINES_MAX = 4  # the interrupts, softirqs and tasks that are named in the table
BAR_COLUMNS = 40


def duration(ns: int) -> str:
    """A time as a person reads it: `950 ns`, `12.3 µs`, `4.56 ms`."""
    value = float(ns)
    for unit, step in (("ns", 1e3), ("µs", 1e3), ("ms", 1e3)):
        if value < step:
            return f"{value:.3g} {unit}" if unit != "ns" else f"{ns} ns"
        value /= step
    return f"{value:.3g} s"


def document(results: list[CoreJitter], threshold_ns: int, note: str) -> dict[str, Any]:
    """The results as data."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "tune-host", "version": __version__},
        "threshold_ns": threshold_ns,
        "note": note,
        "cores": [
            {
                "cpu": core.cpu,
                "control": core.control,
                "elapsed_ns": core.elapsed_ns,
                "gaps": core.gaps,
                "stolen_ns": core.stolen_ns,
                "loop_ns_min": core.loop_ns_min,
                "gap_ns_max": core.gap_ns_max,
                "percentiles_ns": {f"p{p:g}": core.percentile_ns(p) for p in PERCENTILES},
                "histogram": [
                    {"gap_ns": gap, "count": count} for gap, count in sorted(core.counts.items())
                ],
                "attribution": {
                    "interrupts": core.attribution.interrupts,
                    "softirqs": core.attribution.softirqs,
                    "switches": core.attribution.switches,
                    "preemptions": core.attribution.preemptions,
                    "waited_ns": core.attribution.waited_ns,
                    "tasks": core.attribution.tasks,
                    "steal_ns": core.attribution.steal_ns,
                    "smi": core.attribution.smi,
                },
            }
            for core in results
        ],
    }


def json_text(results: list[CoreJitter], threshold_ns: int, note: str) -> str:
    """The results as JSON text."""
    return json.dumps(document(results, threshold_ns, note), indent=2) + "\n"


def _named(counts: dict[str, int], show: str = "count") -> str:
    shown = [
        f"{name} {duration(count) if show == 'time' else count}"
        for name, count in list(counts.items())[:LINES_MAX]
    ]
    if len(counts) > LINES_MAX:
        shown.append(f"and {len(counts) - LINES_MAX} more")
    return ", ".join(shown) or "none"


def _attribution(core: CoreJitter) -> list[str]:
    found = core.attribution
    lines = [
        f"interrupts: {_named(found.interrupts)}",
        f"softirqs: {_named(found.softirqs)}",
        f"preempted {counted(found.preemptions, 'time')}, waited {duration(found.waited_ns)}; "
        f"ran there: {_named(found.tasks, 'time')}",
        f"steal: {duration(found.steal_ns)}; "
        + ("SMI: unknown (no MSR)" if found.smi is None else f"SMI: {found.smi}"),
    ]
    unnamed = core.stolen_ns - found.waited_ns - found.steal_ns
    share = 100 * max(0, unnamed) // core.stolen_ns if core.stolen_ns else 0
    lines.append(
        f"{share} % of it is neither run queue nor steal: interrupts, the hypervisor or firmware"
    )
    return lines


def octaves(core: CoreJitter) -> dict[int, int]:
    """Gaps by powers of two: smallest gap of the octave in ns -> count."""
    found: dict[int, int] = {}
    for gap, count in core.counts.items():
        start = 1 << (gap.bit_length() - 1) if gap else 0
        found[start] = found.get(start, 0) + count
    return dict(sorted(found.items()))


def _histogram(core: CoreJitter) -> list[str]:
    found = octaves(core)
    most = max(found.values(), default=0)
    return [
        f"  {duration(start):>9} {count:>9} " + "#" * max(1, count * BAR_COLUMNS // most)
        for start, count in found.items()
    ]


def table(results: list[CoreJitter], threshold_ns: int, note: str) -> str:
    """The results for people: a row a core, then for each what happened there and a histogram."""
    heads = ["core", "gaps", "stolen", "share", *(f"p{p:g}" for p in PERCENTILES), "max"]
    rows = [heads]
    for core in results:
        share = 100 * core.stolen_ns / core.elapsed_ns if core.elapsed_ns else 0.0
        rows.append(
            [
                f"cpu {core.cpu}{' (control)' if core.control else ''}",
                str(core.gaps),
                duration(core.stolen_ns),
                f"{share:.3f} %",
                *(duration(core.percentile_ns(p)) for p in PERCENTILES),
                duration(core.gap_ns_max),
            ]
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    lines = [f"gaps of at least {duration(threshold_ns)}" + (f"; {note}" if note else "")]
    for row in rows:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join([row[0].ljust(len(first)), *others]))
    for core in results:
        lines += ["", f"cpu {core.cpu}", *(f"  {line}" for line in _attribution(core))]
        lines += _histogram(core)
    return "\n".join(lines) + "\n"


def draw(results: list[CoreJitter], path: Path) -> None:
    """A histogram of all cores as a picture. Errors: ToolError without matplotlib or the folder."""
    try:
        import matplotlib
    except ImportError:
        raise ToolError("--png: matplotlib is not installed: pip install matplotlib") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 4.5))
    for core in results:
        found = octaves(core)
        axes.step(
            [gap / 1000 for gap in found],
            list(found.values()),
            where="post",
            marker="o",
            markersize=3,
            linestyle="--" if core.control else "-",
            label=f"cpu {core.cpu}{' (control)' if core.control else ''}",
        )
    axes.set(xscale="log", yscale="log", xlabel="gap [µs]", ylabel="gaps in its octave")
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        figure.savefig(path, dpi=120, bbox_inches="tight", format="png")
    except OSError as problem:
        raise ToolError(f"--png {path}: {problem.strerror}") from None
    finally:
        pyplot.close(figure)
