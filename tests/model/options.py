"""Options of an order (rule 4.9): how they are read, written, and inherited (7.5)."""

import struct
from typing import Any, NamedTuple

from tests.model import records as r

MIN_QTY, MAX_FLOOR, PRICE_TYPE, PEG_OFFSET, DISCRETION_PRICE = 3, 5, 6, 7, 9
POST_ONLY, RANDOM_RESERVES, ROUTE, EXPIRE_TIME, GROUP_ID, SIDE = 12, 13, 14, 15, 24, 27
STOP_PRICE, TRAIL_OFFSET, SELF_TRADE_PREVENTION, RESERVE_SEED, OCO_REF = 128, 129, 130, 133, 135

# The options that docs/MATCHING_RULES.md names: their tag, length and kind (unsigned, signed or
# character).
KNOWN: dict[str, tuple[int, int, str]] = {
    "min_qty": (MIN_QTY, 4, "u"),
    "max_floor": (MAX_FLOOR, 4, "u"),
    "price_type": (PRICE_TYPE, 1, "c"),
    "peg_offset": (PEG_OFFSET, 4, "i"),
    "discretion_price": (DISCRETION_PRICE, 8, "u"),
    "post_only": (POST_ONLY, 1, "c"),
    "random_reserves": (RANDOM_RESERVES, 4, "u"),
    "route": (ROUTE, 4, "u"),
    "expire_time": (EXPIRE_TIME, 4, "u"),
    "group_id": (GROUP_ID, 2, "u"),
    "side": (SIDE, 1, "c"),
    "stop_price": (STOP_PRICE, 8, "u"),
    "trail_offset": (TRAIL_OFFSET, 4, "u"),
    "stp": (SELF_TRADE_PREVENTION, 1, "c"),
    "reserve_seed": (RESERVE_SEED, 8, "u"),
    "oco_ref": (OCO_REF, 4, "u"),
}
NAMES = {tag: name for name, (tag, _, _) in KNOWN.items()}


class MalformedError(Exception):
    """Rule 1.2."""


class Options(NamedTuple):
    """What an order asks for; None where that differs from every value."""

    min_qty: int = 0
    max_floor: int = 0
    random_reserves: int = 0
    reserve_seed: int = 0
    price_type: str = "L"
    peg_offset: int = 0
    post_only: str = "N"
    expire_time: int | None = None
    stop_price: int | None = None
    trail_offset: int | None = None
    stp: str | None = None
    oco_ref: int | None = None
    group_id: int = 0
    side: str | None = None
    route: int | None = None
    discretion_price: int | None = None

    @property
    def is_peg(self) -> bool:
        return self.price_type in ("P", "R", "M")

    @property
    def is_to_limit(self) -> bool:
        """Market-to-limit, without its limit as yet (rule 5.13)."""
        return self.price_type == "K"

    @property
    def is_imbalance_only(self) -> bool:
        """Rule 14.11."""
        return self.price_type == "I"

    @property
    def is_stop(self) -> bool:
        return self.stop_price is not None or self.trail_offset is not None

    def without_stop(self) -> "Options":
        return self._replace(stop_price=None, trail_offset=None)


def read_options(block: bytes) -> dict[str, Any]:
    """Rule 4.9: what a record names, by name."""
    if not block:
        return {}
    named = int.from_bytes(block[:4], "little")
    given: dict[str, Any] = {}
    for tag, (bit, at, form) in r.OPTION_PLACES.items():
        if not named >> bit & 1:
            continue
        name, value = NAMES[tag], struct.unpack_from(form, block, at)[0] if form else 0
        given[name] = chr(value) if KNOWN[name][2] == "c" else value
    if named >> len(r.OPTION_PLACES):
        raise MalformedError
    return given


def inherited(old: Options, given: dict[str, Any]) -> Options:
    """Rule 7.5: what is not named keeps the old order's value."""
    dropped = old._replace(route=None, discretion_price=None, side=None, oco_ref=None)
    options = dropped._replace(**given)
    if given.get("stop_price") == 0 or given.get("trail_offset") == 0:
        options = options.without_stop()
    return options


def fitted(
    options: Options,
    given: dict[str, Any],
    open_quantity: int,
    is_displayed: bool,
    leaves_at_once: bool,
    has_limit: bool,
) -> Options:
    """Rule 7.5: what is kept is fitted to the replacement."""
    if "price_type" not in given and options.is_to_limit and has_limit:
        options = options._replace(price_type="L")
    if "min_qty" not in given and options.min_qty > open_quantity:
        options = options._replace(min_qty=open_quantity)
    if "max_floor" not in given:
        floor = min(options.max_floor, open_quantity)
        if leaves_at_once or not is_displayed or options.is_peg:
            floor = 0
        options = options._replace(max_floor=floor)
    if "random_reserves" not in given and options.max_floor in (0, open_quantity):
        options = options._replace(random_reserves=0)
    return options


def write_options(**given: int | str) -> bytes:
    """The options named, in their order, as OUCH's elements."""
    elements = b""
    for name, value in given.items():
        tag, size, kind = KNOWN[name]
        if isinstance(value, str):
            data = value.encode()
        else:
            data = value.to_bytes(size, signed=kind == "i")
        elements += bytes([1 + len(data), tag]) + data
    return elements
