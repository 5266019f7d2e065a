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
from dataclasses import dataclass
from pathlib import Path

from ironcore.base.counter_declaration import Counter
from ironcore.base.counter_set import CounterSet
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironpit.common.complaints import Complaints, Say
from ironpit.common.errors import Exit, UserError
from ironpit.config.scalars import Endpoint

COUNTERS = (
    Counter("handshakes", "TLS connections made", unit="connections"),
    Counter("refused", "peers refused: no certificate, a wrong one, or no TLS 1.3"),
    Counter(
        "no_room",
        "connections closed because the data plane had no room for them",
        unit="connections",
    ),
    Counter("unreachable", "connections that the host or the peer refused", unit="connections"),
    Counter(
        "crowded",
        "connections closed because too many handshakes were under way",
        unit="connections",
    ),
    Counter("accept_errors", "times that the host could not accept a connection", unit="calls"),
)
HANDSHAKE_TIMEOUT_S = 10.0
# A peer without a certificate holds a descriptor for as long as its handshake may last: no more of
# them than leave the process enough of the usual 1024.
HANDSHAKES_MAX = 128
ACCEPT_PAUSE_S = 0.1
PIECE_BYTES = 65_536
DIAL_TURN_S = 0.005
NAME_BYTES = 8


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
    file. A client takes only a certificate that names the server (subjectAltName)."""
    for name, path in zip(
        files.keys, (files.certificate, files.key, files.authorities), strict=True
    ):
        _check_file(name, path)
    _check_key(files.keys[1], files.key)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    if not server:
        # Every reader has a certificate of the authority: only its name makes one the server's.
        made.check_hostname = True
        made.hostname_checks_common_name = False
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
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        return error.strerror
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


class _Loop:
    """A thread with an event loop, from `start` to `stop`."""

    def __init__(self, name: str, say: Say, counters: CounterSet | None) -> None:
        self.counters = counters or CounterSet("tls", COUNTERS)
        self.loop = asyncio.new_event_loop()
        self.complaints = Complaints(say)
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving = self.loop.create_task(self.serve())
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread.ident is None:
            self._serving.cancel()
            self._main()
        else:
            with contextlib.suppress(RuntimeError):  # it has ended, and closed its loop
                self.loop.call_soon_threadsafe(self._serving.cancel)
            self._thread.join()

    def _main(self) -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError):
                self.loop.run_until_complete(self._serving)
        finally:
            while pending := asyncio.all_tasks(self.loop):
                for task in pending:
                    task.cancel()
                self.loop.run_until_complete(asyncio.wait(pending))
            # Transports close their sockets a turn after they were told to.
            self.loop.run_until_complete(asyncio.sleep(0))
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
) -> str:
    """Carry bytes both ways until either side ends; then both are closed. Why TLS ended it, if it
    did so before anything had come through it; otherwise ""."""
    plain_reader, plain_writer = await asyncio.open_unix_connection(sock=plain)
    ways = [
        asyncio.ensure_future(_carry(reader, plain_writer)),
        asyncio.ensure_future(_carry(plain_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        reason = ways[0].result() if ways[0].done() else ""
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
    return reason


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """To the end of what is read. Why nothing was, or ""."""
    reason = "closed without an answer (does the server accept our certificate?)"
    try:
        while data := await reader.read(PIECE_BYTES):
            reason = ""
            writer.write(data)
            await writer.drain()
    except OSError as error:
        return reason and _reason(error)
    return reason


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
        self.handshakes = 0
        self._here: dict[str, list[str]] = {}  # by name: where its connections come from

    async def serve(self) -> None:
        """Accept until cancelled."""
        self.listener.setblocking(False)
        while True:
            try:
                connection, address = await self.loop.sock_accept(self.listener)
            except OSError as error:
                # Out of descriptors, or what befell a connection before it was accepted: neither
                # is for ever, and the listener stays readable meanwhile.
                self.counters.add("accept_errors")
                self.complaints.add("accept", f"TLS: cannot accept: {_reason(error)}")
                await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            if self.handshakes >= HANDSHAKES_MAX:
                self.counters.add("crowded")
                self.complaints.add(
                    "crowded",
                    f"TLS: closed {address[0]}: {HANDSHAKES_MAX} handshakes are under way",
                )
                connection.close()
            else:
                self.handshakes += 1
                self.keep(asyncio.ensure_future(self._admit(connection, f"{address[0]}")))
            # sock_accept does not let others run while somebody is in the queue.
            await asyncio.sleep(0)

    async def _admit(self, connection: socket.socket, address: str) -> None:
        reader = asyncio.StreamReader(PIECE_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport, _ = await self.loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self.context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            )
        except (OSError, ssl.SSLError) as error:
            connection.close()
            self.counters.add("refused")
            self.complaints.add("refused", f"TLS: refused {address}: {_reason(error)}")
            return
        except asyncio.CancelledError:
            connection.close()
            raise
        finally:
            self.handshakes -= 1
        name = common_name(transport.get_extra_info("peercert"))
        ours = self._hand_over(name[:NAME_BYTES])
        if ours is None:
            transport.abort()
            self.counters.add("no_room")
            return
        self.counters.add("handshakes")
        there = self._here.setdefault(name[:NAME_BYTES].upper(), [])
        if name and there:
            self.complaints.add(
                f"displaced {name}",
                f"TLS: {address}: reader {name} connects while it is connected from {there[-1]}: "
                "that connection ends when this one logs in (does each reader have a certificate "
                f"of its own, whose common name differs in its first {NAME_BYTES} characters?)",
            )
        there.append(address)
        try:
            await _pump(ours, reader, asyncio.StreamWriter(transport, protocol, reader, self.loop))
        finally:
            there.remove(address)
            if not there:
                self._here.pop(name[:NAME_BYTES].upper(), None)

    def _hand_over(self, name: str) -> socket.socket | None:
        """Give the publication a reader: our end of what it sends and receives, or None when it has
        no room."""
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            return None
        fd = theirs.detach()
        if self.publication.adopt(fd, name):
            return ours
        os.close(fd)
        ours.close()
        return None


class TlsDialler(_Loop):
    """Carries what a subscription made with `dialled` sends to the server at `address`, over
    TLS.

    server_name: the host name or IP address that the server's certificate has to be for; "": the
    one in `address`.
    """

    def __init__(
        self,
        subscription: TcpSubscription,
        address: Endpoint,
        files: Certificates,
        say: Say,
        counters: CounterSet | None = None,
        *,
        server_name: str = "",
    ) -> None:
        self.context = context(files, server=False)
        super().__init__("tls-client", say, counters)
        self.subscription = subscription
        self.address = address
        self.server_name = server_name or address.address

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
                server_hostname=self.server_name,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
                limit=PIECE_BYTES,
            )
        except ssl.SSLError as error:
            self.counters.add("refused")
            self.complaints.add("refused", f"TLS: {self.address}: {_reason(error)}")
        except OSError as error:
            self.counters.add("unreachable")
            self.complaints.add("unreachable", f"TLS: {self.address}: {_reason(error)}")
        else:
            self.counters.add("handshakes")
            # With TLS 1.3 the server's verdict comes after the client's handshake.
            if reason := await _pump(plain, reader, writer):
                self.complaints.add("ended", f"TLS: {self.address}: after the handshake: {reason}")
            return
        finally:
            plain.close()
