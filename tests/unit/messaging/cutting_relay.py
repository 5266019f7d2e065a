"""A TCP relay that cuts, throttles or silences what passes through it."""

import random
import selectors
import socket


class CuttingRelay:
    """Listens on a port of this host and passes on to `port`; turned by the test.

    Each connection is cut after a random number of bytes, up to `bytes_max`, in both directions
    together (None: never). `silent`: nothing passes and nothing is closed, as on a half-open
    connection. Bytes are passed on in random pieces.
    """

    def __init__(self, port: int, seed: int, bytes_max: int | None = None) -> None:
        self.random = random.Random(seed)
        self.port = port
        self.bytes_max = bytes_max
        self.silent = False
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.listens_on = int(self.listener.getsockname()[1])
        self.selector = selectors.DefaultSelector()
        self.other: dict[socket.socket, socket.socket] = {}
        self.left: dict[frozenset[socket.socket], int] = {}

    def turn(self) -> None:
        """Pass on what is there."""
        if self.silent:
            return
        try:
            near, _ = self.listener.accept()
        except BlockingIOError:
            pass
        else:
            self._join(near, socket.create_connection(("127.0.0.1", self.port)))
        for key, _ in self.selector.select(0):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            if sock in self.other:
                self._pass_on(sock, self.other[sock])

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        for sock, other in ((near, far), (far, near)):
            sock.setblocking(True)
            self.other[sock] = other
            self.selector.register(sock, selectors.EVENT_READ)
        if self.bytes_max is not None:
            self.left[frozenset((near, far))] = self.random.randrange(self.bytes_max)

    def _pass_on(self, sock: socket.socket, other: socket.socket) -> None:
        pair = frozenset((sock, other))
        wanted = min(self.random.randrange(1, 4000), self.left.get(pair, 4000) + 1)
        try:
            data = sock.recv(wanted)
        except ConnectionResetError:
            data = b""
        left = self.left.get(pair)
        if data and (left is None or len(data) <= left):
            if left is not None:
                self.left[pair] = left - len(data)
            try:
                other.sendall(data)
            except OSError:
                self._close(sock, other)
            return
        if data and left:
            other.sendall(data[:left])
        self.cuts += bool(data)
        self._close(sock, other)

    def _close(self, *pair: socket.socket) -> None:
        self.left.pop(frozenset(pair), None)
        for sock in pair:
            self.selector.unregister(sock)
            del self.other[sock]
            sock.close()

    def close(self) -> None:
        """Close everything."""
        while self.other:
            sock, other = next(iter(self.other.items()))
            self._close(sock, other)
        self.selector.close()
        self.listener.close()
