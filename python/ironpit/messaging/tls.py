"""TLS 1.3 with certificates on both sides, outside the data plane.

A thread with an event loop of its own does the handshakes and the encryption. What passes through
it reaches the data plane as plain bytes on one end of a socket pair: the publication adopts it, the
subscription has made it. Heartbeats, time-outs and the bound of a slow reader's queue are the data
plane's; this thread holds no more than the buffers of its sockets.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ironcore.base.counter_set import CounterSet
from ironcore.messaging.tcp_publication import TcpPublication
from ironcore.messaging.tcp_subscription import TcpSubscription
from ironpit.config.scalars import Endpoint
from ironpit.errors import Exit, UserError

COUNTERS = (
    ("handshakes", "TLS connections made"),
    ("refused", "peers refused: no certificate, a wrong one, or no TLS 1.3"),
    ("no_room", "connections closed because the data plane had no room for them"),
    ("unreachable", "connections that the host or the peer refused"),
)
HANDSHAKE_TIMEOUT_S = 10.0
LOG_INTERVAL_S = 60.0
PIECE_BYTES = 65_536
DIAL_TURN_S = 0.005
NAME_BYTES = 8

Say = Callable[[str], None]


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: our certificate (with its chain), its key, and the authorities that the
    other side's certificate has to come from. `keys` is how the user calls the three."""

    certificate: Path
    key: Path
    authorities: Path
    keys: tuple[str, str, str] = ("certificate", "key", "client_ca")


def _check_file(name: str, path: Path) -> None:
    try:
        with open(path, "rb"):
            return
    except OSError as error:
        raise UserError(f"{name}: {path}: {error.strerror}", Exit.REFUSED) from error


def _check_key(name: str, path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise UserError(
            f"{name}: {path}: found mode {mode:04o}, expected a key that only its owner may read "
            f"(chmod 600)",
            Exit.REFUSED,
        )


def context(files: Certificates, *, server: bool) -> ssl.SSLContext:
    """TLS 1.3 or nothing, a certificate of the other side or nothing. UserError names key and
    file."""
    for name, path in zip(
        files.keys, (files.certificate, files.key, files.authorities), strict=True
    ):
        _check_file(name, path)
    _check_key(files.keys[1], files.key)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    if not server:
        # The server is whom its certificate's authority says, wherever it is reached.
        made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    try:
        made.load_cert_chain(files.certificate, files.key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise UserError(
            f"{files.keys[0]}, {files.keys[1]}: {files.certificate} and {files.key}: "
            f"{_reason(error)}, expected a PEM certificate and its unencrypted key",
            Exit.REFUSED,
        ) from error
    try:
        made.load_verify_locations(files.authorities)
    except ssl.SSLError as error:
        raise UserError(
            f"{files.keys[2]}: {files.authorities}: {_reason(error)}, expected PEM certificates",
            Exit.REFUSED,
        ) from error
    return made


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return str(error) or type(error).__name__


def common_name(certificate: object) -> str:
    """Of a peer's certificate as `getpeercert` gives it; "" when it has none."""
    if isinstance(certificate, dict):
        for names in certificate.get("subject", ()):
            for key, value in names:
                if key == "commonName":
                    return str(value)
    return ""


class _Complaints:
    """Counts refusals, and says one a minute at most."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._said_s = -LOG_INTERVAL_S
        self._unsaid = 0

    def add(self, text: str) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s < LOG_INTERVAL_S:
            self._unsaid += 1
            return
        more = f" (and {self._unsaid} more since the last one)" if self._unsaid else ""
        self._said_s, self._unsaid = now_s, 0
        self._say(text + more)


class _Loop:
    """A thread with an event loop, from `start` to `stop`."""

    def __init__(self, name: str, say: Say, counters: CounterSet | None) -> None:
        self.counters = counters or CounterSet("tls", COUNTERS)
        self.loop = asyncio.new_event_loop()
        self.complaints = _Complaints(say)
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._cancel)
            self._thread.join()

    def _cancel(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()

    def _main(self) -> None:
        asyncio.set_event_loop(self.loop)
        with contextlib.suppress(asyncio.CancelledError):
            self.loop.run_until_complete(self.serve())
        pending = asyncio.all_tasks(self.loop)
        for task in pending:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self.loop.close()

    async def serve(self) -> None:
        """Until cancelled."""
        raise NotImplementedError

    def keep(self, task: "asyncio.Task[None]") -> None:
        """The loop itself keeps only weak references to its tasks."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _pump(
    plain: socket.socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Carry bytes both ways until either side ends; then both are closed."""
    plain_reader, plain_writer = await asyncio.open_unix_connection(sock=plain)
    ways = [
        asyncio.ensure_future(_carry(reader, plain_writer)),
        asyncio.ensure_future(_carry(plain_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        # The end of a stream is closed by the data plane: what it had said has to get out first.
        if ways[1].done() and not ways[0].done():
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                writer.close()
                await asyncio.wait_for(writer.wait_closed(), 1.0)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for end in (plain_writer, writer):
            end.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(PIECE_BYTES):
            writer.write(data)
            await writer.drain()


class TlsServer(_Loop):
    """Accepts on `listener` and gives the publication the plain bytes of each reader that shows a
    certificate of `files.authorities`; the reader's name is the certificate's common name."""

    def __init__(
        self,
        publication: TcpPublication,
        listener: socket.socket,
        files: Certificates,
        say: Say,
        counters: CounterSet | None = None,
    ) -> None:
        self.context = context(files, server=True)
        super().__init__("tls-server", say, counters)
        self.publication = publication
        self.listener = listener

    async def serve(self) -> None:
        """Accept until cancelled."""
        self.listener.setblocking(False)
        while True:
            connection, address = await self.loop.sock_accept(self.listener)
            self.keep(asyncio.ensure_future(self._admit(connection, f"{address[0]}")))

    async def _admit(self, connection: socket.socket, address: str) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = asyncio.StreamReader(PIECE_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await self.loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self.context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            )
        except (OSError, ssl.SSLError) as error:
            connection.close()
            self.counters.add("refused")
            self.complaints.add(f"TLS: refused {address}: {_reason(error)}")
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, self.loop)
        name = common_name(transport.get_extra_info("peercert"))
        ours, theirs = socket.socketpair()
        fd = theirs.detach()
        if not self.publication.adopt(fd, name[:NAME_BYTES]):
            os.close(fd)
            ours.close()
            transport.abort()
            self.counters.add("no_room")
            return
        self.counters.add("handshakes")
        await _pump(ours, reader, writer)


class TlsDialler(_Loop):
    """Carries what a subscription made with `dialled` sends to the server at `address`, over
    TLS."""

    def __init__(
        self,
        subscription: TcpSubscription,
        address: Endpoint,
        files: Certificates,
        say: Say,
        counters: CounterSet | None = None,
    ) -> None:
        self.context = context(files, server=False)
        super().__init__("tls-client", say, counters)
        self.subscription = subscription
        self.address = address

    async def serve(self) -> None:
        """Take what the subscription dials until cancelled. It dials seldom: no more than once in
        its shortest back-off."""
        while True:
            fd = self.subscription.take_dialled()
            if fd >= 0:
                plain = socket.socket(fileno=fd)
                self.keep(asyncio.ensure_future(self._carry_to_server(plain)))
            await asyncio.sleep(DIAL_TURN_S)

    async def _carry_to_server(self, plain: socket.socket) -> None:
        plain.setblocking(False)
        try:
            reader, writer = await asyncio.open_connection(
                self.address.address,
                self.address.port,
                ssl=self.context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
                limit=PIECE_BYTES,
            )
        except ssl.SSLError as error:
            self.counters.add("refused")
            self.complaints.add(f"TLS: {self.address}: {_reason(error)}")
        except OSError as error:
            self.counters.add("unreachable")
            self.complaints.add(f"TLS: {self.address}: {error.strerror or error}")
        else:
            self.counters.add("handshakes")
            await _pump(plain, reader, writer)
            return
        finally:
            plain.close()
