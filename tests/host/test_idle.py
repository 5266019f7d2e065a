"""Goal: idle states are judged by the exit latency of what is enabled, and by the limits in force.

Method: built trees with Intel's and AMD's states, limits of every kind, guests, kernels without
the file that disables a state; and captures, where the latencies are those of real processors.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.judging import (
    BARE,
    CPU,
    GRUB,
    GUEST,
    build,
    findings,
    on_capture,
    only,
    said,
    steps,
)
from tests.host.trees import CAPTURES, UNREADABLE

from host_tuning.common.verdict import Conformity
from host_tuning.facts.identity import Identity
from host_tuning.facts.tree import HostTree
from host_tuning.target.host import Host
from host_tuning.target.target import Target

INTEL = (("POLL", 0), ("C1", 2), ("C1E", 10), ("C6", 133))
AMD = (("POLL", 0), ("C1", 0), ("C2", 100))


def idle(
    states: tuple[tuple[str, int], ...] = INTEL,
    off: str = "",
    driver: str = "intel_idle",
    cpu: int = 2,
) -> dict[str, Any]:
    """The files of a CPU's idle states; those named in `off` are disabled."""
    files: dict[str, Any] = {f"{CPU}/cpuidle/current_driver": driver}
    for at, (name, latency_us) in enumerate(states):
        base = f"{CPU}/cpu{cpu}/cpuidle/state{at}"
        files[f"{base}/name"] = name
        files[f"{base}/latency"] = str(latency_us)
        files[f"{base}/disable"] = "1" if name in off.split() else "0"
    return files


def one(tmp_path: Path, files: dict[str, Any], **kwargs: Any) -> Host:
    return build(tmp_path, files, {2}, **kwargs)


def test_an_enabled_deep_state_deviates_though_the_governor_is_performance(tmp_path: Path) -> None:
    governor = {f"{CPU}/cpu2/cpufreq/scaling_governor": "performance"}
    found = only(one(tmp_path, idle() | governor), "c-states")
    assert found.conformity is Conformity.DEVIATES
    assert found.actual == "POLL 0 us, C1 2 us, C1E 10 us, C6 133 us"
    assert (found.cost.source, found.cost.value, found.cost.unit) == ("sysfs", 133_000, "ns")
    assert "C6" in found.reason


def test_disabled_deep_states_conform(tmp_path: Path) -> None:
    host = one(tmp_path, idle(off="C1E C6"))
    assert said(host, "c-states") == {"cpu 2": "conforms"}
    assert steps(host, "c-states") == []


def test_each_deep_state_is_disabled_by_a_write_of_its_own(tmp_path: Path) -> None:
    assert steps(one(tmp_path, idle(off="C6")), "c-states") == [
        f"file {CPU}/cpu2/cpuidle/state2/disable = 1"
    ]


def test_amd_has_a_first_state_without_latency(tmp_path: Path) -> None:
    host = one(tmp_path, idle(AMD, off="C2", driver="acpi_idle"))
    assert said(host, "c-states") == {"cpu 2": "conforms"}
    host = one(tmp_path / "on", idle(AMD, driver="acpi_idle"))
    assert steps(host, "c-states") == [f"file {CPU}/cpu2/cpuidle/state2/disable = 1"]


@pytest.mark.parametrize(
    ("limit", "conformity"),
    [("n/a", "conforms"), ("0", "deviates"), ("9", "conforms"), ("10", "deviates")],
)
def test_a_resume_limit_of_zero_is_none_and_na_is_the_strictest(
    tmp_path: Path, limit: str, conformity: str
) -> None:
    files = idle() | {f"{CPU}/cpu2/power/pm_qos_resume_latency_us": limit}
    assert said(one(tmp_path, files), "c-states") == {"cpu 2": conformity}


@pytest.mark.parametrize(
    ("held_us", "conformity"), [(0, "conforms"), (200, "deviates"), (2_000_000_000, "deviates")]
)
def test_a_held_dma_latency_counts_while_it_is_held(
    tmp_path: Path, held_us: int, conformity: str
) -> None:
    data = held_us.to_bytes(4, sys.byteorder, signed=True)
    found = only(one(tmp_path, idle() | {"/dev/cpu_dma_latency": data}), "c-states")
    assert found.conformity == conformity
    assert ("for as long as" in found.reason) is (conformity == "conforms")


def test_the_limit_is_an_option(tmp_path: Path) -> None:
    host = one(tmp_path, idle(off="C6"), overrides={"c-states": {"latency_us": 10}})
    assert said(host, "c-states") == {"cpu 2": "conforms"}
    host = one(tmp_path / "x", idle(), overrides={"c-states": {"latency_us": 132}})
    assert said(host, "c-states") == {"cpu 2": "deviates"}


def test_a_kernel_without_disable_is_told_a_limit_or_an_argument(tmp_path: Path) -> None:
    files = {name: text for name, text in idle().items() if not name.endswith("disable")}
    host = one(tmp_path, files)
    assert said(host, "c-states") == {"cpu 2": "deviates"}
    assert steps(host, "c-states") == [
        "boot intel_idle.max_cstate=1",
        "boot processor.max_cstate=1",
    ]
    qos = f"{CPU}/cpu2/power/pm_qos_resume_latency_us"
    host = one(tmp_path / "qos", files | {qos: "0"})
    assert steps(host, "c-states") == [f"file {qos} = 2"]


@pytest.mark.parametrize(
    ("argument", "conformity"),
    [
        ("intel_idle.max_cstate=1", "next-boot"),
        ("idle=poll", "next-boot"),
        ("intel_idle.max_cstate=10", "deviates"),
        ("processor.max_cstate=1", "deviates"),
    ],
)
def test_the_next_boots_argument_counts_for_the_driver_in_use(
    tmp_path: Path, argument: str, conformity: str
) -> None:
    host = one(tmp_path, idle() | {GRUB: f'GRUB_CMDLINE_LINUX="{argument}"'})
    assert said(host, "c-states") == {"cpu 2": conformity}


def test_idle_poll_never_sleeps(tmp_path: Path) -> None:
    assert said(one(tmp_path, idle() | {"/proc/cmdline": "idle=poll"}), "c-states") == {
        "cpu 2": "conforms"
    }


@pytest.mark.parametrize("driver", ["haltpoll", "none"])
def test_a_guest_cannot_tell_the_states_of_its_host(tmp_path: Path, driver: str) -> None:
    files = idle((("POLL", 0), ("haltpoll idle", 1)), driver=driver)
    assert said(one(tmp_path, files, identity=GUEST), "c-states") == {"cpu 2": "unknown"}


def test_a_guest_that_is_shown_real_states_is_judged(tmp_path: Path) -> None:
    assert said(one(tmp_path, idle(), identity=GUEST), "c-states") == {"cpu 2": "deviates"}


def test_unreadable_and_absent(tmp_path: Path) -> None:
    latency = {f"{CPU}/cpu2/cpuidle/state3/latency": UNREADABLE}
    found = only(one(tmp_path / "a", idle() | latency), "c-states")
    assert (found.conformity, "EISDIR" in found.reason) == (Conformity.UNKNOWN, True)
    qos = {f"{CPU}/cpu2/power/pm_qos_resume_latency_us": UNREADABLE}
    assert said(one(tmp_path / "b", idle() | qos), "c-states") == {"cpu 2": "unknown"}
    disable = {f"{CPU}/cpu2/cpuidle/state3/disable": UNREADABLE}
    assert said(one(tmp_path / "c", idle() | disable), "c-states") == {"cpu 2": "unknown"}
    no_driver = {f"{CPU}/cpuidle/current_driver": "none"}
    assert said(one(tmp_path / "d", no_driver), "c-states") == {"cpu 2": "not-applicable"}
    partial = only(one(tmp_path / "e", {f"{CPU}/cpuidle/current_driver": "intel_idle"}), "c-states")
    assert (partial.conformity, "not in this capture" in partial.reason) == ("unknown", True)


def test_without_hot_cpus_nothing_is_judged(tmp_path: Path) -> None:
    assert said(build(tmp_path, idle(), set()), "c-states") == {"host": "not-applicable"}


@pytest.mark.needs_data(CAPTURES)
@pytest.mark.parametrize(
    ("archive", "identity", "conformity"),
    [
        # state2 `C2`, latency 100, disable 0 on each CPU; scaling_governor is performance.
        ("ul-x86_64-epyc_7451.tar.gz", BARE, "deviates"),
        # The guest is shown its host's acpi_idle: state2 `C2`, latency 100, disable 0.
        ("ul-vmware_fpe.tar.gz", Identity("vm", "VMware"), "deviates"),
        # current_driver is `none`.
        ("pcp-sysfs-numa-001.tgz", GUEST, "unknown"),
        # current_driver is intel_idle, and no state was captured.
        ("hwloc-32intel64-2p8co2t+8ve.tar.bz2", BARE, "unknown"),
        ("hwloc-offline-cpu0-node0.tar.bz2", BARE, "unknown"),
    ],
)
def test_captures(
    captured: Callable[[str], HostTree], archive: str, identity: Identity, conformity: str
) -> None:
    host = on_capture(Host(captured(archive), Target(hot=frozenset({5}))), identity)
    (found,) = findings(host, "c-states")
    assert found.conformity == conformity
    if conformity == "deviates":
        assert found.actual == "POLL 0 us, C1 0 us, C2 100 us"
        assert found.cost.value == 100_000
