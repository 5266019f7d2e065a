"""What this host has of the addresses that streams name: asked of the kernel, nothing is sent."""

import errno
import socket

from ironpit.transport.multicast import Group, interface_address, open_sender


def is_local(address: str) -> bool:
    """Whether this IPv4 address, or the unspecified one, is one of this host's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True


def no_way(group: Group) -> str:
    """Why datagrams cannot go to the group by its interface, "" when they can."""
    try:
        open_sender(group).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def interface_of(group: Group) -> str:
    """The address of the group's interface, or its name when this host has none of that name."""
    try:
        return interface_address(group.interface)
    except OSError:
        return group.interface
