"""The transports, as plain data: their names, and what a stream's configuration must have for each.

KINDS is the one table: a line a transport. What opens its ends is the module of its name in
ironpit.transport.kinds.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ironpit.config import scalars


def _path(stream: Any) -> str:
    return str(stream.path)


def _groups(stream: Any) -> str:
    return " and ".join(str(feed.group) for feed in (stream.a, stream.b) if feed is not None)


class TransportKind(NamedTuple):
    """A transport. needs: keys of a stream that it cannot do without, and what they take. place:
    where subscribers find a stream, in words."""

    name: str
    needs: tuple[tuple[str, str], ...] = ()
    place: Callable[[Any], str] = _path


KINDS = (
    TransportKind("shm"),
    TransportKind("multicast", (("a", "a mapping"), ("rerequest", "a mapping")), _groups),
    TransportKind("tcp", (("listen", "an IPv4 address and port"),), lambda s: f"tcp {s.listen}"),
)
NAMES = tuple(kind.name for kind in KINDS)


def kind_of(stream: Any) -> TransportKind:
    """That which carries a stream."""
    return next(kind for kind in KINDS if kind.name == stream.transport)


def listens(stream: Any) -> bool:
    """Whether readers of a stream connect to its `listen`."""
    return "listen" in dict(kind_of(stream).needs)


def scalar() -> scalars.Scalar:
    """A transport by name."""
    return scalars.pattern("|".join(NAMES), f"one of {', '.join(NAMES)}")
