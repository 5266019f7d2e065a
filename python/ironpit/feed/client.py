"""A subscriber to a venue's market data: ITCH 5.0 by any transport, gaps filled."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from ironcore.runtime.feed import Feed
from ironpit.config.schema import MarketDataStream
from ironpit.feed.books import Books
from ironpit.messaging import configured
from ironpit.messaging.multicast import MulticastError, Opened

POLL_S = 0.01


class FeedError(Exception):
    """The stream cannot be received; the text says what was refused."""


def subscribe(stream: MarketDataStream, session: str, *, groups: bool = True) -> Opened[Any]:
    """A subscription to a venue's market data by the transport that it names, to receive with a
    FeedClient. FeedError.

    groups: False on a host without multicast; see `configured.subscribe`.
    """
    try:
        return configured.subscribe(stream, session, groups=groups)
    except (MulticastError, ValueError, OSError) as error:
        raise FeedError(str(error)) from error


class FeedClient:
    """Receives on a thread of its own from `start` to `stop`; `books` may be read at any time.

    with FeedClient(subscribe(config.streams.market_data, config.venue.name)) as feed:
        bids, asks = feed.books.depth("BTCUSD")

    opened: closed with the client. record: a file that gets every message in sequence,
    length-framed.
    """

    def __init__(self, opened: Opened[Any], *, record: Path | None = None) -> None:
        self.books = Books()
        self._opened = opened
        self._record = -1
        self._stopped = False
        try:
            if record is not None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._record = os.open(record, flags, 0o644)
        except OSError as error:
            opened.close()
            raise FeedError(f"{record}: {error.strerror}") from error
        self.feed = Feed(
            self.books.builder,
            opened.end,
            wait=tuple(sock.fileno() for sock in opened.sockets)[-2:],
            record=self._record,
        )
        self._thread = threading.Thread(target=self.feed.run, name="feed", daemon=True)

    def start(self) -> "FeedClient":
        """Begin to receive."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take in what has arrived, then close everything."""
        self.feed.stop()
        if self._thread.is_alive():
            self._thread.join()
        if not self._stopped:
            self._stopped = True
            self._opened.close()
            if self._record >= 0:
                os.close(self._record)
                self._record = -1

    def __enter__(self) -> "FeedClient":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """False once the session has ended or recording has failed."""
        return self._thread.is_alive()

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait for a condition on this feed; whether it came true in time."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(POLL_S)
        return True

    def counts(self) -> dict[str, int]:
        """Of the receiver and of the books together."""
        return {**self.feed.counts(), **self.books.counts(), "next": self.feed.next_sequence}
