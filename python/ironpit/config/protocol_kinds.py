"""The order-entry protocols, as plain data: what members of a gateway may speak.

KINDS is the one table. What a gateway does with it is the module `protocol` of
the room of its name in ironcore.order_entry.
"""

from typing import NamedTuple

from ironpit.config import scalars


class ProtocolKind(NamedTuple):
    """A protocol: its name, its number in the records, and what it is, in words.

    The lengths are of the longest user name and firm that its messages have room for.
    """

    name: str
    number: int
    words: str
    username_length_max: int
    firm_length_max: int


KINDS = (
    # A line a protocol.
    ProtocolKind("ouch", 1, "OUCH 5.0 over SoupBinTCP", username_length_max=6, firm_length_max=4),
)
NAMES = tuple(kind.name for kind in KINDS)
DEFAULT = "ouch"


def kind_of(name: str) -> ProtocolKind:
    """The protocol of this name, out of NAMES."""
    return next(kind for kind in KINDS if kind.name == name)


def scalar() -> scalars.Scalar:
    """A protocol by name."""
    return scalars.pattern("|".join(NAMES), f"one of {', '.join(NAMES)}")
