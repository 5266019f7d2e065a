"""Goal: Onload is judged where it is loaded or wanted, and AF_XDP told where the kernel has it.

Method: small trees of /sys/module and of interfaces with several drivers.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.host.trees import Link, driven, host, outcomes

from host_tuning.settings.registry import BY_ID

PROTOCOLS = {"/proc/net/protocols": "protocol  size sockets\nXDP       1088      0\nTCP       2432"}
LOADED: dict[str, Any] = {
    "/sys/module/onload/version": "9.0.2.140",
    "/sys/module/sfc_resource/refcnt": "1",
    "/dev/onload": "",
    **PROTOCOLS,
}
CARD = {
    "/sys/class/net/eth0/device/driver": Link("../../bus/pci/drivers/sfc"),
    "/sys/class/net/eth1/device/driver": Link("../../bus/pci/drivers/ice"),
    "/sys/class/net/lo/type": "772",
}
NAMES = ("eth0", "eth1", "lo")


def test_a_host_without_onload_has_only_its_sockets_to_tell(tmp_path: Path) -> None:
    one = driven(tmp_path, {"/sys/module/x/refcnt": "1", **PROTOCOLS})
    assert outcomes(BY_ID["onload"].inspect(one)) == ["not-applicable host", "report host"]


def test_onload_that_is_wanted_and_absent_deviates(tmp_path: Path) -> None:
    files = {"/sys/module/sfc/refcnt": "1", **PROTOCOLS}
    one = driven(tmp_path, files, overrides={"onload": {"use": "yes"}})
    found = list(BY_ID["onload"].inspect(one))
    assert outcomes(found) == ["deviates host", "report host"]
    assert found[0].reason == "the module onload is not loaded; loaded: sfc"


def test_onload_drives_its_own_cards_and_others_by_af_xdp(tmp_path: Path) -> None:
    files = {**LOADED, **CARD, "/sys/module/sfc_resource/afxdp/register": ""}
    found = list(BY_ID["onload"].inspect(driven(tmp_path, files, interfaces=NAMES)))
    assert outcomes(found) == [
        "conforms host",
        "conforms eth0",
        "report eth1",
        "not-applicable lo",
        "report host",
    ]
    assert found[0].actual == "loaded, version 9.0.2.140"
    assert "only through AF_XDP" in found[2].reason


def test_without_registration_other_cards_have_no_way(tmp_path: Path) -> None:
    found = list(BY_ID["onload"].inspect(driven(tmp_path, {**LOADED, **CARD}, interfaces=NAMES)))
    assert "cannot drive it" in found[2].reason


def test_a_module_without_its_device_deviates(tmp_path: Path) -> None:
    files = {"/sys/module/onload/version": "9.0.2.140", **PROTOCOLS}
    assert outcomes(BY_ID["onload"].inspect(driven(tmp_path, files)))[0] == "deviates host"


def test_a_capture_without_the_device_proves_nothing(tmp_path: Path) -> None:
    files = {"/sys/module/onload/version": "9.0.2.140", **PROTOCOLS}
    assert outcomes(BY_ID["onload"].inspect(host(tmp_path, files)))[0] == "unknown host"


@pytest.mark.parametrize(
    ("text", "actual"),
    [("head\nXDP 1\nTCP 2", "AF_XDP sockets"), ("head\nNOXDP 1\nTCP 2", "no AF_XDP sockets")],
)
def test_af_xdp_is_told_by_the_list_of_protocols(tmp_path: Path, text: str, actual: str) -> None:
    one = driven(tmp_path, {"/sys/module/x/refcnt": "1", "/proc/net/protocols": text})
    assert list(BY_ID["onload"].inspect(one))[-1].actual == actual


def test_a_capture_without_modules_is_unknown(tmp_path: Path) -> None:
    one = host(tmp_path, {"/proc/cpuinfo": "x"})
    assert outcomes(BY_ID["onload"].inspect(one)) == ["unknown host", "unknown host"]
