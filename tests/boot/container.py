"""A Debian that systemd-nspawn boots, over a tree that stays as it is."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

TIMEOUT_S = 60.0


def until(what: str, condition: Callable[[], object]) -> None:
    """Ask until it is so; TimeoutError says what was waited for."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(what)
        time.sleep(0.05)


class Container:
    """A booted system. Changes to the tree live in memory and go with it.

    tree: the root. given: a directory that is /given inside. log: the console goes there. Its
    network is its own, with a loopback interface and nothing else.
    """

    def __init__(self, tree: Path, given: Path, log: Path) -> None:
        self.log = log
        self.name = f"ironpit-{os.getpid()}"
        with open(log, "wb") as console:
            self.process = subprocess.Popen(
                [
                    "systemd-nspawn",
                    "--quiet",
                    "--boot",
                    f"--directory={tree}",
                    f"--machine={self.name}",
                    "--volatile=overlay",
                    "--register=no",  # a machine that registers containers is not asked for
                    "--keep-unit",
                    "--private-network",
                    "--capability=CAP_IPC_LOCK",
                    "--console=read-only",
                    f"--bind-ro={given}:/given",
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        self.leader = 0

    def __enter__(self) -> "Container":
        try:
            until("the container's first process", self._find_leader)
            until("the container's D-Bus", lambda: self.try_("systemctl", "list-jobs")[0] == 0)
            self.try_("systemctl", "is-system-running", "--wait")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _find_leader(self) -> bool:
        if self.process.poll() is not None:
            raise OSError(f"systemd-nspawn ended: {self.log.read_text(errors='replace')}")
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                # Between its first steps and systemd, the child is systemd-nspawn itself.
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    self.leader = int(child)
                    return True
        return False

    def _end(self) -> None:
        self.process.terminate()  # systemd-nspawn asks the system inside to halt
        try:
            self.process.wait(TIMEOUT_S / 2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def try_(self, *command: str, text: str = "") -> tuple[int, str, str]:
        """Run a command inside, as root: exit code, output, errors."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", "--", *command],
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            input=text,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def run(self, *command: str, text: str = "") -> str:
        """The command's output. OSError when it fails."""
        code, output, errors = self.try_(*command, text=text)
        if code:
            raise OSError(f"{' '.join(command)}: exit {code}: {errors or output}")
        return output

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit."""
        output = self.run("systemctl", "show", "-p", ",".join(properties), unit)
        return dict(line.split("=", 1) for line in output.splitlines())

    def read(self, path: str) -> str:
        """A file inside."""
        return self.run("cat", path)

    def write(self, path: str, text: str) -> None:
        """Make a file inside, with its directories."""
        self.run("install", "-D", "-m", "644", "/dev/stdin", path, text=text)
