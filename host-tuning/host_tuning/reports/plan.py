"""A plan for people, and as JSON as schema/plan-1.json publishes it."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from host_tuning import __version__
from host_tuning.changing.change_kinds import kind_of
from host_tuning.changing.plan import Plan, Write
from host_tuning.changing.runs import encode
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list
from host_tuning.common.words import counted
from host_tuning.facts import boot_loader
from host_tuning.settings.registry import BY_ID
from host_tuning.target.host import Host

SCHEMA = "tune-host/plan/1"


def title(setting: str) -> str:
    """The id of a setting with its title."""
    return f"{setting}: {BY_ID[setting].title}" if setting in BY_ID else setting


def named(change: Change) -> str:
    """What is written; a task with its name, as its number tells nobody anything."""
    if change.kind == "affinity" and change.subject != "host":
        return f"{change.target} ({change.subject})"
    return change.target


def _by_setting(writes: Iterable[Write]) -> dict[str, list[Write]]:
    """The writes of each setting, in the order of the first of each."""
    groups: dict[str, list[Write]] = {}
    for write in writes:
        groups.setdefault(write.change.setting, []).append(write)
    return groups


def write_writes(plan: Plan, stream: TextIO) -> None:
    """The writes by setting, old and new, and those that cannot be made."""
    feasible = plan.feasible
    settings = len({one.change.setting for one in feasible})
    stream.write(f"{counted(len(feasible), 'write')} in {counted(settings, 'setting')}\n")
    for setting, writes in _by_setting(feasible).items():
        stream.write(f"\n{title(setting)}\n")
        width = max(len(named(one.change)) for one in writes)
        for one in writes:
            new = one.change.new or "(empty)"
            stream.write(f"  {named(one.change):{width}}  {one.before} → {new}\n")
    if plan.blocked:
        stream.write("\ncannot be written\n")
    for one in plan.blocked:
        stream.write(f"  {named(one.change)} ({one.change.setting}): {one.obstacle}\n")
    if plan.failures:
        stream.write("\nunknown\n")
    for setting, reason in plan.failures:
        stream.write(f"  {setting}: {reason}\n")


def write(plan: Plan, host: Host, stream: TextIO) -> None:
    """The whole plan."""
    write_writes(plan, stream)
    if plan.boot:
        how = boot_loader.instructions(host.tree, plan.boot)
        stream.write(f"\nneeds a reboot: kernel arguments, by hand ({how.loader})\n")
        width = max(len(one.text) for one in plan.boot)
        for argument in plan.boot:
            stream.write(f"  {argument.text:{width}}  {argument.setting}\n")
        for heading, lines in (("add", how.add), ("undo", how.undo), ("note", how.notes)):
            for line in lines:
                stream.write(f"  {heading + ':':6}{line}\n")
    if plan.firmware:
        stream.write("\nonly the firmware's setup or the provider can do\n")
        for step in plan.firmware:
            stream.write(f"  {step.setting}: {step.step}\n")
    if not (plan.writes or plan.boot or plan.firmware or plan.failures):
        stream.write("nothing to do: everything selected is as wanted\n")


def _write(one: Write) -> dict[str, Any]:
    change = one.change
    return {
        "setting": change.setting,
        "subject": change.subject,
        "kind": change.kind,
        "target": change.target,
        "path": kind_of(change).path(change),
        "old": None if one.old is None else one.before,
        "old_bytes": encode(one.old),
        "new": change.new,
        "required": change.required,
        "persistent": kind_of(change).persistent(change),
        "obstacle": one.obstacle,
    }


def document(plan: Plan, host: Host) -> dict[str, Any]:
    """The plan as data."""
    how = boot_loader.instructions(host.tree, plan.boot) if plan.boot else None
    target = host.target
    return {
        "schema": SCHEMA,
        "tool": {"name": "tune-host", "version": __version__},
        "argv": sys.argv[1:],
        "root": str(host.tree.root),
        "target": {
            "source": target.source,
            "hot": format_list(target.hot),
            "housekeeping": format_list(target.housekeeping),
            "interfaces": list(target.interfaces),
        },
        "writes": [_write(one) for one in plan.writes],
        "reboot": {
            "arguments": [
                {"setting": one.setting, "name": one.name, "value": one.value, "text": one.text}
                for one in plan.boot
            ],
            "loader": how.loader if how else boot_loader.detect(host.tree),
            "add": list(how.add) if how else [],
            "undo": list(how.undo) if how else [],
            "notes": list(how.notes) if how else [],
        },
        "firmware": [{"setting": one.setting, "step": one.step} for one in plan.firmware],
        "unknown": [{"setting": name, "reason": reason} for name, reason in plan.failures],
    }
