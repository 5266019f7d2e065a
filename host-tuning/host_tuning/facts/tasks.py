"""One pass over the tasks of a host, as /proc/PID/stat tells them.

Source: proc_pid_stat(5) for the fields, include/linux/sched.h for the flags.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from host_tuning.common.cpulist import parse_list
from host_tuning.facts.tree import HostTree

PF_KTHREAD = 0x00200000
PF_NO_SETAFFINITY = 0x04000000  # bound to its CPU, or placed by the workqueues' own mask
VENUE = "ironpit"  # in the name of its slice and of its command
FIELDS_MIN = 37  # up to `processor`, counted behind the name
FLAGS, THREADS, PROCESSOR = 6, 17, 36


@dataclass(frozen=True, slots=True)
class Task:
    """One thread.

    directory: its files, `/proc/PID` or `/proc/PID/task/TID`. name: the 15 bytes that the kernel
    keeps. kernel: whether it is a kernel thread. fixed: whether nobody may set its affinity.
    processor: the CPU that it ran on last.
    """

    pid: int
    directory: str
    name: str
    kernel: bool
    fixed: bool
    processor: int

    def allowed(self, tree: HostTree) -> frozenset[int]:
        """The CPUs that it may run on now; empty if it has ended or cannot be read."""
        for line in tree.read(f"{self.directory}/status").text.splitlines():
            if line.startswith("Cpus_allowed_list:"):
                return parse_list(line.partition(":")[2], f"{self.directory}/status")
        return frozenset()

    def of_venue(self, tree: HostTree) -> bool:
        """Whether it belongs to a venue, by its control group or its command."""
        return VENUE in tree.read(f"{self.directory}/cgroup").text or VENUE in self.command(tree)

    def command(self, tree: HostTree) -> str:
        """Its command line, or its name where it has none."""
        text = tree.read(f"{self.directory}/cmdline").text.replace("\0", " ").strip()
        return text or self.name


def _parse(tree: HostTree, directory: str, pid: int) -> tuple[Task, int] | None:
    head, _, tail = tree.read(f"{directory}/stat").text.rpartition(")")
    fields = tail.split()
    if len(fields) < FIELDS_MIN:
        return None  # it has ended, or its stat is hidden
    flags = int(fields[FLAGS])
    task = Task(
        pid,
        directory,
        head.partition("(")[2],
        bool(flags & PF_KTHREAD),
        bool(flags & PF_NO_SETAFFINITY),
        int(fields[PROCESSOR]),
    )
    return task, int(fields[THREADS])


def scan(tree: HostTree) -> Iterator[Task]:
    """Every thread that can be seen; none where a capture holds no processes."""
    for name in tree.names("/proc"):
        if not name.isdigit():
            continue
        found = _parse(tree, f"/proc/{name}", int(name))
        if found is None:
            continue
        yield found[0]
        if found[1] < 2:
            continue
        for thread in tree.names(f"/proc/{name}/task"):
            if thread != name and thread.isdigit():
                other = _parse(tree, f"/proc/{name}/task/{thread}", int(thread))
                if other is not None:
                    yield other[0]
