"""Pages that leave memory: swapping, and dirty pages written back."""

from collections.abc import Iterable

from host_tuning.checking.findings import judged, not_applicable, unread, write_command
from host_tuning.checking.hot_cpus import keepers, none_configured
from host_tuning.checking.knob import Knob, changes, look
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list, format_mask, parse_mask
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.target.host import Host

SWAPS = "/proc/swaps"
ZSWAP = "/sys/module/zswap/parameters/enabled"
VM = "/proc/sys/vm"
MASK = "/sys/devices/virtual/workqueue/writeback/cpumask"
SWAPPINESS_MAX = 10
DIRTY_MAX = {"dirty_ratio": 10, "dirty_background_ratio": 3}
NO_SWAP = "the host has no swap"
AREAS = ("none", "allowed")


def _areas(text: str) -> list[str]:
    """The files and devices in /proc/swaps, behind its heading."""
    return [line.split()[0] for line in text.splitlines()[1:] if line.split()]


def _swappiness(host: Host) -> Knob:
    highest = host.target.option("swap", "swappiness_max", SWAPPINESS_MAX)
    return Knob(
        f"{VM}/swappiness",
        lambda found: found <= highest,
        highest,
        f"at most {highest}",
        "the kernel was built without swapping",
        "the kernel swaps memory out while it could drop file pages",
    )


def inspect_swap(host: Host) -> Iterable[Finding]:
    """No swap; where the site allows it, little inclination to use it and no compression."""
    allowed = host.target.word("swap", "areas", "none", AREAS) == "allowed"
    reading = host.read(SWAPS)
    if not reading.ok:
        yield unread(host, reading, "no swap", "the kernel was built without swapping")
        return
    areas = _areas(reading.text)
    if not areas:
        yield Finding(Conformity.CONFORMS, "host", "none", [], "no swap", "", (SWAPS,))
        yield not_applicable(NO_SWAP, paths=(f"{VM}/swappiness",))
        yield not_applicable(NO_SWAP, paths=(ZSWAP,))
        return
    if allowed:
        yield Finding(
            Conformity.REPORT,
            actual=" ".join(areas),
            parsed=[*areas],
            reason="the site allows swap: hot processes must lock their memory (VmLck, VmSwap 0)",
            paths=(SWAPS,),
        )
    else:
        yield Finding(
            Conformity.DEVIATES,
            actual=" ".join(areas),
            parsed=[*areas],
            expected="no swap",
            paths=(SWAPS,),
            fix=("sudo swapoff -a",),
            undo=("sudo swapon -a",),
        )
    yield look(host, _swappiness(host))
    yield _zswap(host)


def _zswap(host: Host) -> Finding:
    reading = host.read(ZSWAP)
    if not reading.ok:
        return unread(host, reading, "N", "the kernel has no compressed swap cache")
    return judged(
        reading.value in ("N", "0"),
        reading,
        "N",
        reason="" if reading.value in ("N", "0") else "whoever reclaims memory compresses pages",
        fix=(write_command("N", ZSWAP),),
        undo=(write_command(reading.value, ZSWAP),),
    )


def steps_swap(host: Host) -> Iterable[Step]:
    """Lower swappiness and stop zswap where there is swap. Swap itself is the operator's to end."""
    swaps = host.read(SWAPS)
    if not swaps.ok or not _areas(swaps.text):
        return
    yield from changes("swap", host, [_swappiness(host)])
    if _zswap(host).conformity is Conformity.DEVIATES:
        yield Change("swap", "file", ZSWAP, "N")


def _dirty(host: Host) -> Iterable[Knob]:
    for name, default in DIRTY_MAX.items():
        twin = host.read(f"{VM}/{name.replace('ratio', 'bytes')}").value
        if twin.isdigit() and int(twin) > 0:
            continue  # bytes were set instead, and the ratio reads 0
        highest = host.target.option("writeback", f"{name}_max", default)
        yield Knob(
            f"{VM}/{name}",
            lambda found, highest=highest: found <= highest,  # type: ignore[misc]
            highest,
            f"at most {highest}",
            "the kernel has no such sysctl",
            "much is written at once, late",
        )


def inspect_writeback(host: Host) -> Iterable[Finding]:
    """Little is dirty at a time, and who writes it keeps off the hot CPUs."""
    for knob in _dirty(host):
        yield look(host, knob)
    for name in DIRTY_MAX:
        reading = host.read(f"{VM}/{name.replace('ratio', 'bytes')}")
        if reading.value.isdigit() and int(reading.value) > 0:
            yield Finding(
                Conformity.REPORT,
                actual=reading.value,
                parsed=int(reading.value),
                reason="bytes were set instead of a ratio",
                paths=(reading.path,),
            )
    yield _mask(host)


def _mask(host: Host) -> Finding:
    if not host.hot:
        return none_configured("no hot CPU in the mask")
    reading = host.read(MASK)
    expected = f"none of {format_list(host.hot)}"
    if not reading.ok:
        return unread(host, reading, expected, "the kernel does not show the workqueue's mask")
    cpus = parse_mask(reading.value, MASK)
    both = cpus & host.target.hot
    return judged(
        not both,
        reading,
        expected,
        parsed=format_list(cpus),
        reason=f"flushers may run on CPU {format_list(both)}" if both else "",
        fix=(write_command(format_mask(keepers(host)), MASK),),
        undo=(write_command(reading.value, MASK),),
    )


def steps_writeback(host: Host) -> Iterable[Step]:
    """Lower the ratios, and let flushers run where the house is kept."""
    yield from changes("writeback", host, _dirty(host))
    if _mask(host).conformity is Conformity.DEVIATES:
        yield Change("writeback", "cpumask", MASK, format_mask(keepers(host)))


SETTINGS = (
    Setting(
        id="swap",
        group="memory",
        title="swap",
        when=When.RUNTIME,
        what="Whether memory can be swapped out, and how readily. Site options: areas "
        "(none, allowed), swappiness_max.",
        why="Touching a page that was swapped out waits for the device that holds it.",
        see=f"cat {SWAPS} {VM}/swappiness {ZSWAP}; grep -E 'VmSwap|VmLck' /proc/PID/status",
        set=f"sudo swapoff -a; sudo sysctl vm.swappiness={SWAPPINESS_MAX}",
        undo="sudo swapon -a; write the old numbers back",
        sources=(
            "Documentation/admin-guide/sysctl/vm.rst",
            "Documentation/admin-guide/mm/zswap.rst",
            "TuneD's profile latency-performance: vm.swappiness=10",
        ),
        inspect=inspect_swap,
        steps=steps_swap,
    ),
    Setting(
        id="writeback",
        group="memory",
        title="writeback of dirty pages",
        when=When.RUNTIME,
        what="How much may wait to be written to disk, and on which CPUs flushers run. Site "
        "options: dirty_ratio_max, dirty_background_ratio_max.",
        why="At dirty_ratio the writing thread itself writes out pages and waits for the disk; a "
        "flusher on a hot CPU takes its time.",
        see=f"cat {VM}/dirty_ratio {VM}/dirty_background_ratio {MASK}",
        set="sudo sysctl vm.dirty_ratio=10 vm.dirty_background_ratio=3; write the mask of the "
        f"housekeeping CPUs to {MASK}",
        undo="write the old numbers and the old mask back",
        sources=(
            "Documentation/admin-guide/sysctl/vm.rst",
            "Documentation/core-api/workqueue.rst: affinity",
            "TuneD's profile latency-performance: vm.dirty_ratio=10, vm.dirty_background_ratio=3",
        ),
        inspect=inspect_writeback,
        steps=steps_writeback,
    ),
)
