"""Goal: isolation is seen however it was made; ticks and RCU callbacks by what the kernel admits.

Method: built trees with boot arguments, cgroups of both versions, boot loader files, kernels
without the option; captures with an empty mask, a NUL and a padded `(null)`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.judging import CPU, GRUB, build, findings, on_capture, said, steps, task
from tests.host.trees import CAPTURES, UNREADABLE

from host_tuning.checking.boot_lists import parse_boot_list
from host_tuning.common.verdict import Conformity
from host_tuning.facts.tasks import PF_KTHREAD
from host_tuning.facts.tree import HostTree
from host_tuning.target.host import Host
from host_tuning.target.target import Target

GROUPS = "/sys/fs/cgroup"
V2 = {
    "/proc/mounts": f"cgroup2 {GROUPS} cgroup2 rw,nosuid 0 0",
    f"{GROUPS}/cgroup.controllers": "cpuset cpu memory",
    f"{GROUPS}/cgroup.subtree_control": "cpu memory",
}
V1_MOUNT = f"{GROUPS}/cpuset"
V1 = {
    "/proc/mounts": f"cgroup {V1_MOUNT} cgroup rw,cpuset 0 0",
    f"{V1_MOUNT}/cpuset.cpus": "0-3",
    f"{V1_MOUNT}/cpuset.mems": "0",
}
BOTH = {"cpu 2": "conforms", "cpu 3": "conforms"}
NEITHER = {"cpu 2": "deviates", "cpu 3": "deviates"}
METHOD = {"isolation": {"method": "cgroup"}}


def listed(cpus: str) -> dict[str, str]:
    return {f"{CPU}/isolated": cpus}


def balancing(root: str, hot: str, house: str) -> dict[str, str]:
    """Version 1: sched_load_balance of the root, of a set of CPUs 2-3, of a set of CPUs 0-1."""
    sets = (("", "0-3", root), ("/hot", "2-3", hot), ("/house", "0-1", house))
    files = {f"{V1_MOUNT}{name}/cpuset.cpus": cpus for name, cpus, _ in sets}
    return files | {f"{V1_MOUNT}{name}/cpuset.sched_load_balance": flag for name, _, flag in sets}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (listed("2-3"), BOTH),
        (listed("2"), {"cpu 2": "conforms", "cpu 3": "deviates"}),
        (listed(""), NEITHER),
        (V2 | listed("") | {f"{GROUPS}/cpuset.cpus.isolated": "2-3"}, BOTH),
        (V2 | listed("") | {f"{GROUPS}/cpuset.cpus.isolated": ""}, NEITHER),
        (V1 | listed("") | balancing("0", "0", "1"), BOTH),
        (V1 | listed("") | balancing("0", "1", "1"), NEITHER),
        # A root that balances overrules every set below it (cpusets.rst, 1.7).
        (V1 | listed("") | balancing("1", "0", "1"), NEITHER),
        # Which CPUs a set balances must be known.
        (
            V1 | listed("") | balancing("0", "0", "1") | {f"{V1_MOUNT}/house/cpuset.cpus": None},
            NEITHER,
        ),
        # A domain that is not isolated: the argument is no proof, sysfs is.
        (listed("") | {"/proc/cmdline": "isolcpus=2-3"}, NEITHER),
    ],
)
def test_isolation_by_whatever_means(
    tmp_path: Path, files: dict[str, Any], expected: dict[str, str]
) -> None:
    assert said(build(tmp_path, files), "isolation") == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("isolated", BOTH), ("root", NEITHER), ("member", NEITHER), ("isolated invalid (x)", NEITHER)],
)
def test_partitions_of_kernels_before_6_7_are_found_by_walking(
    tmp_path: Path, kind: str, expected: dict[str, str]
) -> None:
    group = f"{GROUPS}/outer"
    files = (
        V2
        | listed("")
        | {
            f"{group}/cpuset.cpus.partition": "root",
            f"{group}/inner/cpuset.cpus.partition": kind,
            f"{group}/inner/cpuset.cpus.effective": "2-3",
        }
    )
    assert said(build(tmp_path, files), "isolation") == expected


@pytest.mark.parametrize(
    ("path", "text", "conformity"),
    [
        (GRUB, 'GRUB_CMDLINE_LINUX="quiet isolcpus=2-3"', "next-boot"),
        (GRUB, 'GRUB_CMDLINE_LINUX_DEFAULT="isolcpus=managed_irq,domain,2,3"', "next-boot"),
        (GRUB, 'GRUB_CMDLINE_LINUX="isolcpus=managed_irq,2-3"', "deviates"),
        (GRUB, 'GRUB_CMDLINE_LINUX="isolcpus=2"', "deviates"),
        (GRUB, 'GRUB_CMDLINE_LINUX="isolcpus=2-N"', "next-boot"),
        ("/etc/kernel/cmdline", "isolcpus=1-3", "next-boot"),
        ("/boot/loader/entries/a.conf", "title x\noptions isolcpus=2-3", "next-boot"),
    ],
)
def test_what_the_next_boot_isolates(tmp_path: Path, path: str, text: str, conformity: str) -> None:
    host = build(tmp_path, listed("") | {path: text})
    assert said(host, "isolation") == dict.fromkeys(("cpu 2", "cpu 3"), conformity)
    wanted = [] if conformity == "next-boot" else ["boot isolcpus=managed_irq,domain,2-3"]
    assert steps(host, "isolation") == wanted


def test_every_entry_of_the_loader_but_a_rescue_must_say_so(tmp_path: Path) -> None:
    entries = "/boot/loader/entries"
    files = listed("") | {
        f"{entries}/6.1.conf": "options isolcpus=2-3",
        f"{entries}/rescue.conf": "options ro",
    }
    assert set(said(build(tmp_path / "a", files), "isolation").values()) == {"next-boot"}
    files[f"{entries}/6.2.conf"] = "options ro"
    assert said(build(tmp_path / "b", files), "isolation") == NEITHER


def test_a_partition_is_only_made_where_the_site_asks_for_it(tmp_path: Path) -> None:
    files = V2 | listed("")
    argument = "boot isolcpus=managed_irq,domain,2-3"
    assert steps(build(tmp_path / "boot", files), "isolation") == [argument]
    group = f"{GROUPS}/ironpit.slice"
    assert steps(build(tmp_path / "v2", files, overrides=METHOD), "isolation") == [
        argument,
        f"file {GROUPS}/cgroup.subtree_control = +cpuset",
        f"directory {group} = present",
        f"cpulist {group}/cpuset.cpus = 2-3",
        f"file {group}/cpuset.cpus.partition = isolated",
    ]
    assert steps(build(tmp_path / "ok", files | listed("2-3"), overrides=METHOD), "isolation") == []


def test_version_1_goes_on_balancing_the_keepers(tmp_path: Path) -> None:
    files = V1 | listed("") | {f"{V1_MOUNT}/cpuset.sched_load_balance": "1"}
    made = steps(build(tmp_path, files, overrides=METHOD), "isolation")
    keepers, hot = f"{V1_MOUNT}/ironpit-keepers", f"{V1_MOUNT}/ironpit.slice"
    assert made[1:] == [
        f"directory {keepers} = present",
        f"cpulist {keepers}/cpuset.cpus = 0-1",
        f"cpulist {keepers}/cpuset.mems = 0",
        f"file {keepers}/cpuset.sched_load_balance = 1",
        f"directory {hot} = present",
        f"cpulist {hot}/cpuset.cpus = 2-3",
        f"cpulist {hot}/cpuset.mems = 0",
        f"file {hot}/cpuset.sched_load_balance = 0",
        f"file {V1_MOUNT}/cpuset.sched_load_balance = 0",
    ]


def test_isolation_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    broken = build(tmp_path / "broken", {f"{CPU}/isolated": UNREADABLE})
    assert set(said(broken, "isolation").values()) == {"unknown"}
    cold = build(tmp_path / "cold", listed(""), set())
    assert (said(cold, "isolation"), steps(cold, "isolation")) == ({"host": "not-applicable"}, [])


@pytest.mark.parametrize(
    ("text", "conformity"),
    [("2-3", "conforms"), ("", "deviates"), ("  (null)\0", "deviates"), ("0-1", "deviates")],
)
def test_tickless_cpus(tmp_path: Path, text: str, conformity: str) -> None:
    host = build(tmp_path, {f"{CPU}/nohz_full": text})
    assert said(host, "nohz-full") == dict.fromkeys(("cpu 2", "cpu 3"), conformity)
    wanted = ["boot nohz_full=2-3"] if conformity == "deviates" else []
    assert steps(host, "nohz-full") == wanted


def test_a_kernel_without_tickless_cpus_ignores_the_argument(tmp_path: Path) -> None:
    plain = build(tmp_path / "plain", {})
    assert said(plain, "nohz-full") == {"host": "not-applicable"}
    asked = build(tmp_path / "asked", {"/proc/cmdline": "nohz_full=2-3"})
    (found,) = findings(asked, "nohz-full")
    assert (found.conformity, "silently" in found.reason) == (Conformity.DEVIATES, True)
    assert steps(plain, "nohz-full") == steps(asked, "nohz-full") == []


def test_ticks_of_the_next_boot_and_ticks_that_cannot_be_told(tmp_path: Path) -> None:
    files: dict[str, Any] = {f"{CPU}/nohz_full": "", GRUB: "GRUB_CMDLINE_LINUX=nohz_full=2-3"}
    host = build(tmp_path / "next", files)
    assert set(said(host, "nohz-full").values()) == {"next-boot"}
    assert steps(host, "nohz-full") == []
    broken = build(tmp_path / "broken", {f"{CPU}/nohz_full": UNREADABLE})
    assert said(broken, "nohz-full") == {"host": "unknown"}


def threads(*cpus: int) -> dict[str, Any]:
    """kthreadd, and the threads that serve the RCU callbacks of these CPUs."""
    files = task(2, "kthreadd", flags=PF_KTHREAD)
    for cpu in cpus:
        files |= task(100 + cpu, f"rcuop/{cpu}", flags=PF_KTHREAD)
    return files


def test_rcu_callbacks_are_offloaded_where_threads_serve_them(tmp_path: Path) -> None:
    argument = {"/proc/cmdline": "rcu_nocbs=2-3"}
    assert said(build(tmp_path / "served", argument | threads(2, 3)), "rcu-nocbs") == BOTH
    assert said(build(tmp_path / "ignored", argument | threads()), "rcu-nocbs") == NEITHER
    assert set(said(build(tmp_path / "unseen", argument), "rcu-nocbs").values()) == {"unknown"}
    assert steps(build(tmp_path / "no step", argument | threads()), "rcu-nocbs") == []


def test_tickless_cpus_need_no_argument_for_their_callbacks(tmp_path: Path) -> None:
    assert said(build(tmp_path, {f"{CPU}/nohz_full": "2-3"}), "rcu-nocbs") == BOTH


def test_rcu_callbacks_without_the_argument(tmp_path: Path) -> None:
    host = build(tmp_path / "none", {})
    assert (said(host, "rcu-nocbs"), steps(host, "rcu-nocbs")) == (NEITHER, ["boot rcu_nocbs=2-3"])
    later = build(tmp_path / "next", {GRUB: "GRUB_CMDLINE_LINUX=rcu_nocbs=all"})
    assert set(said(later, "rcu-nocbs").values()) == {"next-boot"}
    for name, content in (("partial", None), ("broken", UNREADABLE)):
        host = build(tmp_path / name, {"/proc/cmdline": content})
        assert set(said(host, "rcu-nocbs").values()) == {"unknown"}


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("2-3,8", {2, 3, 8}),
        ("30-N", {30, 31}),
        ("all", set(range(32))),
        ("0-9:2/5", {0, 1, 5, 6}),
        ("0-9:2/0", set()),
        ("3-1", set()),
        ("domain", set()),
    ],
)
def test_lists_as_kernels_read_them(text: str, cpus: set[int]) -> None:
    assert parse_boot_list(text, 31) == cpus


@pytest.mark.needs_data(CAPTURES)
@pytest.mark.parametrize(
    ("archive", "ticks", "shown", "rcu"),
    [
        ("ul-x86_64-epyc_7451.tar.gz", "deviates", "(null)", "unknown"),
        ("pcp-sysfs-numa-001.tgz", "deviates", "(null)", "unknown"),
        # A single NUL.
        ("hwloc-offline-cpu0-node0.tar.bz2", "deviates", "none", "unknown"),
        ("hwloc-32intel64-2p8co2t+8ve.tar.bz2", "deviates", "none", "deviates"),
        # No such file among the others of its directory: CONFIG_NO_HZ_FULL=n.
        ("ul-vmware_fpe.tar.gz", "not-applicable", "", "unknown"),
    ],
)
def test_captures(
    captured: Callable[[str], HostTree], archive: str, ticks: str, shown: str, rcu: str
) -> None:
    host = on_capture(Host(captured(archive), Target(hot=frozenset({5}))))
    (found,) = findings(host, "nohz-full")
    assert (found.conformity, found.actual) == (ticks, shown)
    assert said(host, "rcu-nocbs") == {"cpu 5": rcu}
    assert said(host, "isolation") == {"cpu 5": "deviates"}
