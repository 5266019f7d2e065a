"""Goal: the units do in a real systemd what the runbook says of them: the venue starts and says so,
its stages sit on their cores with their real-time priority, it comes back after SIGKILL and after
standing still, and stops cleanly.

Method: systemd-nspawn boots a small Debian; wheel and units are installed in it as the runbook does
it. The stages back off when idle, so that a real-time thread starves nobody on this machine. Cores
are those that this process may use; the container has no others than the machine. Both threads of
stages have one to themselves where there are three or more. On two only the matcher has: no two
pinned threads may share a core, so that the front runs on the other one, with everything else.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from tests.boot import debian
from tests.boot.container import Container, until
from tests.host.installed import install

from host_tuning.common.cpulist import parse_list

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_tool("systemd-nspawn", "mmdebstrap")]

UNIT = "ironpit@metal.service"
CPUS = sorted(os.sched_getaffinity(0))
# What is pinned, and where: two CPUs carry the matcher and everything else.
PINNED = ("front", "matcher") if len(CPUS) > 2 else ("matcher",)
CORES = dict(zip(PINNED, CPUS[-len(PINNED) :], strict=True))
KEEPERS = CPUS[: -len(PINNED)]
PRIORITIES = {"front": 11, "matcher": 12}
VENUE = """
venue: {{name: METAL, data_directory: /var/lib/ironpit/metal}}
instruments: [{{symbol: BTCUSD, tick_size: "0.01", price_max: "1000.00"}}]
sessions: [{{username: ALFA1, firm: ALFA}}]
credentials: metal-credentials.yaml
order_entry: {{listen: "10.0.0.5:26100", replies_max: 1MiB}}
streams:
  orders: {{path: /dev/shm/ironpit-metal/orders.ring, capacity: 64KiB, huge_pages: off}}
  events:
    {{path: /dev/shm/ironpit-metal/events.ring, capacity: 1MiB, huge_pages: off, lock: require}}
  market_data:
    a: {{group: "239.192.7.1:26400", interface: eth1}}
    rerequest: {{listen: "10.0.0.5:26500"}}
journal: {{directory: journal, segment: 1MiB, durability: before-reply}}
placement:
  processes:
    front:
      threads: [{{name: front, stages: [gateway, journal, publisher]{front}}}]
    matcher:
      threads: [{{name: matcher, stages: [matcher]{matcher}}}]
"""
HOST = "host: {profile: container}\n"
# A cable with both ends in the container: eth1 has a carrier while the other end is up.
NETWORK = {
    "eth1.netdev": "[NetDev]\nName=eth1\nKind=veth\n[Peer]\nName=wire\n",
    "eth1.network": "[Match]\nName=eth1\n[Network]\nAddress=10.0.0.5/24\n",
    "wire.network": "[Match]\nName=wire\n[Link]\nRequiredForOnline=no\n"
    "[Network]\nLinkLocalAddressing=no\n",
}


def pinning(name: str) -> str:
    """The keys of a thread that has a core to itself; none for one that has not."""
    return f", cpu: {CORES[name]}, priority: {PRIORITIES[name]}" if name in CORES else ""


def listed(cpus: Iterable[int]) -> str:
    """CPUs as the installation takes them."""
    return ",".join(map(str, cpus))


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A server with everything installed and nothing started."""
    if len(CPUS) < 2:
        pytest.fail(f"needs two CPUs: one for the matcher, one for everything else; found {CPUS}")
    given = tmp_path_factory.mktemp("given")
    wheel = [sys.executable, "setup.py", "-q", "bdist_wheel", "-d", str(given)]
    subprocess.run(wheel, cwd=debian.ROOT, check=True, capture_output=True)
    for path in debian.dependencies().iterdir():
        (given / path.name).hardlink_to(path)
    units = given / "units"
    done = install(units, HOT=listed(CORES.values()), HOUSEKEEPING=listed(KEEPERS))
    assert done.returncode == 0, done.stderr
    log = given.parent / "console.log"
    with Container(debian.tree(), given, log) as container:
        container.run("cp", "-r", "--no-preserve=ownership", "/given/units/.", "/")
        for name, text in NETWORK.items():
            container.write(f"/etc/systemd/network/{name}", text)
        container.run("networkctl", "reload")
        container.run("systemd-sysusers")
        container.run("systemd-tmpfiles", "--create", "ironpit.conf")
        container.run("python3", "-m", "venv", "/opt/ironpit")
        install_wheel = "/opt/ironpit/bin/pip install -q --no-index -f /given /given/ironpit-*.whl"
        container.run("sh", "-c", install_wheel)
        container.write(
            "/etc/ironpit/metal.yaml", VENUE.format(**{name: pinning(name) for name in PRIORITIES})
        )
        container.write("/etc/ironpit/host.yaml", HOST)
        set_password = ["credentials", "set", "ALFA1", "-c", "/etc/ironpit/metal.yaml"]
        container.run("/opt/ironpit/bin/ironpit", *set_password, text="OPEN\n")
        container.run("chown", "ironpit:", "/etc/ironpit/metal-credentials.yaml")
        container.run("systemctl", "daemon-reload")
        yield container


@pytest.fixture
def venue(booted: Container) -> Iterator[Container]:
    """The server with its venue started; `systemctl start` returns when it is ready."""
    try:
        booted.run("systemctl", "start", UNIT)
    except OSError as error:
        raise AssertionError(said(booted)) from error
    yield booted
    booted.run("systemctl", "stop", UNIT)
    booted.run("systemctl", "reset-failed")


def said(booted: Container) -> str:
    """What systemd and the venue said, since the boot."""
    return booted.run("journalctl", "--no-pager", "--output=cat", "-u", UNIT)


def state(booted: Container) -> dict[str, str]:
    """Its status is `running`, and soon until when the stream's day takes orders."""
    found = booted.show(UNIT, "ActiveState", "SubState", "StatusText", "Result", "NRestarts")
    if re.fullmatch(
        r"the stream is of .*: it takes orders until .* UTC(, less than .*)?", found["StatusText"]
    ):
        found["StatusText"] = "running"
    return found


def main_pid(booted: Container) -> str:
    return booted.show(UNIT, "MainPID")["MainPID"]


def until_restarted(booted: Container) -> None:
    """Up again, after exactly one restart, and a member can trade."""
    expected = {"NRestarts": "1", "ActiveState": "active", "SubState": "running"}
    until("the restarted venue", lambda: expected.items() <= state(booted).items())
    assert state(booted)["StatusText"] == "running"
    assert trade(booted)


def processes(booted: Container) -> dict[str, dict[str, Any]]:
    """What the venue's processes say of themselves."""
    path = "/var/lib/ironpit/metal/status-{}.json"
    return {name: json.loads(booted.read(path.format(name))) for name in PRIORITIES}


def trade(booted: Container) -> int:
    """Send orders as a member; how many were acknowledged."""
    booted.run("install", "-m", "600", "/dev/stdin", "/root/passwords.yaml", text="ALFA1: OPEN\n")
    load = "load -c /etc/ironpit/metal.yaml --messages 200 --passwords /root/passwords.yaml --json"
    report = json.loads(booted.run("/opt/ironpit/bin/ironpit", *load.split()))
    return int(report["orders_acknowledged"])


def test_the_venue_is_ready_and_takes_orders(venue: Container) -> None:
    assert state(venue) == {
        "ActiveState": "active",
        "SubState": "running",
        "StatusText": "running",
        "Result": "success",
        "NRestarts": "0",
    }
    assert "takes orders on 10.0.0.5:26100" in said(venue)
    assert trade(venue)
    stat = "runuser -u ironpit -- /opt/ironpit/bin/ironpit stat -c /etc/ironpit/metal.yaml"
    assert "nothing to see" not in venue.run(*stat.split())


def test_each_stage_has_its_core_and_its_priority_and_no_other_thread_has(
    venue: Container,
) -> None:
    for name, status in processes(venue).items():
        assert status["degraded"] == []
        (thread,) = status["threads"]
        for task in venue.run("ls", f"/proc/{status['pid']}/task").split():
            at = f"/proc/{status['pid']}/task/{task}"
            # proc(5): fields 40 and 41 are the real-time priority and the policy; 1 is SCHED_FIFO.
            priority, policy = venue.read(f"{at}/stat").rpartition(")")[2].split()[37:39]
            allowed = venue.run("grep", "Cpus_allowed_list", f"{at}/status").split()[1]
            if task == str(thread["thread_id"]) and name in CORES:
                assert (priority, policy) == (str(PRIORITIES[name]), "1")
                assert allowed == str(CORES[name])
            else:
                assert (priority, policy) == ("0", "0")
                assert parse_list(allowed, task) == set(KEEPERS)
    supervisor = venue.run("grep", "Cpus_allowed_list", f"/proc/{main_pid(venue)}/status").split()
    assert parse_list(supervisor[1], "supervisor") == set(KEEPERS)


def test_everything_else_is_told_to_keep_house(booted: Container) -> None:
    for unit in ("system.slice", "user.slice", "init.scope"):
        allowed = booted.show(unit, "AllowedCPUs")["AllowedCPUs"].replace(" ", ",")
        assert parse_list(allowed, unit) == set(KEEPERS)


def test_a_venue_that_is_killed_is_started_again(venue: Container) -> None:
    before = main_pid(venue)
    assert trade(venue)
    venue.run("kill", "-KILL", before)
    until_restarted(venue)
    assert main_pid(venue) != before


@pytest.mark.parametrize("stopped", ["supervisor", "matcher"])
def test_a_venue_that_stands_still_is_started_again_by_the_watchdog(
    venue: Container, stopped: str
) -> None:
    before = main_pid(venue)
    pid = before if stopped == "supervisor" else str(processes(venue)[stopped]["pid"])
    venue.run("kill", "-STOP", pid)
    until_restarted(venue)
    assert main_pid(venue) != before
    assert "Watchdog timeout" in said(venue)


def test_a_venue_stops_cleanly_and_leaves_its_rings(venue: Container) -> None:
    venue.run("systemctl", "stop", UNIT)
    assert venue.show(UNIT, "ActiveState", "Result", "ExecMainStatus") == {
        "ActiveState": "inactive",
        "Result": "success",
        "ExecMainStatus": "0",
    }
    assert "venue METAL stopped" in said(venue)
    assert {"orders.ring", "events.ring"} <= set(venue.run("ls", "/dev/shm/ironpit-metal").split())


def test_a_host_that_fails_its_check_gets_no_venue(booted: Container) -> None:
    booted.write("/etc/ironpit/host.yaml", "host: {profile: container, hot: 8000}\n")
    try:
        assert booted.try_("systemctl", "start", UNIT)[0] != 0
        assert "tune-host: /etc/ironpit/host.yaml: hot: CPU 8000 is absent" in said(booted)
    finally:
        booted.run("systemctl", "stop", UNIT)
        booted.run("systemctl", "reset-failed")
        booted.write("/etc/ironpit/host.yaml", HOST)


def test_a_refused_configuration_is_not_tried_again(booted: Container) -> None:
    booted.write("/etc/ironpit/metal.yaml.good", booted.read("/etc/ironpit/metal.yaml"))
    booted.write("/etc/ironpit/metal.yaml", "venue: {name: METAL}\n")
    try:
        assert booted.try_("systemctl", "start", UNIT)[0] != 0
        until("the failure", lambda: state(booted)["ActiveState"] == "failed")
        assert state(booted)["NRestarts"] == "0"
    finally:
        booted.run("mv", "/etc/ironpit/metal.yaml.good", "/etc/ironpit/metal.yaml")
        booted.run("systemctl", "reset-failed")


def test_a_container_is_not_tuned_and_a_host_is_tuned_again_when_a_link_comes_up(
    booted: Container,
) -> None:
    units = ("tune-host.service", "tune-host-link.service", "tune-host-link.path")
    booted.run("systemctl", "start", "tune-host.service")
    assert booted.show("tune-host.service", "ConditionResult")["ConditionResult"] == "no"
    # What a host would do, with a command that keeps a record instead of tuning.
    record = "ExecStart=\nExecStart=/bin/sh -c 'echo %n >>/run/tuned'\n"
    for unit in units:
        text = "[Unit]\nConditionVirtualization=\n"
        if unit.endswith("service"):
            text += f"[Service]\n{record}ExecStop=\n"
        booted.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "enable", "tune-host-link.path")
    booted.run("systemctl", "start", "tune-host.service")
    assert booted.read("/run/tuned").split() == ["tune-host.service"]
    assert booted.show("tune-host-link.path", "ActiveState")["ActiveState"] == "active"
    booted.run("ip", "link", "set", "eth1", "down")
    booted.run("ip", "link", "set", "eth1", "up")
    until("the link's apply", lambda: "tune-host-link" in booted.read("/run/tuned"))
    booted.run("systemctl", "stop", "tune-host.service")
    assert booted.show("tune-host-link.path", "ActiveState")["ActiveState"] == "inactive"
