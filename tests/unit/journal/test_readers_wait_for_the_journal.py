"""Goal: with `durability: before-reply` no reader of the event stream sees a frame before its
record is on the disk, however it opens the ring; with the other policies, and on a ring without a
journal, nobody waits.

Method: the venue's own ring and a journal whose fdatasync is refused by the host (its descriptor is
put on /dev/null, which takes writes and no sync) or that nobody polls; every way to open the ring.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.streams import frames_before, whole_stream
from tests.unit.journal.journal_bytes import STREAM_NAME, frames_numbered

from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.ring import broadcast
from ironcore.runtime import pipeline
from ironcore.stage import bridge, journal
from ironcore.stage.journal import JournalStage
from ironpit.bridge.addresses import parse
from ironpit.bridge.source import Counted, open_source

STATUS_OK, STATUS_IO = 0, 11
SECOND = 10**9
IDENTITY = "0123456789abcdef" * 2
Seen = Callable[[], list[int]]


class Venue:
    """The event ring of a venue with a reader that its operator named, and its journal."""

    def __init__(self, root: Path, policy: str) -> None:
        self.root, self.policy = root, policy
        self.ring = root / "events.ring"
        self.directory = root / "journal"
        self.directory.mkdir()
        self.made(1)

    def made(self, sequence_next: int) -> None:
        """The ring, made (anew) as the venue's start makes it."""
        self.ring.unlink(missing_ok=True)
        pipeline.create_event_ring(
            self.ring,
            1 << 16,
            stages={
                "journal": 0,
                "gateway": SECOND,
                "publisher": SECOND,
                "bridge-cloud": SECOND,
                "snapshot": SECOND,
            },
            before_reply=self.policy == "before-reply",
            sequence_next=sequence_next,
            patience_of={"risk": SECOND, "publisher": 2 * SECOND},
            session="TEST",
            identity=IDENTITY,
        )
        self.producer = broadcast.Producer(self.ring)

    def offer(self, first: int, count: int) -> list[int]:
        for sequence, payload in frames_numbered(first, count):
            assert self.producer.tail_sequence() == sequence
            assert self.producer.offer(payload) == STATUS_OK
        return list(range(first, first + count))

    def start_journal(self) -> None:
        self.journal = JournalStage(
            broadcast.Reader(self.ring, "journal"),
            self.directory,
            STREAM_NAME.decode(),
            CounterSet("journal", journal.COUNTERS),
            policy=self.policy,
            interval_ns=1 << 62,
        )

    def refuse_syncs(self) -> Callable[[], None]:
        """fdatasync of the open segment fails from now on, until the answer is called."""
        [fd] = [
            int(entry.name)
            for entry in Path("/proc/self/fd").iterdir()
            if os.path.realpath(entry).startswith(f"{self.directory}/")
            and Path(os.path.realpath(entry)).is_file()
        ]
        kept, null = os.dup(fd), os.open("/dev/null", os.O_RDWR)
        os.dup2(null, fd)
        os.close(null)

        def allow() -> None:
            os.dup2(kept, fd)
            os.close(kept)

        return allow


def of_ring(reader: broadcast.Reader) -> Seen:
    return lambda: [sequence for sequence, _ in reader.poll(1 << 10)[1]]


def of_subscription(subscription: SubscriptionEnd) -> Seen:
    def seen() -> list[int]:
        numbers: list[int] = []
        while subscription.poll(lambda sequence, _: numbers.append(sequence)) > 0:
            pass
        return numbers

    return seen


def of_bridge(source: ShmSubscription, far: Path) -> Seen:
    """What a bridge has carried into a ring on the other side."""
    pipeline.create_relay_ring(far, 1 << 16, readers=["far"], patience_ns=SECOND)
    publication = ShmPublication(far)
    publication.producer.name_session("TEST")
    stage = bridge.BridgeStage(source, publication, CounterSet("bridge", bridge.COUNTERS))
    reader = of_subscription(ShmSubscription(far, "far"))

    def seen() -> list[int]:
        while stage.poll_once() > 0:
            pass
        return reader()

    return seen


def of_command(text: str, venue: Venue) -> Seen:
    """What `ironpit bridge --from TEXT` reads."""
    counters = CountersFile.create(venue.root / "counters.dat", 64)
    source = open_source(parse("from", text), 1, lambda _: None, Counted(counters))
    return of_subscription(source.end)


OPENERS: dict[str, Callable[[Venue], Seen]] = {
    "the gateway": lambda v: of_ring(pipeline.open_stream_reader(v.ring, "gateway")),
    "the publisher": lambda v: of_ring(pipeline.open_stream_reader(v.ring, "publisher")),
    "the snapshot's books": lambda v: of_ring(pipeline.open_stream_reader(v.ring, "snapshot")),
    "a crossing": lambda v: of_subscription(ShmSubscription(v.ring, "publisher")),
    "a venue's bridge": lambda v: of_subscription(ShmSubscription(v.ring, "bridge-cloud")),
    "a named gating reader": lambda v: of_subscription(ShmSubscription(v.ring, "risk")),
    "a program at a named place": lambda v: of_ring(broadcast.Reader(v.ring, "risk")),
    "a lossy reader": lambda v: of_subscription(ShmSubscription(v.ring)),
    "a lossy reader from the oldest": lambda v: of_subscription(
        ShmSubscription(v.ring, from_="oldest", session="TEST")
    ),
    "a program without a place": lambda v: of_ring(broadcast.LossyReader(v.ring)),
    "an operator's command": lambda v: of_ring(pipeline.open_stream_onlooker(v.ring)),
    "a bridge stage": lambda v: of_bridge(ShmSubscription(v.ring), v.root / "far.ring"),
    "ironpit bridge, lossy": lambda v: of_command(f"shm:{v.ring}", v),
    "ironpit bridge, gating": lambda v: of_command(f"shm:{v.ring}?reader=risk", v),
}
every_opener = pytest.mark.parametrize("opener", sorted(OPENERS))


@pytest.fixture
def venue(tmp_path: Path) -> Venue:
    return Venue(tmp_path, "before-reply")


@every_opener
def test_nobody_sees_what_a_refused_sync_has_left_behind(venue: Venue, opener: str) -> None:
    venue.start_journal()
    seen = OPENERS[opener](venue)
    durable = venue.offer(1, 3)
    assert venue.journal.poll_once() == 3
    assert seen() == durable
    allow = venue.refuse_syncs()
    pending = venue.offer(4, 5)
    assert venue.journal.poll_once() == -STATUS_IO
    assert venue.journal.counters.snapshot()["sync_errors"] == 1
    assert seen() == []
    allow()
    assert venue.journal.poll_once() >= 0
    assert seen() == pending


@every_opener
def test_who_opens_while_the_journal_is_down_waits_until_it_has_come_back(
    venue: Venue, opener: str
) -> None:
    pending = venue.offer(1, 5)
    seen = OPENERS[opener](venue)
    assert seen() == []
    venue.start_journal()
    assert venue.journal.poll_once(2) == 2
    assert seen() == pending[:2]
    del venue.journal
    pending += venue.offer(6, 2)
    assert seen() == []
    venue.start_journal()
    assert venue.journal.poll_once() == 5
    assert seen() == pending[2:]


@every_opener
@pytest.mark.parametrize("policy", ["off", "interval"])
def test_with_other_policies_nobody_waits_for_the_journal(
    tmp_path: Path, policy: str, opener: str
) -> None:
    venue = Venue(tmp_path, policy)
    seen = OPENERS[opener](venue)
    assert seen() == []
    assert venue.offer(1, 5) == seen()


@pytest.mark.parametrize("name", ["", "risk"])
def test_a_reader_follows_the_journal_in_a_ring_made_anew_as_well(venue: Venue, name: str) -> None:
    venue.start_journal()
    subscription = ShmSubscription(venue.ring, name)
    seen = of_subscription(subscription)
    venue.offer(1, 3)
    venue.journal.poll_once()
    assert seen() == [1, 2, 3]
    del venue.journal, venue.producer
    venue.made(4)
    assert subscription.reattach()
    pending = venue.offer(4, 2)
    assert seen() == []
    venue.start_journal()
    assert venue.journal.poll_once() == 2
    assert seen() == pending


def test_what_was_before_a_reader_is_durable(venue: Venue) -> None:
    """A busted trade is looked for there, and a bridge recalls it: it may leave the host."""
    venue.start_journal()
    venue.offer(1, 3)
    venue.journal.poll_once()
    refused = venue.refuse_syncs()
    venue.offer(4, 3)
    assert venue.journal.poll_once() == -STATUS_IO
    reader = pipeline.open_stream_onlooker(venue.ring)
    assert reader.first_sequence == 4
    before = frames_before(venue.directory, venue.ring, reader.first_sequence)
    assert [sequence for sequence, _ in before] == [1, 2, 3]
    refused()


def test_recovery_sees_what_is_not_durable_as_well(venue: Venue) -> None:
    venue.offer(1, 3)
    frames = whole_stream(venue.directory, venue.ring)
    assert [sequence for sequence, _ in frames] == [1, 2, 3]
    assert pipeline.salvage(venue.ring, venue.directory, STREAM_NAME.decode(), 1 << 20) == 3


def test_a_relay_ring_has_no_journal_to_wait_for(tmp_path: Path) -> None:
    ring = tmp_path / "relay.ring"
    pipeline.create_relay_ring(ring, 1 << 16, readers=["far"], patience_ns=SECOND)
    producer = broadcast.Producer(ring)
    producer.name_session("TEST")
    readers = [ShmSubscription(ring), ShmSubscription(ring, "far")]
    producer.offer(b"frame")
    assert [of_subscription(reader)() for reader in readers] == [[1], [1]]
