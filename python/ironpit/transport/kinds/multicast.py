"""Multicast: MoldUDP64 to one group or two, and a server that is asked for what was lost."""

import errno
from collections.abc import Mapping
from typing import Any, ClassVar

from ironcore.messaging.multicast import publication as multicast_publication
from ironcore.messaging.multicast import subscription as multicast_subscription
from ironcore.messaging.multicast.subscription import MulticastSubscription
from ironpit.common.errors import Exit, UserError
from ironpit.config import scalars
from ironpit.config.schema import MulticastGroup
from ironpit.transport import host, multicast
from ironpit.transport.af_xdp import Wish
from ironpit.transport.ends import (
    Counting,
    Offer,
    Option,
    Say,
    Source,
    Transport,
    Where,
    Without,
    WrongError,
    read,
)
from ironpit.transport.multicast import Group, MulticastError, Opened

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
WINDOW_BYTES = 64 * MIB
REREQUEST_BURST_MIN = 64
TIME = scalars.duration(10_000_000, 3_600_000_000_000)
SESSION = scalars.pattern(r"[A-Za-z0-9]{1,10}", "1 to 10 letters and digits")


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


class Feed(Source):
    """A member of the groups."""

    end: MulticastSubscription

    @property
    def session(self) -> str | None:
        return (self.end.session or None) if self.end.known_end else None

    @property
    def session_next(self) -> str:
        return self.end.session_next


class Feeds(Offer):
    """Who sends to the groups, and answers what is asked for again."""

    def __init__(
        self, where: Where, counting: Counting, say: Say, without: Without | None = None
    ) -> None:
        super().__init__(where, counting, say)
        self._without = without

    @property
    def window_bytes(self) -> int:
        return int(self.where.options.get("window_bytes", WINDOW_BYTES))

    def _open(self, session: str, **more: Any) -> Opened[Any]:
        where = self.where
        try:
            return multicast.publish(
                session,
                *where.groups,
                without=self._left_out if self._without is not None else None,
                name=self.counting.name,
                kept=self.counting.make,
                counters=self.counting(multicast_publication.PUBLICATION_COUNTERS),
                **where.options,
                **more,
            )
        except MulticastError as error:
            text = str(error)
            if where.parted and error.part == "rerequest":
                reason = getattr(error.__cause__, "strerror", text)
                text = f"cannot listen on {where.options['rerequest']}: {reason}"
                raise UserError(
                    f"{where.part('rerequest.listen')}: {text}", Exit.REFUSED
                ) from error
            raise UserError(f"{where.said}: {text}", Exit.REFUSED) from error

    def _left_out(self, feed: str, group: Group, error: OSError) -> None:
        assert self._without is not None
        if error.errno == errno.ENODEV and not group.interface[0].isdigit():
            raise UserError(
                f"{self.where.part(feed)}.interface: found {group.interface!r}, expected an "
                "interface of this host",
                Exit.REFUSED,
            ) from error
        reason = f"no route to {group.address} by {group.interface}: {error.strerror}"
        self._without(self.where.part(feed), reason)


class Multicast(Transport):
    """Groups."""

    name = "multicast"
    usage = "multicast:GROUP:PORT@INTERFACE"
    from_options: ClassVar[Mapping[str, Option]] = {
        "session": Option(SESSION, "session"),
        "rerequest": Option(scalars.endpoint(), "rerequest"),
        "give_up": Option(TIME, "give_up_ns"),
    }
    to_options: ClassVar[Mapping[str, Option]] = {
        "session": Option(SESSION, "session"),
        "rerequest": Option(scalars.endpoint(), "rerequest"),
        "window": Option(scalars.size(64 * KIB, 4 * GIB), "window_bytes"),
        "ttl": Option(scalars.integer(0, 255), "ttl"),
        "heartbeat": Option(TIME, "heartbeat_ns"),
    }

    def place(self, text: str) -> Mapping[str, Any]:
        feeds = text.split(",")
        if len(feeds) > 2:
            raise WrongError(f"{len(feeds)} groups", "one, or two (A and B)")
        groups = []
        for feed in feeds:
            group, _, interface = feed.partition("@")
            endpoint = read(scalars.endpoint(multicast=True), group)
            groups.append(Group(endpoint, read(scalars.interface(), interface)))
        return {"groups": tuple(groups)}

    def same(self, read: Where, written: Where) -> bool:
        """The same group by another interface is another place: subscribers join by interface."""
        there = {(group.address, host.interface_of(group)) for group in read.groups}
        return any((group.address, host.interface_of(group)) in there for group in written.groups)

    def configured(
        self, stream: Any, key: str, *, publishes: bool, refuse: bool
    ) -> Mapping[str, Any]:
        rerequest = stream.rerequest
        options: dict[str, Any] = {"rerequest": rerequest.listen}
        if publishes:
            options |= {
                "ttl": stream.ttl,
                "loop": stream.loop,
                "heartbeat_ns": stream.heartbeat_ns,
                "window_bytes": rerequest.window.size_bytes or rerequest.memory_bytes,
                "window_ns": rerequest.window.time_ns,
                "rate": rerequest.rate,
                "burst": max(REREQUEST_BURST_MIN, rerequest.rate // 10),
            }
        feeds = (stream.a, stream.b)
        groups = tuple(group_of(feed, refuse) for feed in feeds if feed is not None)
        return {"groups": groups, "options": options}

    def offer(
        self, where: Where, counting: Counting, say: Say, without: Without | None = None
    ) -> Offer:
        return Feeds(where, counting, say, without)

    def subscribe(
        self, where: Where, counting: Counting, say: Say, *, sequence: int = 1, session: str = ""
    ) -> Source:
        opened = multicast.subscribe(
            *where.groups,
            expected=sequence,
            session=where.session,
            name=counting.name,
            kept=counting.make,
            counters=counting(multicast_subscription.SUBSCRIPTION_COUNTERS),
            **where.options,
        )
        return Feed(where, opened)


TRANSPORT = Multicast()
