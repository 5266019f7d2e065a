"""A relay for datagrams: from one multicast group to another, and between the ends of requests."""

import socket
import struct
from collections.abc import Callable

from tests.conformance.harm import Channel, Harm
from tests.conformance.relay import Relay

LOOPBACK = "127.0.0.1"
BUFFER_BYTES = 32 << 20
DATAGRAM_BYTES_MAX = 65_536
SO_RCVBUFFORCE = 33
IP_MULTICAST_ALL = 49

Address = tuple[str, int]


def sender_to(group: Address) -> socket.socket:
    """Connected to a group on the loopback interface."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LOOPBACK))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
    sock.connect(group)
    sock.setblocking(False)
    return sock


def receiver_of(group: Address, buffer_bytes: int = BUFFER_BYTES) -> socket.socket:
    """Joined to a group on the loopback interface."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    sock.bind(group)
    sock.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
    membership = struct.pack("4s4s", socket.inet_aton(group[0]), socket.inet_aton(LOOPBACK))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    sock.setblocking(False)
    return sock


def unicast(bound: Address = (LOOPBACK, 0), connected: Address | None = None) -> socket.socket:
    """A socket for requests, or for answers to them."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(bound)
    if connected is not None:
        sock.connect(connected)
    sock.setblocking(False)
    return sock


class DatagramRelay(Relay):
    """Group to group with the harm; requests and answers with it as well."""

    def __init__(
        self, harm: Harm, groups: tuple[Address, Address], servers: tuple[Address, Address]
    ) -> None:
        self.group = receiver_of(groups[0])
        self.onwards = sender_to(groups[1])
        self.server = unicast(connected=servers[0])
        self.client_side = unicast(servers[1])
        self.client: Address | None = None
        self.sockets = (self.group, self.server, self.client_side, self.onwards)
        sends: list[Callable[[bytes], object]] = [
            self.onwards.send,
            self._to_client,
            self.server.send,
        ]
        self.channels = [Channel(harm, harm.seed + n, send) for n, send in enumerate(sends)]

    @property
    def harmed(self) -> int:
        return sum(channel.harmed for channel in self.channels)

    def turn(self) -> int:
        work = 0
        for sock, channel in zip(self.sockets, self.channels, strict=False):
            while True:
                try:
                    packet, address = sock.recvfrom(DATAGRAM_BYTES_MAX)
                except (BlockingIOError, ConnectionRefusedError):
                    break
                if sock is self.client_side:
                    self.client = address
                channel.carry(packet)
                work += 1
        if not work:
            for channel in self.channels:
                channel.release()
        return work

    def _to_client(self, packet: bytes) -> None:
        if self.client is not None:
            self.client_side.sendto(packet, self.client)

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()
