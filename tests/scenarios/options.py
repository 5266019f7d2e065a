"""Options of orders, as OUCH's elements, from the scenarios' words."""

import struct
from collections.abc import Callable

from tests.scenarios import names


def element(tag: int, value: bytes) -> bytes:
    """One option of an appendage."""
    return bytes([1 + len(value), tag]) + value


def _number(tag: int, form: str) -> Callable[[str], bytes]:
    return lambda word: element(tag, struct.pack(form, names.integer(word, "a number")))


def _price(tag: int, form: str) -> Callable[[str], bytes]:
    return lambda word: element(tag, struct.pack(form, names.price(word)))


def _code(tag: int, words: dict[str, str], what: str) -> Callable[[str], bytes]:
    return lambda word: element(tag, names.code_of(words, word, what).encode("latin-1"))


# Options that take one word more.
OPTIONS: dict[str, Callable[[str], bytes]] = {
    "firm": lambda word: element(2, word.ljust(4).encode()),
    "min-qty": _number(3, ">I"),
    "max-floor": _number(5, ">I"),
    "peg": _code(6, names.PEGS, "a kind of peg"),
    "price-type": _code(6, names.PEGS, "a kind of price"),
    "offset": _price(7, ">i"),
    "discretion": _price(9, ">Q"),
    "post-only": _code(12, {"yes": "P", "no": "N"}, "whether it is post-only"),
    "random-reserves": _number(13, ">I"),
    "route": lambda word: element(14, word.ljust(4).encode()),
    "expire": lambda word: element(15, struct.pack(">I", names.second(word))),
    "group": _number(24, ">H"),
    "as": _code(27, names.SIDES, "a side"),
    "stop": _price(128, ">Q"),
    "trail": _price(129, ">I"),
    "stp": _code(130, names.STP_MODES, "a mode"),
    "seed": _number(133, ">Q"),
    "oco": _number(135, ">I"),
    # Any element at all: its tag and its value's bytes, as 5=0000001E; 255 is an option that no
    # record has.
    "option": lambda word: element(int(word.split("=")[0]), bytes.fromhex(word.split("=")[1])),
}
