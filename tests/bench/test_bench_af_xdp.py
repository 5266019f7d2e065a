"""Goal: the measurement of AF_XDP measures every way, and says where it cannot be had.

Method: a run that is far too short for figures, whose structure is looked at; the same as nobody.
"""

import json
import os
import subprocess
import sys

import pytest

from ironpit.bench import af_xdp

ALLOWED = sorted(os.sched_getaffinity(0))
TINY = af_xdp.Plan(
    round_trips=20,
    messages=200,
    packets=512,
    rounds=2,
    near_cpu=ALLOWED[0],
    far_cpu=ALLOWED[-1],
)


@pytest.mark.needs_root
@pytest.mark.needs_tool("ip")
def test_every_way_stands_beside_the_kernels() -> None:
    before = os.readlink("/proc/self/ns/net")
    report = af_xdp.run(TINY)
    assert os.readlink("/proc/self/ns/net") == before
    assert json.loads(json.dumps(report)) == report
    assert list(report["ways"]) == list(af_xdp.WAYS)
    assert [truth.split(" (")[0].split(": ")[1] for truth in report["truth"]] == [
        "send by AF_XDP, copy",
        "receive by AF_XDP, copy",
    ]
    for found in report["ways"].values():
        assert found["packets_lost"]["max"] == 0
        for key in ("p50", "messages_per_s", "send_cpu_ns", "receive_cpu_ns", "look_cpu_ns"):
            assert 0 < found[key]["min"] <= found[key]["median"] <= found[key]["max"]
    text = af_xdp.text_of(report)
    for words in af_xdp.WORDS.values():
        assert words in text


@pytest.mark.needs_root
@pytest.mark.needs_tool("setpriv", "ip")
def test_who_may_not_make_namespaces_is_told() -> None:
    bench = [sys.executable, "-m", "ironpit", "bench", "af-xdp", "--rounds", "1"]
    without = ["setpriv", "--bounding-set", "-sys_admin"]
    done = subprocess.run([*without, *bench], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert "needs root and ip for namespaces" in done.stderr
