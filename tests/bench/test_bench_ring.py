"""Goal: the ring measurements measure all carriers, refuse what they cannot, and report it all.

Method: runs that are far too short for figures, whose structure is looked at, and whose messages
are known to have arrived because the runs end.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ironcore.bench.ring import Conversation, claim_ns
from ironpit.bench import ring

ALLOWED = sorted(os.sched_getaffinity(0))
# Two cores where there are two: on one, each message waits for the scheduler.
CPUS = (ALLOWED[0], ALLOWED[-1])
TINY = ring.Plan(round_trips=50, messages=50, rounds=2, near_cpu=CPUS[0], far_cpu=CPUS[1])


@pytest.mark.parametrize("carrier", ["line", "spsc", "broadcast"])
def test_every_block_and_trip_is_timed(carrier: str, tmp_path: Path) -> None:
    talk = Conversation(carrier, CPUS, 4096, str(tmp_path))
    for _ in range(2):
        block_ns, trip_ns = talk.round_trips(3, 5, 4)
        assert (len(block_ns), len(trip_ns)) == (3, 4)
        assert (block_ns > 0).all()
        assert (trip_ns > 0).all()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("carrier", ["spsc", "broadcast"])
def test_one_way_fills_the_ring_and_goes_on(carrier: str, tmp_path: Path) -> None:
    block_ns = Conversation(carrier, CPUS, 4096, str(tmp_path)).one_way(4, 200)
    assert len(block_ns) == 4
    assert (block_ns > 0).all()


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a bare line holds one message"):
        Conversation("line", CPUS).one_way(1, 1)
    with pytest.raises(PermissionError, match="cannot pin to CPU 1023"):
        Conversation("spsc", (0, 1023), 4096, str(tmp_path)).one_way(1, 1)


@pytest.mark.parametrize("laps", [1, 3])
def test_each_claim_of_a_lap_is_timed(laps: int, tmp_path: Path) -> None:
    assert len(claim_ns(4096, laps, str(tmp_path))) == 4096 // 80
    least_ns = claim_ns(1 << 20, laps, str(tmp_path))
    assert len(least_ns) == (1 << 20) // 80
    # One that was never timed would still have the value that it began with.
    assert 0 < least_ns.max() < 1 << 62
    assert list(tmp_path.iterdir()) == []


def test_report_has_floor_figures_ratios_and_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "CLAIM_CAPACITIES", [4096, 65536])
    report = ring.run(TINY)
    assert json.loads(json.dumps(report)) == report
    assert bool(report["notes"]) == (len(ALLOWED) == 1)
    assert list(report["broadcast_claim_ns"]) == ["4096", "65536"]
    for figures in report["broadcast_claim_ns"].values():
        assert 0 < figures["median"]["median"] <= figures["longest"]["median"]
    assert report["broadcast_throughput_to_c_ring"]["median"] > 0
    for name in ("floor_line_ns", "spsc_ns", "broadcast_ns", "spsc_ratio", "broadcast_ratio"):
        for figure in report[name].values():
            assert 0 < figure["min"] <= figure["median"] <= figure["max"]
    text = ring.text_of(report)
    assert "single-consumer ring" in text
    assert "messages a second one way" in text
    assert "of the C ring's" in text
    assert "64.0 KiB" in text


def test_a_ring_that_has_no_room_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "CLAIM_CAPACITIES", [4096, 1 << 50])
    report = ring.run(TINY)
    assert list(report["broadcast_claim_ns"]) == ["4096"]
    assert any("has no room for rings of" in note for note in report["notes"])


def test_comparison_with_the_ring_in_c_prints_its_ratios(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "tests.bench.ring_floor", "--rounds", "1"]
    command += ["--cpus", f"{CPUS[0]},{CPUS[1]}", "--messages", "1", "--trips", "5"]
    command += ["--json", str(out)]
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "throughput_to_c" in ended.stdout
    ratios = json.loads(out.read_text())["ratios"]
    for carrier in ("spsc", "broadcast"):
        assert ratios[carrier]["round_trip_to_c"]["median"] > 0
        assert ratios[carrier]["throughput_to_c"]["median"] > 0
