"""Settings: tasks and interrupts between processors that do not belong on hot CPUs."""

from collections.abc import Iterable
from dataclasses import dataclass

from host_tuning.checking.findings import unknown, unread
from host_tuning.checking.hot_cpus import keepers, none_configured, subject
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list
from host_tuning.common.verdict import Conformity, Finding, Json
from host_tuning.common.words import counted
from host_tuning.facts.interrupt_table import read_table
from host_tuning.facts.tasks import Task
from host_tuning.target.host import Host

GROUP = "isolation"
EXPECTED = "no task but the venue's and the kernel's own threads of this CPU"
SHOWN_MAX = 5  # tasks that a finding names; the count says how many there are
IPI_ROWS = ("RES", "CAL", "TLB")
IPI_TEXTS = ("rescheduling", "function call", "tlb shootdown")


@dataclass(frozen=True, slots=True)
class Placed:
    """A task whose affinity can be set, and the CPUs that it may run on."""

    task: Task
    allowed: frozenset[int]


def movable(host: Host) -> list[Placed]:
    """The tasks that may run on a hot CPU and could be moved.

    Left out are the threads that the kernel bound (per-CPU threads and all workers), those that
    handle an interrupt, which follow its affinity, and this process.
    """
    own = host.read("/proc/self/stat").text.partition(" ")[0] if host.live else ""  # this process
    found = []
    for task in host.tasks:
        if task.fixed or task.directory.split("/")[2] == own:
            continue
        if task.kernel and task.name.startswith("irq/"):
            continue
        allowed = task.allowed(host.tree)
        # Before PF_NO_SETAFFINITY (3.10) a per-CPU thread is known by its name, `migration/3`.
        per_cpu = task.kernel and len(allowed) == 1 and task.name.endswith(f"/{min(allowed)}")
        if allowed & host.target.hot and not per_cpu:
            found.append(Placed(task, allowed))
    return found


def _venues(host: Host, placed: Placed) -> bool:
    """Whether a task that is bound to hot CPUs belongs to the venue: by cgroup or command."""
    if placed.task.kernel or not placed.allowed <= host.target.hot:
        return False
    return placed.task.of_venue(host.tree)


def _on(host: Host, cpu: int, placed: list[Placed]) -> list[Placed]:
    """Those that are bound to hot CPUs with this one among them, or ran on it last."""
    return [
        one
        for one in placed
        if cpu in one.allowed
        and (one.task.processor == cpu or one.allowed <= host.target.hot)
        and not _venues(host, one)
    ]


def _home(host: Host, placed: Placed) -> str:
    """Where a task is moved: to the other CPUs that it may run on, or to the keepers."""
    return format_list(placed.allowed - host.target.hot or keepers(host))


def inspect_strays(host: Host) -> Iterable[Finding]:
    """Who is on each hot CPU, by one pass over all tasks."""
    if not host.hot:
        yield none_configured(EXPECTED)
        return
    if not host.tasks:
        reading = host.read("/proc/1/stat")
        absent = "no process can be seen"
        yield unread(host, reading, EXPECTED, absent) if not host.live else unknown(absent)
        return
    placed = movable(host)
    hidden = ""
    if host.identity.container:
        hidden = "a container sees its own tasks only"
    elif not any(task.pid == 1 for task in host.tasks):
        hidden = "the tasks of other users are hidden (hidepid)"
    for cpu in host.hot:
        strays = _on(host, cpu, placed)
        names = [f"{one.task.name} ({one.task.pid})" for one in strays]
        roaming = sum(1 for one in placed if cpu in one.allowed)
        parsed: dict[str, Json] = {"strays": list(names), "may_run_here": roaming}
        if not strays and hidden:
            yield unknown(hidden, subject(cpu), expected=EXPECTED, paths=("/proc/*/stat",))
            continue
        more = f" and {len(names) - SHOWN_MAX} more" if len(names) > SHOWN_MAX else ""
        fixes = [f"sudo taskset -pc {_home(host, one)} {one.task.pid}" for one in strays]
        undos = [f"sudo taskset -pc {format_list(one.allowed)} {one.task.pid}" for one in strays]
        yield Finding(
            Conformity.DEVIATES if strays else Conformity.CONFORMS,
            subject(cpu),
            ", ".join(names[:SHOWN_MAX]) + more if strays else "none",
            parsed,
            EXPECTED,
            f"bound here, or last seen here; {counted(roaming, 'task')} may run here"
            if strays
            else "",
            ("/proc/*/stat", "/proc/*/status"),
            fix=tuple(fixes),
            undo=tuple(undos),
        )


def steps_strays(host: Host) -> Iterable[Step]:
    """Move everything that may run on a hot CPU, once a stray was seen on one.

    Only to move what was seen would let the next one roam there a moment later; the children of
    what is moved inherit its affinity (sched_setaffinity(2)).
    """
    if not any(one.conformity is Conformity.DEVIATES for one in inspect_strays(host)):
        return
    for one in movable(host):
        if not _venues(host, one):
            new = _home(host, one)
            yield Change("strays", "affinity", str(one.task.pid), new, one.task.name)


def inspect_ipis(host: Host) -> Iterable[Finding]:
    """How many interrupts of other processors each hot CPU has taken since boot: reported."""
    expected = "no more of them while the venue runs (tune-host --jitter shows the difference)"
    if not host.hot:
        yield none_configured(expected)
        return
    reading = host.read("/proc/interrupts")
    if not reading.ok:
        yield unread(host, reading, expected, "the kernel counts no interrupts")
        return
    table = read_table(reading)
    rows = [
        row
        for row in table.rows()
        if row in IPI_ROWS
        or (not row.isdigit() and table.device(row).lower().startswith(IPI_TEXTS))
    ]
    for cpu in host.hot:
        counts: dict[str, Json] = {row: table.count(row, cpu) for row in rows}
        yield Finding(
            Conformity.REPORT,
            subject(cpu),
            ", ".join(f"{row} {count}" for row, count in counts.items()) or "no such rows",
            counts,
            expected,
            "since boot",
            (reading.path,),
        )


SETTINGS = (
    Setting(
        id="strays",
        group=GROUP,
        title="stray tasks",
        when=When.RUNTIME,
        what="Which tasks are bound to a hot CPU, or were seen on it last.",
        why="A second runnable task on a hot CPU takes time slices and empties its caches.",
        see="ps -eLo psr,pid,tid,comm --sort psr",
        set="sudo taskset -pc KEEPERS TID for each",
        undo="sudo taskset -pc OLD TID",
        sources=(
            "proc_pid_stat(5)",
            "sched_setaffinity(2)",
            "Documentation/admin-guide/kernel-per-CPU-kthreads.rst",
        ),
        inspect=inspect_strays,
        steps=steps_strays,
    ),
    Setting(
        id="ipis",
        group=GROUP,
        title="interrupts between processors",
        when=When.REPORT,
        what="How often other processors interrupted a hot CPU: rescheduling, calls, TLB flushes.",
        why="Each is a kernel entry. Shared memory maps that change and static keys cause them.",
        see="grep -E 'RES|CAL|TLB' /proc/interrupts",
        set="tune-host --hold keeps the network's time-stamping key from being patched again",
        undo="stop it",
        sources=(
            "Documentation/admin-guide/kernel-per-CPU-kthreads.rst",
            "Documentation/staging/static-keys.rst",
        ),
        inspect=inspect_ipis,
    ),
)
