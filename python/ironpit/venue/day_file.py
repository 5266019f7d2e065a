"""What a trading day began with: the file that stands beside its journal when it followed another.

Reference prices come from the day before, not from the configuration, so that collars look at the
market and not at a price of long ago.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from ironpit.config import Config, Instrument
from ironpit.config.rules import tick_size_at
from ironpit.venue import state_file
from ironpit.venue.stream_identity import write_whole

FILE = "day.json"


def write(directory: Path, about: dict[str, Any]) -> None:
    """Durably."""
    write_whole(directory / FILE, json.dumps(about, indent=2) + "\n")


class Beginning(msgspec.Struct, frozen=True):
    """What of the file the venue reads again."""

    references: dict[str, int]


def references(directory: Path) -> dict[str, int]:
    """The reference prices that the journal's day began with, by symbol; none: it is a first day.
    UserError when the file is damaged."""
    found = state_file.read(
        directory / FILE, Beginning, "the reference prices that the day began with"
    )
    return {} if found is None else found.references


def _fits(instrument: Instrument, price: int) -> bool:
    """Whether the instrument, as it is configured by now, may have this reference price."""
    return (
        1 <= instrument.price_min <= price <= instrument.price_max
        and price % tick_size_at(instrument, price) == 0
    )


def with_references(config: Config, prices: dict[str, int]) -> Config:
    """The configuration with these reference prices, and its own where there is none that fits."""
    if not prices:
        return config
    return replace(
        config,
        instruments=tuple(
            replace(i, reference_price=prices[i.symbol]) if _fits(i, prices.get(i.symbol, 0)) else i
            for i in config.instruments
        ),
    )


def as_the_day_began(config: Config) -> Config:
    """The configuration with the reference prices of the journal's day."""
    return with_references(config, references(config.journal.directory))
