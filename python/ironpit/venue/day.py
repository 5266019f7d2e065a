"""The stream's day: which UTC day a venue's stream is of, until when it takes orders, and who is
told.

A stream has one day, from the midnight of its first command, by the clock of the matcher
(ironcore/stream/day_end.pyx). Behind it the matcher has closed every instrument for good.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ironcore.base.counters import CountersReader
from ironcore.stream.journal_reader import JournalReader
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config, stages_of
from ironpit.venue.definitions import COMMAND_STREAM_START, DAY_NS, HEADER, SECOND_NS, STREAM_START

MIDNIGHT_AT = 3  # among the fields of STREAM_START
# Before the end: how long, and as people say it; the longest first.
WARNINGS = ((3_600 * SECOND_NS, "1 h"), (300 * SECOND_NS, "5 min"))


@dataclass(frozen=True)
class Day:
    """A stream's day. over: its matcher has closed every instrument."""

    end_ns: int
    over: bool = False

    @property
    def date(self) -> str:
        """Which day, as 2026-12-01."""
        return _utc(self.end_ns - DAY_NS).date().isoformat()

    @property
    def until(self) -> str:
        """The end, as 2026-12-02 00:00:00 UTC."""
        return f"{_utc(self.end_ns):%Y-%m-%d %H:%M:%S} UTC"

    def has_ended(self, now_ns: int) -> bool:
        """Whether no order is taken any more."""
        return self.over or now_ns >= self.end_ns

    def warning(self, now_ns: int) -> str:
        """How little is left of it, as `5 min`; empty while it is long, and when it is over."""
        left_ns = self.end_ns - now_ns
        words = [word for before_ns, word in WARNINGS if left_ns <= before_ns]
        return words[-1] if words and not self.has_ended(now_ns) else ""

    def described(self, now_ns: int) -> str:
        """One line for people."""
        if self.has_ended(now_ns):
            return (
                f"closed: the stream's day {self.date} (UTC) is over; orders are refused, cancels "
                "are taken"
            )
        text = f"the stream is of {self.date} (UTC): it takes orders until {self.until}"
        warning = self.warning(now_ns)
        return f"{text}, less than {warning} from now" if warning else text

    def as_json(self) -> dict[str, Any]:
        """For status-NAME.json and `ironpit stat --json`."""
        return {"date": self.date, "orders_until": self.until, "over": self.over}


def _utc(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC)


def of_counters(counters: dict[str, int]) -> Day | None:
    """The day as the matcher's counters have it; None: they are another process's, or there is no
    stream yet."""
    end_ns = counters.get("matcher.day_end_ns", 0)
    return Day(end_ns, counters.get("matcher.day_over", 0) != 0) if end_ns else None


def of_venue(config: Config) -> Day | None:
    """The day as the venue's matcher has it, whichever process that is in; None: there is no
    matcher, or no stream yet."""
    processes = config.placement.processes
    name = next(n for n, process in processes.items() if "matcher" in stages_of(process))
    file = config.venue.data_directory / f"counters-{name}.dat"
    return of_counters(CountersReader(file).snapshot()) if file.exists() else None


def of_journal(directory: Path) -> Day | None:
    """The day of a journal's stream; None: it is empty, or its stream has none."""
    for _, payload in JournalReader(directory, unsynced=True):
        if payload[0] != COMMAND_STREAM_START:
            return None
        midnight_ns = STREAM_START.unpack_from(payload, HEADER.size)[MIDNIGHT_AT]
        return Day(midnight_ns + DAY_NS) if midnight_ns else None
    return None


def refuse_another(config: Config, continue_day: bool) -> None:
    """UserError when the journal is of another day than this one, and neither is that asked for nor
    does the venue have a calendar."""
    day, now_ns = of_journal(config.journal.directory), time.time_ns()
    if day is None or continue_day or day.end_ns - DAY_NS <= now_ns < day.end_ns:
        return
    today = _utc(now_ns).date().isoformat()
    where = f"{config.journal.directory}: its stream is of {day.date} (UTC), and today is {today}"
    if now_ns < day.end_ns:
        raise UserError(f"{where}: the host's clock is behind; set the clock", Exit.REFUSED)
    if config.venue.calendar is not None:
        return  # its matcher brings it to its end, and the next trading day follows
    raise UserError(
        f"{where}; a venue without venue.calendar takes orders for one day. To trade today, choose "
        "another journal.directory or move this one away. To let members fetch replies and cancel: "
        "ironpit run --continue-day",
        Exit.REFUSED,
    )


class DayWatch:
    """Says what becomes of the day of this process's matcher, each thing once.

    matcher: None in a process without one, which says nothing.
    """

    def __init__(self, venue: str, matcher: Any, say: Callable[[str], None]) -> None:
        self.venue = venue
        self.matcher = matcher
        self.say = say
        self._told = ""

    @property
    def day(self) -> Day | None:
        """The matcher's; None without one, or without a stream."""
        if self.matcher is None or not self.matcher.day_end_ns:
            return None
        return Day(self.matcher.day_end_ns, self.matcher.day_over)

    def turn(self, now_ns: int) -> str:
        """To be called often: what is new, for the service manager; else empty."""
        day = self.day
        if day is None or (now_ns >= day.end_ns and not day.over):
            return ""  # the matcher closes the instruments right now: told when it has
        text = day.described(now_ns)
        if text == self._told:
            return ""
        self._told = text
        self.say(f"venue {self.venue}: {text}")
        return text
