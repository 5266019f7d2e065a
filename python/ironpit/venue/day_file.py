"""What a trading day began with: the file that stands beside its journal when it followed another.

Reference prices come from the day before, not from the configuration, so that collars look at the
market and not at a price of long ago.
"""

import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ironpit.common.errors import Exit, UserError
from ironpit.config import Config, Instrument
from ironpit.config.rules import tick_size_at
from ironpit.venue.stream_identity import write_whole

FILE = "day.json"


def write(directory: Path, about: dict[str, Any]) -> None:
    """Durably."""
    write_whole(directory / FILE, json.dumps(about, indent=2) + "\n")


def references(directory: Path) -> dict[str, int]:
    """The reference prices that the journal's day began with, by symbol; none: it is a first day.
    UserError when the file is damaged."""
    path = directory / FILE
    try:
        found = json.loads(path.read_text())["references"]
        return {str(symbol): int(price) for symbol, price in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UserError(
            f"{path}: found {error}, expected the reference prices that the day began with",
            Exit.REFUSED,
        ) from error


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
