"""Goal: a broken invariant stops the process, with its message, in release builds too.

Method: small C programs around iron_assert.h, compiled with the flags of a release build and run.
"""

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

INCLUDE = Path(__file__).resolve().parents[2] / "pyx/ironcore/include"
RELEASE_FLAGS = ["-O3", "-DNDEBUG", "-std=gnu11", f"-I{INCLUDE}"]


def build(tmp_path: Path, statement: str, *flags: str) -> subprocess.CompletedProcess[str]:
    source = tmp_path / "program.c"
    source.write_text(
        '#include "iron_assert.h"\n'
        "int main(int argc, char **argv) { (void)argv; (void)argc;\n"
        f"    {statement}\n"
        "    return 7; }\n"
    )
    compiler = shlex.split(os.environ.get("CC", "cc"))
    command = [*compiler, *RELEASE_FLAGS, *flags, str(source), "-o", str(tmp_path / "program")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run(tmp_path: Path, statement: str, *flags: str) -> subprocess.CompletedProcess[str]:
    built = build(tmp_path, statement, *flags)
    assert built.returncode == 0, built.stderr
    command = [str(tmp_path / "program")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_broken_invariant_aborts_with_its_message(tmp_path: Path) -> None:
    ended = run(tmp_path, 'iron_assert(argc == 2, "two arguments");')
    assert ended.returncode == -signal.SIGABRT
    assert ended.stderr == "ironpit: invariant broken: two arguments\n"


def test_an_invariant_that_holds_costs_nothing_but_the_test(tmp_path: Path) -> None:
    ended = run(tmp_path, 'iron_assert(argc == 1, "one argument");')
    assert (ended.returncode, ended.stderr) == (7, "")


@pytest.mark.parametrize(("flags", "status"), [((), 7), (("-DIRON_DEBUG",), -signal.SIGABRT)])
def test_a_debug_invariant_is_checked_in_debug_builds_only(
    tmp_path: Path, flags: tuple[str, ...], status: int
) -> None:
    assert run(tmp_path, 'iron_debug_assert(argc == 2, "two");', *flags).returncode == status


def test_a_broken_static_invariant_does_not_compile(tmp_path: Path) -> None:
    assert build(tmp_path, "iron_static_assert(sizeof(long) == 8);").returncode == 0
    broken = build(tmp_path, "iron_static_assert(sizeof(long) == 9);")
    assert broken.returncode != 0
    assert "sizeof(long) == 9" in broken.stderr
