"""Goal: a host is called what its files prove, and "unknown" where they prove nothing.

Method: small trees with the files that each cloud, hypervisor and container shows; the captures of
real hosts, whose answers were read from their files by hand; and the machine that runs the test.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.trees import CAPTURES, UNREADABLE, Link, tree

from host_tuning.facts.identity import Identity, identify
from host_tuning.facts.tree import HostTree

DMI = "/sys/class/dmi/id/"
CLOCKS = "/sys/devices/system/clocksource/clocksource0/available_clocksource"
GUEST_CPU = "processor\t: 0\nflags\t\t: fpu vme sse2 hypervisor lahf_lm\n\nprocessor\t: 1"
METAL_CPU = "processor\t: 0\nflags\t\t: fpu vme sse2 lahf_lm\n\nprocessor\t: 1"
ARM_CPU = "processor\t: 0\nFeatures\t: fp asimd evtstrm aes\n\nprocessor\t: 1"
GUEST = {"/proc/cpuinfo": GUEST_CPU}
METAL = {"/proc/cpuinfo": METAL_CPU}
KVM = {CLOCKS: "kvm-clock tsc acpi_pm"}
AWS = {f"{DMI}sys_vendor": "Amazon EC2", f"{DMI}bios_vendor": "Amazon EC2"}
ORACLE_SERVER = {
    f"{DMI}sys_vendor": "Oracle Corporation",
    f"{DMI}product_name": "ORACLE SERVER X6-2",
}
FIRST_NAMESPACES = {
    "/proc/self/ns/pid": Link("pid:[4026531836]"),
    "/proc/self/ns/mnt": Link("mnt:[4026531841]"),
}


def smbios(byte: int, size: int = 0x1A) -> bytes:
    """A BIOS table whose bytes are no text, with extension byte 2 at 19."""
    return bytes([0, size, 0, 0, *[0xC3] * 15, byte, *[0xFF] * 6])


def pci(*devices: str) -> str:
    return "\n".join(f"{at:02x}08\t{device}\t0\tffff" for at, device in enumerate(devices))


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "Nitro": (
        {**GUEST, **KVM, **AWS, f"{DMI}product_name": "m5.large"},
        "KVM (Nitro), AWS, m5.large",
    ),
    "Nitro, by the firmware's bit": (
        {**METAL, **AWS, f"{DMI}product_name": "m5.metal",
         "/sys/firmware/dmi/entries/0-0/raw": smbios(0x1D)},
        "KVM (Nitro), AWS, m5.metal",
    ),
    "EC2 metal, by the firmware's bit": (
        {**METAL, **AWS, f"{DMI}product_name": "m5.large",
         "/sys/firmware/dmi/entries/0-0/raw": smbios(0x0D)},
        "bare metal, AWS, m5.large",
    ),
    "EC2 metal, by its name": (
        {**METAL, **AWS, f"{DMI}product_name": "c5.metal"},
        "bare metal, AWS, c5.metal",
    ),
    "EC2 metal with a size": (
        {**METAL, **AWS, f"{DMI}product_name": "m7i.metal-24xl",
         "/sys/firmware/dmi/entries/0-0/raw": UNREADABLE},
        "bare metal, AWS, m7i.metal-24xl",
    ),
    "EC2, a table too short to tell": (
        {"/proc/cpuinfo": ARM_CPU, **AWS, f"{DMI}product_name": "c7g.metal",
         "/sys/firmware/dmi/entries/0-0/raw": smbios(0xFF, 0x12)},
        "bare metal, AWS, c7g.metal",
    ),
    "a name that only begins like metal": (
        {**METAL, **AWS, f"{DMI}product_name": "m5.metallic"},
        "KVM (Nitro), AWS, m5.metallic",
    ),
    "the flag beats a name": (
        {**GUEST, **AWS, f"{DMI}product_name": "c5.metal"},
        "KVM (Nitro), AWS, c5.metal",
    ),
    "EC2 on Xen": (
        {**GUEST, f"{DMI}product_name": "HVM domU", f"{DMI}sys_vendor": "Xen",
         "/sys/hypervisor/type": "xen", "/sys/hypervisor/uuid": "ec2a1b2c-0000"},
        "Xen, AWS",
    ),
    "EC2 by uuid and serial": (
        {**GUEST, f"{DMI}product_uuid": "EC2E1916-9099", f"{DMI}product_serial": "ec2e1916-9099"},
        "VM, hypervisor unknown, AWS",
    ),
    "a uuid that begins so by chance": (
        {**GUEST, f"{DMI}product_uuid": "EC2E1916-9099", f"{DMI}product_serial": "42"},
        "VM, hypervisor unknown, cloud unknown",
    ),
    "Google": (
        {**GUEST, **KVM, f"{DMI}product_name": "Google Compute Engine"},
        "KVM (Google), GCP",
    ),
    "Google without the flag": (
        {**METAL, f"{DMI}product_name": "Google Compute Engine"},
        "bare metal, GCP",
    ),
    "Azure": (
        {**GUEST, f"{DMI}sys_vendor": "Microsoft Corporation",
         f"{DMI}product_name": "Virtual Machine",
         f"{DMI}chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"},
        "Hyper-V, Azure",
    ),
    "any Hyper-V": (
        {**GUEST, f"{DMI}sys_vendor": "Microsoft Corporation",
         f"{DMI}product_name": "Virtual Machine", f"{DMI}chassis_asset_tag": "1234"},
        "Hyper-V, cloud unknown",
    ),
    "Hyper-V by its clock": (
        {**GUEST, CLOCKS: "hyperv_clocksource_tsc_page acpi_pm"},
        "Hyper-V, cloud unknown",
    ),
    "Hyper-V by its bus": (
        {**GUEST, "/sys/bus/vmbus/devices/vmbus_0_1/": ""},
        "Hyper-V, cloud unknown",
    ),
    "KVM that pleases Windows": (
        {**GUEST, CLOCKS: "kvm-clock hyperv_clocksource_msr", f"{DMI}sys_vendor": "QEMU"},
        "KVM (QEMU), cloud unknown",
    ),
    "QEMU of which nobody knows whether it emulates": (
        {"/proc/cpuinfo": ARM_CPU, f"{DMI}sys_vendor": "QEMU"},
        "QEMU, cloud unknown",
    ),
    "product before maker": (
        {**GUEST, f"{DMI}product_name": "KVM Virtual Machine", f"{DMI}sys_vendor": "QEMU"},
        "KVM, cloud unknown",
    ),
    "OpenStack": (
        {**GUEST, **KVM, f"{DMI}product_name": "OpenStack Nova"},
        "KVM (OpenStack), OpenStack",
    ),
    "Oracle's cloud, a guest": (
        {**GUEST, **KVM, f"{DMI}sys_vendor": "QEMU", f"{DMI}chassis_asset_tag": "OracleCloud.com"},
        "KVM (QEMU), Oracle Cloud",
    ),
    "Oracle's cloud, bare metal": (
        {**METAL, **ORACLE_SERVER, f"{DMI}chassis_asset_tag": "OracleCloud.com"},
        "bare metal, Oracle Cloud",
    ),
    "a server that Oracle built": ({**METAL, **ORACLE_SERVER}, "bare metal"),
    "VirtualBox": (
        {**GUEST, **KVM, f"{DMI}product_name": "VirtualBox",
         f"{DMI}board_vendor": "Oracle Corporation"},
        "VirtualBox, cloud unknown",
    ),
    "VirtualBox by its board only": (
        {**GUEST, f"{DMI}board_vendor": "Oracle Corporation"},
        "VirtualBox, cloud unknown",
    ),
    "VMware by DMI": (
        {**GUEST, f"{DMI}sys_vendor": "VMware, Inc.", f"{DMI}product_name": "VMware7,1"},
        "VMware, cloud unknown",
    ),
    "VMware without the flag, by its devices": (
        {**METAL, "/proc/bus/pci/devices": pci("80867190", "15ad0405")},
        "VMware, cloud unknown",
    ),
    "a prefix, not a part": (
        {**METAL, f"{DMI}sys_vendor": "Dell Inc.", f"{DMI}product_name": "For VMware"},
        "bare metal",
    ),
    "Alibaba": (
        {**GUEST, **KVM, f"{DMI}product_name": "Alibaba Cloud ECS"},
        "KVM, Alibaba Cloud",
    ),
    "Hetzner": ({**GUEST, **KVM, f"{DMI}sys_vendor": "Hetzner"}, "KVM, Hetzner"),
    "Xen's owner": (
        {**METAL, "/proc/xen/capabilities": "control_d,x"},
        "bare metal (Xen dom0)",
    ),
    "Xen's owner by features": (
        {**METAL, "/sys/hypervisor/type": "xen", "/sys/hypervisor/properties/features": "00000aff"},
        "bare metal (Xen dom0)",
    ),
    "a Xen guest": (
        {**METAL, "/sys/hypervisor/type": "xen", "/sys/hypervisor/properties/features": "000002ff"},
        "Xen, cloud unknown",
    ),
    "Arm under KVM": (
        {"/proc/cpuinfo": ARM_CPU, "/proc/device-tree/hypervisor/compatible": b"linux,kvm\0"},
        "KVM, cloud unknown",
    ),
    "Arm, a maker that says nothing virtual": (
        {"/proc/cpuinfo": ARM_CPU, f"{DMI}sys_vendor": "Ampere"},
        "bare metal",
    ),
    "s390 under KVM": (
        {"/proc/cpuinfo": "vendor_id : IBM/S390",
         "/proc/sysinfo": "VM00 Control Program: KVM/Linux"},
        "KVM, cloud unknown",
    ),
    "the flag alone": (GUEST, "VM, hypervisor unknown, cloud unknown"),
    "the firmware's bit alone": (
        {**METAL, f"{DMI}sys_vendor": "ACME", "/sys/firmware/dmi/entries/0-0/raw": smbios(0x10)},
        "VM, hypervisor unknown, cloud unknown",
    ),
    "a flag of another name": (
        {"/proc/cpuinfo": "flags\t\t: fpu hypervisor_not", f"{DMI}sys_vendor": "Dell Inc."},
        "bare metal",
    ),
    "no flag and no maker": (METAL, "machine unknown, cloud unknown"),
    "no flag, but devices of QEMU": (
        {**METAL, "/proc/bus/pci/devices": pci("80861237", "1af41000")},
        "machine unknown, cloud unknown",
    ),
    "nothing at all": ({"/proc/": ""}, "machine unknown, cloud unknown"),
    "Firecracker by its command line": (
        {**GUEST, **KVM, "/proc/cmdline": "quiet virtio_mmio.device=4K@0xd0000000:5"},
        "KVM (Firecracker-like), cloud unknown",
    ),
    "Firecracker by its devices": (
        {**GUEST, **KVM, "/sys/bus/platform/drivers/virtio-mmio/LNRO0005:00": Link("x")},
        "KVM (Firecracker-like), cloud unknown",
    ),
    "KVM with firmware tables is no Firecracker": (
        {**GUEST, **KVM, "/proc/cmdline": "firecracker", f"{DMI}sys_vendor": "ACME"},
        "KVM, cloud unknown",
    ),
    "KVM without tables, nothing names Firecracker": (
        {**GUEST, **KVM, "/proc/cmdline": "quiet"},
        "KVM, cloud unknown",
    ),
    "docker": ({**METAL, "/.dockerenv": ""}, "machine unknown, cloud unknown, inside docker"),
    "docker in namespaces of its own": (
        {**METAL, "/.dockerenv": "", "/proc/self/ns/pid": Link("pid:[4026532301]")},
        "machine unknown, cloud unknown, inside docker",
    ),
    "docker that shares only the PID namespace": (
        {**METAL, "/.dockerenv": "", **FIRST_NAMESPACES,
         "/proc/self/ns/mnt": Link("mnt:[4026532299]")},
        "machine unknown, cloud unknown, inside docker",
    ),
    "a machine made of docker's image": (
        {**METAL, "/.dockerenv": "", **FIRST_NAMESPACES},
        "machine unknown, cloud unknown",
    ),
    "podman": (
        {**METAL, "/run/.containerenv": "", "/run/systemd/container": "oci"},
        "machine unknown, cloud unknown, inside podman",
    ),
    "nspawn": (
        {**METAL, "/run/host/container-manager": "systemd-nspawn"},
        "machine unknown, cloud unknown, inside systemd-nspawn",
    ),
    "lxc by PID 1": (
        {**METAL, "/proc/1/environ": b"PATH=/bin\0container=lxc\0TERM=linux\0"},
        "machine unknown, cloud unknown, inside lxc",
    ),
    "a variable that only ends so": (
        {**METAL, "/proc/1/environ": b"mycontainer=lxc\0container=\0"},
        "machine unknown, cloud unknown",
    ),
    "WSL": (
        {**GUEST, "/proc/sys/kernel/osrelease": "5.15.90.1-microsoft-standard-WSL2"},
        "VM, hypervisor unknown, cloud unknown, inside wsl",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_host_is_called_what_its_files_prove(tmp_path: Path, name: str) -> None:
    files, expected = CASES[name]
    found = identify(tree(tmp_path, files))
    assert found.summary == expected
    assert found.machine == "unknown" or found.evidence


@pytest.mark.parametrize(
    ("document", "cloud", "instance"),
    [
        ({"v1": {"cloud_name": "azure"},
          "ds": {"meta_data": {"imds": {"compute": {"vmSize": "Standard_D2s_v5"}}}}},
         "Azure", "Standard_D2s_v5"),
        ({"v1": {"cloud_name": "aws"}, "ds": {"meta_data": {"instance-type": "t2.micro"}}},
         "AWS", "t2.micro"),
        ({"v1": {"cloud_name": "nocloud"}}, "", ""),
        ({"v1": {"cloud_name": 7}, "ds": []}, "", ""),
        ([], "", ""),
    ],
)  # fmt: skip
def test_cloud_init_knows_cloud_and_instance(
    tmp_path: Path, document: object, cloud: str, instance: str
) -> None:
    text = json.dumps(document)
    found = identify(tree(tmp_path, {**GUEST, "/run/cloud-init/instance-data.json": text}))
    assert (found.cloud, found.instance_type) == (cloud, instance)


def test_broken_instance_data_says_nothing(tmp_path: Path) -> None:
    found = identify(tree(tmp_path, {**GUEST, "/run/cloud-init/instance-data.json": "{"}))
    assert (found.cloud, found.instance_type) == ("", "")


def test_evidence_names_path_and_text(tmp_path: Path) -> None:
    files = {**GUEST, **AWS, f"{DMI}product_name": "m5.large"}
    assert identify(tree(tmp_path, files)).evidence == (
        "/proc/cpuinfo: flag hypervisor",
        "/sys/class/dmi/id/sys_vendor: Amazon EC2",
        "/sys/class/dmi/id/product_name: m5.large",
    )


CAPTURED = {
    "hwloc-32intel64-2p8co2t+8ve.tar.bz2": Identity("bare-metal"),
    "hwloc-offline-cpu0-node0.tar.bz2": Identity("bare-metal"),  # DMI: Dell PowerEdge R630
    "pcp-sysfs-numa-001.tgz": Identity("vm", "KVM"),  # neither cpuinfo nor DMI: kvm-clock
    # By its name a guest of VMware. Its files show an Opteron with ATI's and AMD's own bridges, no
    # flag and no device of VMware; `lscpu --sysroot` names no hypervisor either.
    "ul-vmware_fpe.tar.gz": Identity("bare-metal"),
    "ul-x86_64-epyc_7451.tar.gz": Identity("bare-metal"),
}


@pytest.mark.needs_data(CAPTURES)
@pytest.mark.parametrize("archive", CAPTURED)
def test_captured_hosts(captured: Callable[[str], HostTree], archive: str) -> None:
    found = identify(captured(archive))
    assert (found.machine, found.hypervisor, found.cloud, found.container) == (
        CAPTURED[archive].machine,
        CAPTURED[archive].hypervisor,
        "",
        "",
    )


def test_this_machine_agrees_with_its_own_flag() -> None:
    found = identify(HostTree())
    if " hypervisor" in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        assert found.machine == "vm"
    assert found.summary
    assert all(": " in line for line in found.evidence)
