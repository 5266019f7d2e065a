"""Memory: transparent huge pages and the like, which stall whoever touches memory."""

from collections.abc import Iterable

from host_tuning.change import Change
from host_tuning.findings import judged, unread, write_command
from host_tuning.host import Host
from host_tuning.setting import Setting, Step, When
from host_tuning.verdict import Conformity, Cost, Finding

THP = "/sys/kernel/mm/transparent_hugepage"
THP_WANTED = {"enabled": ("madvise", "never"), "defrag": ("madvise", "never", "defer+madvise")}


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
        yield judged(
            word in wanted,
            reading,
            expected,
            parsed=word,
            fix=(write_command("madvise", path),),
            undo=(write_command(word, path),),
        )


def steps_thp(host: Host) -> Iterable[Step]:
    """Choose `madvise` where something else is chosen."""
    for finding in inspect_thp(host):
        if finding.conformity is Conformity.DEVIATES:
            yield Change("thp", "bracket", finding.paths[0], "madvise")


SETTINGS = (
    Setting(
        id="thp",
        group="memory",
        title="transparent huge pages",
        when=When.RUNTIME,
        what="Whether the kernel backs memory with huge pages by itself, and compacts for them.",
        why="A page fault that compacts memory stalls its thread for milliseconds or longer.",
        see=f"cat {THP}/enabled {THP}/defrag",
        set=f"echo madvise | sudo tee {THP}/enabled {THP}/defrag",
        undo="write the word back that stood in brackets",
        sources=("Documentation/admin-guide/mm/transhuge.rst",),
        inspect=inspect_thp,
        steps=steps_thp,
        cost=Cost(),
    ),
)
