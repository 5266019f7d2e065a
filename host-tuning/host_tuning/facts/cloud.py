"""Which cloud a host is in, and as what instance, by the rules of cloud-init's ds-identify.

A maker's name is not a cloud: "Microsoft Corporation" is any Hyper-V, "Oracle Corporation" is also
on servers that anybody can buy. Only what a cloud writes itself counts.
"""

from dataclasses import dataclass
from typing import Any

from host_tuning.facts.tree import HostTree

DMI = "/sys/class/dmi/id"
INSTANCE_DATA = "/run/cloud-init/instance-data.json"

# (field, what it begins with, cloud), in the order in which they are asked.
RULES = (
    ("sys_vendor", "Amazon EC2", "AWS"),
    ("bios_vendor", "Amazon EC2", "AWS"),
    ("product_name", "Google Compute Engine", "GCP"),
    ("product_serial", "GoogleCloud-", "GCP"),
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", "Azure"),
    ("chassis_asset_tag", "OracleCloud.com", "Oracle Cloud"),
    ("product_name", "Alibaba Cloud ECS", "Alibaba Cloud"),
    ("sys_vendor", "DigitalOcean", "DigitalOcean"),
    ("sys_vendor", "Hetzner", "Hetzner"),
    ("sys_vendor", "UpCloud", "UpCloud"),
    ("sys_vendor", "Scaleway", "Scaleway"),
    ("product_name", "OpenStack Nova", "OpenStack"),
    ("product_name", "OpenStack Compute", "OpenStack"),
)
CLOUD_INIT_NAMES = {
    "aws": "AWS",
    "gce": "GCP",
    "azure": "Azure",
    "oracle": "Oracle Cloud",
    "aliyun": "Alibaba Cloud",
    "digitalocean": "DigitalOcean",
    "hetzner": "Hetzner",
    "upcloud": "UpCloud",
    "scaleway": "Scaleway",
    "openstack": "OpenStack",
}


@dataclass(frozen=True, slots=True)
class Cloud:
    """The cloud's name, the instance's type, both empty where no file says so, and evidence."""

    name: str = ""
    instance_type: str = ""
    evidence: tuple[str, ...] = ()


def _by_files(tree: HostTree) -> tuple[str, str]:
    for field, start, cloud in RULES:
        reading = tree.read(f"{DMI}/{field}")
        if reading.value.startswith(start):
            return cloud, f"{reading.path}: {reading.value}"
    uuid = tree.read("/sys/hypervisor/uuid")
    if uuid.value.startswith("ec2"):
        return "AWS", f"{uuid.path}: {uuid.value}"
    product = tree.read(f"{DMI}/product_uuid")
    serial = tree.read(f"{DMI}/product_serial")
    if product.value.lower().startswith("ec2") and serial.value.lower() == product.value.lower():
        return "AWS", f"{product.path}: {product.value}, and the same serial"
    return "", ""


def _inside(document: Any, *keys: str) -> str:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, str) else ""


def _by_cloud_init(tree: HostTree) -> tuple[str, str]:
    reading = tree.read(INSTANCE_DATA)
    if not reading.ok:
        return "", ""
    import json  # a few milliseconds that only a host with cloud-init pays for

    try:
        document = json.loads(reading.text)
    except ValueError:
        return "", ""
    name = CLOUD_INIT_NAMES.get(_inside(document, "v1", "cloud_name"), "")
    places = (
        ("ds", "meta_data", "instance-type"),
        ("ds", "meta_data", "instance_type"),
        ("ds", "meta_data", "imds", "compute", "vmSize"),
        ("ds", "meta_data", "shape"),
    )
    return name, next(filter(None, (_inside(document, *place) for place in places)), "")


def cloud_of(tree: HostTree) -> Cloud:
    """The cloud, as far as files prove it."""
    name, proof = _by_files(tree)
    evidence = [proof] if name else []
    told, instance_type = _by_cloud_init(tree)
    if told and not name:
        name = told
        evidence.append(f"{INSTANCE_DATA}: v1.cloud_name")
    if instance_type:
        evidence.append(f"{INSTANCE_DATA}: {instance_type}")
    elif name == "AWS":
        product = tree.read(f"{DMI}/product_name")
        # On Xen the product is "HVM domU"; an instance type has a family, a dot and a size.
        if "." in product.value and " " not in product.value:
            instance_type = product.value
            evidence.append(f"{product.path}: {product.value}")
    return Cloud(name, instance_type, tuple(evidence))
