"""Where the control groups are mounted, and which group this process is in: versions 1 and 2.

Sources: cgroups(7); Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cpusets.rst.
"""

from collections.abc import Iterator

from host_tuning.common.cpulist import parse_list
from host_tuning.facts.tree import Reading
from host_tuning.target.host import Host

ROOT = "/sys/fs/cgroup"
GROUPS_MAX = 2000  # what a walk looks at, so that a host with many containers stays quick


def mount_of(host: Host, controller: str) -> tuple[int, str]:
    """The version and mount point of the hierarchy that has a controller; version 0 for none."""
    unified = ""
    for line in host.read("/proc/mounts").text.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[2] == "cgroup" and controller in fields[3].split(","):
            return 1, fields[1]
        if len(fields) > 3 and fields[2] == "cgroup2":
            unified = fields[1]
    if unified:
        offered = host.read(f"{unified}/cgroup.controllers")
        return (2, unified) if not offered.ok or controller in offered.value.split() else (0, "")
    # A capture may hold the files and not the table of mounts.
    if host.tree.names(f"{ROOT}/{controller}"):
        return 1, f"{ROOT}/{controller}"
    if controller in host.read(f"{ROOT}/cgroup.controllers").value.split():
        return 2, ROOT
    return 0, ""


def own_path(host: Host, version: int, controller: str) -> str:
    """The group of this process in the hierarchy of a controller; empty for the root."""
    for line in host.read("/proc/self/cgroup").text.splitlines():
        number, names, path = [*line.split(":", 2), "", ""][:3]
        unified = number == "0" and not names
        if (version == 2 and unified) or (version == 1 and controller in names.split(",")):
            return path.rstrip("/")
    return ""


def upward(host: Host, mount: str, path: str, name: str) -> Iterator[Reading]:
    """A file of the group and of every group above it, those without it left out.

    In a container the group's path is that of the host while the mount shows the group itself, so
    that the mount is where the walk ends in any case.
    """
    while True:
        reading = host.read(f"{mount}{path}/{name}")
        if not reading.missing:
            yield reading
        if not path:
            return
        path = path.rpartition("/")[0]


def isolated_partitions(host: Host, mount: str) -> tuple[frozenset[int], tuple[str, ...]]:
    """The CPUs of valid isolated partitions of version 2, and the files that said so.

    The root's cpuset.cpus.isolated (since 6.7) lists them. Before that a partition's parent had to
    be a partition, so that the walk only goes down where there is one.
    """
    path = f"{mount}/cpuset.cpus.isolated"
    listed = host.read(path)
    if listed.ok:
        return parse_list(listed.value, path), (path,)
    cpus: set[int] = set()
    paths: list[str] = [path]
    waiting = [mount]
    looked = 0
    while waiting and looked < GROUPS_MAX:
        above = waiting.pop()
        for name in host.tree.names(above):
            if name.startswith(("cpuset.", "cgroup.", "memory.", "cpu.", "io.", "pids.")):
                continue
            looked += 1
            kind = host.read(f"{above}/{name}/cpuset.cpus.partition")
            if kind.value in ("root", "isolated"):
                waiting.append(f"{above}/{name}")
            if kind.value == "isolated":
                effective = host.read(f"{above}/{name}/cpuset.cpus.effective")
                cpus |= parse_list(effective.value, effective.path)
                paths += [kind.path, effective.path]
    return frozenset(cpus), tuple(paths)


def unbalanced(host: Host, mount: str) -> tuple[frozenset[int], tuple[str, ...]]:
    """The online CPUs that no cpuset of version 1 balances, and the files that said so.

    A CPU is out of the scheduler's domains if no cpuset that has sched_load_balance contains it,
    the root among them (cpusets.rst, section 1.7).
    """
    balanced: set[int] = set()
    waiting, paths, looked = [mount], [], 0
    while waiting and looked < GROUPS_MAX:
        above = waiting.pop()
        looked += 1
        flag = host.read(f"{above}/cpuset.sched_load_balance")
        if not flag.ok:
            if above == mount:
                return frozenset(), (flag.path,)
            continue
        paths.append(flag.path)
        if flag.value != "0":
            cpus = host.read(f"{above}/cpuset.cpus")
            if above == mount or not cpus.ok:
                return frozenset(), (flag.path,)  # it balances all of them, or nobody knows which
            balanced |= parse_list(cpus.value, cpus.path)
        for name in host.tree.names(above):
            if not name.startswith(("cpuset.", "cgroup.")):
                waiting.append(f"{above}/{name}")
    return host.topology.online - balanced, tuple(paths)
