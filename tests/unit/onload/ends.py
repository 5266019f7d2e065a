"""Sockets for tests of Onload's wrapper, and interpreters under the double."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.doubles import onload_build

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TIMEOUT_S = 120
MODES = ("LD_PRELOAD", "EF_", "MOCK_ONLOAD_")


@contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket, socket.socket]]:
    """A listener on loopback, and both ends of a connection: connected and accepted."""
    with socket.socket() as listener, socket.socket() as near:
        listener.bind(("127.0.0.1", 0))
        listener.listen(4)
        near.connect(listener.getsockname())
        far, _ = listener.accept()
        with far:
            yield listener, near, far


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without anything of Onload, and with these settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(MODES)}
    return clean | settings


def under_double(**settings: str | int) -> dict[str, str]:
    """The environment of a process under the double, loopback accelerated."""
    return environment(**onload_build.preloaded(**settings))


def python(code: str, env: dict[str, str], code_expected: int = 0) -> str:
    """What a program prints; it fails the test unless it ends as expected."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == code_expected, done.stdout + done.stderr
    return done.stdout


def cases(file: str, env: dict[str, str], only: str = "") -> str:
    """Run a file's tests, or those that `only` picks, in an interpreter of its own.

    All of them have to pass.
    """
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(HERE / file), "-q", "--no-header"),
            *("-p", "no:cacheprovider", "-k", only),
        ],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
