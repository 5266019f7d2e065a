"""Prices and quantities as text and back: integers, each with the decimals of its instrument.

The core, the records, OUCH and ITCH carry integers alone; 25000000 is 250000.00 where prices have
two decimals. No float is ever made.
"""

import re
from decimal import Decimal

import msgspec

DECIMALS_MAX = 9
PRICE_MAX = 1_999_999_900  # the highest limit price of OUCH 5.0, whatever its decimals
QUANTITY_MAX = 0xFFFF_FFFF
PRICE_DECIMALS_SHOWN = 2  # or fewer, where a price has fewer
_NUMBER = re.compile(r"(-?)([0-9]{1,19})(?:\.([0-9]{1,19}))?", re.ASCII)


def read(text: str, decimals: int) -> int:
    """A decimal number with at most so many decimals, as an integer of the last one. ValueError
    says what was found."""
    match = _NUMBER.fullmatch(text)
    if not match or len(match[3] or "") > decimals:
        raise ValueError(f"found {text!r}, expected {expectation(decimals)}")
    value = int(match[2] + (match[3] or "").ljust(decimals, "0"))
    return -value if match[1] else value


def expectation(decimals: int) -> str:
    """What `read` takes, in words."""
    if decimals == 0:
        return "a whole number"
    return f"a number with at most {decimals} decimal{'s' if decimals > 1 else ''}"


def show(value: int, decimals: int, shown_min: int = 0, *, grouped: bool = False) -> str:
    """An integer as a decimal number. Zeros at the end go, down to shown_min decimals; `grouped`
    has a comma at every thousand."""
    whole, rest = divmod(abs(value), 10**decimals)
    fraction = f"{rest:0{decimals}d}" if decimals else ""
    fraction = fraction[:shown_min] + fraction[shown_min:].rstrip("0")
    sign = "-" if value < 0 else ""
    text = f"{sign}{whole:,}" if grouped else f"{sign}{whole}"
    return f"{text}.{fraction}" if fraction else text


class Decimals(msgspec.Struct, frozen=True):
    """How many decimals an instrument's prices and its quantities have.

    btcusd = Decimals(price=2, quantity=4)
    btcusd.read_price("250000.00")      # 25000000
    btcusd.show_quantity(1)             # "0.0001"
    btcusd.decimal_price(25_000_000)    # Decimal("250000.00")
    """

    price: int = 4
    quantity: int = 0

    def __post_init__(self) -> None:
        for name, value in (("price", self.price), ("quantity", self.quantity)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name}: found {value!r}, expected an integer")
            if not 0 <= value <= DECIMALS_MAX:
                raise ValueError(f"{name}: found {value}, expected 0 to {DECIMALS_MAX}")

    def read_price(self, number: str | Decimal) -> int:
        """A price as the integer that orders have. TypeError for a float: it is not exact."""
        return read(_text(number), self.price)

    def read_quantity(self, number: str | Decimal) -> int:
        """A quantity as the integer that orders have; likewise."""
        return read(_text(number), self.quantity)

    def show_price(self, price: int) -> str:
        """A price as text, with two decimals at least where it has so many."""
        return show(int(price), self.price, PRICE_DECIMALS_SHOWN)

    def show_quantity(self, quantity: int, *, grouped: bool = False) -> str:
        """A quantity as text, without zeros at the end."""
        return show(int(quantity), self.quantity, grouped=grouped)

    def decimal_price(self, price: int) -> Decimal:
        """A price as a Decimal, with all of its decimals."""
        return Decimal(show(int(price), self.price, self.price))

    def decimal_quantity(self, quantity: int) -> Decimal:
        """A quantity as a Decimal, with all of its decimals."""
        return Decimal(show(int(quantity), self.quantity, self.quantity))


def _text(number: str | Decimal) -> str:
    if isinstance(number, str):
        return number
    if not isinstance(number, Decimal):
        raise TypeError(f"found {number!r}, expected text or a Decimal")
    if not number.is_finite():
        raise ValueError(f"found {number}, expected a number")
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
