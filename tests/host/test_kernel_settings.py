"""Goal: watchdogs, timers, throttling, preemption and counters, each good, bad and untold.

Method: built trees of their sysctls and command lines.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.host.judging import GRUB, build, findings, only, said, steps
from tests.host.trees import UNREADABLE

from host_tuning.common.errors import ToolError
from host_tuning.common.verdict import Conformity

KERNEL = "/proc/sys/kernel"
NMI, WATCHDOG = f"{KERNEL}/nmi_watchdog", f"{KERNEL}/watchdog"
MASK, MIGRATION = f"{KERNEL}/watchdog_cpumask", f"{KERNEL}/timer_migration"
RUNTIME = f"{KERNEL}/sched_rt_runtime_us"
STAT = "/proc/sys/vm/stat_interval"


@pytest.mark.parametrize(
    ("files", "conformities", "changes"),
    [
        ({NMI: "0", WATCHDOG: "0"}, ["conforms", "conforms"], []),
        ({NMI: "0", WATCHDOG: "1", MASK: "0-1"}, ["conforms", "conforms"], []),
        (
            {NMI: "1", WATCHDOG: "1", MASK: "0-3"},
            ["deviates", "deviates"],
            [f"file {NMI} = 0", f"cpulist {MASK} = 0-1"],
        ),
        # Before 4.1 there is no mask: the watchdog runs everywhere.
        ({NMI: "0", WATCHDOG: "1"}, ["conforms", "deviates"], [f"file {WATCHDOG} = 0"]),
        ({NMI: "0", WATCHDOG: "1", MASK: UNREADABLE}, ["conforms", "unknown"], []),
        ({NMI: UNREADABLE, WATCHDOG: UNREADABLE}, ["unknown", "unknown"], []),
        ({f"{KERNEL}/osrelease": "6.1"}, ["not-applicable", "not-applicable"], []),
        ({}, ["unknown", "unknown"], []),
    ],
)
def test_watchdogs(
    tmp_path: Path, files: dict[str, Any], conformities: list[str], changes: list[str]
) -> None:
    host = build(tmp_path, files)
    assert [found.conformity for found in findings(host, "watchdogs")] == conformities
    assert steps(host, "watchdogs") == changes


def test_without_hot_cpus_the_nmi_watchdog_is_judged_all_the_same(tmp_path: Path) -> None:
    host = build(tmp_path, {NMI: "1", WATCHDOG: "1", MASK: "0-3"}, set())
    found = [one.conformity for one in findings(host, "watchdogs")]
    assert found == ["deviates", "not-applicable"]


@pytest.mark.parametrize(
    ("migration", "cmdline", "grub", "conformities", "made"),
    [
        ("0", "skew_tick=1", "", ["conforms", "conforms"], []),
        ("1", "quiet", "", ["deviates", "deviates"], [f"file {MIGRATION} = 0", "boot skew_tick=1"]),
        ("0", "skew_tick=10", "", ["conforms", "deviates"], ["boot skew_tick=1"]),
        ("0", "skew_tick=1 skew_tick=0", "", ["conforms", "deviates"], ["boot skew_tick=1"]),
        ("0", "quiet", "GRUB_CMDLINE_LINUX=skew_tick=1", ["conforms", "next-boot"], []),
        (None, None, "", ["unknown", "unknown"], []),
        (UNREADABLE, UNREADABLE, "", ["unknown", "unknown"], []),
    ],
)
def test_timers(
    tmp_path: Path,
    migration: Any,
    cmdline: Any,
    grub: str,
    conformities: list[str],
    made: list[str],
) -> None:
    host = build(tmp_path, {MIGRATION: migration, "/proc/cmdline": cmdline, GRUB: grub})
    assert [found.conformity for found in findings(host, "timers")] == conformities
    assert steps(host, "timers") == made


def test_throttling_is_reported_with_what_it_takes(tmp_path: Path) -> None:
    files = {RUNTIME: "950000", f"{KERNEL}/sched_rt_period_us": "1000000"}
    host = build(tmp_path, files)
    found = only(host, "rt-throttle")
    assert (found.conformity, found.parsed) == (Conformity.REPORT, "on")
    assert (found.cost.source, found.cost.value) == ("sysfs", 50_000_000)
    assert steps(host, "rt-throttle") == []


@pytest.mark.parametrize(
    ("want", "runtime", "changes"),
    [
        ("off", "950000", [f"file {RUNTIME} = -1"]),
        ("off", "-1", []),
        ("on", "-1", [f"file {RUNTIME} = 950000"]),
        ("on", "950000", []),
    ],
)
def test_throttling_as_the_site_wants_it(
    tmp_path: Path, want: str, runtime: str, changes: list[str]
) -> None:
    host = build(tmp_path, {RUNTIME: runtime}, overrides={"rt-throttle": {"want": want}})
    assert said(host, "rt-throttle") == {"host": "deviates" if changes else "conforms"}
    assert steps(host, "rt-throttle") == changes


def test_an_unknown_wish_names_its_key(tmp_path: Path) -> None:
    host = build(tmp_path, {RUNTIME: "1"}, overrides={"rt-throttle": {"want": "maybe"}})
    with pytest.raises(ToolError, match=r"overrides\.rt-throttle\.want: found 'maybe'"):
        findings(host, "rt-throttle")


@pytest.mark.parametrize(
    ("files", "actual"),
    [
        ({"/proc/version": "Linux version 6.18 #1 SMP PREEMPT_DYNAMIC @0"}, "PREEMPT_DYNAMIC"),
        ({"/proc/version": "Linux version 3.10 #1 SMP Wed"}, "not PREEMPT"),
        (
            {
                "/proc/version": "Linux version 6.1 #1 SMP PREEMPT_RT",
                "/sys/kernel/realtime": "1",
                "/proc/cmdline": "preempt=full",
            },
            "PREEMPT_RT, preempt=full",
        ),
        (
            {
                "/proc/version": "Linux version 6.18 #1 SMP PREEMPT_DYNAMIC",
                "/sys/kernel/debug/sched/preempt": "none (voluntary) full lazy",
            },
            "PREEMPT_DYNAMIC, chosen voluntary",
        ),
    ],
)
def test_the_preemption_model_is_reported(
    tmp_path: Path, files: dict[str, str], actual: str
) -> None:
    found = only(build(tmp_path, files), "preemption")
    assert (found.conformity, found.actual) == (Conformity.REPORT, actual)


def test_a_preemption_model_that_cannot_be_told(tmp_path: Path) -> None:
    assert said(build(tmp_path / "partial", {}), "preemption") == {"host": "unknown"}
    broken = build(tmp_path / "broken", {"/proc/version": UNREADABLE})
    assert said(broken, "preemption") == {"host": "unknown"}


@pytest.mark.parametrize(
    ("interval", "seconds", "conformity", "changes"),
    [
        ("1", 10, "deviates", [f"file {STAT} = 10"]),
        ("10", 10, "conforms", []),
        ("120", 10, "conforms", []),
        ("30", 60, "deviates", [f"file {STAT} = 60"]),
        (UNREADABLE, 10, "unknown", []),
        (None, 10, "unknown", []),
    ],
)
def test_counters_of_virtual_memory(
    tmp_path: Path, interval: Any, seconds: int, conformity: str, changes: list[str]
) -> None:
    host = build(tmp_path, {STAT: interval}, overrides={"vmstat": {"seconds": seconds}})
    assert said(host, "vmstat") == {"host": conformity}
    assert steps(host, "vmstat") == changes
