"""Goal: nobody keeps the snapshot server from others for longer than its deadlines, and a host that
is out of descriptors does not end it.

Method: a server of empty books; peers that send a byte at a time, on a clock of their own.
"""

import contextlib
import errno
import os
import socket
import threading
from collections.abc import Iterator

import pytest
from tests.unit.messaging.tcp_ends import until

from ironcore.market_data.feed_books import BookBuilder
from ironcore.wire import soupbin
from ironpit.config import Endpoint
from ironpit.market_data import snapshot_server as snapshot
from ironpit.transport.tcp import listen

LOGIN = soupbin.encode(
    "LoginRequest", username="X", password="", requested_session="", requested_sequence=1
)


class Server:
    """A snapshot server on a port of this host."""

    def __init__(self) -> None:
        self.listener = listen(Endpoint("127.0.0.1", 0), "test")
        self.place = self.listener.getsockname()
        self.said: list[str] = []
        self.server = snapshot.SnapshotServer(
            self.listener, "VENUE", BookBuilder(), say=self.said.append
        )

    @property
    def counts(self) -> dict[str, int]:
        return self.server.counters.snapshot()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.place, 10)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(snapshot, "CLOSE_TURN_S", 0.01)
    monkeypatch.setattr(snapshot, "ACCEPT_PAUSE_S", 0.001)
    server = Server()
    yield server
    server.server.close()


class Dripping:
    """A peer that sends `text` a byte at a time, one a second of a clock of its own."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def setsockopt(self, level: int, option: int, value: int) -> None:
        assert (level, option, value) == (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def settimeout(self, timeout_s: float) -> None:
        assert timeout_s > 0

    def recv(self, bytes_max: int) -> bytes:
        assert bytes_max > 0
        self.now_s += 1.0
        byte, self.text = self.text[:1], self.text[1:]
        return byte

    def sendall(self, data: bytes) -> None:
        assert data

    def shutdown(self, how: int) -> None:
        assert how == socket.SHUT_WR


@pytest.mark.parametrize(
    ("text", "count", "ended_s"),
    [(LOGIN, "no_login", 10.0), (b"\0\1R" * 1000, "served", 5.0)],
    ids=["login", "linger"],
)
def test_a_peer_that_sends_a_byte_at_a_time_is_left_at_the_deadline(
    server: Server, monkeypatch: pytest.MonkeyPatch, text: bytes, count: str, ended_s: float
) -> None:
    peer = Dripping(text)
    monkeypatch.setattr(snapshot, "time", peer)
    if count == "served":
        monkeypatch.setattr(server.server, "_login", lambda _: soupbin.decode(LOGIN))
    with contextlib.suppress(TimeoutError):
        server.server._serve(peer)  # type: ignore[arg-type]
    assert server.counts[count] == 1
    assert peer.now_s == ended_s


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ECONNABORTED])
def test_a_host_that_cannot_accept_is_asked_again(server: Server, number: int) -> None:
    class Failing:
        """A listener that fails three times."""

        def __init__(self, listener: socket.socket) -> None:
            self.listener = listener
            self.failures = [number] * 3

        def accept(self) -> object:
            if self.failures:
                failure = self.failures.pop()
                raise OSError(failure, os.strerror(failure))
            return self.listener.accept()

        def __getattr__(self, name: str) -> object:
            return getattr(self.listener, name)

    server.server.listener = Failing(server.listener)  # type: ignore[assignment]
    server.server.start()
    with server.connect() as peer:
        peer.sendall(LOGIN)
        assert peer.recv(100)
    until(lambda: server.counts["served"] == 1)
    assert server.counts["accept_errors"] == 3
    assert server.said == [f"snapshot: cannot accept: {os.strerror(number)}"]


def test_logins_that_cannot_be_served_are_counted(server: Server) -> None:
    server.server.start()
    with server.connect() as peer:
        peer.sendall(LOGIN.replace(b" " * 10 + b" " * 19 + b"1", b"OTHER     " + b" " * 19 + b"1"))
        while peer.recv(100):
            pass
    with server.connect() as peer:
        peer.sendall(b"\0\1R")
        assert peer.recv(100) == b""
    assert (server.counts["refused"], server.counts["no_login"]) == (1, 1)


def test_those_who_do_not_log_in_keep_nobody_out(server: Server) -> None:
    server.server.start()
    with contextlib.ExitStack() as strangers:
        silent = [strangers.enter_context(server.connect()) for _ in range(136)]
        with server.connect() as peer:
            peer.sendall(LOGIN)
            assert peer.recv(100)
        until(lambda: server.counts["served"] == 1)
        # The oldest have gone, and the newest are still there.
        assert silent[0].recv(100) == b""
        silent[-1].sendall(LOGIN)
        assert silent[-1].recv(100)
    assert server.counts["crowded_out"] == 136 + 1 - snapshot.LOGINS_MAX
    assert server.counts["no_room"] == 0


def test_more_readers_than_are_served_at_once_are_turned_away(server: Server) -> None:
    served: set[int] = set()

    def not_ready() -> bool:
        served.add(threading.get_ident())
        return False

    server.server.ready = not_ready
    server.server.start()
    with contextlib.ExitStack() as readers:
        for number in range(1, snapshot.CONNECTIONS_MAX + 1):
            readers.enter_context(server.connect()).sendall(LOGIN)
            until(lambda count=number: len(served) == count)  # type: ignore[misc]
        with server.connect() as reader:
            reader.sendall(LOGIN)
            assert reader.recv(100) == b""
    assert server.counts["no_room"] == 1
