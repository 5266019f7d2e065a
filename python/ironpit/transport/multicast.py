"""Opens the sockets of multicast streams, and both ends on them."""

import fcntl
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from ironcore.messaging.multicast.publication import MulticastPublication
from ironcore.messaging.multicast.subscription import MulticastSubscription
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.net.af_xdp.receive import XdpFeedReceiver
from ironcore.net.af_xdp.send import XdpFeedSender
from ironpit.config.scalars import Endpoint
from ironpit.transport import af_xdp
from ironpit.transport.af_xdp import BY_KERNEL, Counters, Truth, Wish, XdpRefusedError, in_memory

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


class Closeable(Protocol):
    """What an end uses and gives back: sockets, and XDP programs with theirs."""

    def close(self) -> None: ...


class MulticastError(Exception):
    """A socket cannot be opened as asked; the text says which address, and what was refused. part:
    "a", "b" or "rerequest", where it is one of them."""

    def __init__(self, text: str, part: str = "") -> None:
        super().__init__(text)
        self.part = part


@dataclass(frozen=True)
class Group:
    """Where one feed's datagrams go, and by which interface (its IPv4 address or its name)."""

    address: Endpoint
    interface: str
    xdp: Wish = BY_KERNEL

    def __str__(self) -> str:
        return f"group {self.address} on {self.interface}"


@dataclass
class Opened(Generic[End]):
    """One end of a stream with the sockets that it uses, what the host did not grant, and how its
    feeds are carried where more than the kernel's path was asked for."""

    end: End
    sockets: list[Closeable]
    notes: list[str] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)

    @property
    def plain(self) -> list[socket.socket]:
        """The sockets of the kernel's among them."""
        return [sock for sock in self.sockets if isinstance(sock, socket.socket)]

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


@contextmanager
def _socket_to_set_up() -> Iterator[socket.socket]:
    """A datagram socket, which is closed again when the host refuses what is done with it."""
    sock = datagram_socket()
    try:
        yield sock
    except OSError:
        sock.close()
        raise


def open_sender(group: Group, *, ttl: int = 0, loop: bool = True) -> socket.socket:
    """A socket connected to the group. ttl: routers that datagrams may pass, 0 keeps them on this
    host; loop: whether subscribers on this host get them as well. OSError: refused, no route."""
    with _socket_to_set_up() as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, int(loop))
        interface = socket.inet_aton(interface_address(group.interface))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        sock.connect((group.address.address, group.address.port))
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
        f"receive buffer: found {granted_bytes} bytes, expected {wanted_bytes}: net.core.rmem_max "
        "is the limit for a process without CAP_NET_ADMIN"
    )


def open_receiver(group: Group, *, stamps: bool = False) -> socket.socket:
    """A bound socket that has joined the group and is told of drops and, with `stamps`, of arrival
    times. OSError: refused."""
    with _socket_to_set_up() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        if stamps:
            try:
                wanted = RX_HARDWARE | RX_SOFTWARE | SOFTWARE | RAW_HARDWARE
                sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, wanted)
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
        return sock


def open_request_server(listen: Endpoint) -> socket.socket:
    """A bound socket on which re-requests arrive. OSError: refused."""
    with _socket_to_set_up() as sock:
        sock.bind((listen.address, listen.port))
        return sock


def open_requester(server: Endpoint) -> socket.socket:
    """A socket connected to a re-request server. OSError: no route."""
    with _socket_to_set_up() as sock:
        sock.connect((server.address, server.port))
        return sock


class _Sockets(list[Closeable]):
    """The sockets of one end, opened one after another."""

    def close(self) -> None:
        """All that were opened so far."""
        for opened in self:
            opened.close()

    def open(self, what: str, make: Callable[[], socket.socket], part: str = "") -> socket.socket:
        """One more. MulticastError: refused, and those before it are closed."""
        try:
            opened = make()
        except OSError as error:
            self.close()
            raise MulticastError(f"{what}: {error.strerror}", part) from error
        self.append(opened)
        return opened


@dataclass
class Bypass:
    """What sends in the place of the sockets of one publication's feeds."""

    senders: list[XdpFeedSender | None]
    sockets: list[Closeable]
    truths: list[Truth]


def open_bypass(
    feeds: Sequence[tuple[Group, socket.socket]],
    *,
    ttl: int,
    loop: bool,
    name: str = "publication",
    kept: Counters = in_memory,
) -> Bypass:
    """AF_XDP for the feeds that ask for it. name, kept: of their counters, and who makes them.
    XdpRefusedError, whose text names the group."""
    opener = af_xdp.Senders()
    found = Bypass([], [], [])
    for feed, (group, sock) in zip("ab", feeds, strict=False):
        try:
            sender, truth = opener.open(
                group.address,
                group.interface,
                group.xdp,
                sock,
                ttl=ttl,
                loop=loop,
                name=f"{name}-{feed}",
                counters=kept,
            )
        except XdpRefusedError as error:
            for opened in opener.sockets.values():
                opened.close()
            raise XdpRefusedError(f"{group}: send: {error}") from error
        found.senders.append(sender)
        found.truths += [truth] if truth is not None else []
    found.sockets += opener.sockets.values()
    return found


def publish(
    session: str,
    *groups: Group,
    ttl: int = 0,
    loop: bool = True,
    rerequest: Endpoint | None = None,
    without: Callable[[str, Group, OSError], None] | None = None,
    name: str = "publication",
    kept: Counters = in_memory,
    **options: Any,
) -> Opened[MulticastPublication]:
    """A publication to up to two groups, with a re-request server at `rerequest`.

    without: told of a group ("a" or "b") that the host has no way to, which is then left out;
    re-requests are answered all the same. name, kept: of the counters of feeds that ask for AF_XDP,
    and who makes them. options: as MulticastPublication takes them. MulticastError: refused.
    """
    sockets = _Sockets()
    senders = []
    for feed, group in zip("ab", groups, strict=False):
        try:
            sender = open_sender(group, ttl=ttl, loop=loop)
        except OSError as error:
            if without is None:
                sockets.close()
                raise MulticastError(f"{group}: {error.strerror}", feed) from error
            without(feed, group, error)
        else:
            sockets.append(sender)
            senders.append((group, sender))
    if rerequest is not None:
        server = sockets.open(
            f"re-requests at {rerequest}", partial(open_request_server, rerequest), "rerequest"
        )
        options["request_fd"] = server.fileno()
    try:
        bypass = open_bypass(senders, ttl=ttl, loop=loop, name=name, kept=kept)
    except XdpRefusedError as error:
        sockets.close()
        raise MulticastError(str(error)) from error
    sockets += bypass.sockets
    feeds = [sender.fileno() for _, sender in senders]
    end = MulticastPublication(feeds, session, xdp=bypass.senders, owner=sockets, **options)
    return Opened(end, sockets, truths=bypass.truths)


def subscribe(
    *groups: Group,
    rerequest: Endpoint | None = None,
    buffer_bytes: int = RECEIVE_BUFFER_BYTES,
    stamps: bool = False,
    name: str = "subscription",
    kept: Counters = in_memory,
    **options: Any,
) -> Opened[MulticastSubscription]:
    """A subscription to up to two groups, which asks `rerequest` for what it lost.

    stamps: whether it is told when packets arrived (`received_ns`), by the card where it can; that
    costs every packet a little. name, kept: of the counters of feeds that ask for AF_XDP, and who
    makes them. options: as MulticastSubscription takes them. MulticastError: refused.
    """
    sockets = _Sockets()
    feeds = [-1, -1]
    receivers: list[XdpFeedReceiver | None] = [None, None]
    notes: list[str] = []
    truths: list[Truth] = []
    for n, group in enumerate(groups):
        feed = sockets.open(str(group), partial(open_receiver, group, stamps=stamps))
        if note := grow_receive_buffer(feed, buffer_bytes):
            notes.append(f"{group}: {note}")
        feeds[n] = feed.fileno()
        try:
            receivers[n], truth = af_xdp.open_receiver(
                group.address, group.interface, group.xdp, name=f"{name}-{'ab'[n]}", counters=kept
            )
        except XdpRefusedError as error:
            sockets.close()
            raise MulticastError(f"{group}: receive: {error}") from error
        sockets += [receiver for receiver in receivers[n : n + 1] if receiver is not None]
        truths += [truth] if truth is not None else []
    if rerequest is not None:
        requester = partial(open_requester, rerequest)
        client = sockets.open(f"re-request server {rerequest}", requester)
        options["rerequest"] = client.fileno()
    end = MulticastSubscription(*feeds, stamps=stamps, xdp=receivers, owner=sockets, **options)
    return Opened(end, sockets, notes, truths)
