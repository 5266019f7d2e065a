"""The transports: a module each, of the name that ironpit.config.transport_kinds has for it.

A module has the object TRANSPORT, and imports no other transport's.
"""

from importlib import import_module

from ironpit.config import transport_kinds
from ironpit.transport.ends import Transport

__all__ = ["NAMES", "transport_of"]

NAMES = transport_kinds.NAMES


def transport_of(name: str) -> Transport:
    """The transport of this name, out of NAMES."""
    transport: Transport = import_module(f"{__name__}.{name}").TRANSPORT
    return transport
