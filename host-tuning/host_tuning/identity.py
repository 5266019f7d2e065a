"""Which host is this: bare metal, which hypervisor, which container, which cloud."""

from dataclasses import dataclass

from host_tuning.tree import HostTree


@dataclass(frozen=True, slots=True)
class Identity:
    """What the host is, as far as its files prove it.

    machine: `bare-metal`, `vm` or `unknown`. hypervisor: `KVM`, `VMware`, ... or empty. variant:
    more about it, such as `Firecracker-like`. container: `docker`, `podman`, ... or empty. cloud:
    `AWS`, ... or empty if unknown. instance_type: empty if no file says so. evidence: path and
    text that decided, one line each.
    """

    machine: str
    hypervisor: str = ""
    variant: str = ""
    container: str = ""
    cloud: str = ""
    instance_type: str = ""
    evidence: tuple[str, ...] = ()


def identify(tree: HostTree) -> Identity:
    """Say what the host is by its files."""
    flags = tree.read("/proc/cpuinfo").text
    return Identity("vm" if " hypervisor" in flags else "unknown")
