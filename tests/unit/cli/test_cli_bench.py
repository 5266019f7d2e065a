"""Goal: `ironpit bench` says in one line what is wrong with an option, and what each is for.

Method: the entry point called in this process with wrong values and with --help. Nothing is
measured: an error comes before the first round.
"""

import dataclasses
from pathlib import Path

import pytest

from ironpit.bench.plans import option_of
from ironpit.cli import bench, main

NOT_ITCH = "expected an ITCH 5.0 file"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("match --messages 0", "--messages: found 0, expected 1 to 1000000000"),
        ("match --messages 4000000", "--messages: found 4000000, expected 1 to 3000000 with the"),
        ("match --rounds 0", "--rounds: found 0, expected 1 to 1000000"),
        ("match --sessions 0", "--sessions: found 0, expected 1 to 1000"),
        ("match --seed -1", "--seed: found -1, expected 0 to"),
        ("match --workloads ,", "--workloads: found ',', expected some of fixed"),
        ("match --orders {text}", "--orders: found {text}: "),
        ("match --orders {empty}", "--orders: found {empty}: "),
        ("match --orders {nothing}", "--orders: found {nothing}: No such file or directory, "),
        ("match --workloads itch-books --orders {text}", "--orders: found {text}: "),
        ("match --workloads itch-books --orders {nothing}", "--orders: found {nothing}: No such"),
        ("library --messages 0", "--messages: found 0, expected 1 to"),
        ("library --rounds 0", "--rounds: found 0, expected 1 to"),
        ("library --round-messages 0", "--round-messages: found 0, expected 1 to"),
        ("library --sessions 0", "--sessions: found 0, expected 1 to 1000"),
        ("library --market none", "--market: found 'none', expected one of fixed"),
        ("library --orders {text}", "--orders: found {text}: "),
        ("ring --rounds 0", "--rounds: found 0, expected 1 to"),
        ("ring --near-cpu -1", "--near-cpu: found -1, expected 0 to 1023"),
        ("transport --round-trips 0", "--round-trips: found 0, expected 1 to"),
        ("fan-out --burst 0", "--burst: found 0, expected 1 to"),
        ("fan-out --subscribers 1,,2", "--subscribers: found '1,,2', expected numbers above zero"),
        ("fan-out --subscribers 0,2", "--subscribers: found '0,2', expected numbers above zero"),
        ("order-ack --orders 0", "--orders: found 0, expected 1 to"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_2(
    words: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {name: tmp_path / name for name in ("text", "empty", "nothing")}
    names["text"].write_text("root:x:0:0\n")
    names["empty"].write_bytes(b"")
    assert main(["bench", *words.format(**names).split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ironpit: {said.format(**names)}")
    assert line.endswith(NOT_ITCH) == said.startswith("--orders: found {")


def test_a_cpu_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "ring", "--near-cpu", "1023", "--rounds", "1"]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ironpit: cannot pin to CPU 1023")


@pytest.mark.parametrize("name", bench.MEASUREMENTS)
def test_every_option_has_a_help_text(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")  # nothing is broken over two lines
    with pytest.raises(SystemExit) as raised:
        main(["bench", name, "--help"])
    assert raised.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(bench._module(name).Plan):
        assert field.metadata["help"]
        assert field.metadata["help"] in text
        assert "positional" in field.metadata or option_of(field.name) in text


def test_a_name_is_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    for measurement, expected in (
        ("library", "--market NAME"), ("match", "--workloads NAMES"), ("match", "--orders FILE"),
    ):  # fmt: skip
        with pytest.raises(SystemExit):
            main(["bench", measurement, "--help"])
        assert expected in capsys.readouterr().out
