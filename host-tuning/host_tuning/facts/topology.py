"""CPUs, SMT siblings, NUMA nodes and shared caches of a host, as sysfs tells them.

Node ids may have holes, nodes may have no CPU, and CPU 0 may be offline: nothing here counts.
`offline` lists what is only possible, so that present CPUs decide (source:
Documentation/admin-guide/cputopology.rst).
"""

from dataclasses import dataclass

from host_tuning.common.cpulist import parse_list, parse_mask
from host_tuning.facts.tree import HostTree

CPU = "/sys/devices/system/cpu"
NODE = "/sys/devices/system/node"


@dataclass(frozen=True)
class Topology:
    """The shape of the host.

    online, present: CPU numbers. siblings: for each online CPU all hardware threads of its core,
    itself among them. package: physical package of each online CPU, -1 where unknown. node_of:
    NUMA node of each online CPU that has one. node_cpus: online CPUs of each online node, empty for
    a node without. distances: node -> distances to the online nodes in ascending order of their
    ids. last_level: for each online CPU those that share its last-level cache, empty if unknown.
    """

    online: frozenset[int]
    present: frozenset[int]
    siblings: dict[int, frozenset[int]]
    package: dict[int, int]
    node_of: dict[int, int]
    node_cpus: dict[int, frozenset[int]]
    distances: dict[int, tuple[int, ...]]
    last_level: dict[int, frozenset[int]]

    def node_distance(self, a: int, b: int) -> int | None:
        """The distance as firmware tells it (10: local), or None where it does not."""
        row = self.distances.get(a, ())
        ordered = sorted(self.node_cpus)
        if b in self.node_cpus and len(row) == len(ordered):
            return row[ordered.index(b)]
        return None


def _cpu_set(tree: HostTree, path: str) -> frozenset[int]:
    reading = tree.read(path)
    return parse_list(reading.value, path) if reading.ok else frozenset()


def _last_level(tree: HostTree, cpu: int) -> frozenset[int]:
    best_level, shared = 0, frozenset[int]()
    base = f"{CPU}/cpu{cpu}/cache"
    for name in tree.names(base):
        level = tree.read(f"{base}/{name}/level")
        if name.startswith("index") and level.ok and level.value.isdigit():
            cpus = _cpu_set(tree, f"{base}/{name}/shared_cpu_list")
            if int(level.value) > best_level and cpus:
                best_level, shared = int(level.value), cpus
    return shared


def _nodes(tree: HostTree) -> list[int]:
    """The online nodes; those that have a directory where the list of them was not captured."""
    listed = _cpu_set(tree, f"{NODE}/online")
    named = [name[4:] for name in tree.names(NODE) if name.startswith("node")]
    return sorted(listed or {int(number) for number in named if number.isdigit()})


def read_topology(tree: HostTree) -> Topology:
    """Read the shape of the host below the tree's root."""
    online = _cpu_set(tree, f"{CPU}/online")
    present = _cpu_set(tree, f"{CPU}/present") or online
    siblings, package, last_level = {}, {}, {}
    for cpu in online:
        base = f"{CPU}/cpu{cpu}/topology"
        found = _cpu_set(tree, f"{base}/thread_siblings_list")
        siblings[cpu] = (found & online) | {cpu}
        identity = tree.read(f"{base}/physical_package_id").value
        package[cpu] = int(identity) if identity.lstrip("-").isdigit() else -1
        last_level[cpu] = _last_level(tree, cpu) & online
    node_of, node_cpus, distances = {}, {}, {}
    for node in _nodes(tree):
        base = f"{NODE}/node{node}"
        mask = tree.read(f"{base}/cpumap").value  # older kernels and captures have only this
        members = _cpu_set(tree, f"{base}/cpulist") or parse_mask(mask, f"{base}/cpumap")
        node_cpus[node] = members & online
        node_of.update(dict.fromkeys(node_cpus[node], node))
        row = tree.read(f"{NODE}/node{node}/distance").value.split()
        distances[node] = tuple(int(word) for word in row if word.isdigit())
    return Topology(online, present, siblings, package, node_of, node_cpus, distances, last_level)
