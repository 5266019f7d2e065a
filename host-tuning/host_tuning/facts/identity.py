"""Which host is this: bare metal, which hypervisor, which container, which cloud."""

from dataclasses import dataclass

from host_tuning.facts.cloud import cloud_of
from host_tuning.facts.container import container_of
from host_tuning.facts.hypervisor import machine_of
from host_tuning.facts.tree import HostTree


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

    @property
    def summary(self) -> str:
        """One line for people: `KVM (Firecracker-like), cloud unknown`."""
        variant = f" ({self.variant})" if self.variant else ""
        if self.machine == "vm":
            name = f"{self.hypervisor or 'VM, hypervisor unknown'}{variant}"
        elif self.machine == "bare-metal":
            name = f"bare metal{variant}"
        else:
            name = "machine unknown"
        parts = [name]
        if self.cloud:
            parts.append(self.cloud)
        elif self.machine != "bare-metal":
            parts.append("cloud unknown")
        if self.instance_type:
            parts.append(self.instance_type)
        if self.container:
            parts.append(f"inside {self.container}")
        return ", ".join(parts)


def identify(tree: HostTree) -> Identity:
    """Say what the host is by its files, and by nothing else."""
    machine, hypervisor, variant, seen = machine_of(tree)
    cloud = cloud_of(tree)
    container, proof = container_of(tree)
    evidence = dict.fromkeys([*seen, *cloud.evidence, *proof])
    return Identity(
        machine,
        hypervisor,
        variant,
        container,
        cloud.name,
        cloud.instance_type,
        tuple(evidence),
    )
