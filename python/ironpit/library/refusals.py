"""Why the core refuses a definition or a change of an instrument: the field, and what it expects.

The core says no more than that it refuses a record (rules 2.1 to 2.7). What its fields' ranges
leave open is told here, in the order of the rules.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Fields = Mapping[str, Any]
# What stays as it is while orders are live (rule 2.7).
SHAPE = ("tick_size", "lot_size", "price_min", "price_max", "tick_table")


def of_values(fields: Fields) -> str:
    """Of a definition, or a change, by its values alone; empty: none is known."""
    return next(_faults(fields), "")


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
    if fields["lot_size"] > fields["quantity_max"]:
        yield (
            f"quantity_max: found {fields['quantity_max']}, expected at least lot_size, "
            f"{fields['lot_size']} (rule 2.2)"
        )
    yield from _table_faults(fields)
    bands = [(0, fields["tick_size"]), *fields["tick_table"]]
    tick = next(size for price_from, size in reversed(bands) if price_max >= price_from)
    if price_max // tick * tick < price_min:
        yield (
            f"tick_size: found {tick}, expected one with a multiple between price_min, "
            f"{price_min}, and price_max, {price_max} (rule 2.2)"
        )
    yield from _reference_faults(fields.get("reference_price", 0), price_min, price_max, bands)


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
    tick = next(size for price_from, size in reversed(bands) if reference >= price_from)
    if reference % tick:
        yield (
            f"reference_price: found {reference}, expected 0 or a multiple of the tick size {tick} "
            "(rule 2.6)"
        )
