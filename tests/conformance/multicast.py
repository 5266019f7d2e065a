"""Multicast among the transports: one group on the loopback interface, and a re-request server."""

import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.conformance.datagrams import (
    BUFFER_BYTES,
    LOOPBACK,
    Address,
    DatagramRelay,
    receiver_of,
    sender_to,
    unicast,
)
from tests.conformance.harm import Harm
from tests.conformance.relay import Relay
from tests.conformance.transport import HELD_BYTES, Transport

from ironcore.messaging.multicast.publication import MulticastPublication
from ironcore.messaging.multicast.subscription import MulticastSubscription
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironpit.demo.temporary_venue import free_port

SESSION = "CONFORM"
HEARTBEAT_NS = 20_000_000
GIVE_UP_NS = 300_000_000
SMALL_BUFFER_BYTES = 8_192
REQUESTS_PER_S = 100_000

HARMS = {
    "loss": Harm(loss=10),
    "bursts": Harm(loss=30, burst_packets=20),
    "duplication": Harm(duplicated=20),
    "reordering": Harm(reordered=20),
    "everything": Harm(loss=10, burst_packets=3, duplicated=10, reordered=10),
}


@dataclass
class Multicast(Transport):
    """MoldUDP64. What the network loses is asked for; what the window has lost is a gap."""

    group: str
    port: int
    server_port: int
    held_bytes: int
    behind_group: str = ""
    behind_server_port: int = 0

    name = "multicast"
    gates = False
    harms = tuple(HARMS)
    gap_counters = ("losses", "lost_frames")
    # A packet of 1,420 bytes with MoldUDP64's header of 20 and a message block's of 2.
    frame_bytes_max = 1_398

    @classmethod
    def fresh(cls, directory: Path, held_bytes: int = HELD_BYTES) -> Self:
        group = f"239.192.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
        return cls(group, free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM), held_bytes)

    def publication(self) -> PublicationEnd:
        feed = sender_to((self.group, self.port))
        server = unicast((LOOPBACK, self.server_port))
        return MulticastPublication(
            [feed.fileno()],
            SESSION,
            request_fd=server.fileno(),
            heartbeat_ns=HEARTBEAT_NS,
            window_bytes=self.held_bytes,
            rate=REQUESTS_PER_S,
            burst=REQUESTS_PER_S,
            owner=(feed, server),
        )

    def subscription(self, from_: int = 1) -> SubscriptionEnd:
        return self._subscription(from_, BUFFER_BYTES)

    def bounded(self) -> SubscriptionEnd:
        return self._subscription(1, SMALL_BUFFER_BYTES)

    def _subscription(self, from_: int, buffer_bytes: int) -> SubscriptionEnd:
        group: Address = (self.behind_group or self.group, self.port)
        feed = receiver_of(group, buffer_bytes)
        client = unicast(connected=(LOOPBACK, self.behind_server_port or self.server_port))
        return MulticastSubscription(
            feed.fileno(),
            rerequest=client.fileno(),
            session=SESSION,
            expected=from_,
            give_up_ns=GIVE_UP_NS,
            owner=(feed, client),
        )

    def relay(self, harm: str) -> Relay:
        behind = type(self).fresh(Path())
        self.behind_group, self.behind_server_port = behind.group, behind.server_port
        return DatagramRelay(
            HARMS[harm],
            ((self.group, self.port), (behind.group, self.port)),
            ((LOOPBACK, self.server_port), (LOOPBACK, behind.server_port)),
        )
