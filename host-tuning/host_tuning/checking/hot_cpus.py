"""What the settings of hot CPUs have in common: their names, their keepers, and none configured."""

from host_tuning.common.verdict import Conformity, Finding
from host_tuning.target.host import Host

CPU = "/sys/devices/system/cpu"
NONE_REASON = "no hot CPU is configured (--cpus or --config)"


def none_configured(expected: str = "") -> Finding:
    """The finding of a setting that only judges hot CPUs, where there are none to judge."""
    return Finding(Conformity.NOT_APPLICABLE, expected=expected, reason=NONE_REASON)


def subject(cpu: int) -> str:
    """A CPU's name in findings."""
    return f"cpu {cpu}"


def siblings_of_hot(host: Host) -> frozenset[int]:
    """The online hardware threads that share a core with a hot CPU and are not hot themselves."""
    near: set[int] = set()
    for cpu in host.hot:
        near |= host.topology.siblings.get(cpu, frozenset())
    return frozenset(near) - host.target.hot


def keepers(host: Host) -> frozenset[int]:
    """The CPUs that interrupts, work and tasks are moved to.

    Housekeeping without the siblings of hot CPUs, which share their cores' caches and ports, as
    long as that leaves any; without any named, all online CPUs that are not hot.
    """
    house = host.target.housekeeping or host.topology.online - host.target.hot
    return house - siblings_of_hot(host) or house
