"""Goal: clocks that agree with the host's, and a report that tells a system call from the vDSO.

Method: readings between two of Python's own; the probe on a clock that always enters the kernel (a
process's CPU time) and on one that does so only if this host's clock source is slow.
"""

import os
import re
import time
from pathlib import Path

import pytest

from ironcore.base.clock import (
    ClockReport,
    clock_degraded_reason,
    clock_makes_system_call,
    clock_report,
    mono_ns,
    real_ns,
)


def test_clocks_are_the_hosts() -> None:
    for ours, theirs in ((mono_ns, time.monotonic_ns), (real_ns, time.time_ns)):
        before = theirs()
        assert before <= ours() <= theirs()


def test_monotonic_clock_never_steps_back() -> None:
    readings = [mono_ns() for _ in range(10_000)]
    assert readings == sorted(readings)


def test_probe_finds_the_system_call_of_a_clock_that_makes_one() -> None:
    found = clock_makes_system_call(time.CLOCK_PROCESS_CPUTIME_ID)
    if found is None:
        assert seccomp_is_refused()
    else:
        assert found is True


def test_probe_leaves_this_thread_unfiltered() -> None:
    clock_makes_system_call(time.CLOCK_PROCESS_CPUTIME_ID)
    assert time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID) > 0


def test_report_names_the_clock_source_and_costs(tmp_path: Path) -> None:
    directory = tmp_path / "devices/system/clocksource/clocksource0"
    directory.mkdir(parents=True)
    (directory / "current_clocksource").write_text("hpet\n")
    report = clock_report(str(tmp_path))
    assert report.clock_source == "hpet"
    assert report.mono_cost_ns > 0
    assert report.real_cost_ns > 0
    assert clock_report(str(tmp_path / "absent")).clock_source == "unknown"


@pytest.mark.parametrize(
    ("mono", "real", "reason"),
    [
        (False, False, ""),
        (None, None, ""),
        (True, False, "clock source hpet: reading the clock is a system call (about 900 ns)"),
        (True, True, "clock source hpet: reading the clock is a system call (about 900 ns)"),
    ],
)
def test_a_clock_that_enters_the_kernel_is_a_degraded_feature(
    mono: bool | None, real: bool | None, reason: str
) -> None:
    report = ClockReport("hpet", 890, 940, mono, real)
    assert clock_degraded_reason(report) == reason


def seccomp_is_refused() -> bool:
    """Whether this process may not install a filter: built without it, or filtered already."""
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    return re.search(r"^Seccomp:\s+0$", status, re.MULTILINE) is None
