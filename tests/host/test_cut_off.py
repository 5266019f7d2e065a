"""Goal: whenever a run is killed, the next rollback brings back every byte.

Method: apply, rollback and the taking back that an apply begins with are killed by SIGKILL at each
point in turn: before and after each line of the log, between the steps of replacing a file, and
after each write. Then the tree is compared, byte for byte, with what it was before.
"""

from pathlib import Path

import pytest
from tests.host.engine import CHANGES, SWAPPINESS, Engine, snapshot

from host_tuning.changing.runs import runs
from host_tuning.common.change import Change

POINTS_MAX = 500


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(tmp_path, monkeypatch)


def count_points(engine: Engine, *arguments: str) -> int:
    """Go through all points; returns how many there were. Each call must restore the tree."""
    before = snapshot(engine.root)
    for point in range(POINTS_MAX):
        killed = engine.cut_off(point, *arguments)
        assert engine.run("--rollback") == 0
        assert snapshot(engine.root) == before, f"killed at point {point}"
        if not killed:
            return point
    raise AssertionError("the run has no end")


def test_a_rollback_restores_what_a_killed_apply_had_written(engine: Engine) -> None:
    points = count_points(engine, "--apply")
    assert points > 6 * 8  # six points for each of the eight writes, and the log's own


def test_the_next_apply_finishes_what_was_cut_off_and_can_be_taken_back(engine: Engine) -> None:
    before = snapshot(engine.root)
    for point in range(POINTS_MAX):
        killed = engine.cut_off(point, "--apply")
        assert engine.run("--apply") == 0
        applied = snapshot(engine.root)
        assert engine.run("--verify") == 0
        assert engine.run("--rollback") == 0
        assert snapshot(engine.root) == before, f"killed at point {point}"
        if not killed:
            assert applied != before
            return
    raise AssertionError("the run has no end")


def test_a_rollback_that_was_killed_is_finished_by_the_next(engine: Engine) -> None:
    before = snapshot(engine.root)
    for point in range(POINTS_MAX):
        assert engine.run("--apply") == 0
        assert snapshot(engine.root) != before
        killed = engine.cut_off(point, "--rollback")
        assert engine.run("--rollback") == 0
        assert snapshot(engine.root) == before, f"killed at point {point}"
        if not killed:
            assert point > 4 * 8
            return
    raise AssertionError("the rollback has no end")


def test_taking_all_back_that_was_killed_is_finished_by_the_next(engine: Engine) -> None:
    before = snapshot(engine.root)
    for point in range(0, POINTS_MAX, 3):
        engine.want(CHANGES)
        assert engine.run("--apply") == 0
        engine.want([Change("swap", "file", SWAPPINESS, "5")])
        assert engine.run("--apply") == 0
        killed = engine.cut_off(point, "--rollback", "all")
        assert engine.run("--rollback", "all") == 0
        assert snapshot(engine.root) == before, f"killed at point {point}"
        if not killed:
            assert point > 4 * 9
            return
    raise AssertionError("the rollback has no end")


def test_an_apply_killed_while_it_takes_an_earlier_one_back_is_no_worse(engine: Engine) -> None:
    before = snapshot(engine.root)
    for point in range(POINTS_MAX):
        assert engine.cut_off(30, "--apply")
        killed = engine.cut_off(point, "--apply")
        assert engine.run("--rollback") == 0
        assert snapshot(engine.root) == before, f"killed at points 30 and {point}"
        if not killed:
            return
    raise AssertionError("the run has no end")


def test_a_log_that_is_torn_at_any_byte_of_its_last_line_restores_the_tree(engine: Engine) -> None:
    before = snapshot(engine.root)
    assert engine.cut_off(20, "--apply")
    (log,) = engine.logs()
    whole, cut = log.read_bytes().rstrip(b" "), snapshot(engine.root)
    last = whole[:-1].rfind(b"\n") + 1
    changed = [name for name in cut if cut[name] != before.get(name)]
    assert changed
    for end in range(last, len(whole)):
        for name in changed:
            (engine.root / name).write_bytes(cut[name][1])
        # A torn line is a write that was not made yet, or a mark that is missing.
        log.write_bytes(whole[:end] + b" " * (end % 2 * 9))
        assert engine.run("--rollback") == 0
        assert snapshot(engine.root) == before, f"torn at byte {end}"
        (run,) = runs(engine.state)
        assert not run.stands
