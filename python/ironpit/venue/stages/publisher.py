"""The publisher: the event stream to market data, by the transport that is configured."""

import time
from typing import Any

from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.runtime import pipeline
from ironcore.stage import publisher
from ironpit.transport import stream_ends
from ironpit.venue import crossing, day, roll
from ironpit.venue.stages.stage import Stage
from ironpit.venue.stream_identity import session_of

LAST_TURNS = 8  # enough to say it twice


class Builder(Stage):
    """The one that subscribers hear. What brings the stream to it, where that is not the venue's
    ring, is polled right before it."""

    def build(self) -> None:
        context, config = self.context, self.config
        opened = stream_ends.publish(
            config.streams.market_data,
            "streams.market_data",
            session_of(config),
            "market-data",
            context.counters,
            context.without_group,
            refuse=config.degrade.af_xdp == "refuse",
        )
        self.keep("market data", opened.sockets)
        if isinstance(opened.end, TcpPublication):
            self.publications.append(("market data", opened.end))
        context.note_truths(opened.truths)
        reader = self._reader()
        self.stage = publisher.PublisherStage(
            reader,
            opened.end,
            context.counters(self.name, publisher.COUNTERS),
            journal=config.journal.directory,
        )
        self.agents.append(self.stage)

    def _reader(self) -> Any:
        if self.config.streams.events.transport == "shm":
            return self.context.reader(self.name)
        built = crossing.build(self.config, self.context.counters)
        self.context.note_huge_pages(built.huge_pages)
        self.keep("events", built.sockets)
        self.context.note_truths(built.truths)
        self.agents += built.bridges
        self.through_network = True
        return pipeline.open_stream_reader(built.ring, self.name)

    def quiet(self) -> None:
        """Tell subscribers that the session is over when another trading day follows, which has
        another one."""
        if roll.is_due(self.config, day.of_venue(self.config), time.time_ns()):
            self.stage.end_session()

    def finish(self) -> bool:
        """The end of the session is told twice, and may get lost all the same."""
        for _ in range(LAST_TURNS):
            self.stage.poll_once()
        return True

    def describe(self) -> dict[str, str]:
        return {"publishes": self.config.streams.market_data.place}
