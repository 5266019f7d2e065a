"""Settings: which CPUs take the interrupts of devices."""

from collections.abc import Iterable
from dataclasses import dataclass

from host_tuning.checking.boot_lists import add_command, cpus_of, next_boot_path, remove_command
from host_tuning.checking.findings import judged, numbers, unknown, unread, write_command
from host_tuning.checking.hot_cpus import keepers, none_configured, subject
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import BootArgument, Change
from host_tuning.common.cpulist import format_list, format_mask, parse_list, parse_mask
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.common.words import counted
from host_tuning.facts.interrupt_table import InterruptTable, read_table
from host_tuning.facts.tree import Reading
from host_tuning.target.host import Host

IRQ = "/proc/irq"
DEFAULT = f"{IRQ}/default_smp_affinity"
DEBUG = "/sys/kernel/debug/irq/irqs"
EXPECTED = "no device interrupt arrives here"
SHOWN_MAX = 6
GIC_PRIVATE_MAX = 31  # Arm GIC: ids 0-15 between processors, 16-31 private to each


@dataclass(frozen=True, slots=True)
class Irq:
    """One interrupt.

    cpus: where the next one arrives. managed: the kernel refuses to have it moved. own: none but
    hot CPUs may get it.
    """

    number: int
    device: str
    cpus: frozenset[int]
    path: str
    managed: bool
    own: bool


def _device(host: Host, table: InterruptTable, number: int) -> str:
    """The name of its handler: the directory below /proc/irq/N, else the end of its row."""
    plain = ("affinity_hint", "effective_affinity", "node", "smp_affinity", "spurious")
    names = [
        name
        for name in host.tree.names(f"{IRQ}/{number}")
        if name not in plain and not name.endswith("_list")
    ]
    row = table.device(str(number)).split()
    return ",".join(names) or (row[-1] if row else "")


def _private(table: InterruptTable, number: int) -> bool:
    """Whether it belongs to each processor, as an Arm timer's: nobody can move such a one."""
    words = table.device(str(number)).split()
    return (
        len(words) > 1
        and words[0].startswith("GIC")
        and words[1].isdigit()
        and int(words[1]) <= GIC_PRIVATE_MAX
    )


def _managed(host: Host, number: int) -> bool:
    """Whether nobody may move it: its list is read-only, or debugfs says so on older kernels.

    Source: register_irq_proc() in kernel/irq/proc.c, irq_debug_show_data() in kernel/irq/debugfs.c.
    """
    path = _allowed(number)
    read_only = host.tree.exists(path) and not host.tree.settable(path)
    return read_only or "IRQD_AFFINITY_MANAGED" in host.read(f"{DEBUG}/{number}").text


def _allowed(number: int) -> str:
    return f"{IRQ}/{number}/smp_affinity_list"


def read_irqs(host: Host, table: InterruptTable) -> tuple[list[Irq], list[Reading]]:
    """The interrupts that somebody handles, and the affinities that could not be read."""
    listed = {row for row in table.rows() if row.isdigit()}
    found, failed = [], []
    for number in sorted(int(name) for name in {*listed, *host.tree.names(IRQ)} if name.isdigit()):
        device = _device(host, table, number)
        if (str(number) not in listed and not device) or _private(table, number):
            continue
        effective = host.read(f"{IRQ}/{number}/effective_affinity_list")
        allowed = host.read(_allowed(number))
        reading = effective if effective.ok and effective.value else allowed
        if reading.missing and host.live:
            continue  # freed since its name was read
        if not reading.ok:
            failed.append(reading)
            continue
        cpus = parse_list(reading.value, reading.path)
        sent = parse_list(allowed.value, allowed.path) if allowed.ok else frozenset[int]()
        if sent and not sent & cpus:
            # Without interrupt remapping, x86 moves a message-signalled interrupt when the next
            # one arrives (kernel/irq/migration.c): the effective list tells of the past.
            reading, cpus = allowed, sent
        own = allowed.ok and sent <= host.target.hot
        found.append(Irq(number, device, cpus, reading.path, _managed(host, number), own))
    return found, failed


def _on_cpu(host: Host, cpu: int, here: list[Irq], table: InterruptTable) -> Finding:
    """The finding for what arrives on a hot CPU.

    A managed interrupt that may only arrive on hot CPUs belongs to their own queue and comes for
    their own requests; one that others share is moved by isolcpus=managed_irq and by nothing else.
    """
    movable = [irq.number for irq in here if not irq.managed]
    shared = [irq.number for irq in here if irq.managed and not irq.own]
    shown = [
        f"{irq.number} {irq.device}{' (managed)' if irq.managed else ''}: "
        f"{table.count(str(irq.number), cpu)} so far"
        for irq in here
    ]
    more = f"; {len(shown) - SHOWN_MAX} more" if len(shown) > SHOWN_MAX else ""
    conformity, reason = Conformity.REPORT, "of queues that only hot CPUs use"
    if movable or shared:
        conformity, reason = Conformity.DEVIATES, "each is an entry into the kernel on the hot CPU"
    argument = f"isolcpus=managed_irq,domain,{format_list(host.hot)}"
    old = {number: host.read(_allowed(number)).value for number in movable}
    return Finding(
        conformity if here else Conformity.CONFORMS,
        subject(cpu),
        "; ".join(shown[:SHOWN_MAX]) + more if here else "none",
        numbers(irq.number for irq in here),
        EXPECTED,
        reason if here else "",
        (*(irq.path for irq in here), "/proc/interrupts"),
        fix=(
            *(write_command(_where(host, number), _allowed(number)) for number in movable),
            *((add_command(host, argument),) if shared else ()),
        ),
        undo=(
            *(write_command(text, _allowed(number)) for number, text in old.items()),
            *((remove_command(host, "isolcpus"),) if shared else ()),
        ),
    )


def inspect_affinity(host: Host) -> Iterable[Finding]:
    """The interrupts that arrive on each hot CPU, and where new ones will."""
    if not host.hot:
        yield none_configured(EXPECTED)
        return
    counts = host.read("/proc/interrupts")
    numbers = [name for name in host.tree.names(IRQ) if name.isdigit()]
    if not numbers:
        yield unread(host, host.read(f"{IRQ}/0/smp_affinity_list"), EXPECTED, "no interrupt")
    else:
        table = read_table(counts)
        irqs, failed = read_irqs(host, table)
        for cpu in host.hot:
            here = [irq for irq in irqs if cpu in irq.cpus]
            if failed and not any(not irq.managed for irq in here):
                broken = failed[0]
                reason = f"{broken.why_not}; {counted(len(failed), 'interrupt')} cannot be told"
                yield unknown(reason, subject(cpu), expected=EXPECTED, paths=(broken.path,))
            else:
                yield _on_cpu(host, cpu, here, table)
    yield _default(host)


def _default(host: Host) -> Finding:
    reading = host.read(DEFAULT)
    new = format_mask(keepers(host))
    expected = f"no hot CPU, such as {new}"
    if not reading.ok:
        return unread(host, reading, expected, "the kernel has no default affinity")
    cpus = parse_mask(reading.value, DEFAULT)
    on_hot = cpus & host.target.hot
    return judged(
        not on_hot,
        reading,
        expected,
        parsed=numbers(cpus),
        reason=f"interrupts of new devices may arrive on CPU {format_list(on_hot)}"
        if on_hot
        else "",
        fix=(write_command(new, DEFAULT),),
        undo=(write_command(reading.value, DEFAULT),),
    )


def _where(host: Host, number: int) -> str:
    """The keepers of the device's NUMA node, or all of them where the node has none."""
    node = host.read(f"{IRQ}/{number}/node").value
    local: frozenset[int] = frozenset()
    if node.isdigit():
        local = host.topology.node_cpus.get(int(node), frozenset())
    return format_list(keepers(host) & local or keepers(host))


def steps_affinity(host: Host) -> Iterable[Step]:
    """Move what arrives on hot CPUs to the keepers, and new interrupts with them."""
    irqs, _ = read_irqs(host, read_table(host.read("/proc/interrupts"))) if host.hot else ([], [])
    for irq in irqs:
        if irq.cpus & host.target.hot and not irq.managed:
            where = _where(host, irq.number)
            yield Change("irq-affinity", "cpulist", _allowed(irq.number), where)
    if host.hot and _default(host).conformity is Conformity.DEVIATES:
        house = keepers(host)
        yield Change("irq-affinity", "cpumask", DEFAULT, format_mask(house))
        if not next_boot_path(host, lambda line: cpus_of(host, line, "irqaffinity") == house):
            yield BootArgument("irq-affinity", "irqaffinity", format_list(house))


SETTINGS = (
    Setting(
        id="irq-affinity",
        group="interrupts",
        title="interrupt affinity",
        when=When.RUNTIME,
        what="Which device interrupts arrive on a hot CPU, and where those of new devices will.",
        why="An interrupt stops the stage, runs the handler and a softirq, and evicts its lines.",
        see="grep . /proc/irq/*/effective_affinity_list; cat /proc/interrupts",
        set="echo KEEPERS | sudo tee /proc/irq/N/smp_affinity_list; boot irqaffinity=KEEPERS",
        undo="write the old list to the same file",
        sources=(
            "Documentation/core-api/irq/irq-affinity.rst",
            "Documentation/admin-guide/kernel-parameters.txt (irqaffinity, isolcpus managed_irq)",
        ),
        inspect=inspect_affinity,
        steps=steps_affinity,
    ),
)
