"""Goal: docs/CONFIG.md lists every key of the schema with its default, and no other.

Method: the tables of the document against the schema.
"""

import re
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin

import msgspec

from ironpit.common.decimals import Decimals
from ironpit.config.reader import OTHERS, hints, scalar_of
from ironpit.config.schema import UNSAID, Config, Instrument

DOCUMENT = Path(__file__).parents[3] / "docs" / "CONFIG.md"
ROW = re.compile(r"^\| `([^` ]+)` \|([^|]*)\|")  # a name with a space is a command


def shown(value: Any, kind: Any) -> str:
    if value is msgspec.NODEFAULT:
        return ""
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if get_origin(kind) is Annotated:
        return scalar_of(kind, Decimals()).show(value)
    return str(value).lower()


def _default(struct: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> Any:
    """Of a price that depends on others: what an instrument without any of them has."""
    if struct is Instrument and field.name in ("tick_size", "price_min", "price_max"):
        assert field.default == UNSAID
        return getattr(Instrument(symbol="ONE"), field.name)
    return field.default


def keys(struct: type[msgspec.Struct], prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for field in msgspec.structs.fields(struct):
        kind = hints(struct)[field.encode_name]
        key = f"{prefix}.{field.encode_name}" if prefix else field.encode_name
        if get_origin(kind) is UnionType and field.default is None:
            # A mapping that may be left out: what stands in it when it is there.
            kind = next((k for k in get_args(kind) if isinstance(k, type)), kind)
            kind = hints(struct)[field.encode_name] if kind is NoneType else kind
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            found |= keys(kind, key)
        elif get_origin(kind) is dict and get_origin(get_args(kind)[1]) is Annotated:
            found[f"{key}.NAME"] = ""
        elif get_origin(kind) is dict:
            names = prefix if field.encode_name == OTHERS else key
            found |= keys(get_args(kind)[1], f"{names}.NAME")
        elif get_origin(kind) is tuple and isinstance(entry := get_args(kind)[0], type):
            if key.endswith("threads"):
                found[key] = ""
            found |= keys(entry, f"{key}[]")
        else:
            found[key] = shown(_default(struct, field), kind)
    return found


def test_the_document_has_every_key_with_its_default_and_no_other() -> None:
    documented: dict[str, str] = {}
    for line in DOCUMENT.read_text().splitlines():
        if match := ROW.match(line):
            documented[match[1]] = match[2].strip()
    expected = keys(Config, "")
    # It is explained in the text, beside the members whose passwords it holds.
    del expected["credentials"]
    assert documented == expected
