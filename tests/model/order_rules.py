"""What the model knows of orders and instruments, and when it refuses an order: section 4 of
docs/MATCHING_RULES.md."""

from dataclasses import dataclass, field

from tests.model import records as r

ENTRY_DISABLED, BAD_DISPLAY, BAD_MAX_FLOOR, BAD_SIDE, BAD_NUMBER = 0x02, 0x03, 0x04, 0x09, 0x0A
BAD_MIN_QUANTITY, OTHER, PEGGING, BAD_QUANTITY, BAD_CROSS = 0x0D, 0x0F, 0x11, 0x13, 0x14
ROUTING, BAD_SYMBOL, BAD_PRICE, ABOVE_QUANTITY_MAX = 0x16, 0x17, 0x1D, 0x31

TAG_MIN_QUANTITY, TAG_MAX_FLOOR, TAG_PRICE_TYPE, TAG_DISCRETION_PRICE = 3, 5, 6, 9
TAG_POST_ONLY, TAG_RANDOM_RESERVES, TAG_ROUTE, TAG_SIDE = 12, 13, 14, 27


class MalformedError(Exception):
    """Rule 1.2."""


class IgnoredError(Exception):
    """Rule 1.2."""


@dataclass
class Order:
    """An order at rest, or about to trade."""

    order_ref: int
    session: int
    user_ref: int
    instrument: int
    side: str
    price: int
    quantity: int
    executed: int

    @property
    def sells(self) -> bool:
        return self.side != "B"

    @property
    def total(self) -> int:
        return self.executed + self.quantity


@dataclass
class Instrument:
    """Its limits, and its two queues in order of priority."""

    tick: int
    lot: int
    price_min: int
    price_max: int
    quantity_max: int
    buys: list[Order] = field(default_factory=list)
    sells: list[Order] = field(default_factory=list)


@dataclass
class Session:
    """A member's session."""

    user_ref_last: int = 0
    entry_disabled: bool = False


def parse_appendage(appendage: bytes) -> list[tuple[int, bytes]]:
    """Rule 4.9: (tag, value) of each element."""
    elements = []
    while appendage:
        length = appendage[0]
        if length == 0 or len(appendage) < 1 + length:
            raise MalformedError
        elements.append((appendage[1], appendage[2 : 1 + length]))
        appendage = appendage[1 + length :]
    return elements


def option_reason(elements: list[tuple[int, bytes]]) -> int:
    """Rule 4.9: the reason of the first option that asks for too much, or 0."""
    for tag, value in elements:
        is_zero = value == bytes(4)
        if tag == TAG_MIN_QUANTITY and not is_zero:
            return BAD_MIN_QUANTITY
        if tag == TAG_MAX_FLOOR and not is_zero:
            return BAD_MAX_FLOOR
        if tag == TAG_PRICE_TYPE and value != b"L":
            return PEGGING
        if (
            (tag == TAG_POST_ONLY and value == b"P")
            or tag == TAG_DISCRETION_PRICE
            or (tag == TAG_RANDOM_RESERVES and not is_zero)
        ):
            return OTHER
        if tag == TAG_ROUTE:
            return ROUTING
    return 0


def details_reason(
    instrument: Instrument, quantity: int, price: int, tif: str, display: str
) -> int:
    if quantity == 0:  # rule 4.4
        return BAD_QUANTITY
    if quantity > instrument.quantity_max:
        return ABOVE_QUANTITY_MAX
    if quantity % instrument.lot:
        return BAD_QUANTITY
    if price not in (r.MARKET, r.MARKET_CROSS):  # rule 4.5
        if not instrument.price_min <= price <= instrument.price_max:
            return BAD_PRICE
        if price % instrument.tick:
            return BAD_PRICE
    if tif not in "03":  # rule 4.6
        return OTHER
    if display not in "YA":  # rule 4.7
        return BAD_DISPLAY
    return 0
