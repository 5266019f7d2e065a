"""A venue and its one member, each a process of its own, on kernel sockets or under a preloaded
kernel bypass.

    python -m ironpit.bench.bypass_ends SETTINGS

is the member, which `Course` starts: for each line `COUNT` on its standard input it sends so many
orders, one after another, and prints their latencies' percentiles.
"""

import json
import os
import signal
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from ironcore.bench.order_ack import order_packet, round_trips
from ironpit.bench.order_ack import PRICE, SYMBOL, percentiles
from ironpit.client.soup import enter_blocking
from ironpit.common.errors import Exit, UserError
from ironpit.demo.temporary_venue import TemporaryVenue

USERNAME = "BENCH"
USER_REFS_MAX = 1 << 22
HOT_THREADS = ("gateway", "matcher")


def settings(gateway_cpu: int, matcher_cpu: int) -> dict[str, Any]:
    """Gateway and matcher each spin on a core of their own; nothing else is on their threads."""
    threads = [
        {"name": "gateway", "stages": ["gateway"], "idle": "spin", "cpu": gateway_cpu},
        {"name": "matcher", "stages": ["matcher"], "idle": "spin", "cpu": matcher_cpu},
        {"name": "rest", "stages": ["journal", "publisher"], "idle": "backoff"},
    ]
    return {
        "venue": {"name": "BENCH"},
        "limits": {"sessions_max": 1, "user_refs_max": USER_REFS_MAX},
        "instruments": [{"symbol": SYMBOL}],
        "sessions": [{"username": USERNAME, "firm": "BNCH"}],
        # It is stopped while the other one is measured, and its member with it.
        "order_entry": {"heartbeat": "1s", "peer_timeout": "1h"},
        "journal": {"durability": "off"},
        "placement": {"processes": {"venue": {"threads": threads}}},
    }


class Course:
    """Use as a context manager: a venue and a member that is logged in.

    preload: the library that both processes have preloaded, or empty: kernel sockets.
    """

    def __init__(
        self, preload: str, *, member_cpu: int, gateway_cpu: int, matcher_cpu: int
    ) -> None:
        if preload and not os.path.isfile(preload):
            raise UserError(f"--preload: found no file {preload}", Exit.USAGE)
        self.environment = {"LD_PRELOAD": os.path.abspath(preload) if preload else ""}
        self.member_cpu = member_cpu
        self.venue = TemporaryVenue(settings(gateway_cpu, matcher_cpu), self.environment)
        self.member: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.venue.start()
        listen = self.venue.config.order_entry.listen
        wanted = [listen.address, listen.port, self.venue.password, self.member_cpu]
        self.member = subprocess.Popen(
            [sys.executable, "-m", "ironpit.bench.bypass_ends", json.dumps(wanted)],
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            self._line("ready")
        except UserError:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End both processes."""
        self._signal(signal.SIGCONT)
        if self.member is not None:
            self.member.kill()
            self.member.communicate()
        self.venue.close()

    def _line(self, expected: str = "") -> str:
        assert self.member is not None
        assert self.member.stdout is not None
        line = self.member.stdout.readline().strip()
        if not line or (expected and line != expected):
            raise UserError(f"the member stopped; the venue said:\n{self.venue.said()}")
        return line

    def orders(self, count: int) -> dict[str, int]:
        """Send so many, each after the answer to the one before: percentiles in ns."""
        assert self.member is not None
        assert self.member.stdin is not None
        self.member.stdin.write(f"{count}\n")
        self.member.stdin.flush()
        found: dict[str, int] = json.loads(self._line())
        return found

    def threads(self) -> tuple[int, dict[str, int]]:
        """The venue's process, and its hot threads' ids by name."""
        file = self.venue.config.venue.data_directory / "status-venue.json"
        status = json.loads(file.read_text())
        every = {thread["name"]: thread["thread_id"] for thread in status["threads"]}
        return status["pid"], {name: every[name] for name in HOT_THREADS}

    def _signal(self, number: signal.Signals) -> None:
        for process in (self.venue.process, self.member):
            if process is not None and process.poll() is None:
                os.kill(process.pid, number)

    def pause(self) -> None:
        """Stop both processes: they spin, and another one is to have their cores."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)


def main() -> None:
    address, port, password, cpu = json.loads(sys.argv[1])
    sock, first_user_ref = enter_blocking((address, port), USERNAME, password)
    sock.setblocking(False)
    packet = order_packet(SYMBOL, PRICE)
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line)
        found = round_trips(
            sock.fileno(), packet, count, echo=False, first_user_ref=first_user_ref, cpu=cpu
        )
        first_user_ref += count
        print(json.dumps(percentiles(found)), flush=True)


if __name__ == "__main__":
    main()
