"""The event stream on its way to a publisher that does not share the venue's ring.

The ring is read by one bridge, which carries it over the configured transport; another one takes it
from there into a ring of the publisher's own. In one process they share the publisher's thread; the
far half would be the same on another host.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.messaging.shm import PUBLICATION_COUNTERS, ShmPublication, ShmSubscription
from ironcore.runtime import pipeline
from ironcore.stage.bridge import COUNTERS, BridgeStage
from ironcore.stream.frame_taker import ChosenFrames
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config
from ironpit.transport import stream_ends
from ironpit.transport.af_xdp import Truth
from ironpit.transport.multicast import MulticastError
from ironpit.transport.stream_ends import Counters
from ironpit.venue.stream_identity import session_of

KEY = "streams.events"
READER = "publisher"


@dataclass
class Crossing:
    """The bridges in the direction of the stream, and what they leave to the publisher."""

    bridges: list[BridgeStage]
    sockets: list[Any]
    ring: Path
    huge_pages: str
    truths: list[Truth]


def far_ring(config: Config) -> Path:
    """The publisher's own ring."""
    path = config.streams.events.path
    return path.with_name(f"{path.stem}-{READER}{path.suffix}")


def _refuse(key: str, reason: str) -> None:
    """Without its group the stream would not get to the publisher at all."""
    raise UserError(f"{key}: {reason}", Exit.REFUSED)


def _feeds_of(counters: Counters) -> Counters:
    """Counters of the feeds past the kernel alone: what arrives is counted where it is written."""
    return lambda name, names: (CounterSet if name == "events-in" else counters)(name, names)


def build(config: Config, counters: Counters) -> Crossing:
    """Open both bridges; the far ring is made anew. UserError when the host refuses a socket, or
    AF_XDP where that is not to be degraded.

    What was carried before is taken from the journal: it is kept for who asks for it, and the
    publisher reads it there as well.
    """
    events, session = config.streams.events, session_of(config)
    refuse = config.degrade.af_xdp == "refuse"
    source = ShmSubscription(events.path, READER)
    first = source.sequence_next
    try:
        near = stream_ends.publish(
            events, KEY, session, "events-out", counters, _refuse, refuse=refuse
        )
        far = stream_ends.subscribe(
            events,
            session,
            from_=first,
            refuse=refuse,
            name="events-in",
            kept=_feeds_of(counters),
        )
    except MulticastError as error:
        raise UserError(f"{KEY}: {error}", Exit.REFUSED) from error
    recalled = ChosenFrames(None, lambda sequence, frame: near.end.recall(frame))
    pipeline.give_before(config.journal.directory, events.path, first, [recalled])
    ring = far_ring(config)
    pipeline.create_publisher_ring(
        ring, events.capacity_bytes, sequence_next=first, session=session
    )
    arriving = ShmPublication(ring, counters("events-in", PUBLICATION_COUNTERS))
    return Crossing(
        [
            BridgeStage(source, near.end, counters("bridge-out", COUNTERS), name="bridge-out"),
            BridgeStage(far.end, arriving, counters("bridge-in", COUNTERS), name="bridge-in"),
        ],
        [*near.sockets, *far.sockets],
        ring,
        source.reader.huge_pages,
        [*near.truths, *far.truths],
    )
