"""SoupBinTCP sessions on the loopback interface, as dumpcap records and tshark dissects them."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CAPTURE_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Capture:
    """What went over a TCP port, in a file that may still grow."""

    path: Path
    port: int

    def _tshark(self, *arguments: str, check: bool = True) -> str:
        command = ["tshark", "-r", str(self.path), "-d", f"tcp.port=={self.port},soupbintcp"]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=check, timeout=60
        )
        return done.stdout

    def rows(self, display_filter: str, *fields: str) -> list[list[str]]:
        """The fields of every frame that the filter lets through. A file that still grows may end
        in half a frame: it is read up to there."""
        chosen = [word for field in fields for word in ("-e", field)]
        said = self._tshark("-Y", display_filter, "-T", "fields", *chosen, check=False)
        return [line.split("\t") for line in said.splitlines()]

    def kinds(self) -> list[str]:
        """The types of all packets."""
        rows = self.rows("soupbintcp", "soupbintcp.packet_type")
        return [kind.strip("'") for row in rows for kind in row[0].split(",")]

    def malformed(self) -> list[list[str]]:
        """The frames that tshark calls so."""
        return self.rows("_ws.malformed", "frame.number", "_ws.malformed")

    def in_words(self) -> str:
        """Everything that tshark has to say."""
        return self._tshark("-V")

    def wait_for(self, display_filter: str, count: int) -> None:
        """Until that many frames of the kind are in the file: dumpcap writes now and then."""
        deadline_s = time.monotonic() + CAPTURE_TIMEOUT_S
        while len(self.rows(display_filter, "frame.number")) < count:
            assert time.monotonic() < deadline_s, f"{count} times {display_filter}: not captured"


@contextmanager
def captured(path: Path, port: int) -> Iterator[Capture]:
    """Capture what goes over the port; the caller waits for what has to be in it."""
    command = ["dumpcap", "-q", "-i", "lo", "-f", f"tcp port {port}", "-w", str(path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as capturing:
        deadline_s = time.monotonic() + CAPTURE_TIMEOUT_S
        while not path.exists() or path.stat().st_size == 0:
            assert time.monotonic() < deadline_s, "nothing is captured"
        try:
            yield Capture(path, port)
        finally:
            capturing.terminate()
