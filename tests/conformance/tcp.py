"""TCP among the transports: a publication that listens on the loopback interface."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tests.conformance.connections import CuttingProxy
from tests.conformance.relay import Relay
from tests.conformance.transport import HELD_BYTES, Transport

from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironpit.demo.temporary_venue import free_port

LOOPBACK = "127.0.0.1"
SESSION = "CONFORM"
HEARTBEAT_NS = 20_000_000
BACKOFF_MIN_NS = 1_000_000
BACKOFF_MAX_NS = 50_000_000
SEND_BUFFER_BYTES = 32_768
CUTS = 100
CUT_BYTES_MAX = 8_192


@dataclass
class Tcp(Transport):
    """SoupBinTCP. Whoever is cut off resumes; what the window has lost is a gap."""

    port: int
    held_bytes: int
    policy: str = "disconnect"
    behind_port: int = 0

    name = "tcp"
    gates = False
    harms: ClassVar[tuple[str, ...]] = ("cuts",)
    frame_bytes_max: ClassVar[int] = 4_096

    @classmethod
    def fresh(cls, directory: Path, held_bytes: int = HELD_BYTES) -> Self:
        return cls(free_port(), held_bytes)

    def publication(self) -> PublicationEnd:
        listener = socket.create_server((LOOPBACK, self.port))
        # Little in the kernel, so that a slow reader is soon behind; connections inherit it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listener.setblocking(False)
        publication = TcpPublication(
            listener.fileno(),
            SESSION,
            window_bytes=self.held_bytes,
            queue_bytes=self.held_bytes // 2,
            policy=self.policy,
            frame_bytes_max=self.frame_bytes_max,
            heartbeat_ns=HEARTBEAT_NS,
        )
        self._listener = listener  # open as long as the transport
        return publication

    def subscription(self, from_: int = 1) -> SubscriptionEnd:
        return TcpSubscription(
            LOOPBACK,
            self.behind_port or self.port,
            sequence=from_,
            session=SESSION,
            heartbeat_ns=HEARTBEAT_NS,
            backoff_min_ns=BACKOFF_MIN_NS,
            backoff_max_ns=BACKOFF_MAX_NS,
        )

    def relay(self, harm: str) -> Relay:
        self.behind_port = free_port()
        listen, target = (LOOPBACK, self.behind_port), (LOOPBACK, self.port)
        return CuttingProxy(listen, target, seed=7, cuts_max=CUTS, bytes_max=CUT_BYTES_MAX)


@dataclass
class TcpConflated(Tcp):
    """A reader that is too slow stays connected and skips to what is new."""

    policy: str = "conflate"

    name = "tcp-conflated"
    harms = ()
