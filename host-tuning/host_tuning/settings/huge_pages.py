"""Huge pages that were set aside, node by node."""

from collections.abc import Iterable
from dataclasses import replace

from host_tuning.checking.findings import not_applicable, unknown
from host_tuning.checking.knob import Knob, changes, look
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.cpulist import format_list
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.common.words import counted
from host_tuning.facts.topology import NODE
from host_tuning.target.host import Host

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
            yield Knob(
                f"{_pool(host, node, size_kb)}/nr_hugepages",
                lambda found, pages=pages: found >= pages,  # type: ignore[misc]
                pages,
                f"at least {pages} of {size_kb} kB",
                ABSENT,
                "",
                f"node {node}",
            )


def _held_kb(host: Host) -> int:
    """How much of huge pages the venue's processes have mapped; shared ones count for each."""
    total = 0
    for task in host.tasks:
        if task.kernel or "/task/" in task.directory or not task.of_venue(host.tree):
            continue
        for line in host.read(f"{task.directory}/status").text.splitlines():
            words = line.split()
            if words[:1] == ["HugetlbPages:"] and len(words) == 3 and words[1].isdigit():
                total += int(words[1])
    return total


def _with_free(host: Host, found: Finding, pages: int, size_kb: int) -> Finding:
    """The finding of a pool that is large enough, by how many of its pages are free.

    Fewer than are wanted is right while the venue has the others: a report, as this cannot tell for
    good which pages of which node it has. Whoever else has them keeps them from the venue.
    """
    free = host.read(found.paths[0].replace("nr_hugepages", "free_hugepages"))
    expected = f"{found.expected}, free or the venue's"
    paths = (*found.paths, free.path)
    if not free.value.isdigit():
        reason = f"{free.path}: not in this capture" if not host.live else free.why_not
        if free.ok:
            reason = f"{free.path}: found {free.value!r}, expected a whole number"
        return unknown(reason, found.subject, expected=expected, actual=found.actual, paths=paths)
    actual = f"{found.actual}, {free.value} free"
    found = replace(found, actual=actual, expected=expected, paths=paths)
    missing = pages - int(free.value)
    if missing <= 0:
        return found
    held_kb = _held_kb(host)
    if held_kb >= missing * size_kb:
        reason = f"the venue's processes have {held_kb} kB of huge pages mapped"
        return replace(found, conformity=Conformity.REPORT, reason=reason)
    lacking = counted(missing, "page")
    reason = f"others use them, the venue's processes {held_kb} kB: it will lack {lacking}"
    fix = ("end who holds them: grep -H HugetlbPages /proc/[0-9]*/status; or ask for more pages",)
    return replace(found, conformity=Conformity.DEVIATES, reason=reason, fix=fix)


def inspect(host: Host) -> Iterable[Finding]:
    """Every node has as many pages as the host file wants, free or the venue's; without any, what
    there is."""
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
        found = look(host, knob)
        if found.conformity is Conformity.CONFORMS:
            found = _with_free(host, found, knob.new, size_kb)
        yield found


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
    """Ask each node for what it lacks; memory that is already in pieces may not yield it all.

    For pages that others use nothing is written: to ask for more each time would never end.
    """
    size_kb = _size_kb(host)
    return changes("huge-pages", host, _knobs(host, size_kb)) if size_kb else ()


SETTINGS = (
    Setting(
        id="huge-pages",
        group="memory",
        title="huge pages set aside",
        when=When.RUNTIME,
        what="How many pages of the default huge size each NUMA node keeps for programs.",
        why="A page of 2 MiB takes one entry of the TLB where 512 of 4 KiB would be needed, and is "
        "never swapped. Pages that were not set aside early may not be found later.",
        see="cat /sys/devices/system/node/node*/hugepages/*/{nr,free}_hugepages",
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
