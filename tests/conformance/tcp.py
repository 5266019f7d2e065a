"""TCP among the transports: a publication that listens on the loopback interface."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.conformance.connections import CuttingProxy
from tests.conformance.relay import Relay
from tests.conformance.transport import HELD_BYTES, SESSION, Transport

from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironpit.config.scalars import Endpoint
from ironpit.demo.temporary_venue import free_port
from ironpit.transport.ends import Where

LOOPBACK = "127.0.0.1"
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
        options = {
            "window_bytes": self.held_bytes,
            "queue_bytes": self.held_bytes // 2,
            "policy": self.policy,
            "frame_bytes_max": self.frame_bytes_max,
            "heartbeat_ns": HEARTBEAT_NS,
        }
        opened = self.publish(self._where(self.port, options))
        # Little in the kernel, so that a slow reader is soon behind; connections inherit it.
        for listener in opened.plain:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        end: PublicationEnd = opened.end
        return end

    def _where(self, port: int, options: dict[str, Any]) -> Where:
        endpoint = Endpoint(LOOPBACK, port)
        return Where("tcp", "stream", endpoint=endpoint, session=SESSION, options=options)

    def subscription(self, from_: int = 1) -> SubscriptionEnd:
        options = {
            "sequence": from_,
            "heartbeat_ns": HEARTBEAT_NS,
            "backoff_min_ns": BACKOFF_MIN_NS,
            "backoff_max_ns": BACKOFF_MAX_NS,
        }
        return self.subscribe(self._where(self.behind_port or self.port, options), from_)

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
