"""Compares two jitter reports: is less stolen than before, or is there no gain?"""

import json
from pathlib import Path
from typing import Any

from host_tuning.common.errors import ToolError
from host_tuning.jitter.report import SCHEMA

# A shared machine's own noise moves by more than this between two runs; less is no gain.
GAIN_MIN = 0.1


def load(path: Path) -> dict[str, Any]:
    """A report that --jitter --json printed. Errors: ToolError that names file and field."""
    try:
        document = json.loads(path.read_text())
    except OSError as problem:
        raise ToolError(f"--compare {path}: {problem.strerror}") from None
    except ValueError as problem:
        raise ToolError(f"--compare {path}: no JSON: {problem}") from None
    found = document.get("schema") if isinstance(document, dict) else None
    if found != SCHEMA:
        raise ToolError(f"--compare {path}: schema: found {found!r}, expected {SCHEMA!r}")
    return dict(document)


def _shares(document: dict[str, Any]) -> tuple[dict[int, float], float | None]:
    """The stolen share of each hot core, and the control's."""
    hot: dict[int, float] = {}
    control = None
    for core in document["cores"]:
        share = core["stolen_ns"] / core["elapsed_ns"] if core["elapsed_ns"] else 0.0
        if core["control"]:
            control = share
        else:
            hot[core["cpu"]] = share
    return hot, control


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """A line for each core that is in both reports.

    The control's change is the machine's own: a core gains only if its share fell by a tenth more
    than the control's did.
    """
    hot_before, control_before = _shares(before)
    hot_after, control_after = _shares(after)
    drift = 1.0
    lines = []
    if control_before and control_after is not None:
        drift = min(1.0, control_after / control_before)
        lines.append(f"control: {control_before:.3%} → {control_after:.3%} stolen")
    for cpu in sorted(hot_before.keys() & hot_after.keys()):
        was, now = hot_before[cpu], hot_after[cpu]
        is_less = now < was * drift * (1 - GAIN_MIN)
        verdict = "less" if is_less else "no gain"
        lines.append(f"cpu {cpu}: {was:.3%} → {now:.3%} stolen: {verdict}")
    if not lines:
        lines.append("no core is in both reports: nothing to compare")
    return lines
