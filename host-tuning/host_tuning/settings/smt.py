"""Settings: hardware threads that share a hot CPU's core."""

from collections.abc import Iterable

from host_tuning.checking.findings import numbers, unknown, unread, write_command
from host_tuning.checking.hot_cpus import CPU, none_configured, siblings_of_hot, subject
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change, FirmwareStep
from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.facts.tree import Reading
from host_tuning.settings.isolation import isolated_cpus
from host_tuning.target.host import Host

EXPECTED = "no sibling in use: each is offline, or isolated and no housekeeping CPU"
CONTROL = f"{CPU}/smt/control"


def _alone(host: Host, cpu: int, reading: Reading, control: Reading) -> Finding:
    """The finding for a CPU that shows no sibling: proof on bare metal, none in a guest."""
    paths = (reading.path, control.path)
    off = control.value in ("on", "off", "forceoff")
    if host.identity.machine == "bare-metal" or off:
        return Finding(Conformity.CONFORMS, subject(cpu), reading.value, [cpu], EXPECTED, "", paths)
    guest = "the guest sees one thread a core"
    if host.identity.machine != "vm":
        guest = "it is not known whether this is a guest, which may see one thread a core"
    reason = f"{guest}; the physical core may have another thread, for another guest"
    return unknown(
        reason, subject(cpu), expected=EXPECTED, actual=control.value or reading.value, paths=paths
    )


def inspect_smt(host: Host) -> Iterable[Finding]:
    """Whether a hot CPU's siblings are in use for anything."""
    if not host.hot:
        yield none_configured(EXPECTED)
        return
    control = host.read(CONTROL)
    isolated, (listed,), told_by = isolated_cpus(host)
    for cpu in host.hot:
        reading = host.read(f"{CPU}/cpu{cpu}/topology/thread_siblings_list")
        if not reading.ok:
            reason = "the kernel tells no topology for this architecture"
            yield unread(host, reading, EXPECTED, reason, subject(cpu))
            continue
        near = (parse_list(reading.value, reading.path) & host.topology.online) - {cpu}
        if not near:
            yield _alone(host, cpu, reading, control)
            continue
        hot, house = near & host.target.hot, near & host.target.housekeeping
        loose = near - hot - house - isolated
        conformity = Conformity.DEVIATES
        if hot:
            reason = "its sibling is hot as well: two stages share one core"
        elif house:
            reason = "its sibling keeps house: it takes caches and execution ports"
        elif loose and not listed.ok and not (listed.missing and host.live):
            conformity = Conformity.UNKNOWN
            reason = f"whether its sibling is isolated: {_unseen(host, listed)}"
        elif loose:
            reason = "its sibling is online and not isolated: any task may run there"
        else:
            conformity = Conformity.CONFORMS
            reason = "its sibling is isolated: no task runs there that was not placed there"
        switchable = [one for one in sorted(house | loose) if host.tree.exists(_online(one))]
        yield Finding(
            conformity,
            subject(cpu),
            f"siblings {reading.value}",
            numbers(near | {cpu}),
            EXPECTED,
            reason,
            (reading.path, control.path, *told_by),
            fix=tuple(write_command("0", _online(one)) for one in switchable),
            undo=tuple(write_command("1", _online(one)) for one in switchable),
        )


def _unseen(host: Host, reading: Reading) -> str:
    if reading.missing and not host.live:
        return f"{reading.path}: not in this capture"
    return reading.why_not


def _online(cpu: int) -> str:
    return f"{CPU}/cpu{cpu}/online"


def steps_smt(host: Host) -> Iterable[Step]:
    """Take the siblings of hot CPUs offline, one by one; never SMT as a whole.

    A sibling that is hot as well is the host file's fault, and not mended here; nor is the last
    CPU that keeps house. One that is isolated already, or may be, is left alone.
    """
    near = siblings_of_hot(host)
    house = near & host.target.housekeeping
    isolated, (listed,), _ = isolated_cpus(host)
    told = listed.ok or (listed.missing and host.live)
    loose = near - host.target.housekeeping - isolated if told else frozenset[int]()
    spared = bool(host.target.housekeeping - house)
    for cpu in sorted(house | loose if spared else loose):
        if host.tree.exists(_online(cpu)):
            yield Change("smt", "file", _online(cpu), "0", subject(cpu))
    if house and not spared:
        text = f"leave a whole core for housekeeping: CPU {format_list(house)} shares hot cores"
        yield FirmwareStep("smt", text)
    findings = inspect_smt(host)
    guest = host.identity.machine == "vm"
    if guest and any(finding.conformity is Conformity.UNKNOWN for finding in findings):
        text = "rent whole cores: one thread a core (on EC2 CpuOptions ThreadsPerCore=1) or .metal"
        yield FirmwareStep("smt", text)


SETTINGS = (
    Setting(
        id="smt",
        group="cpu",
        title="hardware threads (SMT)",
        when=When.RUNTIME,
        what="Whether the other hardware threads of a hot CPU's core work or can be given work. "
        "They cannot if they are offline, or isolated from the scheduler.",
        why="Siblings share first and second level cache, TLB and execution ports.",
        see=f"cat {CONTROL}; grep . {CPU}/cpu*/topology/thread_siblings_list",
        set=f"echo 0 | sudo tee {CPU}/cpuN/online for each sibling of a hot CPU, or boot nosmt",
        undo=f"echo 1 | sudo tee {CPU}/cpuN/online",
        sources=(
            "Documentation/admin-guide/cputopology.rst",
            "Documentation/ABI/testing/sysfs-devices-system-cpu (smt)",
        ),
        inspect=inspect_smt,
        steps=steps_smt,
    ),
)
