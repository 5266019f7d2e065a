"""Goal: --apply writes what the plan says, once, and only where it may, and --verify agrees.

Method: whole runs of the command on a built tree, with settings of the test's own; a kernel that
refuses or rounds is played by replacing HostTree.write for one path.
"""

import errno
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.host.engine import (
    BOOT,
    CHANGES,
    GROUP,
    IRQ,
    SWAPPINESS,
    THP,
    Engine,
    snapshot,
)
from tests.host.trees import Link, fill

import host_tuning
from host_tuning.changing.runs import runs
from host_tuning.common.change import Change
from host_tuning.facts.tree import HostTree
from host_tuning.target.host import Host

SCHEMA = json.loads((Path(host_tuning.__file__).parent / "schema/run-1.json").read_text())


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(tmp_path, monkeypatch)


def text(engine: Engine, path: str) -> str:
    return (engine.root / path.lstrip("/")).read_text()


def refuse(monkeypatch: pytest.MonkeyPatch, path: str, number: int) -> None:
    """Let the kernel refuse writes into this file."""
    write = HostTree.write

    def refusing(tree: HostTree, name: str, data: bytes) -> None:
        if name == path:
            raise OSError(number, os.strerror(number), name)
        write(tree, name, data)

    monkeypatch.setattr(HostTree, "write", refusing)


def test_a_whole_run_writes_every_value_and_takes_it_back(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(engine.root)
    assert engine.run("--apply") == 0
    assert text(engine, f"{THP}/enabled") == "always [madvise] never\n"
    assert text(engine, SWAPPINESS) == "10\n"
    assert text(engine, IRQ) == "0-1\n"
    assert text(engine, "/etc/default/irqbalance") == (
        "# irqbalance\nONESHOT=\nIRQBALANCE_BANNED_CPULIST=2-3\n\n"
    )
    assert text(engine, f"{GROUP}/cpuset.cpus") == "2-3\n"
    assert "8 written, 0 odd, 0 refused" in capsys.readouterr().out
    assert engine.run("--verify") == 0
    assert "8 of 8 values as written" in capsys.readouterr().out
    assert engine.run("--rollback") == 0
    said = capsys.readouterr().out
    restored = [line.split()[1] for line in said.splitlines() if line.startswith("restored ")]
    assert restored == [change.target for change in reversed(CHANGES)]
    assert snapshot(engine.root) == before


def test_verify_checks_the_settings_that_the_run_wrote_and_no_others(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.want(CHANGES[:2])
    assert engine.run("--apply") == 0
    engine.want(CHANGES)
    capsys.readouterr()
    assert engine.run("--verify", "--skip", "swap", "--json") == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)["check"]["checks"]] == ["thp"]


def test_a_second_apply_writes_nothing_and_says_so(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.run("--apply") == 0
    applied, logs = snapshot(engine.root), engine.logs()
    capsys.readouterr()
    assert engine.run("--apply") == 0
    assert capsys.readouterr().out == "nothing to write: every value is as wanted\n"
    assert snapshot(engine.root) == applied
    assert engine.logs() == logs


def test_a_dry_run_prints_the_writes_and_makes_none(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(engine.root)
    assert engine.run("--apply", "--dry-run") == 0
    said = capsys.readouterr().out
    for change in CHANGES:
        assert change.target in said
    assert f"{SWAPPINESS}  60 → 10" in said
    assert snapshot(engine.root) == before
    assert not engine.state.exists()


def test_the_log_holds_the_old_bytes_of_each_write(engine: Engine) -> None:
    assert engine.run("--apply") == 0
    (log,) = engine.logs()
    lines = [json.loads(line) for line in log.read_text().strip().splitlines()]
    (write,) = [one for one in lines if one["mark"] == "write" and one["target"] == SWAPPINESS]
    assert write["old"] == {"text": "60\n"}
    assert write["new"] == {"text": "10"}
    assert write["boot_id"] == BOOT
    assert write["run"] == log.stem
    assert write["time_ns"] > 0
    assert [one["mark"] for one in lines] == ["run", *["write", "done"] * 8, "end"]


@pytest.mark.parametrize("number", [errno.EIO, errno.EPERM, errno.EINVAL, errno.EBUSY])
def test_a_refused_write_is_listed_and_the_rest_is_made(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
) -> None:
    before = snapshot(engine.root)
    refuse(monkeypatch, IRQ, number)
    assert engine.run("--apply") == 0
    said = capsys.readouterr().out
    assert f"refused  {IRQ} = 0-1 (irq-affinity): {errno.errorcode[number]} (" in said
    assert "7 written, 0 odd, 1 refused" in said
    assert engine.run("--verify") == 0
    assert engine.run("--rollback") == 0
    assert snapshot(engine.root) == before


def test_a_required_write_that_is_refused_takes_the_run_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(engine.root)
    last = Change("swap", "file", SWAPPINESS, "10", required=True)
    engine.want([*(one for one in CHANGES if one.target != SWAPPINESS), last])
    refuse(monkeypatch, SWAPPINESS, errno.ENOSPC)
    assert engine.run("--apply") == 2
    assert "the run is taken back" in capsys.readouterr().out
    assert snapshot(engine.root) == before
    (run,) = runs(engine.state)
    assert run.over == "rolled back: a required write was refused"


@pytest.mark.parametrize(
    ("profile", "severities", "waiver", "code"),
    [
        ("bare-metal", "", "", 2),
        ("laptop", "", "", 0),
        ("laptop", "swap: required", "", 2),
        ("bare-metal", "swap: wanted", "", 0),
        ("bare-metal", "", "{id: swap, reason: on order, until: 9999-12-31}", 0),
        ("bare-metal", "", "{id: swap, reason: on order, until: 2000-01-01}", 2),
    ],
)
def test_profile_site_and_waiver_say_whose_refusal_takes_the_run_back(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    profile: str,
    severities: str,
    waiver: str,
    code: int,
) -> None:
    before = snapshot(engine.root)
    site = tmp_path / "site.yaml"
    site.write_text(
        f"host: {{profile: {profile}, severities: {{{severities}}}, waivers: [{waiver}]}}\n"
    )
    refuse(monkeypatch, SWAPPINESS, errno.EINVAL)
    assert engine.run("--apply", "--config", str(site)) == code
    assert (snapshot(engine.root) == before) is (code == 2)


def test_a_required_value_without_a_file_is_refused_before_the_first_write(engine: Engine) -> None:
    before = snapshot(engine.root)
    engine.want([*CHANGES, Change("swap", "file", "/proc/sys/vm/none", "1", required=True)])
    assert engine.run("--apply") == 2
    assert snapshot(engine.root) == before
    assert not engine.logs()


def round_down(monkeypatch: pytest.MonkeyPatch, path: str, shown: bytes) -> None:
    """Let the kernel make something else of what is written into this file."""
    write = HostTree.write

    def rounding(tree: HostTree, name: str, data: bytes) -> None:
        write(tree, name, shown if name == path and data != b"60\n" else data)

    monkeypatch.setattr(HostTree, "write", rounding)


def test_a_value_that_the_kernel_rounds_is_reported_and_taken_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(engine.root)
    round_down(monkeypatch, SWAPPINESS, b"7\n")
    assert engine.run("--apply", "--profile", "laptop") == 0
    assert f"odd      {SWAPPINESS}: wanted 10, shows 7" in capsys.readouterr().out
    assert engine.run("--rollback") == 0
    assert snapshot(engine.root) == before


def test_a_write_that_changes_nothing_counts_as_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    round_down(monkeypatch, SWAPPINESS, b"60\n")
    assert engine.run("--apply", "--profile", "laptop") == 0
    assert "kept the old value" in capsys.readouterr().out
    (run,) = runs(engine.state)
    assert len(run.standing) == len(CHANGES) - 1


def test_what_a_write_makes_due_is_written_in_the_same_run(engine: Engine) -> None:
    def steps(host: Host) -> list[Change]:
        found = [Change("nic-queues", "file", SWAPPINESS, "10")]
        if host.read(SWAPPINESS).value == "10":  # new queues, new interrupts
            found.append(Change("irq-affinity", "cpulist", IRQ, "0"))
        return found

    from tests.host.engine import setting

    engine.monkeypatch.setattr(
        "host_tuning.commands.common.SETTINGS", (setting("nic-queues", steps),)
    )
    before = snapshot(engine.root)
    assert engine.run("--apply") == 0
    assert text(engine, IRQ) == "0\n"
    assert len(runs(engine.state)) == 1
    assert engine.run("--rollback") == 0
    assert snapshot(engine.root) == before


def test_a_value_that_the_kernel_moves_along_is_restored_as_well(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ratio, size = "/proc/sys/vm/dirty_ratio", "/proc/sys/vm/dirty_bytes"
    fill(engine.root, {ratio: "20", size: "0"})
    before = snapshot(engine.root)
    write = HostTree.write

    def kernel(tree: HostTree, name: str, data: bytes) -> None:
        """As mm/page-writeback.c: either clears the other, and dirty_bytes takes no 0."""
        if name == size and data == b"0\n":
            raise OSError(errno.EINVAL, "Invalid argument", name)
        write(tree, name, data)
        if name in (ratio, size):
            write(tree, size if name == ratio else ratio, b"0\n")

    monkeypatch.setattr(HostTree, "write", kernel)
    engine.want([Change("writeback", "file", size, "268435456")])
    assert engine.run("--apply") == 0
    assert (text(engine, size), text(engine, ratio)) == ("268435456\n", "0\n")
    assert engine.run("--rollback") == 0
    assert snapshot(engine.root) == before


def test_a_container_is_refused_and_told_why(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(engine.root, {"/.dockerenv": "", "/proc/self/ns/pid": Link("pid:[4026532999]")})
    before = snapshot(engine.root)
    for command in ("--apply", "--rollback"):
        assert engine.run(command) == 1
        assert "docker container" in capsys.readouterr().err
    assert engine.run("--apply", "--dry-run") == 0
    assert snapshot(engine.root) == before
    assert not engine.state.exists()


def namespaces(pid: str = "4026531836", mounts: str = "4026531832") -> dict[str, Any]:
    return {
        "/.dockerenv": "",
        "/proc/self/ns/pid": Link(f"pid:[{pid}]"),
        "/proc/self/ns/user": Link("user:[4026531837]"),
        "/proc/self/ns/cgroup": Link("cgroup:[4026531835]"),
        "/proc/self/ns/mnt": Link(f"mnt:[{mounts}]"),
        "/proc/1/ns/mnt": Link("mnt:[4026531832]"),
    }


@pytest.mark.parametrize(
    ("links", "code"),
    [
        (namespaces(), 0),  # a machine whose file system once was a container's
        (namespaces(pid="4026532999"), 1),
        (namespaces(mounts="4026532998"), 1),  # docker run --privileged --pid=host
    ],
)
def test_a_mark_of_a_container_counts_unless_the_namespaces_are_the_first(
    engine: Engine, links: dict[str, Any], code: int
) -> None:
    fill(engine.root, links)
    assert engine.run("--apply") == code


def test_without_root_nothing_is_written(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from host_tuning import cli

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("host_tuning.changing.apply.in_container", lambda host: "")
    engine.want([])
    assert cli.main(["--apply", "--state", str(engine.state)]) == 1
    assert "needs root; nothing was written" in capsys.readouterr().err
    assert not engine.state.exists()


def test_cpu_0_stays_online_and_writes_stay_where_they_belong(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    cpu0 = "/sys/devices/system/cpu/cpu0/online"
    fill(engine.root, {cpu0: "1", "/root/x": "1"})
    before = snapshot(engine.root)
    engine.want(
        [
            Change("smt", "file", cpu0, "0"),
            Change("smt", "file", "/root/x", "0"),
            Change("smt", "file", "/sys/../root/x", "0"),
            Change("irq-affinity", "cpulist", IRQ, ""),
        ]
    )
    assert engine.run("--apply", "--profile", "laptop") == 0
    assert "CPU 0 is never taken offline" in capsys.readouterr().out
    assert snapshot(engine.root) == before


def test_a_second_tool_does_not_write_at_the_same_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from host_tuning.changing import run_lock

    monkeypatch.setattr(run_lock, "LOCK_WAIT_S", 0)
    before = snapshot(engine.root)
    with run_lock.lock(engine.tree, engine.state.with_name("another state")):
        assert engine.run("--apply") == 1
        assert f"{engine.root}: locked by another tune-host" in capsys.readouterr().err
        assert snapshot(engine.root) == before
    assert engine.run("--apply") == 0


def test_an_interrupted_run_that_somebody_overrode_is_not_touched_by_apply(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.cut_off(20, "--apply")
    fill(engine.root, {f"{THP}/enabled": "always madvise [never]"})
    assert engine.run("--apply") == 1
    assert "was interrupted and cannot be taken back" in capsys.readouterr().err
    assert text(engine, f"{THP}/enabled") == "always madvise [never]\n"


def validated(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return document


def test_the_json_of_each_command_is_as_published(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    refuse(monkeypatch, IRQ, errno.EIO)
    assert engine.run("--apply", "--json") == 0
    applied = validated(capsys)
    assert [one["target"] for one in applied["refused"]] == [IRQ]
    assert engine.run("--verify", "--json") == 0
    assert validated(capsys)["as_written"] is True
    fill(engine.root, {SWAPPINESS: "55"})
    assert engine.run("--verify", "--json") == 2
    assert [one["reason"] for one in validated(capsys)["lost"]] == ["55"]
    assert engine.run("--rollback", "--json") == 2
    assert [one["target"] for one in validated(capsys)["conflicts"]] == [SWAPPINESS]
    assert engine.run("--rollback", "--force", "--json") == 0
    assert validated(capsys)["complete"] is True
    assert engine.run("--rollback", "--json") == 0
    assert validated(capsys)["run"] is None


def test_a_schema_that_forgets_a_field_is_noticed(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.run("--apply", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    del document["written"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)
