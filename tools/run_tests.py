"""Runs the tests in two parts, and says at the end what failed in either.

Rooms whose tests keep to themselves share the cores, a file at a time. The others start venues of
several threads, or change namespaces that a neighbour would notice: they run one after another.
What is given on the command line goes to pytest, both times. If it names files or folders, pytest
runs these alone, once.
"""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = [
    "dearest",
    "fuzz",
    "host",
    "property",
    "replay",
    "scenarios",
    "simulation",
    "tidy",
    "unit",
]
NOT_MARKED = "not slow and not vm and not host"
PARTS = {
    "side by side": ["-n", "auto", "--dist", "loadfile", *(f"tests/{room}" for room in SHARED)],
    "one after another": [f"--ignore=tests/{room}" for room in SHARED],
}
ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def failures(report: Path) -> list[str]:
    """The tests that a JUnit report says failed, each by its module and name."""
    if not report.exists():
        return []
    cases = ElementTree.parse(report).iter("testcase")
    return [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]


def parts_of(given: list[str]) -> dict[str, list[str]]:
    """What to run, and how."""
    named = any((ROOT / one.partition("::")[0]).exists() for one in given if one)
    return {"as named": []} if named else PARTS


def main(given: list[str]) -> int:
    statuses: list[int] = []
    failed: list[str] = []
    for name, arguments in parts_of(given).items():
        print(f"== tests, {name}", flush=True)
        report = ROOT / "build" / "tests" / f"{name.replace(' ', '_')}.xml"
        report.unlink(missing_ok=True)
        command = ["-m", "pytest", "-m", NOT_MARKED, f"--junitxml={report}", *arguments, *given]
        status = subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode
        statuses.append(status)
        failed += [f"{test} ({name})" for test in failures(report)]
        if status not in ENDED:
            break
    for test in failed:
        print(f"FAILED {test}")
    ran = [status for status in statuses if status != pytest.ExitCode.NO_TESTS_COLLECTED]
    return max(ran, default=int(pytest.ExitCode.NO_TESTS_COLLECTED))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
