"""Goal: `bench library` compares Python with C over the same commands, and says what it found.

Method: small runs, read as a person and as a program would; a submit loop that does other work has
to be noticed. No figure is judged.
"""

import json
from pathlib import Path

import pytest
from tests.doubles.itch_day import write_day

from ironcore.bench.library import SubmitLoop
from ironpit.bench.library import NAMES, PYTHON_WAYS, C, Plan, run, text_of
from ironpit.cli import main
from ironpit.common.errors import UserError
from ironpit.flow import generate
from ironpit.library.flows import rows_of, venue_of

SMALL = Plan(messages=2_000, rounds=2, round_messages=4_000)


def test_each_way_has_its_figures_and_python_its_rate_to_c() -> None:
    report = run(SMALL)
    (found,) = report["workloads"]
    assert found["messages"] == 2_000
    assert found["runs_a_round"] == 2
    for way in NAMES:
        assert found[way]["ns_per_message_min"] <= found[way]["ns_per_message_max"]
    for way in PYTHON_WAYS:
        low, high = found[way]["rate_to_c_min"], found[way]["rate_to_c_max"]
        assert 0 < low <= found[way]["rate_to_c"] <= high
    assert "rate_to_c" not in found[C]
    text = text_of(report)
    assert all(name in text for name in NAMES.values())
    assert "2 rounds in turn" in text


def test_the_report_goes_to_a_file_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    small = ["--messages", "500", "--rounds", "1", "--round-messages", "500"]
    assert main(["bench", "library", *small, "--json", str(file)]) == 0
    assert json.loads(file.read_text())["schema"] == "ironpit-bench-library-1"
    assert "Venue.apply(into=)" in capsys.readouterr().out


def test_a_recorded_day_is_measured_as_well(tmp_path: Path) -> None:
    day = write_day(tmp_path / "day.itch")
    report = run(Plan(messages=500, rounds=1, round_messages=500, orders=str(day)))
    assert [found["workload"] for found in report["workloads"]] == [
        "routine", "itch-orders day.itch",
    ]  # fmt: skip


def test_an_unknown_market_is_named() -> None:
    with pytest.raises(UserError, match="--market: found 'none', expected one of fixed"):
        run(Plan(market="none"))


def test_the_submit_loop_does_what_the_venue_does_over_many_batches() -> None:
    flow = generate(3, 10_000, seed=3)
    rows = rows_of(flow)
    loop = SubmitLoop(rows)
    python = venue_of(flow)
    applied = python.apply(rows)
    for _ in range(2):
        native = venue_of(flow)
        assert loop.run(native.core).events == len(applied.events)
        assert native.digest() == python.digest()


def test_a_difference_between_the_two_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SubmitLoop, "events_digest", lambda *_: "another")
    with pytest.raises(RuntimeError, match="found events another from C"):
        run(SMALL)
