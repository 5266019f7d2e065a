"""Settings: clock frequency: governor, energy preference, turbo."""

from collections.abc import Iterable

from host_tuning.checking.findings import judged, not_applicable, unknown, unread, write_command
from host_tuning.checking.hot_cpus import CPU, none_configured, subject
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.target.host import Host

PERFORMANCE = "performance"
NO_CPUFREQ = "no cpufreq here: hypervisor or firmware sets the frequency"
MIN_PERF = f"{CPU}/intel_pstate/min_perf_pct"


def policy(host: Host, cpu: int) -> str:
    """The directory of the CPU's frequency policy, which several CPUs may share."""
    name = host.tree.link(f"{CPU}/cpu{cpu}/cpufreq")
    return f"{CPU}/cpufreq/{name}" if name else f"{CPU}/cpu{cpu}/cpufreq"


def writes(setting: str, findings: Iterable[Finding], new: str) -> Iterable[Step]:
    """One write for each file that deviates, though several CPUs may share it."""
    seen: set[str] = set()
    for finding in findings:
        if finding.conformity is Conformity.DEVIATES and finding.fix:
            path = finding.paths[0]
            if path not in seen:
                seen.add(path)
                yield Change(setting, "file", path, new, finding.subject)


def inspect_governor(host: Host) -> Iterable[Finding]:
    """The governor of each hot CPU."""
    if not host.hot:
        yield none_configured(PERFORMANCE)
    for cpu in host.hot:
        path = f"{policy(host, cpu)}/scaling_governor"
        reading = host.read(path)
        if not reading.ok:
            yield unread(host, reading, PERFORMANCE, NO_CPUFREQ, subject(cpu))
            continue
        offered = host.read(f"{policy(host, cpu)}/scaling_available_governors")
        possible = not offered.ok or PERFORMANCE in offered.value.split()
        yield judged(
            reading.value == PERFORMANCE,
            reading,
            PERFORMANCE,
            subject=subject(cpu),
            reason="" if possible else f"the kernel only offers {offered.value}",
            fix=(write_command(PERFORMANCE, path),) if possible else (),
            undo=(write_command(reading.value, path),) if possible else (),
        )


def steps_governor(host: Host) -> Iterable[Step]:
    """Choose `performance` in each policy that has a hot CPU."""
    return writes("governor", inspect_governor(host), PERFORMANCE)


def inspect_preference(host: Host) -> Iterable[Finding]:
    """EPP and EPB of each hot CPU, and the floor of intel_pstate."""
    if not host.hot:
        yield none_configured(PERFORMANCE)
        return
    for cpu in host.hot:
        epp = host.read(f"{policy(host, cpu)}/energy_performance_preference")
        epb = host.read(f"{CPU}/cpu{cpu}/power/energy_perf_bias")
        if not epp.ok and not epb.ok:
            hidden = next((one for one in (epp, epb) if not one.missing), epp)
            reason = "the CPU has no energy preference that the kernel could set"
            yield unread(host, hidden, PERFORMANCE, reason, subject(cpu))
        for reading, best in ((epp, (PERFORMANCE, "0")), (epb, ("0", PERFORMANCE))):
            if reading.ok:
                yield judged(
                    reading.value in best,
                    reading,
                    best[0],
                    subject=subject(cpu),
                    fix=(write_command(best[0], reading.path),),
                    undo=(write_command(reading.value, reading.path),),
                )
            elif not reading.missing and (epp.ok or epb.ok):
                yield unread(host, reading, best[0], "", subject(cpu))
    yield from _floor(host)


def _floor(host: Host) -> Iterable[Finding]:
    """min_perf_pct, which only matters where a hot CPU's policy is not `performance`.

    The driver takes the maximum as minimum for that policy (intel_pstate_hwp_set() and
    intel_pstate_update_perf_limits() in drivers/cpufreq/intel_pstate.c).
    """
    reading = host.read(MIN_PERF)
    if not reading.ok:
        if not reading.missing:
            yield unread(host, reading, "100", "")
        return
    governors = [host.read(f"{policy(host, cpu)}/scaling_governor").value for cpu in host.hot]
    status = host.read(f"{CPU}/intel_pstate/status").value
    overruled = status == "active" and all(name == PERFORMANCE for name in governors)
    reason = "the performance policy of intel_pstate raises the floor to the maximum by itself"
    yield judged(
        reading.value == "100" or overruled,
        reading,
        "100",
        reason=reason if overruled and reading.value != "100" else "",
        fix=(write_command("100", MIN_PERF),),
        undo=(write_command(reading.value, MIN_PERF),),
    )


def steps_preference(host: Host) -> Iterable[Step]:
    """Prefer performance where something else is preferred."""
    for finding in inspect_preference(host):
        yield from writes("energy-preference", [finding], finding.expected)


def _turbo_files(host: Host) -> list[tuple[str, str]]:
    """The files that switch turbo, each with the text that means on."""
    files = [(f"{CPU}/intel_pstate/no_turbo", "0"), (f"{CPU}/cpufreq/boost", "1")]
    for directory in dict.fromkeys(policy(host, cpu) for cpu in host.hot):
        files.append((f"{directory}/boost", "1"))
    return files


def inspect_turbo(host: Host) -> Iterable[Finding]:
    """Whether turbo is on: reported, and judged where the site says what it wants."""
    wanted = host.target.word("turbo", "want", "", ("", "on", "off"))
    expected = wanted or "a choice of the site: on for speed, off for constancy"
    found = False
    for path, on in _turbo_files(host):
        reading = host.read(path)
        if reading.missing:
            continue
        found = True
        if not reading.ok:
            yield unread(host, reading, expected, "")
            continue
        state = "on" if reading.value == on else "off"
        if not wanted:
            reason = f"turbo is {state}"
            yield Finding(
                Conformity.REPORT, "host", reading.value, state, expected, reason, (path,)
            )
            continue
        new = on if wanted == "on" else str(1 - int(on))
        yield judged(
            state == wanted,
            reading,
            expected,
            parsed=state,
            reason=f"turbo is {state}",
            fix=(write_command(new, path),),
            undo=(write_command(reading.value, path),),
        )
    if not found:
        paths = tuple(path for path, _ in _turbo_files(host))
        captured = any(host.tree.names(path.rpartition("/")[0]) for path in paths)
        if host.live or captured:
            reason = "no file switches turbo here: hypervisor or firmware decides"
            yield not_applicable(reason, expected=expected, paths=paths)
        else:
            reason = f"{paths[-1]}: not in this capture"
            yield unknown(reason, expected=expected, paths=paths)


def steps_turbo(host: Host) -> Iterable[Step]:
    """Switch turbo as the site wants it; nothing where it did not say."""
    wanted = host.target.word("turbo", "want", "", ("", "on", "off"))
    for finding in inspect_turbo(host):
        on = dict(_turbo_files(host)).get(finding.paths[0], "1")
        yield from writes("turbo", [finding], on if wanted == "on" else str(1 - int(on)))


GROUP = "idle and frequency"
SETTINGS = (
    Setting(
        id="governor",
        group=GROUP,
        title="frequency governor",
        when=When.RUNTIME,
        what="Which governor chooses the clock frequency of a hot CPU.",
        why="Any other than `performance` lowers the clock of a quiet CPU and raises it too late.",
        see=f"grep . {CPU}/cpu*/cpufreq/scaling_governor",
        set=f"echo performance | sudo tee {CPU}/cpuN/cpufreq/scaling_governor",
        undo="write the old governor's name to the same file",
        sources=("Documentation/admin-guide/pm/cpufreq.rst",),
        inspect=inspect_governor,
        steps=steps_governor,
    ),
    Setting(
        id="energy-preference",
        group=GROUP,
        title="energy preference (EPP, EPB)",
        when=When.RUNTIME,
        what="What the processor prefers where it chooses the frequency by itself.",
        why="With hardware P-states the governor is a hint; the preference decides the ramp.",
        see=f"grep . {CPU}/cpu*/cpufreq/energy_performance_preference {MIN_PERF}",
        set=f"echo performance | sudo tee {CPU}/cpuN/cpufreq/energy_performance_preference",
        undo="write the old preference to the same file",
        sources=(
            "Documentation/admin-guide/pm/intel_pstate.rst",
            "Documentation/admin-guide/pm/intel_epb.rst",
        ),
        inspect=inspect_preference,
        steps=steps_preference,
    ),
    Setting(
        id="turbo",
        group=GROUP,
        title="turbo",
        when=When.RUNTIME,
        what="Whether the processor may run above its base frequency.",
        why="On is faster; off is constant. A step of the clock stops the core for a moment.",
        see=f"cat {CPU}/intel_pstate/no_turbo {CPU}/cpufreq/boost",
        set=f"echo 1 | sudo tee {CPU}/intel_pstate/no_turbo (off), {CPU}/cpufreq/boost (on)",
        undo="write the old value to the same file",
        sources=(
            "Documentation/admin-guide/pm/intel_pstate.rst",
            "Documentation/admin-guide/pm/cpufreq.rst (boost)",
        ),
        inspect=inspect_turbo,
        steps=steps_turbo,
    ),
)
