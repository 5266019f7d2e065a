"""Goal: a native program can hold the core: the example of docs/EMBEDDING.md is built and run here.

Method: compile docs/examples/embed.c with every warning an error, by the flags that the project
prints, run it, and do the same orders in Python: both must say the same of them. The header alone
is also compiled as C11 and as C++17.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ironpit.library import EventType, Venue, commands, embedding

ROOT = Path(__file__).resolve().parents[3]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
MESSAGES = 40_000
LIFE = 5_000
ORDERS_MAX = 16_384
REJECTED_MAX = MESSAGES // 1000


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CC", "cc"))


def environment() -> dict[str, str]:
    """For a program that is not Python's own: where this Python's library and packages are."""
    packages = [path for path in sys.path if path]
    return {
        **os.environ,
        "PYTHONHOME": sys.base_prefix,
        "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], *packages]),
    }


class Orders:
    """The orders of docs/examples/embed.c."""

    def __init__(self) -> None:
        self.random = 1
        self.user_refs = {1: 0, 2: 0}

    def draw(self, below: int) -> int:
        self.random = (self.random * 1664525 + 1013904223) % (1 << 32)
        return (self.random >> 8) % below

    def message(self, number: int) -> np.ndarray:
        session = 1 + number % 2
        last = self.user_refs[session]
        if number % 4 >= 2 and last > LIFE:
            return commands.cancel(session=session, user_ref=last - LIFE)
        self.user_refs[session] += 1
        quantity = 1 + self.draw(100)
        side = "B" if self.draw(2) else "S"
        lowest_price = 990_000 if side == "B" else 999_100
        return commands.enter(
            session=session, user_ref=self.user_refs[session], instrument=0, side=side,
            quantity=quantity, price=lowest_price + 100 * self.draw(110),
        )  # fmt: skip


def expected(messages: int) -> list[str]:
    """What the program prints, by way of Python."""
    orders = Orders()
    venue = Venue(instruments_max=1, sessions_max=2, orders_max=ORDERS_MAX, user_ref_bits=24)
    venue.add_instrument("IRON")
    venue.add_session()
    venue.add_session()
    rows = np.concatenate([orders.message(number) for number in range(messages)])
    events = venue.apply(rows).events
    quantities = events["quantity"][events["type"] == EventType.EXECUTED].astype(np.int64)
    accepted, rejected, cancelled = (
        int((events["type"] == kind).sum())
        for kind in (EventType.ACCEPTED, EventType.REJECTED, EventType.CANCELED)
    )
    assert rejected <= REJECTED_MAX
    assert accepted > ORDERS_MAX
    lines = [
        f"{messages} messages: {accepted} orders accepted, {rejected} rejected, {cancelled} "
        "cancelled",
        f"{len(quantities)} executions of {quantities.sum()} together",
    ]
    for side in ("B", "S"):
        for price, count, quantity in venue.depth(0, side, 3).tolist():
            price = f"{price // 10_000}.{price % 10_000:04}"
            lines.append(f"{side} {price} x {quantity} in {count} orders")
    return lines


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compiled with every warning an error."""
    made = tmp_path_factory.mktemp("embedding") / "embed"
    source = ROOT / "docs" / "examples" / "embed.c"
    command = [*compiler(), "-std=c11", "-O2", *WARNINGS, str(source)]
    command += [*embedding.cflags(), *embedding.ldflags(), "-pthread", "-o", str(made)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return made


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        timeout=120,
    )


def test_the_example_compiles_without_a_warning_and_does_what_python_does(program: Path) -> None:
    ran = run(program, str(MESSAGES))
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = expected(MESSAGES)
    assert len(lines) == 8
    assert ran.stdout.splitlines() == lines


def test_the_document_shows_what_the_example_prints(program: Path) -> None:
    text = (ROOT / "docs" / "EMBEDDING.md").read_text()
    shown = text.split("```text\n")[1].partition("```")[0]
    assert "./embed 1000000\n" in text
    assert run(program, "1000000").stdout == shown


@pytest.mark.parametrize(
    "arguments",
    [["-5"], ["abc"], ["5x"], [""], ["0"], [" 5"], ["60000001"], ["9" * 30], ["5", "6"]],
)
def test_an_argument_that_is_no_number_of_messages_is_refused(
    program: Path, arguments: list[str]
) -> None:
    ran = run(program, *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "usage: embed [MESSAGES], a number from 1 to 60000000\n"


def test_the_program_says_why_it_cannot_have_the_core(tmp_path: Path) -> None:
    program = tmp_path / "embed"
    source = ROOT / "docs" / "examples" / "embed.c"
    command = [*compiler(), "-std=c11", str(source), *embedding.cflags(), *embedding.ldflags()]
    subprocess.run([*command, "-pthread", "-o", str(program)], check=True)
    nowhere = {**os.environ, "PYTHONHOME": sys.base_prefix, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [str(program)], capture_output=True, text=True, check=False, env=nowhere, timeout=120
    )
    assert ran.returncode == 1
    assert "No module named 'ironcore'" in ran.stderr


@pytest.mark.parametrize("flags", [["-xc", "-std=c11"], ["-xc++", "-std=c++17"]])
def test_the_header_stands_alone(tmp_path: Path, flags: list[str]) -> None:
    source = tmp_path / "header.h"
    source.write_text("#include <ironpit_core.h>\n#include <ironpit_core.h>\n")
    command = [
        *compiler(),
        *flags,
        *WARNINGS,
        "-fsyntax-only",
        "-include",
        str(source),
        "/dev/null",
    ]
    built = subprocess.run(
        [*command, f"-I{embedding.include_directory()}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr


def test_the_flags_are_printed_by_halves_or_together() -> None:
    def said(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ironpit.library.embedding", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert said("--cflags").stdout.strip() == shlex.join(embedding.cflags())
    assert said("--ldflags").stdout.strip() == shlex.join(embedding.ldflags())
    assert said().stdout.strip() == shlex.join([*embedding.cflags(), *embedding.ldflags()])
    assert said("--libs").returncode == 2
