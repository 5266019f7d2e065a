"""What the inspections see: one host's files, its shape, what it is, and what is wanted of it."""

from dataclasses import dataclass
from functools import cached_property

from host_tuning.facts import cmdline
from host_tuning.facts.identity import Identity, identify
from host_tuning.facts.tasks import Task, scan
from host_tuning.facts.topology import Topology, read_topology
from host_tuning.facts.tree import HostTree, Reading
from host_tuning.target.target import Target


@dataclass
class Host:
    """One host and one target.

    tree: its files. target: hot CPUs, housekeeping, interfaces, settled against the topology.
    """

    tree: HostTree
    target: Target

    @cached_property
    def topology(self) -> Topology:
        """CPUs, siblings, nodes and caches."""
        return read_topology(self.tree)

    @cached_property
    def identity(self) -> Identity:
        """Bare metal, which hypervisor, which container, which cloud."""
        return identify(self.tree)

    @cached_property
    def boot(self) -> cmdline.BootLine:
        """The running kernel's command line."""
        return cmdline.parse(self.tree.read("/proc/cmdline"))

    @cached_property
    def next_boot(self) -> tuple[cmdline.BootLine, ...]:
        """The command lines that boot loader files hold for the next boot; none if not found."""
        return cmdline.next_boot(self.tree)

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """The threads that ran when they were first asked for; none if none can be seen."""
        return tuple(scan(self.tree))

    @property
    def hot(self) -> tuple[int, ...]:
        """The hot CPUs in ascending order."""
        return tuple(sorted(self.target.hot))

    @property
    def live(self) -> bool:
        """Whether this is the machine that the tool runs on, not a capture."""
        return self.tree.live

    def read(self, path: str) -> Reading:
        """The text of a file of the host, or the errno."""
        return self.tree.read(path)
