"""Goal: no test is left out in silence: it says what it lacks, and CI as root may lack nothing.
None writes the host by the way, and none depends on how the shell started it.

Method: pytest runs on a small suite beside a copy of tests/conftest.py, with and without CI=true,
and as a shell starts it in the background.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
SUITE = """
import pytest

@pytest.mark.needs_tool("sh", "no-such-tool")
def test_tool():
    pass

@pytest.mark.needs_data("no/such/file")
def test_data():
    pass

def test_self():
    pytest.skip("not in the mood")

@pytest.mark.needs_tool("sh")
@pytest.mark.needs_data("suite/test_suite.py")
def test_runs():
    pass
"""
HOST_SUITE = """
import pytest

@pytest.mark.host
def test_writes_the_host():
    pass

def test_writes_nothing():
    pass
"""
INI = "[pytest]\nmarkers =\n host\n needs_root\n needs_tool(*commands)\n needs_data(path)\n"


def run_suite(
    tmp_path: Path, *arguments: str, ci: bool, suite: str = SUITE, runner: tuple[str, ...] = ()
) -> str:
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "suite").mkdir(exist_ok=True)
    (tmp_path / "suite" / "test_suite.py").write_text(suite)
    shutil.copy(CONFTEST, tmp_path / "suite" / "conftest.py")
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    if ci:
        environment["CI"] = "true"
    command = [
        *runner,
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        str(tmp_path),
        *arguments,
    ]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    return ended.stdout


def test_what_is_skipped_is_named_with_its_reason(tmp_path: Path) -> None:
    said = run_suite(tmp_path, ci=False)
    assert "1 passed, 3 skipped" in said
    section = said.partition("3 NOT RUN HERE")[2]
    assert "suite/test_suite.py::test_tool: needs the command no-such-tool" in section
    assert "suite/test_suite.py::test_data: needs the file no/such/file" in section
    assert "suite/test_suite.py::test_self: not in the mood" in section


@pytest.mark.needs_root
def test_a_missing_tool_is_a_failure_under_ci_as_root(tmp_path: Path) -> None:
    said = run_suite(tmp_path, ci=True)
    assert "1 failed, 1 passed, 1 skipped, 1 error" in said
    assert "needs the command no-such-tool, and CI as root has it" in said
    assert "CI as root leaves nothing out: not in the mood" in said


def test_what_writes_the_host_runs_only_where_it_is_named(tmp_path: Path) -> None:
    for arguments, counted in (
        ((), "1 passed, 1 deselected"),
        (("-m", "not slow"), "1 passed, 1 deselected"),
        (("-m", "not slow and not host"), "1 passed, 1 deselected"),
        (("-k", "host"), "2 deselected"),
        (("-m", "host"), "1 passed, 1 deselected"),
    ):
        said = run_suite(tmp_path, "-v", *arguments, ci=False, suite=HOST_SUITE)
        assert counted in said
        assert ("test_writes_the_host PASSED" in said) == (arguments == ("-m", "host"))


IGNORING = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""
INTERRUPTED = """
import os, signal, subprocess, sys

def test_a_child_heeds_ctrl_c():
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('unheard')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("", -signal.SIGINT), done.stdout

def test_the_run_itself_does_not():
    os.kill(os.getpid(), signal.SIGINT)
"""


def test_children_heed_ctrl_c_where_the_shell_has_it_ignored(tmp_path: Path) -> None:
    runner = (sys.executable, "-c", IGNORING)
    said = run_suite(tmp_path, ci=False, suite=INTERRUPTED, runner=runner)
    assert "2 passed" in said
