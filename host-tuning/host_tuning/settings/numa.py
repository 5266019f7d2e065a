"""Memory and the node it is on."""

from collections.abc import Iterable

from host_tuning.checking.findings import not_applicable, unknown, unread
from host_tuning.checking.hot_cpus import none_configured, subject
from host_tuning.checking.knob import changes, exactly, look
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.common.verdict import Conformity, Cost, Finding
from host_tuning.facts.topology import NODE
from host_tuning.target.host import Host

BALANCING = exactly(
    "/proc/sys/kernel/numa_balancing",
    0,
    "the kernel was built without NUMA balancing",
    "pages are unmapped to see who touches them, and moved",
)
STATUS = "/proc/self/status"
LOCAL = 10  # the distance of a node to itself, by the firmware's definition


def inspect_balancing(host: Host) -> Iterable[Finding]:
    """The kernel does not look for better nodes by itself."""
    return [look(host, BALANCING)]


def steps_balancing(host: Host) -> Iterable[Step]:
    """Turn it off."""
    return changes("numa-balancing", host, [BALANCING])


def inspect_placement(host: Host) -> Iterable[Finding]:
    """Hot CPUs are on a node with memory that the tool's processes may use, best all on one."""
    nodes = host.topology.node_cpus
    if not nodes:
        node_list = host.read(f"{NODE}/online")
        if node_list.ok:
            yield unknown(f"{NODE}/online: names no node", paths=(f"{NODE}/online",))
        else:
            yield unread(host, node_list, "", "the kernel was built without NUMA")
        return
    if len(nodes) == 1:
        yield not_applicable("the host has one NUMA node", paths=(f"{NODE}/online",))
        return
    if not host.hot:
        yield none_configured("memory on the node of the CPU")
        return
    reading = host.read(f"{NODE}/has_memory")
    if not reading.ok:
        reading = host.read(f"{NODE}/has_normal_memory")
    if reading.ok:
        with_memory = parse_list(reading.value, reading.path)
        for cpu in host.hot:
            yield _of_cpu(host, cpu, with_memory, reading.path)
    else:
        yield unread(host, reading, "", "the kernel does not say which nodes have memory")
    yield _spread(host)
    yield from _allowed(host)


def _of_cpu(host: Host, cpu: int, with_memory: frozenset[int], path: str) -> Finding:
    node = host.topology.node_of.get(cpu)
    if node is None:
        return unknown("no node claims the CPU", subject(cpu), paths=(f"{NODE}/online",))
    ok = node in with_memory
    return Finding(
        Conformity.CONFORMS if ok else Conformity.DEVIATES,
        subject(cpu),
        f"node {node}",
        node,
        f"one of the nodes with memory, {format_list(with_memory)}",
        "" if ok else "the node has no memory: every access is remote",
        (path, f"{NODE}/node{node}/cpulist"),
    )


def _spread(host: Host) -> Finding:
    """Hot CPUs on several nodes are reported: a venue may be laid out so on purpose."""
    nodes = sorted({host.topology.node_of[cpu] for cpu in host.hot if cpu in host.topology.node_of})
    paths = tuple(f"{NODE}/node{node}/distance" for node in nodes)
    listed = format_list(nodes)
    expected = "all hot CPUs on one node"
    if len(nodes) < 2:
        return Finding(Conformity.CONFORMS, "host", f"node {listed}", [*nodes], expected, "", paths)
    pairs = [host.topology.node_distance(a, b) for a in nodes for b in nodes if a != b]
    known = [distance for distance in pairs if distance is not None]
    cost = Cost()
    reason = "what these CPUs share is remote for some of them"
    if known:
        citation = "the firmware's node distances"
        cost = Cost("sysfs", max(known) * 100 // LOCAL, "% of a local access", citation)
        reason += f", at distance {max(known)} against {LOCAL}"
    return Finding(
        Conformity.REPORT, "host", f"nodes {listed}", [*nodes], expected, reason, paths, cost
    )


def _allowed(host: Host) -> Iterable[Finding]:
    """The nodes that this process may take memory from, as its cgroup lets it."""
    reading = host.read(STATUS)
    wanted = {host.topology.node_of[cpu] for cpu in host.hot if cpu in host.topology.node_of}
    for line in reading.text.splitlines():
        name, _, value = line.partition(":")
        if name == "Mems_allowed_list":
            missing = wanted - parse_list(value, STATUS)
            yield Finding(
                Conformity.DEVIATES if missing else Conformity.CONFORMS,
                "host",
                value.strip(),
                value.strip(),
                f"nodes {format_list(wanted)} among the allowed ones",
                f"the cgroup forbids memory of node {format_list(missing)}" if missing else "",
                (STATUS,),
            )


SETTINGS = (
    Setting(
        id="numa-balancing",
        group="memory",
        title="NUMA balancing",
        when=When.RUNTIME,
        what="Whether the kernel finds out by itself which node uses a page, and moves it there.",
        why="It unmaps pages so that the next access faults; a hot thread pays for the fault, and "
        "for the move.",
        see="cat /proc/sys/kernel/numa_balancing",
        set="sudo sysctl kernel.numa_balancing=0",
        undo="write the old number back",
        sources=("Documentation/admin-guide/sysctl/kernel.rst: numa_balancing",),
        inspect=inspect_balancing,
        steps=steps_balancing,
    ),
    Setting(
        id="numa-placement",
        group="memory",
        title="memory beside its CPUs",
        when=When.PLACEMENT,
        what="Whether each hot CPU's node has memory that may be used, and how far apart they are.",
        why="Access to another node's memory goes through the link between them; firmware tells "
        "the ratio as distance, 10 for local. What a guest is told may not be so.",
        see="cat /sys/devices/system/node/node*/distance; cat /proc/PID/numa_maps",
        set="place the hot stages on CPUs of one node (--plan --cores), that of the interface",
        undo="place them as before",
        sources=(
            "Documentation/admin-guide/mm/numa_memory_policy.rst",
            "ACPI 6.5, 5.2.17: System Locality Information Table",
        ),
        inspect=inspect_placement,
    ),
)
