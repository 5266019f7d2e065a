"""Goal: on hosts of others, every verdict is the one that their raw files give.

Method: the captured trees are checked for CPUs that an operator might choose, and each verdict is
compared with a golden file whose values were held against the raw files by hand; the notes at its
head say what the raw files hold. lscpu reads the same trees and must see the same shape.
`IRONPIT_GOLDEN=write` writes the files anew, to be reviewed again.
"""

import datetime
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host_tuning.checking import check
from host_tuning.common.cpulist import parse_list
from host_tuning.facts.tree import HostTree
from host_tuning.reports.check import Report, core_verdicts, merged
from host_tuning.settings.registry import SETTINGS
from host_tuning.target import profile
from host_tuning.target.host import Host
from host_tuning.target.target import Target, settle

GOLDEN = Path(__file__).parent / "golden"
DATA = "../shared/data/hosts"
CASES = {
    "epyc": ("ul-x86_64-epyc_7451.tar.gz", "6-9", (), "bare-metal"),
    "xeon": ("hwloc-32intel64-2p8co2t+8ve.tar.bz2", "1-4", ("enp96s0f0",), "bare-metal"),
    "offline": ("hwloc-offline-cpu0-node0.tar.bz2", "5,7", (), "bare-metal"),
    "kvm": ("pcp-sysfs-numa-001.tgz", "2-3", (), "cloud-vm"),
    "vmware_fpe": ("ul-vmware_fpe.tar.gz", "4,6", (), "cloud-vm"),
}
Captured = Callable[[str], HostTree]

pytestmark = pytest.mark.needs_data(DATA)


def report(tree: HostTree, hot: str, nics: tuple[str, ...], name: str) -> Report:
    host = Host(tree, Target(hot=parse_list(hot), interfaces=nics))
    host.target = settle(host.target, host.topology, tree)
    rules = profile.load(name)
    verdicts = check.run(host, rules, SETTINGS, datetime.date(2026, 1, 1))
    return Report(host, rules, verdicts, check.exit_code(verdicts, strict=False))


def lines(found: Report) -> Iterator[str]:
    yield f"host: {found.host.identity.summary}"
    for verdict in found.verdicts:
        for status, finding in merged(verdict):
            actual = " ".join(finding.actual.split())
            reason = finding.reason.replace(str(found.host.tree.root), "")
            cost = f" [{finding.cost.value} {finding.cost.unit}]" if finding.cost.value else ""
            line = f"{status} {verdict.setting.id} {finding.subject}: {actual} | {reason}{cost}"
            yield line.rstrip()
    for core in core_verdicts(found):
        yield f"cpu {core.cpu}: {core.status}: {', '.join(core.failing)}".rstrip()
    yield f"exit {found.exit_code}"


@pytest.mark.parametrize("name", CASES)
def test_verdicts_are_those_of_the_raw_files(name: str, captured: Captured) -> None:
    archive, *arguments = CASES[name]
    path = GOLDEN / f"{name}.txt"
    found = list(lines(report(captured(archive), *arguments)))  # type: ignore[arg-type]
    kept = path.read_text().splitlines() if path.exists() else []
    notes = [line for line in kept if line.startswith("#")]
    if os.environ.get("IRONPIT_GOLDEN") == "write":
        path.write_text("\n".join([*notes, *found]) + "\n")
    assert found == [line for line in kept if not line.startswith("#")]
    assert notes, f"{path.name} tells nothing of its review"


def lscpu(tree: HostTree, tmp_path: Path) -> list[dict[str, object]]:
    """What lscpu sees; it needs a cpuinfo, which not every capture has."""
    root = tree.root
    if not tree.exists("/proc/cpuinfo"):
        root = tmp_path / "with-cpuinfo"
        shutil.copytree(tree.root, root, symlinks=True)
        processors = parse_list(tree.read("/sys/devices/system/cpu/online").value)
        text = "".join(f"processor\t: {cpu}\nmodel name\t: x\n\n" for cpu in sorted(processors))
        (root / "proc/cpuinfo").write_text(text)
    command = ["lscpu", "--sysroot", str(root), "-a", "-J", "-e=CPU,NODE,SOCKET,CORE,ONLINE"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout.replace(": -", ": null"))["cpus"]
    return [row for row in rows if row["online"]]


@pytest.mark.needs_tool("lscpu")
@pytest.mark.parametrize("name", CASES)
def test_lscpu_sees_the_same_shape(name: str, captured: Captured, tmp_path: Path) -> None:
    tree = captured(CASES[name][0])
    shape = Host(tree, Target()).topology
    rows = lscpu(tree, tmp_path)
    assert {row["cpu"] for row in rows} == shape.online
    cores: dict[object, set[object]] = {}
    for row in rows:
        cores.setdefault((row["socket"], row["core"]), set()).add(row["cpu"])
        assert shape.node_of.get(int(str(row["cpu"]))) == row["node"]
    assert {frozenset(cpus) for cpus in cores.values()} == set(shape.siblings.values())
    for core in cores.values():
        assert len({shape.package[int(str(cpu))] for cpu in core}) == 1
