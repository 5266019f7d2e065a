"""The matcher: the order rings and the control ring to the event stream."""

from typing import Any

from ironcore.runtime import pipeline
from ironcore.stage import matcher
from ironpit.common.atomic_file import replace_json
from ironpit.common.digest import visible_digest
from ironpit.venue import order_sources
from ironpit.venue.definitions import Definitions, refused, user_ref_bits
from ironpit.venue.recovery import control_ring
from ironpit.venue.stages.stage import Stage


class Builder(Stage):
    """The one that applies commands to the books."""

    def build(self) -> None:
        """The books as the stream has them, and what the configuration defines besides."""
        config = self.config
        order_sources.check(config)
        self.engine: Any = pipeline.make_engine(
            instruments_max=config.limits.instruments_max,
            sessions_max=config.limits.sessions_max,
            orders_max=config.limits.orders_max,
            user_ref_bits=user_ref_bits(config),
        )
        self.stage = matcher.MatcherStage(
            [pipeline.open_order_consumer(gateway.orders.path) for gateway in config.gateways],
            pipeline.open_stream_producer(config.streams.events.path),
            self.engine,
            self.context.counters(self.name, matcher.COUNTERS),
            pipeline.open_control_consumer(control_ring(config)),
        )
        definitions = Definitions()
        with self.context.reading(self.name) as read:
            pipeline.give_stream(
                config.journal.directory,
                config.streams.events.path,
                [matcher.MatcherReplay(self.stage), definitions.taker()],
                progress=read,
            )
        for command in definitions.missing(config):
            self._submit(command)
        for note in definitions.left_out(config):
            self.context.say(f"{self.context.process}: {note}")
        self.agents = [self.stage]
        self.sequencer = self.stage

    def _submit(self, command: bytes) -> None:
        try:
            while not self.stage.submit(command):
                self.stage.poll_once()
        except ValueError as error:
            raise refused(self.config, command) from error

    def attend(self, now_ns: int) -> None:
        """Memory for the price levels to come."""
        self.engine.make_resident()

    def describe(self) -> dict[str, str]:
        return {"writes": str(self.config.streams.events.path)}

    def finish(self) -> bool:
        """Keep what the books are, for who compares them with those of the next start."""
        replace_json(
            self.config.venue.data_directory / "books.json",
            {
                "schema": "ironpit-books-1",
                "stream_sequence": self.stage.stream_sequence,
                "books_digest": self.engine.digest(),
                "visible_digest": visible_digest(self.engine),
            },
        )
        return True
