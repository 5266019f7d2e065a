"""Goal: what an operator can get wrong about CPUs, interfaces and host files is said by key.

Method: small trees and files, each wrong in one way.
"""

import datetime
import re
from pathlib import Path

import pytest
from tests.host.trees import cpus, tree

from host_tuning import cli
from host_tuning.common.errors import ToolError
from host_tuning.facts.topology import read_topology
from host_tuning.settings.network_queues import CHANNELS
from host_tuning.settings.swap import DIRTY_MAX
from host_tuning.target import site_options
from host_tuning.target.host import Host
from host_tuning.target.host_file import load
from host_tuning.target.target import Target, from_options, settle


def settled(tmp_path: Path, hot: str, keepers: str | None = None, *nics: str) -> Target:
    files = cpus(4) | {
        "/sys/devices/system/cpu/online": "0-2",
        "/sys/class/net/eth0/mtu": "1500",
    }
    host = tree(tmp_path, files)
    target = from_options(Target(), hot, keepers, list(nics))
    return settle(target, read_topology(host), host)


def test_housekeeping_is_every_other_online_cpu(tmp_path: Path) -> None:
    assert settled(tmp_path, "1", None, "eth0").housekeeping == {0, 2}
    assert settled(tmp_path / "b", "1", "0").housekeeping == {0}


@pytest.mark.parametrize(
    ("hot", "keepers", "nics", "message"),
    [
        ("9", None, (), r"hot: CPU 9 is absent, expected some of the present CPUs 0-3"),
        ("3", None, (), r"hot: CPU 3 is offline, expected some of the online CPUs 0-2"),
        ("1", "3", (), r"housekeeping: CPU 3 is offline"),
        ("1-2", "0-1", (), r"CPU 1 is both hot and housekeeping"),
        ("0-2", None, (), r"hot: found all online CPUs \(0-2\)"),
        ("1", None, ("eth9",), r"interface: found 'eth9', expected one of eth0"),
        ("1", None, ("../net",), r"interface: found '../net'"),
    ],
)
def test_a_wrong_target_is_refused(
    tmp_path: Path, hot: str, keepers: str | None, nics: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ToolError, match=message):
        settled(tmp_path, hot, keepers, *nics)


HOST_FILE = """\
host:
  profile: bare-metal
  hot: 2-3
  housekeeping: 0
  interfaces: [eth1]
  huge_pages: {0: 512}
  overrides: {c-states: {latency_us: 10}}
  severities: {turbo: wanted}
  waivers: [{id: smt, reason: on order, until: 2027-01-31}]
"""


def test_a_host_file_says_everything(tmp_path: Path) -> None:
    path = tmp_path / "host.yaml"
    path.write_text(HOST_FILE)
    target = load(path)
    assert target.hot == {2, 3}
    assert target.housekeeping == {0}
    assert target.interfaces == ("eth1",)
    assert target.huge_pages == {0: 512}
    assert target.option("c-states", "latency_us", 2) == 10
    assert target.option("c-states", "other", 2) == 2
    assert target.severities == {"turbo": "wanted"}
    assert target.waivers[0].until == datetime.date(2027, 1, 31)


def test_a_venue_file_says_it_by_its_placement(tmp_path: Path) -> None:
    path = tmp_path / "venue.yaml"
    path.write_text(
        "streams: {market_data: {a: {interface: eth1}, b: {interface: 10.0.0.5}}}\n"
        "placement: {processes: {venue: {threads: [{cpu: 2}, {cpu: 5}, {name: x}]}}}\n"
    )
    target = load(path)
    assert target.hot == {2, 5}
    assert target.interfaces == ("eth1",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"found NoneType, expected keys"),
        ("a: b", r"neither `host` .* nor `placement`"),
        ("host: {hott: 1}", r"host\.hott: found 1, expected one of the keys"),
        ("host: {hot: [1]}", r"host\.hot: found \[1\], expected a CPU list"),
        ("host: {hot: 3-1}", r"host\.hot: found '3-1'"),
        ("host: {hot: yes}", r"host\.hot: found True"),
        ("host: {interfaces: eth0}", r"host\.interfaces: found 'eth0', expected a list"),
        ("host: {huge_pages: {0: many}}", r"host\.huge_pages: found \{0: 'many'\}"),
        ("host: {severities: {smt: urgent}}", r"severities\.smt: found 'urgent'"),
        ("host: {waivers: [{id: smt}]}", r"waivers\[0\]: .* expected the keys"),
        (
            "host: {waivers: [{id: smt, reason: x, until: soon}]}",
            r"waivers\[0\]\.until: found 'soon', expected a date",
        ),
        ("host: {hot: 1}\nhost: {hot: 2}", r"no YAML: line 2: key 'host' is given twice"),
        ("host: {", r"no YAML"),
        ("host: {? {a: b} : c}", r"no YAML: line 1: found \{'a': 'b'\}, expected a key"),
        ("host: " + "[" * 5000, r"no YAML: nested too deeply"),
        (
            "host: {waivers: [{id: smt, reason: x, until: 2027-01-31 10:00:00}]}",
            r"waivers\[0\]\.until: found datetime.*, expected a date",
        ),
        ("host: {hot: 1}\nvenue: {}", r"venue: .* only the section `host`"),
        ("placement: {processes: {a: {threads: [{cpu: x}]}}}", r"threads\[0\]\.cpu: found 'x'"),
    ],
)
def test_a_wrong_host_file_is_refused_by_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "host.yaml"
    path.write_text(text)
    with pytest.raises(ToolError, match=message) as refused:
        load(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("name", ["", ".", "..", "eth0/", "../net/eth0"])
def test_an_interface_is_a_name_and_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ToolError, match=r"interface: found .*, expected one of eth0"):
        settled(tmp_path, "1", None, name)


@pytest.mark.parametrize("text", ["", " ", "(null)"])
def test_an_option_without_a_cpu_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ToolError, match=r"--cpus: found .*, expected a CPU list"):
        settled(tmp_path, text)
    with pytest.raises(ToolError, match=r"--housekeeping: found .*, expected a CPU list"):
        settled(tmp_path, "1", text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("severities: {nope: wanted}", "severities"),
        ("overrides: {nope: {}}", "overrides"),
        ("waivers: [{id: nope, reason: x, until: 2027-01-31}]", "waivers"),
    ],
)
def test_an_unknown_setting_is_named_with_file_and_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, key: str
) -> None:
    path = tmp_path / "host.yaml"
    path.write_text(f"host: {{{text}}}")
    built = tree(tmp_path / "tree", cpus(4)).root
    assert cli.main(["--check", "--config", str(path), "--cpus", "1", "--root", str(built)]) == 1
    said = capsys.readouterr().err
    assert f"{path} and command line: host.{key}: found 'nope'" in said


def test_what_no_command_reads_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(["--check", "--cpus", "2", "3"])
    assert refused.value.code == 1
    assert "found '3', expected options only" in capsys.readouterr().err


def test_a_missing_host_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"none\.yaml: No such file"):
        load(tmp_path / "none.yaml")


def test_options_of_the_wrong_kind_are_refused(tmp_path: Path) -> None:
    target = Target(overrides={"c-states": {"latency_us": "low"}}, source="h.yaml")
    with pytest.raises(ToolError, match=r"h\.yaml: overrides\.c-states\.latency_us: found 'low'"):
        target.option("c-states", "latency_us", 2)
    with pytest.raises(ToolError, match=r"expected one of on, off"):
        target.word("c-states", "latency_us", "on", ("on", "off"))


def test_links_of_a_capture_stay_inside(tmp_path: Path) -> None:
    host = tree(tmp_path, cpus(2))
    (tmp_path / "sys/escape").symlink_to("/etc")
    (tmp_path / "sys/inside").symlink_to("/proc/cmdline")
    assert host.read("/sys/escape/hostname").missing
    assert host.read("/sys/inside").value == "root=/dev/vda"
    assert not Host(host, Target()).live


def test_every_option_that_a_setting_asks_for_is_documented_and_no_other() -> None:
    source = Path(site_options.__file__).parents[1] / "settings"
    asked: set[tuple[str, str]] = set()
    computed = {  # names that are no plain text where they are asked for
        ("nic-rings", "one"): ("rx", "tx"),
        ("nic-queues", "kind"): CHANNELS,
        ("writeback", 'f"{name}_max"'): tuple(f"{name}_max" for name in DIRTY_MAX),
    }
    for path in source.glob("*.py"):
        pattern = r"\.(?:option|word)\(\s*\"([a-z-]+)\",\s*([^,)]+)"
        for setting, name in re.findall(pattern, path.read_text()):
            plain = re.fullmatch(r'"([a-z_]+)"', name)
            names = (plain[1],) if plain else computed[setting, name]
            asked |= {(setting, one) for one in names}
    documented = {(one, name) for one, names in site_options.OPTIONS.items() for name in names}
    assert asked == documented


def test_an_option_that_no_setting_has_is_refused() -> None:
    target = Target(overrides={"c-states": {"latency": 3}}, source="h.yaml")
    with pytest.raises(ToolError, match=r"h\.yaml: overrides\.c-states\.latency: unknown, .*_us"):
        site_options.refuse_unknown(target)
    with pytest.raises(ToolError, match=r"smt\.x: unknown, expected none"):
        site_options.refuse_unknown(Target(overrides={"smt": {"x": 3}}))
