"""Where a bridge writes: opened from --to, as soon as it is known whose session it will hold."""

import os
import socket
from typing import Any

from ironcore.messaging import shm
from ironcore.messaging.multicast import publication as multicast_publication
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import ShmPublication, positions
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.runtime import pipeline
from ironpit.bridge.addresses import MIB, QUEUE_BYTES, WINDOW_BYTES, Address
from ironpit.bridge.source import Counted, Say, certificates_of, names_of, reason_of
from ironpit.common.errors import Exit, UserError
from ironpit.config.scalars import show_size
from ironpit.transport import multicast, tcp
from ironpit.transport.tls import COUNTERS as TLS_COUNTERS
from ironpit.transport.tls import TlsServer, context
from ironpit.venue.host_check import rounding

RING_BYTES = 64 * MIB
PATIENCE_NS = 5_000_000_000
RING_WISHES = ("huge_pages", "lock", "numa_node")


class Target:
    """The end that a bridge writes."""

    def __init__(
        self, end: PublicationEnd, sockets: list[Any], server: TlsServer | None = None
    ) -> None:
        self.end = end
        self.sockets = sockets
        self.server = server

    def start(self) -> None:
        """Begin what is beside the data plane."""
        if self.server is not None:
            self.server.start()

    def close(self) -> None:
        """Leave the readers."""
        if self.server is not None:
            self.server.stop()
        if isinstance(self.end, TcpPublication):
            self.end.close()
        for sock in self.sockets:
            sock.close()


class Place:
    """Where --to leads. A ring is there from the start, made if it is not. Over a network the
    stream is offered under the session that --to names, at once, or under the source's, from
    `begin` on: until then connections wait to be accepted. UserError when it cannot be opened.
    """

    def __init__(self, address: Address, say: Say, counters: Counted) -> None:
        self._address = address
        self._say = say
        self._counters = counters
        self._listener: socket.socket | None = None
        self._file: os.stat_result | None = None
        self.target: Target | None = None
        if address.transport == "tcp":
            self._listener = tcp.listen(address.endpoint, f"--to {address.text}")
        try:
            if address.transport == "shm":
                self.target = self._ring()
            elif "session" in address.options:
                self.target = self._publish(address.options["session"])
            elif files := certificates_of(address.options, "client_ca"):
                context(files, server=True)
        except BaseException:
            self.close()
            raise

    @property
    def is_ring(self) -> bool:
        """Whether it holds frames of before."""
        return self._address.transport == "shm"

    @property
    def text(self) -> str:
        """The address as it was asked for."""
        return self._address.text

    @property
    def taken_away(self) -> bool:
        """Whether the path leads no longer to the ring that is written: nobody new will find it."""
        if self._file is None:
            return False
        try:
            return not os.path.samestat(self._address.path.stat(), self._file)
        except FileNotFoundError:
            return True

    @property
    def session(self) -> str:
        """That of the frames that the ring holds; "" while that is not said, or without a ring."""
        end = self.target.end if self.target is not None else None
        return end.producer.session if isinstance(end, ShmPublication) else ""

    @property
    def identity(self) -> str:
        """That of the stream whose frames the ring holds; "" while that is not known."""
        end = self.target.end if self.target is not None else None
        return end.producer.identity if isinstance(end, ShmPublication) else ""

    @property
    def sequence_next(self) -> int:
        """The number that the next frame will have."""
        return self.target.end.sequence_next if self.target is not None else 1

    @property
    def window_bytes(self) -> int:
        """How much of the stream readers over a network may ask for again."""
        return int(self._address.options.get("window", WINDOW_BYTES))

    def begin(self, session: str, identity: str) -> Target:
        """The target, for frames of this session; it holds no other's. identity: of the stream,
        "" while that is not known."""
        if self.target is None:
            self.target = self._publish(session)
        end = self.target.end
        if isinstance(end, ShmPublication):
            end.producer.name_session(session, identity)
        return self.target

    def begin_anew(self, session: str) -> None:
        """Tell the ring's readers that its stream is over, and put a new ring in its place, of the
        same size and for the same readers."""
        assert self.target is not None
        self.target.end.end()
        try:
            created = pipeline.renew_relay_ring(
                self._address.path, session, **self._wishes(self._address.options)
            )
            self.target = self._produce()
        except (OSError, ValueError) as error:
            raise UserError(
                f"--to {self._address.text}: {reason_of(error)}", Exit.REFUSED
            ) from error
        self._note_made(created)

    def close(self) -> None:
        """Leave the readers."""
        if self.target is not None:
            self.target.close()
        elif self._listener is not None:
            self._listener.close()

    @staticmethod
    def _wishes(options: dict[str, Any]) -> dict[str, Any]:
        return names_of(options, **{name: name for name in RING_WISHES})

    def _produce(self) -> Target:
        """The one producer of the ring that is there."""
        counted = self._counters("to", shm.PUBLICATION_COUNTERS)
        end = ShmPublication(self._address.path, counted)
        self._file = self._address.path.stat()
        return Target(end, [])

    def _ring(self) -> Target:
        address, options = self._address, self._address.options
        try:
            if address.path.exists():
                self._note_capacity()
            else:
                created = pipeline.create_relay_ring(
                    address.path,
                    options.get("capacity", RING_BYTES),
                    readers=options["readers"].split(",") if "readers" in options else [],
                    patience_ns=options.get("patience", PATIENCE_NS),
                    **self._wishes(options),
                )
                self._note_made(created)
            return self._produce()
        except (OSError, ValueError) as error:
            raise UserError(f"--to {address.text}: {reason_of(error)}", Exit.REFUSED) from error

    def _note_made(self, created: pipeline.Created) -> None:
        """What came of wishes that the host or the ring's layout could not meet to the letter."""
        what = f"--to shm:{self._address.path}"
        if created.capacity_bytes != created.capacity_bytes_asked:
            text = rounding(created.capacity_bytes_asked, created.capacity_bytes)
            self._say(f"{what}: capacity: {text}")
        for name, found in (("numa_node", created.numa), ("lock", created.locked)):
            if found.startswith("not"):
                self._say(f"{what}: {name}: {found}")

    def _note_capacity(self) -> None:
        """A ring that is there stays as it is, whatever size was asked for."""
        asked = self._address.options.get("capacity")
        there = positions(self._address.path).capacity_bytes
        if asked is not None and pipeline.ring_capacity(self._address.path, asked) != there:
            self._say(
                f"--to shm:{self._address.path}: capacity={show_size(asked)} is not used: the ring "
                f"is there, with {show_size(there)}"
            )

    def _publish(self, session: str) -> Target:
        """The publication over a network, under this session."""
        if self._address.transport == "multicast":
            return self._publish_multicast(session)
        options, listener = self._address.options, self._listener
        assert listener is not None
        files = certificates_of(options, "client_ca")
        window_bytes = options.get("window", WINDOW_BYTES)
        publication = TcpPublication(
            -1 if files else listener.fileno(),
            session,
            window_bytes=window_bytes,
            queue_bytes=options.get("queue", min(QUEUE_BYTES, window_bytes)),
            counters_file=self._counters.file,
            writer="to",
            **names_of(
                options,
                policy="policy",
                connections="connections_max",
                heartbeat="heartbeat_ns",
                peer_timeout="peer_timeout_ns",
            ),
        )
        server = None
        if files is not None:
            counted = self._counters("to-tls", TLS_COUNTERS)
            server = TlsServer(publication, listener, files, self._say, counted)
        return Target(publication, [listener], server)

    def _publish_multicast(self, session: str) -> Target:
        options = self._address.options
        try:
            opened = multicast.publish(
                session,
                *self._address.groups,
                ttl=options.get("ttl", 0),
                counters=self._counters("to", multicast_publication.PUBLICATION_COUNTERS),
                **names_of(
                    options, rerequest="rerequest", window="window_bytes", heartbeat="heartbeat_ns"
                ),
            )
        except multicast.MulticastError as error:
            raise UserError(f"--to {self._address.text}: {error}", Exit.REFUSED) from error
        return Target(opened.end, list(opened.sockets))
