"""A relay for TCP connections that it cuts, after a random number of bytes each."""

import contextlib
import random
import selectors
import socket
import struct

from tests.conformance.relay import Relay

CHUNK_BYTES = 16_384
CONNECT_S = 5.0


class CuttingProxy(Relay):
    """Listens on one address, connects to another, and cuts each connection after 1 to
    `bytes_max` bytes, `cuts_max` times; half of the cuts are resets."""

    def __init__(
        self,
        listen: tuple[str, int],
        target: tuple[str, int],
        *,
        seed: int,
        cuts_max: int,
        bytes_max: int,
    ) -> None:
        self.random = random.Random(seed)
        self.target = target
        self.cuts_left = cuts_max
        self.cuts = 0
        self.bytes_max = bytes_max
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(listen)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.pairs: dict[socket.socket, socket.socket] = {}
        self.left: dict[socket.socket, int] = {}

    @property
    def harmed(self) -> int:
        return self.cuts

    def turn(self) -> int:
        work = 0
        for key, _ in self.selector.select(0):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            if sock is self.listener:
                self._accept()
            elif sock in self.pairs:
                work += self._pass(sock)
        return work

    def _accept(self) -> None:
        client, _ = self.listener.accept()
        try:
            server = socket.create_connection(self.target, CONNECT_S)
        except OSError:
            client.close()
            return
        for end, other in ((client, server), (server, client)):
            end.setblocking(False)
            self.pairs[end] = other
            self.selector.register(end, selectors.EVENT_READ)
        self.left[server] = self.random.randrange(1, self.bytes_max)

    def _pass(self, sock: socket.socket) -> int:
        other = self.pairs[sock]
        limit = min(CHUNK_BYTES, self.left.get(sock, CHUNK_BYTES))
        try:
            # Only as much as there is room for at the other side.
            data = sock.recv(limit, socket.MSG_PEEK)
            sent = other.send(data) if data else 0
            if sent:
                sock.recv(sent)
        except BlockingIOError:
            return 0
        except OSError:
            self._drop(sock)
            return 1
        if not data:
            self._drop(sock)
        elif sock in self.left and self.cuts_left:
            self.left[sock] -= sent
            if self.left[sock] <= 0:
                self.cuts_left -= 1
                self.cuts += 1
                self._drop(sock, reset=self.random.random() < 0.5)
        elif sock in self.left:
            self.left[sock] = CHUNK_BYTES
        return 1

    def _drop(self, sock: socket.socket, *, reset: bool = False) -> None:
        for end in (sock, self.pairs[sock]):
            self.selector.unregister(end)
            self.left.pop(end, None)
            if reset:
                with contextlib.suppress(OSError):
                    linger = struct.pack("ii", 1, 0)
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            end.close()
        del self.pairs[self.pairs.pop(sock)]

    def close(self) -> None:
        for sock in [self.listener, *self.pairs]:
            sock.close()
        self.selector.close()
