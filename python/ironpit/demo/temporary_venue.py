"""A venue of its own for a demonstration or a measurement: a temporary directory, free loopback
ports, a subprocess of `ironpit run`, and everything gone at the end.
"""

import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from ironpit import config as configs
from ironpit.common.errors import UserError
from ironpit.common.lifecycle import STOP_SIGNALS
from ironpit.config import Config, stage_kinds
from ironpit.venue import credentials
from ironpit.venue.supervisor import stop_with_parent

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 30.0
PORT_MIN = 16384
PORT_TRIES_MAX = 100

Placement = dict[str, Any]


def one_thread(idle: str = "backoff", cpu: int | None = None) -> Placement:
    """All stages on one thread of one process."""
    stages = list(stage_kinds.REQUIRED)
    return {"processes": {"venue": {"threads": [_thread("all", stages, idle, cpu)]}}}


def split(idle: str = "backoff") -> Placement:
    """Each stage in a process of its own, joined by shared memory."""
    names = stage_kinds.REQUIRED
    return {"processes": {name: {"threads": [_thread(name, [name], idle, None)]} for name in names}}


def _thread(name: str, stages: list[str], idle: str, cpu: int | None) -> dict[str, Any]:
    thread: dict[str, Any] = {"name": name, "stages": stages, "idle": idle}
    if cpu is not None:
        thread["cpu"] = cpu
    return thread


_PORTS_GIVEN: deque[int] = deque(maxlen=64)


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A loopback port that nobody listens on now; kind is SOCK_STREAM or SOCK_DGRAM.

    Below the kernel's ephemeral ports where it can be: one of those may go to any socket that asks
    for none, the venue's own among them, before the venue listens on it. None of the last that were
    asked for is given again: nobody may listen on those yet.
    """
    ephemeral = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]
    below = range(PORT_MIN, int(ephemeral))
    for _ in range(PORT_TRIES_MAX):
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("127.0.0.1", secrets.choice(below) if below else 0))
            except OSError:
                continue
            port = int(sock.getsockname()[1])
            if port not in _PORTS_GIVEN:
                _PORTS_GIVEN.append(port)
                return port
    raise UserError(f"127.0.0.1: found no free port in {PORT_TRIES_MAX} tries")


class TemporaryVenue:
    """Use as a context manager; `config` is loaded, `password` opens every session.

    settings: a configuration as in the file; where the venue listens and keeps its data is
    overridden. environment: variables that its process has besides ours. `program`: the module
    that runs it, and the words before its options; `options`: what it is started with besides its
    configuration.
    """

    def __init__(self, settings: dict[str, Any], environment: dict[str, str] | None = None) -> None:
        self.environment = environment or {}
        self.program: tuple[str, ...] = ("ironpit", "run")
        self.options: tuple[str, ...] = ()
        # A password cannot be longer than SoupBinTCP's ten characters.
        self.password = secrets.token_hex(5).upper()
        self.directory = Path(tempfile.mkdtemp(prefix="ironpit-"))
        self.file = self.directory / "venue.yaml"
        self.file.write_text(yaml.safe_dump(self._own(settings)))
        self.config: Config = configs.load(self.file)
        for session in self.config.sessions:
            credentials.set_password(self.config.credentials, session.username, self.password)
        self.process: subprocess.Popen[bytes] | None = None
        self._log = open(self.directory / "venue.log", "ab")  # noqa: SIM115

    def _own(self, settings: dict[str, Any]) -> dict[str, Any]:
        streams = dict(settings.get("streams", {}))
        market_data = dict(streams.get("market_data", {}))
        # A group in the organization-local scope (RFC 2365), another one for each run.
        group = f"239.192.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
        events = {**streams.get("events", {}), "path": "events.ring"}
        # The addresses of every transport, so that `transport` alone says which one it is.
        for stream in (market_data, events):
            stream["a"] = {
                "group": f"{group}:{free_port(socket.SOCK_DGRAM)}",
                "interface": "127.0.0.1",
            }
            stream["rerequest"] = {
                **stream.get("rerequest", {}),
                "listen": f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}",
            }
            stream["listen"] = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        streams["market_data"] = {**market_data, "path": "market-data.ring"}
        streams["orders"] = {**streams.get("orders", {}), "path": "orders.ring"}
        streams["events"] = events
        entry = dict(settings.get("order_entry", {}))
        entry["listen"] = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        return {
            **settings,
            "venue": {**settings["venue"], "data_directory": "data"},
            "credentials": "credentials.yaml",
            "order_entry": entry,
            "streams": streams,
            "journal": {**settings.get("journal", {}), "directory": "journal"},
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the venue and wait until it takes orders. UserError when it does not."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind("")
            address = "@" + notify.getsockname()[1:].decode()
            ended = os.pidfd_open(self.spawn({"NOTIFY_SOCKET": address}).pid)
            try:
                while True:
                    watched = [notify.fileno(), ended]
                    ready, _, _ = select.select(watched, [], [], READY_TIMEOUT_S)
                    if notify.fileno() in ready and b"READY=1" in notify.recv(4096):
                        return
                    if not ready or ended in ready:
                        self.close(keep=True)
                        raise UserError(f"the venue did not start:\n{self.said()}")
            finally:
                os.close(ended)

    def spawn(self, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Create the venue's process, with signals to stop held back meanwhile.

        An exception that a handler raises in one of Python's own hooks around a fork is printed and
        forgotten: the signal would be lost. Held back, it arrives when the process is known.
        """
        held = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)

        def before_its_program() -> None:
            stop_with_parent()
            signal.pthread_sigmask(signal.SIG_SETMASK, held)

        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.program, "-c", str(self.file), *self.options],
                env={**os.environ, **self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                process_group=0,
                preexec_fn=before_its_program,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
        return self.process

    def said(self) -> str:
        """What the venue has printed so far."""
        return (self.directory / "venue.log").read_text()

    def stop(self) -> int:
        """SIGTERM, and wait; the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def close(self, *, keep: bool = False) -> None:
        """Stop, and remove every file."""
        self.stop()
        self._log.close()
        if not keep:
            rings = self.config.streams.events.path.parent
            shutil.rmtree(rings, ignore_errors=True)
            shutil.rmtree(self.directory, ignore_errors=True)
