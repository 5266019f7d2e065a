"""Goal: the main job works from end to end: every order is acknowledged once, and the books of the
feed, of the matcher and of the replayed journal are equal.

Method: `ironpit demo` as a user runs it, on the real file where it is present and on a generated
flow.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

TIMEOUT_S = 60
REAL_FILE = Path(__file__).parents[4] / "shared" / "data" / "orders" / "bitstamp-2015-05-01.itch"
KEYS = [
    "orders_sent",
    "orders_acknowledged",
    "trades",
    "throughput_per_s",
    "order_to_ack_ns",
    "books_equal",
    "best_prices",
    "stream_digest",
    "feed_digest",
    "degraded",
]


def ironpit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ironpit", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def demo(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    out = tmp_path / "out.json"
    done = ironpit("demo", "--json", str(out), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(out.read_text())
    assert report["books_equal"] == {"feed": True, "replay": True}
    assert report["orders_sent"] == report["orders_acknowledged"] > 0
    return report


@pytest.mark.needs_data("../shared/data/orders/bitstamp-2015-05-01.itch")
@pytest.mark.parametrize("placement", ["one-thread", "split"])
def test_the_real_file_is_acknowledged_whole_and_all_books_are_equal(
    tmp_path: Path, placement: str
) -> None:
    report = demo(tmp_path, "--orders", str(REAL_FILE), "--placement", placement)
    # 24,894 additions, of which 18 need one or two orders more, and 1,124 executions.
    assert report["orders_sent"] == 26_037
    assert report["trades"] > 500


def test_the_report_has_exactly_the_published_keys(tmp_path: Path) -> None:
    report = demo(tmp_path, "--messages", "3000")
    assert list(report) == KEYS
    latency = report["order_to_ack_ns"]
    assert list(latency) == ["p50", "p90", "p99", "p99_9", "p99_99", "max"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["p99_99"] <= latency["max"]
    assert len(report["stream_digest"]) == 64
    assert all(set(entry) == {"feature", "reason"} for entry in report["degraded"])


def test_one_session_gives_the_same_stream_in_both_placements_and_at_any_pace(
    tmp_path: Path,
) -> None:
    common = ("--sessions", "1", "--messages", "8000")
    reports = [
        demo(tmp_path, *common, "--rate", "max"),
        demo(tmp_path, *common, "--rate", "max", "--placement", "split", "--window", "7"),
        demo(tmp_path, *common, "--rate", "40000", "--arrivals", "uniform"),
    ]
    assert len({report["stream_digest"] for report in reports}) == 1
    assert len({report["trades"] for report in reports}) == 1


def test_the_report_on_the_screen_says_how_it_was_measured() -> None:
    done = ironpit("demo", "--messages", "2000", "--rate", "max")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "from the moment of sending" in done.stdout
    assert "each exactly once" in done.stdout
    assert done.stdout.count(" equal\n") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--orders", "/nowhere.itch"), "ironpit: /nowhere.itch: No such file or directory"),
        (("--orders", __file__), "ironpit: "),
        (("--rate", "0"), "found 0, expected a whole number above zero"),
        (("--placement", "cloud"), "invalid choice: 'cloud'"),
    ],
)
def test_what_cannot_be_demonstrated_is_one_clear_line_and_exit_2(
    arguments: tuple[str, ...], said: str
) -> None:
    done = ironpit("demo", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


NO_MULTICAST = """
import sys
from ironpit.cli import main
from ironpit.demo.temporary_venue import TemporaryVenue
own = TemporaryVenue._own
def without_multicast(self, settings):
    found = own(self, settings)
    found["streams"]["market_data"]["a"]["interface"] = "203.0.113.9"
    return found
TemporaryVenue._own = without_multicast
sys.exit(main(["demo", "--messages", "2000", "--rate", "max", "--json"]))
"""


def test_without_multicast_the_subscriber_asks_for_everything_and_the_report_says_so() -> None:
    """203.0.113.9 is no address of any host (RFC 5737), so that the kernel refuses the group."""
    done = subprocess.run(
        [sys.executable, "-c", NO_MULTICAST], capture_output=True, text=True, check=True
    )
    report = json.loads(done.stdout)
    assert report["books_equal"] == {"feed": True, "replay": True}
    assert "multicast" in {entry["feature"] for entry in report["degraded"]}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_demonstration_that_is_stopped_leaves_no_process_behind(number: int) -> None:
    demonstration = subprocess.Popen(
        [sys.executable, "-m", "ironpit", "demo", "--rate", "100"],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline_s = time.monotonic() + TIMEOUT_S
    while not (venues := psutil.Process(demonstration.pid).children(recursive=True)):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    os.kill(demonstration.pid, number)
    _, errors = demonstration.communicate(timeout=TIMEOUT_S)
    gone, alive = psutil.wait_procs(venues, timeout=TIMEOUT_S)
    assert (len(gone), alive) == (len(venues), [])
    if number != signal.SIGKILL:
        assert demonstration.returncode == 128 + number
        assert errors == f"ironpit: stopped by {signal.Signals(number).name}\n"


def test_a_signal_that_comes_while_the_venue_is_created_is_not_lost() -> None:
    """Python forgets what a handler raises in a hook around a fork: the signal waits till after."""
    code = """
import os, signal, subprocess, sys
from ironpit.cli import main
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))
sys.exit(main(["demo", "--rate", "100"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stderr == "ironpit: stopped by SIGTERM\n"
