"""Wrong logins at a steady rate over loopback, each on a connection of its own that stays open."""

import itertools
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from ironpit.client.soup import login_packet

OPEN_MAX = 800  # connections of the flood that are open at once: the oldest is closed

Guess = tuple[str, str]  # user name, password


def unknown_users() -> Iterator[Guess]:
    """Another name each time."""
    return ((f"X{number:05}", "WRONG") for number in itertools.count())


def guesses(username: str) -> Iterator[Guess]:
    """Another password each time."""
    return ((username, f"GUESS{number:05}") for number in itertools.count())


class Flood:
    """A context manager: floods from a thread of its own, until left, or `count` were sent.

    addresses: source addresses that take turns.
    """

    def __init__(
        self,
        target: tuple[str, int],
        logins: Iterator[Guess],
        addresses: list[str],
        *,
        per_s: int,
        count: int,
    ) -> None:
        self.target = target
        self.logins = logins
        self.addresses = itertools.cycle(addresses)
        self.per_s = per_s
        self.count = count
        self.sent = 0
        self._open: dict[socket.socket, None] = {}
        self._more = threading.Condition()
        self._end = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()
        for one in list(self._open):
            self._forget(one)
        self._selector.close()

    def wait_for_more(self, number: int, timeout_s: float = 60) -> None:
        """Until so many more have been sent."""
        with self._more:
            goal = self.sent + number
            assert self._more.wait_for(lambda: self.sent >= goal, timeout_s), "the flood has ended"

    def _run(self) -> None:
        began_s = time.monotonic()
        while self.sent < self.count and not self._end.is_set():
            due_s = began_s + self.sent / self.per_s
            for key, _ in self._selector.select(max(due_s - time.monotonic(), 0)):
                assert isinstance(key.fileobj, socket.socket)
                self._hear(key.fileobj)
            if time.monotonic() >= due_s:
                self._send_one()

    def _send_one(self) -> None:
        if len(self._open) >= OPEN_MAX:
            self._forget(next(iter(self._open)))
        one = socket.socket()
        one.bind((next(self.addresses), 0))
        one.connect(self.target)
        one.setblocking(False)
        self._open[one] = None
        self._selector.register(one, selectors.EVENT_READ)
        username, password = next(self.logins)
        self._quietly(one, lambda: one.send(login_packet(username, password, "", 1)))
        with self._more:
            self.sent += 1
            self._more.notify_all()

    def _hear(self, one: socket.socket) -> None:
        """Goes on until the venue closes."""
        if not self._quietly(one, lambda: one.recv(64)):
            self._forget(one)

    def _quietly(self, one: socket.socket, call: Callable[[], int | bytes]) -> int | bytes:
        try:
            return call()
        except OSError:
            return 0

    def _forget(self, one: socket.socket) -> None:
        if one in self._open:
            del self._open[one]
            self._selector.unregister(one)
            one.close()
