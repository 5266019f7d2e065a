"""The kinds of change by name, and which one is meant."""

from host_tuning.changing.file_kinds import Bracket, Controllers, Directory, Line, Partition
from host_tuning.changing.kind import Kind, LiveKind, text_of
from host_tuning.changing.task_kinds import Affinity, CgroupMember
from host_tuning.common.change import Change
from host_tuning.common.cpulist import parse_list, parse_mask
from host_tuning.facts import nic
from host_tuning.facts.tree import HostTree


class Ethtool(LiveKind):
    """A driver's value: target `eth1 coalesce rx_usecs`, `eth1 feature gro`."""

    def ask(self, tree: HostTree, change: Change) -> bytes | None:
        """The number, or `on` or `off`."""
        interface, what, field = change.target.split()
        return str(nic.read(interface, what, field)).encode()

    def write(self, tree: HostTree, change: Change) -> None:
        """Tell the driver."""
        interface, what, field = change.target.split()
        nic.write(interface, what, field, change.new)

    def restore(self, tree: HostTree, change: Change, old: bytes | None) -> None:
        """Tell the driver the old value."""
        interface, what, field = change.target.split()
        nic.write(interface, what, field, text_of(old))


KINDS: dict[str, Kind] = {
    "file": Kind(),
    "bracket": Bracket(),
    "cpulist": Kind(parse_list),
    "cpumask": Kind(parse_mask),
    "line": Line(),
    "directory": Directory(),
    "cgroup-member": CgroupMember(),
    "affinity": Affinity(),
    "ethtool": Ethtool(),
}

# Files with rules of their own, whichever kind of file a setting called them.
_BY_NAME: dict[str, Kind] = {
    "cpuset.cpus.partition": Partition(),
    "cgroup.subtree_control": Controllers(),
}


def kind_of(change: Change) -> Kind:
    """The kind of a change. Errors: KeyError for a kind that there is not."""
    return _BY_NAME.get(change.target.rpartition("/")[2], KINDS[change.kind])
