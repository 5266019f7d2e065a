"""Two configurations side by side, key by key, with defaults filled in."""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from ironpit.common.decimals import Decimals
from ironpit.config.reader import BOOLEAN, OTHERS, hints, join, scalar_of
from ironpit.config.schema import Config, Instrument

# The field that names an entry of a list, so that an inserted entry does not shift all the others.
NAMED_BY = ("symbol", "username", "name", "from")
ABSENT = "(absent)"


class Change(msgspec.Struct, frozen=True):
    """One key that differs; `a` or `b` is None where the key is absent."""

    key: str
    a: str | None
    b: str | None

    def __str__(self) -> str:
        a = ABSENT if self.a is None else self.a
        return f"{self.key}: {a} → {ABSENT if self.b is None else self.b}"


def flatten(config: Config) -> dict[str, str]:
    """Every key with its value, written as a file would write it."""
    flat: dict[str, str] = {}
    _walk(config, Config, "", flat, Decimals())
    return flat


def changes(a: Config, b: Config) -> list[Change]:
    """The keys whose effective values differ, in the order of the schema."""
    flat_a, flat_b = flatten(a), flatten(b)
    keys = dict.fromkeys([*flat_a, *flat_b])
    return [
        Change(key, flat_a.get(key), flat_b.get(key))
        for key in keys
        if flat_a.get(key) != flat_b.get(key)
    ]


def _walk(value: Any, kind: Any, key: str, flat: dict[str, str], decimals: Decimals) -> None:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        if value is None:
            flat[key] = "null"
            return
        kind = next(k for k in get_args(kind) if k is not NoneType)
        origin = get_origin(kind)
    if origin is Annotated:
        flat[key] = scalar_of(kind, decimals).show(value)
    elif origin is Literal:
        flat[key] = str(value)
    elif kind is bool:
        flat[key] = BOOLEAN.show(value)
    elif origin is tuple:
        _walk_list(value, get_args(kind)[0], key, flat, decimals)
    elif origin is dict:
        for name, item in value.items():
            _walk(item, get_args(kind)[1], join(key, name), flat, decimals)
    else:
        if isinstance(value, Instrument):
            decimals = value.decimals
        for name, kind_of_key in hints(kind).items():
            attribute = _attributes(kind)[name]
            at = key if name == OTHERS else join(key, name)
            _walk(getattr(value, attribute), kind_of_key, at, flat, decimals)


def _walk_list(
    values: tuple[Any, ...], kind: Any, key: str, flat: dict[str, str], decimals: Decimals
) -> None:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        flat[key] = f"[{', '.join(str(value) for value in values)}]"
        return
    named_by = next(name for name in NAMED_BY if name in hints(kind))
    names = [_name(value, kind, named_by, decimals) for value in values]
    flat[key] = f"[{', '.join(names)}]"
    for name, value in zip(names, values, strict=True):
        _walk(value, kind, f"{key}[{name}]", flat, decimals)


def _name(value: Any, kind: Any, named_by: str, decimals: Decimals) -> str:
    flat: dict[str, str] = {}
    named = getattr(value, _attributes(kind)[named_by])
    _walk(named, hints(kind)[named_by], "", flat, decimals)
    return flat[""]


def _attributes(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {f.encode_name: f.name for f in msgspec.structs.fields(struct)}
