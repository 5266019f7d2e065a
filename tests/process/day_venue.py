"""A venue of real processes under a preloaded clock that the test sets (tests/doubles/clock.c), so
that a day ends when the test says."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ironcore.stream.journal_reader import JournalReader
from ironcore.wire.record import decode_frame
from ironpit.client import OuchClient
from ironpit.client.replies import Reply
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue
from ironpit.flow import generate
from ironpit.venue.definitions import DAY_NS

SOURCE = Path(__file__).parents[1] / "doubles" / "clock.c"
TIMEOUT_S = 60
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS


class Clock:
    """The venue's real-time clock, by minutes before (or behind) the end of the day."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "clock"
        self.midnight_ns = (time.time_ns() // DAY_NS + 1) * DAY_NS
        library = directory / "clock.so"
        command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(library)]
        subprocess.run([*command, str(SOURCE), "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "IRONPIT_TEST_CLOCK": str(self.file)}
        self.file.write_bytes(bytes(8))
        self.set(-120)

    def set(self, minutes: int) -> None:
        """How many minutes behind the end of the day it is from now on."""
        ahead_ns = self.midnight_ns + minutes * MINUTE_NS - time.time_ns()
        with self.file.open("r+b") as file:
            file.write(ahead_ns.to_bytes(8, sys.byteorder, signed=True))


class Day:
    """A venue on such a clock."""

    def __init__(
        self, directory: Path, placement: str, calendar: dict[str, Any] | None = None
    ) -> None:
        self.clock = Clock(directory)
        settings = settings_of(generate(2, 100), Options(placement=placement))
        settings["instruments"][0]["pause"] = "2s"
        if calendar is not None:
            settings["venue"]["calendar"] = calendar
        self.venue = TemporaryVenue(settings, self.clock.environment)
        self.symbol = self.venue.config.instruments[0].symbol

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ironpit", *words],
            env={**os.environ, **self.clock.environment},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A start of the venue that is expected to be refused."""
        return self.command("run", "-c", str(self.venue.file), *words)

    def control(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.command("control", "-c", str(self.venue.file), *words)

    def stat(self) -> str:
        return self.command("stat", "-c", str(self.venue.file)).stdout

    def status(self) -> dict[str, Any]:
        """What the matcher's process says of the day."""
        for file in self.venue.config.venue.data_directory.glob("status-*.json"):
            if (day := json.loads(file.read_text())["day"]) is not None:
                return dict(day)
        return {}

    def stream(self) -> list[dict[str, Any]]:
        """The first record of each frame of the journal."""
        journal = JournalReader(self.venue.config.journal.directory)
        return [decode_frame(frame)[0] for _, frame in journal]

    def states(self) -> list[tuple[int, str]]:
        """What SET_STATE said, in order."""
        return [(c["instrument"], c["state"]) for c in self.stream() if c["kind"] == "SetState"]

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline_s, self.venue.said()
            time.sleep(0.02)

    def client(self, user: str = "MEM1") -> OuchClient:
        listen = self.venue.config.order_entry.listen
        return OuchClient(listen.address, listen.port, user, self.venue.password)


async def until_reply(client: OuchClient, kind: type[Reply]) -> list[Reply]:
    """The replies up to the first of this kind."""
    found: list[Reply] = []
    while not found or not isinstance(found[-1], kind):
        found.append(await client.reply(TIMEOUT_S))
    return found
