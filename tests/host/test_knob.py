"""Goal: settings that are one number in one file judge and write that number, and nothing else.

Method: for each file of compaction, same-page merging, reclaim, NUMA balancing, busy polling and
TCP: a good, a bad, an absent, an unreadable and a senseless value, and a capture without it.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.host.trees import UNREADABLE, driven, host, outcomes, written

from host_tuning.common.verdict import Finding
from host_tuning.settings.registry import BY_ID

VM = "/proc/sys/vm"
CORE = "/proc/sys/net/core"
IPV4 = "/proc/sys/net/ipv4"

# (setting, file, numbers that conform, numbers that deviate, what is written)
FILES = [
    ("compaction", f"{VM}/compaction_proactiveness", "0", "20 1", 0),
    ("compaction", f"{VM}/compact_unevictable_allowed", "0", "1", 0),
    ("ksm", "/sys/kernel/mm/ksm/run", "0 2", "1", 0),
    ("vm-policy", f"{VM}/zone_reclaim_mode", "0", "1 4", 0),
    ("numa-balancing", "/proc/sys/kernel/numa_balancing", "0", "1 2", 0),
    ("busy-poll", f"{CORE}/busy_read", "50 1", "0", 50),
    ("busy-poll", f"{CORE}/busy_poll", "50 12", "0", 50),
    ("tcp", f"{IPV4}/tcp_slow_start_after_idle", "0", "1", 0),
    ("tcp", f"{IPV4}/tcp_autocorking", "0", "1", 0),
    ("tcp", f"{IPV4}/tcp_fastopen", "3 1027", "0 1 2", 3),
    ("tcp", f"{CORE}/rmem_max", "4194304 16777216", "212992", 4194304),
    ("tcp", f"{CORE}/wmem_max", "4194304", "212992", 4194304),
    ("writeback", f"{VM}/dirty_ratio", "10 5", "20 11", 10),
    ("writeback", f"{VM}/dirty_background_ratio", "3 0", "10 4", 3),
]
NAMES = [f"{setting} {path.rpartition('/')[2]}" for setting, path, *_ in FILES]


def of_file(setting: str, path: str, findings: Iterable[Finding]) -> Finding:
    found = [one for one in findings if one.paths[:1] == (path,)]
    assert len(found) == 1, setting
    return found[0]


@pytest.mark.parametrize(("setting", "path", "good", "bad", "new"), FILES, ids=NAMES)
class TestFile:
    def test_good_values_conform(
        self, tmp_path: Path, setting: str, path: str, good: str, bad: str, new: int
    ) -> None:
        for value in good.split():
            one = host(tmp_path, {path: value})
            found = of_file(setting, path, BY_ID[setting].inspect(one))
            assert (found.conformity, found.actual, found.fix) == ("conforms", value, ())
            assert found.parsed == int(value)
            assert written(BY_ID[setting].steps(one)) == []

    def test_bad_values_deviate_and_are_written_and_taken_back(
        self, tmp_path: Path, setting: str, path: str, good: str, bad: str, new: int
    ) -> None:
        for value in bad.split():
            one = host(tmp_path, {path: value})
            found = of_file(setting, path, BY_ID[setting].inspect(one))
            assert found.conformity == "deviates"
            assert found.fix == (f"echo {new} | sudo tee {path}",)
            assert found.undo == (f"echo {value} | sudo tee {path}",)
            assert written(BY_ID[setting].steps(one)) == [f"file {path} = {new}"]

    def test_an_unreadable_or_senseless_file_is_unknown(
        self, tmp_path: Path, setting: str, path: str, good: str, bad: str, new: int
    ) -> None:
        for at, content in enumerate((UNREADABLE, "", "much", "1 2")):
            one = host(tmp_path / str(at), {path: content})
            found = of_file(setting, path, BY_ID[setting].inspect(one))
            assert found.conformity == "unknown"
            assert path in found.reason
            assert written(BY_ID[setting].steps(one)) == []

    def test_a_host_without_it_is_not_applicable_a_capture_without_it_unknown(
        self, tmp_path: Path, setting: str, path: str, good: str, bad: str, new: int
    ) -> None:
        beside = f"{path.rpartition('/')[0]}/something_else"
        for made, files, expected in (
            (driven, {"/proc/x": ""}, "not-applicable"),  # live: the kernel has no such file
            (host, {beside: "1"}, "not-applicable"),  # the capture has the directory
            (host, {"/proc/x": ""}, "unknown"),
        ):
            one = made(tmp_path / expected / made.__name__, files)
            found = of_file(setting, path, BY_ID[setting].inspect(one))
            assert found.conformity == expected
            assert found.reason
            assert written(BY_ID[setting].steps(one)) == []


def test_fast_open_keeps_the_bits_that_others_set(tmp_path: Path) -> None:
    one = host(tmp_path, {f"{IPV4}/tcp_fastopen": "1025"})
    assert written(BY_ID["tcp"].steps(one)) == [f"file {IPV4}/tcp_fastopen = 1027"]


def test_pages_that_stay_merged_are_taken_apart(tmp_path: Path) -> None:
    run = "/sys/kernel/mm/ksm/run"
    shared = {"/sys/kernel/mm/ksm/pages_shared": "12"}
    for value, expected in (("0", "deviates host"), ("1", "deviates host"), ("2", "conforms host")):
        one = host(tmp_path, {run: value, **shared})
        assert outcomes(BY_ID["ksm"].inspect(one)) == [expected]
        steps = [f"file {run} = 2"] if expected.startswith("deviates") else []
        assert written(BY_ID["ksm"].steps(one)) == steps


def test_the_site_s_own_numbers_count(tmp_path: Path) -> None:
    files = {f"{CORE}/rmem_max": "8388608", f"{VM}/dirty_ratio": "15", f"{CORE}/busy_read": "0"}
    overrides = {
        "tcp": {"rmem_max_bytes": 16 << 20},
        "writeback": {"dirty_ratio_max": 15},
        "busy-poll": {"us": 25},
    }
    one = host(tmp_path, files, overrides=overrides)
    assert written(BY_ID["tcp"].steps(one)) == [f"file {CORE}/rmem_max = 16777216"]
    assert written(BY_ID["writeback"].steps(one)) == []
    assert written(BY_ID["busy-poll"].steps(one)) == [f"file {CORE}/busy_read = 25"]


def test_sockets_that_poll_for_themselves_need_no_sysctl(tmp_path: Path) -> None:
    files = {f"{CORE}/busy_read": "0", f"{CORE}/busy_poll": "0"}
    one = host(tmp_path, files, overrides={"busy-poll": {"mode": "socket"}})
    assert outcomes(BY_ID["busy-poll"].inspect(one)) == ["report host"] * 2
    assert written(BY_ID["busy-poll"].steps(one)) == []


def test_interfaces_without_a_driver_cannot_be_polled(tmp_path: Path) -> None:
    files = {f"{CORE}/busy_read": "0", "/sys/class/net/lo/type": "772"}
    one = host(tmp_path, files, interfaces=("lo",))
    assert outcomes(BY_ID["busy-poll"].inspect(one)) == ["not-applicable host"]
    assert written(BY_ID["busy-poll"].steps(one)) == []
    files |= {"/sys/class/net/eth0/device/vendor": "0x8086"}
    one = host(tmp_path, files, interfaces=("lo", "eth0"))
    assert outcomes(BY_ID["busy-poll"].inspect(one))[0] == "deviates host"


def test_dirty_bytes_take_the_place_of_the_ratio(tmp_path: Path) -> None:
    files = {f"{VM}/dirty_ratio": "0", f"{VM}/dirty_bytes": "1048576"}
    findings = list(BY_ID["writeback"].inspect(host(tmp_path, files)))
    told = [one for one in findings if one.conformity == "report"]
    assert [one.parsed for one in told] == [1048576]
    assert not [one for one in findings if one.paths == (f"{VM}/dirty_ratio",)]


def test_overcommit_is_reported_and_never_judged(tmp_path: Path) -> None:
    files = {f"{VM}/zone_reclaim_mode": "0", f"{VM}/overcommit_memory": "1"}
    assert outcomes(BY_ID["vm-policy"].inspect(host(tmp_path, files))) == [
        "conforms host",
        "report host",
    ]
