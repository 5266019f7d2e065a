"""Memory that moves by itself: huge pages made on the fly, compaction, merging, policies."""

from collections.abc import Iterable

from host_tuning.checking.findings import judged, unknown, unread, write_command
from host_tuning.checking.knob import Knob, changes, exactly, look
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.facts.tree import Reading
from host_tuning.target.host import Host

THP = "/sys/kernel/mm/transparent_hugepage"
KSM = "/sys/kernel/mm/ksm"
VM = "/proc/sys/vm"

# `defer` wakes the kernel's own threads and lets the fault go on: only `always` makes it wait.
THP_WANTED = {
    "enabled": ("madvise", "never"),
    "defrag": ("madvise", "never", "defer", "defer+madvise"),
}
THP_WHY = {
    "enabled": "every large mapping is backed by huge pages, asked for or not: a fault may have to "
    "find and clear 512 pages, and khugepaged moves memory about to join what is mapped",
    "defrag": "a fault that finds no huge page compacts and reclaims memory before it returns",
}
KHUGEPAGED = {
    "0": "khugepaged joins only where a huge page is free",
    "1": "khugepaged compacts memory in the background, for mappings that `enabled` allows",
}
NO_COMPACTION = "the kernel was built without compaction"
COMPACTION = (
    exactly(
        f"{VM}/compaction_proactiveness",
        0,
        "the kernel has no proactive compaction (it came with Linux 5.9)",
        "kcompactd moves pages in the background",
    ),
    exactly(
        f"{VM}/compact_unevictable_allowed",
        0,
        NO_COMPACTION,
        "compaction moves locked pages, and their owner faults",
    ),
)
ZONE_RECLAIM = exactly(
    f"{VM}/zone_reclaim_mode",
    0,
    "the kernel was built without NUMA",
    "an allocation reclaims its own node's pages before it asks another node",
)
REPORTED = ("overcommit_memory", "overcommit_ratio", "max_map_count", "min_free_kbytes")


def bracketed(text: str) -> str:
    """The chosen word of `always [madvise] never`; empty if none is."""
    return text.partition("[")[2].partition("]")[0]


def inspect_thp(host: Host) -> Iterable[Finding]:
    """`enabled` and `defrag` must not make the kernel compact memory under a hot thread."""
    for name, wanted in THP_WANTED.items():
        path = f"{THP}/{name}"
        reading = host.read(path)
        expected = " or ".join(wanted)
        if not reading.ok:
            yield unread(host, reading, expected, "the kernel has no transparent huge pages")
            continue
        word = bracketed(reading.value)
        if not word:
            reason = f"{path}: found {reading.value!r}, expected one word in brackets"
            yield unknown(reason, expected=expected, actual=reading.value, paths=(path,))
            continue
        yield judged(
            word in wanted,
            reading,
            expected,
            parsed=word,
            reason="" if word in wanted else THP_WHY[name],
            fix=(write_command("madvise", path),),
            undo=(write_command(word, path),),
        )
    background = host.read(f"{THP}/khugepaged/defrag")
    if background.ok:
        yield _reported(background, KHUGEPAGED.get(background.value, ""))


def steps_thp(host: Host) -> Iterable[Step]:
    """Choose `madvise` where something else is chosen."""
    for finding in inspect_thp(host):
        if finding.conformity is Conformity.DEVIATES:
            yield Change("thp", "bracket", finding.paths[0], "madvise")


def _reported(reading: Reading, reason: str = "") -> Finding:
    return Finding(
        Conformity.REPORT,
        actual=reading.value,
        parsed=reading.value,
        reason=reason,
        paths=(reading.path,),
    )


def inspect_compaction(host: Host) -> Iterable[Finding]:
    """Nothing compacts in the background, and locked pages stay where they are."""
    return [look(host, knob) for knob in COMPACTION]


def steps_compaction(host: Host) -> Iterable[Step]:
    """Turn both off."""
    return changes("compaction", host, COMPACTION)


def _ksm(host: Host) -> Knob:
    shared = host.read(f"{KSM}/pages_shared").value
    absent = "the kernel was built without same-page merging"
    if shared.isdigit() and int(shared) > 0:
        return Knob(
            f"{KSM}/run",
            lambda found: found == 2,
            2,
            "2 (pages that were merged are still shared)",
            absent,
            f"{shared} pages are shared: a write to one of them causes a fault and a copy",
        )
    return Knob(f"{KSM}/run", lambda found: found in (0, 2), 0, "0 or 2", absent)


def inspect_ksm(host: Host) -> Iterable[Finding]:
    """Nothing merges pages, and none are left merged."""
    return [look(host, _ksm(host))]


def steps_ksm(host: Host) -> Iterable[Step]:
    """Stop it; take the merged pages apart where there are some."""
    return changes("ksm", host, [_ksm(host)])


def inspect_policy(host: Host) -> Iterable[Finding]:
    """Zone reclaim is off; overcommit, the limit of mappings and the reserve are reported."""
    yield look(host, ZONE_RECLAIM)
    for name in REPORTED:
        reading = host.read(f"{VM}/{name}")
        if reading.ok:
            yield _reported(reading)


def steps_policy(host: Host) -> Iterable[Step]:
    """Turn zone reclaim off."""
    return changes("vm-policy", host, [ZONE_RECLAIM])


SETTINGS = (
    Setting(
        id="thp",
        group="memory",
        title="transparent huge pages",
        when=When.RUNTIME,
        what="Whether the kernel backs memory with huge pages by itself, and compacts for them.",
        why="A page fault that compacts memory stalls its thread until enough pages were moved.",
        see=f"cat {THP}/enabled {THP}/defrag {THP}/khugepaged/defrag",
        set=f"echo madvise | sudo tee {THP}/enabled {THP}/defrag",
        undo="write back the word that stood in brackets",
        sources=("Documentation/admin-guide/mm/transhuge.rst",),
        inspect=inspect_thp,
        steps=steps_thp,
    ),
    Setting(
        id="compaction",
        group="memory",
        title="memory compaction",
        when=When.RUNTIME,
        what="Whether the kernel moves pages about in the background to make room for large ones.",
        why="Moving a page takes it away from its owner for a moment: the next access faults and "
        "waits. Locked pages are moved as well, unless compact_unevictable_allowed is 0.",
        see=f"cat {VM}/compaction_proactiveness {VM}/compact_unevictable_allowed",
        set="sudo sysctl vm.compaction_proactiveness=0 vm.compact_unevictable_allowed=0",
        undo="write the old numbers back (kernels start with 20 and 1)",
        sources=("Documentation/admin-guide/sysctl/vm.rst",),
        inspect=inspect_compaction,
        steps=steps_compaction,
    ),
    Setting(
        id="ksm",
        group="memory",
        title="same-page merging",
        when=When.RUNTIME,
        what="Whether ksmd looks for pages with the same content and merges them.",
        why="It scans memory on some CPU. A write to a merged page causes a fault and a copy.",
        see=f"cat {KSM}/run {KSM}/pages_shared",
        set=f"echo 2 | sudo tee {KSM}/run (0 stops it, 2 also takes merged pages apart)",
        undo=f"echo 1 | sudo tee {KSM}/run",
        sources=("Documentation/admin-guide/mm/ksm.rst",),
        inspect=inspect_ksm,
        steps=steps_ksm,
    ),
    Setting(
        id="vm-policy",
        group="memory",
        title="reclaim and overcommit",
        when=When.RUNTIME,
        what="Zone reclaim, and what the kernel promises to programs that ask for memory.",
        why="With zone reclaim an allocation frees pages of its own node, by writing them out if "
        "need be, while another node has free ones. The rest is reported, not judged.",
        see=f"cat {VM}/zone_reclaim_mode {VM}/overcommit_memory {VM}/max_map_count",
        set="sudo sysctl vm.zone_reclaim_mode=0",
        undo="write the old number back",
        sources=("Documentation/admin-guide/sysctl/vm.rst",),
        inspect=inspect_policy,
        steps=steps_policy,
    ),
)
