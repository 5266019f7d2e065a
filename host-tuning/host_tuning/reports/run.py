"""What applying, verifying and taking back did: for people, and as JSON (schema/run-1.json)."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from host_tuning import __version__
from host_tuning.changing import apply, rollback, verify
from host_tuning.changing.change_kinds import kind_of
from host_tuning.changing.runs import Run, Step
from host_tuning.common.change import Change
from host_tuning.common.words import counted
from host_tuning.reports import check_json as report_json
from host_tuning.reports.check import Report

SCHEMA = "tune-host/run/1"


def dump(document: dict[str, Any]) -> None:
    """Print a document."""
    json.dump(document, sys.stdout, indent=2)
    print()


def _head(command: str) -> dict[str, Any]:
    tool = {"name": "tune-host", "version": __version__}
    return {"schema": SCHEMA, "command": command, "tool": tool, "argv": sys.argv[1:]}


def _change(change: Change, reason: str = "") -> dict[str, Any]:
    return {
        "setting": change.setting,
        "kind": change.kind,
        "target": change.target,
        "new": change.new,
        "required": change.required,
        "reason": reason,
    }


def _steps(steps: Iterable[tuple[Step, str]]) -> list[dict[str, Any]]:
    return [_change(step.change, reason) for step, reason in steps]


def applied(result: apply.Result) -> dict[str, Any]:
    """What --apply did, as data."""
    back = result.taken_back
    return _head("apply") | {
        "run": result.run.id if result.run else None,
        "undone_runs": [run.id for run in result.undone],
        "written": [_change(change) for change in result.written],
        "odd": [_change(change, reason) for change, reason in result.odd],
        "refused": [_change(change, reason) for change, reason in result.refused],
        "taken_back": rolled_back(back) if back else None,
    }


def write_applied(result: apply.Result, stream: TextIO) -> None:
    """What --apply did, in words."""
    for run in result.undone:
        stream.write(f"run {run.id} had been interrupted: it was taken back first\n")
    for change in result.written:
        stream.write(f"wrote    {change.target} = {change.new or '(empty)'}\n")
    for change, shown in result.odd:
        stream.write(f"odd      {change.target}: wanted {change.new}, shows {shown}\n")
    for change, reason in result.refused:
        need = ", required" if change.required else ""
        stream.write(
            f"refused  {change.target} = {change.new} ({change.setting}{need}): {reason}\n"
        )
    if result.taken_back:
        stream.write("a required write was refused: the run is taken back\n")
        write_rolled_back(result.taken_back, stream)
    elif result.required_refused:
        stream.write("a required value cannot be written: nothing was written\n")
    elif result.run is None or not result.run.stands:
        other = " that could be written" if result.refused else ""
        stream.write(f"nothing to write: every value{other} is as wanted\n")
    else:
        stream.write(
            f"run {result.run.id}: {len(result.written)} written, {len(result.odd)} odd, "
            f"{len(result.refused)} refused; to take it back: tune-host --rollback\n"
        )


def rolled_back(result: rollback.Result) -> dict[str, Any]:
    """What --rollback did, as data."""
    return _head("rollback") | {
        "run": result.run.id,
        "complete": result.complete,
        "rebooted": result.rebooted,
        "unmarked": result.unmarked,
        "restored": _steps((step, "") for step in result.restored),
        "gone": _steps(result.gone),
        "conflicts": _steps(result.conflicts),
        "failures": _steps(result.failures),
    }


def all_rolled_back(results: Sequence[rollback.Result]) -> dict[str, Any]:
    """What `--rollback all` did, as data: the runs, newest first, and all of their writes."""
    each = [rolled_back(one) for one in results]
    lists = ("restored", "gone", "conflicts", "failures")
    return _head("rollback") | {
        "run": None,
        "reason": "every run in force",
        "runs": [one.run.id for one in results],
        "complete": all(one.complete for one in results),
        "rebooted": any(one.rebooted for one in results),
        "unmarked": next((one.unmarked for one in results if one.unmarked), ""),
        **{name: [row for one in each for row in one[name]] for name in lists},
    }


def nothing_taken_back(reason: str) -> dict[str, Any]:
    """What --rollback says as data where no run stands: no run, and why."""
    empty: dict[str, Any] = {name: [] for name in ("restored", "gone", "conflicts", "failures")}
    said = {"run": None, "complete": True, "rebooted": False, "reason": reason}
    return _head("rollback") | said | empty


def write_all_rolled_back(results: Sequence[rollback.Result], stream: TextIO, asked: str) -> None:
    """What --rollback did, in words. asked: the run that was named, or `all`."""
    refused = any(one.conflicts for one in results) and not any(one.complete for one in results)
    for result in results:
        if result.conflicts or not refused:
            write_rolled_back(result, stream, asked)


def write_rolled_back(result: rollback.Result, stream: TextIO, asked: str = "") -> None:
    """What taking one run back did, in words. asked: what to ask for to force it."""
    name = result.run.id
    asked = asked or name
    for step in result.restored:
        stream.write(f"restored {step.change.target} = {_old(step)}\n")
    for step, reason in result.gone:
        stream.write(f"gone     {step.change.target}: {reason}\n")
    for step, found in result.conflicts:
        stream.write(
            f"changed  {step.change.target}: found {found}, run {name} wrote {step.change.new}\n"
        )
    for step, reason in result.failures:
        stream.write(f"refused  {step.change.target} = {_old(step)}: {reason}\n")
    if result.conflicts and not result.complete and not result.restored:
        stream.write(
            f"run {name}: somebody changed values since, nothing was written; "
            f"to restore the old values all the same: tune-host --rollback {asked} --force\n"
        )
        return
    if result.rebooted:
        stream.write("the host was started since: what stood in /proc and /sys is gone\n")
    if not result.complete:
        stream.write(
            f"run {name}: {counted(len(result.failures), 'old value')} refused; try again, or "
            f"give up: tune-host --rollback {asked} --force\n"
        )
        return
    stream.write(f"run {name}: taken back, {len(result.restored)} restored\n")
    if result.unmarked:
        stream.write(
            f"run {name}: its undo log cannot record this: {result.unmarked}; the run counts as in "
            "force until tune-host --rollback can write there again\n"
        )


def verified(result: verify.Result, report: Report) -> dict[str, Any]:
    """What --verify found, as data."""
    return _head("verify") | {
        "runs": [run.id for run in result.runs],
        "as_written": result.as_written,
        "held": _steps((step, "") for step in result.held),
        "lost": _steps(result.lost),
        "interrupted": [run.id for run in result.interrupted],
        "rebooted": [run.id for run in result.rebooted],
        "check": report_json.document(report),
        "exit_code": report.exit_code,
    }


def _old(step: Step) -> str:
    return kind_of(step.change).shown(step.change, step.old)


def _names(runs: Iterable[Run]) -> str:
    return ", ".join(run.id for run in runs)


def write_verified(result: verify.Result, stream: TextIO) -> None:
    """What --verify found, in words."""
    if not result.runs:
        stream.write("no run is in force: there is no value to verify\n")
        return
    for step, found in result.lost:
        stream.write(f"lost     {step.change.target}: wrote {step.change.new}, found {found}\n")
    for run in result.interrupted:
        stream.write(f"run {run.id} was interrupted: the next --apply or --rollback undoes it\n")
    for run in result.rebooted:
        stream.write(f"run {run.id} ended with the reboot: apply again\n")
    total = len(result.held) + len(result.lost)
    stream.write(
        f"{len(result.held)} of {counted(total, 'value')} as written by {_names(result.runs)}\n"
    )
