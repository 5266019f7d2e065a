"""Goal: huge pages, swap, writeback's CPUs and NUMA placement are judged by what the files say.

Method: small trees, good, bad, absent, unreadable and partly captured; and the captures that have
node directories, whose verdicts were read off their files by hand.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.judging import task
from tests.host.trees import CAPTURES, UNREADABLE, driven, host, outcomes, written

from host_tuning.facts.tree import HostTree
from host_tuning.settings.registry import BY_ID
from host_tuning.target.host import Host
from host_tuning.target.target import Target

THP = "/sys/kernel/mm/transparent_hugepage"
CPU = "/sys/devices/system/cpu"
NODE = "/sys/devices/system/node"
MASK = "/sys/devices/virtual/workqueue/writeback/cpumask"
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
HOT = frozenset({2, 3})


def nodes(distances: str = "10 21|21 10", memory: str = "0-1") -> dict[str, Any]:
    """Two nodes with two CPUs each."""
    files: dict[str, Any] = {
        f"{CPU}/online": "0-3",
        f"{CPU}/present": "0-3",
        f"{NODE}/online": "0-1",
        f"{NODE}/has_memory": memory,
    }
    for node, row in enumerate(distances.split("|")):
        files[f"{NODE}/node{node}/cpulist"] = f"{node * 2}-{node * 2 + 1}"
        files[f"{NODE}/node{node}/distance"] = row
    return files


def pages(node: int, total: object, free: object = "0", size_kb: int = 2048) -> dict[str, Any]:
    base = f"{NODE}/node{node}/hugepages/hugepages-{size_kb}kB"
    return {f"{base}/nr_hugepages": total, f"{base}/free_hugepages": free}


@pytest.mark.parametrize(
    ("enabled", "defrag", "expected"),
    [
        ("always [madvise] never", "always defer defer+madvise [madvise] never", "conforms " * 2),
        ("always madvise [never]", "always [defer] defer+madvise madvise never", "conforms " * 2),
        ("[always] madvise never", "[always] defer defer+madvise madvise never", "deviates " * 2),
        ("always madvise never", UNREADABLE, "unknown " * 2),
    ],
)  # fmt: skip
def test_huge_pages_that_are_made_on_the_fly(
    tmp_path: Path, enabled: object, defrag: object, expected: str
) -> None:
    one = host(tmp_path, {f"{THP}/enabled": enabled, f"{THP}/defrag": defrag})
    found = list(BY_ID["thp"].inspect(one))
    assert " ".join(finding.conformity for finding in found) == expected.strip()
    steps = [f"bracket {THP}/{name} = madvise" for name in ("enabled", "defrag")]
    assert written(BY_ID["thp"].steps(one)) == (steps if "deviates" in expected else [])


def test_why_huge_pages_on_the_fly_are_wrong_and_what_khugepaged_does(tmp_path: Path) -> None:
    files = {
        f"{THP}/enabled": "[always] madvise never",
        f"{THP}/defrag": "[always] defer defer+madvise madvise never",
        f"{THP}/khugepaged/defrag": "1",
    }
    found = list(BY_ID["thp"].inspect(host(tmp_path, files)))
    assert outcomes(found) == ["deviates host", "deviates host", "report host"]
    assert "asked for or not" in found[0].reason
    assert "compacts and reclaims memory before it returns" in found[1].reason
    assert "compacts memory in the background" in found[2].reason
    assert len(written(BY_ID["thp"].steps(host(tmp_path / "again", files)))) == 2


class TestHugePages:
    meminfo = {"/proc/meminfo": "MemTotal: 1 kB\nHugepagesize:       2048 kB"}  # noqa: RUF012

    def run(self, tmp_path: Path, files: dict[str, Any], wanted: dict[int, int]) -> list[str]:
        one = host(tmp_path, {**nodes(), **self.meminfo, **files}, huge_pages=wanted)
        found = outcomes(BY_ID["huge-pages"].inspect(one))
        changes = written(BY_ID["huge-pages"].steps(one))
        assert len(changes) == sum("deviates" in text for text in found)
        return found

    def test_each_node_has_what_it_should(self, tmp_path: Path) -> None:
        files = pages(0, "512", "512") | pages(1, "600", "550")
        found = self.run(tmp_path, files, {0: 512, 1: 512})
        assert found == ["conforms node 0", "conforms node 1"]

    @pytest.mark.parametrize(
        ("name", "held_kb", "free", "expected"),
        [
            ("ironpit run", 1024, "512", "conforms"),
            ("ironpit run", 1024, "511", "deviates"),
            ("ironpit run", 2048, "511", "report"),
            ("postgres", 2048, "511", "deviates"),
            ("ironpit run", 2048, UNREADABLE, "unknown"),
            ("ironpit run", 2048, "some", "unknown"),
        ],
    )
    def test_pages_that_others_use_are_not_the_venues(
        self, tmp_path: Path, name: str, held_kb: int, free: object, expected: str
    ) -> None:
        files = task(10, "python3", cmdline=f"python3\0{name}\0") | self.meminfo | nodes()
        files["/proc/10/status"] += f"\nHugetlbPages:\t  {held_kb} kB"
        one = host(tmp_path, files | pages(0, "512", free), huge_pages={0: 512})
        (found,) = BY_ID["huge-pages"].inspect(one)
        assert found.conformity == expected
        assert written(BY_ID["huge-pages"].steps(one)) == []
        if expected in ("report", "deviates"):
            assert f"{held_kb if 'iron' in name else 0} kB" in found.reason

    def test_enough_on_the_host_but_on_the_wrong_node_is_not_enough(self, tmp_path: Path) -> None:
        files = pages(0, "1024") | pages(1, "0")
        assert self.run(tmp_path, files, {1: 512}) == ["deviates node 1"]
        one = host(tmp_path, {}, huge_pages={1: 512})
        path = f"{NODE}/node1/hugepages/hugepages-2048kB/nr_hugepages"
        assert written(BY_ID["huge-pages"].steps(one)) == [f"file {path} = 512"]

    def test_none_wanted_is_a_report(self, tmp_path: Path) -> None:
        files = pages(0, "8", "3") | pages(1, "0")
        assert self.run(tmp_path, files, {}) == ["report node 0", "report node 1"]

    def test_unreadable_is_unknown(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, pages(0, UNREADABLE), {0: 1}) == ["unknown node 0"]

    def test_a_node_that_is_not_there_deviates_and_nothing_is_written(self, tmp_path: Path) -> None:
        one = host(tmp_path, {**nodes(), **self.meminfo}, huge_pages={7: 1})
        found = list(BY_ID["huge-pages"].inspect(one))
        assert outcomes(found) == ["deviates node 7"]
        assert "it has 0-1" in found[0].reason
        assert written(BY_ID["huge-pages"].steps(one)) == []

    def test_the_pool_of_the_default_size_is_meant(self, tmp_path: Path) -> None:
        files = pages(0, "512", size_kb=1048576) | pages(0, "0", size_kb=2048)
        assert self.run(tmp_path, files, {0: 4}) == ["deviates node 0"]

    def test_a_kernel_without_nodes_has_one_pool(self, tmp_path: Path) -> None:
        path = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
        files = {f"{CPU}/online": "0-1", **self.meminfo, path: "3"}
        one = host(tmp_path, files, huge_pages={0: 4})
        assert written(BY_ID["huge-pages"].steps(one)) == [f"file {path} = 4"]

    def test_no_size_is_unknown_in_a_capture_and_no_huge_pages_live(self, tmp_path: Path) -> None:
        for made, expected in ((host, "unknown host"), (driven, "not-applicable host")):
            one = made(tmp_path, nodes(), huge_pages={0: 4})
            assert outcomes(BY_ID["huge-pages"].inspect(one)) == [expected]
            assert written(BY_ID["huge-pages"].steps(one)) == []


class TestSwap:
    zswap = "/sys/module/zswap/parameters/enabled"
    swappiness = "/proc/sys/vm/swappiness"
    area = f"{SWAPS}/dev/sda2  partition\t8388604\t0\t-2"

    def run(self, tmp_path: Path, **options: Any) -> tuple[list[str], list[str]]:
        files = {"/proc/swaps": self.area, self.swappiness: "60", self.zswap: "Y", **options}
        one = host(tmp_path, files)
        return outcomes(BY_ID["swap"].inspect(one)), written(BY_ID["swap"].steps(one))

    def test_without_swap_swappiness_is_nobody_s_business(self, tmp_path: Path) -> None:
        found, steps = self.run(tmp_path, **{"/proc/swaps": SWAPS})
        assert found == ["conforms host", "not-applicable host", "not-applicable host"]
        assert steps == []

    def test_swap_deviates_and_so_do_its_habits(self, tmp_path: Path) -> None:
        found, steps = self.run(tmp_path)
        assert found == ["deviates host"] * 3
        assert steps == [f"file {self.swappiness} = 10", f"file {self.zswap} = N"]

    def test_swap_that_is_hardly_used_is_still_swap(self, tmp_path: Path) -> None:
        found, steps = self.run(tmp_path, **{self.swappiness: "10", self.zswap: "N"})
        assert found == ["deviates host", "conforms host", "conforms host"]
        assert steps == []

    def test_a_site_may_allow_it(self, tmp_path: Path) -> None:
        files = {"/proc/swaps": self.area, self.swappiness: "1", self.zswap: "N"}
        one = host(tmp_path, files, overrides={"swap": {"areas": "allowed"}})
        found = outcomes(BY_ID["swap"].inspect(one))
        assert found == ["report host", "conforms host", "conforms host"]

    def test_a_capture_without_swaps_is_unknown(self, tmp_path: Path) -> None:
        one = host(tmp_path, {"/proc/cpuinfo": "x", self.swappiness: "60"})
        assert outcomes(BY_ID["swap"].inspect(one)) == ["unknown host"]
        assert written(BY_ID["swap"].steps(one)) == []

    def test_a_kernel_without_swapping_is_not_applicable(self, tmp_path: Path) -> None:
        one = driven(tmp_path, {"/proc/cpuinfo": "x"})
        assert outcomes(BY_ID["swap"].inspect(one)) == ["not-applicable host"]


class TestWritebackMask:
    def run(self, tmp_path: Path, mask: object, hot: frozenset[int] = HOT) -> tuple[str, list[str]]:
        one = host(tmp_path, {**nodes(), MASK: mask}, hot=hot)
        found = list(BY_ID["writeback"].inspect(one))[-1]
        steps = [text for text in written(BY_ID["writeback"].steps(one)) if MASK in text]
        return str(found.conformity), steps

    def test_flushers_keep_off_the_hot_cpus(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "3") == ("conforms", [])
        assert self.run(tmp_path, "7") == ("deviates", [f"cpumask {MASK} = 3"])
        assert self.run(tmp_path, "00000000,0000000f") == ("deviates", [f"cpumask {MASK} = 3"])

    def test_without_hot_cpus_nothing_is_judged(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "f", frozenset()) == ("not-applicable", [])

    def test_unreadable_is_unknown(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, UNREADABLE) == ("unknown", [])


class TestPlacement:
    def run(self, tmp_path: Path, files: dict[str, Any], hot: set[int]) -> list[str]:
        one = host(tmp_path, files, hot=frozenset(hot))
        return outcomes(BY_ID["numa-placement"].inspect(one))

    def test_one_node_leaves_nothing_to_place(self, tmp_path: Path) -> None:
        files = {f"{CPU}/online": "0-3", f"{NODE}/online": "0", f"{NODE}/node0/cpulist": "0-3"}
        assert self.run(tmp_path, files, {2}) == ["not-applicable host"]

    def test_hot_cpus_on_one_node_with_memory_conform(self, tmp_path: Path) -> None:
        found = self.run(tmp_path, nodes(), {2, 3})
        assert found == ["conforms cpu 2", "conforms cpu 3", "conforms host"]

    def test_a_node_without_memory_deviates(self, tmp_path: Path) -> None:
        found = self.run(tmp_path, nodes(memory="0"), {1, 2})
        assert found == ["conforms cpu 1", "deviates cpu 2", "report host"]

    def test_cpus_of_two_nodes_are_reported_with_the_firmware_s_distance(
        self, tmp_path: Path
    ) -> None:
        one = host(tmp_path, nodes("10 32|21 10"), hot=frozenset({1, 2}))
        spread = list(BY_ID["numa-placement"].inspect(one))[2]
        assert (spread.conformity, spread.actual) == ("report", "nodes 0-1")
        assert (spread.cost.source, spread.cost.value) == ("sysfs", 320)

    def test_a_cgroup_that_forbids_the_node_deviates(self, tmp_path: Path) -> None:
        for allowed, expected in (("0", "deviates host"), ("0-1", "conforms host")):
            status = {"/proc/self/status": f"Name:\tx\nMems_allowed_list:\t{allowed}"}
            assert self.run(tmp_path, {**nodes(), **status}, {2})[-1] == expected

    def test_without_hot_cpus_nothing_is_judged(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, nodes(), set()) == ["not-applicable host"]

    def test_a_capture_without_nodes_is_unknown(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, {f"{CPU}/online": "0-3"}, {2}) == ["unknown host"]


@pytest.mark.needs_data(CAPTURES)
class TestCaptures:
    def test_two_sockets(self, captured: Callable[[str], HostTree]) -> None:
        # meminfo: Hugepagesize 2048 kB; each node: nr_hugepages 2048; CPUs 0-7,16-23 and
        # 8-15,24-31; distances 10 21 and 21 10.
        tree = captured("hwloc-32intel64-2p8co2t+8ve.tar.bz2")
        one = Host(tree, Target(hot=frozenset({1, 8}), huge_pages={0: 2048, 1: 2049}))
        assert outcomes(BY_ID["huge-pages"].inspect(one)) == ["conforms node 0", "deviates node 1"]
        spread = next(f for f in BY_ID["numa-placement"].inspect(one) if f.subject == "host")
        assert (spread.actual, spread.cost.value) == ("nodes 0-1", 210)

    def test_node_0_is_offline(self, captured: Callable[[str], HostTree]) -> None:
        tree = captured("hwloc-offline-cpu0-node0.tar.bz2")
        one = Host(tree, Target(hot=frozenset({1}), huge_pages={0: 1}))
        found = list(BY_ID["huge-pages"].inspect(one))
        assert outcomes(found) == ["deviates node 0"]
        assert found[0].reason == "the host has no such node, it has 1"
        assert outcomes(BY_ID["numa-placement"].inspect(one)) == ["not-applicable host"]

    @pytest.mark.parametrize(
        "setting", ["swap", "compaction", "tcp", "busy-poll", "numa-balancing"]
    )
    def test_what_was_not_captured_is_unknown_everywhere(
        self, captured: Callable[[str], HostTree], setting: str
    ) -> None:
        for archive in ("pcp-sysfs-numa-001.tgz", "ul-x86_64-epyc_7451.tar.gz"):
            found = BY_ID[setting].inspect(Host(captured(archive), Target()))
            assert {one.conformity for one in found} == {"unknown"}, archive
