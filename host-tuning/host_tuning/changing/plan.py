"""What applying would do: the writes in the order in which they are safe, and what is left to
people: boot arguments and firmware. Nothing here writes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from host_tuning.changing.change_kinds import kind_of
from host_tuning.changing.kind import GONE, describe
from host_tuning.checking.setting import Setting
from host_tuning.common.change import BootArgument, Change, FirmwareStep
from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.common.errors import SiteError, ToolError
from host_tuning.facts.topology import CPU
from host_tuning.target.host import Host

# Where a change may write at all: a setting that names anything else is wrong.
PLACES = ("/proc/", "/sys/", "/etc/")


@dataclass(frozen=True, slots=True)
class Write:
    """One write that is due.

    old: the state now, None where there is nothing yet. obstacle: why it cannot be made, or empty.
    """

    change: Change
    old: bytes | None
    obstacle: str = ""

    @property
    def before(self) -> str:
        """The state now in one line for people."""
        return kind_of(self.change).shown(self.change, self.old)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is due, and the settings whose steps could not be told, with the reason."""

    writes: tuple[Write, ...]
    boot: tuple[BootArgument, ...]
    firmware: tuple[FirmwareStep, ...]
    failures: tuple[tuple[str, str], ...]

    @property
    def feasible(self) -> tuple[Write, ...]:
        """The writes that nothing known stands in the way of."""
        return tuple(one for one in self.writes if not one.obstacle)

    @property
    def blocked(self) -> tuple[Write, ...]:
        """The writes that cannot be made."""
        return tuple(one for one in self.writes if one.obstacle)


# The first pattern that fits `KIND TARGET` gives the rank. CPUs go offline before anything counts
# them; queues change before their interrupts are placed; a cgroup is made, given CPUs, and made a
# partition before a task is moved into it.
_ORDER = tuple(
    (re.compile(pattern), rank)
    for pattern, rank in (
        (rf"\w+ {CPU}/(smt/control|cpu\d+/online)", 0),
        (r"ethtool \S+ channels .*", 1),
        (r"ethtool \S+ rings .*", 2),
        (r"ethtool .*", 3),
        (r"file \S+/cgroup\.subtree_control", 5),
        (r"directory .*", 6),
        (r"\S+ \S+/cpuset\.cpus\.partition", 8),
        (r"\S+ /sys/fs/cgroup/.*/(cgroup\.procs|tasks)", 9),
        (r"\S+ /sys/fs/cgroup/.*", 7),
        (r"affinity .*", 10),
    )
)
_OTHERS = 4
_AN_IRQ = re.compile(r"/proc/irq/\d+/smp_affinity(_list)?")


def rank(change: Change) -> int:
    """The place of a change in the order of writes; those of one rank stay as they came."""
    name = f"{change.kind} {change.target}"
    return next((rank for pattern, rank in _ORDER if pattern.fullmatch(name)), _OTHERS)


def forbidden(change: Change) -> str:
    """Why the tool never makes such a write, whoever asks for it; empty if it may."""
    if re.fullmatch(rf"{CPU}/cpu0/online", change.target) and change.new.strip() == "0":
        return "CPU 0 is never taken offline"
    path = kind_of(change).path(change)
    if path and (not path.startswith(PLACES) or ".." in path.split("/")):
        return f"writes go below {', '.join(PLACES)} and nowhere else"
    is_mask = re.fullmatch(r"/proc/irq/(default_smp_affinity|\d+/smp_affinity(_list)?)", path)
    if is_mask and not change.new.strip("0, \n"):
        if change.kind == "cpulist" and change.new.strip() == "0":
            return ""  # the list of CPU 0, not an empty mask
        return "an interrupt needs a CPU"
    return ""


def _thing(change: Change) -> tuple[str, str]:
    """What a change is about: of two changes of one thing only one value can stand."""
    return change.target, change.new if change.kind == "cgroup-member" else ""


def _weighed(change: Change, required: frozenset[str]) -> Change:
    """The change, required where its setting is and where its refusal says something is wrong.

    A managed interrupt refuses always (-EIO or -EPERM, kernel/irq/proc.c), as do some of the
    kernel's threads, and a task may end before it is moved.
    """
    refuses = change.kind in ("affinity", "cgroup-member") or _AN_IRQ.fullmatch(change.target)
    needed = change.required or (change.setting in required and not refuses)
    return replace(change, required=needed)


def make(host: Host, settings: Iterable[Setting], required: frozenset[str] = frozenset()) -> Plan:
    """Ask each setting for its steps. A setting that breaks is a failure, not an empty plan.

    required: ids of the settings whose writes must not be refused.
    """
    changes: list[Change] = []
    boot: list[BootArgument] = []
    firmware: list[FirmwareStep] = []
    failures: list[tuple[str, str]] = []
    for setting in settings:
        try:
            for step in setting.steps(host):
                if isinstance(step, Change):
                    changes.append(_weighed(step, required))
                elif isinstance(step, BootArgument):
                    boot.append(as_ranges(step))
                else:
                    firmware.append(step)
        except SiteError:
            raise
        except ToolError as problem:
            failures.append((setting.id, str(problem)))
        except (ValueError, LookupError, OSError, ArithmeticError) as problem:
            failures.append((setting.id, f"{type(problem).__name__}: {problem}"))
    changes = list(dict.fromkeys(sorted(changes, key=rank)))
    wanted: dict[tuple[str, str], Change] = {}
    made = {one.target for one in changes if one.kind == "directory" and one.new != "absent"}
    writes: list[Write] = []
    for change in changes:
        first = wanted.setdefault(_thing(change), change)
        if first.new != change.new:
            writes.append(Write(change, None, f"{first.setting} wants {first.new} there"))
        elif first is change and (write := _write(host, change, made)) is not None:
            writes.append(write)
    return Plan(tuple(writes), tuple(dict.fromkeys(boot)), tuple(firmware), tuple(failures))


def _write(host: Host, change: Change, made: set[str]) -> Write | None:
    """The write of a change; None where its value stands there already."""
    kind = kind_of(change)
    never = forbidden(change)
    if never:
        return Write(change, None, never)
    try:
        old = kind.read(host.tree, change)
    except OSError as problem:
        inside = any(change.target.startswith(f"{directory}/") for directory in made)
        if problem.errno in GONE and inside:
            return Write(change, None)
        return Write(change, None, kind.obstacle(host.tree, change) or describe(problem))
    if kind.holds(change, old):
        return None
    return Write(change, old, kind.obstacle(host.tree, change))


_CPU_ARGUMENTS = ("isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity", "managed_irq")


def as_ranges(argument: BootArgument) -> BootArgument:
    """The argument with its CPU list as ranges: a list of single numbers overflows grubenv, which
    holds 1,024 bytes. Flags before the list (`isolcpus=managed_irq,domain,2-5`) stay."""
    if argument.name not in _CPU_ARGUMENTS or not argument.value:
        return argument
    words = argument.value.split(",")
    first = next((at for at, word in enumerate(words) if word[:1].isdigit()), len(words))
    try:
        cpus = format_list(parse_list(",".join(words[first:])))
    except ToolError:  # a form such as `all` or `N` that no list has
        return argument
    value = ",".join([*words[:first], *([cpus] if cpus else [])])
    return BootArgument(argument.setting, argument.name, value)
