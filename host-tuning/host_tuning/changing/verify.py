"""Whether the values of the runs in force are still as they were written."""

from dataclasses import dataclass, field

from host_tuning.changing.change_kinds import kind_of
from host_tuning.changing.kind import GONE, describe
from host_tuning.changing.rollback import is_ours, what
from host_tuning.changing.runs import Run, Stage, Step
from host_tuning.changing.undo_log import boot_id
from host_tuning.facts.tree import HostTree


@dataclass(slots=True)
class Result:
    """What was found.

    held: writes whose value stands. lost: writes whose value does not, with what was found.
    interrupted: runs that were cut off. rebooted: runs whose values in /proc and /sys ended with
    their boot.
    """

    runs: list[Run]
    held: list[Step] = field(default_factory=list)
    lost: list[tuple[Step, str]] = field(default_factory=list)
    interrupted: list[Run] = field(default_factory=list)
    rebooted: list[Run] = field(default_factory=list)

    @property
    def as_written(self) -> bool:
        """Whether everything stands."""
        return not (self.lost or self.interrupted or self.rebooted)


def verify(tree: HostTree, standing: list[Run]) -> Result:
    """Read every value again; of two writes of one thing only the later can stand."""
    result = Result(standing)
    newest: dict[tuple[str, str], Step] = {}
    now = boot_id(tree)
    for run in standing:
        if run.interrupted:
            result.interrupted.append(run)
        lost = [one for one in run.standing if not kind_of(one.change).persistent(one.change)]
        if run.boot_id != now and lost:
            result.rebooted.append(run)
        for step in run.steps:
            lasting = run.boot_id == now or kind_of(step.change).persistent(step.change)
            if step.stage is Stage.DONE and lasting:
                newest[what(step.change)] = step
    for step in newest.values():
        _look(tree, step, result)
    return result


def _look(tree: HostTree, step: Step, result: Result) -> None:
    kind = kind_of(step.change)
    try:
        state = kind.read(tree, step.change)
    except OSError as problem:
        reason = f"gone: {describe(problem)}" if problem.errno in GONE else describe(problem)
        result.lost.append((step, reason))
        return
    if kind.holds(step.change, state) or is_ours(step, state):
        result.held.append(step)
    else:
        result.lost.append((step, kind.shown(step.change, state)))
