"""Measures the time that is stolen from each core, and says by whom as far as the kernel counts it.

A thread spins on each core (jitter_probe). What the kernel counted on that core in the meantime
stands beside the gaps: interrupts by line, softirqs, the probe's own context switches and the time
it waited in the run queue (schedstat), the tasks that ran there, steal, and system management
interrupts where the MSR can be read. Never with a real-time priority, and one CPU is left alone.
"""

import os
import threading
from dataclasses import dataclass, field

from host_tuning.common.cpulist import format_list
from host_tuning.common.errors import ToolError
from host_tuning.facts.kernel_counters import KernelCounters, grown, read
from host_tuning.facts.tree import HostTree
from host_tuning.jitter.probe import Probe
from host_tuning.settings.firmware import MSR_BYTES, MSR_SMI_COUNT

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
START_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Attribution:
    """What happened on the core in the meantime.

    interrupts, softirqs: line -> rise, most first. switches, preemptions: the probe's voluntary and
    involuntary context switches. waited_ns: its time in the run queue while others ran. tasks:
    name -> run time in ns of those that were last seen on the core. steal_ns: by the hypervisor.
    smi: system management interrupts, None where they cannot be read.
    """

    interrupts: dict[str, int]
    softirqs: dict[str, int]
    switches: int
    preemptions: int
    waited_ns: int
    tasks: dict[str, int]
    steal_ns: int
    smi: int | None


@dataclass(frozen=True, slots=True)
class CoreJitter:
    """One core's result. control: whether it is the core to compare with, not a hot one."""

    cpu: int
    control: bool
    elapsed_ns: int
    gaps: int
    stolen_ns: int
    gap_ns_max: int
    loop_ns_min: int
    counts: dict[int, int]
    attribution: Attribution

    def percentile_ns(self, percent: float) -> int:
        """The gap that `percent` of the gaps do not exceed, rounded down to its bucket; 0: none."""
        if not self.gaps:
            return 0
        rank = max(1, -(-self.gaps * int(percent * 10) // 1000))
        seen = 0
        for gap_ns in sorted(self.counts):
            seen += self.counts[gap_ns]
            if seen >= rank:
                return gap_ns
        return self.gap_ns_max


@dataclass
class _Spinner:
    """One thread on one core, and what was counted when it began and ended."""

    tree: HostTree
    cpu: int
    duration_ns: int
    threshold_ns: int
    probe: Probe = field(default_factory=Probe)
    schedule: tuple[int, int, int] = (0, 0, 0)
    thread: threading.Thread | None = None

    def run(self) -> None:
        before = self._schedule()
        self.probe.spin(self.duration_ns, self.threshold_ns)
        after = self._schedule()
        self.schedule = (after[0] - before[0], after[1] - before[1], after[2] - before[2])

    def _schedule(self) -> tuple[int, int, int]:
        """Voluntary and involuntary switches of this thread, and its run queue wait in ns."""
        switches = {}
        for line in self.tree.read("/proc/thread-self/status").text.splitlines():
            name, _, value = line.partition(":")
            switches[name] = value.strip()
        words = self.tree.read("/proc/thread-self/schedstat").value.split()
        return (
            int(switches.get("voluntary_ctxt_switches", "0")),
            int(switches.get("nonvoluntary_ctxt_switches", "0")),
            int(words[1]) if len(words) > 1 else 0,
        )

    def start(self) -> None:
        """Create the thread where it will run: a thread inherits its creator's affinity, so that it
        never runs anywhere else."""
        mine = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {self.cpu})
            self.thread = threading.Thread(target=self.run, name=f"jitter-{self.cpu}", daemon=True)
            self.thread.start()
        except OSError as problem:
            raise ToolError(
                f"--cpus: CPU {self.cpu}: {problem.strerror}, expected a CPU of "
                f"this process's cpuset ({format_list(mine)})"
            ) from None
        finally:
            os.sched_setaffinity(0, mine)


def smi_count(tree: HostTree, cpu: int) -> int | None:
    """The core's count of system management interrupts; None where the MSR cannot be read."""
    data, problem = tree.read_at(f"/dev/cpu/{cpu}/msr", MSR_SMI_COUNT, MSR_BYTES)
    return None if problem or len(data) < MSR_BYTES else int.from_bytes(data, "little")


def task_times(tree: HostTree) -> dict[tuple[int, str, int], int]:
    """(thread id, name, CPU it was last seen on) -> run time in ns, of every thread but ours."""
    found = {}
    own = str(os.getpid())
    for process in tree.names("/proc"):
        if not process.isdigit() or process == own:
            continue
        for thread in tree.names(f"/proc/{process}/task"):
            base = f"/proc/{process}/task/{thread}"
            before, _, after = tree.read(f"{base}/stat").text.rpartition(")")
            ran = tree.read(f"{base}/schedstat").value.split()
            words = after.split()
            if len(words) > 36 and ran:
                name = before.partition("(")[2]
                found[int(thread), name, int(words[36])] = int(ran[0])
    return found


def _tasks_on(
    cpu: int, before: dict[tuple[int, str, int], int], after: dict[tuple[int, str, int], int]
) -> dict[str, int]:
    ran: dict[str, int] = {}
    started = {thread: time for (thread, _, _), time in before.items()}
    for (thread, name, where), time in after.items():
        rise = time - started.get(thread, 0)
        if where == cpu and rise > 0:
            ran[name] = ran.get(name, 0) + rise
    return dict(sorted(ran.items(), key=lambda item: -item[1]))


def measure(
    tree: HostTree, cpus: list[int], control: int | None, seconds: float, threshold_ns: int
) -> list[CoreJitter]:
    """Spin on the cores, and on the control beside them, for `seconds`.

    Errors: ToolError for a core that this process may not use.
    """
    counters = read(tree)
    tasks = task_times(tree)
    wanted = [*cpus, *([control] if control is not None else [])]
    smi = {cpu: smi_count(tree, cpu) for cpu in wanted}
    spinners = [_Spinner(tree, cpu, int(seconds * 1e9), threshold_ns) for cpu in wanted]
    try:
        for spinner in spinners:
            spinner.start()
        for spinner in spinners:
            assert spinner.thread is not None
            spinner.thread.join(seconds + START_TIMEOUT_S)
            if spinner.thread.is_alive():
                raise ToolError(
                    f"CPU {spinner.cpu}: the probe did not run to its end; "
                    "something of a higher priority keeps the core"
                )
    finally:
        for spinner in spinners:
            spinner.probe.stop()
    counted, ran = read(tree), task_times(tree)
    return [
        _result(spinner, spinner.cpu == control, counters, counted, tasks, ran, smi, tree)
        for spinner in spinners
    ]


def _result(
    spinner: _Spinner,
    control: bool,
    before: dict[int, KernelCounters],
    after: dict[int, KernelCounters],
    tasks: dict[tuple[int, str, int], int],
    ran: dict[tuple[int, str, int], int],
    smi: dict[int, int | None],
    tree: HostTree,
) -> CoreJitter:
    cpu, probe = spinner.cpu, spinner.probe
    none = KernelCounters({}, {}, 0)
    first, last = before.get(cpu, none), after.get(cpu, none)
    smi_before, smi_after = smi[cpu], smi_count(tree, cpu)
    known = smi_before is not None and smi_after is not None
    attribution = Attribution(
        interrupts=grown(first.interrupts, last.interrupts),
        softirqs=grown(first.softirqs, last.softirqs),
        switches=spinner.schedule[0],
        preemptions=spinner.schedule[1],
        waited_ns=spinner.schedule[2],
        tasks=_tasks_on(cpu, tasks, ran),
        steal_ns=max(0, last.steal_ns - first.steal_ns),
        smi=(smi_after or 0) - (smi_before or 0) if known else None,
    )
    return CoreJitter(
        cpu,
        control,
        probe.elapsed_ns,
        probe.gaps,
        probe.stolen_ns,
        probe.gap_ns_max,
        probe.loop_ns_min,
        probe.counts(),
        attribution,
    )
