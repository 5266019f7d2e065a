"""The kinds of change that move a task: into a cgroup, or onto other CPUs.

A state says the task's start time as well (field 22 of /proc/PID/stat, proc_pid_stat(5)), so that
taking back never touches another task that was given the same number since.
"""

import errno
import os

from host_tuning.changing.kind import LiveKind, in_words, text_of
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.facts.tree import HostTree


def _started(tree: HostTree, pid: str) -> str:
    fields = tree.read(f"/proc/{pid}/stat").text.rpartition(")")[2].split()
    if len(fields) < 20:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), f"/proc/{pid}")
    return fields[19]


class Task(LiveKind):
    """What is common: the state is `VALUE START_TIME`."""

    def pid(self, change: Change) -> str:
        """The task's number."""
        raise NotImplementedError

    def value(self, tree: HostTree, change: Change) -> str:
        """The value now."""
        raise NotImplementedError

    def put(self, tree: HostTree, change: Change, value: str) -> None:
        """Give the task a value."""
        raise NotImplementedError

    def wanted(self, change: Change) -> str:
        """The value that the change wants."""
        raise NotImplementedError

    def ask(self, tree: HostTree, change: Change) -> bytes | None:
        """Value and start time. Errors: ESRCH for a task that has ended."""
        started = _started(tree, self.pid(change))
        return f"{self.value(tree, change)} {started}".encode()

    def write(self, tree: HostTree, change: Change) -> None:
        """Give the task the new value."""
        self.put(tree, change, self.wanted(change))

    def restore(self, tree: HostTree, change: Change, old: bytes | None) -> None:
        """Give the task its old value. Errors: ESRCH if another task has its number now."""
        value, _, started = text_of(old).rpartition(" ")
        if _started(tree, self.pid(change)) != started:
            raise ProcessLookupError(errno.ESRCH, "the task has ended", change.target)
        self.put(tree, change, value)

    def holds(self, change: Change, state: bytes | None) -> bool:
        """Whether the task has the value, whichever task it is."""
        return text_of(state).rpartition(" ")[0] == self.wanted(change)

    def ours(self, change: Change, old: bytes | None, state: bytes | None) -> bool:
        """Whether it is the same task, and it has the value."""
        same_task = text_of(old).rpartition(" ")[2] == text_of(state).rpartition(" ")[2]
        return same_task and self.holds(change, state)

    def shown(self, change: Change, state: bytes | None) -> str:
        """The value without the start time."""
        return text_of(state).rpartition(" ")[0] or in_words(state)


class Affinity(Task):
    """The CPUs of a task: target is its number, new a list."""

    def pid(self, change: Change) -> str:
        """The target."""
        return change.target

    def value(self, tree: HostTree, change: Change) -> str:
        """The list as the kernel has it."""
        return format_list(os.sched_getaffinity(int(change.target)))

    def put(self, tree: HostTree, change: Change, value: str) -> None:
        """Move it. Errors: EINVAL for a kernel thread that is bound to its CPU."""
        os.sched_setaffinity(int(change.target), parse_list(value))

    def wanted(self, change: Change) -> str:
        """The list in its shortest form."""
        return format_list(parse_list(change.new))


class CgroupMember(Task):
    """The cgroup of a process: target is the group's cgroup.procs, new the process's number."""

    def pid(self, change: Change) -> str:
        """The number that is written."""
        return change.new

    def value(self, tree: HostTree, change: Change) -> str:
        """The cgroup.procs that the process stands in, in the hierarchy of the target."""
        mount_root, mount, controllers = _mount_of(tree, change.target)
        for line in tree.read(f"/proc/{change.new}/cgroup").text.splitlines():
            _, names, path = line.split(":", 2)
            if set(names.split(",")) & controllers or (not controllers and not names):
                below = path.removeprefix(mount_root.rstrip("/")).rstrip("/")
                return f"{mount}{below}/{change.target.rpartition('/')[2]}"
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), f"/proc/{change.new}")

    def put(self, tree: HostTree, change: Change, value: str) -> None:
        """Move it."""
        tree.write(value, change.new.encode() + b"\n")

    def wanted(self, change: Change) -> str:
        """The group's file."""
        return change.target


def _mount_of(tree: HostTree, path: str) -> tuple[str, str, set[str]]:
    """Root in the hierarchy, mount point, and v1 controllers (none for v2) of a cgroup file.

    The fields of /proc/self/mountinfo stand in Documentation/filesystems/proc.rst, 3.5.
    """
    best: tuple[str, str, set[str]] | None = None
    for line in tree.read("/proc/self/mountinfo").text.splitlines():
        front, _, back = line.partition(" - ")
        fields, kind = front.split(), back.split()
        if len(fields) < 5 or len(kind) < 3 or kind[0] not in ("cgroup", "cgroup2"):
            continue
        if path.startswith(fields[4] + "/") and (best is None or len(fields[4]) > len(best[1])):
            options = set(kind[2].split(",")) - {"rw", "ro"} if kind[0] == "cgroup" else set()
            best = (fields[3], fields[4], options)
    if best is None:
        raise OSError(errno.ENOENT, "no cgroup hierarchy is mounted above", path)
    return best
