"""Goal: the real kernel takes what --apply writes, and --rollback returns every byte.

Method: as root on the running host, with settings of the test's own that disturb nobody: masks that
leave out the last CPU, two huge pages, a cgroup and a process of the test's. Everything that is
written, and all that stands beside it, is compared before and after; the lock of tune-host keeps
other runs away meanwhile (conftest.py). In a container the tool has to refuse, and that is what the
tests then see.
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest
from tests.host.engine import LiveEngine

from host_tuning.changing import run_lock
from host_tuning.changing.apply import in_container
from host_tuning.changing.runs import runs
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list, format_mask, parse_list
from host_tuning.facts.tree import HostTree
from host_tuning.target.host import Host
from host_tuning.target.target import Target

pytestmark = [pytest.mark.needs_root, pytest.mark.host]

TREE = HostTree()
CPUS = sorted(parse_list(TREE.read("/sys/devices/system/cpu/online").value))
KEEP = frozenset(CPUS[:-1]) or frozenset(CPUS)
V1, V2 = "/sys/fs/cgroup/cpuset", "/sys/fs/cgroup"
NAME = f"tune-host-test-{os.getpid()}"
POINTS_MAX = 500


def interrupts() -> list[str]:
    """The masks of interrupts that happen seldom: of configuration changes and the console."""
    found = []
    for line in TREE.read("/proc/interrupts").text.splitlines():
        number, _, rest = line.strip().partition(":")
        path = f"/proc/irq/{number}/smp_affinity_list"
        if number.isdigit() and rest.rstrip().endswith(("config", "ttyS0")) and TREE.exists(path):
            found.append(path)
    return found[:2]


def group() -> str:
    """Where a cpuset of the test's own can be: v2 where it has the controller, else v1."""
    if "cpuset" in TREE.read(f"{V2}/cgroup.controllers").value.split():
        return f"{V2}/{NAME}"
    return f"{V1}/{NAME}"


def cpuset_changes(pid: int) -> list[Change]:
    """A group with CPUs and memory of its own, and one process in it."""
    place, last = group(), format_list(CPUS[-1:])
    mems = TREE.read("/sys/devices/system/node/has_memory").value or "0"
    v2 = not place.startswith(V1)
    changes = [
        Change("cpuset", "cgroup-member", f"{place}/cgroup.procs", str(pid)),
        Change("cpuset", "cpulist", f"{place}/cpuset.cpus", last),
        Change("cpuset", "cpulist", f"{place}/cpuset.mems", mems),
        Change("cpuset", "directory", place, "present"),
    ]
    if v2:
        changes.append(Change("cpuset", "file", f"{V2}/cgroup.subtree_control", "+cpuset"))
        changes.append(Change("cpuset", "file", f"{place}/cpuset.cpus.partition", "root"))
    return changes


THP = "/sys/kernel/mm/transparent_hugepage/enabled"
PAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
WORKQUEUE = "/sys/devices/virtual/workqueue/cpumask"


def host_changes() -> list[Change]:
    """One change of every kind of file that the kernel has here."""
    word = "never" if "[madvise]" in TREE.read(THP).text else "madvise"
    found = [
        Change("thp", "bracket", THP, word),
        Change("vmstat", "file", "/proc/sys/vm/stat_interval", "7"),
        Change("writeback", "file", "/proc/sys/vm/dirty_bytes", str(1 << 32)),
        Change("tcp", "file", "/proc/sys/net/ipv4/tcp_wmem", "4096 16385 4194304"),
        Change("irq-affinity", "cpumask", "/proc/irq/default_smp_affinity", format_mask(KEEP)),
        *(Change("irq-affinity", "cpulist", path, format_list(KEEP)) for path in interrupts()),
        Change("workqueues", "cpumask", WORKQUEUE, format_mask(KEEP)),
        Change("huge-pages", "file", PAGES, str(int(TREE.read(PAGES).value or 0) + 2)),
    ]
    return [one for one in found if TREE.exists(one.target)]


def touched() -> list[str]:
    """All that the changes may touch, and what stands beside it."""
    paths = [f"/proc/sys/vm/{name}" for name in TREE.names("/proc/sys/vm")]
    paths += ["/proc/irq/default_smp_affinity", "/proc/sys/net/ipv4/tcp_wmem"]
    for number in TREE.names("/proc/irq"):
        paths += [f"/proc/irq/{number}/{name}" for name in ("smp_affinity", "smp_affinity_list")]
    for base, pattern in (
        ("/sys/devices/virtual/workqueue", "*/cpumask"),
        ("/sys/devices/virtual/workqueue", "cpumask*"),
        ("/sys/kernel/mm/transparent_hugepage", "*"),
        ("/sys/kernel/mm/hugepages", "*/nr_*"),
        ("/sys/devices/system/node", "node*/hugepages/*/nr_hugepages"),
    ):
        paths += [str(path) for path in Path(base).glob(pattern)]
    for place in (V1, V2):
        paths += [
            f"{place}/{name}" for name in ("cpuset.cpus", "cpuset.mems", "cgroup.subtree_control")
        ]
    return paths


def look(pids: Iterable[int] = ()) -> dict[str, object]:
    """The bytes of all of it, the cgroups of tests, and where the processes stand.

    Other cgroups come and go with whatever else runs here.
    """
    found: dict[str, object] = {
        path: (one := TREE.read(path)).text or one.error for path in touched()
    }
    places = [(place, TREE.names(place)) for place in (V1, V2)]
    found["groups"] = [(place, name) for place, names in places for name in names if name == NAME]
    for pid in pids:
        found[f"cgroup of {pid}"] = TREE.read(f"/proc/{pid}/cgroup").text
        found[f"CPUs of {pid}"] = os.sched_getaffinity(pid)
    return found


@pytest.fixture
def sleeper() -> Generator[int]:
    """A process of the test's own, which waits to be ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[LiveEngine]:
    """The running host, put back whatever happens."""
    engine = LiveEngine(tmp_path, monkeypatch)
    try:
        yield engine
    finally:
        if any(run.stands for run in runs(engine.state)):
            engine.run("--rollback", "--force")


def refused(live: LiveEngine, before: dict[str, object], pid: int) -> bool:
    """Whether this is a container; then it is seen that nothing is written."""
    if not in_container(Host(TREE, Target())):
        return False
    assert live.run("--apply") == 1
    assert look([pid]) == before
    return True


def test_nothing_else_of_tune_host_writes_meanwhile() -> None:
    with open(run_lock.LOCK) as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_real_run_is_verified_and_returns_every_byte(
    live: LiveEngine, sleeper: int, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = [*host_changes(), *cpuset_changes(sleeper)]
    live.want(changes)
    before = look([sleeper])
    if refused(live, before, sleeper):
        return
    assert live.run("--apply") == 0
    said = capsys.readouterr().out
    assert f"{len(changes)} written, 0 odd, 0 refused" in said, said
    assert f"/{NAME}" in TREE.read(f"/proc/{sleeper}/cgroup").text
    assert os.sched_getaffinity(sleeper) == {CPUS[-1]}
    during = look([sleeper])
    assert live.run("--apply") == 0
    assert "nothing to write" in capsys.readouterr().out
    assert live.run("--verify") == 0
    assert look([sleeper]) == during
    assert live.run("--rollback") == 0, capsys.readouterr().out
    assert look([sleeper]) == before


def test_a_real_run_that_is_killed_anywhere_returns_every_byte(
    live: LiveEngine, sleeper: int
) -> None:
    live.want([*host_changes(), *cpuset_changes(sleeper)])
    before = look([sleeper])
    if refused(live, before, sleeper):
        return
    for point in range(POINTS_MAX):
        killed = live.cut_off(point, "--apply")
        assert live.run("--rollback") == 0
        assert look([sleeper]) == before, f"killed at point {point}"
        if not killed:
            assert point > 5 * 8
            return
    raise AssertionError("the run has no end")


def test_a_task_goes_to_other_cpus_and_back(live: LiveEngine, sleeper: int) -> None:
    live.want([Change("strays", "affinity", str(sleeper), format_list(CPUS[:1]))])
    before = look([sleeper])
    if refused(live, before, sleeper):
        return
    assert live.run("--apply") == 0
    assert os.sched_getaffinity(sleeper) == {CPUS[0]}
    assert live.run("--verify") == 0
    assert live.run("--rollback") == 0
    assert look([sleeper]) == before


def test_a_task_that_ended_is_gone_and_no_failure(
    live: LiveEngine, sleeper: int, capsys: pytest.CaptureFixture[str]
) -> None:
    live.want([Change("strays", "affinity", str(sleeper), format_list(CPUS[:1]))])
    if refused(live, look([sleeper]), sleeper):
        return
    assert live.run("--apply") == 0
    os.kill(sleeper, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper, os.WEXITED | os.WNOWAIT)
    # What is left is a zombie until its parent asks, with a number that nobody else can have.
    assert live.run("--rollback", "--force") == 0
    assert not runs(live.state)[0].stands
    capsys.readouterr()


@pytest.mark.needs_tool("ip")
def test_an_offload_is_switched_and_switched_back(live: LiveEngine, sleeper: int) -> None:
    from host_tuning.facts import nic

    interface = f"tht{os.getpid() % 10**6}"
    live.want([Change("nic-offloads", "ethtool", f"{interface} feature gro", "on")])
    if refused(live, look([sleeper]), sleeper):
        return
    link = ["ip", "link", "add", interface, "type", "veth", "peer", "name", f"{interface}p"]
    subprocess.run(link, check=True)
    try:
        before = nic.features(interface)
        assert nic.read(interface, "feature", "gro") == "off"
        assert live.run("--apply") == 0
        assert nic.read(interface, "feature", "gro") == "on"
        assert live.run("--verify") == 0
        assert live.run("--rollback") == 0
        assert nic.features(interface) == before
    finally:
        subprocess.run(["ip", "link", "del", interface], check=True)


def test_the_kernel_refuses_a_bound_thread_and_an_empty_mask(
    live: LiveEngine, sleeper: int, capsys: pytest.CaptureFixture[str]
) -> None:
    bound = next(
        (
            pid
            for pid in TREE.names("/proc")
            if pid.isdigit() and TREE.read(f"/proc/{pid}/comm").value == "migration/0"
        ),
        None,
    )
    live.want(
        [
            Change("workqueues", "file", WORKQUEUE, "0"),
            *([Change("strays", "affinity", bound, format_list(CPUS[1:]))] if bound else []),
        ]
    )
    before = look([sleeper])
    if refused(live, before, sleeper):
        return
    assert live.run("--apply") == 0
    said = capsys.readouterr().out
    assert f"refused  {WORKQUEUE} = 0 (workqueues): EINVAL" in said
    assert bound is None or f"refused  {bound} = " in said
    assert look([sleeper]) == before
    assert live.run("--rollback") == 0
    assert "nothing to take back" in capsys.readouterr().out
