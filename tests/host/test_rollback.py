"""Goal: taking back restores what the run replaced, and never what somebody else set since.

Method: runs on a built tree, changed behind the tool's back between apply and rollback.
"""

import errno
import os
from pathlib import Path

import pytest
from tests.host.engine import BOOT, CHANGES, FILES, GROUP, IRQ, SWAPPINESS, Engine, snapshot
from tests.host.trees import fill, published

from host_tuning.changing.change_kinds import kind_of
from host_tuning.changing.runs import runs
from host_tuning.common.change import Change
from host_tuning.facts.tree import HostTree

REBOOTED = BOOT.replace("1", "2")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(tmp_path, monkeypatch)


def test_a_value_that_somebody_changed_is_refused_unless_forced(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(engine.root)
    assert engine.run("--apply") == 0
    fill(engine.root, {SWAPPINESS: "33"})
    changed = snapshot(engine.root)
    assert engine.run("--rollback") == 2
    said = capsys.readouterr().out
    assert f"changed  {SWAPPINESS}: found 33, run" in said
    assert snapshot(engine.root) == changed
    assert engine.run("--rollback", "--force") == 0
    assert snapshot(engine.root) == before


def test_a_value_that_somebody_restored_is_no_conflict(engine: Engine) -> None:
    before = snapshot(engine.root)
    assert engine.run("--apply") == 0
    fill(engine.root, {SWAPPINESS: "60"})
    assert engine.run("--rollback") == 0
    assert snapshot(engine.root) == before


def test_a_configuration_file_that_was_edited_since_keeps_its_edits(engine: Engine) -> None:
    assert engine.run("--apply") == 0
    path = engine.root / "etc/default/irqbalance"
    path.write_text(path.read_text() + "OPTIONS=--debug\n")
    assert engine.run("--rollback") == 2
    assert path.read_text().endswith("IRQBALANCE_BANNED_CPULIST=2-3\n\nOPTIONS=--debug\n")


def test_what_is_gone_is_said_and_does_not_keep_the_rest_from_going_back(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.run("--apply") == 0
    (engine.root / IRQ.lstrip("/")).unlink()
    assert engine.run("--rollback") == 0
    assert f"gone     {IRQ}: ENOENT" in capsys.readouterr().out
    assert (engine.root / SWAPPINESS.lstrip("/")).read_text() == "60\n"


def test_a_run_is_taken_back_once(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert engine.run("--apply") == 0
    (run,) = runs(engine.state)
    assert engine.run("--rollback", run.id) == 0
    fill(engine.root, {SWAPPINESS: "10"})
    capsys.readouterr()
    assert engine.run("--rollback", run.id) == 0
    assert "no longer in force: rolled back" in capsys.readouterr().out
    assert engine.run("--rollback") == 0
    assert "nothing to take back" in capsys.readouterr().out
    assert (engine.root / SWAPPINESS.lstrip("/")).read_text() == "10\n"


def test_an_unknown_run_lists_those_that_there_are(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.run("--rollback", "yesterday") == 1
    assert "no run was ever applied" in capsys.readouterr().err
    assert engine.run("--apply") == 0
    capsys.readouterr()
    assert engine.run("--rollback", "yesterday") == 1
    said = capsys.readouterr().err
    assert "found 'yesterday', expected `last`, `all` or one of the runs" in said
    assert f"{engine.logs()[0].stem}  2" in said
    assert "8 writes, in force" in said


def test_two_runs_go_back_one_after_the_other(engine: Engine) -> None:
    before = snapshot(engine.root)
    assert engine.run("--apply") == 0
    between = snapshot(engine.root)
    others = [one for one in CHANGES if one.target != SWAPPINESS]
    engine.want([*others, Change("swap", "file", SWAPPINESS, "5")])
    first = runs(engine.state)[0]
    assert engine.run("--apply") == 0
    assert engine.run("--rollback", first.id) == 2  # the second run's value stands over it
    assert engine.run("--rollback") == 0
    assert snapshot(engine.root) == between
    assert engine.run("--rollback") == 0
    assert snapshot(engine.root) == before


def thrice(engine: Engine) -> None:
    """Three runs over one value, as each link that comes up makes one."""
    assert engine.run("--apply") == 0
    for number in ("5", "6"):
        engine.want([Change("swap", "file", SWAPPINESS, number)])
        assert engine.run("--apply") == 0


def test_all_runs_go_back_the_newest_first(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(engine.root)
    thrice(engine)
    capsys.readouterr()
    assert engine.run("--rollback", "all") == 0
    said = capsys.readouterr().out
    assert snapshot(engine.root) == before
    assert not any(one.stands for one in runs(engine.state))
    told = [line.split()[1] for line in said.splitlines() if "taken back" in line]
    assert told == [f"{one.id}:" for one in reversed(runs(engine.state))]
    assert engine.run("--rollback", "all") == 0
    assert "nothing to take back" in capsys.readouterr().out


def test_all_are_refused_where_somebody_changed_what_stands_now_unless_forced(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(engine.root)
    thrice(engine)
    fill(engine.root, {IRQ: "1"})  # the first run's, which no later one wrote
    changed = snapshot(engine.root)
    capsys.readouterr()
    assert engine.run("--rollback", "all") == 2
    said = capsys.readouterr().out
    assert f"changed  {IRQ}: found 1, run {runs(engine.state)[0].id} wrote 0-1" in said
    assert "tune-host --rollback all --force" in said
    assert snapshot(engine.root) == changed
    assert all(one.stands for one in runs(engine.state))
    assert engine.run("--rollback", "all", "--force") == 0
    assert snapshot(engine.root) == before


def test_what_changed_between_two_runs_goes_back_to_what_the_first_found(engine: Engine) -> None:
    before = snapshot(engine.root)
    assert engine.run("--apply") == 0
    fill(engine.root, {IRQ: "2"})  # an interface came up again
    assert engine.run("--apply") == 0
    assert engine.run("--rollback", "all") == 0
    assert snapshot(engine.root) == before


def test_all_runs_as_json(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    thrice(engine)
    capsys.readouterr()
    assert engine.run("--rollback", "all", "--json") == 0
    said = published("run", capsys.readouterr().out)
    assert said["runs"] == [one.id for one in reversed(runs(engine.state))]
    assert (said["run"], said["complete"], said["unmarked"]) == (None, True, "")
    assert [one["target"] for one in said["restored"]].count(SWAPPINESS) == 3


def test_after_a_reboot_only_configuration_files_go_back(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.run("--apply") == 0
    config = engine.root / "etc/default/irqbalance"
    fill(engine.root, {"/proc/sys/kernel/random/boot_id": REBOOTED, SWAPPINESS: "60"})
    untouched = snapshot(engine.root)
    assert engine.run("--verify") == 2
    assert "ended with the reboot" in capsys.readouterr().out
    assert engine.run("--rollback") == 0
    assert "the host was started since" in capsys.readouterr().out
    assert config.read_text() == FILES["/etc/default/irqbalance"] + "\n"
    now = snapshot(engine.root)
    assert {name for name in now if now[name] != untouched[name]} == {"etc/default/irqbalance"}
    (run,) = runs(engine.state)
    assert run.over == "rolled back; the values of /proc and /sys ended with the boot"


def test_an_interrupted_run_of_an_earlier_boot_does_not_stop_the_next(engine: Engine) -> None:
    assert engine.cut_off(46, "--apply")
    assert (engine.root / GROUP.lstrip("/")).exists()
    fill(engine.root, FILES | {"/proc/sys/kernel/random/boot_id": REBOOTED})
    for path in sorted((engine.root / GROUP.lstrip("/")).iterdir()):
        path.unlink()
    (engine.root / GROUP.lstrip("/")).rmdir()
    before = snapshot(engine.root)
    assert engine.run("--apply") == 0
    assert engine.run("--rollback") == 0
    assert snapshot(engine.root) == before


def test_an_old_value_that_the_kernel_refuses_is_said_and_can_be_given_up(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.run("--apply") == 0
    write = HostTree.write

    def refusing(tree: HostTree, name: str, data: bytes) -> None:
        if name == IRQ:
            raise OSError(errno.EIO, os.strerror(errno.EIO), name)
        write(tree, name, data)

    monkeypatch.setattr(HostTree, "write", refusing)
    assert engine.run("--rollback") == 2
    assert f"refused  {IRQ} = 0-3: EIO" in capsys.readouterr().out
    assert (engine.root / SWAPPINESS.lstrip("/")).read_text() == "60\n"
    assert runs(engine.state)[0].stands
    assert engine.run("--rollback", "--force") == 2
    assert not runs(engine.state)[0].stands


def test_to_apply_again_after_a_reboot_ends_the_runs_before_it(engine: Engine) -> None:
    before = snapshot(engine.root)
    assert engine.run("--apply") == 0
    fill(engine.root, {"/proc/sys/kernel/random/boot_id": REBOOTED, SWAPPINESS: "60"})
    assert engine.run("--verify") == 2
    assert engine.run("--apply") == 0
    assert engine.run("--verify") == 0
    old, new = runs(engine.state)
    # The file that the first run wrote is still its own to take back.
    assert [kind_of(one.change).persistent(one.change) for one in old.standing] == [True]
    assert [one.change.target for one in new.standing] == [SWAPPINESS]
    assert engine.run("--rollback") == 0
    assert engine.run("--rollback") == 0
    banned = "etc/default/irqbalance"
    assert snapshot(engine.root)[banned] == before[banned]
    assert not any(one.stands for one in runs(engine.state))
