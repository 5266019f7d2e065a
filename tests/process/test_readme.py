"""Goal: what the README says to type works as it is copied.

Method: run its Python snippets, the member's one against a venue, and compare what is printed with
the block behind it; give every command of its shell blocks to the parser that will read it. Broken
commands show that the parsers are asked.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from tests.split_venue import RunningVenue
from tests.venue import PASSWORD, write_config

from ironpit.cli import COMMANDS, main
from ironpit.venue import credentials

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(
    r"^( *)```(\w+)\n(.*?)^\1```\n(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL
)
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


def blocks(text: str, language: str) -> list[tuple[str, str]]:
    """The code of each block in the language, and the text that is shown right behind it."""
    return [
        (re.sub(rf"^{indent}", "", code, flags=re.MULTILINE), shown)
        for indent, kind, code, shown in BLOCK.findall(text)
        if kind == language
    ]


def commands(code: str) -> Iterator[list[str]]:
    """The words of each simple command in a shell block, loops and pipes taken apart."""
    for line in re.split(r"[\n;|]", re.sub(r"#.*", "", code)):
        words = shlex.split(line)
        if words and words[0] not in ("for", "done", "echo", "do"):
            yield words


def wrong_command(words: list[str]) -> str:
    """Why the command would not be understood, or nothing. Commands are read, not run."""
    if words[0] == "ironpit":
        module = import_module(f"ironpit.cli.{words[1]}") if words[1] in COMMANDS else None
        try:
            with pytest.MonkeyPatch.context() as patch:
                if module is not None:
                    patch.setattr(module, "run", lambda arguments: 0)
                main(words[1:])
        except SystemExit as refused:
            return f"{shlex.join(words)}: exit {refused.code}"
    elif words[0] == "make":
        known = TARGET.findall((ROOT / "Makefile").read_text())
        if words[1] not in known:
            return f"{shlex.join(words)}: no such target"
    elif words[:2] != [".", ".venv/bin/activate"]:
        return f"{shlex.join(words)}: neither ironpit nor make"
    missing = [word for word in words if word.startswith("configs/") and not (ROOT / word).exists()]
    return f"{shlex.join(words)}: no {missing[0]}" if missing else ""


def test_every_shell_command_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    found = [words for code, _ in blocks(README, "sh") for words in commands(code)]
    assert len(found) > 10
    assert [why for words in found if (why := wrong_command(words))] == []


def test_every_shell_block_is_shell() -> None:
    for code, _ in blocks(README, "sh"):
        checked = subprocess.run(
            ["bash", "-n"], input=code, capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stderr) == (0, ""), code


@pytest.mark.parametrize(
    "command",
    [
        "ironpit feed -c configs/venues/laptop.yaml --symbols BTCUSD",
        "ironpit feeds -c configs/venues/laptop.yaml",
        "ironpit run -c configs/venues/desktop.yaml",
        "make runs",
        "sudo true",
    ],
)
def test_a_broken_command_is_found(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert [wrong_command(words) for words in commands(f"echo x | {command}  # why\n")] != [""]


def run(code: str, directory: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_library_snippet_prints_what_is_shown(tmp_path: Path) -> None:
    shown = [(code, text) for code, text in blocks(README, "python") if text]
    assert len(shown) == 1
    for code, text in shown:
        assert run(code, tmp_path) == text


def test_the_member_of_the_readme_is_answered(tmp_path: Path) -> None:
    """With the address and the password of a venue that is here, and nothing else changed; it has
    the instruments of the README's."""
    (code,) = (code for code, text in blocks(README, "python") if not text)
    file = write_config(tmp_path)
    shipped = (ROOT / "configs" / "venues" / "laptop.yaml").read_text()
    settings = yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # numbers stay text
    settings["instruments"] = yaml.load(shipped, Loader=yaml.BaseLoader)["instruments"]
    file.write_text(yaml.safe_dump(settings))
    credentials.set_password(tmp_path / "credentials.yaml", "ALFA1", PASSWORD)
    venue = RunningVenue(file)
    try:
        port = venue.config.order_entry.listen.port
        for wanted, here in (("26100", str(port)), ('"TRYIT"', f'"{PASSWORD}"')):
            assert wanted in code
            code = code.replace(wanted, here)
        assert run(code, tmp_path).splitlines()[-1].startswith("OrderAccepted(")
    finally:
        venue.stop()
