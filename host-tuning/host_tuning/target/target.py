"""What the operator wants of the host: which CPUs are hot, which keep house, which interfaces.

It comes from a host file (docs/HOST.md), from the placement section of a venue file, or from the
command line, which wins. Verdicts are about these CPUs and interfaces and no others.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.common.errors import SiteError, ToolError
from host_tuning.facts.topology import Topology
from host_tuning.facts.tree import HostTree

COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A check that may deviate on this site for a while, and why."""

    setting: str
    reason: str
    until: datetime.date


@dataclass(frozen=True, slots=True)
class Target:
    """The operator's intent.

    hot: CPUs that run nothing but their stage. housekeeping: the CPUs for everything else; all
    others online where none were named. interfaces: those that carry orders and market data.
    profile: its name, or empty for the one that suits the host. huge_pages: node -> pages of the
    default size. overrides: setting id -> option -> value, checked by who uses it. source: the file
    it came from, for messages.
    """

    hot: frozenset[int] = frozenset()
    housekeeping: frozenset[int] = frozenset()
    interfaces: tuple[str, ...] = ()
    profile: str = ""
    huge_pages: Mapping[int, int] = field(default_factory=dict)
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    severities: Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    source: str = COMMAND_LINE

    def option(self, setting: str, name: str, default: int) -> int:
        """The site's own whole-number value of a setting's option, or the default.

        Errors: SiteError that names file and key where it is no whole number.
        """
        value = self.overrides.get(setting, {}).get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            key = f"overrides.{setting}.{name}"
            raise SiteError(f"{self.source}: {key}: found {value!r}, expected a whole number")
        return value

    def word(self, setting: str, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """The site's own choice among words, or the default. Errors as in option()."""
        value = self.overrides.get(setting, {}).get(name, default)
        if value not in allowed:
            expected = ", ".join(word or "nothing" for word in allowed)
            key = f"overrides.{setting}.{name}"
            raise SiteError(f"{self.source}: {key}: found {value!r}, expected one of {expected}")
        return str(value)


def settle(target: Target, topology: Topology, tree: HostTree) -> Target:
    """The target checked against the host, with housekeeping filled in.

    Errors: ToolError for a CPU that is absent or offline, hot and housekeeping that overlap, hot
    CPUs that leave none, an interface that is not there.
    """
    for what, cpus in (("hot", target.hot), ("housekeeping", target.housekeeping)):
        absent = cpus - topology.present
        if absent:
            raise ToolError(
                f"{target.source}: {what}: CPU {format_list(absent)} is absent, "
                f"expected some of the present CPUs {format_list(topology.present)}"
            )
        if cpus - topology.online:
            raise ToolError(
                f"{target.source}: {what}: CPU {format_list(cpus - topology.online)} is offline, "
                f"expected some of the online CPUs {format_list(topology.online)}"
            )
    both = target.hot & target.housekeeping
    if both:
        raise ToolError(
            f"{target.source}: CPU {format_list(both)} is both hot and housekeeping, "
            "expected it in one of the two"
        )
    if target.hot and target.hot == topology.online:
        raise ToolError(
            f"{target.source}: hot: found all online CPUs ({format_list(target.hot)}), "
            "expected at least one left for housekeeping"
        )
    _interfaces_exist(target, tree)
    return replace(target, housekeeping=target.housekeeping or topology.online - target.hot)


def _interfaces_exist(target: Target, tree: HostTree) -> None:
    present = tree.names("/sys/class/net")
    for name in target.interfaces:
        if name not in present:
            raise ToolError(
                f"{target.source}: interface: found {name!r}, "
                f"expected one of {', '.join(present) or 'none: the host shows no interface'}"
            )


def _named(text: str, option: str) -> frozenset[int]:
    """The CPUs of an option. An empty one is a variable that was not set, not a wish for none."""
    cpus = parse_list(text, option)
    if not cpus:
        raise ToolError(f"{option}: found {text!r}, expected a CPU list such as 2-5,8")
    return cpus


def from_options(base: Target, cpus: str | None, keepers: str | None, nics: list[str]) -> Target:
    """The target with what the command line says instead of what the file says."""
    source = base.source
    if source != COMMAND_LINE and (cpus is not None or keepers is not None or nics):
        source = f"{source} and {COMMAND_LINE}"
    base = replace(base, source=source)
    if cpus is not None:
        base = replace(base, hot=_named(cpus, "--cpus"))
    if keepers is not None:
        base = replace(base, housekeeping=_named(keepers, "--housekeeping"))
    return replace(base, interfaces=tuple(nics)) if nics else base
