"""Goal: no test is left out in silence: it says what it lacks, and CI as root may lack nothing.

Method: pytest runs on a small suite beside a copy of tests/conftest.py, with and without CI=true.
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
INI = "[pytest]\nmarkers =\n needs_root\n needs_tool(*commands)\n needs_data(path)\n"


def run_suite(tmp_path: Path, *, ci: bool) -> str:
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "test_suite.py").write_text(SUITE)
    shutil.copy(CONFTEST, tmp_path / "suite" / "conftest.py")
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    if ci:
        environment["CI"] = "true"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)]
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
