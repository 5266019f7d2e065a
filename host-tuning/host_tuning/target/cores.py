"""Proposes which cores the stages of a venue get, from the shape of the host.

The rules, in the order in which they decide:

1. Never the core of CPU 0, nor of the lowest online CPU where that is another: the boot CPU takes
   interrupts and timers that no mask moves.
2. Only CPUs of this process's cpuset; of a hybrid processor only its fast cores.
3. Isolated CPUs before others, as far as there are any.
4. The NUMA node of the card that carries orders; if it has no CPU, the nearest that has; if the
   card tells no node, the node with the most free cores. A CPU without a node, since its memory is
   offline, comes last.
5. One hardware thread a core; its siblings stay idle.
6. Stages that share a last-level cache hand their lines over fastest: as many as fit on one, in the
   order matcher, gateway, publisher, journal, then the next cache of the same node.
7. What is neither hot nor a hot core's sibling keeps house; where that leaves none on the node, for
   the interrupts of its cards, the proposal says so.
8. Where there are fewer cores than stages, the last in that order share a core.
"""

import json
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass, field

from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.common.errors import ToolError
from host_tuning.common.words import counted
from host_tuning.target.host import Host

STAGES = ("matcher", "gateway", "publisher", "journal")
# What runs together when there are fewer cores than stages: the matcher keeps one of its own first.
SHARES = {
    4: (("matcher",), ("gateway",), ("publisher",), ("journal",)),
    3: (("matcher",), ("gateway",), ("publisher", "journal")),
    2: (("matcher",), ("gateway", "publisher", "journal")),
    1: (STAGES,),
}
FAST_CORES = "/sys/devices/cpu_core/cpus"


@dataclass(frozen=True, slots=True)
class Core:
    """One physical core: the thread to use, its other threads, node (-1 unknown) and cache."""

    cpu: int
    siblings: frozenset[int]
    node: int
    cache: frozenset[int]


@dataclass
class Proposal:
    """Which CPU each stage gets. idle: siblings of hot CPUs, to keep idle. notes: why, and what is
    missing, one sentence each."""

    stages: dict[str, int] = field(default_factory=dict)
    housekeeping: frozenset[int] = frozenset()
    idle: frozenset[int] = frozenset()
    notes: list[str] = field(default_factory=list)

    @property
    def hot(self) -> frozenset[int]:
        """The CPUs that stages run on."""
        return frozenset(self.stages.values())

    def threads(self) -> list[tuple[int, list[str]]]:
        """CPU and the stages on it, in the order of STAGES."""
        found: dict[int, list[str]] = {}
        for stage in STAGES:
            if stage in self.stages:
                found.setdefault(self.stages[stage], []).append(stage)
        return list(found.items())


def allowed(host: Host) -> frozenset[int]:
    """The online CPUs that this process may use."""
    for line in host.read("/proc/self/status").text.splitlines():
        if line.startswith("Cpus_allowed_list:"):
            return parse_list(line.partition(":")[2]) & host.topology.online
    return host.topology.online


def _cores(host: Host, usable: frozenset[int]) -> list[Core]:
    """The cores of the usable CPUs, by their lowest thread."""
    shape, seen, cores = host.topology, set[int](), []
    for cpu in sorted(usable):
        if cpu in seen:
            continue
        threads = shape.siblings.get(cpu, frozenset({cpu})) & shape.online
        seen |= threads
        cores.append(Core(cpu, threads - {cpu}, shape.node_of.get(cpu, -1), shape.last_level[cpu]))
    return cores


def _card_node(host: Host, notes: list[str]) -> int:
    """The node to be near to, -1 for any."""
    if not host.target.interfaces:
        notes.append("no interface was given (--interface): the node is chosen by its free cores")
        return -1
    name = host.target.interfaces[0]
    path = f"/sys/class/net/{name}/device/numa_node"
    reading = host.read(path)
    if not reading.ok or not reading.value.isdigit():
        notes.append(f"{name} has no known NUMA node ({path}: {reading.value or 'not there'})")
        return -1
    node = int(reading.value)
    if host.topology.node_cpus.get(node):
        return node
    with_cpus = [one for one, cpus in host.topology.node_cpus.items() if cpus]
    distances = {one: host.topology.node_distance(node, one) for one in with_cpus}
    known = {one: distance for one, distance in distances.items() if distance is not None}
    nearest = min(known or dict.fromkeys(with_cpus, 0), key=lambda one: (known.get(one, 0), one))
    notes.append(
        f"{name} is on node {node}, which has no online CPU: node {nearest} is the nearest"
    )
    return nearest


def _candidates(host: Host, usable: frozenset[int], notes: list[str]) -> list[Core]:
    """The cores that may become hot."""
    boot = min(host.topology.online)
    cores = [core for core in _cores(host, usable) if boot not in {core.cpu, *core.siblings}]
    fast = host.read(FAST_CORES)
    if fast.ok:
        quick = parse_list(fast.value, FAST_CORES)
        kept = [core for core in cores if core.cpu in quick]
        if kept and len(kept) < len(cores):
            notes.append(f"hybrid processor: only its fast cores {format_list(quick)} become hot")
            cores = kept
    isolated = parse_list(host.read("/sys/devices/system/cpu/isolated").value)
    inside = [core for core in cores if core.cpu in isolated]
    if inside:
        notes.append(f"isolated CPUs {format_list(isolated)} are taken before others")
        return inside
    return cores


def _by_node(cores: Iterable[Core], node: int, host: Host, notes: list[str]) -> list[Core]:
    """The cores of one node; those of the next nearest ones behind them if they are too few."""
    nodes: dict[int, list[Core]] = {}
    for core in cores:
        nodes.setdefault(core.node, []).append(core)
    if node < 0 and nodes:
        node = max(nodes, key=lambda one: (one >= 0, len(nodes[one]), -one))

    def rank(other: int) -> tuple[bool, bool, int, int]:
        distance = host.topology.node_distance(node, other)
        return (other != node, other < 0, distance if distance is not None else 255, other)

    ordered = sorted(nodes, key=rank)
    taken = [core for one in ordered for core in _by_cache(nodes[one])]
    if ordered and len(nodes.get(node, [])) < len(STAGES) < len(taken):
        count = len(nodes.get(node, []))
        notes.append(
            f"node {node} has {counted(count, 'such core')}: other stages go to the next node"
        )
    return taken


def _by_cache(cores: list[Core]) -> list[Core]:
    """The cores of a node, those of the cache with the most of them first."""
    caches: dict[frozenset[int], list[Core]] = {}
    for core in cores:
        caches.setdefault(core.cache or frozenset({core.cpu}), []).append(core)
    groups = sorted(caches.values(), key=lambda group: (-len(group), group[0].cpu))
    return [core for group in groups for core in group]


def propose(host: Host) -> Proposal:
    """The placement for this host. Errors: ToolError where no CPU may become hot."""
    proposal = Proposal()
    notes = proposal.notes
    usable = allowed(host)
    if usable != host.topology.online:
        notes.append(f"only CPUs {format_list(usable)} are in this process's cpuset")
    near = _card_node(host, notes)
    candidates = _candidates(host, usable, notes)
    if not candidates:
        raise ToolError(
            f"--cores: found the CPUs {format_list(usable)}, expected a core besides that of CPU "
            f"{min(host.topology.online)}, which keeps house: run the venue on one thread, unpinned"
        )
    ordered = _by_node(candidates, near, host, notes)
    count = min(len(STAGES), len(ordered))
    if count < len(STAGES):
        notes.append(f"{counted(count, 'core')} for {len(STAGES)} stages: the last ones share")
    for core, stages in zip(ordered, SHARES[count], strict=False):
        proposal.stages.update(dict.fromkeys(stages, core.cpu))
        proposal.idle |= core.siblings
    proposal.idle -= proposal.hot
    proposal.housekeeping = host.topology.online - proposal.hot - proposal.idle
    _note_caches(host, proposal)
    return proposal


def _note_caches(host: Host, proposal: Proposal) -> None:
    """Say where handing over crosses a cache or a node, and what is missing for the card."""
    matcher = proposal.stages["matcher"]
    shared = host.topology.last_level.get(matcher, frozenset())
    outside = [stage for stage, cpu in proposal.stages.items() if cpu not in shared]
    if shared and outside:
        notes = f"{', '.join(outside)}: another last-level cache than the matcher's"
        proposal.notes.append(f"{notes} (CPUs {format_list(shared)})")
    node = host.topology.node_of.get(matcher)
    local = host.topology.node_cpus.get(node, frozenset()) if node is not None else frozenset()
    if local and not local & proposal.housekeeping:
        proposal.notes.append(
            f"no housekeeping CPU is left on node {node}: interrupts of its cards go to another"
        )
    if proposal.idle:
        proposal.notes.append(
            f"CPUs {format_list(proposal.idle)} are siblings of hot ones: keep them idle or offline"
        )


def host_yaml(host: Host, proposal: Proposal) -> str:
    """The proposal as a host file."""
    lines = ["host:", f"  hot: {format_list(proposal.hot)}"]
    lines.append(f'  housekeeping: "{format_list(proposal.housekeeping)}"')
    if host.target.interfaces:
        lines.append(f"  interfaces: [{', '.join(host.target.interfaces)}]")
    return "\n".join(lines) + "\n"


def venue_yaml(proposal: Proposal) -> str:
    """The proposal as the placement section of a venue file."""
    lines = ["placement:", "  processes:"]
    for cpu, stages in proposal.threads():
        lines.append(f"    {stages[0]}:")
        listed = ", ".join(stages)
        lines.append(
            f"      threads: [{{name: {stages[0]}, stages: [{listed}], cpu: {cpu}, "
            "idle: spin, isolation: require}]"
        )
    return "\n".join(lines) + "\n"


def text(host: Host, proposal: Proposal) -> str:
    """The proposal for people: a line a stage, the notes, and both files' sections."""
    lines = []
    for stage in STAGES:
        cpu = proposal.stages[stage]
        node = host.topology.node_of.get(cpu)
        where = "" if node is None else f"  node {node}"
        lines.append(f"{stage:14}cpu {cpu}{where}")
    lines.append(f"{'housekeeping':14}cpu {format_list(proposal.housekeeping)}")
    lines += [f"- {note}" for note in proposal.notes]
    return "\n".join(lines) + f"\n\n{host_yaml(host, proposal)}\n{venue_yaml(proposal)}"


def document(host: Host, proposal: Proposal) -> dict[str, object]:
    """The proposal as data."""
    return {
        "schema": "tune-host/cores/1",
        "stages": proposal.stages,
        "hot": format_list(proposal.hot),
        "housekeeping": format_list(proposal.housekeeping),
        "idle": format_list(proposal.idle),
        "notes": proposal.notes,
        "host": host_yaml(host, proposal),
        "venue": venue_yaml(proposal),
    }


def run(options: Namespace, host: Host) -> int:
    """Print the proposal, as text or as JSON; the exit code."""
    proposal = propose(host)
    if options.format == "json":
        print(json.dumps(document(host, proposal), indent=2))
    else:
        print(text(host, proposal), end="")
    return 0
