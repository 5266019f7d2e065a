"""Settings: where the kernel's unbound workqueues run."""

from collections.abc import Iterable

from host_tuning.checking.findings import judged, numbers, unread, write_command
from host_tuning.checking.hot_cpus import keepers, none_configured
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list, format_mask, parse_mask
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.target.host import Host

WORKQUEUE = "/sys/devices/virtual/workqueue"


def inspect_workqueues(host: Host) -> Iterable[Finding]:
    """The mask of all unbound workqueues, which bounds that of each queue.

    A queue's own mask that shares no CPU with it is replaced by it (wqattrs_actualize_cpumask() in
    kernel/workqueue.c), so that this one alone decides.
    """
    if not host.hot:
        yield none_configured("the CPUs that keep house")
        return
    path = f"{WORKQUEUE}/cpumask"
    reading = host.read(path)
    new = format_mask(keepers(host))
    expected = f"no hot CPU, such as {new}"
    if not reading.ok:
        absent = "the kernel has no mask for unbound workqueues (before 4.0)"
        yield unread(host, reading, expected, absent)
        return
    cpus = parse_mask(reading.value, path)
    on_hot = cpus & host.target.hot
    yield judged(
        not on_hot,
        reading,
        expected,
        parsed=numbers(cpus),
        reason=f"workers run on hot CPU {format_list(on_hot)}" if on_hot else "",
        fix=(write_command(new, path),),
        undo=(write_command(reading.value, path),),
    )


def steps_workqueues(host: Host) -> Iterable[Step]:
    """Give the mask of the CPUs that keep house."""
    for finding in inspect_workqueues(host):
        if finding.conformity is Conformity.DEVIATES:
            new = format_mask(keepers(host))
            yield Change("workqueues", "cpumask", finding.paths[0], new)


SETTINGS = (
    Setting(
        id="workqueues",
        group="isolation",
        title="unbound workqueues",
        when=When.RUNTIME,
        what="On which CPUs the kernel's unbound workers run.",
        why="A kworker on a hot CPU takes it from its stage for as long as its work takes.",
        see=f"cat {WORKQUEUE}/cpumask {WORKQUEUE}/*/cpumask",
        set=f"echo MASK | sudo tee {WORKQUEUE}/cpumask",
        undo="write the old mask to the same file",
        sources=("Documentation/core-api/workqueue.rst",),
        inspect=inspect_workqueues,
        steps=steps_workqueues,
    ),
)
