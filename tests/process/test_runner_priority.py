"""Goal: a runner has the real-time priority that it was given; where the host refuses it, it says
so and runs without, on its core.

Method: a runner of a matcher without work, which sleeps, on a core of this process. The refusal is
the kernel's own, to a process that gave up root.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.needs_root

# Imports first: who is no longer root may not be able to read the sources.
PROGRAM = """
import json, os, pathlib, resource, sys
from ironcore.runtime.runner import Runner
from tests.venue import HandVenue, write_config

user, cpu, directory = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
stage = HandVenue(write_config(directory)).matcher
if user == "nobody":
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
runner = Runner("rt", [stage], cpu=cpu, priority=7)
refusals = []
while True:
    try:
        runner.start()
        break
    except PermissionError as error:
        refusals.append(str(error))
        runner.relent()
thread = runner.thread_id
print(json.dumps({
    "refusals": refusals,
    "said": [runner.cpu, runner.priority],
    "policy": os.sched_getscheduler(thread),
    "priority": os.sched_getparam(thread).sched_priority,
    "cores": sorted(os.sched_getaffinity(thread)),
}))
runner.stop()
assert runner.join(10)
"""


def run(user: str, cpu: int, directory: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, user, str(cpu), str(directory)],
        cwd=Path(__file__).resolve().parent.parent.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return dict(json.loads(done.stdout))


def test_a_runner_gets_its_priority_on_its_core(tmp_path: Path) -> None:
    cpu = max(os.sched_getaffinity(0))
    assert run("root", cpu, tmp_path) == {
        "refusals": [],
        "said": [cpu, 7],
        "policy": os.SCHED_FIFO,
        "priority": 7,
        "cores": [cpu],
    }


def test_a_refused_priority_is_said_and_given_up_and_the_core_is_kept(tmp_path: Path) -> None:
    cpu = max(os.sched_getaffinity(0))
    found = run("nobody", cpu, tmp_path)
    (refusal,) = found.pop("refusals")
    assert "runner rt: the host refused to run it at real-time priority 7:" in refusal
    normal = {"policy": os.SCHED_OTHER, "priority": 0}
    assert found == {"said": [cpu, None], "cores": [cpu], **normal}


def test_a_core_that_is_not_there_takes_the_priority_with_it(tmp_path: Path) -> None:
    found = run("root", 1023, tmp_path)
    (refusal,) = found["refusals"]
    assert "runner rt: the host refused to pin it to CPU 1023:" in refusal
    assert (found["said"], found["policy"]) == ([None, None], os.SCHED_OTHER)
