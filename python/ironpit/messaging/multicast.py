"""Opens the sockets of multicast streams, and both ends on them."""

import fcntl
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, TypeVar

from ironcore.messaging.multicast_publication import MulticastPublication
from ironcore.messaging.multicast_subscription import MulticastSubscription
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironpit.config.scalars import Endpoint

RECEIVE_BUFFER_BYTES = 64 << 20

# Linux (asm-generic/socket.h, linux/in.h); Python's socket module does not name them.
SIOCGIFADDR = 0x8915
SO_RCVBUFFORCE = 33  # beyond net.core.rmem_max, for those with CAP_NET_ADMIN
SO_TIMESTAMPNS = 35
SO_TIMESTAMPING = 37
SO_RXQ_OVFL = 40
IP_MULTICAST_ALL = 49  # 0 keeps out what other sockets of this host have joined
# SOF_TIMESTAMPING_*: the card's stamps where it makes any, and the kernel's.
RX_HARDWARE, RX_SOFTWARE, SOFTWARE, RAW_HARDWARE = 1 << 2, 1 << 3, 1 << 4, 1 << 6

End = TypeVar("End", bound=PublicationEnd | SubscriptionEnd)


class MulticastError(Exception):
    """A socket cannot be opened as asked; the text says which address, and what was refused."""


@dataclass(frozen=True)
class Group:
    """Where one feed's datagrams go, and by which interface (its IPv4 address or its name)."""

    address: Endpoint
    interface: str

    def __str__(self) -> str:
        return f"group {self.address} on {self.interface}"


@dataclass
class Opened(Generic[End]):
    """One end of a stream with the sockets that it uses, and what the host did not grant."""

    end: End
    sockets: list[socket.socket]
    notes: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Close the sockets. The end is not to be used any more."""
        for opened in self.sockets:
            opened.close()

    def __enter__(self) -> "Opened[End]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def interface_address(interface: str) -> str:
    """The IPv4 address of an interface given by name, or the address itself. OSError: none."""
    try:
        socket.inet_aton(interface)
    except OSError:
        request = struct.pack("16s240x", interface.encode()[:15])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            reply = fcntl.ioctl(sock.fileno(), SIOCGIFADDR, request)
        return socket.inet_ntoa(reply[20:24])
    return interface


def datagram_socket() -> socket.socket:
    """A non-blocking UDP socket."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    sock.setblocking(False)
    return sock


def open_sender(group: Group, *, ttl: int = 0, loop: bool = True) -> socket.socket:
    """A socket connected to the group. ttl: routers that datagrams may pass, 0 keeps them on this
    host; loop: whether subscribers on this host get them as well. OSError: refused, no route."""
    sock = datagram_socket()
    try:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, int(loop))
        interface = socket.inet_aton(interface_address(group.interface))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        sock.connect((group.address.address, group.address.port))
    except OSError:
        sock.close()
        raise
    return sock


def grow_receive_buffer(sock: socket.socket, wanted_bytes: int) -> str:
    """Ask for a receive buffer; empty, or what the kernel granted instead."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, wanted_bytes)
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted_bytes)
    # The kernel doubles what is asked for, to have room for its own headers (socket(7)).
    granted_bytes = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    if granted_bytes >= wanted_bytes:
        return ""
    return (
        f"receive buffer: {granted_bytes} bytes instead of {wanted_bytes}; "
        "net.core.rmem_max is the limit of those without CAP_NET_ADMIN"
    )


def open_receiver(
    group: Group, *, buffer_bytes: int = RECEIVE_BUFFER_BYTES
) -> tuple[socket.socket, str]:
    """A bound socket that has joined the group and is told of drops and arrival times, and what
    the kernel said of its buffer (empty: granted). OSError: refused."""
    sock = datagram_socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        note = grow_receive_buffer(sock, buffer_bytes)
        sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        try:
            stamps = RX_HARDWARE | RX_SOFTWARE | SOFTWARE | RAW_HARDWARE
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, stamps)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.bind((group.address.address, group.address.port))
        sock.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        membership = struct.pack(
            "4s4s",
            socket.inet_aton(group.address.address),
            socket.inet_aton(interface_address(group.interface)),
        )
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except OSError:
        sock.close()
        raise
    return sock, note


def open_request_server(listen: Endpoint) -> socket.socket:
    """A bound socket on which re-requests arrive. OSError: refused."""
    sock = datagram_socket()
    try:
        sock.bind((listen.address, listen.port))
    except OSError:
        sock.close()
        raise
    return sock


def open_requester(server: Endpoint) -> socket.socket:
    """A socket connected to a re-request server. OSError: no route."""
    sock = datagram_socket()
    try:
        sock.connect((server.address, server.port))
    except OSError:
        sock.close()
        raise
    return sock


def publish(
    session: str,
    *groups: Group,
    ttl: int = 0,
    loop: bool = True,
    rerequest: Endpoint | None = None,
    **options: Any,
) -> Opened[MulticastPublication]:
    """A publication to up to two groups, with a re-request server at `rerequest`.

    options: as MulticastPublication takes them. MulticastError: refused.
    """
    sockets: list[socket.socket] = []
    what: object = ""
    try:
        for what in groups:
            sockets.append(open_sender(what, ttl=ttl, loop=loop))
        feeds = [sock.fileno() for sock in sockets]
        if rerequest is not None:
            what = f"re-requests at {rerequest}"
            sockets.append(open_request_server(rerequest))
            options["request_fd"] = sockets[-1].fileno()
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise MulticastError(f"{what}: {error.strerror}") from error
    return Opened(MulticastPublication(feeds, session, owner=sockets, **options), sockets)


def subscribe(
    *groups: Group,
    rerequest: Endpoint | None = None,
    buffer_bytes: int = RECEIVE_BUFFER_BYTES,
    **options: Any,
) -> Opened[MulticastSubscription]:
    """A subscription to up to two groups, which asks `rerequest` for what it lost.

    options: as MulticastSubscription takes them. MulticastError: refused.
    """
    sockets: list[socket.socket] = []
    notes = []
    what: object = ""
    try:
        for what in groups:
            sock, note = open_receiver(what, buffer_bytes=buffer_bytes)
            sockets.append(sock)
            notes += [f"{what}: {note}"] if note else []
        feeds = [sock.fileno() for sock in sockets] + [-1, -1]
        if rerequest is not None:
            what = f"re-request server {rerequest}"
            sockets.append(open_requester(rerequest))
            options["rerequest"] = sockets[-1].fileno()
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise MulticastError(f"{what}: {error.strerror}") from error
    return Opened(MulticastSubscription(*feeds[:2], owner=sockets, **options), sockets, notes)
