"""Settings: where time comes from, what asking for it costs, and whether it is right."""

import errno
import time
from collections.abc import Iterable

from host_tuning.checking.findings import judged, not_applicable, unknown, unread, write_command
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.verdict import Conformity, Cost, Finding, Json
from host_tuning.target.host import Host

GROUP = "clock"
SOURCES = "/sys/devices/system/clocksource/clocksource0"
CURRENT = f"{SOURCES}/current_clocksource"
# The sources that the vDSO reads without entering the kernel, the preferred ones of each
# architecture first: arch/*/include/asm/vdso and drivers/clocksource.
BEST = ("tsc", "arch_sys_counter", "riscv_clocksource", "timebase", "tod", "stp")
VDSO = (*BEST, "kvm-clock", "hyperv_clocksource_tsc_page")
DAEMONS = ("chronyd", "ntpd", "ptp4l", "phc2sys", "systemd-timesyn", "timebeat")
READS = 500


def _read_cost(host: Host) -> Cost:
    """What one clock_gettime() takes here, in the best of four short loops."""
    if not host.live:
        return Cost()
    read, best_ns = time.clock_gettime_ns, 1 << 62
    for _ in range(4):
        started_ns = time.perf_counter_ns()
        for _ in range(READS):
            read(time.CLOCK_MONOTONIC)
        best_ns = min(best_ns, time.perf_counter_ns() - started_ns)
    citation = "one clock_gettime() called from Python, the interpreter's share included"
    return Cost("measured", best_ns // READS, "ns", citation)


def inspect_clocksource(host: Host) -> Iterable[Finding]:
    """Whether the vDSO can read the current source, and whether a better one is there."""
    reading = host.read(CURRENT)
    offered = host.read(f"{SOURCES}/available_clocksource").value.split()
    best = next((name for name in BEST if name in offered), "")
    expected = best or "a source that the vDSO reads"
    if not reading.ok:
        yield unread(host, reading, expected, "the kernel has a single source of time")
        return
    current = reading.value
    conforms = current in VDSO
    reason = "each reading of the clock is a system call"
    if not best and not conforms:
        reason += (
            ": the kernel trusts no source that the vDSO reads, as firmware or host offers none"
        )
    if conforms:
        reason = f"{best} is there and preferred" if best and current not in BEST else ""
    yield judged(
        conforms,
        reading,
        expected,
        parsed={"current": current, "available": list[Json](offered)},
        reason=reason,
        cost=_read_cost(host),
        fix=(write_command(best, CURRENT),) if best else (),
        undo=(write_command(current, CURRENT),) if best else (),
    )


def steps_clocksource(host: Host) -> Iterable[Step]:
    """Choose the best source that the kernel offers, where the current one needs system calls."""
    for finding in inspect_clocksource(host):
        if finding.conformity is Conformity.DEVIATES and finding.fix:
            yield Change("clocksource", "file", CURRENT, finding.expected)


def inspect_sync(host: Host) -> Iterable[Finding]:
    """Whether the kernel takes its clock for synchronised, and which interfaces can stamp."""
    expected = "synchronised"
    daemons = sorted({task.name for task in host.tasks if task.name in DAEMONS})
    running = ", ".join(daemons) or "no daemon seen"
    if host.live:
        yield _kernel_says(expected, running)
    else:
        yield unknown("adjtimex(2): not in this capture", expected=expected, actual=running)
    for name in host.target.interfaces:
        base = f"/sys/class/net/{name}/device"
        clocks = [one for one in host.tree.names(f"{base}/ptp") if one.startswith("ptp")]
        path = f"{base}/ptp"
        if clocks:
            actual = ", ".join(clocks)
            yield Finding(Conformity.REPORT, name, actual, actual, "a PTP clock", paths=(path,))
        elif not host.live and not host.tree.names(base):
            yield unknown(f"{path}: not in this capture", name, expected="a PTP clock")
        else:
            reason = "the interface has no PTP clock: wire timestamps are the kernel's"
            yield not_applicable(reason, name, expected="a PTP clock", paths=(path,))


def _kernel_says(expected: str, running: str) -> Finding:
    from host_tuning.facts import kernel_clock  # needs ctypes, which captures do without

    try:
        synchronised, error_us = kernel_clock.ask()
    except OSError as problem:
        name = errno.errorcode.get(problem.errno or 0, "?")
        reason = f"adjtimex(2): {name} ({problem.strerror})"
        return unknown(reason, expected=expected, actual=running)
    state = "synchronised" if synchronised else "not synchronised"
    return Finding(
        Conformity.CONFORMS if synchronised else Conformity.DEVIATES,
        "host",
        f"{state}, error up to {error_us} us; {running}",
        {"synchronised": synchronised, "error_us": error_us, "daemon": running},
        expected,
        "" if synchronised else "timestamps of this host compare with no other host's",
        ("adjtimex(2)",),
        fix=() if synchronised else ("sudo systemctl enable --now chrony",),
    )


SETTINGS = (
    Setting(
        id="clocksource",
        group=GROUP,
        title="clock source",
        when=When.RUNTIME,
        what="Which counter the kernel reads time from, and what one reading costs here.",
        why="Without a counter that the vDSO can read, each timestamp is a system call.",
        see=f"cat {SOURCES}/{{current,available}}_clocksource",
        set=f"echo tsc | sudo tee {CURRENT}; boot tsc=reliable or tsc=nowatchdog if it is trusted",
        undo="write the old name to the same file",
        sources=(
            "Documentation/timers/timekeeping.rst",
            "Documentation/admin-guide/kernel-parameters.txt (clocksource, tsc)",
            "vdso(7)",
        ),
        inspect=inspect_clocksource,
        steps=steps_clocksource,
    ),
    Setting(
        id="clock-sync",
        group=GROUP,
        title="synchronised clock",
        when=When.RUNTIME,
        what="Whether the kernel takes its clock for synchronised, and which NIC has a PTP clock.",
        why="Wire timestamps and journals of several hosts only compare when their clocks agree.",
        see="timedatectl; chronyc tracking; adjtimex --print",
        set="sudo systemctl enable --now chrony, or ptp4l and phc2sys",
        undo="sudo systemctl disable --now chrony",
        sources=("adjtimex(2)", "Documentation/driver-api/ptp.rst"),
        inspect=inspect_sync,
    ),
)
