"""Settings: what the kernel does now and then on every CPU, and how it schedules."""

from collections.abc import Iterable

from host_tuning.checking.boot_lists import REBOOT, add_command, next_boot_path, remove_command
from host_tuning.checking.findings import judged, numbers, unread, write_command
from host_tuning.checking.hot_cpus import keepers, none_configured
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import BootArgument, Change
from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.common.verdict import Conformity, Cost, Finding, Json
from host_tuning.facts.tree import Reading
from host_tuning.target.host import Host

GROUP = "kernel"
SYSCTL = "/proc/sys/kernel"
NMI = f"{SYSCTL}/nmi_watchdog"
WATCHDOG = f"{SYSCTL}/watchdog"
WATCHDOG_MASK = f"{SYSCTL}/watchdog_cpumask"
MIGRATION = f"{SYSCTL}/timer_migration"
RT_RUNTIME = f"{SYSCTL}/sched_rt_runtime_us"
RT_PERIOD = f"{SYSCTL}/sched_rt_period_us"
STAT_INTERVAL = "/proc/sys/vm/stat_interval"
STAT_SECONDS = 10
NO_DETECTOR = "the kernel is built without lock-up detectors"


def _plain(host: Host, path: str, wanted: str, absent: str, reason: str = "") -> Finding:
    reading = host.read(path)
    if not reading.ok:
        return unread(host, reading, wanted, absent)
    conforms = reading.value == wanted
    return judged(
        conforms,
        reading,
        wanted,
        reason="" if conforms else reason,
        fix=(write_command(wanted, path),),
        undo=(write_command(reading.value, path),),
    )


def inspect_watchdogs(host: Host) -> Iterable[Finding]:
    """The NMI watchdog is off; the other is off, or does not watch hot CPUs."""
    reason = "a performance counter interrupts every CPU, and one counter is taken"
    yield _plain(host, NMI, "0", NO_DETECTOR, reason)
    watchdog = host.read(WATCHDOG)
    if not watchdog.ok:
        yield unread(host, watchdog, "0, or no hot CPU watched", NO_DETECTOR)
        return
    if watchdog.value == "0":
        yield judged(True, watchdog, "0, or no hot CPU watched")
        return
    if not host.hot:
        yield none_configured("no hot CPU in watchdog_cpumask")
        return
    mask = host.read(WATCHDOG_MASK)
    if not mask.ok and not mask.missing:
        yield unread(host, mask, "no hot CPU", "")
        return
    # Before 4.1 there is no mask: all CPUs are watched.
    watched = parse_list(mask.value, WATCHDOG_MASK) if mask.ok else host.topology.online
    on_hot = watched & host.target.hot
    new = format_list(keepers(host))
    yield judged(
        not on_hot,
        mask if mask.ok else watchdog,
        f"no hot CPU, such as {new}",
        parsed=numbers(watched),
        reason=f"a timer runs on hot CPU {format_list(on_hot)}" if on_hot else "",
        fix=(write_command(new, WATCHDOG_MASK) if mask.ok else write_command("0", WATCHDOG),),
        undo=(
            write_command(mask.value, WATCHDOG_MASK) if mask.ok else write_command("1", WATCHDOG),
        ),
    )


def steps_watchdogs(host: Host) -> Iterable[Step]:
    """Switch the NMI watchdog off, and leave the other to the keepers."""
    for finding in inspect_watchdogs(host):
        if finding.conformity is not Conformity.DEVIATES:
            continue
        path = finding.paths[0]
        if path == WATCHDOG_MASK:
            yield Change("watchdogs", "cpulist", path, format_list(keepers(host)))
        else:
            yield Change("watchdogs", "file", path, "0")


def inspect_timers(host: Host) -> Iterable[Finding]:
    """Timers stay on the CPU that set them, and the ticks of the CPUs are spread."""
    reason = "timers of other CPUs may be moved to one that looks busy, such as a spinning one"
    yield _plain(host, MIGRATION, "0", "the kernel does not migrate timers", reason)
    cmdline = host.read("/proc/cmdline")
    if not cmdline.ok:
        yield unread(host, cmdline, "skew_tick=1", "")
        return
    set_now = host.boot.last("skew_tick") == "1"
    next_boot = next_boot_path(host, lambda line: line.last("skew_tick") == "1")
    conformity = Conformity.NEXT_BOOT if next_boot else Conformity.DEVIATES
    value = host.boot.last("skew_tick")
    why = "all CPUs tick at the same moment and wait for the same locks"
    if next_boot:
        why = f"skew_tick=1 is set in {next_boot} for the next boot"
    yield Finding(
        Conformity.CONFORMS if set_now else conformity,
        actual=f"skew_tick={value}" if value is not None else "no skew_tick",
        parsed=value,
        expected="skew_tick=1",
        reason="" if set_now else why,
        paths=(cmdline.path,),
        fix=() if set_now else (REBOOT if next_boot else add_command(host, "skew_tick=1"),),
        undo=() if set_now else (remove_command(host, "skew_tick"),),
    )


def steps_timers(host: Host) -> Iterable[Step]:
    """The sysctl at once, the argument for the next boot."""
    for finding in inspect_timers(host):
        if finding.conformity is not Conformity.DEVIATES:
            continue
        if finding.paths[0] == MIGRATION:
            yield Change("timers", "file", MIGRATION, "0")
        else:
            yield BootArgument("timers", "skew_tick", "1")


def _rt_cost(host: Host, runtime: Reading) -> Cost:
    period = host.read(RT_PERIOD)
    if not (period.ok and period.value.isdigit() and runtime.value.isdigit()):
        return Cost()
    stolen_ns = (int(period.value) - int(runtime.value)) * 1000
    citation = f"{RT_PERIOD} less {RT_RUNTIME}: what a spinning SCHED_FIFO thread loses each period"
    return Cost("sysfs", stolen_ns, "ns", citation)


def inspect_throttle(host: Host) -> Iterable[Finding]:
    """Real-time throttling: reported, and judged where the site says what it wants.

    Only a SCHED_FIFO thread that never sleeps is throttled, and without throttling it starves
    whatever else must run on its CPU.
    """
    wanted = host.target.word("rt-throttle", "want", "", ("", "on", "off"))
    reading = host.read(RT_RUNTIME)
    expected = {"": "-1 only where a SCHED_FIFO stage spins", "off": "-1", "on": "950000"}[wanted]
    if not reading.ok:
        yield unread(host, reading, expected, "the kernel throttles no real-time tasks")
        return
    cost = _rt_cost(host, reading)
    state = "off" if reading.value == "-1" else "on"
    if not wanted:
        reason = f"throttling is {state}"
        yield Finding(
            Conformity.REPORT, "host", reading.value, state, expected, reason, (RT_RUNTIME,), cost
        )
        return
    yield judged(
        state == wanted,
        reading,
        expected,
        parsed=state,
        cost=cost,
        fix=(write_command(expected, RT_RUNTIME),),
        undo=(write_command(reading.value, RT_RUNTIME),),
    )


def steps_throttle(host: Host) -> Iterable[Step]:
    """As the site wants it; nothing where it did not say."""
    for finding in inspect_throttle(host):
        if finding.conformity is Conformity.DEVIATES:
            yield Change("rt-throttle", "file", RT_RUNTIME, finding.expected)


def inspect_preemption(host: Host) -> Iterable[Finding]:
    """Which model of preemption the kernel runs: reported."""
    realtime = host.read("/sys/kernel/realtime")
    debug = host.read("/sys/kernel/debug/sched/preempt")
    version = host.read("/proc/version")
    expected = "reported only: what matters is that nothing else runs on the hot CPUs"
    words = [word for word in version.text.split() if word.startswith("PREEMPT")]
    chosen = debug.value.partition("(")[2].partition(")")[0]
    argument = host.boot.last("preempt")
    parsed: dict[str, Json] = {
        "built": words[0] if words else "",
        "realtime": realtime.value == "1",
        "chosen": chosen,
        "argument": argument,
    }
    if not version.ok and not realtime.ok and not debug.ok:
        yield unread(host, version, expected, "the kernel does not tell its version")
        return
    shown = [words[0] if words else "not PREEMPT"]
    if realtime.value == "1" and "PREEMPT_RT" not in shown:
        shown.append("PREEMPT_RT")
    shown += [f"chosen {chosen}"] if chosen else []
    shown += [f"preempt={argument}"] if argument else []
    yield Finding(
        Conformity.REPORT,
        actual=", ".join(shown),
        parsed=parsed,
        expected=expected,
        reason="" if chosen or debug.missing else debug.why_not,
        paths=(version.path, realtime.path, debug.path, host.boot.path),
    )


def inspect_vmstat(host: Host) -> Iterable[Finding]:
    """How often each CPU folds its counters of virtual memory into the global ones."""
    seconds = host.target.option("vmstat", "seconds", STAT_SECONDS)
    reading = host.read(STAT_INTERVAL)
    expected = f"at least {seconds}"
    if not reading.ok:
        yield unread(host, reading, expected, "the kernel folds no counters (not SMP)")
        return
    yield judged(
        int(reading.value) >= seconds,
        reading,
        expected,
        parsed=int(reading.value),
        reason="" if int(reading.value) >= seconds else "a worker runs on each CPU that often (s)",
        fix=(write_command(str(seconds), STAT_INTERVAL),),
        undo=(write_command(reading.value, STAT_INTERVAL),),
    )


def steps_vmstat(host: Host) -> Iterable[Step]:
    """Fold them less often."""
    seconds = host.target.option("vmstat", "seconds", STAT_SECONDS)
    for finding in inspect_vmstat(host):
        if finding.conformity is Conformity.DEVIATES:
            yield Change("vmstat", "file", STAT_INTERVAL, str(seconds))


SETTINGS = (
    Setting(
        id="watchdogs",
        group=GROUP,
        title="lock-up watchdogs",
        when=When.RUNTIME,
        what="Whether the kernel's detectors of lock-ups run on hot CPUs.",
        why="Each runs a timer, and the hard one a counter that interrupts as an NMI.",
        see=f"grep . {NMI} {WATCHDOG} {WATCHDOG_MASK}",
        set=f"echo 0 | sudo tee {NMI}; echo KEEPERS | sudo tee {WATCHDOG_MASK}",
        undo="write the old values to the same files",
        sources=("Documentation/admin-guide/lockup-watchdogs.rst",),
        inspect=inspect_watchdogs,
        steps=steps_watchdogs,
    ),
    Setting(
        id="timers",
        group=GROUP,
        title="timers and ticks",
        when=When.RUNTIME,
        what="Whether timers move between CPUs, and whether all CPUs tick at once.",
        why="A foreign timer is a foreign interrupt; ticks in step contend for the same locks.",
        see=f"cat {MIGRATION} /proc/cmdline",
        set=f"echo 0 | sudo tee {MIGRATION}; boot skew_tick=1",
        undo=f"echo 1 | sudo tee {MIGRATION}; remove the argument",
        sources=(
            "Documentation/admin-guide/sysctl/kernel.rst (timer_migration)",
            "Documentation/admin-guide/kernel-parameters.txt (skew_tick)",
        ),
        inspect=inspect_timers,
        steps=steps_timers,
    ),
    Setting(
        id="rt-throttle",
        group=GROUP,
        title="real-time throttling",
        when=When.RUNTIME,
        what="How much of each period real-time threads may run.",
        why="It stops a spinning SCHED_FIFO stage; without it such a stage can hang its CPU.",
        see=f"cat {RT_RUNTIME} {RT_PERIOD}",
        set=f"echo -1 | sudo tee {RT_RUNTIME}, and overrides.rt-throttle.want: off",
        undo=f"echo 950000 | sudo tee {RT_RUNTIME}",
        sources=("Documentation/scheduler/sched-rt-group.rst",),
        inspect=inspect_throttle,
        steps=steps_throttle,
    ),
    Setting(
        id="preemption",
        group=GROUP,
        title="preemption model",
        when=When.REPORT,
        what="Where the kernel lets a task be preempted.",
        why="It decides how soon a woken thread runs, not how a spinning one does.",
        see="uname -v; sudo cat /sys/kernel/debug/sched/preempt",
        set="boot preempt=none|voluntary|full|lazy (PREEMPT_DYNAMIC), or another kernel",
        undo="remove the argument",
        sources=("Documentation/admin-guide/kernel-parameters.txt (preempt)",),
        inspect=inspect_preemption,
    ),
    Setting(
        id="vmstat",
        group=GROUP,
        title="counters of virtual memory",
        when=When.RUNTIME,
        what="How often each CPU folds its counters of virtual memory.",
        why="A worker (vmstat_update) runs on every CPU that has something to fold.",
        see=f"cat {STAT_INTERVAL}",
        set=f"echo {STAT_SECONDS} | sudo tee {STAT_INTERVAL}",
        undo=f"echo 1 | sudo tee {STAT_INTERVAL}",
        sources=("Documentation/admin-guide/sysctl/vm.rst (stat_interval)",),
        inspect=inspect_vmstat,
        steps=steps_vmstat,
    ),
)
