"""The streams that a venue's bridge carries over TCP, as the configuration names them.

The bridge can never stop the venue: the ring waits for it no longer than its patience. When that is
over, the events that were overwritten come from the journal, and market data is made again from it.
"""

from collections.abc import Callable
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.messaging.shm import SUBSCRIPTION_COUNTERS, ShmSubscription
from ironcore.messaging.tcp.publication import (
    PUBLICATION_COUNTERS,
    READER_COUNTERS,
    TcpPublication,
)
from ironcore.runtime import pipeline
from ironcore.stage import bridge, publisher
from ironpit.config import BridgedStream, Config
from ironpit.transport import tcp, tls
from ironpit.venue.stream_identity import session_of

FRAME_BYTES_LEAST = 64  # of the event stream; fewer frames than that fit its window


def counters_needed(stream: BridgedStream) -> int:
    """How many counters the stream has in its process's file."""
    ends = (PUBLICATION_COUNTERS, SUBSCRIPTION_COUNTERS, bridge.COUNTERS, publisher.COUNTERS)
    return sum(map(len, ends)) + len(tls.COUNTERS) + stream.connections_max * len(READER_COUNTERS)


class BridgedEnd:
    """One stream of the venue over TCP: its stage, and what listens for its readers.

    UserError when the host refuses the address or a certificate.
    """

    def __init__(
        self,
        config: Config,
        name: str,
        stream: BridgedStream,
        counters: CountersFile,
        say: Callable[[str], None],
    ) -> None:
        self._config = config
        self._name = name
        self._stream = stream
        self._counters = counters
        self.listener = tcp.listen(stream.listen, f"streams.{name}.listen")
        try:
            self._files = self._certificates()
            self.stage: Any = self._events() if stream.source == "events" else self._market_data()
            self.server = None
            if self._files is not None:
                self.server = tls.TlsServer(
                    self.publication,
                    self.listener,
                    self._files,
                    lambda text: say(f"{name}: {text}"),
                    self._count("tls", tls.COUNTERS),
                )
        except BaseException:
            self.listener.close()
            raise

    def _count(self, what: str, names: tuple[tuple[str, str], ...]) -> CounterSet:
        return CounterSet(f"bridge-{self._name}-{what}", names, self._counters)

    def _certificates(self) -> tls.Certificates | None:
        files, key = self._stream.tls, f"streams.{self._name}.tls"
        if files is None:
            return None
        return tls.Certificates(
            files.certificate,
            files.key,
            files.client_ca,
            (f"{key}.certificate", f"{key}.key", f"{key}.client_ca"),
        )

    def _publish(self, sequence_next: int) -> TcpPublication:
        stream = self._stream
        return TcpPublication(
            -1 if self._files is not None else self.listener.fileno(),
            session_of(self._config),
            window_bytes=stream.window_bytes,
            queue_bytes=stream.slow_reader.queue_bytes,
            policy=stream.slow_reader.policy,
            connections_max=stream.connections_max,
            heartbeat_ns=stream.heartbeat_ns,
            peer_timeout_ns=stream.peer_timeout_ns,
            login_timeout_ns=stream.login_timeout_ns,
            sequence_next=sequence_next,
            counters_file=self._counters,
            writer=f"bridge-{self._name}",
        )

    def _events(self) -> bridge.BridgeStage:
        """The event stream itself. What the journal holds of it fills the window."""
        config = self._config
        ring = config.streams.events.path
        subscription = ShmSubscription(
            ring,
            f"bridge-{self._name}",
            counters=self._count("events", SUBSCRIPTION_COUNTERS),
        )
        self.huge_pages = subscription.reader.huge_pages
        held = subscription.reader.first_sequence
        first = max(1, held - self._stream.window_bytes // FRAME_BYTES_LEAST)
        self.publication = self._publish(first)
        for _, frame in pipeline.frames_before(config.journal.directory, ring, held, first):
            self.publication.recall(frame)
        return bridge.BridgeStage(
            subscription,
            self.publication,
            self._count("stage", bridge.COUNTERS),
            name=f"bridge-{self._name}",
            journal=config.journal.directory,
        )

    def _market_data(self) -> publisher.PublisherStage:
        """ITCH 5.0, as the multicast feed has it: every frame one message, with the same number."""
        config = self._config
        reader = pipeline.open_stream_reader(config.streams.events.path, f"bridge-{self._name}")
        self.huge_pages = reader.huge_pages
        self.publication = self._publish(1)
        return publisher.PublisherStage(
            reader,
            self.publication,
            self._count("stage", publisher.COUNTERS),
            journal=config.journal.directory,
        )

    def start(self) -> None:
        """Begin to accept readers over TLS."""
        if self.server is not None:
            self.server.start()

    def close(self) -> None:
        """Leave the readers."""
        if self.server is not None:
            self.server.stop()
        self.publication.close()
        self.listener.close()
