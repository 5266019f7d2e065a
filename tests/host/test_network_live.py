"""Goal: what the settings of interfaces find and change is what real interfaces have and take.

Method: a tap and a pair of veth, made for the test and removed after it. They are set wrong,
judged, changed by the very kinds that --apply uses, judged again, and set back.
"""

import os
import subprocess
from collections.abc import Iterator

import pytest
from tests.host.trees import outcomes, written

from host_tuning.changing.change_kinds import kind_of
from host_tuning.common.change import Change
from host_tuning.facts.tree import HostTree
from host_tuning.settings.registry import BY_ID
from host_tuning.target.host import Host
from host_tuning.target.target import Target

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.needs_tool("ip", "ethtool"),
    pytest.mark.host,
]

VETH, PEER, TAP = (f"iron{os.getpid() % 1_000_000}{end}" for end in "vpt")


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.fixture(scope="module")
def made() -> Iterator[None]:
    queues = ("numrxqueues", "2", "numtxqueues", "2")
    run("ip", "link", "add", VETH, *queues, "type", "veth", "peer", "name", PEER, *queues)
    run("ip", "tuntap", "add", TAP, "mode", "tap")
    yield
    run("ip", "link", "del", VETH)
    run("ip", "link", "del", TAP)


def judged(setting: str, name: str, **target: object) -> tuple[list[str], list[Change]]:
    host = Host(HostTree(), Target(interfaces=(name,), **target))  # type: ignore[arg-type]
    steps = [one for one in BY_ID[setting].steps(host) if isinstance(one, Change)]
    return outcomes(BY_ID[setting].inspect(host)), steps


@pytest.mark.parametrize(
    ("setting", "name", "wrong", "change", "options"),
    [
        (
            "nic-coalescing",
            TAP,
            f"ethtool -C {TAP} rx-frames 7",
            f"ethtool {TAP} coalesce rx_frames = 1",
            {},
        ),
        (
            "nic-offloads",
            VETH,
            f"ethtool -K {VETH} gro on",
            f"ethtool {VETH} feature gro = off",
            {"gro": "off"},
        ),
        (
            "nic-queues",
            VETH,
            f"ethtool -L {VETH} rx 1 tx 2",
            f"ethtool {VETH} channels rx = 2",
            {"rx": 2},
        ),
        (
            "nic-queues",
            VETH,
            f"echo 3 > /sys/class/net/{VETH}/queues/rx-0/rps_cpus",
            f"cpumask /sys/class/net/{VETH}/queues/rx-0/rps_cpus = 0",
            {},
        ),
        (
            "napi",
            VETH,
            f"echo 20000 > /sys/class/net/{VETH}/gro_flush_timeout",
            f"file /sys/class/net/{VETH}/gro_flush_timeout = 0",
            {},
        ),
    ],
)
def test_a_wrong_value_is_found_mended_and_set_back(
    made: None, setting: str, name: str, wrong: str, change: str, options: dict[str, object]
) -> None:
    overrides = {setting: options}
    run("sh", "-c", wrong)
    tree = HostTree()
    found, steps = judged(setting, name, overrides=overrides)
    assert f"deviates {name}" in found
    assert written(steps) == [change]
    kind = kind_of(steps[0])
    old = kind.read(tree, steps[0])
    kind.write(tree, steps[0])
    assert kind.holds(steps[0], kind.read(tree, steps[0]))
    found, left = judged(setting, name, overrides=overrides)
    assert not [one for one in found if one.startswith(("deviates", "unknown"))]
    assert left == []
    kind.restore(tree, steps[0], old)
    assert kind.same(kind.read(tree, steps[0]), old)
    assert written(judged(setting, name, overrides=overrides)[1]) == [change]
    kind.write(tree, steps[0])


def test_a_virtual_interface_has_no_node_no_link_and_no_ring(made: None) -> None:
    assert judged("nic-node", VETH, hot=frozenset({1})) == ([f"not-applicable {VETH}"], [])
    assert judged("pcie", VETH) == ([f"not-applicable {VETH}"], [])
    assert judged("nic-coalescing", VETH) == ([f"not-applicable {VETH}"], [])
    found = judged("nic-rings", VETH, overrides={"nic-rings": {"rx": 64}})
    assert found == ([f"conforms {VETH}", f"not-applicable {VETH}"], [])
