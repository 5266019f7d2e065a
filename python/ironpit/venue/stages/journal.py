"""The journal: the event stream to segment files."""

from ironcore.stage import journal
from ironpit.venue.stages.stage import Stage
from ironpit.venue.stream_identity import recorded, session_of


class Builder(Stage):
    """The one that keeps the stream."""

    def build(self) -> None:
        settings = self.config.journal
        stream = recorded(settings.directory)
        self.stage = journal.JournalStage(
            self.context.reader(self.name),
            settings.directory,
            session_of(self.config),
            self.context.counters(self.name, journal.COUNTERS),
            policy=settings.durability,
            interval_ns=settings.interval_ns,
            segment_bytes=settings.segment_bytes,
            identity=stream.identity if stream is not None else "",
        )
        self.agents = [self.stage]

    def describe(self) -> dict[str, str]:
        return {"writes": str(self.config.journal.directory)}

    def finish(self) -> bool:
        try:
            self.stage.finish()
        except OSError as error:
            self.context.say(
                f"{self.config.journal.directory}: {error.strerror}; what the ring still "
                "holds is kept in it and goes into the journal at the next start"
            )
            return False
        return True
