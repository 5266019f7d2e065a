"""Multicast among the transports: one group on the loopback interface, and a re-request server."""

import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.conformance.datagrams import BUFFER_BYTES, LOOPBACK, DatagramRelay
from tests.conformance.harm import Harm
from tests.conformance.relay import Relay
from tests.conformance.transport import HELD_BYTES, SESSION, Transport

from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironpit.config.scalars import Endpoint
from ironpit.demo.temporary_venue import free_port
from ironpit.transport.ends import Where
from ironpit.transport.multicast import Group

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
        options = {
            "heartbeat_ns": HEARTBEAT_NS,
            "window_bytes": self.held_bytes,
            "rate": REQUESTS_PER_S,
            "burst": REQUESTS_PER_S,
        }
        end: PublicationEnd = self.publish(self._where(self.group, self.server_port, options)).end
        return end

    def _where(self, group: str, server_port: int, options: dict[str, Any]) -> Where:
        return Where(
            "multicast",
            "stream",
            groups=(Group(Endpoint(group, self.port), LOOPBACK),),
            session=SESSION,
            options={"rerequest": Endpoint(LOOPBACK, server_port), **options},
        )

    def subscription(self, from_: int = 1) -> SubscriptionEnd:
        return self._subscription(from_, BUFFER_BYTES)

    def bounded(self) -> SubscriptionEnd:
        return self._subscription(1, SMALL_BUFFER_BYTES)

    def _subscription(self, from_: int, buffer_bytes: int) -> SubscriptionEnd:
        options = {"give_up_ns": GIVE_UP_NS, "buffer_bytes": buffer_bytes}
        group, server_port = self.behind_group or self.group, self.behind_server_port
        return self.subscribe(self._where(group, server_port or self.server_port, options), from_)

    def relay(self, harm: str) -> Relay:
        behind = type(self).fresh(Path())
        self.behind_group, self.behind_server_port = behind.group, behind.server_port
        return DatagramRelay(
            HARMS[harm],
            ((self.group, self.port), (behind.group, self.port)),
            ((LOOPBACK, self.server_port), (LOOPBACK, behind.server_port)),
        )
