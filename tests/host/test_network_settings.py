"""Goal: each configured interface is judged for node, delay, drops, queues, offloads and link.

Method: small trees for what stands in files; answers put in the place of the driver's for what
does not (test_nic.py holds those against real drivers); and the captured server that has cards.
"""

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.trees import CAPTURES, UNREADABLE, Link, driven, host, outcomes, written

from host_tuning.facts import nic
from host_tuning.facts.tree import HostTree
from host_tuning.settings.registry import BY_ID
from host_tuning.target.host import Host
from host_tuning.target.target import Target

NET = "/sys/class/net/eth0"
CPU = "/sys/devices/system/cpu"
NODE = "/sys/devices/system/node"
POLICY = "/sys/module/pcie_aspm/parameters/policy"
PER_INTERFACE = [
    "nic-node",
    "nic-coalescing",
    "nic-rings",
    "nic-queues",
    "nic-offloads",
    "napi",
    "pcie",
]
FILES: dict[str, Any] = {
    f"{CPU}/online": "0-3",
    f"{CPU}/present": "0-3",
    f"{NODE}/online": "0-1",
    f"{NODE}/node0/cpulist": "0-1",
    f"{NODE}/node0/distance": "10 21",
    f"{NODE}/node1/cpulist": "2-3",
    f"{NODE}/node1/distance": "21 10",
    f"{NET}/device/vendor": "0x8086",
}  # fmt: skip
QUIET = {f"{NET}/statistics/rx_{name}_errors": "0" for name in ("missed", "fifo", "over")}
SHEETS: dict[str, dict[str, int]] = {
    "coalesce": {"adaptive_rx": 0, "rx_usecs": 0, "rx_frames": 1, "adaptive_tx": 0, "tx_usecs": 8,
                 "tx_frames": 0},
    "rings": {"rx": 512, "rx_max": 4096, "tx": 512, "tx_max": 4096},
    "channels": {"rx": 0, "rx_max": 0, "tx": 0, "tx_max": 0, "combined": 4, "combined_max": 8},
}  # fmt: skip


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what the driver says: sheets by name, `features`, or `problem` as the errno of all."""

    def answer(
        problem: int = 0,
        features: dict[str, str] | None = None,
        **sheets: dict[str, int],
    ) -> None:
        def fail(*_: object) -> Any:
            raise OSError(problem or errno.EOPNOTSUPP, "no")

        def sheet(_: str, what: str) -> dict[str, int]:
            if problem:
                fail()
            return SHEETS[what] | sheets.get(what, {})

        def told(_: str) -> dict[str, nic.Feature]:
            return (
                fail()
                if problem
                else {
                    name: nic.Feature(state.startswith("on"), "fixed" in state)
                    for name, state in (features or {"rx-lro": "off", "rx-gro": "on"}).items()
                }
            )

        monkeypatch.setattr(nic, "sheet", sheet)
        monkeypatch.setattr(nic, "features", told)
        monkeypatch.setattr(nic, "indirection", fail)

    return answer


def seen(
    tmp_path: Path, setting: str, files: dict[str, Any], **target: Any
) -> tuple[str, list[str]]:
    """Conformities and subjects, and the changes, of an interface with a driver."""
    given: dict[str, Any] = {"interfaces": ("eth0",), "hot": frozenset({2, 3})} | target
    one = driven(tmp_path, {**FILES, **files}, **given)
    return ", ".join(outcomes(BY_ID[setting].inspect(one))), written(BY_ID[setting].steps(one))


@pytest.mark.parametrize("setting", PER_INTERFACE)
def test_without_an_interface_nothing_is_judged(tmp_path: Path, setting: str) -> None:
    assert seen(tmp_path, setting, {}, interfaces=()) == ("not-applicable host", [])


@pytest.mark.parametrize("setting", PER_INTERFACE)
def test_an_interface_of_which_nothing_was_captured_is_unknown(
    tmp_path: Path, setting: str
) -> None:
    device = {f"{NET}/device": Link("../../../devices/x")}
    one = host(tmp_path, {"/proc/x": "", **device}, interfaces=("eth0",), hot=frozenset({2}))
    assert {found.conformity for found in BY_ID[setting].inspect(one)} == {"unknown"}
    assert written(BY_ID[setting].steps(one)) == []


class TestNode:
    def run(self, tmp_path: Path, node: object, cpus: object, **target: Any) -> str:
        files = {f"{NET}/device/numa_node": node, f"{NET}/device/local_cpulist": cpus}
        return seen(tmp_path, "nic-node", files, **target)[0]

    def test_hot_cpus_are_local(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "1", "2-3") == "conforms eth0"

    def test_one_remote_cpu_is_enough_to_deviate(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "1", "2-3", hot=frozenset({1, 2})) == "deviates eth0"
        one = driven(tmp_path, {}, interfaces=("eth0",), hot=frozenset({1, 2}))
        found = next(iter(BY_ID["nic-node"].inspect(one)))
        assert found.reason == "CPU 1 is remote"
        assert (found.cost.source, found.cost.value) == ("sysfs", 210)

    def test_minus_1_is_unknown_even_with_all_cpus_local(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "-1", "0-3") == "unknown eth0"

    def test_unreadable_is_unknown(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, UNREADABLE, "0-3") == "unknown eth0"
        assert self.run(tmp_path / "cpus", "1", UNREADABLE) == "unknown eth0"

    def test_without_hot_cpus_nothing_is_judged(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "1", "2-3", hot=frozenset()) == "not-applicable eth0"

    def test_a_virtio_device_is_at_its_parent_s_node(self, tmp_path: Path) -> None:
        pci = "/sys/devices/pci0000:00/0000:00:03.0"
        files = {
            f"{pci}/numa_node": "0",
            f"{pci}/local_cpulist": "0-1",
            f"{pci}/virtio2/vendor": "0x1af4",
            "/sys/class/net/eth1/device": Link("../../../devices/pci0000:00/0000:00:03.0/virtio2"),
        }
        assert seen(tmp_path, "nic-node", files, interfaces=("eth1",))[0] == "deviates eth1"

    def test_a_virtual_interface_names_what_it_stands_on(self, tmp_path: Path) -> None:
        files = {"/sys/class/net/bond0/lower_eth0": Link("../eth0")}
        assert seen(tmp_path, "nic-node", files, interfaces=("bond0",))[0] == "not-applicable bond0"
        one = driven(tmp_path, {}, interfaces=("bond0",))
        assert "configure eth0 as well" in next(iter(BY_ID["nic-node"].inspect(one))).reason


class TestCoalescing:
    @pytest.mark.parametrize(
        ("sheet", "fields"),
        [
            ({}, ""),
            ({"rx_frames": 0}, ""),  # the driver counts no frames
            ({"tx_usecs": 64}, ""),  # nobody waits for what was sent
            ({"rx_usecs": 3}, "rx_usecs=0"),
            ({"adaptive_rx": 1}, "adaptive_rx=0"),
            ({"adaptive_rx": 1, "rx_usecs": 8, "rx_frames": 64},
             "adaptive_rx=0 rx_frames=1 rx_usecs=0"),
        ],
    )  # fmt: skip
    def test_nothing_waits(
        self, tmp_path: Path, answers: Callable[..., None], sheet: dict[str, int], fields: str
    ) -> None:
        answers(coalesce=sheet)
        found, steps = seen(tmp_path, "nic-coalescing", {})
        assert found == ("deviates eth0" if fields else "conforms eth0")
        assert steps == [
            f"ethtool eth0 coalesce {field.replace('=', ' = ')}" for field in fields.split()
        ]

    def test_the_driver_s_own_figure_is_the_cost(
        self, tmp_path: Path, answers: Callable[..., None]
    ) -> None:
        one = driven(tmp_path, FILES, interfaces=("eth0",))
        for adaptive, cost in ((0, 50_000), (1, None)):
            answers(coalesce={"rx_usecs": 50, "adaptive_rx": adaptive})
            assert next(iter(BY_ID["nic-coalescing"].inspect(one))).cost.value == cost

    def test_the_site_may_allow_some(self, tmp_path: Path, answers: Callable[..., None]) -> None:
        answers(coalesce={"rx_usecs": 3, "rx_frames": 8})
        overrides = {"nic-coalescing": {"rx_usecs_max": 3}}
        found, steps = seen(tmp_path, "nic-coalescing", {}, overrides=overrides)
        assert (found, steps) == ("deviates eth0", ["ethtool eth0 coalesce rx_frames = 1"])


@pytest.mark.parametrize("setting", ["nic-coalescing", "nic-offloads"])
@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (errno.EOPNOTSUPP, "not-applicable eth0"),
        (errno.EPERM, "unknown eth0"),
        (errno.ENODEV, "unknown eth0"),
    ],
)
def test_a_driver_that_says_no(
    tmp_path: Path, answers: Callable[..., None], setting: str, problem: int, expected: str
) -> None:
    answers(problem)
    assert seen(tmp_path, setting, {}) == (expected, [])


class TestRings:
    def test_a_small_ring_without_drops_conforms(
        self, tmp_path: Path, answers: Callable[..., None]
    ) -> None:
        answers(rings={"rx": 64})
        assert seen(tmp_path, "nic-rings", QUIET) == ("conforms eth0", [])

    @pytest.mark.parametrize("counter", ["missed", "fifo", "over"])
    def test_frames_that_were_dropped_at_some_time_are_reported(
        self, tmp_path: Path, answers: Callable[..., None], counter: str
    ) -> None:
        answers(rings={"rx": 4096})
        files = {**QUIET, f"{NET}/statistics/rx_{counter}_errors": "7"}
        assert seen(tmp_path, "nic-rings", files) == ("report eth0", [])

    def test_drops_are_counted_without_a_driver_s_answer(
        self, tmp_path: Path, answers: Callable[..., None]
    ) -> None:
        answers(errno.EOPNOTSUPP)
        assert seen(tmp_path, "nic-rings", QUIET) == ("conforms eth0", [])
        one = host(tmp_path, {}, interfaces=("eth0",))
        assert outcomes(BY_ID["nic-rings"].inspect(one)) == ["conforms eth0"]

    def test_a_size_that_the_site_wants_is_set(
        self, tmp_path: Path, answers: Callable[..., None]
    ) -> None:
        answers()
        overrides = {"nic-rings": {"rx": 1024, "tx": 512}}
        found, steps = seen(tmp_path, "nic-rings", QUIET, overrides=overrides)
        assert found == "conforms eth0, deviates eth0"
        assert steps == ["ethtool eth0 rings rx = 1024"]
        one = host(tmp_path, {}, interfaces=("eth0",), overrides=overrides)
        assert outcomes(BY_ID["nic-rings"].inspect(one)) == ["conforms eth0", "unknown eth0"]

    def test_an_unreadable_counter_is_unknown(
        self, tmp_path: Path, answers: Callable[..., None]
    ) -> None:
        answers()
        files = {**QUIET, f"{NET}/statistics/rx_fifo_errors": UNREADABLE}
        assert seen(tmp_path, "nic-rings", files) == ("unknown eth0", [])


def queues(rps: list[object], xps: list[object]) -> dict[str, Any]:
    base = f"{NET}/queues"
    return {f"{base}/rx-{at}/rps_cpus": mask for at, mask in enumerate(rps)} | {
        f"{base}/tx-{at}/xps_cpus": mask for at, mask in enumerate(xps)
    }


class TestQueues:
    def test_no_steering_conforms(self, tmp_path: Path, answers: Callable[..., None]) -> None:
        answers()
        files = queues(["0", "00000000,00000000"], ["1", "2"])
        assert seen(tmp_path, "nic-queues", files) == ("conforms eth0", [])

    def test_each_queue_s_mask_is_looked_at(
        self, tmp_path: Path, answers: Callable[..., None]
    ) -> None:
        answers()
        files = queues(["0", "0", "4", *["0"] * 7, "3"], [])
        found, steps = seen(tmp_path, "nic-queues", files)
        assert found == "deviates eth0"
        assert steps == [
            f"cpumask {NET}/queues/rx-{at}/rps_cpus = 0" for at in (2, 10)
        ]  # fmt: skip
        one = driven(tmp_path, {}, interfaces=("eth0",))
        reason = next(iter(BY_ID["nic-queues"].inspect(one))).reason
        assert reason.endswith("rx-2 to CPU 2, rx-10 to CPU 0-1")

    def test_an_unreadable_mask_is_unknown(
        self, tmp_path: Path, answers: Callable[..., None]
    ) -> None:
        answers()
        assert seen(tmp_path, "nic-queues", queues(["0", UNREADABLE], []))[0] == "unknown eth0"

    def test_channels_are_the_site_s_to_want(
        self, tmp_path: Path, answers: Callable[..., None]
    ) -> None:
        answers()
        overrides = {"nic-queues": {"combined": 2}}
        found, steps = seen(tmp_path, "nic-queues", queues(["0"], []), overrides=overrides)
        assert found == "conforms eth0, deviates eth0"
        assert steps == ["ethtool eth0 channels combined = 2"]
        answers(channels={"combined": 2})
        found, steps = seen(tmp_path, "nic-queues", {}, overrides=overrides)
        assert (found, steps) == ("conforms eth0, conforms eth0", [])

    def test_a_queue_for_each_hot_cpu_and_the_rest_for_the_house(
        self, tmp_path: Path, answers: Callable[..., None]
    ) -> None:
        answers()
        overrides = {"nic-queues": {"xps": "own"}}
        files = queues(["0"], ["4", "0", "0", "3"])
        target = {"overrides": overrides, "housekeeping": frozenset({0, 1})}
        found, steps = seen(tmp_path, "nic-queues", files, **target)
        assert found == "conforms eth0, conforms eth0, deviates eth0, deviates eth0, conforms eth0"
        base = f"cpumask {NET}/queues"
        assert steps == [f"{base}/tx-1/xps_cpus = 8", f"{base}/tx-2/xps_cpus = 3"]

    def test_too_few_queues_deviate_and_nothing_is_written(
        self, tmp_path: Path, answers: Callable[..., None]
    ) -> None:
        answers()
        overrides = {"nic-queues": {"xps": "own"}}
        found, steps = seen(tmp_path, "nic-queues", queues(["0"], ["0", "0"]), overrides=overrides)
        assert (found, steps) == ("conforms eth0, deviates eth0", [])


class TestOffloads:
    @pytest.mark.parametrize(
        ("features", "gro", "expected", "changes"),
        [
            ({"rx-lro": "off", "rx-gro": "on"}, "", "conforms", []),
            ({"rx-lro": "off [fixed]", "rx-gro": "on"}, "", "conforms", []),
            ({"rx-lro": "on", "rx-gro": "on"}, "", "deviates", ["lro = off"]),
            ({"rx-lro": "on [fixed]", "rx-gro": "on"}, "", "report", []),
            ({"rx-lro": "off", "rx-gro": "on"}, "off", "deviates", ["gro = off"]),
            ({"rx-lro": "off", "rx-gro": "off"}, "on", "deviates", ["gro = on"]),
            ({"rx-lro": "off", "rx-gro": "off [fixed]"}, "on", "report", []),
            ({"rx-lro": "on [fixed]", "rx-gro": "on"}, "off", "deviates", ["gro = off"]),
            ({"rx-gro": "on"}, "", "conforms", []),  # a kernel that has no lro any more
        ],
    )
    def test_what_is_fixed_is_marked_and_gro_is_the_site_s(
        self,
        tmp_path: Path,
        answers: Callable[..., None],
        features: dict[str, str],
        gro: str,
        expected: str,
        changes: list[str],
    ) -> None:
        answers(features=features)
        overrides = {"nic-offloads": {"gro": gro}} if gro else {}
        found, steps = seen(tmp_path, "nic-offloads", {}, overrides=overrides)
        assert found == f"{expected} eth0"
        assert steps == [f"ethtool eth0 feature {change}" for change in changes]

    def test_a_fixed_offload_says_so(self, tmp_path: Path, answers: Callable[..., None]) -> None:
        answers(features={"rx-lro": "off [fixed]", "rx-gro": "on"})
        one = driven(tmp_path, FILES, interfaces=("eth0",))
        assert next(iter(BY_ID["nic-offloads"].inspect(one))).actual == "lro off [fixed], gro on"


class TestNapi:
    names = ("napi_defer_hard_irqs", "gro_flush_timeout", "threaded")

    def run(self, tmp_path: Path, values: str, **target: Any) -> tuple[str, list[str]]:
        files = dict(zip((f"{NET}/{name}" for name in self.names), values.split(), strict=True))
        return seen(tmp_path, "napi", files, **target)

    def test_nothing_is_deferred(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "0 0 0") == (", ".join(["conforms eth0"] * 3), [])
        found, steps = self.run(tmp_path, "2 20000 1")
        assert found == ", ".join(["deviates eth0"] * 3)
        assert steps == [f"file {NET}/{name} = 0" for name in self.names]

    def test_busy_polling_wants_the_triple(self, tmp_path: Path) -> None:
        overrides = {"napi": {"mode": "busy-poll"}}
        found, steps = self.run(tmp_path, "0 0 0", overrides=overrides)
        assert found == "deviates eth0, deviates eth0, conforms eth0"
        assert steps == [f"file {NET}/{self.names[0]} = 2", f"file {NET}/{self.names[1]} = 200000"]
        assert self.run(tmp_path, "2 200000 0", overrides=overrides)[1] == []


class TestLink:
    good: dict[str, Any] = {  # noqa: RUF012
        f"{NET}/device/current_link_speed": "8.0 GT/s PCIe",
        f"{NET}/device/max_link_speed": "8.0 GT/s PCIe",
        f"{NET}/device/current_link_width": "8",
        f"{NET}/device/max_link_width": "8",
        f"{NET}/device/power/control": "on",
        POLICY: "default [performance] powersave",
    }

    def run(self, tmp_path: Path, **files: Any) -> tuple[list[str], list[str]]:
        given = {
            name.replace("__", f"{NET}/device/").replace("POLICY", POLICY): value
            for name, value in files.items()
        }
        found, steps = seen(tmp_path, "pcie", {**self.good, **given})
        return [text.split()[0] for text in found.split(", ")], steps

    def test_a_full_link_that_stays_awake_conforms(self, tmp_path: Path) -> None:
        assert self.run(tmp_path) == (["conforms"] * 4, [])

    def test_a_slow_or_narrow_link_is_for_whoever_opens_the_case(self, tmp_path: Path) -> None:
        for at, files in enumerate(({"__current_link_speed": "2.5 GT/s PCIe"},
                                    {"__current_link_width": "4"})):  # fmt: skip
            found, steps = self.run(tmp_path, **files)
            assert found == ["conforms"] * at + ["deviates"] + ["conforms"] * (3 - at)
            assert len(steps) == 1
            assert "FirmwareStep" in steps[0]
            (tmp_path / f"{NET}/device/current_link_speed".lstrip("/")).unlink()

    def test_speeds_are_numbers(self, tmp_path: Path) -> None:
        files = {"__current_link_speed": "16.0 GT/s PCIe", "__max_link_speed": "16 GT/s"}
        assert self.run(tmp_path, **files)[0][0] == "conforms"
        files = {"__current_link_speed": "8.0 GT/s PCIe", "__max_link_speed": "16.0 GT/s PCIe"}
        assert self.run(tmp_path, **files)[0][0] == "deviates"

    def test_what_the_device_does_not_know_is_unknown(self, tmp_path: Path) -> None:
        files = {"__current_link_speed": "Unknown", "__max_link_width": "255"}
        assert self.run(tmp_path, **files)[0] == ["unknown", "unknown", "conforms", "conforms"]

    def test_a_virtual_function_has_no_link(self, tmp_path: Path) -> None:
        files = {"__current_link_speed": "Unknown", "__physfn": Link("../pf")}
        assert self.run(tmp_path, **files)[0][:2] == ["not-applicable"] * 2

    def test_sleep_is_turned_off(self, tmp_path: Path) -> None:
        files = {"__power/control": "auto", "POLICY": "[default] performance powersave"}
        found, steps = self.run(tmp_path, **files)
        assert found == ["conforms", "conforms", "deviates", "deviates"]
        assert steps == [
            f"file {NET}/device/power/control = on",
            f"bracket {POLICY} = performance",
        ]
        (tmp_path / "proc").mkdir()
        (tmp_path / "proc/cmdline").write_text("quiet pcie_aspm=off\n", encoding="utf-8")
        assert self.run(tmp_path, **files)[0][3] == "conforms"

    def test_a_device_without_a_link_is_not_applicable(self, tmp_path: Path) -> None:
        assert seen(tmp_path, "pcie", {POLICY: "[default]"}) == ("not-applicable eth0", [])


@pytest.mark.needs_data(CAPTURES)
class TestCapturedServer:
    """Two sockets, a card at node 0 whose local CPUs are 0-7,16-23, in a slot of 2.5 GT/s."""

    def find(self, tree: HostTree, setting: str, hot: set[int]) -> list[Any]:
        target = Target(hot=frozenset(hot), interfaces=("enp96s0f0",))
        return list(BY_ID[setting].inspect(Host(tree, target)))

    def test_its_node(self, captured: Callable[[str], HostTree]) -> None:
        tree = captured("hwloc-32intel64-2p8co2t+8ve.tar.bz2")
        assert outcomes(self.find(tree, "nic-node", {2, 23})) == ["conforms enp96s0f0"]
        (found,) = self.find(tree, "nic-node", {2, 8})
        assert (found.conformity, found.reason) == ("deviates", "CPU 8 is remote")
        assert found.cost.value == 210

    def test_its_link_and_drops(self, captured: Callable[[str], HostTree]) -> None:
        tree = captured("hwloc-32intel64-2p8co2t+8ve.tar.bz2")
        speed, width, *_ = self.find(tree, "pcie", {2})
        assert (speed.conformity, speed.actual, speed.expected) == (
            "deviates",
            "speed 2.5 GT/s",
            "speed 8 GT/s",
        )
        assert speed.reason == "the slot only offers speed 2.5 GT/s"
        assert width.conformity == "conforms"
        assert outcomes(self.find(tree, "nic-rings", {2})) == ["conforms enp96s0f0"]

    @pytest.mark.parametrize("setting", ["nic-coalescing", "nic-queues", "nic-offloads"])
    def test_what_only_its_driver_knew_is_unknown(
        self, captured: Callable[[str], HostTree], setting: str
    ) -> None:
        tree = captured("hwloc-32intel64-2p8co2t+8ve.tar.bz2")
        assert outcomes(self.find(tree, setting, {2})) == ["unknown enp96s0f0"]


def test_an_import_of_the_settings_alone_brings_no_socket() -> None:
    """The ioctl's module costs milliseconds that a check without an interface need not pay."""
    code = (
        "import sys, host_tuning.settings.registry; print('host_tuning.facts.nic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
