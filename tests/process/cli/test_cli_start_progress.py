"""Goal: a start that takes long is not ended by the service manager, which hears how far it is.

Method: a venue of one process and one of several, with a journal of a day that has begun, started
by a service manager that keeps what it is told until the venue is ready.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.split_venue import READY_TIMEOUT_S, write_split_config
from tests.venue import write_config

from ironpit.common.lifecycle import Lifecycle
from ironpit.venue.start_progress import StartProgress


@contextmanager
def service_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind("")
        notify.settimeout(READY_TIMEOUT_S)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + notify.getsockname()[1:].decode())
        yield notify


def started(file: Path, notify: socket.socket) -> list[str]:
    """What is told before the venue is ready, of its second start."""
    said: list[str] = []
    for _ in range(2):
        said.clear()
        with subprocess.Popen(
            [sys.executable, "-m", "ironpit", "run", "-c", str(file)], env=os.environ
        ) as venue:
            while not said or "READY=1" not in said[-1]:
                said.append(notify.recv(4096).decode())
            venue.terminate()
            assert venue.wait(READY_TIMEOUT_S) == 0
            while "STOPPING=1" not in notify.recv(4096).decode():
                pass
    return said[:-1]


def of_one_process(directory: Path) -> Path:
    file = write_config(directory)
    (directory / "credentials.yaml").touch(mode=0o600)
    return file


@pytest.mark.parametrize("write", [of_one_process, write_split_config])
def test_the_service_manager_waits_longer_and_hears_how_far_the_start_is(
    write: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path)
    with service_manager(monkeypatch) as notify:
        said = started(file, notify)
    extended = [text for text in said if text.startswith("EXTEND_TIMEOUT_USEC=")]
    assert extended
    match = re.fullmatch(
        r"EXTEND_TIMEOUT_USEC=(\d+)\nSTATUS=orders: reading the journal, frame (\d+) of (\d+)",
        extended[0],
    )
    assert match
    assert int(match[1]) >= 60_000_000
    assert 0 < int(match[2]) == int(match[3])


def test_progress_is_told_once_a_second_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with service_manager(monkeypatch) as notify, Lifecycle() as lifecycle:
        with StartProgress(lifecycle).reading("matcher", 20) as read:
            read(7)
            read(8)  # at once: not told again
            lifecycle.ready()
        assert "matcher: reading the journal, frame 7 of 20" in notify.recv(4096).decode()
        assert notify.recv(4096).decode().startswith("READY=1")
