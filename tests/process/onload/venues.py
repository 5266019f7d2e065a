"""Whole venues in one of the ways that Onload can be there, or not, with what tells of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.doubles import onload_build

from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue
from ironpit.flow import generate

MESSAGES = 2_000
TIMEOUT_S = 60
OF_ONLOAD = ("LD_PRELOAD", "EF_", "MOCK_ONLOAD_", "ONLOAD_", "IRONPIT_ONLOAD")
KERNELS_OWN = {"EF_TCP_SERVER_LOOPBACK": "0", "EF_TCP_CLIENT_LOOPBACK": "0"}


def double() -> Path:
    """The directory with the double's libraries and launcher."""
    return onload_build.build()


def clean() -> dict[str, str]:
    """This process's environment without anything of Onload."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OF_ONLOAD)}


@contextmanager
def venue(
    env: dict[str, str], *, placement: str = "one-thread", **settings: Any
) -> Iterator[TemporaryVenue]:
    """A venue that is not started yet; its child processes get the environment."""
    made = TemporaryVenue(
        settings_of(generate(2, MESSAGES), Options(placement=placement)) | settings
    )
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        yield made
    finally:
        os.environ.clear()
        os.environ.update(before)
        made.close()


def ironpit(
    env: dict[str, str], *arguments: str, text: str = "", python: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """A command of its own, under the environment; a traceback fails the test."""
    done = subprocess.run(
        [*(python or (sys.executable,)), "-m", "ironpit", *arguments],
        input=text,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def load(running: TemporaryVenue, env: dict[str, str]) -> dict[str, Any]:
    """Orders into a running venue: the report."""
    done = ironpit(
        env,
        *("load", "-c", str(running.file), "--messages", str(MESSAGES), "--rate", "max"),
        "--json",
        text=running.password + "\n",
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def doctor(env: dict[str, str], *arguments: str) -> dict[str, Any]:
    """The report of `ironpit doctor --json`; its exit code is that of the process."""
    done = ironpit(env, "doctor", "--json", *arguments)
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == report["exit_code"], done.stderr
    return report


def bypass(report: dict[str, Any]) -> dict[str, Any]:
    """The row of kernel bypass."""
    [row] = [row for row in report["features"] if row["feature"] == "kernel_bypass"]
    found: dict[str, Any] = row
    return found


def sockets(running: TemporaryVenue, role: str) -> list[dict[str, Any]]:
    """What `ironpit stat` says of the sockets of one role."""
    done = ironpit(clean(), "stat", "-c", str(running.file), "--json")
    look = json.loads(done.stdout)
    return [s for p in look["processes"] for s in p["sockets"] if s["role"] == role]


def counters(running: TemporaryVenue) -> dict[str, int]:
    """The counters of the venue's processes, added up."""
    done = ironpit(clean(), "stat", "-c", str(running.file), "--json")
    total: dict[str, int] = {}
    for process in json.loads(done.stdout)["processes"]:
        for name, value in process["counters"].items():
            total[name] = total.get(name, 0) + value
    return total
