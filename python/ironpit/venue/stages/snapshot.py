"""The snapshot server: the public books, kept by a publisher of their own, for who joins late."""

from ironcore.market_data import book_publication
from ironcore.market_data.book_publication import BookPublication
from ironcore.stage import publisher
from ironpit.market_data.snapshot_server import COUNTERS, SnapshotServer
from ironpit.venue import listeners
from ironpit.venue.sockets import Open
from ironpit.venue.stages.stage import Stage
from ironpit.venue.stream_identity import session_of


class Builder(Stage):
    """The books, and who serves them on threads of its own."""

    def build(self) -> None:
        context, config = self.context, self.config
        listener = listeners.snapshot(config)
        assert listener is not None
        self.opened.append(Open("snapshots", listener.fileno()))
        books = BookPublication(context.counters("snapshot-books", book_publication.COUNTERS))
        self.stage = publisher.PublisherStage(
            context.reader(self.name),
            books,
            context.counters(self.name, publisher.COUNTERS),
            journal=config.journal.directory,
        )
        self.server = SnapshotServer(
            listener,
            session_of(config),
            books.books,
            lambda: self.stage.ready,
            counters=context.counters("snapshot-server", COUNTERS),
            say=context.say,
        )
        self.agents = [self.stage]

    def describe(self) -> dict[str, str]:
        settings = self.config.streams.market_data.snapshot
        assert settings is not None
        return {"listens": str(settings.listen)}

    def start(self) -> None:
        self.server.start()

    def quiet(self) -> None:
        self.server.close()

    def last_turn(self) -> int:
        """Nobody asks for the books any more."""
        return 0
