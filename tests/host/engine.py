"""Runs tune-host on built trees with settings of the test's own, and cuts runs off.

The settings carry ids of the table, so that profiles know them; what they want is a list of
changes. A run is cut off by SIGKILL in a forked child, at the point that is asked for.
"""

import contextlib
import os
import resource
import signal
import stat
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path

import pytest
from tests.host.trees import cpus, fill

from host_tuning import cli
from host_tuning.changing import run_lock
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.commands import common
from host_tuning.common import fault_points
from host_tuning.common.change import Change
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.facts.tree import HostTree
from host_tuning.target.host import Host

THP = "/sys/kernel/mm/transparent_hugepage"
SWAPPINESS = "/proc/sys/vm/swappiness"
IRQ = "/proc/irq/24/smp_affinity_list"
IRQ_DEFAULT = "/proc/irq/default_smp_affinity"
BANNED = "/etc/default/irqbalance:IRQBALANCE_BANNED_CPULIST"
GROUP = "/sys/fs/cgroup/cpuset/hot"
BOOT = "5f0e8a4c-0000-4000-8000-000000000001"

FILES = cpus(4) | {
    "/proc/sys/kernel/random/boot_id": BOOT,
    f"{THP}/enabled": "[always] madvise never",
    SWAPPINESS: "60",
    IRQ: "0-3",
    IRQ_DEFAULT: "f",
    "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-3",
    "/sys/fs/cgroup/cpuset/cpuset.mems": "0",
    "/etc/default/irqbalance": "# irqbalance\nONESHOT=\nIRQBALANCE_BANNED_CPULIST=\n",
}

CHANGES = (
    Change("thp", "bracket", f"{THP}/enabled", "madvise"),
    Change("swap", "file", SWAPPINESS, "10"),
    Change("irq-affinity", "cpulist", IRQ, "0-1"),
    Change("irq-affinity", "cpumask", IRQ_DEFAULT, "3"),
    Change("irqbalance", "line", BANNED, "2-3"),
    Change("cpuset", "directory", GROUP, "present"),
    Change("cpuset", "cpulist", f"{GROUP}/cpuset.cpus", "2-3"),
    Change("cpuset", "file", f"{GROUP}/cpuset.mems", "0"),
)


def setting(name: str, steps: Callable[[Host], Iterable[Step]]) -> Setting:
    """A setting of this id with these steps, which no check complains about."""

    def inspect(host: Host) -> list[Finding]:
        return [Finding(Conformity.REPORT, actual="as it is")]

    text = "of a test"
    return Setting(
        name, "tests", text, When.RUNTIME, text, text, text, text, text, (text,), inspect, steps
    )


def settings(steps: Iterable[Step]) -> tuple[Setting, ...]:
    """One setting for each id that stands in the steps."""
    groups: dict[str, list[Step]] = {}
    for step in steps:
        groups.setdefault(step.setting, []).append(step)

    def giving(mine: list[Step]) -> Callable[[Host], Iterable[Step]]:
        return lambda host: mine

    return tuple(setting(name, giving(mine)) for name, mine in groups.items())


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every name below root with its mode and bytes."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path.relative_to(root))] = (status.st_mode, data)
    return found


@contextlib.contextmanager
def file_bytes_max(limit: int) -> Generator[None]:
    """No file of this process grows beyond the limit: a write there fails with EFBIG."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)


class Engine:
    """A built host in `tree`, an undo log in `state`, and the steps that settings want of it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = directory / "tree"
        self.state = directory / "state"
        fill(self.root, FILES)
        # SIGKILL loses nothing that was written; test_undo_log looks at the order of syncing.
        monkeypatch.setattr(os, "fsync", lambda descriptor: None)
        self.monkeypatch = monkeypatch
        self.where: tuple[str, ...] = ("--root", str(self.root))
        self.want(CHANGES)

    @property
    def tree(self) -> HostTree:
        """The host's files."""
        return HostTree(self.root)

    def want(self, steps: Iterable[Step]) -> None:
        """Let the settings be these."""
        self.monkeypatch.setattr(common, "SETTINGS", settings(steps))

    def run(self, *arguments: str) -> int:
        """Run the command on the tree and return its exit code."""
        state = () if "--plan" in arguments else ("--state", str(self.state))
        return cli.main([*arguments, *self.where, *state])

    def cut_off(self, point: int, *arguments: str) -> bool:
        """Run the command in a child that is killed at the point-th point that it comes to.

        Returns whether it was; a child that came to its end must have ended well.
        """
        child = os.fork()
        if child == 0:
            status = 99
            try:
                _silence()
                fault_points.reach = _Countdown(point)
                status = self.run(*arguments)
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return True
        assert os.waitstatus_to_exitcode(status) == 0
        return False

    def logs(self) -> Sequence[Path]:
        """The undo logs, the oldest first."""
        return sorted(self.state.glob("*.jsonl"))


class LiveEngine(Engine):
    """The running host itself, with an undo log and a lock of the test's own."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(directory, monkeypatch)
        self.root = Path("/")
        monkeypatch.setattr(run_lock, "LOCK", str(directory / "tune-host.lock"))
        self.where = ()
        self.want(())


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


class _Countdown:
    def __init__(self, point: int) -> None:
        self.left = point

    def __call__(self, point: str) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
