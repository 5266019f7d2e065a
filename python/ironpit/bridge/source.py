"""Opens the end that a bridge reads."""

from collections.abc import Callable
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.messaging import shm
from ironcore.messaging.multicast import subscription as multicast_subscription
from ironcore.messaging.multicast.subscription import MulticastSubscription
from ironcore.messaging.shm import ShmSubscription
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.messaging.tcp import subscription as tcp_subscription
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironpit.bridge.addresses import Address
from ironpit.common.errors import Exit, UserError
from ironpit.transport import multicast
from ironpit.transport.tls import COUNTERS as TLS_COUNTERS
from ironpit.transport.tls import Certificates, TlsDialler

Say = Callable[[str], None]

SOURCE_COUNTERS = {
    "shm": shm.SUBSCRIPTION_COUNTERS,
    "multicast": multicast_subscription.SUBSCRIPTION_COUNTERS,
    "tcp": tcp_subscription.SUBSCRIPTION_COUNTERS,
}


class Counted:
    """The counters of a bridge's parts, each allocated in the file once: an end that is opened
    again goes on with those of the one before."""

    def __init__(self, file: CountersFile) -> None:
        self.file = file
        self._sets: dict[str, CounterSet] = {}

    def __call__(self, part: str, names: tuple[tuple[str, str], ...]) -> CounterSet:
        """Those of this part."""
        if part not in self._sets:
            self._sets[part] = CounterSet(part, names, self.file)
        return self._sets[part]


class Source:
    """The end that a bridge reads. insists: on the session that it was opened with."""

    def __init__(
        self, end: SubscriptionEnd, dialler: TlsDialler | None = None, *, insists: bool = False
    ) -> None:
        self.end = end
        self.dialler = dialler
        self.insists = insists
        self.connects = end.counters.snapshot().get("connects", 0)

    @property
    def session(self) -> str | None:
        """The session of the stream, as the other side says; None while nothing was heard of it,
        "" when it has none."""
        end = self.end
        if isinstance(end, ShmSubscription):
            reader = end.reader
            empty = reader.oldest_sequence() == reader.tail_sequence()
            return end.session or (None if empty else "")
        if isinstance(end, MulticastSubscription):
            return (end.session or None) if end.known_end else None
        assert isinstance(end, TcpSubscription)
        heard = end.counters.snapshot()["connects"] > self.connects
        return (end.session or None) if heard else None

    @property
    def identity(self) -> str:
        """Of the stream, whatever its session is called; "" where that is not said: over a
        network."""
        return self.end.reader.identity if isinstance(self.end, ShmSubscription) else ""

    @property
    def session_next(self) -> str:
        """The session that has followed, or stands where another one was wanted; "" for none."""
        end = self.end
        if isinstance(end, ShmSubscription | MulticastSubscription):
            return end.session_next
        assert isinstance(end, TcpSubscription)
        what, _, name = end.told.partition(" ")
        # Only a server that refuses says so; what was said before a login is over with it.
        refused = what == "session" and not end.live and not self.insists
        return name.strip() if refused and name.strip() != end.session else ""

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


def names_of(options: dict[str, Any], **parameters: str) -> dict[str, Any]:
    """Of the options given, those that an end takes under another name."""
    return {to: options[name] for name, to in parameters.items() if name in options}


def certificates_of(options: dict[str, Any], authorities: str) -> Certificates | None:
    """The three files for TLS, None without."""
    if "certificate" not in options:
        return None
    return Certificates(
        options["certificate"],
        options["key"],
        options[authorities],
        ("certificate", "key", authorities),
    )


def open_source(
    address: Address, sequence_next: int, say: Say, counters: Counted, session: str = ""
) -> Source:
    """The subscription at --from, which goes on with this number as far as it can.

    session: of the frames with the numbers before it, when that is known. A server over TCP is
    asked for no other: it would otherwise judge the number by its own.
    """
    options = dict(address.options)
    insists = "session" in options
    counted = counters("from", SOURCE_COUNTERS[address.transport])
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
            raise UserError(f"--from {address.text}: {reason_of(error)}", Exit.REFUSED) from error
    if address.transport == "multicast":
        try:
            opened = multicast.subscribe(
                *address.groups,
                expected=sequence_next,
                counters=counted,
                **names_of(options, session="session", rerequest="rerequest", give_up="give_up_ns"),
            )
        except multicast.MulticastError as error:
            raise UserError(f"--from {address.text}: {error}", Exit.REFUSED) from error
        for note in opened.notes:
            say(note)
        return Source(opened.end, insists=insists)
    if session:
        options.setdefault("session", session)
    sequence = sequence_next if sequence_next > 1 else options.get("sequence", 1)
    files = certificates_of(options, "server_ca")
    subscription = TcpSubscription(
        address.endpoint.address,
        address.endpoint.port,
        options.get("name", ""),
        sequence=sequence,
        dialled=files is not None,
        counters=counted,
        **names_of(
            options,
            session="session",
            stale="stale_ns",
            heartbeat="heartbeat_ns",
            backoff_max="backoff_max_ns",
        ),
    )
    if files is None:
        return Source(subscription, insists=insists)
    dialler = TlsDialler(
        subscription,
        address.endpoint,
        files,
        say,
        counters("from-tls", TLS_COUNTERS),
        server_name=options.get("server_name", ""),
    )
    return Source(subscription, dialler, insists=insists)


def reason_of(error: Exception) -> str:
    """What went wrong, without the path that is said already."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
