"""Huge pages that were set aside, node by node."""

from collections.abc import Iterable

from host_tuning.cpulist import format_list
from host_tuning.findings import not_applicable, unknown
from host_tuning.host import Host
from host_tuning.knob import Knob, changes, look
from host_tuning.setting import Setting, Step, When
from host_tuning.topology import NODE
from host_tuning.verdict import Conformity, Finding

POOLS = "/sys/kernel/mm/hugepages"
ABSENT = "the kernel was built without huge pages"


def _size_kb(host: Host) -> int:
    """The default size, 0 where nobody says it: meminfo's, or that of the only pool."""
    for line in host.read("/proc/meminfo").text.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "Hugepagesize:" and words[1].isdigit():
            return int(words[1])
    sizes = [name.removeprefix("hugepages-").removesuffix("kB") for name in host.tree.names(POOLS)]
    return int(sizes[0]) if len(sizes) == 1 and sizes[0].isdigit() else 0


def _pool(host: Host, node: int, size_kb: int) -> str:
    """The directory of a node's pool. A kernel without NUMA has one pool, that of node 0."""
    if node == 0 and not host.topology.node_cpus:
        return f"{POOLS}/hugepages-{size_kb}kB"
    return f"{NODE}/node{node}/hugepages/hugepages-{size_kb}kB"


def _knobs(host: Host, size_kb: int) -> Iterable[Knob]:
    for node, pages in sorted(host.target.huge_pages.items()):
        if node in (host.topology.node_cpus or {0: frozenset()}):
            pool = _pool(host, node, size_kb)
            free = host.read(f"{pool}/free_hugepages")
            why = f"{free.value} are free" if free.ok else ""
            yield Knob(
                f"{pool}/nr_hugepages",
                lambda found, pages=pages: found >= pages,  # type: ignore[misc]
                pages,
                f"at least {pages} of {size_kb} kB",
                ABSENT,
                why,
                f"node {node}",
            )


def inspect(host: Host) -> Iterable[Finding]:
    """Every node has as many pages as the host file wants; without any, what there is."""
    size_kb = _size_kb(host)
    if not size_kb:
        if host.live:
            yield not_applicable(ABSENT, paths=("/proc/meminfo",))
        else:
            yield unknown("/proc/meminfo: not in this capture", paths=("/proc/meminfo",))
        return
    if not host.target.huge_pages:
        yield from _reported(host, size_kb)
        return
    nodes = host.topology.node_cpus or {0: frozenset()}
    for node, pages in sorted(host.target.huge_pages.items()):
        if node not in nodes:
            yield Finding(
                Conformity.DEVIATES,
                f"node {node}",
                expected=f"at least {pages} of {size_kb} kB",
                reason=f"the host has no such node, it has {format_list(nodes)}",
                paths=(f"{NODE}/online",),
            )
    for knob in _knobs(host, size_kb):
        yield look(host, knob)


def _reported(host: Host, size_kb: int) -> Iterable[Finding]:
    reason = "none are wanted (huge_pages in the host file)"
    for node in sorted(host.topology.node_cpus) or [0]:
        pool = _pool(host, node, size_kb)
        total, free = host.read(f"{pool}/nr_hugepages"), host.read(f"{pool}/free_hugepages")
        if not total.ok:
            text = "not in this capture" if not host.live else total.why_not
            yield unknown(f"{pool}: {text}", f"node {node}", paths=(total.path,))
            continue
        yield Finding(
            Conformity.REPORT,
            f"node {node}",
            f"{total.value} of {size_kb} kB, {free.value or 'nobody knows how many'} free",
            total.value,
            "",
            reason,
            (total.path, free.path),
        )


def steps(host: Host) -> Iterable[Step]:
    """Ask each node for what it lacks; memory that is already in pieces may not yield it all."""
    size_kb = _size_kb(host)
    return changes("huge-pages", host, _knobs(host, size_kb)) if size_kb else ()


SETTINGS = (
    Setting(
        id="huge-pages",
        group="memory",
        title="huge pages set aside",
        when=When.RUNTIME,
        what="How many pages of the default huge size each NUMA node keeps for those who ask.",
        why="A page of 2 MiB takes one entry of the TLB where 512 of 4 KiB would be needed, and is "
        "never swapped. Pages that were not set aside early may not be found later.",
        see="cat /sys/devices/system/node/node*/hugepages/*/nr_hugepages",
        set="write the number to the node's nr_hugepages, early, or boot with hugepages=NODE:COUNT",
        undo="write the old number back; pages in use stay until they are given back",
        sources=(
            "Documentation/admin-guide/mm/hugetlbpage.rst",
            "Documentation/admin-guide/kernel-parameters.txt: hugepages=",
        ),
        inspect=inspect,
        steps=steps,
    ),
)
