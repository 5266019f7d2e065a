"""CPU lists on kernel command lines, running and next, and what to say about arguments.

Format: Documentation/admin-guide/kernel-parameters.rst, "cpu lists": numbers, ranges, `N` for the
last CPU, `all`, and `range:used/group` for the first `used` of each `group`.
"""

from collections.abc import Callable

from host_tuning.common.cpulist import parse_list
from host_tuning.common.errors import ToolError
from host_tuning.facts import boot_loader
from host_tuning.facts.cmdline import BootLine
from host_tuning.target.host import Host

REBOOT = "sudo systemctl reboot"  # what is left to do where the next boot's line is right already
ISOLCPUS_FLAGS = ("nohz", "domain", "managed_irq")


def parse_boot_list(value: str, last_cpu: int) -> frozenset[int]:
    """The CPUs of a list as it stands on a command line; none for a list that is wrong.

    Kernels drop a malformed list with a warning, so that it isolates nothing.
    """
    found: set[int] = set()
    for item in value.strip().split(","):
        span, colon, groups = item.replace("N", str(last_cpu)).partition(":")
        span = f"0-{last_cpu}" if span == "all" else span
        try:
            numbers = sorted(parse_list(span))
        except ToolError:
            return frozenset()
        if colon:
            used, _, size = groups.partition("/")
            if not (used.isdigit() and size.isdigit()) or int(size) == 0:
                return frozenset()
            numbers = [cpu for at, cpu in enumerate(numbers) if at % int(size) < int(used)]
        found.update(numbers)
    return frozenset(found)


def _last_cpu(host: Host) -> int:
    possible = host.read("/sys/devices/system/cpu/possible")
    cpus = parse_list(possible.value) if possible.ok else host.topology.present
    return max(cpus or host.topology.present or {0})


def cpus_of(host: Host, line: BootLine, name: str) -> frozenset[int]:
    """The CPUs that an argument of the line names; for isolcpus those that leave the domains."""
    value = line.last(name) or ""
    flags: list[str] = []
    if name == "isolcpus":
        words = value.split(",")
        while words and words[0] in ISOLCPUS_FLAGS:
            flags.append(words.pop(0))
        if flags and "domain" not in flags:
            return frozenset()
        value = ",".join(words)
    return parse_boot_list(value, _last_cpu(host)) if value else frozenset()


def next_boot_path(host: Host, fits: Callable[[BootLine], bool]) -> str:
    """The file whose lines for the next boot all fit, rescue entries left out; empty if none."""
    lines = [line for line in host.next_boot if "rescue" not in line.path]
    return lines[0].path if lines and all(fits(line) for line in lines) else ""


def add_command(host: Host, argument: str) -> str:
    """How to add an argument with this host's boot loader; --plan prints the whole line."""
    if boot_loader.detect(host.tree) == "grubby":
        return f"sudo grubby --update-kernel=ALL --args='{argument}'"
    return f"add {argument} to {boot_loader.place(host.tree)}"


def remove_command(host: Host, name: str) -> str:
    """How to take an argument away again."""
    if boot_loader.detect(host.tree) == "grubby":
        return f"sudo grubby --update-kernel=ALL --remove-args='{name}'"
    return f"take {name} out of {boot_loader.place(host.tree)}"
