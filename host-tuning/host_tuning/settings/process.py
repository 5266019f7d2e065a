"""Settings: what the process that asks, and so what it starts, is allowed: time, CPUs, limits."""

from collections.abc import Iterable

from host_tuning.checking.findings import not_applicable, numbers, unknown, unread, write_command
from host_tuning.checking.hot_cpus import none_configured, subject
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.common.verdict import Conformity, Cost, Finding
from host_tuning.common.words import counted
from host_tuning.facts.tree import Reading
from host_tuning.target.cgroups import isolated_partitions, mount_of, own_path, upward
from host_tuning.target.host import Host

GROUP = "process"
NOFILE = 4096
CAP_IPC_LOCK, CAP_SYS_NICE = 14, 23  # include/uapi/linux/capability.h
LIMITS = "/proc/self/limits"


def _quota(reading: Reading, version: int, period: Reading | None) -> tuple[int | None, int]:
    """Quota and period in microseconds of one group; None for no quota."""
    words = reading.value.split()
    if version == 1:
        quota = int(words[0])
        known = period is not None and period.ok
        return (None if quota < 0 else quota), int(period.value) if period and known else 0
    return (None if words[0] == "max" else int(words[0])), int(words[1])


def _throttled(host: Host, mount: str, own: str) -> tuple[int, list[str]]:
    """In how many periods the group and those above it were throttled, and the files that said so.

    Each group counts its own quota's periods only.
    """
    times, paths = 0, []
    for reading in upward(host, mount, own, "cpu.stat"):
        for line in reading.text.splitlines():
            name, _, value = line.partition(" ")
            if name == "nr_throttled":
                times += int(value)
                paths.append(reading.path)
    return times, paths


def inspect_quota(host: Host) -> Iterable[Finding]:
    """The quotas of this process's group and of those above it, and what they have cost.

    A quota deviates, of whichever group. That a group was throttled without one now is reported.
    """
    expected = "no quota, of this group and of those above it"
    version, mount = mount_of(host, "cpu")
    if not version:
        mounts = host.read("/proc/mounts")
        if mounts.ok:
            reason = "no hierarchy of control groups limits CPU time here"
            yield not_applicable(reason, expected=expected, paths=(mounts.path,))
        else:
            yield unread(host, mounts, expected, "the kernel is built without control groups")
        return
    own = own_path(host, version, "cpu")
    name = "cpu.max" if version == 2 else "cpu.cfs_quota_us"
    readings = list(upward(host, mount, own, name))
    broken = next((one for one in readings if not one.ok), None)
    if broken is not None:
        yield unread(host, broken, expected, "")
        return
    if not host.live and not host.tree.names(mount):
        yield unknown(f"{mount}: not in this capture", expected=expected, paths=(mount,))
        return
    times, stats = _throttled(host, mount, own)
    quotas = []
    for reading in readings:
        period = host.read(reading.path.replace("quota", "period")) if version == 1 else None
        quota_us, period_us = _quota(reading, version, period)
        if quota_us is not None:
            quotas.append((reading, quota_us, period_us))
    paths = (*(reading.path for reading in readings), *stats)
    text = "; ".join(f"{reading.path}: {reading.value}" for reading, _, _ in quotas)
    actual = f"{text or 'no quota'}; throttled in {counted(times, 'period')}"
    reason = "a group that used its quota up stands still until the period ends"
    if not quotas and times:
        reason = "it was throttled before, and has no quota now"
    new = [_unlimited(version, period_us) for _, _, period_us in quotas]
    stalls_ns = [(period - quota) * 1000 for _, quota, period in quotas if quota < period]
    cost = Cost()
    if stalls_ns:
        cost = Cost("sysfs", max(stalls_ns), "ns", "period less quota: for one thread that spins")
    yield Finding(
        Conformity.DEVIATES if quotas else Conformity.REPORT if times else Conformity.CONFORMS,
        "host",
        actual,
        {"quotas_us": [quota for _, quota, _ in quotas], "throttled": times},
        expected,
        reason if quotas or times else "",
        paths or (mount,),
        cost,
        tuple(
            write_command(f"'{value}'", one[0].path) for value, one in zip(new, quotas, strict=True)
        ),
        tuple(write_command(f"'{reading.value}'", reading.path) for reading, _, _ in quotas),
    )


def _unlimited(version: int, period_us: int) -> str:
    return f"max {period_us}" if version == 2 else "-1"


def steps_quota(host: Host) -> Iterable[Step]:
    """Lift the quota of each group that has one."""
    version, mount = mount_of(host, "cpu")
    if not version:
        return
    name = "cpu.max" if version == 2 else "cpu.cfs_quota_us"
    for reading in upward(host, mount, own_path(host, version, "cpu"), name):
        if reading.ok:
            quota_us, period_us = _quota(reading, version, None)
            if quota_us is not None:
                yield Change("cpu-quota", "file", reading.path, _unlimited(version, period_us))


def _effective(host: Host) -> tuple[frozenset[int], Reading, str]:
    """The CPUs that this process may be given, the reading that said so, and a version's mount."""
    version, mount = mount_of(host, "cpuset")
    names = {1: ("cpuset.effective_cpus", "cpuset.cpus"), 2: ("cpuset.cpus.effective",)}
    for name in names.get(version, ()):
        for reading in upward(host, mount, own_path(host, version, "cpuset"), name):
            if reading.ok:
                return parse_list(reading.value, reading.path), reading, mount * (version == 2)
    status = host.read("/proc/self/status")
    for line in status.text.splitlines():
        if line.startswith("Cpus_allowed_list:"):
            value = line.partition(":")[2]
            return parse_list(value, status.path), Reading(status.path, value, 0), ""
    return frozenset(), status, ""


def inspect_cpuset(host: Host) -> Iterable[Finding]:
    """Whether each hot CPU can be had by what is started from here, or is in a partition."""
    expected = "in the cpuset of this process, or in an isolated partition"
    if not host.hot:
        yield none_configured(expected)
        return
    cpus, reading, unified = _effective(host)
    apart = isolated_partitions(host, unified)[0] if unified else frozenset[int]()
    for cpu in host.hot:
        if not reading.ok:
            yield unread(host, reading, expected, "", subject(cpu))
            continue
        reason = ""
        if cpu in apart:
            reason = "in an isolated partition: the venue must be started in its group"
        elif cpu not in cpus:
            reason = "sched_setaffinity() to this CPU fails with EINVAL"
        yield Finding(
            Conformity.CONFORMS if cpu in cpus | apart else Conformity.DEVIATES,
            subject(cpu),
            format_list(cpus),
            numbers(cpus),
            expected,
            reason,
            (reading.path,),
            fix=()
            if cpu in cpus | apart
            else ("widen AllowedCPUs= or --cpuset-cpus of the group",),
        )


def _limits(text: str) -> dict[str, tuple[str, str]]:
    """Name -> soft and hard limit; the columns of /proc/PID/limits have fixed widths."""
    lines = text.splitlines()
    return {
        line[:26].strip(): (line[26:47].strip(), line[47:68].strip())
        for line in lines[1:]
        if len(line) > 47
    }


def _capabilities(host: Host) -> int:
    for line in host.read("/proc/self/status").text.splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _at_least(text: str, least: int | None) -> bool:
    """Whether a limit suffices; None asks for unlimited."""
    return text == "unlimited" or (least is not None and text.isdigit() and int(text) >= least)


def inspect_limits(host: Host) -> Iterable[Finding]:
    """Locked memory, real-time priority and descriptors of the process that asks.

    A capability lifts a limit: CAP_IPC_LOCK that of locked memory, CAP_SYS_NICE that of priority
    (getrlimit(2), capabilities(7)). The venue has what its own unit or login gives it.
    """
    reading = host.read(LIMITS)
    nofile = host.target.option("limits", "nofile", NOFILE)
    rows: tuple[tuple[str, int | None, int, str, str], ...] = (
        ("Max locked memory", None, CAP_IPC_LOCK, "LimitMEMLOCK=infinity", "CAP_IPC_LOCK"),
        ("Max realtime priority", 1, CAP_SYS_NICE, "LimitRTPRIO=99", "CAP_SYS_NICE"),
        ("Max open files", nofile, 0, f"LimitNOFILE={nofile}", ""),
    )
    if not reading.ok:
        yield unread(host, reading, "enough for mlockall() and SCHED_FIFO", "no limits")
        return
    limits, capabilities = _limits(reading.text), _capabilities(host)
    for name, least, bit, unit, capability in rows:
        soft, hard = limits.get(name, ("", ""))
        expected = f"{name}: {'unlimited' if least is None else f'at least {least}'}"
        if not soft:
            yield unknown(f"{LIMITS}: no line {name!r}", expected=expected, paths=(LIMITS,))
            continue
        lifted = bool(capability) and bool(capabilities >> bit & 1)
        enough = _at_least(soft, least)
        reason = f"{capability} lifts it for this process; a service needs {unit}"
        if not lifted:
            reason = f"the hard limit is {hard}" if hard != soft else ""
        yield Finding(
            Conformity.CONFORMS if enough or lifted else Conformity.DEVIATES,
            "host",
            f"{name}: {soft}",
            soft,
            expected,
            "" if enough else reason,
            (LIMITS, "/proc/self/status"),
            fix=() if enough or lifted else (f"{unit} in the unit, or /etc/security/limits.d",),
        )


SETTINGS = (
    Setting(
        id="cpu-quota",
        group=GROUP,
        title="CPU quota",
        when=When.RUNTIME,
        what="Whether a control group above this process has a quota of CPU time.",
        why="A spinning stage uses its quota up, and stands still for the rest of each period.",
        see="cat /sys/fs/cgroup/GROUP/{cpu.max,cpu.stat}",
        set="echo 'max 100000' | sudo tee /sys/fs/cgroup/GROUP/cpu.max; docker without --cpus",
        undo="write the old quota to the same file",
        sources=(
            "Documentation/admin-guide/cgroup-v2.rst (cpu.max)",
            "Documentation/scheduler/sched-bwc.rst",
        ),
        inspect=inspect_quota,
        steps=steps_quota,
    ),
    Setting(
        id="cpuset",
        group=GROUP,
        title="cpuset",
        when=When.PLACEMENT,
        what="Whether what is started from here may run on each hot CPU.",
        why="A stage that cannot be pinned to its CPU does not start.",
        see="cat /sys/fs/cgroup/GROUP/cpuset.cpus.effective; taskset -pc $$",
        set="AllowedCPUs= of the unit or slice; docker --cpuset-cpus",
        undo="restore the old list",
        sources=("Documentation/admin-guide/cgroup-v2.rst (cpuset)", "cpuset(7)"),
        inspect=inspect_cpuset,
    ),
    Setting(
        id="limits",
        group=GROUP,
        title="limits and capabilities",
        when=When.PLACEMENT,
        what="Whether this process may lock memory, use real-time priority, open enough files.",
        why="Without them mlockall() and SCHED_FIFO are refused when the venue starts.",
        see=f"cat {LIMITS}; grep CapEff /proc/self/status",
        set="LimitMEMLOCK=, LimitRTPRIO=, LimitNOFILE= of the unit; /etc/security/limits.d",
        undo="restore the unit or the file",
        sources=("getrlimit(2)", "capabilities(7)", "systemd.exec(5)"),
        inspect=inspect_limits,
    ),
)
