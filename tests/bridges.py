"""Bridges as processes, for tests."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

DEADLINE_S = 30.0


class Bridges:
    """Bridge processes, each with a socket on which it says that it is ready."""

    def __init__(self, directory: Path | None = None) -> None:
        """directory: of the bridges' counters; None: where they are without being told."""
        self.directory = directory
        self.running: list[subprocess.Popen[str]] = []
        self.started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running:
            process.kill()
            process.communicate()

    def start(self, source: str, target: str, *more: str) -> subprocess.Popen[str]:
        """A bridge that has said that it is ready."""
        if self.directory is not None and "--counters" not in more:
            more = (*more, "--counters", str(self.directory / f"counters-{self.started}.dat"))
        self.started += 1
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind("")
            notify.settimeout(DEADLINE_S)
            environment = {
                **os.environ,
                "NOTIFY_SOCKET": "@" + notify.getsockname()[1:].decode(),
            }
            process = subprocess.Popen(
                command_of(source, target, *more),
                env=environment,
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self.running.append(process)
            assert b"READY=1" in notify.recv(4096)
        return process

    def stop(self, process: subprocess.Popen[str], number: int = signal.SIGINT) -> str:
        """Stop it with a signal: what it said."""
        process.send_signal(number)
        _, said = process.communicate(timeout=DEADLINE_S)
        self.running.remove(process)
        return said


def command_of(source: str, target: str, *more: str) -> list[str]:
    """What starts a bridge."""
    return [sys.executable, "-m", "ironpit", "bridge", "--from", source, "--to", target, *more]
