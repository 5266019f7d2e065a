"""Goal: siblings, mitigations, machine checks, cache ways, uncore clock, platform profile and SMIs.

Method: built trees of each, good, bad, absent, unreadable and partly captured; and captures.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.judging import BARE, CPU, GUEST, build, findings, on_capture, only, said, steps
from tests.host.trees import CAPTURES, UNREADABLE

from host_tuning.common.verdict import Conformity
from host_tuning.facts.identity import Identity
from host_tuning.facts.tree import HostTree
from host_tuning.target.host import Host
from host_tuning.target.target import Target

MACHINE_CHECK = "/sys/devices/system/machinecheck"
UNCORE = f"{CPU}/intel_uncore_frequency"
PROFILE = "/sys/firmware/acpi/platform_profile"
RESCTRL = "/sys/fs/resctrl"
INTEL = {"/proc/cpuinfo": "vendor_id : GenuineIntel\nflags : fpu cat_l3"}
ONLINE = {f"{CPU}/cpu{cpu}/online": "1" for cpu in range(1, 4)}


def test_a_sibling_that_keeps_house_is_taken_offline_by_name(tmp_path: Path) -> None:
    host = build(tmp_path, ONLINE, {1}, threads=2)  # cores are {0, 2} and {1, 3}
    assert said(host, "smt") == {"cpu 1": "deviates"}
    assert steps(host, "smt") == [f"file {CPU}/cpu3/online = 0"]


@pytest.mark.parametrize(
    ("files", "conformity", "reason", "change"),
    [
        ({f"{CPU}/isolated": ""}, "deviates", "online and not isolated", True),
        ({f"{CPU}/isolated": "1"}, "deviates", "online and not isolated", True),
        ({f"{CPU}/isolated": "1,3"}, "conforms", "is isolated", False),
        ({}, "unknown", "isolated: not in this capture", False),
        ({f"{CPU}/isolated": UNREADABLE}, "unknown", "EISDIR", False),
        (
            {
                f"{CPU}/isolated": "",
                "/proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0",
                "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu",
                "/sys/fs/cgroup/cpuset.cpus.isolated": "3",
            },
            "conforms",
            "is isolated",
            False,
        ),
    ],
)
def test_a_sibling_that_does_nothing_named_is_isolated_or_may_be_given_anything(
    tmp_path: Path, files: dict[str, Any], conformity: str, reason: str, change: bool
) -> None:
    host = build(tmp_path, ONLINE | files, {1}, threads=2, housekeeping=frozenset({0, 2}))
    finding = only(host, "smt")
    assert (finding.subject, finding.conformity) == ("cpu 1", conformity)
    assert reason in finding.reason
    assert steps(host, "smt") == ([f"file {CPU}/cpu3/online = 0"] if change else [])
    assert bool(finding.fix) == change or conformity == "unknown"


def test_an_offline_sibling_conforms(tmp_path: Path) -> None:
    files = {
        f"{CPU}/online": "0-2",
        f"{CPU}/smt/control": "on",
        f"{CPU}/cpu1/topology/thread_siblings_list": "1",
    }
    assert said(build(tmp_path, files, {1}, threads=2), "smt") == {"cpu 1": "conforms"}


def test_two_hot_threads_of_a_core_are_the_host_files_fault(tmp_path: Path) -> None:
    host = build(tmp_path, ONLINE, {1, 3}, threads=2)
    assert said(host, "smt") == {"cpu 1": "deviates", "cpu 3": "deviates"}
    assert "hot as well" in findings(host, "smt")[0].reason
    assert steps(host, "smt") == []


def test_the_last_cpus_that_keep_house_are_never_taken_offline(tmp_path: Path) -> None:
    host = build(tmp_path, ONLINE, {0, 1}, threads=2)
    assert [step.split()[0] for step in steps(host, "smt")] == ["firmware"]


@pytest.mark.parametrize(
    ("control", "identity", "conformity"),
    [
        ("notsupported", BARE, "conforms"),
        ("notimplemented", GUEST, "unknown"),
        ("notsupported", GUEST, "unknown"),
        ("notsupported", Identity("unknown"), "unknown"),
        ("off", Identity("unknown"), "conforms"),
        ("forceoff", GUEST, "conforms"),
    ],
)
def test_one_thread_a_core_proves_something_on_bare_metal_only(
    tmp_path: Path, control: str, identity: Identity, conformity: str
) -> None:
    host = build(tmp_path, {f"{CPU}/smt/control": control}, {2}, identity=identity)
    assert said(host, "smt") == {"cpu 2": conformity}
    assert bool(steps(host, "smt")) is (conformity == "unknown" and identity == GUEST)


def test_siblings_that_cannot_be_read_are_unknown(tmp_path: Path) -> None:
    host = build(tmp_path, {})
    path = tmp_path / f"{CPU}/cpu2/topology/thread_siblings_list".lstrip("/")
    path.unlink()
    path.mkdir()
    assert said(host, "smt")["cpu 2"] == "unknown"
    assert said(build(tmp_path / "cold", {}, set()), "smt") == {"host": "not-applicable"}


def test_mitigations_are_reported_and_never_judged(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        f"{CPU}/vulnerabilities/meltdown": "Vulnerable",
        f"{CPU}/vulnerabilities/spectre_v2": "Mitigation: Retpolines",
        f"{CPU}/vulnerabilities/mds": UNREADABLE,
        "/proc/cmdline": "mitigations=off mitigations=auto",
    }
    unread, told = findings(build(tmp_path, files), "mitigations")
    assert (unread.conformity, told.conformity) == (Conformity.UNKNOWN, Conformity.REPORT)
    assert told.actual == "mitigations=auto; active: spectre_v2; vulnerable: meltdown"
    assert said(build(tmp_path / "none", {}), "mitigations") == {"host": "unknown"}


@pytest.mark.parametrize(
    ("interval", "ignore", "conformity"),
    [("300", "0", "deviates"), ("0", "0", "conforms"), ("12c", "1", "conforms")],
)
def test_machine_check_polling(tmp_path: Path, interval: str, ignore: str, conformity: str) -> None:
    base = f"{MACHINE_CHECK}/machinecheck"
    files = {f"{base}{cpu}/check_interval": interval for cpu in (2, 3)}
    files |= {f"{base}{cpu}/ignore_ce": ignore for cpu in (2, 3)}
    host = build(tmp_path, files)
    assert said(host, "machine-check") == dict.fromkeys(("cpu 2", "cpu 3"), conformity)
    # All CPUs share the interval.
    wanted = [f"file {base}2/check_interval = 0"] if conformity == "deviates" else []
    assert steps(host, "machine-check") == wanted


def test_machine_checks_that_cannot_be_told(tmp_path: Path) -> None:
    base = f"{MACHINE_CHECK}/machinecheck2"
    assert said(build(tmp_path / "none", {}, {2}), "machine-check") == {"cpu 2": "unknown"}
    broken = build(tmp_path / "broken", {f"{base}/check_interval": UNREADABLE}, {2})
    assert said(broken, "machine-check") == {"cpu 2": "unknown"}
    without = build(tmp_path / "without", {f"{base}/bank0": "ff"}, {2})
    assert said(without, "machine-check") == {"cpu 2": "not-applicable"}


def cache(group: str, hot: str) -> dict[str, Any]:
    """Two groups of resctrl: the default one and `hot`, with these ways."""
    return {
        **INTEL,
        f"{RESCTRL}/schemata": f"    MB:0=100\n    L3:0={group};1=ff",
        f"{RESCTRL}/cpus_list": "0-1",
        f"{RESCTRL}/info/L3/cbm_mask": "ff",
        f"{RESCTRL}/hot/schemata": f"L3:0={hot};1=ff",
        f"{RESCTRL}/hot/cpus_list": "2-3",
        **{f"{CPU}/cpu{cpu}/cache/index3/level": "3" for cpu in range(4)},
        **{f"{CPU}/cpu{cpu}/cache/index3/id": "0" for cpu in range(4)},
    }


def test_ways_of_ones_own(tmp_path: Path) -> None:
    host = build(tmp_path / "own", cache("f0", "0f"))
    assert said(host, "llc") == {"cpu 2": "conforms", "cpu 3": "conforms"}
    shared = build(tmp_path / "shared", cache("f8", "0f"))
    assert said(shared, "llc") == {"cpu 2": "deviates", "cpu 3": "deviates"}
    assert "the default group" in findings(shared, "llc")[0].reason
    mixed = build(tmp_path / "mixed", cache("f0", "0f"), {2})
    assert said(mixed, "llc") == {"cpu 2": "deviates"}


def test_cache_allocation_that_is_not_there(tmp_path: Path) -> None:
    amd = build(tmp_path / "amd", {"/proc/cpuinfo": "flags : fpu"})
    assert said(amd, "llc") == {"host": "not-applicable"}
    unmounted = build(tmp_path / "unmounted", {**INTEL, f"{RESCTRL}/": ""})
    assert said(unmounted, "llc") == {"host": "deviates"}
    partial = build(tmp_path / "partial", dict(INTEL))
    assert said(partial, "llc") == {"host": "unknown"}
    unread = build(tmp_path / "unread", {"/proc/cpuinfo": UNREADABLE})
    assert said(unread, "llc") == {"host": "unknown"}


def test_the_uncore_clock_is_held_at_its_maximum(tmp_path: Path) -> None:
    die = f"{UNCORE}/package_00_die_00"
    files = {f"{die}/min_freq_khz": "800000", f"{die}/max_freq_khz": "2400000"}
    host = build(tmp_path / "low", files)
    assert said(host, "uncore") == {"package_00_die_00": "deviates"}
    assert steps(host, "uncore") == [f"file {die}/min_freq_khz = 2400000"]
    held = build(tmp_path / "held", files | {f"{die}/min_freq_khz": "2400000"})
    assert said(held, "uncore") == {"package_00_die_00": "conforms"}
    broken = build(tmp_path / "broken", files | {f"{die}/max_freq_khz": UNREADABLE})
    assert said(broken, "uncore") == {"package_00_die_00": "unknown"}
    assert said(build(tmp_path / "none", {}), "uncore") == {"host": "not-applicable"}


def test_the_platform_profile(tmp_path: Path) -> None:
    choices = {f"{PROFILE}_choices": "low-power balanced performance"}
    host = build(tmp_path / "low", {PROFILE: "balanced"} | choices)
    assert said(host, "power-profile") == {"host": "deviates"}
    assert steps(host, "power-profile") == [f"file {PROFILE} = performance"]
    good = build(tmp_path / "good", {PROFILE: "performance"} | choices)
    assert (said(good, "power-profile"), steps(good, "power-profile")) == ({"host": "conforms"}, [])
    lacking = build(tmp_path / "lacking", {PROFILE: "balanced", f"{PROFILE}_choices": "balanced"})
    assert [step.split()[0] for step in steps(lacking, "power-profile")] == ["firmware"]
    assert said(build(tmp_path / "partial", {}), "power-profile") == {"host": "unknown"}
    absent = build(tmp_path / "absent", {"/sys/firmware/acpi/pm_profile": "4"}, identity=GUEST)
    assert said(absent, "power-profile") == {"host": "not-applicable"}
    assert steps(absent, "power-profile") == []


def register(count: int) -> bytes:
    """An MSR device whose register 0x34 holds the count; its file offset is the number."""
    return bytes(0x34) + count.to_bytes(8, "little")


def test_management_interrupts_are_counted_since_power_on(tmp_path: Path) -> None:
    files = {**INTEL, "/dev/cpu/2/msr": register(0), "/dev/cpu/3/msr": register(7)}
    host = build(tmp_path, files)
    assert said(host, "smi") == {"cpu 2": "conforms", "cpu 3": "report"}
    assert findings(host, "smi")[1].actual == "7"
    assert len(steps(host, "smi")) == 1


def test_management_interrupts_that_cannot_be_told_are_unknown(tmp_path: Path) -> None:
    for name, files, identity in (
        ("guest", {**INTEL, "/dev/cpu/2/msr": register(0)}, GUEST),
        ("amd", {"/proc/cpuinfo": "vendor_id : AuthenticAMD"}, BARE),
        ("no module", dict(INTEL), BARE),
        ("short", {**INTEL, "/dev/cpu/2/msr": bytes(0x34)}, BARE),
        ("broken", {**INTEL, "/dev/cpu/2/msr": UNREADABLE}, BARE),
    ):
        found = only(build(tmp_path / name, files, {2}, identity=identity), "smi")
        assert (found.conformity, bool(found.reason)) == (Conformity.UNKNOWN, True), name


@pytest.mark.needs_data(CAPTURES)
@pytest.mark.parametrize(
    ("archive", "smt", "mitigations", "machine_check", "llc"),
    [
        # thread_siblings_list 5,53, both online; no cat_l3 on this generation.
        ("ul-x86_64-epyc_7451.tar.gz", "deviates", "report", "unknown", "not-applicable"),
        # 4-5.
        ("ul-vmware_fpe.tar.gz", "deviates", "report", "unknown", "not-applicable"),
        # 5, control `notsupported`; check_interval 300; no cpuinfo.
        ("pcp-sysfs-numa-001.tgz", "conforms", "report", "deviates", "unknown"),
        # 5,21; cat_l3, and no /sys/fs/resctrl in the capture.
        ("hwloc-32intel64-2p8co2t+8ve.tar.bz2", "deviates", "unknown", "unknown", "unknown"),
        # 5, control `notsupported`.
        ("hwloc-offline-cpu0-node0.tar.bz2", "conforms", "unknown", "unknown", "not-applicable"),
    ],
)
def test_captures(
    captured: Callable[[str], HostTree],
    archive: str,
    smt: str,
    mitigations: str,
    machine_check: str,
    llc: str,
) -> None:
    host = on_capture(Host(captured(archive), Target(hot=frozenset({5}))))
    assert said(host, "smt") == {"cpu 5": smt}
    assert said(host, "mitigations") == {"host": mitigations}
    assert said(host, "machine-check") == {"cpu 5": machine_check}
    assert set(said(host, "llc").values()) == {llc}
    assert said(host, "smi") in ({"cpu 5": "unknown"}, {"host": "unknown"})
    assert said(host, "power-profile") == {"host": "unknown"}
    assert steps(host, "power-profile") == []  # nobody knows that there is anything to choose
