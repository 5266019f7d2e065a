"""The gateways of a configuration, in the order in which it has them.

A file has either `order_entry` and `streams.orders`, the short form for one gateway that is named
`gateway`, or a mapping `gateways`. The rest of the venue sees one form: a tuple of Gateway.
"""

from dataclasses import dataclass
from typing import Any

# A Config, which takes its gateways from here.
Venue = Any
ONLY = "gateway"


@dataclass(frozen=True)
class Gateway:
    """One gateway. stage: its instance. source: the number of its order ring, from 1. key,
    orders_key: where its settings, an OrderEntry, and its ring, an OrdersStream, stand in the file.
    ring: what reports call that."""

    name: str
    stage: str
    source: int
    key: str
    settings: Any
    orders_key: str
    orders: Any
    ring: str

    @property
    def protocol(self) -> str:
        """What its members speak, and so the protocol of its sessions."""
        return str(self.settings.protocol)


def of(venue: Venue) -> tuple[Gateway, ...]:
    """All of a configuration whose form is right."""
    if not venue.gateways_given:
        entry, orders = venue.order_entry_given, venue.streams.orders_given
        only = (ONLY, ONLY, 1, "order_entry", entry, "streams.orders", orders, "orders")
        return (Gateway(*only),)
    return tuple(
        Gateway(
            name,
            f"gateway-{name}",
            source,
            f"gateways.{name}",
            entry,
            f"gateways.{name}.orders",
            entry.orders,
            f"orders-{name}",
        )
        for source, (name, entry) in enumerate(venue.gateways_given.items(), start=1)
    )


def by_stage(venue: Venue, stage: str) -> Gateway:
    """The gateway of an instance."""
    return next(gateway for gateway in of(venue) if gateway.stage == stage)


def of_session(venue: Venue, session: Any) -> Gateway:
    """The one gateway where a session logs in: the one that it names, or the first."""
    gateways = of(venue)
    return next((g for g in gateways if g.name == session.gateway), gateways[0])
