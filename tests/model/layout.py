"""The core's structures, as its declarations say: where each field is, without a number in a test.

The `cdef struct`s of the .pxd files are read and laid out as the C compiler does it. That the
compiler agrees is seen from what a core says of its own sizes when it is saved.
"""

import ctypes
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tests.model import records as r

from ironcore.library.venue import VenueCore
from ironcore.wire.order_options import OPTIONS_DTYPE

CORE = Path(__file__).parents[2] / "pyx/ironcore"
DECLARED = (
    CORE / "wire/record.pxd",
    CORE / "book/limits.pxd",
    CORE / "book/options.pxd",
    CORE / "book/order_pool.pxd",
    CORE / "book/price_grid.pxd",
    CORE / "book/price_levels.pxd",
    CORE / "book/book.pxd",
    CORE / "engine/auctions/auction_state.pxd",
    CORE / "engine/engine.pxd",
)
C_TYPES: dict[str, Any] = {
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint8_t": ctypes.c_uint8,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "bint": ctypes.c_int,
    "char": ctypes.c_char,
    "AuctionPhase": ctypes.c_int,
    "SearchPhase": ctypes.c_int,
}
STRUCT = re.compile(r"^cdef struct (\w+):.*\n((?:(?:    .*)?\n)+)", re.MULTILINE)
FIELD = re.compile(r"^    (?:const )?(\w+)(\*?) (\w+)(?:\[(\d+)\])?$")
SAVED = ("Engine", "Book", "Session", "Special", "PriceNode")  # in snapshot.pyx's header
SAVED_AT = 16


def _fields(declared: str, known: dict[str, Any]) -> list[tuple[str, Any]]:
    fields = []
    for line in declared.splitlines():
        stated = line.split("#")[0].rstrip()
        if not stated:
            continue
        found = FIELD.match(stated)
        if found is None:
            raise AssertionError(f"found {stated!r}, expected the declaration of one field")
        type_name, star, name, count = found.groups()
        c_type = ctypes.c_void_p if star else known[type_name]
        fields.append((name, c_type * int(count) if count else c_type))
    return fields


def _options() -> type[ctypes.Structure]:
    """Declared in include/iron_options.h, and told to Python from there."""
    by_format = {np.dtype(form).str: form for form in C_TYPES.values()}
    fields = []
    for name in OPTIONS_DTYPE.names or ():
        one = OPTIONS_DTYPE[name]
        fields.append((name, by_format.get(one.str, ctypes.c_uint8 * one.itemsize)))
    return type("Options", (ctypes.Structure,), {"_fields_": fields})


@cache
def structs() -> dict[str, type[ctypes.Structure]]:
    """By name: ctypes structures, whose fields have an `offset`."""
    known: dict[str, Any] = dict(C_TYPES)
    found = {"Options": _options()}
    known["Options"] = found["Options"]
    for file in DECLARED:
        for name, declared in STRUCT.findall(file.read_text()):
            fields = _fields(declared, known)
            known[name] = found[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
    core = VenueCore(*r.Limits())
    for place, name in enumerate(SAVED):
        at = SAVED_AT + 4 * place
        size = int.from_bytes(core.save()[at : at + 4], "little")
        if ctypes.sizeof(found[name]) != size:
            raise AssertionError(
                f"struct {name}: found {ctypes.sizeof(found[name])} bytes in its declaration, "
                f"expected the {size} that the core was built with"
            )
    return found


def size(struct: str) -> int:
    return ctypes.sizeof(structs()[struct])


def offset(struct: str, *path: str) -> int:
    """Of a field, or of a field's field; KeyError or AttributeError for one that there is not."""
    at = 0
    here: Any = structs()[struct]
    for name in path:
        at += getattr(here, name).offset
        here = dict(here._fields_)[name]
    return at
