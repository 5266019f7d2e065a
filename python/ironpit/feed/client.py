"""A subscriber to a venue's market data: ITCH 5.0 over MoldUDP64 multicast, gaps filled."""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import psutil

from ironcore.runtime.feed import Feed
from ironpit.config import Endpoint
from ironpit.feed.books import Books

RECEIVE_BUFFER_BYTES = 64 << 20
SO_RCVBUFFORCE = 33  # Linux: beyond net.core.rmem_max, for those with CAP_NET_ADMIN
IP_MULTICAST_ALL = 49  # Linux: 0 keeps out what other sockets of this host have joined
POLL_S = 0.01


class FeedError(Exception):
    """The stream cannot be received; the text says what was refused."""


def address_of(interface: str) -> str:
    """The IPv4 address of an interface given by address or name; FeedError when it has none."""
    if interface[0].isdigit():
        return interface
    for address in psutil.net_if_addrs().get(interface, []):
        if address.family == socket.AF_INET:
            return str(address.address)
    raise FeedError(f"interface {interface}: found none with an IPv4 address")


def open_multicast(group: Endpoint, interface: str, buffer_bytes: int) -> socket.socket:
    """A bound socket that has joined the group; FeedError."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)
        except OSError:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        receiver.bind((group.address, group.port))
        receiver.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        membership = struct.pack(
            "4s4s", socket.inet_aton(group.address), socket.inet_aton(address_of(interface))
        )
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except OSError as error:
        receiver.close()
        raise FeedError(f"group {group} on {interface}: {error.strerror}") from error
    return receiver


class FeedClient:
    """Receives on a thread of its own from `start` to `stop`; `books` may be read at any time.

    with FeedClient(group, "127.0.0.1", rerequest=server) as feed:
        bids, asks = feed.books.depth("BTCUSD")

    group: None on a host without multicast: the whole stream is then asked for from the re-request
    server, which `session` has to name the stream to. record: a file that gets every message in
    sequence, length-framed. expected: the sequence number to start from; what was sent before is
    asked for from the re-request server.
    """

    def __init__(
        self,
        group: Endpoint | None,
        interface: str,
        *,
        rerequest: Endpoint | None = None,
        record: Path | None = None,
        expected: int = 1,
        session: str = "",
        buffer_bytes: int = RECEIVE_BUFFER_BYTES,
    ) -> None:
        self.books = Books()
        if group is None and (rerequest is None or not session):
            raise FeedError("no multicast group, and no re-request server and session instead")
        self._multicast: socket.socket | None = None
        if group is not None:
            self._multicast = open_multicast(group, interface, buffer_bytes)
        self._rerequest: socket.socket | None = None
        self._record = -1
        self._stopped = False
        try:
            if rerequest is not None:
                self._rerequest = socket.socket(
                    socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
                )
                self._rerequest.connect((rerequest.address, rerequest.port))
            if record is not None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._record = os.open(record, flags, 0o644)
        except OSError as error:
            self._close_sockets()
            raise FeedError(f"{record or rerequest}: {error.strerror}") from error
        self.feed = Feed(
            self.books.builder,
            self._multicast.fileno() if self._multicast is not None else -1,
            self._rerequest.fileno() if self._rerequest is not None else -1,
            record=self._record,
            expected=expected,
            session=session,
        )
        self._thread = threading.Thread(target=self.feed.run, name="feed", daemon=True)

    def start(self) -> "FeedClient":
        """Begin to receive."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take in what has arrived, then close everything."""
        self.feed.stop()
        if self._thread.is_alive():
            self._thread.join()
        if not self._stopped:
            self._stopped = True
            self._close_sockets()

    def _close_sockets(self) -> None:
        for opened in (self._multicast, self._rerequest):
            if opened is not None:
                opened.close()
        if self._record >= 0:
            os.close(self._record)
            self._record = -1

    def __enter__(self) -> "FeedClient":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """False once the session has ended or recording has failed."""
        return self._thread.is_alive()

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait for a condition on this feed; whether it came true in time."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(POLL_S)
        return True

    def counts(self) -> dict[str, int]:
        """Of the receiver and of the books together."""
        return {**self.feed.counts(), **self.books.counts(), "next": self.feed.next_sequence}
