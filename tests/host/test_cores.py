"""Goal: the proposed cores are those that an engineer would choose, on very different hosts.

Method: twelve topologies, captured and built, each with the placement worked out by hand and the
argument for it in a comment.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from tests.host.trees import CPU, cpus, published, tree

from host_tuning.common.cpulist import format_list
from host_tuning.common.errors import ToolError
from host_tuning.facts.tree import HostTree
from host_tuning.target import cores, host_file
from host_tuning.target.host import Host
from host_tuning.target.target import Target

EPYC = "../shared/data/hosts/ul-x86_64-epyc_7451.tar.gz"
XEON = "../shared/data/hosts/hwloc-32intel64-2p8co2t+8ve.tar.bz2"
OFFLINE = "../shared/data/hosts/hwloc-offline-cpu0-node0.tar.bz2"
KVM = "../shared/data/hosts/pcp-sysfs-numa-001.tgz"
VMWARE = "../shared/data/hosts/ul-vmware_fpe.tar.gz"


@dataclass
class Golden:
    """What must come out, in the order matcher, gateway, publisher, journal."""

    stages: tuple[int, int, int, int]
    housekeeping: str
    idle: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)


def hold(host: Host, golden: Golden) -> None:
    proposal = cores.propose(host)
    assert tuple(proposal.stages[stage] for stage in cores.STAGES) == golden.stages
    assert format_list(proposal.housekeeping) == golden.housekeeping
    assert format_list(proposal.idle) == golden.idle
    for note in golden.notes:
        assert any(note in found for found in proposal.notes), (note, proposal.notes)
    everyone = proposal.hot | proposal.idle | proposal.housekeeping
    assert everyone == host.topology.online
    assert not proposal.hot & (proposal.idle | proposal.housekeeping)


Captured = Callable[[str], HostTree]


def on(tree: HostTree, *nics: str) -> Host:
    return Host(tree, Target(interfaces=nics))


@pytest.mark.needs_data(EPYC)
def test_epyc_7451(captured: Captured) -> None:
    """Eight nodes of six cores, three cores to a cache. Node 0 loses CPU 0's core, so that node 1
    is the lowest with all its six free; matcher, gateway and publisher fill one cache, and the
    journal, which hands nothing back, takes the other cache of the same node."""
    notes = ("no interface was given", "journal: another last-level cache than the matcher's")
    hold(on(captured(Path(EPYC).name)), Golden((6, 7, 8, 9), "0-5,10-53,58-95", "54-57", notes))


@pytest.mark.needs_data(XEON)
def test_two_socket_xeon_with_its_card_on_node_0(captured: Captured) -> None:
    """The card is on node 0: its CPUs, a thread a core, without CPU 0's core. One cache for all."""
    host = on(captured(Path(XEON).name), "enp96s0f0")
    hold(host, Golden((1, 2, 3, 4), "0,5-16,21-31", "17-20"))


@pytest.mark.needs_data(OFFLINE)
def test_cpu_0_and_node_0_offline(captured: Captured) -> None:
    """The boot CPU is now 4. The even CPUs' node is offline, so that all their memory is remote:
    only the odd ones, of node 1, become hot."""
    hold(on(captured(Path(OFFLINE).name)), Golden((5, 7, 9, 11), "4,6,8,10,12-20"))


@pytest.mark.needs_data(KVM)
def test_kvm_guest_with_two_cpus_a_node(captured: Captured) -> None:
    """No node has four free cores. Node 1 is the first with two: matcher and gateway. All other
    nodes are equally far; node 0 has one left beside CPU 0, then node 2. None is left on node 1."""
    notes = ("node 1 has 2 such cores", "no housekeeping CPU is left on node 1")
    hold(on(captured(Path(KVM).name)), Golden((2, 3, 1, 4), "0,5-7", "", notes))


@pytest.mark.needs_data(VMWARE)
def test_vmware_guest_whose_threads_share_modules(captured: Captured) -> None:
    """Four nodes of two modules of two threads: every cache has two cores. Node 1 is the first that
    is whole; the other two stages go to the next node, a module each."""
    host = on(captured(Path(VMWARE).name))
    hold(host, Golden((4, 6, 2, 8), "0-1,10-15", "3,5,7,9"))


def test_small_guest_of_four(tmp_path: Path) -> None:
    """Three cores beside CPU 0: publisher and journal, which nobody's order waits for, share."""
    host = Host(tree(tmp_path, cpus(4)), Target())
    hold(host, Golden((1, 2, 3, 3), "0", "", ("3 cores for 4 stages",)))


def test_guest_of_two(tmp_path: Path) -> None:
    """One core beside CPU 0: all stages on it, on one thread."""
    host = Host(tree(tmp_path, cpus(2)), Target())
    hold(host, Golden((1, 1, 1, 1), "0", "", ("1 core for 4 stages",)))
    placement = yaml.safe_load(cores.venue_yaml(cores.propose(host)))["placement"]["processes"]
    assert placement["matcher"]["threads"][0]["stages"] == list(cores.STAGES)


def test_guest_of_three(tmp_path: Path) -> None:
    """Two cores beside CPU 0: the matcher has one of its own."""
    hold(Host(tree(tmp_path, cpus(3)), Target()), Golden((1, 2, 2, 2), "0"))


def test_one_core_of_two_threads(tmp_path: Path) -> None:
    """The only core is CPU 0's: nothing may become hot."""
    with pytest.raises(ToolError, match="expected a core besides that of CPU 0"):
        cores.propose(Host(tree(tmp_path, cpus(2, threads=2)), Target()))


def test_siblings_stay_idle(tmp_path: Path) -> None:
    """Eight threads on four cores: as the guest of four, and the hot cores' threads 5 to 7 idle."""
    hold(Host(tree(tmp_path, cpus(8, threads=2)), Target()), Golden((1, 2, 3, 3), "0,4", "5-7"))


def test_hybrid_processor(tmp_path: Path) -> None:
    """CPUs 0 to 5 are fast, 6 to 11 slow: slow ones would answer late, however idle they are."""
    files = cpus(12) | {"/sys/devices/cpu_core/cpus": "0-5"}
    host = Host(tree(tmp_path, files), Target())
    hold(host, Golden((1, 2, 3, 4), "0,5-11", "", ("hybrid processor",)))


def test_isolated_cpus_are_taken_first(tmp_path: Path) -> None:
    """Somebody has isolated 4 to 7 at boot: tasks are kept off them already."""
    files = cpus(8) | {f"{CPU}/isolated": "4-7"}
    hold(Host(tree(tmp_path, files), Target()), Golden((4, 5, 6, 7), "0-3"))


def two_nodes(card: str) -> dict[str, str]:
    node = "/sys/devices/system/node"
    return cpus(12) | {
        f"{node}/online": "0,2-3",
        f"{node}/node0/cpulist": "0-5",
        f"{node}/node2/cpulist": "6-11",
        f"{node}/node3/cpulist": "",
        f"{node}/node0/distance": "10 21 31",
        f"{node}/node2/distance": "21 10 17",
        f"{node}/node3/distance": "31 17 10",
        "/sys/class/net/eth1/device/numa_node": card,
    }


@pytest.mark.parametrize(
    ("card", "stages", "housekeeping", "note"),
    [
        # The card's own node decides, though node 0 comes first.
        ("2", (6, 7, 8, 9), "0-5,10-11", ""),
        # Node 3 has memory and the card but no CPU: node 2 is 17 away, node 0 31.
        ("3", (6, 7, 8, 9), "0-5,10-11", "node 2 is the nearest"),
        # A card that tells none: node 2 has six free cores, node 0 five.
        ("-1", (6, 7, 8, 9), "0-5,10-11", "eth1 has no known NUMA node"),
        ("0", (1, 2, 3, 4), "0,5-11", ""),
    ],
)
def test_the_cards_node_decides(
    tmp_path: Path, card: str, stages: tuple[int, int, int, int], housekeeping: str, note: str
) -> None:
    host = Host(tree(tmp_path, two_nodes(card)), Target(interfaces=("eth1",)))
    hold(host, Golden(stages, housekeeping, "", (note,) if note else ()))


def test_a_cpuset_limits_the_choice(tmp_path: Path) -> None:
    """A container with CPUs 2 to 5 of eight: hot cores come from these, none is the boot CPU's."""
    files = cpus(8) | {"/proc/self/status": "Name:\tx\nCpus_allowed_list:\t2-5\n"}
    host = Host(tree(tmp_path, files), Target())
    hold(host, Golden((2, 3, 4, 5), "0-1,6-7", "", ("only CPUs 2-5 are in this process's cpuset",)))


def test_the_proposed_files_are_read_again(tmp_path: Path) -> None:
    host = Host(tree(tmp_path / "tree", two_nodes("2")), Target(interfaces=("eth1",)))
    proposal = cores.propose(host)
    (tmp_path / "host.yaml").write_text(cores.host_yaml(host, proposal))
    (tmp_path / "venue.yaml").write_text(cores.venue_yaml(proposal))
    target = host_file.load(tmp_path / "host.yaml")
    assert target.hot == {6, 7, 8, 9}
    assert target.interfaces == ("eth1",)
    assert host_file.load(tmp_path / "venue.yaml").hot == {6, 7, 8, 9}
    assert "matcher       cpu 6  node 2" in cores.text(host, proposal)
    assert published("cores", json.dumps(cores.document(host, proposal)))["hot"] == "6-9"
