"""Both ends of a TCP stream in one thread, and a raw SoupBinTCP client, for the tests."""

import socket
import time
from collections.abc import Callable
from typing import Any

from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironcore.wire import soupbin
from ironpit.config import Endpoint
from ironpit.transport.tcp import listen

MS = 1_000_000
DEADLINE_S = 30.0


class Server:
    """A publication on a port of this host."""

    def __init__(self, port: int = 0, **settings: Any) -> None:
        self.listener = listen(Endpoint("127.0.0.1", port), "test")
        self.port = int(self.listener.getsockname()[1])
        settings.setdefault("window_bytes", 1 << 16)
        settings.setdefault("queue_bytes", settings["window_bytes"])
        self.publication = TcpPublication(self.listener.fileno(), "VENUE", **settings)

    def reader(self, name: str = "", **settings: Any) -> TcpSubscription:
        """A subscription to it."""
        settings.setdefault("backoff_min_ns", MS)
        settings.setdefault("backoff_max_ns", 10 * MS)
        return TcpSubscription("127.0.0.1", self.port, name, **settings)

    @property
    def counts(self) -> dict[str, int]:
        return self.publication.counters.snapshot()

    def close(self) -> None:
        self.publication.close()
        self.listener.close()


class Seen:
    """What a subscription has handed over: frames by number, gaps, and the last result."""

    def __init__(self, subscription: SubscriptionEnd) -> None:
        self.subscription = subscription
        self.frames: list[tuple[int, bytes]] = []
        self.gaps: list[tuple[int, int]] = []
        self.last = 0

    def poll(self, batch_max: int = 256) -> int:
        self.last = self.subscription.poll(
            lambda sequence, frame: self.frames.append((sequence, frame)),
            batch_max,
            on_gap=lambda first, count: self.gaps.append((first, count)),
        )
        return self.last

    @property
    def counts(self) -> dict[str, int]:
        return self.subscription.counters.snapshot()


class RawReader:
    """A SoupBinTCP client that reads when it is told to."""

    def __init__(self, port: int, buffer_bytes: int = 0) -> None:
        self.sock = socket.socket()
        if buffer_bytes:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.received = b""
        self.closed = False

    def send(self, kind: str, **fields: Any) -> None:
        self.sock.sendall(soupbin.encode(kind, **fields))

    def login(self, username: str = "RAW", sequence: int = 1, session: str = "") -> None:
        self.send(
            "LoginRequest",
            username=username,
            password="",
            requested_session=session,
            requested_sequence=sequence,
        )

    def read(self, bytes_max: int = 1 << 20) -> None:
        try:
            data = self.sock.recv(bytes_max)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        self.closed = self.closed or not data
        self.received += data

    def packets(self) -> list[tuple[str, bytes]]:
        """The whole packets received so far."""
        found, offset = [], 0
        while (packet := soupbin.next_packet(self.received, offset)) is not None:
            found.append(packet[:2])
            offset = packet[2]
        return found


def until(condition: Callable[[], object], *steps: Callable[[], object]) -> None:
    """Take the steps, again and again, until the condition holds."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come true in time"
        for step in steps:
            step()


def offer_all(publication: PublicationEnd, frames: list[bytes]) -> None:
    for frame in frames:
        assert publication.offer(frame) == 0
