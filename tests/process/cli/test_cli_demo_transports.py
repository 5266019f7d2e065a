"""Goal: which transport carries market data and the event stream is one key each, and makes no
difference to what arrives.

Method: the same order session through `run_demo` on each transport in turn; digests of the journal
and of the market data as received, and the configurations side by side. The frames in the ring that
the publisher reads, behind its transport, are those of the journal, times included; so the digest
of the journal, which masks times, is theirs as well.
"""

from pathlib import Path
from typing import ClassVar

import pytest
from tests.streams import frames_before

from ironcore.messaging.shm import ShmSubscription
from ironcore.runtime import pipeline
from ironpit import config
from ironpit.client.load import Pace
from ironpit.config.diff import changes
from ironpit.demo import session as demo
from ironpit.demo.session import Options, Report, flow_of, run_demo, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue
from ironpit.venue import crossing

MESSAGES = 1_500


def options(market_data: str, events: str) -> Options:
    return Options(
        sessions=1, pace=Pace(), messages_max=MESSAGES, market_data=market_data, events=events
    )


def silent(what: str, done: int, total: int) -> None:
    """Nobody watches."""


Frame = tuple[int, bytes]


class WatchedVenue(TemporaryVenue):
    """Looks, before everything is removed, at the event stream in the last venue's two places."""

    journal: ClassVar[list[Frame]] = []
    publisher: ClassVar[list[Frame]] = []

    def close(self, *, keep: bool = False) -> None:
        self.stop()
        events = self.config.streams.events
        carried = events.transport != "shm"
        ring = crossing.far_ring(self.config) if carried else events.path
        WatchedVenue.publisher = _held(ring)
        WatchedVenue.journal = list(
            frames_before(
                self.config.journal.directory, events.path, pipeline.last_sequence(events.path) + 1
            )
        )
        super().close(keep=keep)


def _held(ring: Path) -> list[Frame]:
    frames: list[Frame] = []
    subscription = ShmSubscription(ring, from_="oldest")
    while subscription.poll(
        lambda sequence, frame: frames.append((sequence, frame)),
        on_gap=lambda first, count: pytest.fail(f"gap at {first} of {count}"),
    ):
        pass
    return frames


@pytest.fixture(scope="module")
def reference() -> Report:
    """Shared memory for both."""
    return run_demo(options("shm", "shm"), silent)


@pytest.mark.parametrize(
    ("market_data", "events"),
    [("multicast", "shm"), ("tcp", "shm"), ("shm", "multicast"), ("shm", "tcp")],
)
def test_the_same_stream_arrives_by_every_transport(
    market_data: str, events: str, reference: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "TemporaryVenue", WatchedVenue)
    report = run_demo(options(market_data, events), silent)
    assert reference.good
    assert report.good, report
    assert report.replay.stream_digest == reference.replay.stream_digest
    assert report.feed_digest == reference.feed_digest
    assert report.feed["messages"] == reference.feed["messages"] > MESSAGES // 2
    assert WatchedVenue.publisher[0][0] == 1
    assert len(WatchedVenue.publisher) == report.replay.sequence
    assert WatchedVenue.publisher == WatchedVenue.journal


@pytest.mark.parametrize("stream", ["market_data", "events"])
@pytest.mark.parametrize("transport", ["multicast", "tcp"])
def test_the_configurations_differ_in_that_one_key(
    stream: str, transport: str, tmp_path: Path
) -> None:
    chosen = {"market_data": "shm", "events": "shm", stream: transport}
    flow = flow_of(options("shm", "shm"), silent)
    venue = TemporaryVenue(settings_of(flow, options("shm", "shm")))
    try:
        text = venue.file.read_text()
        before, _, after = text.partition(f"  {stream}:\n")
        other = tmp_path / "other.yaml"
        changed = after.replace("transport: shm", f"transport: {transport}", 1)
        other.write_text(f"{before}  {stream}:\n{changed}")
        found = changes(config.read(venue.file), config.read(other))
    finally:
        venue.close()
    key = f"streams.{stream}.transport"
    assert [(change.key, change.a, change.b) for change in found] == [(key, "shm", transport)]
    loaded = settings_of(flow, options(**chosen))["streams"]
    assert loaded[stream]["transport"] == transport
