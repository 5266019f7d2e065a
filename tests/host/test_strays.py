"""Goal: only tasks that are on hot CPUs and could be elsewhere are strays; workers keep the mask.

Method: built process trees with threads, kernel threads of every sort and the venue's own tasks.
"""

import io
from pathlib import Path
from typing import Any

import pytest
from tests.host.judging import build, findings, only, said, steps, task
from tests.host.trees import UNREADABLE

from host_tuning.changing import plan
from host_tuning.common.verdict import Conformity
from host_tuning.facts.identity import Identity
from host_tuning.facts.tasks import PF_KTHREAD, PF_NO_SETAFFINITY
from host_tuning.reports import plan as plan_report
from host_tuning.settings.registry import BY_ID

WORKQUEUE = "/sys/devices/virtual/workqueue"
INIT = task(1, "systemd", 0, "0-1")


def hot_two(tmp_path: Path, *files: dict[str, Any], **target: Any) -> Any:
    every: dict[str, Any] = dict(INIT)
    for more in files:
        every |= more
    return build(tmp_path, every, {2}, **target)


def test_a_task_that_was_last_seen_on_a_hot_cpu_is_a_stray(tmp_path: Path) -> None:
    host = hot_two(tmp_path, task(10, "cron", 2, "0-3"), task(11, "ntpd", 1, "0-3"))
    found = only(host, "strays")
    assert (found.conformity, found.actual) == (Conformity.DEVIATES, "cron (10)")
    # Both are moved: the other may come here at any moment.
    assert steps(host, "strays") == ["affinity 10 = 0-1,3", "affinity 11 = 0-1,3"]


def test_a_task_that_may_no_longer_run_where_it_was_seen_is_none(tmp_path: Path) -> None:
    host = hot_two(tmp_path, task(10, "cron", 2, "0-1"))
    assert (said(host, "strays"), steps(host, "strays")) == ({"cpu 2": "conforms"}, [])


def test_tasks_that_only_might_come_are_left_alone(tmp_path: Path) -> None:
    host = hot_two(tmp_path, task(10, "cron", 1, "0-3"))
    assert (said(host, "strays"), steps(host, "strays")) == ({"cpu 2": "conforms"}, [])


def test_a_task_that_is_bound_to_a_hot_cpu_is_a_stray_wherever_it_was_seen(tmp_path: Path) -> None:
    host = hot_two(tmp_path, task(10, "stress", 1, "2"))
    assert said(host, "strays") == {"cpu 2": "deviates"}
    assert steps(host, "strays") == ["affinity 10 = 0-1,3"]


def test_a_task_that_is_bound_to_one_hot_cpu_is_none_on_another(tmp_path: Path) -> None:
    host = build(tmp_path, INIT | task(10, "stress", 1, "3"))
    assert said(host, "strays") == {"cpu 2": "conforms", "cpu 3": "deviates"}


def test_the_venues_own_tasks_belong_there(tmp_path: Path) -> None:
    by_command = task(10, "python", 2, "2", cmdline="python\0-m\0ironpit\0run")
    by_group = task(11, "matcher", 2, "2", cgroup="0::/ironpit.slice/ironpit@a.service")
    assert said(hot_two(tmp_path, by_command, by_group), "strays") == {"cpu 2": "conforms"}


def test_the_venues_unpinned_tasks_do_not(tmp_path: Path) -> None:
    roaming = task(10, "python", 2, "0-3", cmdline="ironpit")
    assert said(hot_two(tmp_path, roaming), "strays") == {"cpu 2": "deviates"}


@pytest.mark.parametrize(
    ("name", "flags", "allowed", "conformity"),
    [
        ("migration/2", PF_KTHREAD | PF_NO_SETAFFINITY, "2", "conforms"),
        ("kworker/2:1", PF_KTHREAD | PF_NO_SETAFFINITY, "2", "conforms"),
        ("kworker/u8:1", PF_KTHREAD | PF_NO_SETAFFINITY, "0-3", "conforms"),
        ("watchdog/2", PF_KTHREAD, "2", "conforms"),
        ("irq/41-eth1", PF_KTHREAD, "2", "conforms"),
        ("rcuop/1", PF_KTHREAD, "0-3", "deviates"),
        ("kswapd0", PF_KTHREAD, "0-3", "deviates"),
    ],
)
def test_kernel_threads(
    tmp_path: Path, name: str, flags: int, allowed: str, conformity: str
) -> None:
    host = hot_two(tmp_path, task(10, name, 2, allowed, flags=flags))
    assert said(host, "strays") == {"cpu 2": conformity}


def test_threads_count_one_by_one(tmp_path: Path) -> None:
    main = task(10, "java", 1, "0-1", threads=2)
    worker = task(12, "GC (old) 0", 2, "0-3", thread_of=10)
    found = only(hot_two(tmp_path, main, worker), "strays")
    assert found.actual == "GC (old) 0 (12)"
    assert found.parsed == {"strays": ["GC (old) 0 (12)"], "may_run_here": 1}


def test_what_cannot_be_seen_is_unknown(tmp_path: Path) -> None:
    assert set(said(build(tmp_path / "partial", {}), "strays").values()) == {"unknown"}
    hidden = build(tmp_path / "hidden", task(50, "sh", 0, "0-1"), {2})
    assert "hidepid" in only(hidden, "strays").reason
    box = Identity("vm", "KVM", container="docker")
    inside = hot_two(tmp_path / "box", identity=box)
    assert said(inside, "strays") == {"cpu 2": "unknown"}
    # What is seen in spite of that is a stray all the same.
    seen = hot_two(tmp_path / "seen", task(10, "cron", 2, "0-3"), identity=box)
    assert said(seen, "strays") == {"cpu 2": "deviates"}


def test_the_plan_names_the_task_beside_its_number(tmp_path: Path) -> None:
    host = hot_two(tmp_path, task(10, "cron", 2, "0-3"))
    out = io.StringIO()
    plan_report.write(plan.make(host, [BY_ID["strays"]]), host, out)
    assert "  10 (cron)" in out.getvalue()


def test_a_task_that_ended_meanwhile_is_left_out(tmp_path: Path) -> None:
    ended = {"/proc/10/stat": "", "/proc/11/stat": UNREADABLE}
    assert said(hot_two(tmp_path, ended), "strays") == {"cpu 2": "conforms"}


@pytest.mark.parametrize(("mask", "conformity"), [("f", "deviates"), ("3", "conforms")])
def test_unbound_workers_keep_house(tmp_path: Path, mask: str, conformity: str) -> None:
    host = build(tmp_path, {f"{WORKQUEUE}/cpumask": mask})
    assert said(host, "workqueues") == {"host": conformity}
    wanted = [f"cpumask {WORKQUEUE}/cpumask = 3"] if conformity == "deviates" else []
    assert steps(host, "workqueues") == wanted


def test_siblings_of_hot_cpus_take_no_work_where_others_can(tmp_path: Path) -> None:
    files = {f"{WORKQUEUE}/cpumask": "f"}
    spread = build(tmp_path / "spread", files, {1}, threads=2)  # cores are {0, 2} and {1, 3}
    assert steps(spread, "workqueues") == [f"cpumask {WORKQUEUE}/cpumask = 5"]
    only_siblings = build(tmp_path / "only", files, {0, 1}, threads=2)
    assert steps(only_siblings, "workqueues") == [f"cpumask {WORKQUEUE}/cpumask = c"]


def test_a_mask_that_cannot_be_told(tmp_path: Path) -> None:
    assert said(build(tmp_path / "partial", {}), "workqueues") == {"host": "unknown"}
    broken = build(tmp_path / "broken", {f"{WORKQUEUE}/cpumask": UNREADABLE})
    assert said(broken, "workqueues") == {"host": "unknown"}
    old = build(tmp_path / "old", {f"{WORKQUEUE}/writeback/cpumask": "f"})
    assert said(old, "workqueues") == {"host": "not-applicable"}
    assert said(build(tmp_path / "cold", {}, set()), "workqueues") == {"host": "not-applicable"}


INTERRUPTS = """\
            CPU0       CPU2       CPU3
  1:          5          6          7   IO-APIC   1-edge      i8042
RES:         10         20         30   Rescheduling interrupts
CAL:          1          2          3   Function call interrupts
TLB:          0          0          4   TLB shootdowns
ERR:          0
"""


def test_interrupts_between_processors_are_reported(tmp_path: Path) -> None:
    files = {"/proc/interrupts": INTERRUPTS}
    two, three = findings(build(tmp_path, files), "ipis")
    assert (two.conformity, two.parsed) == (Conformity.REPORT, {"RES": 20, "CAL": 2, "TLB": 0})
    assert three.actual == "RES 30, CAL 3, TLB 4"
    assert said(build(tmp_path / "none", {}), "ipis") == {"host": "unknown"}


def test_arm_names_them_in_words(tmp_path: Path) -> None:
    rows = " CPU2\nIPI0: 9 Rescheduling interrupts\nIPI4: 1 Timer broadcast interrupts\n"
    assert only(build(tmp_path, {"/proc/interrupts": rows}, {2}), "ipis").parsed == {"IPI0": 9}
