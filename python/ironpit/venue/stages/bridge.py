"""The streams that a venue's bridge carries over TCP, as the configuration names them.

The bridge can never stop the venue: the ring waits for it no longer than its patience. When that is
over, the events that were overwritten come from the journal, and market data is made again from it.
"""

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import SUBSCRIPTION_COUNTERS, ShmSubscription
from ironcore.messaging.tcp.publication import (
    PUBLICATION_COUNTERS,
    READER_COUNTERS,
    TcpPublication,
)
from ironcore.runtime import pipeline
from ironcore.stage import bridge, publisher
from ironcore.stream.frame_taker import ChosenFrames
from ironpit.config import Config
from ironpit.transport import stream_ends, tls
from ironpit.transport.ends import Counting
from ironpit.transport.kinds import transport_of
from ironpit.venue.sockets import Open
from ironpit.venue.stages.stage import Stage
from ironpit.venue.stream_identity import session_of

PREFIX = "bridge-"
FRAME_BYTES_LEAST = 64  # of the event stream; fewer frames than that fit its window


class Builder(Stage):
    """One stream over TCP, by the name that the configuration gives it, and what listens for its
    readers. UserError when the host refuses the address or a certificate."""

    @staticmethod
    def counters_max(config: Config, name: str) -> int:
        ends = (PUBLICATION_COUNTERS, SUBSCRIPTION_COUNTERS, bridge.COUNTERS, publisher.COUNTERS)
        readers_max = config.streams.bridged[name.removeprefix(PREFIX)].connections_max
        return sum(map(len, ends)) + len(tls.COUNTERS) + readers_max * len(READER_COUNTERS)

    def build(self) -> None:
        context, name = self.context, self.name.removeprefix(PREFIX)
        self._stream = self.config.streams.bridged[name]
        where = stream_ends.where_of(self._stream, f"streams.{name}", publishes=True)
        self.offer = transport_of(where.transport).offer(
            where,
            Counting(self.name, context.counters, context.file),
            lambda text: context.say(f"{name}: {text}"),
        )
        try:
            made = self._events() if self._stream.source == "events" else self._market_data()
        except BaseException:
            self.offer.close()
            raise
        context.note_huge_pages(self.huge_pages)
        self.agents = [made]
        opened = self.offer.opened
        assert opened is not None
        # They are closed with the offer.
        self.opened = [Open(f"stream {name}", sock.fileno()) for sock in opened.plain]
        if isinstance(opened.end, TcpPublication):
            self.publications = [(f"stream {name}", opened.end)]

    def describe(self) -> dict[str, str]:
        return {"listens": str(self._stream.listen), "carries": self._stream.source}

    def _count(self, what: str, names: tuple[Declaration, ...]) -> CounterSet:
        return self.context.counters(f"{self.name}-{what}", names)

    def _publish(self, sequence_next: int) -> PublicationEnd:
        return self.offer.publish(session_of(self.config), sequence_next=sequence_next)

    def _events(self) -> bridge.BridgeStage:
        """The event stream itself. What the journal holds of it fills the window."""
        config = self.config
        ring = config.streams.events.path
        subscription = ShmSubscription(
            ring,
            self.name,
            counters=self._count("events", SUBSCRIPTION_COUNTERS),
        )
        self.huge_pages = subscription.reader.huge_pages
        held = subscription.reader.first_sequence
        first = max(1, held - self._stream.window_bytes // FRAME_BYTES_LEAST)
        publication = self._publish(first)
        recalled = ChosenFrames(None, lambda sequence, frame: publication.recall(frame))
        pipeline.give_before(config.journal.directory, ring, held, [recalled], first)
        return bridge.BridgeStage(
            subscription,
            publication,
            self._count("stage", bridge.COUNTERS),
            name=self.name,
            journal=config.journal.directory,
        )

    def _market_data(self) -> publisher.PublisherStage:
        """ITCH 5.0, as the multicast feed has it: every frame one message, with the same number."""
        config = self.config
        reader = pipeline.open_stream_reader(config.streams.events.path, self.name)
        self.huge_pages = reader.huge_pages
        return publisher.PublisherStage(
            reader,
            self._publish(1),
            self._count("stage", publisher.COUNTERS),
            journal=config.journal.directory,
        )

    def start(self) -> None:
        """Begin to accept readers over TLS."""
        self.offer.start()

    def close(self) -> None:
        """Leave the readers."""
        self.offer.close()
