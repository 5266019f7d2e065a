"""Both ends of a stream as the configuration says: which transport carries it is one key."""

from collections.abc import Callable

from ironcore.base.counter_set import CounterSet
from ironcore.messaging import multicast_publication, shm, tcp_publication
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.messaging.tcp_publication import TcpPublication
from ironcore.messaging.tcp_subscription import TcpSubscription
from ironpit.config.schema import CarriedStream, EventsStream, MarketDataStream
from ironpit.errors import Exit, UserError
from ironpit.messaging import multicast, tcp
from ironpit.messaging.multicast import Group, MulticastError, Opened

Stream = EventsStream | MarketDataStream
Counters = Callable[[str, tuple[tuple[str, str], ...]], CounterSet]


def groups_of(stream: CarriedStream) -> list[Group]:
    """The multicast groups of a stream, A before B."""
    return [Group(g.group, g.interface) for g in (stream.a, stream.b) if g is not None]


def publish(
    stream: Stream, key: str, session: str, name: str, counters: Counters
) -> Opened[PublicationEnd]:
    """The sending end. UserError, which begins with the key, when the host refuses a socket;
    MulticastError when it has no multicast.

    name: of the counters.
    """
    if stream.transport == "shm":
        counted = counters(name, shm.PUBLICATION_COUNTERS)
        return Opened(ShmPublication(stream.path, counted), [])
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
            connections_max=stream.readers_max,
            heartbeat_ns=stream.heartbeat_ns,
        )
        return Opened(publication, [listener])
    return _publish_multicast(stream, key, session, counters, name)


def _publish_multicast(
    stream: Stream, key: str, session: str, counters: Counters, name: str, *, groups: bool = True
) -> Opened[PublicationEnd]:
    assert stream.rerequest is not None
    opened = multicast.publish(
        session,
        *(groups_of(stream) if groups else []),
        ttl=stream.ttl,
        rerequest=stream.rerequest.listen,
        heartbeat_ns=stream.heartbeat_ns,
        window_bytes=stream.rerequest.window_bytes,
        counters=counters(name, multicast_publication.PUBLICATION_COUNTERS),
    )
    return Opened(opened.end, opened.sockets)


def publish_without_groups(
    stream: Stream, key: str, session: str, name: str, counters: Counters
) -> Opened[PublicationEnd]:
    """A multicast stream on a host without multicast: re-requests are all that is answered."""
    try:
        return _publish_multicast(stream, key, session, counters, name, groups=False)
    except MulticastError as error:
        raise UserError(f"{key}.rerequest.listen: {error}", Exit.REFUSED) from error


def subscribe(
    stream: Stream, session: str, *, from_: int = 1, groups: bool = True
) -> Opened[SubscriptionEnd]:
    """The receiving end, from the frame with number `from_` on as far as that is still held.

    groups: False on a host without multicast: the re-request server is asked for everything.
    MulticastError, or ValueError and OSError for a ring that is none: refused.
    """
    if stream.transport == "shm":
        return Opened(ShmSubscription(stream.path, from_="oldest"), [])
    if stream.transport == "tcp":
        where = stream.listen
        assert where is not None
        end = TcpSubscription(where.address, where.port, sequence=from_, session=session)
        return Opened(end, [])
    assert stream.rerequest is not None
    opened = multicast.subscribe(
        *(groups_of(stream) if groups else []),
        rerequest=stream.rerequest.listen,
        session="" if groups else session,
        expected=from_,
    )
    return Opened(opened.end, opened.sockets, opened.notes)
