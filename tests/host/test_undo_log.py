"""Goal: what a write replaces is on disk before the write is made, and is read back as it was.

Method: the calls of a run are recorded in their order; logs are written, damaged and read.
"""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host.engine import CHANGES, Engine, file_bytes_max, snapshot

from host_tuning.changing import run_lock
from host_tuning.changing.runs import Stage, decode, encode, load, runs
from host_tuning.changing.undo_log import UndoLog
from host_tuning.common.change import Change
from host_tuning.common.errors import ToolError
from host_tuning.facts.tree import HostTree


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(tmp_path, monkeypatch)


def test_each_line_is_synced_before_its_write(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that counts: create, sync the directory, log, sync, write, mark, sync."""
    seen: list[str] = []

    def sync(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        if name.startswith(str(engine.state)):
            kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "log"
            seen.append(f"sync {kind}")

    write, append = HostTree.write, UndoLog.append

    def writing(tree: HostTree, path: str, data: bytes) -> None:
        seen.append("write")
        write(tree, path, data)

    def appending(log: UndoLog, mark: str, **fields: object) -> int:
        seen.append(mark)
        return append(log, mark, **fields)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(HostTree, "write", writing)
    monkeypatch.setattr(UndoLog, "append", appending)
    engine.want(CHANGES[:2])
    assert engine.run("--apply") == 0
    one = ["write", "sync log", "write", "done", "sync log"]
    assert seen == ["sync directory", "run", "sync log", *one, *one, "end", "sync log"]


@given(state=st.one_of(st.none(), st.binary(max_size=40)))
def test_a_state_is_read_back_byte_for_byte(state: bytes | None) -> None:
    assert decode(encode(state)) == state


def test_clean_text_is_kept_as_text_and_the_rest_as_base64() -> None:
    assert encode("é\0\n".encode()) == {"text": "é\0\n"}
    assert encode(b"\xff") == {"base64": "/w=="}
    assert encode(None) is None


def test_a_log_tells_its_run_again(tmp_path: Path) -> None:
    tmp_path.joinpath("root").mkdir()
    log = UndoLog.create(tmp_path, HostTree(tmp_path / "root"), {"settings": ["thp"]})
    beside = Change("thp", "cpulist", "/proc/irq/9/smp_affinity_list", "", "cpu 3")
    change = Change("thp", "file", "/sys/x", "1", "cpu 3", required=True)
    step = log.begin(change, b"\xff", [(beside, b"0-3\n")])
    step.became, step.moved = (b"2\n",), {0: b"0\n"}
    log.done(step)
    log.refused(log.begin(change, None, []), "EIO (Input/output error)")
    log.begin(change, b"", [])
    log.close()
    run = load(log.run.path)
    assert run is not None
    assert run.about == {"settings": ["thp"]}
    assert run.steps == log.run.steps
    assert [one.stage for one in run.steps] == [Stage.DONE, Stage.REFUSED, Stage.BEGUN]
    assert run.interrupted


def test_a_log_without_a_whole_line_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")
    (tmp_path / "b.jsonl").write_bytes(b'{"mark": "run", "ver')
    assert runs(tmp_path) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"no json", "line 2"),
        (b'{"mark": "dance"}', "unknown mark 'dance'"),
        (b'{"mark": "done", "step": 7, "moved": {}}', "line 2"),
        (b'{"mark": "write", "step": 1}', "found step 1, expected 0"),
        (b"[]", "line 2"),
    ],
)
def test_a_line_that_is_no_line_of_a_log_is_named(tmp_path: Path, line: bytes, reason: str) -> None:
    tmp_path.joinpath("root").mkdir()
    log = UndoLog.create(tmp_path, HostTree(tmp_path / "root"), {})
    log.close()
    with log.run.path.open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(ToolError, match=f"{log.run.path.name}: .*{reason}"):
        runs(tmp_path)


def test_logs_that_may_not_be_read_are_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(directory: Path) -> list[str]:
        raise PermissionError(13, "Permission denied", str(directory))

    assert runs(tmp_path / "none") == []
    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(ToolError, match="Permission denied, expected to read the undo logs"):
        runs(tmp_path)


def test_a_later_version_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"mark": "run", "version": 2}\n')
    with pytest.raises(ToolError, match="version 1"):
        runs(tmp_path)


def test_a_log_that_cannot_be_written_stops_the_run_before_the_write(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    append = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if b'"mark": "write"' in data:
            raise OSError(28, "No space left on device")
        return append(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", full)
    assert engine.run("--apply") == 1
    said = capsys.readouterr().err
    assert "No space left on device: what is not in the undo log is not written" in said
    monkeypatch.setattr(os, "pwrite", append)
    assert engine.tree.read(CHANGES[1].target).value == "60"
    assert engine.run("--rollback") == 0


def test_a_state_directory_that_cannot_be_made_is_named(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.state.write_text("in the way")
    assert engine.run("--apply") == 1
    assert f"{engine.state}: File exists" in capsys.readouterr().err


def test_the_lock_ends_with_its_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "LOCK_WAIT_S", 0)
    tree = HostTree(tmp_path)
    with (
        run_lock.lock(tree, tmp_path / "state"),
        pytest.raises(ToolError, match="locked by another tune-host"),
        run_lock.lock(tree, tmp_path / "state"),
    ):
        pass
    with run_lock.lock(tree, tmp_path / "state"):
        pass


def test_the_running_hosts_lock_is_one_whatever_the_state_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lock, "LOCK_WAIT_S", 0)
    monkeypatch.setattr(run_lock, "LOCK", str(tmp_path / "tune-host.lock"))
    with (
        run_lock.lock(HostTree(), tmp_path / "one"),
        pytest.raises(ToolError, match=rf"tune-host.lock: locked by .*process {os.getpid()}\)"),
        run_lock.lock(HostTree(), tmp_path / "another"),
    ):
        pass
    (tmp_path / "tune-host.lock").unlink()
    (tmp_path / "tune-host.lock").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(ToolError, match="expected a file that can be locked"),
        run_lock.lock(HostTree(), tmp_path / "one"),
    ):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_the_room_is_taken_before_the_first_write_and_given_back_at_the_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(engine.root)
    assert engine.run("--apply") == 0
    (log,) = engine.logs()
    size = log.stat().st_size
    data = log.read_bytes()
    assert data.endswith(b" " * 256)
    assert size == len(data)
    rename = os.ftruncate
    monkeypatch.setattr(os, "ftruncate", lambda descriptor, length: None)
    assert engine.run("--rollback") == 0
    assert log.stat().st_size == size  # every mark found room in what the run had taken
    monkeypatch.setattr(os, "ftruncate", rename)
    assert snapshot(engine.root) == before
    assert engine.run("--apply") == 0
    assert engine.run("--rollback") == 0
    assert engine.logs()[-1].read_bytes().endswith(b"}\n")


def test_a_disk_without_room_for_the_log_is_seen_before_the_first_write(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(engine.root)
    with file_bytes_max(4096):
        assert engine.run("--apply") == 1
    assert "File too large, expected room for" in capsys.readouterr().err
    assert snapshot(engine.root) == before
    assert not engine.logs()


def test_taking_back_goes_on_where_only_its_marks_cannot_be_written(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(engine.root)
    assert engine.run("--apply") == 0
    (log,) = engine.logs()
    applied = log.read_bytes().rstrip(b" ")
    log.write_bytes(applied)  # as a tool that takes no room leaves it
    with file_bytes_max(len(applied)):
        assert engine.run("--rollback") == 0
    said = capsys.readouterr().out
    assert "its undo log cannot record this" in said
    assert "File too large" in said
    assert snapshot(engine.root) == before
    assert runs(engine.state)[0].stands
    assert engine.run("--rollback") == 0
    assert not runs(engine.state)[0].stands
    assert snapshot(engine.root) == before


def test_an_interrupted_run_that_cannot_be_marked_is_taken_back_and_nothing_is_applied(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(engine.root)
    assert engine.cut_off(30, "--apply")
    (log,) = engine.logs()
    applied = log.read_bytes().rstrip(b" ")
    log.write_bytes(applied)
    with file_bytes_max(len(applied)):
        assert engine.run("--apply") == 1
    assert "could not be logged" in capsys.readouterr().err
    assert snapshot(engine.root) == before


@pytest.mark.needs_root
def test_a_full_file_system_keeps_nothing_from_going_back(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.state.mkdir()
    options = "size=32k,nr_inodes=16"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", engine.state], check=True)
    try:
        before = snapshot(engine.root)
        assert engine.run("--apply") == 0
        assert snapshot(engine.root) != before
        subprocess.run(["cp", "/dev/zero", engine.state / "filler"], check=False)
        assert os.statvfs(engine.state).f_bavail == 0
        assert engine.run("--rollback") == 0
        assert "cannot be told" not in capsys.readouterr().out
        assert snapshot(engine.root) == before
        assert engine.run("--apply") == 1
        assert "No space left on device, expected room for" in capsys.readouterr().err
        assert snapshot(engine.root) == before
    finally:
        subprocess.run(["umount", "--lazy", engine.state], check=True)


@pytest.mark.parametrize("tail", [b"", b"   ", b"\0\0", b'  k": 1}\n', b"\0\0 1}\n  ", b'{"ma'])
def test_what_stands_behind_the_last_line_counts_for_nothing(tmp_path: Path, tail: bytes) -> None:
    tmp_path.joinpath("root").mkdir()
    log = UndoLog.create(tmp_path, HostTree(tmp_path / "root"), {})
    log.close()
    with log.run.path.open("ab") as file:
        file.write(tail)
    run = load(log.run.path)
    assert run is not None
    again = UndoLog(run)
    again.end()
    again.close()
    run = load(log.run.path)
    assert run is not None
    assert run.ended
