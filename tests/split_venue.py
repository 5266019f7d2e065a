"""A venue in processes of its own, started by `ironpit run`, and members that stand its crashes.

The member here is written without the project's codecs: what it believes, it read off the wire.
"""

import contextlib
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

from tests.venue import PASSWORD, write_config

from ironpit import config as configs
from ironpit.venue import credentials

READY_TIMEOUT_S = 60
USER_REFS_MAX = 1 << 20
SPLIT = """placement:
  restarts_max: 10000
  processes:
    gateway: {threads: [{name: gateway, stages: [gateway]}]}
    matcher: {threads: [{name: matcher, stages: [matcher]}]}
    journal: {threads: [{name: journal, stages: [journal]}]}
    publisher: {threads: [{name: publisher, stages: [publisher]}]}
"""
PROCESSES = ("gateway", "matcher", "journal", "publisher")


def write_split_config(
    directory: Path,
    durability: str = "off",
    placement: str = SPLIT,
    user_refs_max: int = USER_REFS_MAX,
) -> Path:
    """The small venue of tests.venue with each stage in a process of its own."""
    file = write_config(directory, durability, events_capacity="4MiB")
    text = file.read_text()
    text = re.sub(r"user_refs_max: \d+", f"user_refs_max: {user_refs_max}", text)
    text = re.sub(r"orders_max: \d+", "orders_max: 65536", text)
    file.write_text(text[: text.index("placement:")] + placement)
    for username in ("ALFA1", "BETA1", "GAMA1"):
        credentials.set_password(directory / "credentials.yaml", username, PASSWORD)
    return file


class RunningVenue:
    """`ironpit run` as a child process; ready when the constructor returns.

    A test that fails before its `stop` leaves the venue to `kill_all`, which tests/conftest.py
    calls after each test: stages that spin would take the CPUs from all the tests that follow.
    """

    running: ClassVar[list["RunningVenue"]] = []

    @classmethod
    def kill_all(cls) -> None:
        """Kill each venue that no test has stopped; its stages end with their supervisor."""
        while cls.running:
            cls.running.pop().process.kill()

    def __init__(self, file: Path, environment: dict[str, str] | None = None) -> None:
        self.config = configs.load(file)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind("")
        self.notify.settimeout(READY_TIMEOUT_S)
        address = "@" + self.notify.getsockname()[1:].decode()
        self.log = open(file.parent / "venue.log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ironpit", "run", "-c", str(file)],
            env={**os.environ, **(environment or {}), "NOTIFY_SOCKET": address},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        self.running.append(self)
        while b"READY=1" not in self._heard():
            pass

    def _heard(self) -> bytes:
        while True:
            if select.select([self.notify], [], [], 0.1)[0]:
                return self.notify.recv(4096)
            assert self.process.poll() is None, self.said()

    def said(self) -> str:
        """What the venue has printed."""
        return Path(self.log.name).read_text()

    def pid_of(self, name: str) -> int | None:
        """The process id of one process of the placement, None while it is not up."""
        try:
            file = self.config.venue.data_directory / f"status-{name}.json"
            return int(json.loads(file.read_text())["pid"])
        except (OSError, ValueError):
            return None

    def kill(self, name: str) -> None:
        """SIGKILL one process, or everything when name is `all`."""
        if name == "all":
            pids = [self.pid_of(process) for process in self.config.placement.processes]
            self.process.kill()
            self.process.wait()
            self.running.remove(self)
            for pid in pids:
                _await_death(pid)
            return
        before = self.pid_of(name)
        if before is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(before, signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.running.remove(self)
        self.log.close()
        self.notify.close()
        return code


def _await_death(pid: int | None) -> None:
    """Children are killed by the kernel with their supervisor; their files are free only then."""
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        select.select([descriptor], [], [], READY_TIMEOUT_S)
        os.close(descriptor)


class StubbornMember(threading.Thread):
    """Sends an order for each UserRefNum, reconnects and resumes whenever the connection breaks.

    After each login it sends everything again that was not acknowledged: OUCH 5.0 lets it.
    `replies` are the sequenced messages in order, over all connections.
    """

    WINDOW = 64

    def __init__(
        self, address: tuple[str, int], username: str, user_refs_max: int = USER_REFS_MAX
    ) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.user_refs_max = user_refs_max
        self.username = username
        self.replies: list[bytes] = []
        self.acknowledged: dict[int, int] = {}
        self.sent = 0
        self.stopping = threading.Event()
        self.reconnections = 0
        self.fault = ""
        self.grown = threading.Condition()

    def run(self) -> None:
        while not self.stopping.is_set() and not self.fault:
            with contextlib.suppress(OSError):
                self._connection()
            self.reconnections += 1

    def wait_for(self, replies: int, timeout_s: float = 60) -> None:
        """Wait until so many replies are there."""
        with self.grown:
            come = self.grown.wait_for(
                lambda: len(self.replies) >= replies or self.fault, timeout_s
            )
        assert not self.fault, self.fault
        assert come, f"{len(self.replies)} replies in {timeout_s} s, expected {replies}"

    def finish(self) -> None:
        """Stop sending; returns when everything sent has been acknowledged."""
        self.stopping.set()
        self.join(60)
        assert not self.is_alive(), f"{self.sent - len(self.acknowledged)} orders never answered"
        assert not self.fault, self.fault

    def _connection(self) -> None:
        with socket.create_connection(self.address, timeout=5) as sock:
            login = f"{self.username:<6}{PASSWORD:<10}{'':>10}{len(self.replies) + 1:>20}".encode()
            sock.sendall(struct.pack(">H", 1 + len(login)) + b"L" + login)
            buffer = b""
            admitted = False
            sock.settimeout(2)
            while True:
                data = sock.recv(65536)
                if not data:
                    return
                buffer += data
                while len(buffer) >= 2 and len(buffer) >= 2 + (n := buffer[0] << 8 | buffer[1]):
                    kind, payload, buffer = buffer[2:3], buffer[3 : 2 + n], buffer[2 + n :]
                    if kind == b"J":
                        return
                    if kind == b"A":
                        admitted = True
                        sock.sendall(
                            b"".join(
                                self._order(ref)
                                for ref in range(1, self.sent + 1)
                                if ref not in self.acknowledged
                            )
                        )
                    elif kind == b"S":
                        self._take(payload)
                if admitted and not self.stopping.is_set():
                    self._send_more(sock)
                elif self.stopping.is_set() and len(self.acknowledged) == self.sent:
                    return

    def _take(self, reply: bytes) -> None:
        if reply[:1] == b"A":
            (ref,) = struct.unpack_from(">I", reply, 9)
            if ref in self.acknowledged:
                self.fault = f"order {ref} acknowledged twice"
            self.acknowledged[ref] = struct.unpack_from(">Q", reply, 36)[0]
        elif reply[:1] == b"J":
            self.fault = f"rejected: {reply!r}"
        with self.grown:
            self.replies.append(reply)
            self.grown.notify_all()

    def _send_more(self, sock: socket.socket) -> None:
        orders = []
        # A fast machine takes every UserRefNum of a session within seconds; the next is refused.
        ref_max = self.user_refs_max - 1
        while self.sent < ref_max and self.sent - len(self.acknowledged) < self.WINDOW:
            self.sent += 1
            orders.append(self._order(self.sent))
        if orders:
            sock.sendall(b"".join(orders))

    def _order(self, ref: int) -> bytes:
        """Deterministic in ref, so that what is sent again is the same."""
        side = b"BS"[(ref + (self.username > "B")) % 2 :][:1]
        price = 1_000_000 + 100 * (ref * 7919 % 21 - 10)
        body = struct.pack(
            ">cIcI8sQccccc14sH",
            b"O",
            ref,
            side,
            1 + ref % 50,
            b"BTCUSD  ",
            price,
            b"03"[ref % 2 :][:1],
            b"Y",
            b"P",
            b"N",
            b"N",
            b"%-14d" % ref,
            0,
        )
        return struct.pack(">H", 1 + len(body)) + b"U" + body


def all_replies(address: tuple[str, int], username: str, count: int) -> list[bytes]:
    """Every reply of a session from the first on, as a fresh connection gets them."""
    found: list[bytes] = []
    deadline = time.monotonic() + 60
    with socket.create_connection(address, timeout=10) as sock:
        login = f"{username:<6}{PASSWORD:<10}{'':>10}{1:>20}".encode()
        sock.sendall(struct.pack(">H", 1 + len(login)) + b"L" + login)
        buffer = b""
        while len(found) < count and time.monotonic() < deadline:
            data = sock.recv(1 << 20)
            assert data, "the gateway closed the connection"
            buffer += data
            position = 0
            while len(buffer) - position >= 2:
                end = position + 2 + (buffer[position] << 8 | buffer[position + 1])
                if end > len(buffer):
                    break
                if buffer[position + 2 : position + 3] == b"S":
                    found.append(buffer[position + 3 : end])
                position = end
            buffer = buffer[position:]
    return found
