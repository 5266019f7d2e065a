"""Both ends of a stream as the configuration says: which transport carries it is one key."""

import errno
from collections.abc import Callable
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.messaging import shm
from ironcore.messaging.multicast import publication as multicast_publication
from ironcore.messaging.multicast.publication import MulticastPublication
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.messaging.tcp import publication as tcp_publication
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironpit.common.errors import Exit, UserError
from ironpit.config.schema import (
    CarriedStream,
    EventsStream,
    MarketDataStream,
    MulticastGroup,
)
from ironpit.transport import multicast, tcp
from ironpit.transport.af_xdp import Wish, XdpRefusedError
from ironpit.transport.multicast import Group, Opened

Stream = EventsStream | MarketDataStream
Counters = Callable[[str, tuple[tuple[str, str], ...]], CounterSet]
Without = Callable[[str, str], None]

REREQUEST_BURST_MIN = 64


def group_of(configured: MulticastGroup, refuse: bool = False) -> Group:
    """One feed's group. refuse: the kernel's path, where AF_XDP is asked for by name."""
    xdp = configured.af_xdp
    wish = Wish(
        configured.send,
        configured.receive,
        xdp.send_queue,
        xdp.receive_queue,
        xdp.busy_poll_ns,
        xdp.busy_poll_budget,
        refuse,
    )
    return Group(configured.group, configured.interface, wish)


def groups_of(stream: CarriedStream, refuse: bool = False) -> list[Group]:
    """The multicast groups of a stream, A before B."""
    return [group_of(g, refuse) for g in (stream.a, stream.b) if g is not None]


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
    if stream.transport == "shm":
        return Opened(ShmPublication(stream.path, counters(name, shm.PUBLICATION_COUNTERS)), [])
    if stream.transport == "tcp":
        assert stream.listen is not None
        listener = tcp.listen(stream.listen, f"{key}.listen")
        publication = TcpPublication(
            listener.fileno(),
            session,
            counters(name, tcp_publication.PUBLICATION_COUNTERS),
            window_bytes=stream.window_bytes,
            queue_bytes=stream.slow_reader.queue_bytes,
            policy=stream.slow_reader.policy,
            connections_max=stream.connections_max,
            heartbeat_ns=stream.heartbeat_ns,
        )
        return Opened(publication, [listener])
    return _publish_multicast(stream, key, session, name, counters, without, refuse)


def _publish_multicast(
    stream: Stream,
    key: str,
    session: str,
    name: str,
    counters: Counters,
    without: Without,
    refuse: bool,
) -> Opened[PublicationEnd]:
    rerequest = stream.rerequest
    assert rerequest is not None
    feeds = []
    for feed, group in (("a", stream.a), ("b", stream.b)):
        if group is None:
            continue
        try:
            where = group_of(group, refuse)
            sender = multicast.open_sender(where, ttl=stream.ttl, loop=stream.loop)
            feeds.append((where, sender))
        except OSError as error:
            if error.errno == errno.ENODEV and not group.interface[0].isdigit():
                raise UserError(
                    f"{key}.{feed}.interface: found {group.interface!r}, expected an interface of "
                    "this host",
                    Exit.REFUSED,
                ) from error
            reason = f"no route to {group.group} by {group.interface}: {error.strerror}"
            without(f"{key}.{feed}", reason)
    try:
        server = multicast.open_request_server(rerequest.listen)
    except OSError as error:
        raise UserError(
            f"{key}.rerequest.listen: cannot listen on {rerequest.listen}: {error.strerror}",
            Exit.REFUSED,
        ) from error
    try:
        bypass = multicast.open_bypass(
            feeds, ttl=stream.ttl, loop=stream.loop, name=name, kept=counters
        )
    except XdpRefusedError as error:
        raise UserError(f"{key}: {error}", Exit.REFUSED) from error
    publication = MulticastPublication(
        [sender.fileno() for _, sender in feeds],
        session,
        request_fd=server.fileno(),
        heartbeat_ns=stream.heartbeat_ns,
        window_bytes=rerequest.window.size_bytes or rerequest.memory_bytes,
        window_ns=rerequest.window.time_ns,
        rate=rerequest.rate,
        burst=max(REREQUEST_BURST_MIN, rerequest.rate // 10),
        xdp=bypass.senders,
        counters=counters(name, multicast_publication.PUBLICATION_COUNTERS),
    )
    sockets = [*(sender for _, sender in feeds), *bypass.sockets, server]
    return Opened(publication, sockets, truths=bypass.truths)


def subscribe(
    stream: Stream,
    session: str,
    *,
    from_: int = 1,
    groups: bool = True,
    refuse: bool = False,
    **options: Any,
) -> Opened[SubscriptionEnd]:
    """The receiving end, from the frame with number `from_` on as far as that is still held.

    session: the stream's name; packets of any other are foreign, whichever comes first.
    groups: False on a host without multicast: the re-request server is asked for everything.
    refuse: the kernel's path, where AF_XDP is asked for by name. options: of a multicast
    subscription.
    MulticastError, or ValueError and OSError for a ring that is none: refused.
    """
    if stream.transport == "shm":
        return Opened(ShmSubscription(stream.path, from_="oldest", session=session), [])
    if stream.transport == "tcp":
        where = stream.listen
        assert where is not None
        end = TcpSubscription(where.address, where.port, sequence=from_, session=session)
        return Opened(end, [])
    assert stream.rerequest is not None
    opened = multicast.subscribe(
        *(groups_of(stream, refuse) if groups else []),
        rerequest=stream.rerequest.listen,
        session=session,
        expected=from_,
        **options,
    )
    return Opened(opened.end, opened.sockets, opened.notes, opened.truths)
