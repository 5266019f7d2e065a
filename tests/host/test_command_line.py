"""Goal: what a command does not take is refused, and what it prints arrives in any encoding or the
failure is said in one line.

Method: the command in this process, and as a process of its own where the streams are what counts.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.host.trees import cpus, fill, published

from host_tuning import cli
from host_tuning.commands.options import COMMANDS, TAKES
from host_tuning.settings.registry import SETTINGS
from host_tuning.target import profile
from host_tuning.target.profile import names


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A tree with something to plan and to check."""
    fill(tmp_path / "tree", cpus(4) | {"/sys/kernel/mm/ksm/run": "1"})
    return tmp_path / "tree"


def tune_host(
    *arguments: str, out: int = subprocess.PIPE, **environment: str
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a process."""
    done = subprocess.run(
        [sys.executable, "-m", "host_tuning", *arguments],
        stdout=out,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode, (done.stdout or b"").decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (["--check", "--dry-run"], "--check does not take --dry-run"),
        (["--check", "--force"], "--check does not take --force"),
        (["--check", "--state", "x"], "--check does not take --state"),
        (["--check", "--cores"], "--check does not take --cores"),
        (["--check", "--png", "x"], "--check does not take --png"),
        (["--plan", "--strict"], "--plan does not take --strict"),
        (["--plan", "--cores", "--only", "smt"], "--plan --cores does not take --only"),
        (["--plan", "--format", "latency-audit"], "--plan does not take --format latency-audit"),
        (["--apply", "--force"], "--apply does not take --force"),
        (["--apply", "--strict"], "--apply does not take --strict"),
        (["--rollback", "--dry-run"], "--rollback does not take --dry-run"),
        (["--rollback", "--cpus", "2"], "--rollback does not take --cpus"),
        (["--verify", "--force"], "--verify does not take --force"),
        (["--list", "--cpus", "2"], "--list does not take --cpus"),
        (["--explain", "smt", "--root", "x"], "--explain does not take --root"),
        (["--hold", "--json"], "--hold does not take --json"),
        (["--jitter", "1", "--strict"], "--jitter does not take --strict"),
        (["--perf", "1", "--threshold", "9"], "--perf does not take --threshold"),
        (
            ["--check", "--json", "--format", "latency-audit"],
            "--check does not take --format latency-audit and --json",
        ),
    ],
)
def test_an_option_that_a_command_does_not_take_is_refused(
    arguments: list[str],
    refused: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def started(name: str) -> None:
        raise AssertionError(f"{name} was started, on this very host")

    monkeypatch.setattr("host_tuning.cli.importlib.import_module", started)
    assert cli.main(arguments) == 1
    assert capsys.readouterr() == ("", f"tune-host: {refused}\n")


def test_each_option_is_taken_by_some_command() -> None:
    options = set(vars(cli.parser().parse_args([])))
    assert options - COMMANDS == frozenset().union(*TAKES.values())
    assert set(TAKES) == COMMANDS - {"command"}


def test_what_cannot_be_printed_is_said_in_one_line(built: Path) -> None:
    for command in (["--check"], ["--plan", "--json"], ["--list"], ["--explain", "smt"]):
        root = ["--root", str(built)] if command[0] in ("--check", "--plan") else []
        with Path("/dev/full").open("wb") as full:
            code, _, said = tune_host(*command, *root, out=full.fileno())
        assert (code, said) == (1, "tune-host: standard output: No space left on device\n")


def test_a_failure_that_is_not_the_outputs_is_not_taken_for_it(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from host_tuning.commands import check

    def broken(options: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(check, "run", broken)
    with pytest.raises(OSError, match="Input/output"):
        cli.main(["--check", "--root", str(built)])


def test_a_reader_that_went_away_is_no_traceback(built: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code, _, said = tune_host("--check", "--root", str(built), out=writing)
    os.close(writing)
    assert (code, said) == (1, "")


def test_an_encoding_without_arrows_gets_plain_ones(built: Path) -> None:
    code, out, said = tune_host("--plan", "--root", str(built), PYTHONIOENCODING="ascii")
    assert (code, said) == (0, "")
    assert "  /sys/kernel/mm/ksm/run  1 -> 0" in out
    code, out, said = tune_host("--plan", "--root", str(built), PYTHONIOENCODING="utf-8")
    assert "  /sys/kernel/mm/ksm/run  1 → 0" in out


def test_json_stays_json_in_any_encoding(built: Path) -> None:
    fill(built, {"/sys/class/net/ifé/mtu": "1500"})
    for command in (["--plan", "--json"], ["--check", "--json"]):
        arguments = [*command, "--root", str(built), "--interface", "ifé"]
        code, out, said = tune_host(*arguments, PYTHONIOENCODING="ascii", PYTHONUTF8="1")
        assert said == ""
        assert code in (0, 2)
        assert json.loads(out)["target"]["interfaces"] == ["ifé"]


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--list", "--json"]) == 0
    said = published("list", capsys.readouterr().out)
    assert [one["id"] for one in said["settings"]] == [one.id for one in SETTINGS]
    assert cli.main(["--list", "--json", "--only", "smt,thp"]) == 0
    said = published("list", capsys.readouterr().out)
    assert [one["id"] for one in said["settings"]] == ["smt", "thp"]


@pytest.mark.parametrize("name", [one.id for one in SETTINGS])
def test_each_explanation_as_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--explain", name, "--json"]) == 0
    said = published("explain", capsys.readouterr().out)
    assert said["id"] == name
    assert [one["profile"] for one in said["profiles"]] == list(names())


def profiles_without(
    directory: Path, monkeypatch: pytest.MonkeyPatch, entry: str, left: str = ""
) -> Path:
    """The installed profiles in a directory of their own; of `smt`, laptop has this left."""
    for file in profile.DIRECTORY.glob("*.yaml"):
        (directory / file.name).write_bytes(file.read_bytes())
    laptop = directory / "laptop.yaml"
    laptop.write_text(re.sub(entry, left, laptop.read_text(), count=1, flags=re.DOTALL))
    monkeypatch.setattr(profile, "DIRECTORY", directory)
    return laptop


WHOLE = r"  smt:\n    severity: \w+\n    why: [^\n]*\n    source: [^\n]*\n"
BROKEN_PROFILES = {
    "no entry": (
        (WHOLE, ""),
        "settings.smt: found nothing, expected its severity, why, source: every profile names "
        "every setting",
    ),
    "no reason": (
        (r"(smt:\n    severity: \w+\n)    why: [^\n]*\n", r"\1"),
        "settings.smt.why: found None, expected a text",
    ),
    "a severity that is none": (
        (r"(smt:\n    severity: )\w+", r"\1urgent"),
        "settings.smt.severity: found 'urgent', expected one of required, wanted, irrelevant",
    ),
}


@pytest.mark.parametrize("command", [["--check", "--only", "smt"], ["--explain", "smt"]])
@pytest.mark.parametrize(("change", "said"), BROKEN_PROFILES.values(), ids=BROKEN_PROFILES)
def test_a_profile_that_lacks_something_is_named_with_the_key(
    built: Path,
    tmp_path: Path,
    command: list[str],
    change: tuple[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "profiles").mkdir()
    file = profiles_without(tmp_path / "profiles", monkeypatch, *change)
    if command[0] == "--check":
        command = [*command, "--root", str(built), "--profile", "laptop"]
    assert cli.main(command) == 1
    assert f"{file}: {said}" in capsys.readouterr().err
