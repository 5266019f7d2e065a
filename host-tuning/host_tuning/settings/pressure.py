"""Settings: time that others take: stolen by the hypervisor, waited for by tasks."""

import errno
from collections.abc import Iterable

from host_tuning.checking.findings import judged, not_applicable, unknown, unread
from host_tuning.checking.hot_cpus import subject
from host_tuning.checking.setting import Setting, When
from host_tuning.common.verdict import Conformity, Cost, Finding
from host_tuning.target.host import Host

GROUP = "noise"
STAT = "/proc/stat"
STEAL = 7  # fields of a cpu line: user nice system idle iowait irq softirq steal guest guest_nice
OWN_FIELDS = 8  # guest time is part of user time already
STEAL_PPM = 100
PRESSURE_HUNDREDTHS = 100
TELLS_STEAL = ("KVM", "Xen", "PowerVM", "z/VM")


def _times(text: str) -> dict[str, tuple[int, ...]]:
    """Name -> ticks, for the lines `cpu` and `cpuN`."""
    lines = (line.split() for line in text.splitlines() if line.startswith("cpu"))
    return {words[0]: tuple(int(word) for word in words[1:]) for words in lines}


def _steal(host: Host, ticks: tuple[int, ...], about: str, limit_ppm: int) -> Finding:
    expected = f"at most {limit_ppm} ppm of the time since boot"
    if len(ticks) <= STEAL:
        reason = "the kernel counts no stolen time (before 2.6.11)"
        return not_applicable(reason, about, expected=expected, paths=(STAT,))
    total, stolen = sum(ticks[:OWN_FIELDS]), ticks[STEAL]
    ppm = stolen * 1_000_000 // total if total else 0
    identity = host.identity
    if not stolen and identity.machine == "bare-metal":
        reason = "nobody takes time from a machine of one's own"
        return not_applicable(reason, about, expected=expected, paths=(STAT,))
    if not stolen and not identity.hypervisor.startswith(TELLS_STEAL):
        reason = "no time is counted as stolen, but not every hypervisor tells (KVM and Xen do)"
        return unknown(reason, about, expected=expected, actual="0 ppm", paths=(STAT,))
    bad = ppm > limit_ppm
    return Finding(
        Conformity.DEVIATES if bad else Conformity.CONFORMS,
        about,
        f"{ppm} ppm ({stolen} ticks)",
        {"ppm": ppm, "ticks": stolen},
        expected,
        "the hypervisor ran somebody else; tune-host --jitter shows for how long" if bad else "",
        (STAT,),
        Cost("measured", ppm, "ppm", "share of the time since boot, by /proc/stat"),
        fix=("move to a dedicated host or to an instance with pinned CPUs",) if bad else (),
    )


def inspect_steal(host: Host) -> Iterable[Finding]:
    """Stolen time since boot, of each hot CPU, or of the host where none is configured.

    A tick is 10 ms, so that a difference over a check's duration would say nothing; what happens
    now is for the jitter probe.
    """
    limit_ppm = host.target.option("steal", "ppm", STEAL_PPM)
    reading = host.read(STAT)
    if not reading.ok:
        yield unread(host, reading, "no stolen time", "the kernel counts no time")
        return
    times = _times(reading.text)
    wanted = {f"cpu{cpu}": subject(cpu) for cpu in host.hot} or {"cpu": "host"}
    for name, about in wanted.items():
        if name in times:
            yield _steal(host, times[name], about, limit_ppm)
        else:
            yield unknown(f"{STAT}: no line {name}", about, paths=(STAT,))


def hundredths(text: str, key: str) -> int | None:
    """`avg60=1.25` of a line of /proc/pressure, as 125; None where it is not there."""
    for word in text.split():
        name, _, value = word.partition("=")
        whole, _, part = value.partition(".")
        if name == key and whole.isdigit():
            return int(whole) * 100 + int((part + "00")[:2])
    return None


def inspect_pressure(host: Host) -> Iterable[Finding]:
    """How much of the last minute some task waited for a CPU, for memory, for a disk."""
    limit = host.target.option("pressure", "hundredths", PRESSURE_HUNDREDTHS)
    expected = f"some avg60 at most {limit // 100}.{limit % 100:02} %"
    for resource in ("cpu", "memory", "io"):
        reading = host.read(f"/proc/pressure/{resource}")
        absent = "the kernel tells no pressure (CONFIG_PSI=n)"
        if reading.error == errno.EOPNOTSUPP:
            reason = "pressure is not accounted: boot psi=1"
            yield not_applicable(reason, expected=expected, paths=(reading.path,))
            continue
        if not reading.ok:
            yield unread(host, reading, expected, absent)
            continue
        some = reading.text.partition("\n")[0]
        found = hundredths(some, "avg60")
        if found is None:
            yield unknown(f"{reading.path}: no avg60", expected=expected, paths=(reading.path,))
            continue
        yield judged(
            found <= limit,
            reading,
            expected,
            parsed={"resource": resource, "avg60_hundredths": found},
            reason=f"tasks wait for {resource}" if found > limit else "",
        )


SETTINGS = (
    Setting(
        id="steal",
        group=GROUP,
        title="stolen time",
        when=When.REPORT,
        what="How much time the hypervisor gave to others while this guest wanted to run.",
        why="A stage whose CPU is taken away answers nothing until it is given back.",
        see="grep ^cpu /proc/stat (eighth number); tune-host --jitter",
        set="nothing inside of the guest: dedicated hosts, pinned CPUs, larger sizes, .metal",
        undo="-",
        sources=("proc_stat(5)", "Documentation/filesystems/proc.rst (1.7)"),
        inspect=inspect_steal,
    ),
    Setting(
        id="pressure",
        group=GROUP,
        title="pressure",
        when=When.REPORT,
        what="How much of the last minute tasks waited for a CPU, for memory or for a disk.",
        why="A task that waits shares a CPU, memory or a disk with others, perhaps the venue.",
        see="grep . /proc/pressure/*",
        set="stop what else runs; boot psi=1 where it is not accounted",
        undo="-",
        sources=("Documentation/accounting/psi.rst",),
        inspect=inspect_pressure,
    ),
)
