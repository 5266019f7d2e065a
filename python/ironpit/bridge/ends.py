"""Opens the ends of a bridge from their addresses."""

from collections.abc import Callable
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.messaging import multicast_publication, multicast_subscription, shm, tcp_subscription
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import ShmPublication, ShmSubscription, positions
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.messaging.tcp_publication import TcpPublication
from ironcore.messaging.tcp_subscription import TcpSubscription
from ironcore.runtime import pipeline
from ironpit.bridge.addresses import MIB, QUEUE_BYTES, WINDOW_BYTES, Address
from ironpit.config.scalars import show_size
from ironpit.errors import Exit, UserError
from ironpit.hosted import rounding
from ironpit.messaging import multicast, tcp
from ironpit.messaging.tls import COUNTERS as TLS_COUNTERS
from ironpit.messaging.tls import Certificates, TlsDialler, TlsServer

SESSION = "IRONPIT"
RING_BYTES = 64 * MIB
PATIENCE_NS = 5_000_000_000
Say = Callable[[str], None]

SOURCE_COUNTERS = {
    "shm": shm.SUBSCRIPTION_COUNTERS,
    "multicast": multicast_subscription.SUBSCRIPTION_COUNTERS,
    "tcp": tcp_subscription.SUBSCRIPTION_COUNTERS,
}


class Source:
    """The end that a bridge reads."""

    def __init__(self, end: SubscriptionEnd, dialler: TlsDialler | None = None) -> None:
        self.end = end
        self.dialler = dialler

    def start(self) -> None:
        """Begin what is beside the data plane."""
        if self.dialler is not None:
            self.dialler.start()

    def close(self) -> None:
        """Leave the stream."""
        if isinstance(self.end, TcpSubscription):
            self.end.close()
        if self.dialler is not None:
            self.dialler.stop()


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


def _names(options: dict[str, Any], **parameters: str) -> dict[str, Any]:
    """Of the options given, those that an end takes under another name."""
    return {to: options[name] for name, to in parameters.items() if name in options}


def _certificates(options: dict[str, Any], authorities: str) -> Certificates | None:
    if "certificate" not in options:
        return None
    return Certificates(
        options["certificate"],
        options["key"],
        options[authorities],
        ("certificate", "key", authorities),
    )


def open_source(address: Address, sequence_next: int, say: Say, counters: CountersFile) -> Source:
    """The subscription at --from, which goes on with this number as far as it can."""
    options = address.options
    counted = CounterSet("from", SOURCE_COUNTERS[address.transport], counters)
    if address.transport == "shm":
        try:
            return Source(
                ShmSubscription(
                    address.path,
                    options.get("reader", ""),
                    from_=options.get("from", "oldest"),
                    counters=counted,
                )
            )
        except (OSError, ValueError) as error:
            raise UserError(f"--from {address.text}: {_reason(error)}", Exit.REFUSED) from error
    if address.transport == "multicast":
        try:
            opened = multicast.subscribe(
                *address.groups,
                expected=sequence_next,
                counters=counted,
                **_names(options, session="session", rerequest="rerequest", give_up="give_up_ns"),
            )
        except multicast.MulticastError as error:
            raise UserError(f"--from {address.text}: {error}", Exit.REFUSED) from error
        for note in opened.notes:
            say(note)
        return Source(opened.end)
    sequence = sequence_next if sequence_next > 1 else options.get("sequence", 1)
    files = _certificates(options, "server_ca")
    subscription = TcpSubscription(
        address.endpoint.address,
        address.endpoint.port,
        options.get("name", ""),
        sequence=sequence,
        dialled=files is not None,
        counters=counted,
        **_names(
            options,
            session="session",
            stale="stale_ns",
            heartbeat="heartbeat_ns",
            backoff_max="backoff_max_ns",
        ),
    )
    if files is None:
        return Source(subscription)
    dialler = TlsDialler(
        subscription,
        address.endpoint,
        files,
        say,
        CounterSet("from-tls", TLS_COUNTERS, counters),
        server_name=options.get("server_name", ""),
    )
    return Source(subscription, dialler)


def open_target(address: Address, say: Say, counters: CountersFile) -> Target:
    """The publication at --to; a ring that is not there is made."""
    options = address.options
    if address.transport == "shm":
        return _ring(address, say, counters)
    if address.transport == "multicast":
        try:
            opened = multicast.publish(
                options.get("session", SESSION),
                *address.groups,
                ttl=options.get("ttl", 0),
                counters=CounterSet("to", multicast_publication.PUBLICATION_COUNTERS, counters),
                **_names(
                    options, rerequest="rerequest", window="window_bytes", heartbeat="heartbeat_ns"
                ),
            )
        except multicast.MulticastError as error:
            raise UserError(f"--to {address.text}: {error}", Exit.REFUSED) from error
        return Target(opened.end, list(opened.sockets))
    files = _certificates(options, "client_ca")
    window_bytes = options.get("window", WINDOW_BYTES)
    listener = tcp.listen(address.endpoint, f"--to {address.text}")
    try:
        publication = TcpPublication(
            -1 if files else listener.fileno(),
            options.get("session", SESSION),
            window_bytes=window_bytes,
            queue_bytes=options.get("queue", min(QUEUE_BYTES, window_bytes)),
            counters_file=counters,
            writer="to",
            **_names(
                options,
                policy="policy",
                connections="connections_max",
                heartbeat="heartbeat_ns",
                peer_timeout="peer_timeout_ns",
            ),
        )
        server = None
        if files is not None:
            counted = CounterSet("to-tls", TLS_COUNTERS, counters)
            server = TlsServer(publication, listener, files, say, counted)
    except BaseException:
        listener.close()
        raise
    return Target(publication, [listener], server)


def _ring(address: Address, say: Say, counters: CountersFile) -> Target:
    options = address.options
    try:
        if address.path.exists():
            _note_capacity(address, say)
        else:
            created = pipeline.create_relay_ring(
                address.path,
                options.get("capacity", RING_BYTES),
                readers=options["readers"].split(",") if "readers" in options else [],
                patience_ns=options.get("patience", PATIENCE_NS),
            )
            if created.capacity_bytes != created.capacity_bytes_asked:
                text = rounding(created.capacity_bytes_asked, created.capacity_bytes)
                say(f"--to shm:{address.path}: capacity: {text}")
        counted = CounterSet("to", shm.PUBLICATION_COUNTERS, counters)
        return Target(ShmPublication(address.path, counted), [])
    except (OSError, ValueError) as error:
        raise UserError(f"--to {address.text}: {_reason(error)}", Exit.REFUSED) from error


def _note_capacity(address: Address, say: Say) -> None:
    """A ring that is there stays as it is, whatever size was asked for."""
    asked = address.options.get("capacity")
    there = positions(address.path).capacity_bytes
    if asked is not None and pipeline.ring_capacity(address.path, asked) != there:
        say(
            f"--to shm:{address.path}: capacity={show_size(asked)} is not used: the ring is there, "
            f"with {show_size(there)}"
        )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
