"""Goal: governor, energy preference and turbo are judged for hot CPUs, each file written once.

Method: built trees of cpufreq with shared policies, intel_pstate, EPB only, and captures.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.judging import CPU, build, findings, on_capture, said, steps
from tests.host.trees import CAPTURES, UNREADABLE, Link

from host_tuning.common.verdict import Conformity
from host_tuning.facts.tree import HostTree
from host_tuning.target.host import Host
from host_tuning.target.target import Target

PSTATE = f"{CPU}/intel_pstate"


def policy(number: int, *cpus: int, **files: str) -> dict[str, Any]:
    """A frequency policy and the links of its CPUs."""
    base = f"{CPU}/cpufreq/policy{number}"
    links: dict[str, Any] = {
        f"{CPU}/cpu{cpu}/cpufreq": Link(f"../cpufreq/policy{number}") for cpu in cpus
    }
    return links | {f"{base}/{name}": text for name, text in files.items()}


def test_a_governor_of_a_shared_policy_is_written_once(tmp_path: Path) -> None:
    host = build(tmp_path, policy(0, 2, 3, scaling_governor="powersave"))
    assert said(host, "governor") == {"cpu 2": "deviates", "cpu 3": "deviates"}
    assert steps(host, "governor") == [f"file {CPU}/cpufreq/policy0/scaling_governor = performance"]


def test_performance_conforms_and_house_cpus_do_not_matter(tmp_path: Path) -> None:
    files = policy(2, 2, scaling_governor="performance") | policy(
        0, 0, scaling_governor="powersave"
    )
    host = build(tmp_path, files, {2})
    assert said(host, "governor") == {"cpu 2": "conforms"}
    assert steps(host, "governor") == []


def test_a_kernel_without_performance_is_not_told_to_use_it(tmp_path: Path) -> None:
    files = policy(2, 2, scaling_governor="schedutil", scaling_available_governors="schedutil")
    host = build(tmp_path, files, {2})
    assert said(host, "governor") == {"cpu 2": "deviates"}
    assert steps(host, "governor") == []


@pytest.mark.parametrize("setting", ["governor", "energy-preference"])
def test_what_is_not_there_or_not_readable_never_conforms(tmp_path: Path, setting: str) -> None:
    assert said(build(tmp_path / "partial", {}, {2}), setting) == {"cpu 2": "unknown"}
    names = ("scaling_governor", "energy_performance_preference")
    broken = {f"{CPU}/cpu2/cpufreq/{name}": UNREADABLE for name in names}
    found = findings(build(tmp_path / "broken", broken, {2}), setting)[0]
    assert (found.conformity, "EISDIR" in found.reason) == (Conformity.UNKNOWN, True)
    assert said(build(tmp_path / "cold", {}, set()), setting) == {"host": "not-applicable"}
    other = {f"{CPU}/cpu2/cpufreq/scaling_driver": "x", f"{CPU}/cpu2/cpufreq/affected_cpus": "2"}
    assert said(build(tmp_path / "absent", other, {2}), setting) == {"cpu 2": "not-applicable"}


@pytest.mark.parametrize(
    ("epp", "epb", "conformity"),
    [
        ("performance", "0", "conforms"),
        ("balance_performance", "0", "deviates"),
        ("performance", "6", "deviates"),
        ("0", None, "conforms"),
        (None, "0", "conforms"),
        (None, "15", "deviates"),
    ],
)
def test_both_preferences_count(
    tmp_path: Path, epp: str | None, epb: str | None, conformity: str
) -> None:
    files = {
        f"{CPU}/cpu2/cpufreq/energy_performance_preference": epp,
        f"{CPU}/cpu2/power/energy_perf_bias": epb,
    }
    assert said(build(tmp_path, files, {2}), "energy-preference") == {"cpu 2": conformity}


@pytest.mark.parametrize(
    ("floor", "governor", "conformity"),
    [
        ("100", "powersave", "conforms"),
        ("26", "powersave", "deviates"),
        ("26", "performance", "conforms"),
    ],
)
def test_the_floor_matters_where_the_policy_does_not_raise_it(
    tmp_path: Path, floor: str, governor: str, conformity: str
) -> None:
    files = {
        f"{PSTATE}/min_perf_pct": floor,
        f"{PSTATE}/status": "active",
        f"{CPU}/cpu2/cpufreq/scaling_governor": governor,
        f"{CPU}/cpu2/cpufreq/energy_performance_preference": "performance",
    }
    host = build(tmp_path, files, {2})
    assert said(host, "energy-preference") == {"cpu 2": "conforms", "host": conformity}
    wanted = [f"file {PSTATE}/min_perf_pct = 100"] if conformity == "deviates" else []
    assert steps(host, "energy-preference") == wanted


def test_preferences_are_written_in_their_own_words(tmp_path: Path) -> None:
    epp = f"{CPU}/cpu2/cpufreq/energy_performance_preference"
    epb = f"{CPU}/cpu2/power/energy_perf_bias"
    host = build(tmp_path, {epp: "power", epb: "15"}, {2})
    assert steps(host, "energy-preference") == [f"file {epp} = performance", f"file {epb} = 0"]


def test_turbo_is_reported_until_the_site_wants_something(tmp_path: Path) -> None:
    files = {f"{PSTATE}/no_turbo": "0"}
    host = build(tmp_path / "r", files)
    (found,) = findings(host, "turbo")
    assert (found.conformity, found.parsed) == (Conformity.REPORT, "on")
    assert steps(host, "turbo") == []
    off = build(tmp_path / "off", files, overrides={"turbo": {"want": "off"}})
    assert said(off, "turbo") == {"host": "deviates"}
    assert steps(off, "turbo") == [f"file {PSTATE}/no_turbo = 1"]
    on = build(tmp_path / "on", files, overrides={"turbo": {"want": "on"}})
    assert said(on, "turbo") == {"host": "conforms"}


def test_boost_has_the_opposite_sense_of_no_turbo(tmp_path: Path) -> None:
    files = {f"{CPU}/cpufreq/boost": "1"} | policy(2, 2, boost="0")
    host = build(tmp_path, files, {2}, overrides={"turbo": {"want": "on"}})
    assert [found.conformity for found in findings(host, "turbo")] == ["conforms", "deviates"]
    assert steps(host, "turbo") == [f"file {CPU}/cpufreq/policy2/boost = 1"]


def test_turbo_that_cannot_be_told(tmp_path: Path) -> None:
    assert said(build(tmp_path / "none", {}), "turbo") == {"host": "unknown"}
    broken = build(tmp_path / "broken", {f"{PSTATE}/no_turbo": UNREADABLE})
    assert said(broken, "turbo") == {"host": "unknown"}
    linked = build(tmp_path / "linked", policy(2, 2, scaling_driver="x"), {2})
    assert said(linked, "turbo") == {"host": "not-applicable"}


@pytest.mark.needs_data(CAPTURES)
@pytest.mark.parametrize(
    ("archive", "governor", "preference", "turbo"),
    [
        ("ul-x86_64-epyc_7451.tar.gz", "conforms", "not-applicable", "report"),
        ("ul-vmware_fpe.tar.gz", "deviates", "not-applicable", "report"),
        ("pcp-sysfs-numa-001.tgz", "unknown", "unknown", "unknown"),
        ("hwloc-32intel64-2p8co2t+8ve.tar.bz2", "unknown", "unknown", "report"),
        ("hwloc-offline-cpu0-node0.tar.bz2", "unknown", "unknown", "unknown"),
    ],
)
def test_captures(
    captured: Callable[[str], HostTree], archive: str, governor: str, preference: str, turbo: str
) -> None:
    host = on_capture(Host(captured(archive), Target(hot=frozenset({5}))))
    assert said(host, "governor") == {"cpu 5": governor}
    assert said(host, "energy-preference")["cpu 5"] == preference
    # min_perf_pct of the Xeon is 26, and its governor was not captured.
    floor = said(host, "energy-preference").get("host")
    assert floor == ("deviates" if "32intel64" in archive else None)
    assert {found.conformity for found in findings(host, "turbo")} == {turbo}
