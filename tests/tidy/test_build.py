"""Goal: a build holds objects of one setting only, and no module whose source is gone.

Method: the project's own setup.py builds a project of one small module, again and again.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = """
[project]
name = "probe"
version = "1"
[tool.setuptools.packages.find]
where = ["pyx"]
"""
MODULE = """
cdef extern from *:
    '''
    #ifdef IRON_DEBUG
    #define BUILD_OF_THIS_OBJECT "debug"
    #else
    #define BUILD_OF_THIS_OBJECT "release"
    #endif
    '''
    const char* BUILD_OF_THIS_OBJECT

def build_of_this_object():
    return BUILD_OF_THIS_OBJECT.decode()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "setup.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    package = tmp_path / "pyx" / "probe"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "module.pyx").write_text(MODULE)
    return tmp_path


def build(project: Path, mode: str = "release") -> str:
    environment = {**os.environ, "IRONPIT_BUILD": mode, "IRONPIT_JOBS": "1"}
    for name in ("IRONPIT_MARCH", "IRONPIT_SANITIZE"):
        environment.pop(name, None)
    command = [sys.executable, "setup.py", "build_ext", "--inplace"]
    ended = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def imported(project: Path) -> str:
    program = "from probe.module import build_of_this_object as b; print(b())"
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(project / "pyx")}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_switching_modes_leaves_no_stale_object(project: Path) -> None:
    for mode in ("release", "debug", "release"):
        build(project, mode)
        assert imported(project) == mode
    assert "building 'probe.module'" not in build(project, "release")


def test_a_deleted_source_takes_its_module_along(project: Path) -> None:
    build(project)
    (project / "pyx/probe/module.pyx").unlink()
    (project / "pyx/probe/other.pyx").write_text(MODULE)
    assert "its source is gone" in build(project)
    assert not list(project.rglob("module.*.so"))
    assert len(list((project / "pyx").rglob("other.*.so"))) == 1


def test_an_unknown_mode_is_refused(project: Path) -> None:
    with pytest.raises(AssertionError, match=r"IRONPIT_BUILD: found 'fast', expected one of"):
        build(project, "fast")
