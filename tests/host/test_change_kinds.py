"""Goal: each kind of change reads, writes, compares and restores as the kernel's files want it.

Method: built trees for the files; texts as kernels print them for the comparisons. The kinds that
need a kernel are tried in test_apply_here.
"""

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host.trees import tree

from host_tuning.changing.change_kinds import KINDS, kind_of
from host_tuning.changing.kind import Kind
from host_tuning.changing.side_effects import companions
from host_tuning.common.change import Change


def change(kind: str, target: str, new: str) -> Change:
    return Change("thp", kind, target, new)


@pytest.mark.parametrize(
    ("kind", "text", "new", "holds"),
    [
        ("file", "4096\t16384\t4194304\n", "4096 16384 4194304", True),
        ("file", "10\n", "1", False),
        ("bracket", "always [madvise] never\n", "madvise", True),
        ("bracket", "always [madvise] never\n", "always", False),
        ("bracket", "[defer+madvise] madvise\n", "madvise", False),
        ("cpulist", "0,1,2,3\n", "0-3", True),
        ("cpulist", "(null)\n", "", True),
        ("cpulist", "0-2\n", "0-3", False),
        ("cpulist", "n/a\n", "0-3", False),
        ("cpumask", "00000000,0000000f\n", "f", True),
        ("cpumask", "1\n", "3", False),
    ],
)
def test_a_value_is_compared_as_what_it_means(kind: str, text: str, new: str, holds: bool) -> None:
    assert KINDS[kind].holds(change(kind, "/sys/x", new), text.encode()) is holds


@pytest.mark.parametrize(
    ("state", "holds"),
    [("isolated\n", True), ("isolated invalid (Cpu list is empty)\n", False), ("root\n", False)],
)
def test_an_invalid_partition_is_no_partition(state: str, holds: bool) -> None:
    wanted = change("file", "/sys/fs/cgroup/hot/cpuset.cpus.partition", "isolated")
    assert kind_of(wanted).holds(wanted, state.encode()) is holds


def test_controllers_are_switched_and_switched_back(tmp_path: Path) -> None:
    path = "/sys/fs/cgroup/cgroup.subtree_control"
    built = tree(tmp_path, {path: "cpu memory"})
    wanted = change("file", path, "+cpuset -memory")
    kind = kind_of(wanted)
    old = kind.read(built, wanted)
    assert not kind.holds(wanted, old)
    kind.write(built, wanted)
    assert built.read(path).value == "cpu cpuset"
    assert kind.holds(wanted, kind.read(built, wanted))
    kind.restore(built, wanted, old)
    assert kind.read(built, wanted) == b"cpu memory\n"


def test_a_word_that_the_kernel_does_not_offer_is_refused(tmp_path: Path) -> None:
    built = tree(tmp_path, {"/sys/x": "[a] b"})
    with pytest.raises(OSError, match="Invalid argument") as refused:
        KINDS["bracket"].write(built, change("bracket", "/sys/x", "c"))
    assert refused.value.errno == errno.EINVAL


CONFIG = "/etc/default/irqbalance"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, "A=2-3\n"),
        ("", "A=2-3\n"),
        ("B=1\n", "B=1\nA=2-3\n"),
        ("B=1", "B=1\nA=2-3\n"),
        ("A=1\nB=1\n", "A=2-3\nB=1\n"),
        ("A=1\nA=0 # last\n#A=7\n", "A=1\nA=2-3\n#A=7\n"),
        ("AA=1\n", "AA=1\nA=2-3\n"),
        ("export A=1\n", "A=2-3\n"),
    ],
)
def test_one_line_of_a_configuration_file_changes(
    tmp_path: Path, old: str | None, new: str
) -> None:
    wanted = change("line", f"{CONFIG}:A", "2-3")
    built = tree(tmp_path, {CONFIG: old.encode()} if old is not None else {"/etc/default/": ""})
    kind = KINDS["line"]
    before = kind.read(built, wanted)
    assert not kind.holds(wanted, before)
    kind.write(built, wanted)
    after = kind.read(built, wanted)
    assert after == new.encode()
    assert kind.holds(wanted, after)
    assert kind.ours(wanted, before, after)
    kind.restore(built, wanted, before)
    assert kind.read(built, wanted) == before


def test_a_line_with_blanks_is_quoted_and_read_back(tmp_path: Path) -> None:
    wanted = change("line", f"{CONFIG}:ARGS", "--policy='x y' $HOME")
    built = tree(tmp_path, {"/etc/default/": ""})
    KINDS["line"].write(built, wanted)
    assert KINDS["line"].holds(wanted, KINDS["line"].read(built, wanted))
    assert "'$HOME" not in built.read(CONFIG).text.partition("=")[0]


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    built = tree(tmp_path, {CONFIG: "A=1"})
    (tmp_path / CONFIG.lstrip("/")).chmod(0o640)
    KINDS["line"].write(built, change("line", f"{CONFIG}:A", "2"))
    assert (tmp_path / CONFIG.lstrip("/")).stat().st_mode & 0o777 == 0o640


def test_a_directory_is_made_once_and_taken_away(tmp_path: Path) -> None:
    place = "/sys/fs/cgroup/cpuset"
    built = tree(tmp_path, {f"{place}/cpuset.cpus": "0-3", f"{place}/other/cpuset.cpus": "1"})
    wanted = change("directory", f"{place}/hot", "present")
    kind: Kind = KINDS["directory"]
    assert kind.read(built, wanted) is None
    kind.write(built, wanted)
    assert built.names(f"{place}/hot") == ["cpuset.cpus"]
    assert kind.holds(wanted, kind.read(built, wanted))
    kind.restore(built, wanted, None)
    assert not built.exists(f"{place}/hot")
    assert kind.obstacle(built, change("directory", "/sys/none/hot", "present")) != ""
    in_the_way = change("directory", f"{place}/cpuset.cpus", "present")
    assert kind.obstacle(built, in_the_way).startswith("ENOTDIR")


@pytest.mark.parametrize("kind", ["affinity", "cgroup-member", "ethtool"])
def test_what_needs_a_kernel_is_not_asked_of_a_capture(tmp_path: Path, kind: str) -> None:
    built = tree(tmp_path, {"/sys/x": "1"})
    wanted = change(kind, "1 a b", "1")
    assert "running kernel" in KINDS[kind].obstacle(built, wanted)
    with pytest.raises(OSError, match="captured tree"):
        KINDS[kind].read(built, wanted)


def test_taking_a_cpu_offline_keeps_the_masks_that_it_may_change(tmp_path: Path) -> None:
    cpu = "/sys/devices/system/cpu"
    files = {
        f"{cpu}/smt/control": "on",
        f"{cpu}/cpu0/online": "1",
        f"{cpu}/cpu1/online": "1",
        f"{cpu}/cpu2/online": "1",
        "/proc/irq/9/smp_affinity_list": "1",
        "/sys/fs/cgroup/cpuset/a/cpuset.cpus": "1",
        "/sys/fs/cgroup/cpuset/a/b/cpuset.cpus": "1",
    }
    built = tree(tmp_path, files)
    kept = [one.target for one in companions(built, change("file", f"{cpu}/cpu1/online", "0"))]
    assert kept == [
        f"{cpu}/cpu2/online",
        "/proc/irq/9/smp_affinity_list",
        "/sys/fs/cgroup/cpuset/a/cpuset.cpus",
        "/sys/fs/cgroup/cpuset/a/b/cpuset.cpus",
    ]


@pytest.mark.parametrize(
    ("target", "other"),
    [
        ("/proc/sys/vm/dirty_background_ratio", "/proc/sys/vm/dirty_background_bytes"),
        (
            "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
            "/sys/devices/system/cpu/cpu1/cpufreq/energy_performance_preference",
        ),
        (
            "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
            "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
        ),
    ],
)
def test_a_value_that_moves_another_is_known(tmp_path: Path, target: str, other: str) -> None:
    built = tree(tmp_path, {target: "1", other: "1"})
    assert [one.target for one in companions(built, change("file", target, "2"))] == [other]


NAMES = st.sampled_from(["A", "B", "AB", "_A"])
LINES = st.lists(
    st.one_of(
        st.builds(
            lambda name, value: f"{name}={value}", NAMES, st.sampled_from(["", "1", "'x y'"])
        ),
        st.sampled_from(["", "# A=5", "  ", "export B=2", "nonsense"]),
    ),
    max_size=6,
)


@given(
    lines=LINES, end=st.sampled_from(["", "\n"]), name=NAMES, value=st.text("ab -'\"$#", max_size=4)
)
def test_rendering_a_line_sets_it_and_touches_no_other(
    lines: list[str], end: str, name: str, value: str
) -> None:
    kind = KINDS["line"]
    wanted = change("line", f"/etc/x:{name}", value)
    old = ("\n".join(lines) + end).encode()
    new = kind.rendered(wanted, old)  # type: ignore[attr-defined]
    assert kind.holds(wanted, new)
    for other in {"A", "B", "AB", "_A"} - {name}:
        probe = change("line", f"/etc/x:{other}", "")
        assert kind.value(probe, new) == kind.value(probe, old)  # type: ignore[attr-defined]
