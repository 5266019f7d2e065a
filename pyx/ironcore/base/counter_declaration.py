"""How a part declares its counters: name, help, kind and unit, in one place each.

    COUNTERS = (
        Counter("frames", "frames taken", unit="frames"),
        Gauge("lag_bytes", "how far it is behind", unit="bytes"),
        Maximum("sync_ns_max", "the longest fdatasync", unit="ns"),
    )

The code that writes a counter agrees with its kind: `counter_add` and `counter_follow` write a
count, `counter_set` a gauge, `counter_raise_to` a maximum. A name ends with the unit where the unit
is bytes or ns, and a maximum's with `_max`.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, NamedTuple, get_args

Kind = Literal["count", "gauge", "maximum"]
Unit = Literal[
    "1",  # times that something happened, or a number without a unit
    "ns",
    "bytes",
    "frames",  # of a stream; of a gauge, the number of one
    "messages",
    "packets",  # of a protocol: datagrams, Ethernet frames, those of SoupBinTCP
    "commands",
    "events",
    "orders",
    "connections",
    "calls",  # of the host
    "characters",  # no amount: eight characters, the first one in the lowest byte
]
# A counters file holds a unit's place here: new ones go last.
UNITS: Final[tuple[Unit, ...]] = get_args(Unit)


class Description(NamedTuple):
    """What a counters file says of one counter."""

    kind: str
    unit: str
    help: str


@dataclass(frozen=True)
class Declaration:
    """One counter of a part. Use Counter, Gauge or Maximum. ValueError: no such unit."""

    name: str
    help: str = ""
    unit: Unit = "1"
    kind: ClassVar[Kind]

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ValueError(
                f"counter {self.name!r}: unit {self.unit!r}, expected one of {', '.join(UNITS)}"
            )


class Counter(Declaration):
    """Only goes up while its process lives, or until what it counts for is another."""

    kind: ClassVar[Kind] = "count"


class Gauge(Declaration):
    """The present value of something: it goes up and down."""

    kind: ClassVar[Kind] = "gauge"


class Maximum(Declaration):
    """The highest value seen."""

    kind: ClassVar[Kind] = "maximum"
