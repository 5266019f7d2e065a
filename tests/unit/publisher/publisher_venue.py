"""A publisher between a ring, a journal and a subscriber, for the tests of both of its sockets."""

import contextlib
import socket
from pathlib import Path

from tests.unit.journal.journal_bytes import write_segment
from tests.unit.publisher.stream_frames import (
    ADDED,
    ENTER_ORDER,
    STREAM_NAME,
    Packet,
    define_instrument,
    event,
    messages,
    order,
    packet,
    stream_start,
)

from ironcore.base.counter_set import CounterSet
from ironcore.market_data.itch_feed import Feed
from ironcore.messaging.multicast.publication import MulticastPublication
from ironcore.ring import broadcast
from ironcore.stage import publisher
from ironcore.stage.publisher import PublisherStage

NEVER_NS = 1 << 62


def frames_of_a_day(orders: int) -> list[bytes]:
    frames = [stream_start(), define_instrument(0, b"AAA")]
    for n in range(1, orders + 1):
        frames.append(order(ENTER_ORDER, [event(ADDED, quantity=n, order_ref=n, price=100)]))
    return frames


def expected_messages(frames: list[bytes]) -> list[bytes]:
    feed = Feed()
    return [m for n, frame in enumerate(frames, 1) for m in messages(feed.apply(n, frame))]


class Subscriber:
    """A datagram socket and the packets that came in, until they were looked at."""

    def __init__(self, family: int = socket.AF_INET) -> None:
        if family == socket.AF_INET:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.socket.bind(("127.0.0.1", 0))
            self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sender.connect(self.socket.getsockname())
        else:
            self.sender, self.socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)

    def packets(self) -> list[Packet]:
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(packet(self.socket.recv(4096)))
        return found

    def close(self) -> None:
        self.socket.close()
        self.sender.close()


class Venue:
    """A ring with a publisher's slot, its journal, and a subscriber."""

    def __init__(self, root: Path, patience_ns: int = 0) -> None:
        self.ring = root / "events.ring"
        self.directory = root / "journal"
        self.directory.mkdir()
        broadcast.create(self.ring, 1 << 14, {"publisher": broadcast.Gating(patience_ns)})
        self.producer = broadcast.Producer(self.ring)
        self.subscriber = Subscriber()
        self.requester = Subscriber()
        self.offered: list[bytes] = []

    def offer(self, frames: list[bytes], now_ns: int | None = None) -> None:
        for frame in frames:
            assert self.producer.offer(frame, now_ns) == 0
            self.offered.append(frame)

    def journal_all(self) -> None:
        write_segment(self.directory, list(enumerate(self.offered, 1)))

    def stage(self, **settings: object) -> PublisherStage:
        settings.setdefault("heartbeat_ns", NEVER_NS)
        journal = settings.pop("journal", self.directory)
        publication = MulticastPublication(
            [self.subscriber.sender.fileno()],
            STREAM_NAME.decode(),
            **settings,  # type: ignore[arg-type]
        )
        return PublisherStage(
            broadcast.Reader(self.ring, "publisher"),
            publication,
            CounterSet("publisher", publisher.COUNTERS),
            journal=journal,  # type: ignore[arg-type]
        )

    def close(self) -> None:
        self.subscriber.close()
        self.requester.close()


def joined(packets: list[Packet]) -> dict[int, bytes]:
    """Messages by sequence; a repeated one has to be the same."""
    found: dict[int, bytes] = {}
    for p in packets:
        assert p.session == STREAM_NAME
        for sequence, message in enumerate(p.messages, p.sequence):
            assert found.setdefault(sequence, message) == message
    return found


def numbered(all_messages: list[bytes]) -> dict[int, bytes]:
    return dict(enumerate(all_messages, 1))
