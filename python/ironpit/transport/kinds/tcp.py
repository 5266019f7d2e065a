"""TCP: SoupBinTCP, plain or over TLS."""

from collections.abc import Mapping
from typing import Any, ClassVar

from ironcore.messaging.tcp import publication as tcp_publication
from ironcore.messaging.tcp import subscription as tcp_subscription
from ironcore.messaging.tcp.publication import READER_COUNTERS, TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironpit.config import scalars
from ironpit.config.schema import Tls
from ironpit.transport import host, tcp, tls
from ironpit.transport.ends import (
    Counting,
    News,
    Offer,
    Option,
    Say,
    Source,
    Transport,
    Where,
    Without,
    WrongError,
    read,
)
from ironpit.transport.multicast import Opened
from ironpit.transport.notices import ConnectionNews

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# When an address does not say; a smaller window bounds the queue with it.
WINDOW_BYTES = 64 * MIB
QUEUE_BYTES = 8 * MIB
CONNECTIONS_MAX = 16
ANY_ADDRESS = "0.0.0.0"
TIME = scalars.duration(10_000_000, 3_600_000_000_000)
SESSION = scalars.pattern(r"[A-Za-z0-9]{1,10}", "1 to 10 letters and digits")
USER = scalars.pattern(r"[A-Za-z0-9]{1,6}", "1 to 6 letters and digits")
HOST = scalars.pattern(r"[A-Za-z0-9.-]{1,253}", "a host name or an IPv4 address")
AUTHORITIES = {"from": "server_ca", "to": "client_ca"}


def _files(direction: str) -> tuple[str, str, str]:
    return "certificate", "key", AUTHORITIES[direction]


def _certificates(files: Tls | None, key: str) -> tls.Certificates | None:
    """Those of a configured stream, by their keys."""
    if files is None:
        return None
    names = (f"{key}.certificate", f"{key}.key", f"{key}.client_ca")
    return tls.Certificates(files.certificate, files.key, files.client_ca, names)


class Connection(Source):
    """A reader that is logged in, or tries to be."""

    end: TcpSubscription

    def __init__(
        self, where: Where, opened: Opened[Any], dialler: tls.TlsDialler | None = None
    ) -> None:
        super().__init__(where, opened, dialler)
        self._place = str(where.endpoint)
        self._connects = self.end.counters.snapshot().get("connects", 0)

    @property
    def session(self) -> str | None:
        heard = self.end.counters.snapshot()["connects"] > self._connects
        return (self.end.session or None) if heard else None

    @property
    def session_next(self) -> str:
        what, _, name = self.end.told.partition(" ")
        # Only a server that refuses says so; what was said before a login is over with it.
        refused = what == "session" and not self.end.live and not self.insists
        return name.strip() if refused and name.strip() != self.end.session else ""

    def news(self, say: Say) -> News | None:
        return ConnectionNews(self.end, self._place, say, dialled=self.dialler is not None)

    def close(self) -> None:
        self.end.close()
        super().close()


class Listener(Offer):
    """It listens at once: connections wait to be accepted until the session is known."""

    def __init__(self, where: Where, counting: Counting, say: Say) -> None:
        super().__init__(where, counting, say)
        assert where.endpoint is not None
        self.server: tls.TlsServer | None = None
        self.listener = tcp.listen(where.endpoint, where.part("listen"))
        try:
            if where.certificates is not None:
                tls.context(where.certificates, server=True)
        except BaseException:
            self.listener.close()
            raise

    def _open(self, session: str, **more: Any) -> Opened[Any]:
        counting, files = self.counting, self.where.certificates
        names = tcp_publication.PUBLICATION_COUNTERS
        counted: dict[str, Any] = (
            {"counters": counting(names)}
            if counting.file is None
            else {"counters_file": counting.file, "writer": counting.name}
        )
        end = TcpPublication(
            -1 if files is not None else self.listener.fileno(),
            session,
            **counted,
            **self.where.options,
            **more,
        )
        if files is not None:
            counters = counting(tls.COUNTERS, "tls")
            self.server = tls.TlsServer(end, self.listener, files, self.say, counters)
        return Opened(end, [self.listener])

    @property
    def says_connections(self) -> bool:
        return self.where.certificates is not None

    def start(self) -> None:
        if self.server is not None:
            self.server.start()

    def close(self) -> None:
        if self.server is not None:
            self.server.stop()
        if isinstance(self.end, TcpPublication):
            self.end.close()
        self.listener.close()


class Tcp(Transport):
    """Connections to one listener."""

    name = "tcp"
    usage = "tcp:ADDRESS:PORT"
    from_options: ClassVar[Mapping[str, Option]] = {
        "name": Option(USER, "name"),
        "session": Option(SESSION, "session"),
        "sequence": Option(scalars.integer(0, (1 << 63) - 1), "sequence"),
        "stale": Option(TIME, "stale_ns"),
        "heartbeat": Option(TIME, "heartbeat_ns"),
        "backoff_max": Option(TIME, "backoff_max_ns"),
        **{name: Option(scalars.path(), name) for name in _files("from")},
        "server_name": Option(HOST, "server_name"),
    }
    to_options: ClassVar[Mapping[str, Option]] = {
        "session": Option(SESSION, "session"),
        "window": Option(scalars.size(64 * KIB, 4 * GIB), "window_bytes"),
        "queue": Option(scalars.size(4 * KIB, 4 * GIB, power_of_two=False), "queue_bytes"),
        "policy": Option(
            scalars.pattern("disconnect|conflate", "one of disconnect, conflate"), "policy"
        ),
        "connections": Option(scalars.integer(1, 1024), "connections_max"),
        "heartbeat": Option(TIME, "heartbeat_ns"),
        "peer_timeout": Option(TIME, "peer_timeout_ns"),
        **{name: Option(scalars.path(), name) for name in _files("to")},
    }

    def place(self, text: str) -> Mapping[str, Any]:
        return {"endpoint": read(scalars.endpoint(), text)}

    def contradiction(self, direction: str, options: Mapping[str, Any]) -> WrongError | None:
        wanted = _files(direction)
        found = [name for name in wanted if name in options]
        if found and len(found) != len(wanted):
            missing = ", ".join(sorted(set(wanted) - set(found)))
            return WrongError(f"{', '.join(found)} alone", f"{missing} too")
        if "server_name" in options and not found:
            return WrongError("server_name alone", f"{', '.join(sorted(wanted))} too")
        window_bytes = options.get("window", WINDOW_BYTES)
        if options.get("queue", 0) > window_bytes:
            most = scalars.show_size(window_bytes)
            return WrongError(
                f"queue={scalars.show_size(options['queue'])}", f"at most window = {most}"
            )
        return None

    def of_address(self, options: Mapping[str, Any], direction: str) -> Mapping[str, Any]:
        files = _files(direction)
        own = {name: value for name, value in options.items() if name not in files}
        found = super().of_address(own, direction)
        told = found["options"]
        if direction == "to":
            told.setdefault("window_bytes", WINDOW_BYTES)
            told.setdefault("queue_bytes", min(QUEUE_BYTES, told["window_bytes"]))
        certificates = None
        if files[0] in options:
            certificate, key, authorities = (options[name] for name in files)
            certificates = tls.Certificates(certificate, key, authorities, files)
        return {**found, "certificates": certificates}

    def same(self, read: Where, written: Where) -> bool:
        there, here = read.endpoint, written.endpoint
        if there is None or here is None or there.port != here.port:
            return False
        if there.address == here.address:
            return True
        return here.address == ANY_ADDRESS and host.is_local(there.address)

    def configured(
        self, stream: Any, key: str, *, publishes: bool, refuse: bool
    ) -> Mapping[str, Any]:
        options: dict[str, Any] = {}
        if publishes:
            options = {
                "window_bytes": stream.window_bytes,
                "queue_bytes": stream.slow_reader.queue_bytes,
                "policy": stream.slow_reader.policy,
                "connections_max": stream.connections_max,
                "heartbeat_ns": stream.heartbeat_ns,
            }
            for name in ("peer_timeout_ns", "login_timeout_ns"):
                if hasattr(stream, name):
                    options[name] = getattr(stream, name)
        return {
            "endpoint": stream.listen,
            "certificates": _certificates(getattr(stream, "tls", None), f"{key}.tls"),
            "options": options,
        }

    def offer(
        self, where: Where, counting: Counting, say: Say, without: Without | None = None
    ) -> Offer:
        return Listener(where, counting, say)

    def subscribe(
        self, where: Where, counting: Counting, say: Say, *, sequence: int = 1, session: str = ""
    ) -> Source:
        assert where.endpoint is not None
        options, files = dict(where.options), where.certificates
        server_name = options.pop("server_name", "")
        first = options.pop("sequence", 1)
        end = TcpSubscription(
            where.endpoint.address,
            where.endpoint.port,
            options.pop("name", ""),
            sequence=sequence if sequence > 1 else first,
            # A server that is asked for no session would judge the number by its own.
            session=where.session or session,
            dialled=files is not None,
            counters=counting(tcp_subscription.SUBSCRIPTION_COUNTERS),
            **options,
        )
        dialler = None
        if files is not None:
            counters = counting(tls.COUNTERS, "tls")
            dialler = tls.TlsDialler(
                end, where.endpoint, files, say, counters, server_name=server_name
            )
        return Connection(where, Opened(end, []), dialler)

    def counters_max(self, where: Where) -> int:
        readers_max = int(where.options.get("connections_max", CONNECTIONS_MAX))
        return readers_max * len(READER_COUNTERS)


TRANSPORT = Tcp()
