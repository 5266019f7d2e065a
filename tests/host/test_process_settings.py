"""Goal: quotas up to the root, cpusets of both versions, limits and what lifts them.

Method: built trees of cgroups and of /proc/self, good, bad, absent, unreadable; and captures.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.judging import build, findings, on_capture, only, said, steps
from tests.host.trees import CAPTURES, UNREADABLE

from host_tuning.common.verdict import Conformity
from host_tuning.facts.tree import HostTree
from host_tuning.target.host import Host
from host_tuning.target.target import Target

ROOT = "/sys/fs/cgroup"
V2: dict[str, Any] = {
    "/proc/mounts": f"cgroup2 {ROOT} cgroup2 rw 0 0",
    "/proc/self/cgroup": "0::/app.slice/venue.service",
    f"{ROOT}/cgroup.controllers": "cpuset cpu",
}
OWN, ABOVE = f"{ROOT}/app.slice/venue.service", f"{ROOT}/app.slice"
V1: dict[str, Any] = {
    "/proc/mounts": "\n".join(
        (
            f"cgroup {ROOT}/cpu cgroup rw,cpu,cpuacct 0 0",
            f"cgroup {ROOT}/cpuset cgroup rw,cpuset 0 0",
        )
    ),
    "/proc/self/cgroup": "4:cpu,cpuacct:/docker/1\n3:cpuset:/docker/1\n1:name=systemd:/x\n0::/",
}
BOTH = {"cpu 2": "conforms", "cpu 3": "conforms"}


@pytest.mark.parametrize(
    ("files", "conformity", "changes"),
    [
        ({f"{OWN}/cpu.max": "max 100000", f"{ABOVE}/cpu.max": "max 100000"}, "conforms", []),
        (
            {f"{OWN}/cpu.max": "max 100000", f"{ABOVE}/cpu.max": "150000 100000"},
            "deviates",
            [f"file {ABOVE}/cpu.max = max 100000"],
        ),
        (
            {f"{OWN}/cpu.max": "20000 50000"},
            "deviates",
            [f"file {OWN}/cpu.max = max 50000"],
        ),
        ({f"{OWN}/cpu.max": "max 100000", f"{OWN}/cpu.stat": "nr_throttled 3"}, "report", []),
        ({f"{OWN}/cpu.max": "max 100000", f"{ABOVE}/cpu.stat": "nr_throttled 3"}, "report", []),
        ({f"{OWN}/cpu.max": "max 100000", f"{OWN}/cpu.stat": "nr_throttled 0"}, "conforms", []),
        ({f"{OWN}/cpu.max": UNREADABLE}, "unknown", []),
        # The root has no cpu.max: the process is in it, and nothing limits it.
        ({"/proc/self/cgroup": "0::/"}, "conforms", []),
    ],
)
def test_quotas_of_version_2(
    tmp_path: Path, files: dict[str, Any], conformity: str, changes: list[str]
) -> None:
    host = build(tmp_path, V2 | files)
    assert said(host, "cpu-quota") == {"host": conformity}
    assert steps(host, "cpu-quota") == changes


def test_throttling_is_counted_over_all_groups_above(tmp_path: Path) -> None:
    files = {
        f"{OWN}/cpu.max": "max 100000",
        f"{OWN}/cpu.stat": "nr_periods 9\nnr_throttled 0",
        f"{ABOVE}/cpu.max": "150000 100000",
        f"{ABOVE}/cpu.stat": "nr_periods 9\nnr_throttled 7",
    }
    found = only(build(tmp_path, V2 | files), "cpu-quota")
    assert found.parsed == {"quotas_us": [150000], "throttled": 7}
    assert f"{ABOVE}/cpu.stat" in found.paths


def test_a_quota_costs_what_is_left_of_its_period(tmp_path: Path) -> None:
    host = build(tmp_path, V2 | {f"{OWN}/cpu.max": "20000 50000"})
    assert (only(host, "cpu-quota").cost.value, only(host, "cpu-quota").cost.unit) == (
        30_000_000,
        "ns",
    )


def test_quotas_of_version_1_are_found_where_a_container_sees_them(tmp_path: Path) -> None:
    # The group's path is the host's; the mount shows the group itself.
    limited = V1 | {
        f"{ROOT}/cpu/cpu.cfs_quota_us": "50000",
        f"{ROOT}/cpu/cpu.cfs_period_us": "100000",
    }
    host = build(tmp_path / "limited", limited)
    assert said(host, "cpu-quota") == {"host": "deviates"}
    assert only(host, "cpu-quota").cost.value == 50_000_000
    assert steps(host, "cpu-quota") == [f"file {ROOT}/cpu/cpu.cfs_quota_us = -1"]
    free = build(tmp_path / "free", V1 | {f"{ROOT}/cpu/cpu.cfs_quota_us": "-1"})
    assert said(free, "cpu-quota") == {"host": "conforms"}


def test_quotas_that_cannot_be_told(tmp_path: Path) -> None:
    assert said(build(tmp_path / "partial", {}), "cpu-quota") == {"host": "unknown"}
    mounts = {"/proc/mounts": "proc /proc proc rw 0 0"}
    assert said(build(tmp_path / "none", mounts), "cpu-quota") == {"host": "not-applicable"}
    table_only = {"/proc/mounts": V1["/proc/mounts"]}
    assert said(build(tmp_path / "table", table_only), "cpu-quota") == {"host": "unknown"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (V2 | {f"{OWN}/cpuset.cpus.effective": "0-3"}, BOTH),
        (
            V2 | {f"{ABOVE}/cpuset.cpus.effective": "0-2"},
            {"cpu 2": "conforms", "cpu 3": "deviates"},
        ),
        (V2 | {f"{OWN}/cpuset.cpus.effective": "0-1"}, {"cpu 2": "deviates", "cpu 3": "deviates"}),
        # A partition has taken them: the venue is started in it.
        (
            V2 | {f"{OWN}/cpuset.cpus.effective": "0-1", f"{ROOT}/cpuset.cpus.isolated": "2-3"},
            BOTH,
        ),
        (V1 | {f"{ROOT}/cpuset/docker/1/cpuset.effective_cpus": "0-3"}, BOTH),
        (V1 | {f"{ROOT}/cpuset/cpuset.cpus": "0,2"}, {"cpu 2": "conforms", "cpu 3": "deviates"}),
        ({"/proc/self/status": "Cpus_allowed_list:\t2-3"}, BOTH),
        ({"/proc/self/status": UNREADABLE}, {"cpu 2": "unknown", "cpu 3": "unknown"}),
        ({}, {"cpu 2": "unknown", "cpu 3": "unknown"}),
    ],
)
def test_cpusets(tmp_path: Path, files: dict[str, Any], expected: dict[str, str]) -> None:
    assert said(build(tmp_path, files), "cpuset") == expected


HEADER = "Limit                     Soft Limit           Hard Limit           Units     \n"


def limits(memlock: str, rtprio: str, nofile: str, capabilities: int = 0) -> dict[str, str]:
    rows = (
        ("Max locked memory", memlock),
        ("Max realtime priority", rtprio),
        ("Max open files", nofile),
    )
    return {
        "/proc/self/limits": HEADER
        + "\n".join(f"{name:26}{soft:21}{'99':21}" for name, soft in rows),
        "/proc/self/status": f"CapEff:\t{capabilities:016x}",
    }


@pytest.mark.parametrize(
    ("files", "conformities"),
    [
        (limits("unlimited", "99", "4096"), ["conforms"] * 3),
        (limits("8388608", "0", "1024"), ["deviates"] * 3),
        (limits("8388608", "0", "8192", 1 << 14), ["conforms", "deviates", "conforms"]),
        (limits("8388608", "0", "1024", 1 << 23), ["deviates", "conforms", "deviates"]),
        ({"/proc/self/limits": HEADER}, ["unknown"] * 3),
        ({"/proc/self/limits": UNREADABLE}, ["unknown"]),
        ({}, ["unknown"]),
    ],
)
def test_limits(tmp_path: Path, files: dict[str, Any], conformities: list[str]) -> None:
    found = findings(build(tmp_path, files), "limits")
    assert [one.conformity for one in found] == conformities


def test_a_limit_that_a_capability_lifts_says_what_a_service_needs(tmp_path: Path) -> None:
    found = findings(build(tmp_path, limits("8388608", "1", "4096", 1 << 14)), "limits")[0]
    assert (found.conformity, "LimitMEMLOCK" in found.reason) == (Conformity.CONFORMS, True)


def test_the_number_of_files_is_an_option(tmp_path: Path) -> None:
    host = build(tmp_path, limits("unlimited", "1", "4096"), overrides={"limits": {"nofile": 9999}})
    assert findings(host, "limits")[2].conformity == "deviates"


@pytest.mark.needs_data(CAPTURES)
@pytest.mark.parametrize(
    ("archive", "cpuset"),
    [
        # cpuset.cpus of the root: 0-31, and 4-20 where CPUs 0-3 are offline.
        ("hwloc-32intel64-2p8co2t+8ve.tar.bz2", "conforms"),
        ("hwloc-offline-cpu0-node0.tar.bz2", "conforms"),
        ("pcp-sysfs-numa-001.tgz", "unknown"),
        ("ul-vmware_fpe.tar.gz", "unknown"),
    ],
)
def test_captures(captured: Callable[[str], HostTree], archive: str, cpuset: str) -> None:
    host = on_capture(Host(captured(archive), Target(hot=frozenset({5}))))
    assert said(host, "cpuset") == {"cpu 5": cpuset}
    assert said(host, "cpu-quota") == said(host, "limits") == {"host": "unknown"}
