"""When the next trading day begins, and with which configuration: that of the file as it is then.

Everything of a day is checked before the stages of the day before are stopped: with a file that
cannot be used the venue stays closed, says why, and rolls as soon as the file is mended.
"""

import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from ironpit import config as configs
from ironpit.config import Config, ConfigError
from ironpit.venue import roll
from ironpit.venue.day import Day


class NextDay:
    """`config` is that of the day that runs, or is to be run."""

    def __init__(self, config: Config, file: Path, say: Callable[[str], None]) -> None:
        self.config = config
        self.file = file
        self.say = say
        self._told = ""

    def begins(self, day: Day | None) -> bool:
        """Whether to stop the stages and roll; `config` is the next day's from then on."""
        if day is None or not day.over or not roll.is_due(self.config, day, time.time_ns()):
            return False
        try:
            config = configs.load(self.file)
            complaint = _complaint(self.config, config)
        except ConfigError as error:
            complaint = str(error)
        if complaint:
            if complaint != self._told:
                self.say(
                    f"the next trading day cannot begin, and the venue stays closed:\n{complaint}"
                )
            self._told = complaint
            return False
        self.config = replace(config, require_onload=self.config.require_onload)
        return True


def _complaint(was: Config, now: Config) -> str:
    """What of a changed file needs another start of the venue, if anything does."""
    if now.venue.calendar is None:
        return "venue.calendar: found none, expected one, as the venue was started with one"
    for key, before, after in (
        ("venue.data_directory", was.venue.data_directory, now.venue.data_directory),
        ("journal.directory", was.journal.directory, now.journal.directory),
        ("streams.events.path", was.streams.events.path, now.streams.events.path),
    ):
        if before != after:
            return f"{key}: found {after}, expected {before}, with which the venue was started"
    return ""
