"""Goal: what a driver is asked and told is what it says and does.

Method: real interfaces in a network namespace of their own, read by nic.py and by ethtool, an
independent peer. The namespace is entered by a thread that ends with the test, so that the
interfaces of the machine are never touched.
"""

import ctypes
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_tuning.facts import nic

CLONE_NEWNET = 0x40000000

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_tool("ip", "ethtool")]

Inside = Callable[..., object]


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def enter() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    run("ip", "link", "add", "iron0", "numrxqueues", "4", "numtxqueues", "4", "type", "veth",
        "peer", "iron1", "numrxqueues", "4", "numtxqueues", "4")  # fmt: skip
    run("ip", "tuntap", "add", "iron2", "mode", "tap")


@pytest.fixture(scope="module")
def inside() -> Iterator[Inside]:
    """Calls a function in the namespace: `inside(nic.read, "iron0", "channels", "rx")`."""
    before = os.readlink("/proc/thread-self/ns/net")
    with ThreadPoolExecutor(1) as thread:
        thread.submit(enter).result()
        assert thread.submit(os.readlink, "/proc/thread-self/ns/net").result() != before
        yield lambda function, *arguments: thread.submit(function, *arguments).result()


def printed(text: str, title: str) -> list[str]:
    """All values behind `title:` in what ethtool prints."""
    lines = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return [line[1].strip() for line in lines if line[0].strip() == title]


def test_channels_are_what_ethtool_says(inside: Inside) -> None:
    text = str(inside(run, "ethtool", "-l", "iron0"))
    assert printed(text, "RX") == [
        str(inside(nic.read, "iron0", "channels", name)) for name in ("rx_max", "rx")
    ]
    assert printed(text, "TX")[0] == "4"


def test_a_channel_count_is_written_and_the_others_stay(inside: Inside) -> None:
    inside(nic.write, "iron0", "channels", "rx", 4)
    inside(nic.write, "iron0", "channels", "tx", "2")
    text = str(inside(run, "ethtool", "-l", "iron0"))
    assert printed(text, "RX")[1] == "4"
    assert printed(text, "TX")[1] == "2"


def test_features_are_what_ethtool_says(inside: Inside) -> None:
    lines = str(inside(run, "ethtool", "-k", "iron0")).splitlines()[1:]
    peer = {}
    for line in lines:
        name, _, words = line.strip().partition(":")
        peer[name] = (words.split()[0] == "on", "[fixed]" in words)
    found = inside(nic.features, "iron0")
    assert isinstance(found, dict)
    same = {name: (one.active, one.fixed) for name, one in found.items() if name in peer}
    assert len(same) > 30  # the rest has other names in ethtool -k
    assert same == {name: peer[name] for name in same}
    assert peer["generic-receive-offload"][0] == found["rx-gro"].active
    assert peer["large-receive-offload"] == (False, True)
    assert found["rx-lro"] == nic.Feature(active=False, fixed=True)


def test_a_feature_is_written_and_read_back(inside: Inside) -> None:
    for value in ("off", "on", "off"):
        inside(nic.write, "iron0", "feature", "gro", value)
        assert inside(nic.read, "iron0", "feature", "rx-gro") == value
        text = str(inside(run, "ethtool", "-k", "iron0"))
        assert printed(text, "generic-receive-offload") == [value]


def test_a_fixed_feature_is_refused(inside: Inside) -> None:
    with pytest.raises(OSError, match="fixed rx-lro") as caught:
        inside(nic.write, "iron0", "feature", "lro", "on")
    assert caught.value.errno == errno.EOPNOTSUPP


def test_coalescing_is_written_and_read_back(inside: Inside) -> None:
    inside(nic.write, "iron2", "coalesce", "rx_frames", 7)
    text = str(inside(run, "ethtool", "-c", "iron2"))
    assert printed(text, "rx-frames") == ["7"]
    run_sheet = inside(nic.sheet, "iron2", "coalesce")
    assert isinstance(run_sheet, dict)
    assert {name: value for name, value in run_sheet.items() if value} == {"rx_frames": 7}


@pytest.mark.parametrize(
    ("what", "field", "value", "number"),
    [
        ("coalesce", "rx_usecs", "5", errno.EOPNOTSUPP),  # a tap only knows rx_frames
        ("rings", "rx", "64", errno.EOPNOTSUPP),
        ("feature", "no-such-feature", "on", errno.EOPNOTSUPP),
    ],
)
def test_what_a_driver_lacks_is_its_own_errno(
    inside: Inside, what: str, field: str, value: str, number: int
) -> None:
    with pytest.raises(OSError, match=r".") as caught:
        inside(nic.write, "iron2", what, field, value)
    assert caught.value.errno == number


def test_a_count_above_the_driver_s_maximum_is_refused(inside: Inside) -> None:
    before = inside(nic.sheet, "iron0", "channels")
    with pytest.raises(OSError, match=r".") as caught:
        inside(nic.write, "iron0", "channels", "rx", 5)
    assert caught.value.errno == errno.EINVAL
    assert inside(nic.sheet, "iron0", "channels") == before


@pytest.mark.parametrize("name", ["nothing", "", "a-name-that-is-too-long"])
def test_an_interface_that_is_not_there_is_enodev(inside: Inside, name: str) -> None:
    with pytest.raises(OSError, match=r".") as caught:
        inside(nic.read, name, "channels", "rx")
    assert caught.value.errno == errno.ENODEV


def test_values_that_make_no_sense_are_refused_before_the_driver(inside: Inside) -> None:
    with pytest.raises(ValueError, match="expected on or off"):
        inside(nic.write, "iron0", "feature", "gro", "1")
    with pytest.raises(ValueError, match="expected 32 bits"):
        inside(nic.write, "iron2", "coalesce", "rx_frames", 1 << 32)
    with pytest.raises(KeyError):
        inside(nic.write, "iron2", "coalesce", "no_such_field", 1)


def test_driver_and_time_stamping_are_what_ethtool_says(inside: Inside) -> None:
    text = str(inside(run, "ethtool", "-i", "iron0"))
    found = inside(nic.driver, "iron0")
    assert isinstance(found, nic.Driver)
    assert [found.name] == printed(text, "driver")
    assert [found.version] == printed(text, "version")
    stamps = inside(nic.time_stamping, "iron0")
    assert isinstance(stamps, nic.TimeStamping)
    text = str(inside(run, "ethtool", "-T", "iron0"))
    assert ("software-receive" in text) == bool(stamps.so_timestamping & 1 << 3)
    assert ("software-transmit" in text) == bool(stamps.so_timestamping & 1 << 1)
    assert stamps.phc_index == -1
    assert printed(text, "PTP Hardware Clock") == ["none"]


def test_an_interface_without_a_hash_table_says_so(inside: Inside) -> None:
    with pytest.raises(OSError, match=r".") as caught:
        inside(nic.indirection, "iron0")
    assert caught.value.errno == errno.EOPNOTSUPP
