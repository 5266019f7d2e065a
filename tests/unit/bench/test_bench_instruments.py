"""Goal: `bench instruments` compares the same flow over few and over many instruments.

Method: small runs, read as a person and as a program would. No figure is judged.
"""

import json
from pathlib import Path

import pytest

from ironpit.bench.instruments import Plan, idle_memory, numbers, run, text_of
from ironpit.cli import main
from ironpit.common.errors import UserError

SMALL = Plan(messages=500, rounds=2, instruments="1,50,600")


def test_each_number_of_instruments_has_its_cost_and_its_ratio_to_the_first() -> None:
    report = run(SMALL)
    assert [found["instruments"] for found in report["instruments"]] == [1, 50, 600]
    assert {found["messages"] for found in report["instruments"]} == {500}
    first = report["instruments"][0]
    assert first["ratio"] == {"min": 1.0, "median": 1.0, "max": 1.0}
    for found in report["instruments"]:
        for ratio in (found["ratio"], found["cpu_ratio"]):
            assert 0 < ratio["min"] <= ratio["median"] <= ratio["max"]
    text = text_of(report)
    assert "goal: a ratio of 3 or less" in text
    assert "an instrument without orders:" in text
    assert "2 rounds in turn" in text


def test_one_number_alone_has_no_idle_instrument_to_tell_of() -> None:
    report = run(Plan(messages=100, rounds=1, instruments="7"))
    assert "idle_instrument" not in report
    assert "without orders" not in text_of(report)


def test_an_idle_core_holds_what_was_defined_and_nothing_else() -> None:
    few, many = idle_memory(1), idle_memory(5_000)
    assert 0 < few["resident_bytes"] < few["reserved_bytes"]
    assert few["resident_bytes"] < many["resident_bytes"]


def test_the_report_goes_to_a_file_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    small = ["--messages", "100", "--rounds", "1", "--instruments", "1,20"]
    assert main(["bench", "instruments", *small, "--json", str(file)]) == 0
    assert json.loads(file.read_text())["schema"] == "ironpit-bench-instruments-1"
    assert "of CPU time" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "0", "1,", "1,1", "100,1", "1,x", "1,-5", "1,20001", "²"])
def test_numbers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"--instruments: found .*, expected rising numbers"):
        numbers(text)
