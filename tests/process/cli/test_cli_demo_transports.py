"""Goal: which transport carries market data and the event stream is one key each, and makes no
difference to what arrives.

Method: the same order session through `run_demo` on each transport in turn; digests of the journal
and of the market data as received, and the configurations side by side.
"""

from pathlib import Path

import pytest

from ironpit import config
from ironpit.config.diff import changes
from ironpit.demo import Options, Report, flow_of, run_demo, settings_of
from ironpit.load import Pace
from ironpit.temporary import TemporaryVenue

MESSAGES = 1_500


def options(market_data: str, events: str) -> Options:
    return Options(
        sessions=1, pace=Pace(), messages_max=MESSAGES, market_data=market_data, events=events
    )


def silent(what: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def reference() -> Report:
    """Shared memory for both."""
    return run_demo(options("shm", "shm"), silent)


@pytest.mark.parametrize(
    ("market_data", "events"),
    [("multicast", "shm"), ("tcp", "shm"), ("shm", "multicast"), ("shm", "tcp")],
)
def test_the_same_stream_arrives_by_every_transport(
    market_data: str, events: str, reference: Report
) -> None:
    report = run_demo(options(market_data, events), silent)
    assert reference.good
    assert report.good, report
    assert report.replay.stream_digest == reference.replay.stream_digest
    assert report.feed_digest == reference.feed_digest
    assert report.feed["messages"] == reference.feed["messages"] > MESSAGES // 2


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
