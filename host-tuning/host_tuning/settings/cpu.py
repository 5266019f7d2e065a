"""Settings: what else the processor does: mitigations, machine checks, shared cache."""

import os
import time
from collections.abc import Iterable

from host_tuning.checking.findings import judged, not_applicable, unknown, unread, write_command
from host_tuning.checking.hot_cpus import CPU, none_configured, subject
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.cpulist import parse_list
from host_tuning.common.verdict import Conformity, Cost, Finding, Json
from host_tuning.target.host import Host

GROUP = "cpu"
VULNERABILITIES = f"{CPU}/vulnerabilities"
MACHINE_CHECK = "/sys/devices/system/machinecheck"
RESCTRL = "/sys/fs/resctrl"
SYSCALLS = 2000


def _syscall_cost(host: Host) -> Cost:
    """What one getppid() takes here, in the best of five short loops; the host's own figure."""
    if not host.live:
        return Cost()
    call, best_ns = os.getppid, 1 << 62
    for _ in range(5):
        started_ns = time.perf_counter_ns()
        for _ in range(SYSCALLS // 5):
            call()
        best_ns = min(best_ns, time.perf_counter_ns() - started_ns)
    citation = "one getppid() called from Python, the interpreter's share included"
    return Cost("measured", best_ns // (SYSCALLS // 5), "ns", citation)


def inspect_mitigations(host: Host) -> Iterable[Finding]:
    """What the kernel does about the processor's vulnerabilities: reported, never judged."""
    names = host.tree.names(VULNERABILITIES)
    argument = host.boot.last("mitigations")
    expected = "reported only: to lower them is a decision about trust, not about speed"
    if not names:
        absent = "the kernel tells no vulnerabilities (before 4.15, or not this architecture)"
        yield unread(host, host.read(f"{VULNERABILITIES}/meltdown"), expected, absent)
        return
    found: dict[str, Json] = {}
    for name in names:
        reading = host.read(f"{VULNERABILITIES}/{name}")
        if reading.ok:
            found[name] = reading.value
        else:
            yield unknown(reading.why_not, expected=expected, paths=(reading.path,))
    active = [name for name, text in found.items() if str(text).startswith("Mitigation")]
    exposed = [name for name, text in found.items() if str(text).startswith("Vulnerable")]
    words = [f"mitigations={argument}" if argument else "mitigations by default"]
    words.append(f"active: {', '.join(active) or 'none'}")
    words.append(f"vulnerable: {', '.join(exposed) or 'none'}")
    yield Finding(
        Conformity.REPORT,
        actual="; ".join(words),
        parsed=found,
        expected=expected,
        reason="a guest shows its own part only" if host.identity.machine == "vm" else "",
        paths=(*(f"{VULNERABILITIES}/{name}" for name in found), host.boot.path),
        cost=_syscall_cost(host),
    )


def inspect_machine_check(host: Host) -> Iterable[Finding]:
    """Whether the kernel polls a hot CPU's banks for corrected errors."""
    expected = "check_interval 0 or ignore_ce 1"
    if not host.hot:
        yield none_configured(expected)
    for cpu in host.hot:
        base = f"{MACHINE_CHECK}/machinecheck{cpu}"
        ignore, interval = host.read(f"{base}/ignore_ce"), host.read(f"{base}/check_interval")
        if not interval.ok and ignore.value != "1":
            absent = "the kernel polls no machine-check banks here"
            yield unread(host, interval, expected, absent, subject(cpu))
            continue
        off = ignore.value == "1" or interval.value == "0"
        yield Finding(
            Conformity.CONFORMS if off else Conformity.DEVIATES,
            subject(cpu),
            f"check_interval {interval.value}, ignore_ce {ignore.value or 'unread'}",
            {"check_interval": interval.value, "ignore_ce": ignore.value},
            expected,
            "" if off else "a timer reads the banks of this CPU",
            (interval.path, ignore.path),
            fix=() if off else (write_command("0", interval.path),),
            undo=() if off else (write_command(interval.value, interval.path),),
        )


def steps_machine_check(host: Host) -> Iterable[Step]:
    """Stop the polling. All CPUs share one check_interval, so that one write is enough."""
    for finding in inspect_machine_check(host):
        if finding.conformity is Conformity.DEVIATES:
            yield Change("machine-check", "file", finding.paths[0], "0")
            return


def _groups(host: Host) -> list[str]:
    """The directories of the control groups, the default one first."""
    own = ("info", "mon_groups", "mon_data")
    names = [name for name in host.tree.names(RESCTRL) if name not in own]
    inner = [f"{RESCTRL}/{name}" for name in names]
    return [RESCTRL, *(path for path in inner if host.tree.exists(f"{path}/schemata"))]


def _ways(text: str) -> dict[int, int]:
    """Cache id -> mask of ways, from the line `L3:0=ff;1=0f`."""
    for line in text.splitlines():
        kind, _, rest = line.strip().partition(":")
        if kind == "L3":
            pairs = (part.split("=") for part in rest.split(";"))
            return {int(cache): int(mask, 16) for cache, mask in pairs}
    return {}


def _cache_of(host: Host, cpu: int) -> int | None:
    base = f"{CPU}/cpu{cpu}/cache"
    for name in host.tree.names(base):
        identity = host.read(f"{base}/{name}/id").value
        if host.read(f"{base}/{name}/level").value == "3" and identity.isdigit():
            return int(identity)
    return None


def inspect_llc(host: Host) -> Iterable[Finding]:
    """Whether the ways of the last-level cache that a hot CPU may fill are its own."""
    expected = "ways of the last-level cache that no other group may fill"
    if not host.hot:
        yield none_configured(expected)
        return
    cpuinfo = host.read("/proc/cpuinfo")
    schemata = host.read(f"{RESCTRL}/schemata")
    if not cpuinfo.ok:
        yield unread(host, cpuinfo, expected, "")
        return
    offered = " cat_l3" in cpuinfo.text or schemata.ok
    if not offered:
        yield not_applicable(
            "the processor offers no allocation of its cache (no cat_l3)",
            expected=expected,
            paths=(cpuinfo.path, schemata.path),
        )
        return
    if not schemata.ok and not (schemata.missing and host.tree.exists(RESCTRL)):
        absent = "the kernel is built without CONFIG_X86_CPU_RESCTRL"
        failed = host.read(RESCTRL) if schemata.missing else schemata
        yield unread(host, failed, expected, absent)
        return
    if not schemata.ok:
        yield Finding(
            Conformity.DEVIATES,
            expected=expected,
            reason="resctrl is not mounted: every CPU may fill the whole cache",
            paths=(cpuinfo.path, schemata.path),
            fix=(f"sudo mount -t resctrl resctrl {RESCTRL}",),
            undo=(f"sudo umount {RESCTRL}",),
        )
        return
    yield from _judge_ways(host, expected)


def _judge_ways(host: Host, expected: str) -> Iterable[Finding]:
    groups = _groups(host)
    members = {path: parse_list(host.read(f"{path}/cpus_list").value) for path in groups}
    ways = {path: _ways(host.read(f"{path}/schemata").text) for path in groups}
    for cpu in host.hot:
        group = next((path for path in groups if cpu in members[path]), RESCTRL)
        cache = _cache_of(host, cpu)
        path = f"{group}/schemata"
        if cache is None or cache not in ways[group]:
            reason = "the group's schemata name no cache of this CPU"
            yield unknown(reason, subject(cpu), expected=expected, paths=(path,))
            continue
        mine = ways[group][cache]
        shared = [
            other.rpartition("/")[2] if other != RESCTRL else "the default group"
            for other in groups
            if other != group and ways[other].get(cache, 0) & mine
        ]
        lonely = group != RESCTRL and members[group] <= host.target.hot
        reason = f"shared with {', '.join(shared)}" if shared else ""
        if not lonely:
            reason = "its group is not one of hot CPUs only"
        reading = host.read(path)
        yield judged(
            lonely and not shared,
            reading,
            expected,
            subject=subject(cpu),
            parsed=f"{mine:x}",
            reason=reason,
        )


SETTINGS = (
    Setting(
        id="mitigations",
        group=GROUP,
        title="mitigations",
        when=When.REPORT,
        what="What the kernel does about the processor's known vulnerabilities.",
        why="Some cost time at each entry into the kernel; a spinning stage rarely enters it.",
        see=f"grep . {VULNERABILITIES}/*",
        set="nothing here does: lowering them (mitigations=off) gives up isolation of processes",
        undo="remove the argument",
        sources=("Documentation/admin-guide/hw-vuln/index.rst",),
        inspect=inspect_mitigations,
    ),
    Setting(
        id="machine-check",
        group=GROUP,
        title="machine-check polling",
        when=When.RUNTIME,
        what="Whether a timer looks for corrected errors on each CPU, every five minutes.",
        why="It runs on the hot CPU and reads one bank register after another.",
        see=f"grep . {MACHINE_CHECK}/machinecheck*/{{check_interval,ignore_ce}}",
        set=f"echo 0 | sudo tee {MACHINE_CHECK}/machinecheck0/check_interval",
        undo="write the old interval to the same file",
        sources=("Documentation/ABI/testing/sysfs-mce",),
        inspect=inspect_machine_check,
        steps=steps_machine_check,
    ),
    Setting(
        id="llc",
        group=GROUP,
        title="last-level cache",
        when=When.RUNTIME,
        what="Whether hot CPUs have ways of the last-level cache to themselves.",
        why="What other cores load evicts the lines of a hot one.",
        see=f"cat {RESCTRL}/schemata {RESCTRL}/*/schemata {RESCTRL}/*/cpus_list",
        set=f"mount resctrl, make a group, write cpus_list and schemata (see {RESCTRL}/info)",
        undo="remove the group's directory, unmount resctrl",
        sources=("Documentation/filesystems/resctrl.rst",),
        inspect=inspect_llc,
    ),
)
