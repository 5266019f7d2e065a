"""Goal: clock sources by whether the vDSO reads them; stolen time and pressure by their numbers.

Method: built trees, captures, and this host, where a reading of the clock is measured.
"""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.judging import (
    BARE,
    CPU,
    GUEST,
    build,
    findings,
    on_capture,
    only,
    said,
    steps,
    task,
)
from tests.host.trees import CAPTURES, UNREADABLE

from host_tuning.common.verdict import Conformity
from host_tuning.facts import kernel_clock
from host_tuning.facts.identity import Identity
from host_tuning.facts.tree import HostTree, Reading
from host_tuning.settings.pressure import hundredths
from host_tuning.settings.registry import BY_ID
from host_tuning.target.host import Host
from host_tuning.target.target import Target

SOURCE = "/sys/devices/system/clocksource/clocksource0"
VMWARE = Identity("vm", "VMware")


def source(current: Any, *offered: str) -> dict[str, Any]:
    return {
        f"{SOURCE}/current_clocksource": current,
        f"{SOURCE}/available_clocksource": " ".join(offered),
    }


@pytest.mark.parametrize(
    ("files", "conformity", "change"),
    [
        (source("tsc", "tsc", "kvm-clock"), "conforms", ""),
        (source("kvm-clock", "kvm-clock"), "conforms", ""),
        (source("kvm-clock", "kvm-clock", "tsc"), "conforms", ""),
        (source("hyperv_clocksource_tsc_page", "acpi_pm"), "conforms", ""),
        (source("arch_sys_counter", "arch_sys_counter"), "conforms", ""),
        (source("hpet", "tsc", "hpet"), "deviates", "tsc"),
        (source("acpi_pm", "acpi_pm", "hpet"), "deviates", ""),
        (source("xen", "xen", "tsc"), "deviates", "tsc"),
        (source(UNREADABLE, "tsc"), "unknown", ""),
        ({}, "unknown", ""),
        ({f"{SOURCE}/available_clocksource": "tsc"}, "not-applicable", ""),
    ],
)
def test_clock_sources(tmp_path: Path, files: dict[str, Any], conformity: str, change: str) -> None:
    host = build(tmp_path, files)
    assert said(host, "clocksource") == {"host": conformity}
    wanted = [f"file {SOURCE}/current_clocksource = {change}"] if change else []
    assert steps(host, "clocksource") == wanted


def test_the_better_source_is_named(tmp_path: Path) -> None:
    assert (
        "tsc"
        in only(build(tmp_path, source("kvm-clock", "kvm-clock", "tsc")), "clocksource").reason
    )


def test_this_hosts_own_costs_are_measured_and_a_captures_are_not(tmp_path: Path) -> None:
    here = Host(HostTree(), Target())
    for setting in ("clocksource", "mitigations"):
        (found,) = BY_ID[setting].inspect(here)
        assert found.cost.source == "measured"
        assert found.cost.value is not None
        assert found.cost.value > 0
    captured_host = build(tmp_path, source("tsc", "tsc") | {f"{CPU}/vulnerabilities/mds": "x"})
    assert only(captured_host, "clocksource").cost.source == "unknown"
    assert only(captured_host, "mitigations").cost.source == "unknown"


def test_synchronisation_is_asked_of_the_kernel_on_this_host_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said(build(tmp_path, {}), "clock-sync") == {"host": "unknown"}
    here = Host(HostTree(), Target())
    for answer, conformity in (((True, 9), "conforms"), ((False, 16_000_000), "deviates")):
        monkeypatch.setattr(kernel_clock, "ask", lambda answer=answer: answer)
        assert said(here, "clock-sync") == {"host": conformity}

    def refused() -> tuple[bool, int]:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(kernel_clock, "ask", refused)
    assert "EPERM" in only(here, "clock-sync").reason


def test_the_kernel_answers() -> None:
    synchronised, error_us = kernel_clock.ask()
    assert isinstance(synchronised, bool)
    assert error_us >= 0


def test_clocks_of_interfaces_and_daemons(tmp_path: Path) -> None:
    device = "/sys/class/net/eth0/device"
    files = {f"{device}/ptp/ptp0/clock_name": "x", "/sys/class/net/eth1/device/vendor": "0x1"}
    files |= {"/sys/class/net/veth0/mtu": "1500"} | task(7, "chronyd")
    names = ("eth0", "eth1", "veth0")
    found = findings(build(tmp_path, files, interfaces=names), "clock-sync")
    assert found[0].actual == "chronyd"
    expected = ["unknown", "report", "not-applicable", "unknown"]
    assert [one.conformity for one in found] == expected


def stat(*stolen: int) -> dict[str, str]:
    """/proc/stat of CPUs that have lived for a million ticks, so many of which were stolen."""
    rows = [
        f"cpu{cpu} {1_000_000 - ticks} 0 0 0 0 0 0 {ticks} 7 7" for cpu, ticks in enumerate(stolen)
    ]
    whole = sum(stolen)
    total = len(stolen) * 1_000_000
    return {"/proc/stat": "\n".join([f"cpu  {total - whole} 0 0 0 0 0 0 {whole} 9 9", *rows])}


@pytest.mark.parametrize(
    ("ticks", "identity", "conformity"),
    [
        (100, GUEST, "conforms"),
        (101, GUEST, "deviates"),
        (0, GUEST, "conforms"),
        (0, VMWARE, "unknown"),
        (500, VMWARE, "deviates"),
        (0, BARE, "not-applicable"),
        (0, Identity("unknown"), "unknown"),
    ],
)
def test_stolen_time(tmp_path: Path, ticks: int, identity: Identity, conformity: str) -> None:
    host = build(tmp_path, stat(9999, 9999, ticks, 9999), {2}, identity=identity)
    assert said(host, "steal") == {"cpu 2": conformity}


def test_stolen_time_of_the_host_and_its_limit(tmp_path: Path) -> None:
    host = build(tmp_path, stat(0, 0, 0, 800), set(), identity=GUEST)
    found = only(host, "steal")
    assert (found.subject, found.actual) == ("host", "200 ppm (800 ticks)")
    assert (found.cost.value, found.cost.unit) == (200, "ppm")
    lax = build(tmp_path / "lax", stat(0, 0, 0, 800), set(), overrides={"steal": {"ppm": 200}})
    assert said(lax, "steal") == {"host": "conforms"}


def test_stolen_time_that_cannot_be_told(tmp_path: Path) -> None:
    assert said(build(tmp_path / "partial", {}), "steal") == {"host": "unknown"}
    assert said(build(tmp_path / "broken", {"/proc/stat": UNREADABLE}), "steal") == {
        "host": "unknown"
    }
    old = build(tmp_path / "old", {"/proc/stat": "cpu2 1 2 3 4"}, {2})
    assert said(old, "steal") == {"cpu 2": "not-applicable"}
    assert said(build(tmp_path / "lacking", stat(1, 1), {2}), "steal") == {"cpu 2": "unknown"}


def pressure(cpu: Any, memory: Any, io: Any) -> dict[str, Any]:
    texts = {"cpu": cpu, "memory": memory, "io": io}
    return {
        f"/proc/pressure/{name}": text
        if text is UNREADABLE
        else f"some avg10=9.00 avg60={text} total=1\nfull avg10=0.00 avg60=99.00 total=1"
        for name, text in texts.items()
        if text is not None
    }


@pytest.mark.parametrize(
    ("files", "conformities"),
    [
        (pressure("1.00", "0.00", "0.99"), ["conforms"] * 3),
        (pressure("1.01", "12.00", "0.00"), ["deviates", "deviates", "conforms"]),
        (pressure("0.00", UNREADABLE, "x"), ["conforms", "unknown", "unknown"]),
        (pressure("0.00", "0.00", None), ["conforms", "conforms", "not-applicable"]),
        ({}, ["unknown"] * 3),
    ],
)
def test_pressure(tmp_path: Path, files: dict[str, Any], conformities: list[str]) -> None:
    assert [one.conformity for one in findings(build(tmp_path, files), "pressure")] == conformities


def test_pressure_that_is_not_accounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = build(tmp_path, {})
    refused = Reading("/proc/pressure/cpu", "", errno.EOPNOTSUPP)
    monkeypatch.setattr(host.tree, "read", lambda path: refused)
    assert said(host, "pressure") == {"host": "not-applicable"}
    assert "psi=1" in findings(host, "pressure")[0].reason


@pytest.mark.parametrize(
    ("text", "value"),
    [("a=44.52", 4452), ("a=3", 300), ("a=1.5", 150), ("b=1", None), ("a=", None)],
)
def test_hundredths_without_floats(text: str, value: int | None) -> None:
    assert hundredths(text, "a") == value


@pytest.mark.needs_data(CAPTURES)
@pytest.mark.parametrize(
    ("archive", "identity", "clock", "stolen"),
    [
        # cpu5 has 1,611 stolen ticks of about 8.3 million; the source is kvm-clock.
        ("pcp-sysfs-numa-001.tgz", GUEST, "conforms", "deviates"),
        ("ul-vmware_fpe.tar.gz", VMWARE, "unknown", "unknown"),
        ("ul-x86_64-epyc_7451.tar.gz", BARE, "unknown", "unknown"),
        # /proc/stat was captured, and no time was stolen.
        ("hwloc-32intel64-2p8co2t+8ve.tar.bz2", BARE, "unknown", "not-applicable"),
    ],
)
def test_captures(
    captured: Callable[[str], HostTree], archive: str, identity: Identity, clock: str, stolen: str
) -> None:
    host = on_capture(Host(captured(archive), Target(hot=frozenset({5}))), identity)
    assert said(host, "clocksource") == {"host": clock}
    assert set(said(host, "steal").values()) == {stolen}
    if stolen == "deviates":
        assert only(host, "steal").conformity is Conformity.DEVIATES
