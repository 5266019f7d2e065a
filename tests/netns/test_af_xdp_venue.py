"""Goal: a venue whose file asks for AF_XDP sends by it, a subscriber of the same file receives by
it, both say so wherever they report, and the books are the venue's; where it is refused, so is the
start.

Method: `ironpit run`, `load`, `feed` and `stat` as processes in two namespaces joined by veth.
"""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conformance.harm import Harm
from tests.netns.network import Network, network

from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue
from ironpit.flow import generate

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_tool("ip", "nft", "sysctl", "setpriv")]

MESSAGES = 3_000
TIMEOUT_S = 60
IRONPIT = [sys.executable, "-m", "ironpit"]
REFUSED = 3


@pytest.fixture
def built() -> Iterator[Network]:
    with network(2, Harm()) as found:
        yield found


@pytest.fixture
def venue(built: Network) -> Iterator[TemporaryVenue]:
    """A venue for the first namespace; only its files are used."""
    with closing(TemporaryVenue(settings_of(generate(2, MESSAGES), Options()))) as found:
        settings = yaml.safe_load(found.file.read_text())
        market_data = settings["streams"]["market_data"]
        port = market_data["rerequest"]["listen"].rpartition(":")[2]
        market_data |= {"ttl": 1, "loop": False}
        market_data["rerequest"]["listen"] = f"{built.address(0)}:{port}"
        market_data["a"] |= {"interface": "eth0", "send": "af_xdp", "receive": "af_xdp"}
        settings["degrade"] = {"af_xdp": "refuse"}
        found.file.write_text(yaml.safe_dump(settings))
        yield found


def command(built: Network, host: int, *words: str, without: str = "") -> list[str]:
    bound = ["setpriv", "--bounding-set", without] if without else []
    return built.inside(built.host(host), *bound, *IRONPIT, *words)


def ironpit(built: Network, host: int, *words: str, text: str = "") -> Any:
    done = subprocess.run(
        command(built, host, *words), input=text, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def await_line(process: subprocess.Popen[str], wanted: str) -> list[str]:
    """What it said up to the line with these words."""
    assert process.stderr is not None
    lines: list[str] = []
    while not (lines and wanted in lines[-1]):
        lines.append(process.stderr.readline())
        assert lines[-1], "".join(lines)
    return lines


def test_a_venue_and_its_subscriber_by_af_xdp(
    built: Network, venue: TemporaryVenue, tmp_path: Path
) -> None:
    file, report = str(venue.file), tmp_path / "feed.json"
    run = subprocess.Popen(command(built, 0, "run", "-c", file), stderr=subprocess.PIPE, text=True)
    words = command(built, 1, "feed", "-c", file, "--json", str(report))
    feed = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = await_line(run, "send by AF_XDP, copy (the driver refused zero-copy")
        assert any("eth0: send" in line for line in said)
        await_line(feed, "receive by AF_XDP, copy (the driver refused zero-copy")
        assert feed.stdout is not None
        while not feed.stdout.readline().startswith("DEMO: "):
            assert feed.poll() is None
        load = ["load", "-c", file, "--messages", str(MESSAGES), "--rate", "max", "--json"]
        sent = ironpit(built, 0, *load, text=venue.password + "\n")
        assert sent["orders_acknowledged"] == sent["orders_sent"] > 0
        look = ironpit(built, 0, "stat", "-c", file, "--json")
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=TIMEOUT_S)
        feed.send_signal(signal.SIGINT)
        feed.communicate(timeout=TIMEOUT_S)
    finally:
        for process in (run, feed):
            process.kill()
            process.communicate()
    assert (run.returncode, feed.returncode) == (0, 0)
    heard = json.loads(report.read_text())
    replayed = ironpit(built, 0, "replay", str(venue.config.journal.directory), "--json")
    assert heard["complete"]
    assert heard["recovered"] == heard["lost"] == 0
    assert heard["books_digest"] == replayed["visible_digest"]
    (received,) = heard["feeds"]
    assert received["mode"] == "copy"
    assert received["counters"]["received"] == heard["packets_a"] > 0
    counters, told = look["processes"][0]["counters"], look["processes"][0]["declared"]
    assert counters["market-data-a-send.mode"] == 3
    assert counters["market-data-a-send.sent"] >= counters["market-data.packets"] > 0
    assert "send by AF_XDP, copy (the driver refused" in told["market-data-a-send.mode"]["help"]
    status = json.loads((venue.config.venue.data_directory / "status-venue.json").read_text())
    assert [found["mode"] for found in status["feeds"]] == ["copy"]
    assert "af_xdp" not in [entry["feature"] for entry in status["degraded"]]


@pytest.mark.parametrize(
    ("host", "words", "without", "expected"),
    [
        (0, "run", "-net_raw", "streams.market_data: group 239.*: send: .*CAP_NET_RAW is needed"),
        (1, "feed", "-net_admin,-sys_admin", "group 239.*: receive: .*CAP_NET_ADMIN and CAP_BPF"),
    ],
)
def test_the_start_is_refused_where_the_kernel_is_not_wanted_instead(
    built: Network, venue: TemporaryVenue, host: int, words: str, without: str, expected: str
) -> None:
    done = subprocess.run(
        command(built, host, words, "-c", str(venue.file), without=without),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == REFUSED
    assert "Traceback" not in done.stderr
    assert re.search(expected, done.stderr), done.stderr


def test_a_venue_that_may_go_by_the_kernel_says_that_it_does(
    built: Network, venue: TemporaryVenue
) -> None:
    settings = yaml.safe_load(venue.file.read_text())
    settings["degrade"] = {"af_xdp": "degrade"}
    venue.file.write_text(yaml.safe_dump(settings))
    file = str(venue.file)
    run = subprocess.Popen(
        command(built, 0, "run", "-c", file, without="-net_raw"), stderr=subprocess.PIPE, text=True
    )
    try:
        await_line(run, "degraded: af_xdp: ")
        look = ironpit(built, 0, "stat", "-c", file, "--json")
    finally:
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=TIMEOUT_S)
    assert look["processes"][0]["counters"]["market-data-a-send.mode"] == 1
    told = look["processes"][0]["declared"]["market-data-a-send.mode"]
    assert "by the kernel" in told["help"]
