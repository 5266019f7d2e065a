"""Whether a host is a virtual machine, and whose.

The order is that of systemd's detect_vm() (src/basic/virt.c). Python cannot execute CPUID: the flag
`hypervisor` in /proc/cpuinfo is its bit, and the clock sources that a kernel offers only after it
has seen a hypervisor's signature stand in for the signature itself.
"""

import re
from dataclasses import dataclass, field

from host_tuning.common.words import counted
from host_tuning.facts.cloud import DMI
from host_tuning.facts.tree import HostTree

SMBIOS_BIOS = "/sys/firmware/dmi/entries/0-0/raw"
CLOCK_SOURCES = "/sys/devices/system/clocksource/clocksource0/available_clocksource"

# What a DMI field begins with -> hypervisor and variant; fields and rows in systemd's order.
DMI_FIELDS = ("product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version")
DMI_ROWS = (
    ("KVM", "KVM", ""),
    ("OpenStack", "KVM", "OpenStack"),
    ("KubeVirt", "KVM", "KubeVirt"),
    ("Amazon EC2", "KVM", "Nitro"),
    ("QEMU", "QEMU", ""),
    ("VMware", "VMware", ""),
    ("VMW", "VMware", ""),
    ("innotek GmbH", "VirtualBox", ""),
    ("VirtualBox", "VirtualBox", ""),
    ("Oracle Corporation", "VirtualBox", ""),
    ("Xen", "Xen", ""),
    ("Bochs", "Bochs", ""),
    ("Parallels", "Parallels", ""),
    ("BHYVE", "bhyve", ""),
    ("Hyper-V", "Hyper-V", ""),
    ("Apple Virtualization", "Apple Virtualization", ""),
    ("Google Compute Engine", "KVM", "Google"),
)
# These are believed before any signature: they run on KVM, or hide as somebody else.
DMI_FIRST = ("VirtualBox", "Xen", "Parallels")
# PCI vendors that only hypervisors use; those of VMware and VirtualBox name theirs, as for lscpu.
PCI_NAMES = {"15ad": "VMware", "80ee": "VirtualBox"}
PCI_VIRTUAL = {*PCI_NAMES, "1af4", "1b36", "1234", "5853", "1414", "1ab8", "1ae0"}
METAL = re.compile(r"\.metal(-|$)")
XEN_DOM0_BIT = 11


@dataclass
class _Clues:
    """What was read on the way, and the lines that decided."""

    tree: HostTree
    evidence: list[str] = field(default_factory=list)
    cpu: str = ""
    vendors: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.cpu = self.tree.read("/proc/cpuinfo").text.partition("\n\n")[0]
        self.vendors = _pci_vendors(self.tree)

    @property
    def x86(self) -> bool:
        """Whether this is a machine whose flags would tell of a hypervisor."""
        return re.search(r"^flags\s*:.*\bfpu\b", self.cpu, re.MULTILINE) is not None

    @property
    def flag(self) -> bool:
        """Whether CPUID's bit of the hypervisor is set."""
        return re.search(r"^flags\s*:.* hypervisor\b", self.cpu, re.MULTILINE) is not None

    def dmi(self, name: str) -> str:
        """A field of the firmware's tables, empty where there is none."""
        return self.tree.read(f"{DMI}/{name}").value

    def say(self, path: str, text: str) -> None:
        """Keep a line of evidence."""
        self.evidence.append(f"{path}: {text}")


def _pci_vendors(tree: HostTree) -> frozenset[str]:
    listed = tree.read("/proc/bus/pci/devices").text.splitlines()
    words = [line.split()[1] for line in listed if len(line.split()) > 1]
    if words:
        return frozenset(word[:4].lower() for word in words)
    found = set()  # captures often have only the tree of devices
    for bridge in tree.names("/sys/devices"):
        if bridge.startswith("pci"):
            for device in tree.names(f"/sys/devices/{bridge}"):
                vendor = tree.read(f"/sys/devices/{bridge}/{device}/vendor").value
                found.add(vendor.removeprefix("0x").lower())
    return frozenset(found - {""})


def _virtual_bit(clues: _Clues) -> bool | None:
    """SMBIOS 3.4, 7.1.2.2: extension byte 2, bit 4, "SMBIOS table describes a virtual machine"."""
    data, error = clues.tree.read_raw(SMBIOS_BIOS)
    if error or len(data) < 20 or data[1] < 20:
        return None
    return bool(data[19] >> 4 & 1)


def _dmi_row(clues: _Clues) -> tuple[str, str, str]:
    """Hypervisor, variant and evidence by the firmware's tables; empty for none."""
    for name in DMI_FIELDS:
        text = clues.dmi(name)
        for start, hypervisor, variant in DMI_ROWS:
            if not text.startswith(start):
                continue
            # A server that Oracle built says the same as a VirtualBox guest's board.
            oracle = start == "Oracle Corporation"
            if oracle and not (clues.flag or "80ee" in clues.vendors):
                continue
            if oracle and clues.dmi("chassis_asset_tag").startswith("OracleCloud.com"):
                continue
            return hypervisor, variant, f"{DMI}/{name}: {text}"
    return "", "", ""


def _metal(clues: _Clues, variant: str) -> bool:
    """Whether a cloud whose machines all carry its name gave a whole one."""
    if clues.flag:
        return False
    if variant == "Nitro":
        bit = _virtual_bit(clues)
        if bit is not None:
            clues.say(SMBIOS_BIOS, f"the bit of a virtual machine is {int(bit)}")
            return not bit
        return METAL.search(clues.dmi("product_name")) is not None
    return variant == "Google" and clues.x86


def _xen(clues: _Clues) -> bool | None:
    """None for no Xen, True for the domain that owns the machine, False for a guest."""
    tree = clues.tree
    kind = tree.read("/sys/hypervisor/type")
    if kind.value != "xen" and not tree.names("/proc/xen"):
        return None
    clues.say(*((kind.path, kind.value) if kind.ok else ("/proc/xen", "is there")))
    features = tree.read("/sys/hypervisor/properties/features")
    if features.ok and re.fullmatch(r"[0-9a-fA-F]+", features.value):
        owner = bool(int(features.value, 16) >> XEN_DOM0_BIT & 1)
        clues.say(features.path, f"{features.value}, the bit of dom0 is {int(owner)}")
        return owner
    return "control_d" in tree.read("/proc/xen/capabilities").value.split(",")


def _signature(clues: _Clues) -> str:
    """The hypervisor that the kernel itself has recognised, or whose devices are there."""
    sources = clues.tree.read(CLOCK_SOURCES)
    offered = sources.value.split()
    for name, hypervisor in (("kvm-clock", "KVM"), ("xen", "Xen")):
        if name in offered:
            clues.say(sources.path, sources.value)
            return hypervisor
    for vendor, hypervisor in PCI_NAMES.items():
        if vendor in clues.vendors:
            clues.say("/proc/bus/pci/devices", f"vendor {vendor}")
            return hypervisor
    return ""


def _hyper_v(clues: _Clues) -> bool:
    """Hyper-V's own marks, which KVM also shows to please Windows: asked last."""
    sources = clues.tree.read(CLOCK_SOURCES)
    if "hyperv_clocksource" in sources.value:
        clues.say(sources.path, sources.value)
        return True
    devices = clues.tree.names("/sys/bus/vmbus/devices")
    if devices:
        clues.say("/sys/bus/vmbus/devices", counted(len(devices), "device"))
        return True
    maker, product = clues.dmi("sys_vendor"), clues.dmi("product_name")
    if maker == "Microsoft Corporation" and product == "Virtual Machine":
        clues.say(f"{DMI}/product_name", f"{product} by {maker}")
        return True
    return False


def _other_tables(clues: _Clues) -> str:
    """Machines without CPUID: device tree, s390's sysinfo."""
    compatible = clues.tree.read("/proc/device-tree/hypervisor/compatible")
    if compatible.ok:
        clues.say(compatible.path, compatible.value)
        for word, name in (("linux,kvm", "KVM"), ("xen", "Xen"), ("vmware", "VMware")):
            if word in compatible.value:
                return name
        return "unknown"
    for name in clues.tree.names("/proc/device-tree"):
        if "fw-cfg" in name:
            clues.say(f"/proc/device-tree/{name}", "is there")
            return "QEMU"
    for line in clues.tree.read("/proc/sysinfo").text.splitlines():
        if line.startswith("VM00 Control Program"):
            clues.say("/proc/sysinfo", line)
            return "KVM" if "KVM/Linux" in line else "z/VM"
    return ""


def _firecracker(clues: _Clues) -> bool:
    """KVM without any firmware table, which is rare, and something that names Firecracker."""
    tree = clues.tree
    if tree.names(DMI):
        return False
    release = tree.read("/proc/sys/kernel/osrelease")
    line = tree.read("/proc/cmdline")
    slots = [
        name
        for name in tree.names("/sys/bus/platform/drivers/virtio-mmio")
        if name.startswith(("virtio-mmio", "LNRO0005"))
    ]
    found = False
    if "-fc-" in release.value or "firecracker" in release.value:
        clues.say(release.path, release.value)
        found = True
    if "firecracker" in line.value or "virtio_mmio.device=" in line.value:
        words = [word for word in line.value.split() if "firecracker" in word or "mmio" in word]
        clues.say(line.path, " ".join(words))
        found = True
    if slots:
        clues.say("/sys/bus/platform/drivers/virtio-mmio", " ".join(slots))
        found = True
    if found:
        clues.say(DMI, "no firmware tables")
    return found


def _machine(clues: _Clues) -> tuple[str, str, str]:
    """Machine, hypervisor and variant."""
    if clues.flag:
        clues.say("/proc/cpuinfo", "flag hypervisor")
    hypervisor, variant, proof = _dmi_row(clues)
    if variant in ("Nitro", "Google"):
        clues.evidence.append(proof)
        return ("bare-metal", "", "") if _metal(clues, variant) else ("vm", hypervisor, variant)
    if hypervisor in DMI_FIRST:
        clues.evidence.append(proof)
        return "vm", hypervisor, variant
    if "User Mode Linux" in clues.cpu:
        clues.say("/proc/cpuinfo", "User Mode Linux")
        return "vm", "User Mode Linux", ""
    xen = _xen(clues)
    if xen is not None:
        return ("bare-metal", "Xen", "Xen dom0") if xen else ("vm", "Xen", "")
    seen = _signature(clues)
    if seen:
        if proof and hypervisor in ("KVM", "QEMU"):
            clues.evidence.append(proof)
            variant = variant or (hypervisor if hypervisor != seen else "")
        if seen == "KVM" and not variant and _firecracker(clues):
            variant = "Firecracker-like"
        return "vm", seen, variant
    if hypervisor:
        clues.evidence.append(proof)
        return "vm", hypervisor, variant
    other = _other_tables(clues)
    if other:
        return "vm", "" if other == "unknown" else other, ""
    if _hyper_v(clues):
        return "vm", "Hyper-V", ""
    if clues.flag:
        return "vm", "", ""
    if _virtual_bit(clues):
        clues.say(SMBIOS_BIOS, "the bit of a virtual machine is 1")
        return "vm", "", ""
    return _nothing_virtual(clues), "", ""


def _nothing_virtual(clues: _Clues) -> str:
    """Bare metal if a maker or real devices vouch for it; else nobody knows."""
    if not clues.cpu or clues.vendors & PCI_VIRTUAL:
        return "unknown"
    if clues.x86:
        clues.say("/proc/cpuinfo", "no flag hypervisor")
    maker = clues.dmi("sys_vendor")
    if maker:
        clues.say(f"{DMI}/sys_vendor", maker)
        return "bare-metal"
    if clues.x86 and clues.vendors:
        clues.say("PCI vendors", f"{' '.join(sorted(clues.vendors))}: none of a hypervisor")
        return "bare-metal"
    return "unknown"


def machine_of(tree: HostTree) -> tuple[str, str, str, list[str]]:
    """`vm`, `bare-metal` or `unknown`; hypervisor and variant, or empty; the evidence."""
    clues = _Clues(tree)
    return (*_machine(clues), clues.evidence)
