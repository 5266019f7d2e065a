"""Instruments, sessions and busts as the records that define them, their arguments checked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ironpit.common.decimals import DECIMALS_MAX, PRICE_MAX, QUANTITY_MAX, Decimals
from ironpit.library.arguments import U32_MAX, character, integer, text
from ironpit.library.codes import InstrumentState

SYMBOL_LENGTH: Final = 8
USERNAME_LENGTH: Final = 16
FIRM_LENGTH: Final = 8
TICK_TABLE_LENGTH: Final = 23  # and the tick size below: 24 bands
TICK_TABLES_MAX: Final = 256
BASIS_POINTS: Final = 10_000
STP_MODES: Final = "NOBD-"
# The terms of an instrument that are integers: the lowest and the highest.
TERMS: Final[dict[str, tuple[int, int]]] = {
    "tick_size": (1, U32_MAX),
    "lot_size": (1, U32_MAX),
    "price_min": (-PRICE_MAX, PRICE_MAX),
    "price_max": (-PRICE_MAX, PRICE_MAX),
    "quantity_max": (1, QUANTITY_MAX),
    "reference_price": (-PRICE_MAX, PRICE_MAX),
    "static_collar_bp": (0, BASIS_POINTS),
    "dynamic_collar_bp": (0, BASIS_POINTS),
    "auction_collar_bp": (0, BASIS_POINTS),
    "entry_collar_bp": (0, BASIS_POINTS),
    "market_protection_bp": (0, BASIS_POINTS),
    "pause_seconds": (0, 0xFFFF),
    "pause_random_seconds": (0, 0xFFFF),
    "post_only_mode": (0, 1),
    "allocation": (0, 2),
    "allocation_min": (0, U32_MAX),
    "auction_extensions_max": (0, 0xFF),
    "followers_max": (0, 0xFFFF),
    "min_quantity_max": (0, 0xFFFF),
}
STATES: Final = "".join(chr(state) for state in InstrumentState if state != InstrumentState.RETIRED)


def state(name: str, value: Any) -> str:
    """A state that a command may name: its character, or an InstrumentState or its number."""
    found = value
    if not isinstance(value, str):
        number = integer(name, value, -U32_MAX)
        found = next((known for known in STATES if ord(known) == number), number)
    return character(name, found, STATES)


def tick_table(table: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """Bands of (price from, tick size), checked one by one."""
    if isinstance(table, str) or not isinstance(table, Iterable):
        raise TypeError(f"tick_table: found {table!r}, expected pairs (price, tick size)")
    bands = list(table)
    if len(bands) > TICK_TABLE_LENGTH:
        raise ValueError(
            f"tick_table: found {len(bands)} bands, expected at most {TICK_TABLE_LENGTH}"
        )
    checked = []
    for band in bands:
        if not isinstance(band, Sequence) or isinstance(band, str) or len(band) != 2:
            raise TypeError(f"tick_table: found {band!r}, expected a pair (price, tick size)")
        price_from = integer("tick_table", band[0], 1, PRICE_MAX)
        checked.append((price_from, integer("tick_table", band[1], 1)))
    return checked


def tick_table_fields(table: int, bands: Sequence[tuple[int, int]]) -> dict[str, int]:
    """The fields of DEFINE_TICK_TABLE."""
    fields = {"tick_table": table, "bands_count": len(bands)}
    for number, (price_from, tick_size) in enumerate(bands, 1):
        fields[f"price_from_{number}"] = price_from
        fields[f"tick_size_{number}"] = tick_size
    return fields


def terms(values: Mapping[str, Any]) -> dict[str, Any]:
    """The terms of an instrument as the fields of a definition or a change of it; tick_table is
    still a list of bands."""
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if name == "tick_table":
            fields[name] = tick_table(value)
        elif name in TERMS:
            fields[name] = integer(name, value, *TERMS[name])
        else:
            known = ", ".join(sorted([*TERMS, "tick_table"]))
            raise TypeError(f"{name}: found an unknown argument, expected one of {known}")
    return fields


def decimals(price: Any, quantity: Any) -> Decimals:
    """Those of an instrument, checked."""
    return Decimals(
        integer("price_decimals", price, 0, DECIMALS_MAX),
        integer("quantity_decimals", quantity, 0, DECIMALS_MAX),
    )


def check_auction(fields: Mapping[str, Any]) -> None:
    """ValueError for an auction collar that would do nothing (rule 14.9)."""
    if fields["price_min"] < 1:
        return  # there may be no such collar, which is said of it
    if fields.get("auction_collar_bp") and not fields.get("auction_extensions_max"):
        raise ValueError(
            "auction_extensions_max: found 0, expected at least 1, as auction_collar_bp delays an "
            "auction by extensions alone"
        )


def symbol(value: Any) -> str:
    """A symbol: up to 8 characters, of which none is a space."""
    found = text("symbol", value, SYMBOL_LENGTH, 1)
    if " " in found:
        raise ValueError(f"symbol: found {value!r}, expected no spaces")
    return found


def instrument(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of DEFINE_INSTRUMENT, but for its id."""
    given = dict(values)
    fields: dict[str, Any] = {
        "symbol": symbol(given.pop("symbol")),
        "initial_state": state("initial_state", given.pop("initial_state")),
    }
    own = decimals(given.pop("price_decimals"), given.pop("quantity_decimals"))
    fields |= {"price_decimals": own.price, "quantity_decimals": own.quantity}
    price_max = given.pop("price_max")
    fields |= terms(given if price_max is None else {**given, "price_max": price_max})
    fields.setdefault("price_max", min(PRICE_MAX, fields["price_min"] + PRICE_MAX))  # rule 2.2
    check_auction(fields)
    return fields


def session(name: Any, firm: Any, stp_mode: Any, stp_group: Any) -> dict[str, Any]:
    """The fields of DEFINE_SESSION, but for its id."""
    return {
        "username": text("name", name, USERNAME_LENGTH),
        "firm": text("firm", firm, FIRM_LENGTH),
        "stp_mode": character("stp_mode", stp_mode, STP_MODES),
        "stp_group": integer("stp_group", stp_group),
    }
