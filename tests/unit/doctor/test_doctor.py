"""Goal: `ironpit doctor` calls available only what it has seen, says why not, and its exit code and
its JSON are what the schema promises.

Method: small trees of /proc and /sys, a venue's files in a directory of the test, and the command
itself with a report that `tune-host` really wrote.
"""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.venue import write_config

import ironpit.operate.doctor
from host_tuning.cli import main as tune_host
from ironpit import config
from ironpit.cli import main
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config
from ironpit.onload.library import Library
from ironpit.onload.truth import Truth
from ironpit.operate.doctor import bypass, examination, memory, network, processors
from ironpit.operate.doctor.feature import Context, Feature

SCHEMA = json.loads(
    (Path(ironpit.operate.doctor.__file__).parent / "schema/doctor-1.json").read_text()
)
THP = "sys/kernel/mm/transparent_hugepage/shmem_enabled"


def context(root: Path, files: dict[str, str], venue: Config | None = None) -> Context:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return Context(venue, Truth(Library("absent"), {}), root=root)


@pytest.fixture
def venue(tmp_path: Path) -> Config:
    return config.load(write_config(tmp_path / "venue"))


def run_venue(venue: Config, **status: Any) -> None:
    """What a venue of this process would have left."""
    venue.venue.data_directory.mkdir(parents=True, exist_ok=True)
    found = {"process": "venue", "pid": os.getpid(), "threads": [], "degraded": []} | status
    (venue.venue.data_directory / "status-venue.json").write_text(json.dumps(found))


@pytest.mark.parametrize(("key", "wanted"), [("send", True), ("receive", False)])
def test_af_xdp_is_wanted_of_a_venue_that_sends_by_it(
    tmp_path: Path, key: str, wanted: bool
) -> None:
    file = write_config(tmp_path / "venue")
    asked = f"interface: eth1, {key}: af_xdp}}\n    ttl: 1\n    loop: false"
    file.write_text(file.read_text().replace("interface: 127.0.0.1}", asked))
    venue = config.load(file)
    run_venue(venue)
    found = bypass.af_xdp(context(tmp_path, {}, venue))
    assert (found.wanted, found.in_use, found.missing) == (wanted, False, wanted)


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({THP: "always within_size [advise] never deny force"}, True),
        ({THP: "always within_size advise [never] deny force"}, False),
        ({THP: "[never]", "proc/meminfo": "HugePages_Total:       8"}, True),
        ({"proc/meminfo": "HugePages_Total:       0"}, False),
        ({}, None),
    ],
)
def test_huge_pages_are_what_the_kernel_says(
    files: dict[str, str], available: bool | None, tmp_path: Path
) -> None:
    found = memory.huge_pages(context(tmp_path, files))
    assert found.available is available
    assert bool(found.why_not) is (available is not True)


def test_what_a_running_venue_reports_as_degraded_is_not_in_use(
    venue: Config, tmp_path: Path
) -> None:
    reason = "not in use: shmem_enabled is never"
    run_venue(venue, degraded=[{"feature": "huge_pages", "reason": reason}])
    found = memory.huge_pages(context(tmp_path, {THP: "[advise]"}, venue))
    assert (found.in_use, found.why_not) == (False, reason)
    found = memory.shared_memory(context(tmp_path, {}, venue))
    assert (found.available, found.in_use) == (True, False)


def test_a_venue_that_died_is_not_running(venue: Config, tmp_path: Path) -> None:
    run_venue(venue, pid=2**22 + 1)
    assert context(tmp_path, {}, venue).running == []
    assert memory.huge_pages(context(tmp_path, {THP: "[advise]"}, venue)).in_use is None


@pytest.mark.parametrize(
    ("isolated", "cpu", "available", "in_use"),
    [
        ("2-3", 2, True, True),
        ("2-3", 1, True, False),
        ("", 2, False, False),
        (None, 2, None, False),
    ],
)
def test_isolation_counts_where_threads_are_pinned(
    isolated: str | None, cpu: int, available: bool | None, in_use: bool, venue: Config,
    tmp_path: Path,
) -> None:  # fmt: skip
    run_venue(venue, threads=[{"cpu": cpu, "thread_id": os.getpid()}])
    files = {} if isolated is None else {"sys/devices/system/cpu/isolated": isolated}
    found = processors.isolation(context(tmp_path, files, venue))
    assert (found.available, found.in_use) == (available, in_use)
    assert bool(found.why_not) is not in_use


def test_real_time_is_told_of_the_threads_themselves(venue: Config, tmp_path: Path) -> None:
    run_venue(venue, threads=[{"cpu": None, "thread_id": os.getpid()}])
    found = processors.real_time(context(tmp_path, {"proc/self/status": "CapEff:\t0"}, venue))
    assert found.in_use is False
    capable = {"proc/self/status": f"CapEff:\t{1 << 23:016x}"}
    assert processors.real_time(context(tmp_path, capable)).available is True


@pytest.mark.parametrize(
    ("files", "available", "reason"),
    [
        ({"sys/bus/event_source/devices/cpu/type": "4"}, False, "perf_event_paranoid"),
        ({}, False, "hypervisor"),
        (
            {
                "sys/bus/event_source/devices/cpu/type": "4",
                "proc/sys/kernel/perf_event_paranoid": "1",
            },
            True,
            "",
        ),
    ],
)
def test_counters_need_hardware_and_permission(
    files: dict[str, str], available: bool, reason: str, tmp_path: Path
) -> None:
    found = processors.counters(context(tmp_path, files))
    assert found.available is available
    assert reason in found.why_not


def test_a_journal_on_memory_is_not_durable(venue: Config, tmp_path: Path) -> None:
    disk = "36 1 8:1 / / rw - ext4 /dev/sda1 rw"
    on = {"proc/self/mountinfo": f"{disk}\n40 36 0:9 / {tmp_path} rw - tmpfs tmpfs rw"}
    found = memory.durable_journal(context(tmp_path / "a", on, venue))
    assert found.available is False
    assert "tmpfs" in found.why_not
    found = memory.durable_journal(context(tmp_path / "b", {"proc/self/mountinfo": disk}, venue))
    assert (found.available, found.facts["filesystem"]) == (True, "ext4")
    found = memory.durable_journal(context(tmp_path / "c", {}, venue))
    assert found.available is None


def test_multicast_is_asked_of_the_groups(venue: Config, tmp_path: Path) -> None:
    found = network.multicast(context(tmp_path, {}, venue))
    assert found.wanted
    assert found.available is True
    lost = tmp_path / "lost"
    file = write_config(lost)
    file.write_text(file.read_text().replace("interface: 127.0.0.1", "interface: nic77"))
    found = network.multicast(context(tmp_path, {}, config.load(file)))
    assert found.available is False
    assert "nic77" in found.why_not
    assert network.multicast(context(tmp_path, {})).wanted is False


def test_af_xdp_is_in_use_when_no_feed_goes_by_the_kernel(venue: Config, tmp_path: Path) -> None:
    taken = {"group": "239.1.1.1:1", "mode": "copy", "reason": ""}
    by_kernel = {"group": "239.1.1.1:2", "mode": "none", "reason": "CAP_NET_RAW is needed"}
    for feeds, in_use in (([taken], True), ([taken, by_kernel], False), ([], False)):
        run_venue(venue, feeds=feeds)
        found = bypass.af_xdp(context(tmp_path, {}, venue))
        assert found.in_use is in_use
        assert not found.wanted
    run_venue(venue, feeds=[by_kernel])
    found = bypass.af_xdp(context(tmp_path, {}, venue))
    assert "CAP_NET_RAW" in found.why_not or found.available is False


def test_what_a_venue_uses_is_available(
    venue: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor runs without Onload, and the venue under it."""
    run_venue(venue)
    left = {
        "process_id": os.getpid(),
        "sockets": [{"role": "orders", "path": "accelerated", "reason": "proved"}],
    }
    file = venue.venue.data_directory / "sockets-venue.json"
    file.write_text(json.dumps(left))
    monkeypatch.setenv("PATH", "/nowhere")
    here = context(tmp_path, {}, venue)
    assert bypass.kernel_bypass(here).available is False
    row = examination.examine(here)[0]
    assert (row.name, row.available, row.in_use, row.why_not) == ("kernel_bypass", True, True, "")
    left["sockets"][0]["path"] = "kernel"  # type: ignore[index]
    file.write_text(json.dumps(left))
    row = examination.examine(context(tmp_path, {}, venue))[0]
    assert (row.available, row.in_use) == (False, False)


def test_the_exit_code_says_what_is_missing(tmp_path: Path) -> None:
    here = context(tmp_path, {})
    fine = Feature("kernel_bypass", "", True, None)
    gone = Feature("isolation", "", False, None, wanted=True, why_not="no")
    idle = Feature("multicast", "", True, False, wanted=True)
    unknown = Feature("pmu", "", None, None, wanted=True)
    assert examination.verdict(here, [fine, unknown], None) == (Exit.OK, [])
    code, reasons = examination.verdict(here, [fine, gone, idle], None)
    assert (code, reasons) == (Exit.FAILED, ["isolation: no", "multicast: not in use"])
    here.require_onload = True
    assert examination.verdict(here, [fine], None)[0] == Exit.OK
    for row in (
        Feature("kernel_bypass", "", False, None),
        Feature("kernel_bypass", "", None, None),
        Feature("kernel_bypass", "", True, False),
    ):
        assert examination.verdict(here, [row], None)[0] == Exit.REFUSED


def test_a_host_report_is_taken_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tune_host(["--check", "--json"])
    file = tmp_path / "host.json"
    file.write_text(capsys.readouterr().out)
    host = json.loads(file.read_text())
    code = main(["doctor", "--json", "--host-report", str(file)])
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, SCHEMA)
    assert told["host_report"] == host
    assert told["exit_code"] == code
    assert any(reason.startswith("host: ") for reason in told["reasons"]) is bool(host["exit_code"])
    main(["doctor", "--host-report", str(file)])
    assert f"host (tune-host, profile {host['profile']}): " in capsys.readouterr().out


HOST_REPORT = (
    '{"schema": "tune-host/check/1", "profile": "x", "exit_code": 1, "summary": %s, "checks": %s}'
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "found no JSON"),
        ("[]", "schema: found None"),
        (
            '{"schema": "tune-host/check/2"}',
            "found 'tune-host/check/2', expected tune-host/check/1",
        ),
        ('{"schema": "tune-host/check/1"}', "profile: found nothing"),
        (HOST_REPORT % ("7", "[]"), "summary: found 7, expected a mapping"),
        (HOST_REPORT % ("{}", "7"), "checks: found 7, expected a list"),
        (HOST_REPORT % ("{}", "[7]"), "checks: expected an id and a status in each"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_host_report_is_named(
    text: str | None, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "host.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=reason) as caught:
        examination.host_report(file)
    assert caught.value.code == Exit.USAGE


def test_the_table_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_config(tmp_path)
    assert main(["doctor", "-c", str(file), "--require-onload"]) == Exit.REFUSED
    said = capsys.readouterr().out
    assert "Kernel bypass (Onload)" in said
    assert "why not, and what to do:" in said
    assert "no library" in said
    report = tmp_path / "report.json"
    main(["doctor", "-c", str(file), "--json", str(report)])
    told = json.loads(report.read_text())
    jsonschema.validate(told, SCHEMA)
    assert [row["feature"] for row in told["features"]] == [
        *("kernel_bypass", "af_xdp", "shared_memory", "huge_pages", "memory_lock", "multicast"),
        *("hardware_time_stamps", "isolation", "real_time", "pmu", "durable_journal"),
    ]
