"""Scalars of a configuration file: text in, integers in the project's own units out, and back.

Every scalar is read from the text of the YAML node, never from a value that YAML guessed: `off`
stays a word, `0.01` never becomes a float, and an error can quote what stands in the file.
"""

import re
from collections.abc import Callable
from datetime import date
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Any, Literal

import msgspec

from ironpit.common.decimals import PRICE_MAX, QUANTITY_MAX, Decimals
from ironpit.common.decimals import read as read_decimal

SIZE_UNITS = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "B": 1}
DURATION_UNITS_NS = {
    "h": 3_600_000_000_000,
    "min": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
DECIMALS_KEYS = {"price": "price_decimals", "quantity": "quantity_decimals"}
PORT_MAX = 65_535
BASIS_POINTS_MAX = 10_000


class Scalar(msgspec.Struct, frozen=True):
    """How the text of one kind of scalar is read and shown; `expected` completes "expected …"."""

    expected: str
    read: Callable[[str], Any]
    show: Callable[[Any], str] = str


class Endpoint(msgspec.Struct, frozen=True):
    """An IPv4 address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


class Window(msgspec.Struct, frozen=True):
    """How far back something is kept: so many bytes, or for so long. The other one is 0."""

    size_bytes: int = 0
    time_ns: int = 0


def _within(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise ValueError
    return value


def integer(low: int, high: int, power_of_two: bool = False) -> Scalar:
    """A decimal integer between both limits, both included."""

    def read(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]+", text):
            raise ValueError
        value = _within(int(text), low, high)
        if power_of_two and value & (value - 1):
            raise ValueError
        return value

    kind = "a power of two" if power_of_two else "an integer"
    return Scalar(f"{kind} from {low} to {high}", read)


def show_size(value: int) -> str:
    """Bytes in the largest unit that gives a whole number."""
    for unit, bytes_each in SIZE_UNITS.items():
        if value and value % bytes_each == 0:
            return f"{value // bytes_each}{unit}"
    return f"{value}B"


def size(low: int, high: int, power_of_two: bool = True) -> Scalar:
    """A size in bytes such as 64MiB; without a unit the number counts bytes."""

    def read(text: str) -> int:
        match = re.fullmatch(r"([0-9]+)(GiB|MiB|KiB|B)?", text)
        if not match:
            raise ValueError
        value = _within(int(match[1]) * SIZE_UNITS[match[2] or "B"], low, high)
        if power_of_two and value & (value - 1):
            raise ValueError
        return value

    kind = "a size that is a power of two" if power_of_two else "a size"
    limits = f"from {show_size(low)} to {show_size(high)}"
    return Scalar(f"{kind} with a unit (B, KiB, MiB, GiB), {limits}", read, show_size)


def day() -> Scalar:
    """A date as ISO 8601 writes it."""

    def read(text: str) -> date:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)

    return Scalar("a date such as 2026-12-25", read, date.isoformat)


class ReaderRule(msgspec.Struct, frozen=True):
    """Whether a ring's reader is waited for, and for how long; None: as long as the stream says."""

    gating: bool
    patience_ns: int | None = None


def show_duration(value_ns: int) -> str:
    """Nanoseconds in the largest unit that gives a whole number; none at all is 0s."""
    if value_ns == 0:
        return "0s"
    for unit, unit_ns in DURATION_UNITS_NS.items():
        if value_ns % unit_ns == 0:
            return f"{value_ns // unit_ns}{unit}"
    return f"{value_ns}ns"


def duration(low_ns: int, high_ns: int) -> Scalar:
    """A duration in nanoseconds, written as a whole number with a unit: 10ms, 5s."""

    def read(text: str) -> int:
        match = re.fullmatch(r"([0-9]+)(h|min|s|ms|us|ns)", text)
        if not match:
            raise ValueError
        return _within(int(match[1]) * DURATION_UNITS_NS[match[2]], low_ns, high_ns)

    limits = f"from {show_duration(low_ns)} to {show_duration(high_ns)}"
    return Scalar(
        f"a whole number with a unit (ns, us, ms, s, min, h), {limits}", read, show_duration
    )


def reader_rule() -> Scalar:
    """How a ring treats a reader: gating, gating with a patience of its own, or lossy."""
    patience = duration(1, DURATION_UNITS_NS["h"])

    def read(text: str) -> ReaderRule:
        word, _, rest = text.partition(" ")
        if word not in ("gating", "lossy") or (word == "lossy" and rest):
            raise ValueError
        return ReaderRule(word == "gating", patience.read(rest.strip()) if rest else None)

    def show(value: ReaderRule) -> str:
        if not value.gating:
            return "lossy"
        own = value.patience_ns
        return "gating" if own is None else f"gating {show_duration(own)}"

    return Scalar("gating, gating with a patience such as gating 2s, or lossy", read, show)


def window(sizes: Scalar, durations: Scalar) -> Scalar:
    """A size or a duration, whichever the unit says."""

    def read(text: str) -> Window:
        try:
            return Window(size_bytes=sizes.read(text))
        except ValueError:
            return Window(time_ns=durations.read(text))

    def show(value: Window) -> str:
        return sizes.show(value.size_bytes) if value.size_bytes else durations.show(value.time_ns)

    return Scalar(f"{sizes.expected}; or {durations.expected}", read, show)


class Scaled(msgspec.Struct, frozen=True):
    """A scalar whose decimals another key of the instrument says: DECIMALS_KEYS[unit]."""

    unit: Literal["price", "quantity"]

    def of(self, decimals: Decimals) -> Scalar:
        """The scalar of an instrument with these decimals."""
        of_unit = decimals.price if self.unit == "price" else decimals.quantity
        highest = PRICE_MAX if self.unit == "price" else QUANTITY_MAX
        show = decimals.show_price if self.unit == "price" else decimals.show_quantity

        def read(text: str) -> int:
            return _within(read_decimal(text, of_unit), 1, highest)

        number = "whole number" if of_unit == 0 else "number"
        places = f" with at most {of_unit} decimal{'s' if of_unit > 1 else ''}" if of_unit else ""
        why = ", the prices that OUCH 5.0 has" if self.unit == "price" else ""
        expected = f"a {number}{places}, from {show(1)} to {show(highest)}{why}"
        return Scalar(f"{expected} ({DECIMALS_KEYS[self.unit]} is {of_unit})", read, show)


def price() -> Scaled:
    """A price above zero, kept as an integer of the instrument's last decimal."""
    return Scaled("price")


def quantity() -> Scaled:
    """A quantity above zero, likewise."""
    return Scaled("quantity")


def basis_points() -> Scalar:
    """A share of a price in 1/100 of a per cent, written with its unit: 500bp."""

    def read(text: str) -> int:
        match = re.fullmatch(r"([0-9]{1,5})bp", text)
        if not match:
            raise ValueError
        return _within(int(match[1]), 0, BASIS_POINTS_MAX)

    return Scalar(
        f"whole basis points such as 500bp, from 0bp to {BASIS_POINTS_MAX}bp",
        read,
        lambda value: f"{value}bp",
    )


def pattern(regex: str, expected: str) -> Scalar:
    """A text that the expression matches from end to end."""

    def read(text: str) -> str:
        if not re.fullmatch(regex, text):
            raise ValueError
        return text

    return Scalar(expected, read)


def path() -> Scalar:
    """A file or directory name; what it is relative to is the key's own rule."""

    def read(text: str) -> Path:
        if not text or "\0" in text:
            raise ValueError
        return Path(text)

    return Scalar("a path", read)


def _address(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        raise ValueError from error


def endpoint(multicast: bool = False) -> Scalar:
    """ADDRESS:PORT with a numeric IPv4 address: of this host, or of a multicast group."""

    def read(text: str) -> Endpoint:
        address, colon, port = text.rpartition(":")
        if not colon or not re.fullmatch(r"[0-9]{1,5}", port):
            raise ValueError
        if _address(address).is_multicast != multicast:
            raise ValueError
        return Endpoint(address, _within(int(port), 1, PORT_MAX))

    if multicast:
        return Scalar("a multicast group and port such as 239.192.0.1:26400", read)
    return Scalar("an IPv4 address and port such as 127.0.0.1:26100", read)


def interface() -> Scalar:
    """A network interface by its IPv4 address or by its name."""

    def read(text: str) -> str:
        if re.fullmatch(r"[0-9.]+", text):
            if _address(text).is_multicast:
                raise ValueError
        elif not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,14}", text):
            raise ValueError
        return text

    return Scalar("an interface's IPv4 address or name such as 127.0.0.1 or eth1", read)


def rounding(asked_bytes: int, made_bytes: int) -> str:
    """That a capacity is not what was asked for."""
    return f"{show_size(asked_bytes)} rounded up to {show_size(made_bytes)}, a power of two"
