"""Goal: market data over shared memory outlives its venue: who reads the ring is told that it is
gone, and goes on without a gap with the ring that the venue makes when it is started again.

Method: real processes. The venue gets SIGKILL between two loads; a subscriber in this process reads
across it. At the end its books are compared with those of one that came after everything.
"""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.process.cli.test_cli_venue import load

from ironcore.messaging.shm import ShmSubscription
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue
from ironpit.flow import generate
from ironpit.market_data import FeedClient, open_feed

MESSAGES = 2_000
TIMEOUT_S = 30.0


@pytest.fixture
def venue() -> Iterator[TemporaryVenue]:
    settings = settings_of(generate(2, MESSAGES), Options(market_data="shm"))
    with closing(TemporaryVenue(settings)) as venue:
        yield venue


def kill(venue: TemporaryVenue) -> None:
    """SIGKILL to the one process that the venue is."""
    assert venue.process is not None
    pids = [
        json.loads(file.read_text())["pid"]
        for file in venue.config.venue.data_directory.glob("status-*.json")
    ]
    assert pids == [venue.process.pid]
    venue.process.kill()
    venue.process.wait()


def held(venue: TemporaryVenue) -> int:
    """The number of the next message in the market data's ring."""
    return ShmSubscription(venue.config.streams.market_data.path).sequence_next


def follow(venue: TemporaryVenue) -> FeedClient:
    return FeedClient(opened=open_feed(venue.config.streams.market_data, venue.config.venue.name))


def test_a_subscriber_goes_on_after_the_venue_was_killed(venue: TemporaryVenue) -> None:
    venue.start()
    with follow(venue) as feed:
        assert feed.feed.session_name == "DEMO"
        load(venue)
        first = feed.feed.next_sequence
        kill(venue)
        assert feed.wait_until(lambda: not feed.feed.published, TIMEOUT_S)
        assert feed.counts()["producers_lost"] == 1
        venue.start()
        assert feed.wait_until(lambda: feed.counts()["reattached"] == 1, TIMEOUT_S)
        load(venue)
        assert feed.wait_until(lambda: feed.feed.next_sequence > first + MESSAGES, TIMEOUT_S)
        with follow(venue) as late:
            assert late.wait_until(
                lambda: late.feed.next_sequence == feed.feed.next_sequence == held(venue),
                TIMEOUT_S,
            )
            assert feed.feed.complete
            assert late.feed.complete
            assert feed.books.digest() == late.books.digest()
        counts = feed.counts()
        assert (counts["lost"], counts["reattached"], counts["sessions"]) == (0, 1, 0)
        assert counts["messages"] == counts["next"] - 1
        assert feed.feed.published
        assert venue.stop() == 0
        venue.config.streams.market_data.path.unlink()
        assert feed.wait_until(lambda: not feed.feed.complete, TIMEOUT_S)
