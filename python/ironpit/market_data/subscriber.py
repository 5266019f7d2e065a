"""A subscriber to a venue's market data: ITCH 5.0 over MoldUDP64 multicast, gaps filled."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from ironcore.client.feed import Feed
from ironpit.config import Endpoint
from ironpit.config.schema import MarketDataStream
from ironpit.market_data.books import Books
from ironpit.market_data.snapshot_client import SnapshotError, fetch
from ironpit.transport import stream_ends
from ironpit.transport.af_xdp import Truth
from ironpit.transport.multicast import (
    RECEIVE_BUFFER_BYTES,
    Group,
    MulticastError,
    Opened,
    subscribe,
)

POLL_S = 0.01
SNAPSHOT_AGAIN_S = 1.0
# A snapshot may be a moment behind what is held; older ones are not worth a gap.
SNAPSHOT_OLDER_S = 0.02
SNAPSHOTS_MAX = 20
# With a snapshot to fall back on there is no use in asking for long for what is gone.
SNAPSHOT_GIVE_UP_NS = 500_000_000


class FeedError(Exception):
    """The stream cannot be received; the text says what was refused."""


def open_feed(
    stream: MarketDataStream,
    session: str,
    *,
    groups: bool = True,
    snapshot: bool = False,
    refuse: bool = False,
) -> Opened[Any]:
    """A subscription to a venue's market data by the transport that the stream names, for a
    FeedClient. FeedError.

    groups: False on a host without multicast. snapshot: whether there is one to fall back on.
    refuse: the kernel's path, where AF_XDP is asked for by name.
    """
    options: dict[str, Any] = {"give_up_ns": SNAPSHOT_GIVE_UP_NS} if snapshot else {}
    try:
        return stream_ends.subscribe(stream, session, groups=groups, refuse=refuse, **options)
    except (MulticastError, ValueError, OSError) as error:
        raise FeedError(str(error)) from error


class FeedClient:
    """Receives on a thread of its own from `start` to `stop`; `books` may be read at any time.

    with FeedClient(group, "127.0.0.1", rerequest=server) as feed:
        bids, asks = feed.books.depth("BTCUSD")

    group: None on a host without multicast: the whole stream is then asked for from the re-request
    server, which `session` has to name the stream to. snapshot: a server that is asked for the
    books before the first message, and again when a gap could not be filled; nothing older is
    asked for then, and a recording begins, or has a hole, there. b: the group that brings the same
    packets once more, by another way. record: a file that gets every message in
    sequence, length-framed. expected: the sequence number to start from; what was sent before is
    asked for from the re-request server. opened: a subscription by any transport, in the place of
    the groups, closed with the client.
    """

    def __init__(
        self,
        group: Endpoint | None = None,
        interface: str = "",
        *,
        opened: Opened[Any] | None = None,
        b: Group | None = None,
        rerequest: Endpoint | None = None,
        snapshot: Endpoint | None = None,
        record: Path | None = None,
        expected: int = 1,
        session: str = "",
        buffer_bytes: int = RECEIVE_BUFFER_BYTES,
    ) -> None:
        self.books = Books()
        if opened is None and group is None and (rerequest is None or not session):
            raise FeedError(
                "found no multicast group, expected one, or a re-request server and a session"
            )
        groups = [Group(group, interface)] if group is not None else []
        if b is not None:
            groups.append(b)
        if snapshot is not None and not groups and opened is None:
            raise FeedError(
                "found a snapshot server, expected a multicast group beside it to go on with"
            )
        self._record = -1
        self._stopped = False
        self._snapshot = snapshot
        self._snapshots = 0
        self.snapshot_error = ""
        self.failure = ""
        options: dict[str, Any] = {"give_up_ns": SNAPSHOT_GIVE_UP_NS} if snapshot else {}
        self._opened: Opened[Any]
        try:
            self._opened = opened or subscribe(
                *groups,
                rerequest=rerequest,
                buffer_bytes=buffer_bytes,
                expected=expected,
                session=session,
                **options,
            )
        except MulticastError as error:
            raise FeedError(str(error)) from error
        try:
            if record is not None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._record = os.open(record, flags, 0o644)
        except OSError as error:
            self._opened.close()
            raise FeedError(f"{record}: {error.strerror}") from error
        self.feed = Feed(
            self.books.builder,
            self._opened.end,
            record=self._record,
            stop_at_gap=snapshot is not None,
        )
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def _run(self) -> None:
        if self._snapshot is None:
            try:
                self.feed.run()
            except (OSError, ValueError) as error:  # a ring that took the place of the one read
                self.failure = str(error)
            return
        again = True
        while again:
            if not self._join(self._snapshot):
                return
            again = self.feed.run()

    def _join(self, server: Endpoint) -> bool:
        """Hold what comes, take a snapshot, and splice: whether it was done before `stop`."""
        subscription = self._opened.end
        subscription.hold()

        def turn() -> bool:
            subscription.poll(lambda sequence, frame: None)
            return not self.feed.stopping

        tries = 0
        while turn():
            try:
                sequence, messages = fetch(server, subscription.session, turn)
                tries += 1
                if sequence < subscription.sequence_next and tries < SNAPSHOTS_MAX:
                    self._hold_for(SNAPSHOT_OLDER_S, turn)
                    continue
                self.books.builder.replace(messages)
            except (SnapshotError, ValueError) as error:
                self.snapshot_error = str(error)
                self._hold_for(SNAPSHOT_AGAIN_S, turn)
                continue
            subscription.splice(sequence)
            self.feed.mend()
            self._snapshots += 1
            return True
        return False

    def _hold_for(self, seconds: float, turn: Callable[[], bool]) -> None:
        until_s = time.monotonic() + seconds
        while turn() and time.monotonic() < until_s:
            time.sleep(POLL_S)

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
        """False once the session has ended, or recording or the transport (`failure`) failed."""
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
        received = self.feed.counts()
        received["malformed_packets"] = received.pop("malformed", 0)
        received["snapshots"] = self._snapshots
        return {**received, **self.books.counts(), "next": self.feed.next_sequence}

    @property
    def truths(self) -> list[Truth]:
        """How the feeds that ask for AF_XDP are carried."""
        return self._opened.truths

    @property
    def notes(self) -> list[str]:
        """What the host did not grant: a receive buffer as large as asked for."""
        return self._opened.notes
