"""Goal: under `require_onload` no order is taken by a socket that is not proved accelerated, and
`--onload` starts what it should or says why it cannot.

Method: venues and members as processes of their own, under the double and its launcher.
"""

import os
import socket
import sys
from pathlib import Path

import psutil
import pytest
from tests.doubles.onload_build import preloaded
from tests.process.onload.test_modes import run_to_its_end
from tests.process.onload.venues import (
    KERNELS_OWN,
    bypass,
    clean,
    counters,
    doctor,
    double,
    ironpit,
    load,
    sockets,
    venue,
)

from ironpit.demo.temporary_venue import TemporaryVenue

pytestmark = pytest.mark.needs_tool("cc")


def launcher(**settings: str) -> dict[str, str]:
    """An environment with the double's launcher on PATH, and loopback accelerated."""
    env = clean() | {"EF_TCP_SERVER_LOOPBACK": "1", "EF_TCP_CLIENT_LOOPBACK": "1"} | settings
    env["PATH"] = os.pathsep.join([str(double()), env["PATH"]])
    return env


@pytest.mark.parametrize("placement", ["one-thread", "split"])
def test_a_listener_on_loopback_is_refused_by_default(placement: str) -> None:
    env = clean() | preloaded(**KERNELS_OWN)
    with venue(env, placement=placement) as made:
        code, said = run_to_its_end(made, env, "--require-onload")
    assert code == 3
    assert "require_onload: the socket of orders on 127.0.0.1 is not accelerated" in said
    assert "loopback is not accelerated (EF_TCP_SERVER_LOOPBACK=0" in said
    assert "takes orders on" not in said


def listen_on(made: TemporaryVenue, address: str) -> None:
    """Let order entry listen there."""
    here = made.config.order_entry.listen
    text = made.file.read_text()
    assert f"listen: {here}" in text
    made.file.write_text(text.replace(f"listen: {here}", f"listen: {address}:{here.port}", 1))


def test_a_wrong_interface_is_named() -> None:
    [address, *_] = [
        one.address
        for name, addresses in psutil.net_if_addrs().items()
        for one in addresses
        if name != "lo" and one.family == socket.AF_INET
    ]
    env = clean() | preloaded()
    with venue(env, require_onload=True) as made:
        listen_on(made, address)
        code, said = run_to_its_end(made, env)
    assert code == 3
    assert "is not accelerated: kernel: interface " in said


def test_a_session_that_falls_back_is_refused_counted_and_said_once() -> None:
    """The listener is on every address and accelerated; a member on loopback comes by the
    kernel."""
    env = clean() | preloaded(**KERNELS_OWN)
    with venue(env, require_onload=True) as running:
        listen_on(running, "0.0.0.0")
        running.start()
        assert [s["path"] for s in sockets(running, "orders")] == ["accelerated"]
        arguments = ("load", "-c", str(running.file), "--messages", "100", "--rate", "max")
        for _ in range(2):
            done = ironpit(clean(), *arguments, text=running.password + "\n")
            assert done.returncode != 0
            assert "session" in done.stderr
        after = counters(running)
        assert after["gateway.closed_unaccelerated"] >= 2
        assert after["sockets.refused"] >= 2
        assert after["sockets.fallbacks"] >= 2
        assert after["gateway.logins"] == after["gateway.messages"] == 0
        assert running.said().count("ALARM: a socket of orders") == 1
        assert running.stop() == 0


def test_without_the_demand_it_is_served_and_counted() -> None:
    env = clean() | preloaded(**KERNELS_OWN)
    with venue(env) as running:
        listen_on(running, "0.0.0.0")
        running.start()
        assert load(running, clean())["orders_acknowledged"] > 0
        after = counters(running)
        assert after["sockets.fallbacks"] >= 1
        assert after["sockets.refused"] == 0
        assert "ALARM: a socket of orders" in running.said()


def test_a_profile_is_written_and_the_venue_started_anew_under_the_launcher() -> None:
    settings = {"profile": "latency", "options": {"EF_MAX_PACKETS": "4096"}}
    env = launcher(EF_TYPO="1")
    with venue(env, onload=settings, require_onload=True) as running:
        running.start()
        process = running.process
        assert process is not None
        environment = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        for setting in (b"EF_POLL_USEC=100000", b"EF_MAX_PACKETS=4096"):
            assert setting in environment
        assert any(one.startswith(b"IRONPIT_ONLOAD=latency@") for one in environment)
        written = (running.config.venue.data_directory / "onload-latency.opf").read_text()
        assert "onload_set EF_TCP_FASTSTART_INIT 0\n" in written
        assert "under Onload with latency" in running.said()
        assert "environment: EF_TYPO: found an unknown option" in running.said()
        assert {s["path"] for s in sockets(running, "orders")} == {"accelerated"}
        assert load(running, clean() | preloaded())["orders_acknowledged"] > 0
        assert running.stop() == 0


@pytest.mark.parametrize(("tcp", "code"), [("1", 0), ("0", 3)])
def test_the_doctor_asks_with_the_options_that_the_venue_would_be_started_with(
    tcp: str, code: int
) -> None:
    loopback = {"EF_TCP_SERVER_LOOPBACK": "1", "EF_TCP_CLIENT_LOOPBACK": "1", "EF_TCP": tcp}
    env = {name: value for name, value in launcher().items() if not name.startswith("EF_")}
    with venue(env, onload={"profile": "latency", "options": loopback}) as made:
        report = doctor(env, "-c", str(made.file), "--require-onload")
    found = bypass(report)
    assert found["facts"]["probe"]["by_launcher"] is True
    assert (report["exit_code"], found["available"]) == (code, code == 0), found


def test_an_empty_name_of_a_profile_is_not_none() -> None:
    env = launcher()
    with venue(env) as made:
        code, said = run_to_its_end(made, env, "--onload", "")
    assert code == 2
    assert "--onload: found nothing, expected one of cloud" in said


REFUSALS = [
    pytest.param({}, "latency", "found no launcher", id="no-launcher"),
    pytest.param({"MOCK_ONLOAD_DRIVER": "missing"}, "latency", "driver is not loaded", id="driver"),
    pytest.param({"LATE": "1"}, "latency", "was loaded after the start", id="late"),
    pytest.param({"UVLOOP": "1"}, "latency", "uvloop is loaded", id="uvloop"),
    pytest.param({"ONLOAD_PRELOAD": "/dev/null"}, "latency", "the launcher ran", id="nothing"),
]


@pytest.mark.parametrize(("settings", "profile", "reason"), REFUSALS)
def test_what_cannot_work_is_refused_with_the_reason(
    settings: dict[str, str], profile: str, reason: str, tmp_path: Path
) -> None:
    env = launcher(**settings)
    if not settings:
        env["PATH"] = os.path.dirname(sys.executable)
    lines = []
    if "LATE" in settings:
        library = str(double() / "libonload.so")
        lines = ["import ctypes", f"ctypes.CDLL({library!r})"]
    if "UVLOOP" in settings:
        (tmp_path / "uvloop.py").write_text("")
        lines = ["import uvloop"]
    (tmp_path / "sitecustomize.py").write_text("\n".join(lines) + "\n")
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
    with venue(env) as made:
        code, said = run_to_its_end(made, env, "--onload", profile)
    assert code == 3, said
    assert reason in said


def test_uvloop_is_refused_however_the_venue_came_under_onload(tmp_path: Path) -> None:
    (tmp_path / "uvloop.py").write_text("")
    (tmp_path / "sitecustomize.py").write_text("import uvloop\n")
    env = clean() | preloaded()
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
    with venue(env) as made:
        code, said = run_to_its_end(made, env)
    assert code == 3
    assert "uvloop is loaded" in said


def test_an_unknown_profile_or_option_is_an_error_of_usage() -> None:
    with venue(clean()) as made:
        code, said = run_to_its_end(made, clean(), "--onload", "fastest")
        assert code == 2
        assert "found fastest, expected one of cloud, latency, latency-best, safe" in said
    with venue(clean()) as made:
        wrong = "\nonload: {options: {EF_POLL_USE: 1, EF_CTPIO: 7}}\n"
        made.file.write_text(made.file.read_text() + wrong)
        code, said = run_to_its_end(made, clean())
        assert code == 2
        assert "onload.options.EF_POLL_USE: found an unknown option, expected EF_POLL_USEC" in said
        assert "onload.options.EF_CTPIO: found '7', expected an integer from 0 to 2" in said


def test_doctor_proves_it_in_a_process_of_the_launcher() -> None:
    with venue(clean()) as idle:
        told = doctor(launcher(), "-c", str(idle.file), "--require-onload")
        row = bypass(told)
        assert (told["exit_code"], row["available"]) == (0, True)
        assert row["facts"]["library"] == "absent"
        assert row["facts"]["probe"]["by_launcher"]
        told = doctor(launcher(MOCK_ONLOAD_DRIVER="missing"), "-c", str(idle.file))
        assert bypass(told)["available"] is False
        assert "driver is not loaded" in bypass(told)["why_not"]
        assert "onload_tool reload" in bypass(told)["what_to_do"]
        told = doctor(launcher(**KERNELS_OWN), "-c", str(idle.file), "--require-onload")
        assert told["exit_code"] == 3
        assert bypass(told)["why_not"].startswith("loopback is not accelerated")


def test_a_listener_on_a_cards_interface_is_accelerated() -> None:
    [(name, address), *_] = [
        (name, one.address)
        for name, addresses in psutil.net_if_addrs().items()
        for one in addresses
        if name != "lo" and one.family == socket.AF_INET
    ]
    env = clean() | preloaded(**KERNELS_OWN, MOCK_ONLOAD_IFACES=name)
    with venue(env, require_onload=True) as running:
        listen_on(running, address)
        running.start()
        assert [s["path"] for s in sockets(running, "orders")] == ["accelerated"]
