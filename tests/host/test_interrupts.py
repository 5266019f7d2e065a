"""Goal: interrupts are judged by where they arrive; irqbalance by which CPUs it leaves alone.

Method: built trees of /proc/irq with effective and allowed lists, managed and private interrupts,
a header with holes; irqbalance stopped, running, banned by list, mask, file or isolation.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.host.judging import CPU, GRUB, build, findings, only, said, steps, task
from tests.host.trees import UNREADABLE

from host_tuning.common.verdict import Conformity
from host_tuning.facts.identity import Identity
from host_tuning.facts.interrupt_table import InterruptTable

DEBUG = "/sys/kernel/debug/irq/irqs"
DEFAULT = {"/proc/irq/default_smp_affinity": "3"}
FILE = "/etc/default/irqbalance"
LIST, MASK = "IRQBALANCE_BANNED_CPULIST", "IRQBALANCE_BANNED_CPUS"
BALANCE = task(1, "systemd", 0, "0-3") | task(9, "irqbalance", 0, "0-3")


def irq(number: int, device: str, effective: str | None, allowed: str = "0-3") -> dict[str, Any]:
    """The directory of one interrupt; without `effective` as kernels before 4.13 have it."""
    base = f"/proc/irq/{number}"
    files: dict[str, Any] = {f"{base}/smp_affinity_list": allowed, f"{base}/node": "-1"}
    if device:
        files[f"{base}/{device}/"] = ""
    if effective is not None:
        files[f"{base}/effective_affinity_list"] = effective
    return files


def table(*rows: str) -> dict[str, str]:
    header = "     CPU0 CPU1 CPU2 CPU3"
    return {"/proc/interrupts": "\n".join([header, *rows])}


def test_an_interrupt_counts_where_it_arrives(tmp_path: Path) -> None:
    files = DEFAULT | irq(41, "eth1-rx", "2") | irq(42, "eth1-tx", "0")
    files |= table(" 41: 1 2 333 4 PCI-MSI 1-edge eth1-rx", " 42: 9 0 0 0 PCI-MSI 2-edge eth1-tx")
    host = build(tmp_path, files)
    two, three, default = findings(host, "irq-affinity")
    assert (two.conformity, two.actual) == (Conformity.DEVIATES, "41 eth1-rx: 333 so far")
    assert (three.conformity, default.conformity) == ("conforms", "conforms")
    assert two.undo == ("echo 0-3 | sudo tee /proc/irq/41/smp_affinity_list",)
    assert steps(host, "irq-affinity") == ["cpulist /proc/irq/41/smp_affinity_list = 0-1"]


def test_an_interrupt_that_waits_to_be_moved_counts_where_it_was_sent(tmp_path: Path) -> None:
    sent_off = build(tmp_path / "off", DEFAULT | irq(41, "eth1-rx", "2", "0-1"))
    assert said(sent_off, "irq-affinity")["cpu 2"] == "conforms"
    assert steps(sent_off, "irq-affinity") == []
    sent_here = build(tmp_path / "here", DEFAULT | irq(41, "eth1-rx", "0", "3"))
    assert said(sent_here, "irq-affinity")["cpu 3"] == "deviates"
    assert steps(sent_here, "irq-affinity") == ["cpulist /proc/irq/41/smp_affinity_list = 0-1"]


def test_without_an_effective_list_the_allowed_one_counts(tmp_path: Path) -> None:
    files = DEFAULT | irq(41, "eth1", None, "2-3")
    assert said(build(tmp_path, files), "irq-affinity")["cpu 3"] == "deviates"
    empty = DEFAULT | irq(41, "eth1", "", "2-3")
    assert said(build(tmp_path / "empty", empty), "irq-affinity")["cpu 3"] == "deviates"


def test_an_interrupt_that_nobody_handles_does_not_count(tmp_path: Path) -> None:
    files = DEFAULT | irq(41, "", "2")
    assert said(build(tmp_path / "none", files), "irq-affinity")["cpu 2"] == "conforms"
    files |= table(" 41: 0 0 0 0 PCI-MSI 1-edge eth1")
    host = build(tmp_path / "listed", files)
    assert findings(host, "irq-affinity")[0].actual == "41 eth1: 0 so far"


def test_a_managed_interrupt_is_named_and_not_moved(tmp_path: Path) -> None:
    files = (
        DEFAULT | irq(50, "nvme0q3", "2", "2") | {f"{DEBUG}/50": "dstate: IRQD_AFFINITY_MANAGED"}
    )
    host = build(tmp_path, files)
    found = findings(host, "irq-affinity")[0]
    assert (found.conformity, "(managed)" in found.actual) == (Conformity.REPORT, True)
    assert steps(host, "irq-affinity") == []
    both = build(tmp_path / "both", files | irq(51, "eth1", "2"))
    assert said(both, "irq-affinity")["cpu 2"] == "deviates"
    assert steps(both, "irq-affinity") == ["cpulist /proc/irq/51/smp_affinity_list = 0-1"]


def test_a_read_only_list_says_that_the_kernel_manages_the_interrupt(tmp_path: Path) -> None:
    host = build(tmp_path, DEFAULT | irq(36, "virtio1-req.0", "2") | {"/usr/sbin/grubby": ""})
    assert said(host, "irq-affinity")["cpu 2"] == "deviates"
    host.tree.real("/proc/irq/36/smp_affinity_list").chmod(0o444)
    found = findings(host, "irq-affinity")[0]
    # Others share it: it deviates, and only the boot argument moves it.
    assert (found.conformity, "(managed)" in found.actual) == (Conformity.DEVIATES, True)
    assert found.fix == (
        "sudo grubby --update-kernel=ALL --args='isolcpus=managed_irq,domain,2-3'",
    )
    assert steps(host, "irq-affinity") == []


def test_an_interrupt_private_to_each_processor_does_not_count(tmp_path: Path) -> None:
    files = DEFAULT | irq(11, "", "0-3") | irq(12, "", "2")
    files |= table(
        " 11: 9 9 9 9 GICv3  27 Level arch_timer", " 12: 9 9 9 9 GICv3  33 Level uart-pl011"
    )
    assert "12 uart-pl011" in findings(build(tmp_path, files), "irq-affinity")[0].actual
    assert "arch_timer" not in findings(build(tmp_path, files), "irq-affinity")[0].actual


def test_an_interrupt_stays_on_its_node(tmp_path: Path) -> None:
    nodes = {
        "/sys/devices/system/node/online": "0-1",
        "/sys/devices/system/node/node0/cpulist": "0,2",
        "/sys/devices/system/node/node1/cpulist": "1,3",
    }
    files = DEFAULT | irq(41, "eth1", "2") | nodes | {"/proc/irq/41/node": "1"}
    host = build(tmp_path, files)
    assert steps(host, "irq-affinity") == ["cpulist /proc/irq/41/smp_affinity_list = 1"]


def test_the_default_counts_for_new_devices(tmp_path: Path) -> None:
    files = irq(41, "eth1", "0") | {"/proc/irq/default_smp_affinity": "f"}
    host = build(tmp_path / "all", files)
    assert said(host, "irq-affinity")["host"] == "deviates"
    change = "cpumask /proc/irq/default_smp_affinity = 3"
    assert steps(host, "irq-affinity") == [change, "boot irqaffinity=0-1"]
    later = build(tmp_path / "next", files | {GRUB: "GRUB_CMDLINE_LINUX=irqaffinity=0,1"})
    assert steps(later, "irq-affinity") == [change]


def test_affinity_that_cannot_be_told(tmp_path: Path) -> None:
    assert set(said(build(tmp_path / "partial", {}), "irq-affinity").values()) == {"unknown"}
    broken = DEFAULT | irq(41, "eth1", None) | {"/proc/irq/41/smp_affinity_list": UNREADABLE}
    two = findings(build(tmp_path / "broken", broken), "irq-affinity")[0]
    assert (two.conformity, "EISDIR" in two.reason) == (Conformity.UNKNOWN, True)
    # What is seen in spite of that deviates all the same.
    mixed = build(tmp_path / "mixed", broken | irq(42, "eth2", "2"))
    assert said(mixed, "irq-affinity")["cpu 2"] == "deviates"
    assert said(build(tmp_path / "cold", DEFAULT, set()), "irq-affinity") == {
        "host": "not-applicable"
    }


def test_columns_are_found_by_their_cpu(tmp_path: Path) -> None:
    found = InterruptTable(
        "     CPU1       CPU7\n 24:   3   4  IO-APIC  5-edge  ACPI:Ged, x\nERR: 5\n"
    )
    assert (found.count("24", 7), found.count("24", 0), found.count("99", 7)) == (4, 0, 0)
    assert found.device("24") == "IO-APIC  5-edge  ACPI:Ged, x"
    assert found.count("ERR", 7) == 0


def environ(**values: str) -> dict[str, Any]:
    text = "".join(f"{name}={value}\0" for name, value in values.items())
    return BALANCE | {"/proc/9/environ": text.encode()}


@pytest.mark.parametrize(
    ("files", "conformity"),
    [
        (task(1, "systemd"), "conforms"),
        (environ(), "deviates"),
        (environ(**{LIST: "2-3"}), "conforms"),
        (environ(**{LIST: "2"}), "deviates"),
        (environ(**{MASK: "c"}), "conforms"),
        (environ(**{MASK: "4"}), "deviates"),
        # The list wins over the mask, and any of the two over what is isolated.
        (environ(**{LIST: "0", MASK: "c"}), "deviates"),
        (environ(**{LIST: "0"}) | {f"{CPU}/isolated": "2-3"}, "deviates"),
        (environ() | {f"{CPU}/isolated": "2", f"{CPU}/nohz_full": "3"}, "conforms"),
        (environ(**{LIST: "two"}) | {f"{CPU}/isolated": "2-3"}, "deviates"),
        # Without the right to read its environment its file counts.
        (BALANCE | {FILE: f'{LIST}="2,3" # hot'}, "conforms"),
        (BALANCE | {FILE: f"#{LIST}=2,3"}, "deviates"),
        # It was started before the file was edited.
        (environ() | {FILE: f"{LIST}=2-3"}, "deviates"),
    ],
)
def test_irqbalance(tmp_path: Path, files: dict[str, Any], conformity: str) -> None:
    assert said(build(tmp_path, files), "irqbalance") == {"host": conformity}


def test_irqbalance_is_told_by_its_file_and_restarted_by_hand(tmp_path: Path) -> None:
    host = build(tmp_path / "debian", environ() | {FILE: "OPTIONS="})
    assert steps(host, "irqbalance") == [f"line {FILE}:{LIST} = 2-3"]
    other = "/etc/sysconfig/irqbalance"
    host = build(tmp_path / "fedora", environ() | {other: ""})
    assert steps(host, "irqbalance") == [f"line {other}:{LIST} = 2-3"]
    written = build(tmp_path / "written", environ() | {FILE: f"{LIST}=2-3"})
    assert steps(written, "irqbalance") == []
    assert only(written, "irqbalance").fix == ("sudo systemctl restart irqbalance",)


def test_irqbalance_keeps_what_its_file_bans_already(tmp_path: Path) -> None:
    for number, line in enumerate((f"{LIST}=1", "IRQBALANCE_BANNED_CPUS=2")):
        host = build(tmp_path / str(number), BALANCE | {FILE: line})
        assert steps(host, "irqbalance") == [f"line {FILE}:{LIST} = 1-3"]
        found = only(host, "irqbalance")
        assert found.fix[0] == f"set {LIST}=1-3 in {FILE}"
        back = (f"set {LIST}=1 there again", f"take {LIST} out of {FILE}")[number]
        assert found.undo == (back, "sudo systemctl restart irqbalance")


def test_irqbalance_that_cannot_be_seen_is_unknown(tmp_path: Path) -> None:
    assert said(build(tmp_path / "partial", {}), "irqbalance") == {"host": "unknown"}
    box = Identity("vm", "KVM", container="docker")
    inside = build(tmp_path / "box", task(1, "sh"), identity=box)
    assert said(inside, "irqbalance") == {"host": "unknown"}
    assert said(build(tmp_path / "cold", environ(), set()), "irqbalance") == {
        "host": "not-applicable"
    }
