"""Why the core refuses a definition or a change of an instrument: the field, and what it expects.

The core says no more than that it refuses a record (rules 2.1 to 2.7). What its fields' ranges
leave open is told here, in the order of the rules.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ironpit.common.decimals import PRICE_MAX

Fields = Mapping[str, Any]
# What an instrument with prices below 1 has none of (rule 2.12).
COUNTED = (
    "reference_price",
    "static_collar_bp",
    "dynamic_collar_bp",
    "auction_collar_bp",
    "entry_collar_bp",
    "market_protection_bp",
)
STATES_WITHOUT_AUCTION = "CTH"
# What stays as it is while orders are live (rule 2.7).
SHAPE = ("tick_size", "lot_size", "price_min", "price_max", "tick_table")


def of_values(fields: Fields) -> str:
    """Of a definition, or a change, by its values alone; empty: none is known."""
    return next(filter(None, _faults(fields)), "")


def of_state(name: str, state: str, price_min: int) -> str:
    """Of a state that an instrument is to have (rule 2.12)."""
    if price_min >= 1 or state in STATES_WITHOUT_AUCTION:
        return ""
    return (
        f"{name}: found {state!r}, expected C, T or H, as price_min is {price_min}, below 1 "
        "(rule 2.12)"
    )


def of_prices_below_1(now: Fields, fields: Fields) -> str:
    """Of a change that would bring such prices, or end them; now: the instrument's terms."""
    if (fields["price_min"] < 1) != (now["price_min"] < 1):
        expected = "at most 0" if now["price_min"] < 1 else "at least 1"
        return (
            f"price_min: found {fields['price_min']}, expected {expected}, as the instrument was "
            "defined (rule 2.12)"
        )
    return ""


def of_change(now: Fields, fields: Fields) -> str:
    """Of a change while orders are live; now: the instrument's terms, tick_table as a list."""
    for name in SHAPE:
        if fields[name] != now[name]:
            return (
                f"{name}: found {fields[name]}, expected {now[name]} as it is, because orders of "
                "the instrument are live (rule 2.7)"
            )
    return ""


def of_bust(match_number_last: int, fields: Fields) -> str:
    """Rule 2.9."""
    found = fields["match_number"]
    if found > match_number_last:
        return (
            f"match_number: found {found}, expected at most {match_number_last}, the last that was "
            "given (rule 2.9)"
        )
    return (
        f"slots: found {[fields['slot_1'], fields['slot_2']]}, expected those of sessions that are "
        "defined (rule 2.9)"
    )


def _faults(fields: Fields) -> Iterator[str]:
    price_min, price_max = fields["price_min"], fields["price_max"]
    if price_min > price_max:
        yield f"price_min: found {price_min}, expected at most price_max, {price_max} (rule 2.2)"
    if price_max - price_min > PRICE_MAX:
        yield (
            f"price_min, price_max: found {price_min}, {price_max}, expected a distance of at most "
            f"{PRICE_MAX} (rule 2.2)"
        )
    if price_min < 1:
        yield from _faults_below_1(fields)
    if fields["lot_size"] > fields["quantity_max"]:
        yield (
            f"quantity_max: found {fields['quantity_max']}, expected at least lot_size, "
            f"{fields['lot_size']} (rule 2.2)"
        )
    yield from _table_faults(fields)
    bands = [(0, fields["tick_size"]), *fields["tick_table"]]
    tick = _tick_size_at(price_max, bands)
    if price_max // tick * tick < price_min:
        yield (
            f"tick_size: found {tick}, expected one with a multiple between price_min, "
            f"{price_min}, and price_max, {price_max} (rule 2.2)"
        )
    yield from _reference_faults(fields.get("reference_price", 0), price_min, price_max, bands)


def _tick_size_at(price: int, bands: list[tuple[int, int]]) -> int:
    """Below 0 the first band's."""
    return next((size for price_from, size in reversed(bands) if price >= price_from), bands[0][1])


def _faults_below_1(fields: Fields) -> Iterator[str]:
    """Rule 2.12."""
    why = f"as price_min is {fields['price_min']}, below 1 (rule 2.12)"
    if fields["tick_table"]:
        yield f"tick_table: found {len(fields['tick_table'])} bands, expected none, {why}"
    for name in COUNTED:
        if fields.get(name):
            yield f"{name}: found {fields[name]}, expected 0, {why}"
    yield of_state("initial_state", fields.get("initial_state", "T"), fields["price_min"])


def _table_faults(fields: Fields) -> Iterator[str]:
    """Rule 2.11."""
    above, tick_below = 0, fields["tick_size"]
    for number, (price_from, tick) in enumerate(fields["tick_table"]):
        start = f"tick_table[{number}]: found a band from {price_from} on, expected one"
        if price_from <= above:
            yield f"{start} that begins above {above} (rule 2.11)"
        for size in (tick_below, tick):
            if price_from % size:
                yield f"{start} that begins at a multiple of the tick size {size} (rule 2.11)"
        above, tick_below = price_from, tick


def _reference_faults(
    reference: int, price_min: int, price_max: int, bands: list[tuple[int, int]]
) -> Iterator[str]:
    """Rule 2.6."""
    if not reference:
        return
    if not price_min <= reference <= price_max:
        yield (
            f"reference_price: found {reference}, expected 0 or a price between {price_min} and "
            f"{price_max} (rule 2.6)"
        )
    tick = _tick_size_at(reference, bands)
    if reference % tick:
        yield (
            f"reference_price: found {reference}, expected 0 or a multiple of the tick size {tick} "
            "(rule 2.6)"
        )
