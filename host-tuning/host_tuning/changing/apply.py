"""Makes the writes of a plan, each logged with what it replaces before it is made."""

import errno
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host_tuning.changing import plan, rollback
from host_tuning.changing.change_kinds import kind_of
from host_tuning.changing.kind import GONE, describe
from host_tuning.changing.plan import Plan, Write
from host_tuning.changing.runs import Run, Step
from host_tuning.changing.side_effects import companions
from host_tuning.changing.undo_log import UndoLog, room_of
from host_tuning.checking.setting import Setting
from host_tuning.common import fault_points
from host_tuning.common.change import Change
from host_tuning.common.errors import ToolError
from host_tuning.facts.container import container_of
from host_tuning.facts.tree import HostTree
from host_tuning.target.host import Host

# A write may change what the next settings want: new queues have new interrupts, CPUs go offline.
PASSES_MAX = 4


@dataclass(slots=True)
class Result:
    """What applying did.

    undone: interrupted runs that were taken back first. run: the log of this one, None if nothing
    was due. written: the writes that hold. odd: writes that the kernel took and made something else
    of, with what. refused: writes that it refused or that could not be tried, with the reason.
    taken_back: how the run was taken back because a required write was refused, or None.
    """

    plan: Plan
    undone: list[Run] = field(default_factory=list)
    run: Run | None = None
    written: list[Change] = field(default_factory=list)
    odd: list[tuple[Change, str]] = field(default_factory=list)
    refused: list[tuple[Change, str]] = field(default_factory=list)
    taken_back: rollback.Result | None = None

    @property
    def required_refused(self) -> bool:
        """Whether a change that was required could not be made."""
        return any(change.required for change, _ in (*self.refused, *self.odd))


def in_container(host: Host) -> str:
    """Why the tool takes itself to be in a container, where it writes nothing; empty if not."""
    name, evidence = container_of(host.tree)
    return f"this is a {name} container ({'; '.join(evidence)})" if name else ""


def guard(host: Host) -> None:
    """Refuse before the first write what must not be written. Errors: ToolError."""
    container = in_container(host)
    if container:
        raise ToolError(
            f"--apply: {container}: a container has no settings of its own to write, "
            "run it on the host; nothing was written"
        )
    if host.live and os.geteuid() != 0:
        raise ToolError("--apply: needs root; nothing was written (--plan shows what it would)")


def finish_interrupted(tree: HostTree, runs: Iterable[Run]) -> list[Run]:
    """Take back the runs that were cut off, the newest first.

    Errors: ToolError where somebody set something else since, or the kernel refuses.
    """
    undone = []
    for run in reversed(list(runs)):
        if not run.interrupted:
            continue
        result = rollback.roll_back(tree, run, reason="rolled back after an interruption")
        if not result.complete:
            step, found = (result.conflicts or result.failures)[0]
            raise ToolError(
                f"run {run.id} was interrupted and cannot be taken back: {step.change.target}: "
                f"found {found}, which the run did not write; look at it, then use tune-host "
                f"--rollback {run.id} --force"
            )
        if result.unmarked:
            raise ToolError(
                f"run {run.id} was interrupted and is taken back, but that could not be logged: "
                f"{result.unmarked}; nothing else was written"
            )
        undone.append(run)
    return undone


def apply(
    host: Host,
    settings: list[Setting],
    directory: Path,
    about: Mapping[str, Any],
    runs: list[Run],
    required: frozenset[str] = frozenset(),
) -> Result:
    """Make the host fit. The caller holds the lock and has passed guard().

    An interrupted earlier run is taken back first, and one of an earlier boot counts no longer but
    for the files that it wrote. A value that the kernel refuses is recorded;
    where the change is required, the whole run is taken back. required: ids of the settings whose
    changes are. Errors: ToolError.
    """
    undone = finish_interrupted(host.tree, runs)
    rollback.retire(host.tree, runs)
    due = plan.make(host, settings, required)
    result = Result(due, undone)
    result.refused = [(one.change, one.obstacle) for one in due.blocked]
    if not due.feasible or result.required_refused:
        return result
    room = room_of((one.change, one.old) for one in due.feasible)
    log = UndoLog.create(directory, host.tree, about, room)
    result.run = log.run
    try:
        tried: set[Change] = set()
        for _ in range(PASSES_MAX):
            todo = [one for one in due.feasible if one.change not in tried]
            if not todo or not _all(host.tree, log, todo, result):
                break
            tried.update(one.change for one in todo)
            due = plan.make(host, settings, required)
        log.end()
    finally:
        log.close()
    if result.required_refused:
        reason = "rolled back: a required write was refused"
        result.taken_back = rollback.roll_back(host.tree, log.run, reason=reason)
    elif not log.run.standing:
        _forget(log.run)
    return result


def _forget(run: Run) -> None:
    """A run of refusals only stands for nothing."""
    log = UndoLog(run)
    log.over("every write was refused")
    log.close()


def _all(tree: HostTree, log: UndoLog, todo: Iterable[Write], result: Result) -> bool:
    """Make the writes in order; False as soon as a required one is refused."""
    for write in todo:
        _one(tree, log, write.change, result)
        if result.required_refused:
            return False
    return True


def _one(tree: HostTree, log: UndoLog, change: Change, result: Result) -> None:
    """Read, log, write, read again, log."""
    kind = kind_of(change)
    try:
        old = kind.read(tree, change)
        also = [(other, kind_of(other).read(tree, other)) for other in companions(tree, change)]
    except OSError as problem:
        result.refused.append((change, describe(problem)))
        return
    if kind.holds(change, old):
        return  # an earlier write of this run brought it along
    step = log.begin(change, old, also)
    refusal = ""
    try:
        kind.write(tree, change)
    except OSError as problem:
        refusal = describe(problem)
    except ValueError as problem:  # a text that a driver's number cannot be made of
        refusal = f"EINVAL ({problem})"
    fault_points.reach("after the write")
    _settle(tree, log, step, refusal, result)


def _settle(tree: HostTree, log: UndoLog, step: Step, refusal: str, result: Result) -> None:
    """Read what became of a write, log it, and report it."""
    kind, change = kind_of(step.change), step.change
    try:
        state = kind.read(tree, change)
    except OSError as problem:
        if problem.errno in GONE and refusal:  # it went while the write was made
            log.refused(step, refusal)
        result.refused.append((change, refusal or describe(problem)))
        return
    step.moved = _moved(tree, step)
    if kind.same(state, step.old) and not step.moved:
        log.refused(step, refusal or "the kernel accepted the write but kept the old value")
        result.refused.append((change, step.reason))
        return
    if not kind.holds(change, state):
        step.became = (state,)
        shown = kind.shown(change, state)
        result.odd.append((change, f"{refusal}: {shown}" if refusal else shown))
    else:
        result.written.append(change)
    log.done(step)


def _moved(tree: HostTree, step: Step) -> dict[int, bytes | None]:
    """Which of the companions have another value than before, and which."""
    found = {}
    for at, (other, old) in enumerate(step.also):
        try:
            state = kind_of(other).read(tree, other)
        except OSError as problem:
            if problem.errno == errno.ENOENT:
                continue  # an interrupt that went with its queue
            raise
        if not kind_of(other).same(state, old):
            found[at] = state
    return found
