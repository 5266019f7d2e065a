"""Goal: profile, waiver and exit code weigh findings as documented, and the report says so.

Method: settings whose inspections return given findings; every format is printed, and the JSON is
held against its published schema.
"""

import datetime
import io
import json
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.host.trees import cpus, tree

from host_tuning.changing import plan
from host_tuning.checking import check
from host_tuning.checking.check import Verdict, exit_code
from host_tuning.checking.setting import Setting, When
from host_tuning.common.errors import ToolError
from host_tuning.common.verdict import (
    WORST_FIRST,
    Conformity,
    Cost,
    Finding,
    Severity,
    Status,
    status_of,
    worst,
)
from host_tuning.reports import check_json as report_json
from host_tuning.reports import check_latency_audit as report_latency_audit
from host_tuning.reports import check_table as report_table
from host_tuning.reports.check import Report, core_verdicts, merged
from host_tuning.settings.registry import BY_ID
from host_tuning.target import profile
from host_tuning.target.host import Host
from host_tuning.target.profile import Profile, Rule
from host_tuning.target.target import Target, Waiver, settle

TODAY = datetime.date(2026, 1, 31)
SCHEMA = json.loads((profile.DIRECTORY.parent / "schema/check-1.json").read_text())


def setting(*findings: Finding, name: str = "smt", broken: bool = False) -> Setting:
    def inspect(host: Host) -> Iterable[Finding]:
        if broken:
            raise ValueError("invalid literal")
        return findings

    return Setting(
        name, "group", "title", When.RUNTIME, "what", "why", "see", "set", "undo", ("s",), inspect
    )


def rules(severity: Severity) -> Profile:
    return Profile("bare-metal", "", {name: Rule(severity, "w", "s") for name in ("smt", "thp")})


def judged(tmp_path: Path, *settings: Setting, severity: Severity, **target: object) -> Report:
    wanted: dict[str, Any] = {"hot": frozenset({2, 3}), **target}
    host = Host(tree(tmp_path, cpus(4)), Target(**wanted))
    host.target = settle(host.target, host.topology, host.tree)
    verdicts = check.run(host, rules(severity), settings, TODAY)
    return Report(host, rules(severity), verdicts, exit_code(verdicts, strict=False))


@pytest.mark.parametrize(
    ("conformity", "severity", "status"),
    [
        (Conformity.CONFORMS, Severity.REQUIRED, Status.PASS),
        (Conformity.DEVIATES, Severity.REQUIRED, Status.FAIL),
        (Conformity.DEVIATES, Severity.WANTED, Status.WARN),
        (Conformity.DEVIATES, Severity.IRRELEVANT, Status.INFO),
        (Conformity.NEXT_BOOT, Severity.REQUIRED, Status.NEEDS_REBOOT),
        (Conformity.NEXT_BOOT, Severity.IRRELEVANT, Status.INFO),
        (Conformity.UNKNOWN, Severity.IRRELEVANT, Status.UNKNOWN),
        (Conformity.NOT_APPLICABLE, Severity.REQUIRED, Status.NOT_APPLICABLE),
        (Conformity.REPORT, Severity.REQUIRED, Status.INFO),
    ],
)
def test_the_profile_weighs(conformity: Conformity, severity: Severity, status: Status) -> None:
    assert status_of(conformity, severity) is status


def test_unknown_outweighs_a_pass_and_a_failure_everything() -> None:
    assert worst([Status.PASS, Status.UNKNOWN]) is Status.UNKNOWN
    assert worst(Status) is Status.FAIL
    assert worst([]) is Status.NOT_APPLICABLE
    assert set(WORST_FIRST) == set(Status)


@pytest.mark.parametrize(
    ("conformity", "severity", "strict", "code"),
    [
        (Conformity.CONFORMS, Severity.REQUIRED, True, 0),
        (Conformity.DEVIATES, Severity.REQUIRED, False, 2),
        (Conformity.NEXT_BOOT, Severity.REQUIRED, False, 2),
        (Conformity.DEVIATES, Severity.WANTED, True, 0),
        (Conformity.UNKNOWN, Severity.REQUIRED, False, 0),
        (Conformity.UNKNOWN, Severity.REQUIRED, True, 3),
        (Conformity.UNKNOWN, Severity.WANTED, True, 0),
        (Conformity.NOT_APPLICABLE, Severity.REQUIRED, True, 0),
    ],
)
def test_exit_codes(
    tmp_path: Path, conformity: Conformity, severity: Severity, strict: bool, code: int
) -> None:
    report = judged(tmp_path, setting(Finding(conformity)), severity=severity)
    assert exit_code(report.verdicts, strict) == code


def test_an_inspection_that_breaks_is_unknown(tmp_path: Path) -> None:
    for one in (setting(broken=True), setting()):
        report = judged(tmp_path, one, severity=Severity.REQUIRED)
        assert report.verdicts[0].status is Status.UNKNOWN
        assert report.verdicts[0].findings[0].reason


def test_a_file_that_holds_what_no_kernel_writes_is_unknown_and_the_rest_is_judged(
    tmp_path: Path,
) -> None:
    isolated = "/sys/devices/system/cpu/isolated"
    host = Host(tree(tmp_path, cpus(4) | {isolated: "q"}), Target(hot=frozenset({2})))
    host.target = settle(host.target, host.topology, host.tree)
    wanted = (BY_ID["isolation"], BY_ID["smt"])
    bare = profile.load("bare-metal")
    garbled, smt = check.run(host, bare, wanted, TODAY)
    assert (garbled.status, smt.status) == (Status.UNKNOWN, Status.UNKNOWN)
    assert "isolated: found 'q'" in garbled.findings[0].reason
    assert plan.make(host, wanted).failures[0][0] == "isolation"


def test_a_wrong_option_of_the_site_is_no_verdict(tmp_path: Path) -> None:
    files = cpus(4) | {"/proc/sys/vm/stat_interval": "1"}
    host = Host(tree(tmp_path, files), Target(overrides={"vmstat": {"seconds": "ten"}}))
    with pytest.raises(ToolError, match=r"vmstat\.seconds: found 'ten'"):
        check.run(host, profile.load("ci"), [BY_ID["vmstat"]], TODAY)
    with pytest.raises(ToolError, match=r"vmstat\.seconds: found 'ten'"):
        plan.make(host, [BY_ID["vmstat"]])


def waived(tmp_path: Path, until: datetime.date) -> Verdict:
    waivers = (Waiver("smt", "on order", until),)
    found = setting(Finding(Conformity.DEVIATES, actual="1"))
    return judged(tmp_path, found, severity=Severity.REQUIRED, waivers=waivers).verdicts[0]


def test_a_waiver_makes_a_failure_a_warning_until_its_day_is_over(tmp_path: Path) -> None:
    assert waived(tmp_path, TODAY).status is Status.WARN
    expired = waived(tmp_path, TODAY - datetime.timedelta(1))
    assert expired.status is Status.FAIL
    assert expired.expired is not None


def test_of_two_waivers_the_one_that_lasts_longer_counts(tmp_path: Path) -> None:
    days = (TODAY - datetime.timedelta(9), TODAY)
    for order in (days, days[::-1]):
        waivers = tuple(Waiver("smt", "on order", day) for day in order)
        found = setting(Finding(Conformity.DEVIATES, actual="1"))
        report = judged(tmp_path, found, severity=Severity.REQUIRED, waivers=waivers)
        assert report.verdicts[0].status is Status.WARN


def deviations() -> Setting:
    cost = Cost("sysfs", 133_000)
    return setting(
        Finding(Conformity.DEVIATES, "cpu 2", "C6", None, "none", "", ("/sys/a",), cost, ("f 2",)),
        Finding(Conformity.DEVIATES, "cpu 3", "C6", None, "none", "", ("/sys/b",), cost, ("f 3",)),
        Finding(Conformity.CONFORMS, "cpu 1", "C1"),
    )


def test_cpus_that_say_the_same_are_one_row(tmp_path: Path) -> None:
    report = judged(tmp_path, deviations(), severity=Severity.REQUIRED)
    rows = merged(report.verdicts[0])
    assert [finding.subject for _, finding in rows] == ["cpu 2-3", "cpu 1"]


def test_each_hot_core_gets_its_own_verdict(tmp_path: Path) -> None:
    mixed = setting(Finding(Conformity.DEVIATES, "cpu 2"), Finding(Conformity.CONFORMS, "cpu 3"))
    host_wide = setting(Finding(Conformity.UNKNOWN, reason="EACCES"), name="thp")
    report = judged(tmp_path, mixed, host_wide, severity=Severity.REQUIRED)
    two, three = core_verdicts(report)
    assert (two.status, two.failing, two.unproved) == (Status.FAIL, ("smt",), ("thp",))
    assert (three.status, three.failing, three.unproved) == (Status.UNKNOWN, (), ("thp",))


def test_the_table_is_plain_in_a_pipe_and_names_cost_fix_and_cores(tmp_path: Path) -> None:
    stream = io.StringIO()
    report_table.write(judged(tmp_path, deviations(), severity=Severity.REQUIRED), stream)
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "cpu 2-3: C6, expected none" in text
    assert "cost: 133 µs (sysfs)" in text
    assert "fix: f 2" in text
    assert "cpu 2: not fit: smt" in text
    assert "1 check: 1 fail" in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_table_is_coloured_on_a_terminal_unless_told_not_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = judged(tmp_path, deviations(), severity=Severity.REQUIRED)
    stream = Terminal()
    report_table.write(report, stream)
    assert "\x1b[1;31mfail" in stream.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    report_table.write(report, stream)
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_is_not_overrun_and_a_wrapped_command_can_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = f"echo 0-1 | sudo tee /proc/irq/28/smp_affinity_list /sys/{'x' * 20}"
    found = setting(Finding(Conformity.DEVIATES, actual="word " * 30, fix=(command,)))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    report_table.write(judged(tmp_path, found, severity=Severity.REQUIRED), stream)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines[2:])) <= 80  # the head names host and CPUs in one line each
    pasted = stream.getvalue().partition("fix: ")[2].partition("\n\n")[0]
    assert shlex.split(pasted.replace("\\\n", "")) == shlex.split(command)


def test_the_json_obeys_its_schema_and_the_schema_can_refuse(tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    waivers = (Waiver("smt", "on order", TODAY),)
    report = judged(tmp_path, deviations(), severity=Severity.REQUIRED, waivers=waivers)
    document = json.loads(report_json.text(report))
    jsonschema.validate(document, SCHEMA)
    assert document["checks"][0]["findings"][0]["cost"]["value"] == 133_000
    assert document["exit_code"] == report.exit_code
    document["checks"][0]["status"] = "good"
    with pytest.raises(jsonschema.ValidationError, match="good"):
        jsonschema.validate(document, SCHEMA)


def test_latency_audit_shape_leaves_out_of_the_score_what_nobody_can_judge(tmp_path: Path) -> None:
    settings = [
        deviations(),
        setting(Finding(Conformity.CONFORMS), name="thp"),
        setting(Finding(Conformity.NOT_APPLICABLE, reason="no knob"), name="thp"),
    ]
    report = judged(tmp_path, *settings, severity=Severity.REQUIRED)
    document = json.loads(report_latency_audit.text(report))
    assert document["summary"] == {"total": 3, "passed": 1, "failed": 1, "warnings": 0}
    assert document["score"] == 50
    assert document["checks"][2]["status"] == "skip"


@pytest.mark.parametrize("name", ["bare-metal", "cloud-vm", "container", "laptop", "ci"])
def test_every_profile_names_every_setting_with_reason_and_source(name: str) -> None:
    found = profile.load(name)
    assert found.summary
    assert set(found.rules) >= set(BY_ID)
    for rule in found.rules.values():
        assert rule.why
        assert rule.source


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ToolError, match="expected one of bare-metal, ci"):
        profile.load("metal")


def test_the_last_lines_fit_the_terminal_and_count_one_check_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Finding(Conformity.DEVIATES, "cpu 2", "x", expected="y")
    found = [setting(wrong, name="smt"), setting(wrong, name="thp")]
    report = judged(tmp_path, *found, severity=Severity.REQUIRED)
    names = ("smt", "thp", *(f"a-check-of-a-long-name-{number}" for number in range(9)))
    cores = [replace(core_verdicts(report)[0], failing=names)]
    monkeypatch.setattr("host_tuning.reports.check_table.core_verdicts", lambda _: cores)
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    report_table.write(report, out)
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= 70
    first = next(at for at, line in enumerate(lines) if line.startswith("cpu 2: not fit: smt, thp"))
    assert lines[first + 1].startswith("  a-check")
    assert lines[-1].startswith("2 checks: ")
    one = io.StringIO()
    report_table.write(judged(tmp_path / "one", found[0], severity=Severity.REQUIRED), one)
    assert one.getvalue().splitlines()[-1] == "1 check: 1 fail"
