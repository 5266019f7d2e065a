"""Takes a run back: the last write first, each read again afterwards.

A value that is neither what the run wrote nor what was there before was set by somebody else: then
nothing is taken back at all, unless forced. A reboot takes back what stands in /proc and /sys;
configuration files are restored even then.
"""

import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from host_tuning.changing.change_kinds import kind_of
from host_tuning.changing.kind import GONE, describe, text_of
from host_tuning.changing.runs import Run, Stage, Step
from host_tuning.changing.undo_log import UndoLog, boot_id
from host_tuning.common import fault_points
from host_tuning.common.change import Change
from host_tuning.facts.tree import HostTree

ROUNDS = 2  # a value and its companion may each be settable only after the other


@dataclass(slots=True)
class Result:
    """What taking back did.

    restored: writes whose old value stands again. gone: writes whose file, task or interface is no
    longer there, with the reason. conflicts: writes that somebody overrode since, with what was
    found; where there are any, nothing was written unless forced. failures: writes whose old value
    the kernel refused, with the reason. complete: nothing of the run stands any more. unmarked: why
    the undo log could not be told so; the run counts as in force until a later rollback tells it.
    """

    run: Run
    restored: list[Step] = field(default_factory=list)
    gone: list[tuple[Step, str]] = field(default_factory=list)
    conflicts: list[tuple[Step, str]] = field(default_factory=list)
    failures: list[tuple[Step, str]] = field(default_factory=list)
    rebooted: bool = False
    complete: bool = False
    unmarked: str = ""


def roll_back(tree: HostTree, run: Run, force: bool = False, reason: str = "rolled back") -> Result:
    """Take a run back. The caller holds the lock. A log that fails is said, and stops nothing."""
    return roll_back_all(tree, [run], force, reason)[0]


def roll_back_all(
    tree: HostTree, runs: Sequence[Run], force: bool = False, reason: str = "rolled back"
) -> list[Result]:
    """Take runs back, the newest first; results in that order. The caller holds the lock.

    runs: oldest first. They are judged as one: what stands now must be what the newest of them
    wrote, or nothing is written at all. What somebody set between two runs, and the later of them
    overwrote, is not kept: each value ends as the oldest run found it.
    """
    results = [Result(run, rebooted=run.boot_id != boot_id(tree)) for run in runs]
    steps = [_lasting(result) for result in results]
    conflicts = _conflicts(tree, [one for those in steps for one in those])
    for result, those in zip(results, steps, strict=True):
        result.conflicts = [one for one in conflicts if any(one[0] is step for step in those)]
    results.reverse()
    if conflicts and not force:
        return results
    for result, those in zip(results, reversed(steps), strict=True):
        _take_run_back(tree, result, those, force, reason)
    return results


def _lasting(result: Result) -> list[Step]:
    """The writes of a run that may be in force: after a reboot, only those into files."""
    steps = result.run.standing
    if result.rebooted:
        return [one for one in steps if kind_of(one.change).persistent(one.change)]
    return steps


def _take_run_back(
    tree: HostTree, result: Result, steps: list[Step], force: bool, reason: str
) -> None:
    """Restore what a run replaced, the last write first."""
    log = UndoLog(result.run, lenient=True)
    try:
        log.rolling_back()
        for step in reversed(steps):
            _take_back(tree, log, step, result)
        if result.failures and not force:
            return
        if result.rebooted and len(steps) < len(result.run.standing):
            reason += "; the values of /proc and /sys ended with the boot"
        log.over(reason)
        result.complete = True
    finally:
        result.unmarked = log.unmarked
        log.close()


def retire(tree: HostTree, runs: Iterable[Run]) -> None:
    """Log of runs of earlier boots that their values in /proc and /sys ended with them.

    What they wrote into files stands still, and can be taken back. The caller holds the lock and
    has taken interrupted runs back. Errors: ToolError where a log fails.
    """
    now = boot_id(tree)
    for run in runs:
        if run.boot_id == now or not run.stands:
            continue
        log = UndoLog(run)
        try:
            for step in run.standing:
                if not kind_of(step.change).persistent(step.change):
                    log.undone(step, "ended with the boot")
            if not run.standing:
                log.over("its values ended with the boot")
        finally:
            log.close()


def is_ours(step: Step, state: bytes | None) -> bool:
    """Whether a state is what the step made of the host."""
    kind = kind_of(step.change)
    if step.became is not None:
        return kind.same(state, step.became[0])
    return kind.ours(step.change, step.old, state)


def _conflicts(tree: HostTree, steps: list[Step]) -> list[tuple[Step, str]]:
    """The newest write of each target whose value is neither ours nor the old one."""
    newest = {what(one.change): one for one in steps}
    found = []
    for step in newest.values():
        kind = kind_of(step.change)
        try:
            state = kind.read(tree, step.change)
        except OSError as problem:
            if problem.errno not in GONE:
                found.append((step, describe(problem)))
            continue
        if _same_thing(step, state) and not is_ours(step, state) and not _is_old(step, state):
            found.append((step, kind.shown(step.change, state)))
    return found


def what(change: Change) -> tuple[str, str]:
    """What a change is about: a later one about the same leaves another value, rightly."""
    member = change.new if change.kind == "cgroup-member" else ""
    return kind_of(change).path(change) or change.target, member


def _same_thing(step: Step, state: bytes | None) -> bool:
    """Whether it is still the task that the step moved, not a later one of its number."""
    if step.change.kind not in ("affinity", "cgroup-member"):
        return True
    return text_of(state).rpartition(" ")[2] == text_of(step.old).rpartition(" ")[2]


def _is_old(step: Step, state: bytes | None) -> bool:
    return kind_of(step.change).same(state, step.old)


def _take_back(tree: HostTree, log: UndoLog, step: Step, result: Result) -> None:
    """Restore what one write changed, with what it moved along, and log it."""
    values = [(step.change, step.old), *_moved(step)]
    problems: dict[str, OSError] = {}
    for _ in range(ROUNDS):
        problems = {}
        for change, old in values:
            try:
                _restore(tree, change, old)
            except OSError as problem:
                problems[change.target] = problem
        if not problems:
            break
    for change, _ in values:
        path = kind_of(change).path(change)
        if path and (not tree.live or kind_of(change).persistent(change)):
            tree.clean(path)
    hard = {name: one for name, one in problems.items() if one.errno not in GONE}
    if not hard and step.change.target in problems:
        reason = describe(problems[step.change.target])
        result.gone.append((step, reason))
        log.undone(step, reason)
    elif not hard:
        result.restored.append(step)
        log.undone(step)
    else:
        name, refusal = next(iter(hard.items()))
        aside = "" if name == step.change.target else f"{name}: "
        result.failures.append((step, f"{aside}{describe(refusal)}"))


def _moved(step: Step) -> list[tuple[Change, bytes | None]]:
    """What the write moved along: all that it may have moved, where it was cut off."""
    if step.moved is None or step.stage is Stage.BEGUN:
        return list(step.also)
    return [step.also[at] for at in step.moved]


def _restore(tree: HostTree, change: Change, old: bytes | None) -> None:
    """Bring one state back and read it again. Errors: OSError; EIO where it did not stay."""
    kind = kind_of(change)
    if kind.same(kind.read(tree, change), old):
        return
    fault_points.reach("before restore")
    kind.restore(tree, change, old)
    fault_points.reach("after restore")
    state = kind.read(tree, change)
    if not kind.same(state, old):
        shown = kind.shown(change, state)
        raise OSError(errno.EIO, f"accepted the old value but shows {shown!r}", change.target)
