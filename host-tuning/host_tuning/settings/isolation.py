"""Settings: hot CPUs outside of the scheduler's load balancing."""

from collections.abc import Iterable

from host_tuning.checking.boot_lists import (
    REBOOT,
    add_command,
    cpus_of,
    next_boot_path,
    remove_command,
)
from host_tuning.checking.findings import numbers, unread
from host_tuning.checking.hot_cpus import CPU, keepers, none_configured, subject
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import BootArgument, Change
from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.facts.tree import Reading
from host_tuning.target.cgroups import isolated_partitions, mount_of, unbalanced
from host_tuning.target.host import Host

EXPECTED = "in no scheduling domain"
SLICE = "ironpit.slice"  # where systemd puts units that say Slice=ironpit.slice
KEEPERS_SET = "ironpit-keepers"
METHODS = ("boot", "cgroup")


def isolated_cpus(host: Host) -> tuple[frozenset[int], tuple[Reading, ...], tuple[str, ...]]:
    """The CPUs that nothing is balanced onto, the reading of sysfs, and every path that was read.

    They are isolated by boot argument, by a partition of cgroup version 2, or by cpusets of
    version 1 that leave them out.
    """
    listed = host.read(f"{CPU}/isolated")
    found = parse_list(listed.value, listed.path)
    version, mount = mount_of(host, "cpuset")
    more: frozenset[int] = frozenset()
    paths: tuple[str, ...] = ()
    if version == 2:
        more, paths = isolated_partitions(host, mount)
    elif version == 1:
        more, paths = unbalanced(host, mount)
    return found | more, (listed,), (listed.path, *paths)


def boot_argument(host: Host) -> str:
    """The argument that isolates the hot CPUs and keeps managed interrupts off them."""
    return f"managed_irq,domain,{format_list(host.hot)}"


def _next_boot(host: Host) -> str:
    return next_boot_path(host, lambda line: host.target.hot <= cpus_of(host, line, "isolcpus"))


def inspect_isolation(host: Host) -> Iterable[Finding]:
    """Whether each hot CPU is isolated, by whatever means."""
    if not host.hot:
        yield none_configured(EXPECTED)
        return
    isolated, (listed,), paths = isolated_cpus(host)
    next_boot = _next_boot(host)
    for cpu in host.hot:
        if cpu in isolated:
            shown = format_list(isolated)
            yield Finding(
                Conformity.CONFORMS, subject(cpu), shown, numbers(isolated), EXPECTED, "", paths
            )
        elif not listed.ok and not (listed.missing and host.live):
            yield unread(host, listed, EXPECTED, "", subject(cpu))
        else:
            argument = f"isolcpus={boot_argument(host)}"
            why = f"{argument} is set in {next_boot} for the next boot" if next_boot else ""
            yield Finding(
                Conformity.NEXT_BOOT if next_boot else Conformity.DEVIATES,
                subject(cpu),
                format_list(isolated) or "none isolated",
                numbers(isolated),
                EXPECTED,
                why or "the scheduler may place any task here",
                paths,
                fix=(REBOOT if next_boot else add_command(host, argument),),
                undo=(remove_command(host, "isolcpus"),),
            )


def _partition(host: Host, mount: str) -> Iterable[Step]:
    """A partition of version 2 for the slice that the venue runs in."""
    enabled = host.read(f"{mount}/cgroup.subtree_control")
    if "cpuset" not in enabled.value.split():
        yield Change("isolation", "file", enabled.path, "+cpuset")
    group = f"{mount}/{SLICE}"
    if not host.tree.exists(group):
        yield Change("isolation", "directory", group, "present")
    hot = format_list(host.hot)
    yield Change("isolation", "cpulist", f"{group}/cpuset.cpus", hot)
    yield Change("isolation", "file", f"{group}/cpuset.cpus.partition", "isolated")


def _cpusets(host: Host, mount: str) -> Iterable[Step]:
    """Cpusets of version 1: one that balances the keepers, one of the hot CPUs that does not.

    The root is the last to stop balancing, so that the keepers are balanced at every moment.
    """
    nodes = host.read(f"{mount}/cpuset.mems").value
    plans = ((KEEPERS_SET, keepers(host), "1"), (SLICE, host.target.hot, "0"))
    for name, cpus, balance in plans:
        group = f"{mount}/{name}"
        if not host.tree.exists(group):
            yield Change("isolation", "directory", group, "present")
        yield Change("isolation", "cpulist", f"{group}/cpuset.cpus", format_list(cpus))
        yield Change("isolation", "cpulist", f"{group}/cpuset.mems", nodes)
        yield Change("isolation", "file", f"{group}/cpuset.sched_load_balance", balance)
    yield Change("isolation", "file", f"{mount}/cpuset.sched_load_balance", "0")


def steps_isolation(host: Host) -> Iterable[Step]:
    """The boot argument; and at once, a partition, where the host file asks for one.

    A partition takes the CPUs from every process outside of its group, the venue's own among them
    if it was not started in SLICE: that is why `overrides.isolation.method: cgroup` must say so.
    """
    method = host.target.word("isolation", "method", "boot", METHODS)
    findings = list(inspect_isolation(host))
    wrong = (Conformity.DEVIATES, Conformity.NEXT_BOOT)
    if not any(finding.conformity in wrong for finding in findings):
        return
    if any(finding.conformity is Conformity.DEVIATES for finding in findings):
        yield BootArgument("isolation", "isolcpus", boot_argument(host))
    version, mount = mount_of(host, "cpuset")
    if method == "cgroup" and version == 2:
        yield from _partition(host, mount)
    elif method == "cgroup" and version == 1:
        yield from _cpusets(host, mount)


SETTINGS = (
    Setting(
        id="isolation",
        group="isolation",
        title="isolated from the scheduler",
        when=When.REBOOT,
        what="Whether the scheduler leaves a hot CPU to the tasks that are placed there by hand.",
        why="A task that is balanced onto a hot CPU takes a time slice from its stage.",
        see=f"cat {CPU}/isolated /sys/fs/cgroup/cpuset.cpus.isolated",
        set=(
            "boot isolcpus=managed_irq,domain,LIST; or at once an isolated cpuset partition "
            "(overrides.isolation.method: cgroup), in which the venue must then run"
        ),
        undo="remove the argument; write member to cpuset.cpus.partition",
        sources=(
            "Documentation/admin-guide/kernel-parameters.txt (isolcpus)",
            "Documentation/admin-guide/cgroup-v2.rst (cpuset.cpus.partition)",
            "Documentation/admin-guide/cgroup-v1/cpusets.rst (1.7)",
        ),
        inspect=inspect_isolation,
        steps=steps_isolation,
    ),
)
