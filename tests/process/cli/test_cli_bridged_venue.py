"""Goal: a venue carries its streams over TCP as its configuration names them, and never waits for
who reads them.

Method: a venue of one process with the event stream and the market data bridged; orders; readers
that come late, over TLS, and across a restart. What they get is compared with the journal.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.doubles.certificates import make_authority, make_certificate
from tests.process.cli.test_cli_venue import ironpit, load
from tests.unit.messaging.tcp_ends import Seen, until

from ironcore.messaging.tcp.subscription import TcpSubscription
from ironcore.stream.journal_reader import JournalReader
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue, free_port
from ironpit.flow import generate
from ironpit.transport.tls import Certificates, TlsDialler

MESSAGES = 6_000


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    authority = make_authority(tmp_path, "ca")
    for name in ("venue", "cloud"):
        make_certificate(tmp_path, name, authority)
    return tmp_path


@pytest.fixture
def venue(pki: Path) -> Iterator[TemporaryVenue]:
    settings = settings_of(generate(2, MESSAGES), Options())
    settings["streams"] = {
        **settings.get("streams", {}),
        "plain": {"transport": "tcp", "listen": f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"},
        "to_cloud": {
            "transport": "tcp",
            "source": "market_data",
            "listen": f"127.0.0.1:{free_port(socket.SOCK_STREAM)}",
            "tls": {
                "certificate": str(pki / "venue.pem"),
                "key": str(pki / "venue.key"),
                "client_ca": str(pki / "ca.pem"),
            },
            "slow_reader": {"queue": "1MiB", "policy": "disconnect"},
        },
    }
    for process in settings["placement"]["processes"].values():
        process["threads"][-1]["stages"] = [*process["threads"][-1]["stages"], "bridge"]
    with closing(TemporaryVenue(settings)) as venue:
        yield venue


def subscribe(venue: TemporaryVenue, stream: str, *, dialled: bool = False) -> TcpSubscription:
    listen = venue.config.streams.bridged[stream].listen
    return TcpSubscription(listen.address, listen.port, "LATE", dialled=dialled)


@pytest.mark.needs_tool("openssl")
def test_late_readers_get_whole_streams_and_resume_after_a_restart(
    venue: TemporaryVenue, pki: Path
) -> None:
    venue.start()
    load(venue)
    events = Seen(subscribe(venue, "plain"))
    cloud = subscribe(venue, "to_cloud", dialled=True)
    files = Certificates(pki / "cloud.pem", pki / "cloud.key", pki / "ca.pem")
    dialler = TlsDialler(cloud, venue.config.streams.bridged["to_cloud"].listen, files, print)
    dialler.start()
    market = Seen(cloud)
    counted = json.loads(ironpit("stat", "-c", str(venue.file), "--json").stdout)
    messages = _value(counted, "bridge-to_cloud.offered")
    until(lambda: len(market.frames) >= messages, market.poll, events.poll)
    assert messages > 1000
    assert venue.stop() == 0
    journal = [(n, bytes(frame)) for n, frame in JournalReader(venue.config.journal.directory)]
    venue.start()
    load(venue)
    until(lambda: len(events.frames) > len(journal) + 1000, events.poll, market.poll)
    until(lambda: market.counts["frames"] > messages, events.poll, market.poll)
    assert events.frames[: len(journal)] == journal
    assert events.gaps == market.gaps == []
    assert events.counts["resumes"] == market.counts["resumes"] == 1
    assert [number for number, _ in market.frames] == list(range(1, len(market.frames) + 1))
    anew = Seen(subscribe(venue, "to_cloud", dialled=True))
    assert isinstance(anew.subscription, TcpSubscription)
    again = TlsDialler(anew.subscription, dialler.address, files, print)
    again.start()
    until(lambda: len(anew.frames) >= len(market.frames), anew.poll)
    assert anew.frames[: len(market.frames)] == market.frames
    again.stop()
    dialler.stop()
    assert venue.stop() == 0


def _value(document: object, name: str) -> int:
    """A counter somewhere in what `stat --json` prints."""
    if isinstance(document, dict):
        if isinstance(document.get(name), int):
            return int(document[name])
        document = list(document.values())
    if isinstance(document, list):
        return max((_value(item, name) for item in document), default=-1)
    return -1


@pytest.mark.needs_tool("openssl")
def test_a_reader_is_named_in_the_counters_also_after_the_venue_died(venue: TemporaryVenue) -> None:
    venue.start()
    seen = Seen(subscribe(venue, "plain"))
    until(lambda: seen.frames, seen.poll)
    assert venue.process is not None
    venue.process.kill()
    venue.process.wait()
    [process] = json.loads(ironpit("stat", "-c", str(venue.file), "--json").stdout)["processes"]
    [reader] = process["tcp_readers"]
    assert (reader["stream"], reader["reader"], reader["logins"]) == ("bridge-plain", "LATE", 1)
    said = ironpit("stat", "-c", str(venue.file)).stdout
    [row] = [line for line in said.splitlines() if line.startswith("bridge-plain LATE")]
    assert row.removeprefix("bridge-plain LATE").split()[:2] == ["until", "then"], said


@pytest.mark.needs_tool("openssl")
def test_a_key_that_others_may_read_stops_the_start_and_names_the_file(
    venue: TemporaryVenue, pki: Path
) -> None:
    (pki / "venue.key").chmod(0o644)
    done = ironpit("run", "-c", str(venue.file), code=3)
    assert f"streams.to_cloud.tls.key: {pki / 'venue.key'}: found mode 0644" in done.stderr
