"""What else a write changes: values that the kernel moves along, and that taking back must bring
back as well.

Each rule names where the kernel says so. The undo log keeps these values beside the write's own.
"""

import re
from collections.abc import Iterator

from host_tuning.common.change import Change
from host_tuning.facts import nic
from host_tuning.facts.topology import CPU, NODE
from host_tuning.facts.tree import HostTree

# Writing one of a pair sets the other to 0 (Documentation/admin-guide/sysctl/vm.rst, dirty_bytes).
_PAIRS = {
    f"/proc/sys/vm/{name}_{unit}": f"/proc/sys/vm/{name}_{other}"
    for name in ("dirty", "dirty_background")
    for unit, other in (("bytes", "ratio"), ("ratio", "bytes"))
}
_ONLINE = re.compile(rf"{CPU}/(smt/control|cpu\d+/online)")
_GOVERNOR = re.compile(r"(.+/)scaling_governor")
_HUGE_PAGES = re.compile(r"/sys/kernel/mm/hugepages/(hugepages-\d+kB)/nr_hugepages")
CPUSET_V1 = "/sys/fs/cgroup/cpuset"
CPUSET_DEPTH_MAX = 16


def companions(tree: HostTree, change: Change) -> list[Change]:
    """Reads, as changes without a new value, of what the change may move along."""
    found = _companions(tree, change)
    return [Change(change.setting, kind, target, "", change.subject) for kind, target in found]


def _companions(tree: HostTree, change: Change) -> Iterator[tuple[str, str]]:
    target = change.target
    if change.kind == "ethtool":
        yield from _sheet(target)
    elif target in _PAIRS:
        yield "file", _PAIRS[target]
    elif _ONLINE.fullmatch(target):
        yield from _after_offline(tree, target)
    elif match := _GOVERNOR.fullmatch(target):
        # The governor `performance` sets the preference (admin-guide/pm/intel_pstate.rst).
        yield from _present(tree, "file", match[1] + "energy_performance_preference")
    elif match := _HUGE_PAGES.fullmatch(target):
        # The total is spread over the nodes anew (admin-guide/mm/hugetlbpage.rst).
        for name in tree.names(NODE):
            yield from _present(tree, "file", f"{NODE}/{name}/hugepages/{match[1]}/nr_hugepages")


def _present(tree: HostTree, kind: str, path: str) -> Iterator[tuple[str, str]]:
    if tree.exists(path):
        yield kind, path


def _sheet(target: str) -> Iterator[tuple[str, str]]:
    """Drivers may move one field of a sheet with another, such as rx_usecs with adaptive_rx."""
    interface, what, field = target.split()
    if what == "feature":
        return
    for other in nic.sheet(interface, what):
        if other != field and not other.endswith("_max"):
            yield "ethtool", f"{interface} {what} {other}"


def _after_offline(tree: HostTree, target: str) -> Iterator[tuple[str, str]]:
    """A CPU that goes offline leaves v1 cpusets for good and may take interrupts' masks with it;
    `smt/control` brings back siblings that were offline on their own account (Documentation/
    core-api/cpu_hotplug.rst, admin-guide/cgroup-v1/cpusets.rst 1.4)."""
    for name in tree.names(CPU):
        if re.fullmatch(r"cpu[1-9]\d*", name) and f"{CPU}/{name}/online" != target:
            yield from _present(tree, "file", f"{CPU}/{name}/online")
    for name in tree.names("/proc/irq"):
        if name.isdigit():
            yield from _present(tree, "cpulist", f"/proc/irq/{name}/smp_affinity_list")
    for directory in _groups(tree, CPUSET_V1, CPUSET_DEPTH_MAX):
        yield from _present(tree, "cpulist", f"{directory}/cpuset.cpus")


def _groups(tree: HostTree, directory: str, depth: int) -> Iterator[str]:
    """The groups below a v1 cpuset hierarchy, a parent before its children."""
    for name in tree.names(directory) if depth else ():
        if tree.is_directory(f"{directory}/{name}"):
            yield f"{directory}/{name}"
            yield from _groups(tree, f"{directory}/{name}", depth - 1)
