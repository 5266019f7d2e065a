"""What every test may use: the package in child processes, and ways to say what it needs.

A test that cannot run here is skipped loudly: it is listed, with the reason, in a section of its
own at the end. Where nothing may be missing (CI=true and root, as .ci/run in a container), a
missing tool or right is a failure instead, and so is a test that skips itself.
"""

import os
import re
import shutil
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [str(ROOT / part) for part in ("python", "pyx", "host-tuning")]
IS_ROOT = os.geteuid() == 0
NOTHING_MAY_BE_MISSING = IS_ROOT and os.environ.get("CI") == "true"

# Child processes find the package where pytest's own `pythonpath` found it.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [*SOURCES, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
)

# No timing asserts, not even hypothesis' own. Under CI the examples are the same in each run, so
# that a change is judged by what it changes; elsewhere each run looks for new ones.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


# A shell that is told to put a command into the background starts it with SIGINT ignored, and so
# all its children are. Those of the tests get the signal's default, which starting a program gives
# for one that is handled; this process goes on without heeding it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda number, frame: None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What writes the host's own settings runs where -m names it, and never by the way."""
    if "host" in re.findall(r"\w+", config.option.markexpr):
        return
    left_out = [item for item in items if item.get_closest_marker("host")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def missing(item: pytest.Item) -> tuple[str, bool]:
    """Why the test cannot run here (empty if it can), and whether CI as root should have had it."""
    if item.get_closest_marker("needs_root") and not IS_ROOT:
        return "needs root", True
    for marker in item.iter_markers("needs_tool"):
        for command in marker.args:
            if shutil.which(command) is None:
                return f"needs the command {command}", True
    for marker in item.iter_markers("needs_data"):
        if not (ROOT / marker.args[0]).exists():
            return f"needs the file {marker.args[0]}", False
    return "", False


def pytest_runtest_setup(item: pytest.Item) -> None:
    reason, required = missing(item)
    if reason and required and NOTHING_MAY_BE_MISSING:
        pytest.fail(f"{reason}, and CI as root has it", pytrace=False)
    if reason:
        pytest.skip(reason)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """What a failed test left running would disturb those that follow. Most tests start no venue:
    the module is asked for only where one is in use, as it needs the compiled packages."""
    if "tests.split_venue" in sys.modules:
        sys.modules["tests.split_venue"].RunningVenue.kill_all()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips itself does not get away with it either, where nothing may be missing."""
    report = yield
    wants_data = missing(item)[0].startswith("needs the file")
    if (
        NOTHING_MAY_BE_MISSING
        and report.skipped
        and not wants_data
        and not hasattr(report, "wasxfail")
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped, but CI as root leaves nothing out: {skip_reason(report)}"
    return report


def skip_reason(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(reason).removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.getreports("skipped")
    if not skipped:
        return
    terminalreporter.section(f"{len(skipped)} NOT RUN HERE", sep="!", yellow=True, bold=True)
    for report in skipped:
        terminalreporter.line(f"{report.nodeid}: {skip_reason(report)}")
