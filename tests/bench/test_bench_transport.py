"""Goal: the transports' measurement measures what it is asked for, refuses what it cannot measure,
and says what is missing.

Method: runs that are far too short for figures, whose structure is looked at, and whose messages
are known to have arrived because the runs end.
"""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from ironcore.bench.floor import Floor
from ironpit.bench import python_ends, transport
from ironpit.bench.transport import CARRIERS
from ironpit.common.errors import UserError

ALLOWED = sorted(os.sched_getaffinity(0))
CPUS = (ALLOWED[0], ALLOWED[-1])
TINY = transport.Plan(
    round_trips=20, messages=200, rounds=2, near_cpu=CPUS[0], far_cpu=CPUS[1], all=True
)


@pytest.mark.parametrize("floor", ["ring", "multicast", "tcp"])
def test_a_floor_times_every_block_and_trip(floor: str) -> None:
    block_ns, trip_ns = Floor(floor, CPUS).round_trips(3, 5, 4)
    assert (len(block_ns), len(trip_ns)) == (3, 4)
    assert (block_ns > 0).all()
    assert (trip_ns > 0).all()
    assert (Floor(floor, CPUS, 4096).one_way(3, 500) > 0).all()


def test_every_transport_stands_beside_its_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = CARRIERS["iceoryx2"]._replace(absent=lambda: "not installed")
    monkeypatch.setitem(CARRIERS, "iceoryx2", absent)
    report = transport.run(TINY)
    assert json.loads(json.dumps(report)) == report
    assert {"c-ring", "shm", "shm-python"} <= set(report["carriers"])
    for found in report["carriers"].values():
        for key in ("p50", "p99", "p99_9", "messages_per_s"):
            assert 0 < found[key]["min"] <= found[key]["median"] <= found[key]["max"]
        if "floor" in found:
            assert found["floor"] in report["carriers"]
            assert found["ratio_p50"]["min"] > 0
    text = transport.text_of(report)
    assert "framed ring in C" in text
    assert "iceoryx2 from Python: not installed" in text


def test_one_transport_brings_its_floor_only() -> None:
    plan = dataclasses.replace(TINY, all=False, transports=("shm",), rounds=1)
    assert list(transport.run(plan)["carriers"]) == ["c-ring", "shm"]


def test_an_unknown_transport_is_named_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"transport: found 'pigeon', expected one of shm, "):
        transport.run(transport.Plan(transports=("pigeon",)))


def test_a_far_end_that_does_not_come_up_ends_the_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_ends, "PATIENCE_S", 0.0)
    with pytest.raises(UserError, match="the other end of a conversation does not answer"):
        python_ends.converse("shm", tmp_path, CPUS, 1, 1, 1)
