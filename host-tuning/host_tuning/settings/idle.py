"""Settings: idle states, judged by the exit latency of what is enabled."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from host_tuning.checking.boot_lists import next_boot_path
from host_tuning.checking.findings import not_applicable, unknown, unread, write_command
from host_tuning.checking.hot_cpus import CPU, none_configured, subject
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import BootArgument, Change
from host_tuning.common.verdict import Conformity, Cost, Finding
from host_tuning.facts.cmdline import BootLine
from host_tuning.facts.tree import Reading
from host_tuning.target.host import Host

DMA_LATENCY = "/dev/cpu_dma_latency"
NO_LIMIT_US = 2_000_000_000  # PM_QOS_CPU_LATENCY_DEFAULT_VALUE: nobody asked for less
LATENCY_US = 2
NANOSECONDS = 1000


@dataclass(frozen=True, slots=True)
class State:
    """One idle state of one CPU. switchable: whether it has the file that disables it."""

    path: str
    name: str
    latency_us: int
    enabled: bool
    switchable: bool

    @property
    def text(self) -> str:
        """As it stands in a finding: `C6 133 us (off)`."""
        return f"{self.name} {self.latency_us} us{'' if self.enabled else ' (off)'}"


def states_of(host: Host, cpu: int) -> list[State] | Reading:
    """The idle states of a CPU in their order, or the reading that failed."""
    base = f"{CPU}/cpu{cpu}/cpuidle"
    names = [name for name in host.tree.names(base) if name.removeprefix("state").isdigit()]
    states = []
    for name in sorted(names, key=lambda text: int(text.removeprefix("state"))):
        latency = host.read(f"{base}/{name}/latency")
        disable = host.read(f"{base}/{name}/disable")
        if not latency.ok:
            return latency
        if not disable.ok and not disable.missing:
            return disable
        label = host.read(f"{base}/{name}/name").value or name
        # Kernels before 3.0 have no `disable`: what is there is on.
        enabled = not disable.ok or disable.value == "0"
        states.append(State(f"{base}/{name}", label, int(latency.value), enabled, disable.ok))
    return states


def _resume_limit(reading: Reading) -> int | None:
    """The limit of pm_qos_resume_latency_us: `n/a` allows no latency at all, 0 sets no limit."""
    if not reading.ok or reading.value == "0":
        return None
    return 0 if reading.value == "n/a" else int(reading.value)


def _held_limit(host: Host) -> int | None:
    """What those who hold /dev/cpu_dma_latency open ask for; None if nobody, or not readable."""
    data, problem = host.tree.read_at(DMA_LATENCY, 0, 4)
    if problem or len(data) != 4:
        return None
    limit_us = int.from_bytes(data, sys.byteorder, signed=True)
    return limit_us if 0 <= limit_us < NO_LIMIT_US else None


def _set_for_next_boot(host: Host, driver: str) -> str:
    argument = {"intel_idle": "intel_idle.max_cstate", "acpi_idle": "processor.max_cstate"}

    def fits(line: BootLine) -> bool:
        shallow = driver in argument and line.last(argument[driver]) == "1"
        return line.last("idle") == "poll" or shallow

    return next_boot_path(host, fits)


def _no_states(host: Host, cpu: int, driver: Reading, expected: str) -> Finding:
    directory = f"{CPU}/cpu{cpu}/cpuidle"
    if driver.value == "none" or (host.live and not driver.ok):
        reason = "the kernel runs no cpuidle driver: there is no state to disable"
        return not_applicable(
            reason, subject(cpu), expected=expected, actual=driver.value, paths=(driver.path,)
        )
    reading = host.read(f"{directory}/state0/latency")
    return unread(host, reading, expected, "the CPU has no idle states", subject(cpu))


def offending(host: Host, states: list[State], limits: list[int | None]) -> list[State]:
    """The enabled states whose exit latency is above the option, and that no limit forbids."""
    allowed_us = host.target.option("c-states", "latency_us", LATENCY_US)
    ceiling = min((limit for limit in limits if limit is not None), default=None)
    return [
        state
        for state in states
        if state.enabled
        and state.latency_us > allowed_us
        and (ceiling is None or state.latency_us <= ceiling)
    ]


def _judge(host: Host, cpu: int, driver: Reading, expected: str) -> Finding:
    states = states_of(host, cpu)
    if isinstance(states, Reading):
        return unread(host, states, expected, "the state has no exit latency", subject(cpu))
    if not states:
        return _no_states(host, cpu, driver, expected)
    qos = host.read(f"{CPU}/cpu{cpu}/power/pm_qos_resume_latency_us")
    own, held = _resume_limit(qos), _held_limit(host)
    bad = offending(host, states, [own, held])
    actual = ", ".join(state.text for state in states)
    paths = (*(f"{state.path}/latency" for state in states), driver.path, qos.path, DMA_LATENCY)
    if not bad:
        reason = ""
        if offending(host, states, []):
            reason = f"deeper states are forbidden by {qos.path.rpartition('/')[2]} ({qos.value})"
            if offending(host, states, [own]):
                reason = f"only for as long as somebody holds {DMA_LATENCY} open ({held} us)"
        return Finding(Conformity.CONFORMS, subject(cpu), actual, actual, expected, reason, paths)
    if not qos.ok and not qos.missing:
        return unknown(qos.why_not, subject(cpu), expected=expected, actual=actual, paths=paths)
    worst = max(bad, key=lambda state: state.latency_us)
    next_boot = _set_for_next_boot(host, driver.value)
    reason = f"{worst.name} is enabled and takes {worst.latency_us} us to leave"
    return Finding(
        Conformity.NEXT_BOOT if next_boot else Conformity.DEVIATES,
        subject(cpu),
        actual,
        actual,
        expected,
        f"{reason}; set in {next_boot} for the next boot" if next_boot else reason,
        paths,
        Cost("sysfs", worst.latency_us * NANOSECONDS, "ns", f"{worst.path}/latency"),
        tuple(write_command("1", f"{state.path}/disable") for state in bad if state.switchable),
        tuple(write_command("0", f"{state.path}/disable") for state in bad if state.switchable),
    )


def inspect_states(host: Host) -> Iterable[Finding]:
    """Exit latency of the enabled states of each hot CPU, and the limits that forbid some."""
    limit_us = host.target.option("c-states", "latency_us", LATENCY_US)
    expected = f"no enabled state that takes more than {limit_us} us to leave"
    if not host.hot:
        yield none_configured(expected)
        return
    if host.boot.last("idle") == "poll":
        for cpu in host.hot:
            reason = "idle=poll: the idle loop never leaves C0"
            yield Finding(
                Conformity.CONFORMS,
                subject(cpu),
                "idle=poll",
                expected=expected,
                reason=reason,
                paths=(host.boot.path,),
            )
        return
    driver = host.read(f"{CPU}/cpuidle/current_driver")
    guest = host.identity.machine == "vm" and driver.value in ("", "none", "haltpoll")
    for cpu in host.hot:
        if guest:
            reason = "the hypervisor idles the physical CPU, and its idle states are not shown here"
            yield unknown(
                reason,
                subject(cpu),
                expected=expected,
                actual=driver.value or "no cpuidle driver",
                paths=(driver.path,),
            )
        else:
            yield _judge(host, cpu, driver, expected)


def steps_states(host: Host) -> Iterable[Step]:
    """Disable what is too deep on hot CPUs; a limit, or a boot argument, where that has no file."""
    limit_us = host.target.option("c-states", "latency_us", LATENCY_US)
    arguments = False
    for finding in inspect_states(host):
        if finding.conformity is not Conformity.DEVIATES:
            continue
        cpu = int(finding.subject.removeprefix("cpu "))
        states = states_of(host, cpu)
        bad = [] if isinstance(states, Reading) else offending(host, states, [])
        for state in bad:
            if state.switchable:
                yield Change("c-states", "file", f"{state.path}/disable", "1", subject(cpu))
        if all(state.switchable for state in bad):
            continue
        qos = f"{CPU}/cpu{cpu}/power/pm_qos_resume_latency_us"
        if host.tree.exists(qos):
            yield Change(
                "c-states", "file", qos, str(limit_us) if limit_us else "n/a", subject(cpu)
            )
        else:
            arguments = True
    if arguments:
        yield BootArgument("c-states", "intel_idle.max_cstate", "1")
        yield BootArgument("c-states", "processor.max_cstate", "1")


SETTINGS = (
    Setting(
        id="c-states",
        group="idle and frequency",
        title="idle states",
        when=When.RUNTIME,
        what="Which idle states a hot CPU may enter, and how long each takes to leave.",
        why=(
            "A CPU that sleeps deeply answers late by the state's exit latency. The frequency "
            "governor does not forbid a state, and the idle driver's name says nothing of them."
        ),
        see=f"grep . {CPU}/cpu*/cpuidle/state*/{{name,latency,disable}}",
        set=f"echo 1 | sudo tee {CPU}/cpuN/cpuidle/stateM/disable, or tune-host --hold",
        undo="write 0 to the same file",
        sources=(
            "Documentation/admin-guide/pm/cpuidle.rst",
            "Documentation/ABI/testing/sysfs-devices-power (pm_qos_resume_latency_us)",
        ),
        inspect=inspect_states,
        steps=steps_states,
    ),
)
