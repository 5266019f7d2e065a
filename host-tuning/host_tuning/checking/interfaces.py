"""What the settings of interfaces have in common: their devices, and their drivers' answers.

The answers come by ioctl (nic.py), which is imported only where an interface is configured.
"""

import errno
import os
from collections.abc import Callable
from typing import TypeVar

from host_tuning.checking.findings import not_applicable, unknown
from host_tuning.common.verdict import Finding
from host_tuning.target.host import Host

NET = "/sys/class/net"
NONE_REASON = "no interface is configured (--interface or --config)"
T = TypeVar("T")


def none_configured(expected: str = "") -> Finding:
    """The finding of a setting that only judges interfaces, where there are none to judge."""
    return not_applicable(NONE_REASON, expected=expected)


def device(host: Host, name: str) -> str:
    """The directory of the bus device below an interface, empty for a virtual one.

    A virtio device has no node and no link of its own: its parent on the PCI bus has them.
    """
    path = f"{NET}/{name}/device"
    if not host.tree.exists(path):
        return ""
    return f"{path}/.." if host.tree.link(path).startswith("virtio") else path


def virtual(host: Host, name: str, expected: str = "") -> Finding:
    """The finding for an interface without a device; it names what the interface stands on."""
    lower = [
        one.removeprefix("lower_")
        for one in host.tree.names(f"{NET}/{name}")
        if one.startswith("lower_")
    ]
    advice = f"; configure {', '.join(lower)} as well" if lower else ""
    reason = f"a virtual interface: no device of a bus{advice}"
    return not_applicable(reason, name, expected=expected, paths=(f"{NET}/{name}/device",))


def ask(
    host: Host, name: str, what: str, question: Callable[[str], T], expected: str = ""
) -> T | Finding:
    """The driver's answer, or the finding that says why there is none.

    `what` names it for people. A driver that has no such thing makes it not-applicable; a capture,
    which has no driver, and any other error make it unknown.
    """
    if not host.live:
        return unknown(f"{what}: not in this capture", name, expected=expected)
    try:
        return question(name)
    except OSError as problem:
        number = problem.errno or errno.EIO
        if number == errno.EOPNOTSUPP:
            return not_applicable(f"the driver has no {what}", name, expected=expected)
        word = errno.errorcode.get(number, str(number))
        return unknown(f"{what}: {word} ({os.strerror(number)})", name, expected=expected)
