"""What scenarios say of a tick table or an instrument, as fields of its record."""

from collections.abc import Callable
from typing import Any

from tests.scenarios import names
from tests.scenarios.names import NotationError

ATTRIBUTES: dict[str, tuple[str, Callable[[str], int]]] = {
    "id": ("instrument", lambda word: names.integer(word, "an id")),
    "tick": ("tick_size", names.price),
    "lot": ("lot_size", lambda word: names.integer(word, "a lot size")),
    "min": ("price_min", names.price),
    "max": ("price_max", names.price),
    "max-quantity": ("quantity_max", lambda word: names.integer(word, "a quantity")),
    "reference": ("reference_price", names.price),
    "static-collar": ("static_collar_bp", lambda word: names.integer(word, "basis points")),
    "dynamic-collar": ("dynamic_collar_bp", lambda word: names.integer(word, "basis points")),
    "auction-collar": ("auction_collar_bp", lambda word: names.integer(word, "basis points")),
    "entry-collar": ("entry_collar_bp", lambda word: names.integer(word, "basis points")),
    "protection": ("market_protection_bp", lambda word: names.integer(word, "basis points")),
    "pause": ("pause_seconds", lambda word: names.integer(word, "seconds")),
    "pause-random": ("pause_random_seconds", lambda word: names.integer(word, "seconds")),
    "extensions": ("auction_extensions_max", lambda word: names.integer(word, "a number")),
    "followers": ("followers_max", lambda word: names.integer(word, "a number")),
    "minimums": ("min_quantity_max", lambda word: names.integer(word, "a number")),
    "price-decimals": ("price_decimals", lambda word: names.integer(word, "a number")),
    "quantity-decimals": ("quantity_decimals", lambda word: names.integer(word, "a number")),
    "share-min": ("allocation_min", lambda word: names.integer(word, "a quantity")),
}
ALLOCATIONS = {"price-time": 0, "pro-rata": 1, "size-time": 2, "3": 3}
POST_ONLY_MODES = {"reject": 0, "reprice": 1, "2": 2}
INSTRUMENT_DEFAULTS = "tick 0.01 lot 1 min 0.01 max 1000.00 max-quantity 999999 price-decimals 4"


def table_fields(table: str, text: str) -> dict[str, Any]:
    """Bands as 0.00/0.01,10.00/0.05: from which price on, and the tick size there."""
    bands = [band.split("/") for band in text.split(",")]
    fields: dict[str, Any] = {
        "tick_table": names.integer(table, "an id"),
        "bands_count": len(bands),
    }
    for place, band in enumerate(bands, 1):
        if len(band) != 2:
            raise NotationError(f"found {'/'.join(band)!r}, expected a band, as 10.00/0.05")
        fields[f"price_from_{place}"] = names.price(band[0])
        fields[f"tick_size_{place}"] = names.price(band[1])
    return fields


class Instrument:
    """What the scenario says of an instrument so far, by field of its record."""

    def __init__(self, symbol: str, index: int) -> None:
        self.fields: dict[str, Any] = {"symbol": symbol.ljust(8), "instrument": index}
        self.update(INSTRUMENT_DEFAULTS.split())

    def update(self, words: list[str]) -> None:
        while words:
            key = words.pop(0)
            if not words:
                raise NotationError(f"found nothing after {key!r}, expected its value")
            value = words.pop(0)
            if key in ATTRIBUTES:
                name, convert = ATTRIBUTES[key]
                self.fields[name] = convert(value)
            elif key == "state":
                self.fields["initial_state"] = names.code_of(names.STATES, value, "a state")
            elif key == "post-only" and value in POST_ONLY_MODES:
                self.fields["post_only_mode"] = POST_ONLY_MODES[value]
            elif key == "allocation" and value in ALLOCATIONS:
                self.fields["allocation"] = ALLOCATIONS[value]
            elif key == "table":
                self.fields |= {"tick_table": names.integer(value, "an id"), "tick_size": 0}
            else:
                expected = " ".join([*ATTRIBUTES, "state", "post-only", "allocation", "table"])
                raise NotationError(f"found {key!r} {value!r}, expected one of {expected}")

    def copy(self) -> "Instrument":
        other = Instrument("", 0)
        other.fields = dict(self.fields)
        return other
