"""Both ends of a stream as the configuration says: which transport carries it is one key."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironpit.config.schema import EventsStream, MarketDataStream
from ironpit.transport.ends import Counting, Offer, Where, Without
from ironpit.transport.kinds import transport_of
from ironpit.transport.multicast import Opened

Stream = EventsStream | MarketDataStream
Counters = Callable[[str, tuple[Declaration, ...]], CounterSet]


def _silent(text: str) -> None:
    """Of what there is to say, the process's reports have it."""


def where_of(stream: Any, key: str, *, publishes: bool, refuse: bool = False) -> Where:
    """Where one end of a configured stream is. refuse: the kernel's path, where AF_XDP is asked
    for by name."""
    transport = transport_of(stream.transport)
    found = transport.configured(stream, key, publishes=publishes, refuse=refuse)
    return Where(stream.transport, key, parted=True, **found)


def publish(
    stream: Stream,
    key: str,
    session: str,
    name: str,
    counters: Counters,
    without: Without,
    *,
    refuse: bool = False,
) -> Opened[PublicationEnd]:
    """The sending end. UserError, which begins with the key, when the host refuses a socket.

    name: of the counters. without: told of a multicast group that the host has no way to, which is
    then left out; re-requests are answered all the same. refuse: the kernel's path, where AF_XDP is
    asked for by name.
    """
    where = where_of(stream, key, publishes=True, refuse=refuse)
    offer: Offer = transport_of(where.transport).offer(
        where, Counting(name, counters), _silent, without
    )
    offer.publish(session)
    assert offer.opened is not None
    return offer.opened


def subscribe(
    stream: Stream,
    session: str,
    *,
    from_: int = 1,
    groups: bool = True,
    refuse: bool = False,
    name: str = "subscription",
    kept: Counters = CounterSet,
    **options: Any,
) -> Opened[SubscriptionEnd]:
    """The receiving end, from the frame with number `from_` on as far as that is still held.

    session: the stream's name; packets of any other are foreign, whichever comes first.
    groups: False on a host without multicast: the re-request server is asked for everything.
    refuse: the kernel's path, where AF_XDP is asked for by name. name, kept: of the counters, and
    who makes them. options: of a multicast subscription. One of ends.REFUSALS.
    """
    where = where_of(stream, "", publishes=False, refuse=refuse)
    more = options if where.groups else {}
    where = replace(
        where,
        groups=where.groups if groups else (),
        session=session,
        options={**where.options, **more},
    )
    transport = transport_of(where.transport)
    return transport.subscribe(where, Counting(name, kept), _silent, sequence=from_).opened
