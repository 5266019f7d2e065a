"""All transports by name: those of the product's table, each by the module of its name here.

A module may have several variants of its transport.
"""

import json
from importlib import import_module
from typing import Any

from tests.conformance.transport import Transport

from ironpit.transport.kinds import NAMES


def _variants(name: str) -> list[type[Transport]]:
    """What this folder's module of a transport offers."""
    found = vars(import_module(f"tests.conformance.{name}")).values()
    return [
        kind
        for kind in found
        if isinstance(kind, type) and issubclass(kind, Transport) and kind is not Transport
    ]


TRANSPORTS: dict[str, type[Transport]] = {
    kind.name: kind for name in NAMES for kind in _variants(name)
}


def from_json(text: str) -> Transport:
    """The transport that `as_json` wrote."""
    found: dict[str, Any] = json.loads(text)
    return TRANSPORTS[found["name"]](**found["fields"])
