"""Every transport behind the same few verbs, so that one scenario runs on all of them.

A transport here is only addresses, so that another process can be given them as JSON. Its ends are
opened by the transport's object in ironpit.transport.kinds, as those of a venue and a bridge are.
"""

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.conformance.relay import Relay

from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironpit.transport.ends import Counting, Where
from ironpit.transport.kinds import transport_of
from ironpit.transport.multicast import Opened

NOW = 0
OLDEST = 1
SESSION = "CONFORM"
HELD_BYTES = 64 * 1024


@dataclass
class Transport(ABC):
    """Where the two ends meet. Made fresh for each test."""

    name: ClassVar[str]
    # Whether a reader can keep the publication from taking frames.
    gates: ClassVar[bool]
    # What a network may do to it and it puts right.
    harms: ClassVar[tuple[str, ...]]
    # Counters of a subscription for gaps that it told, and for the frames in them.
    gap_counters: ClassVar[tuple[str, str]] = ("gaps", "gap_frames")
    frame_bytes_max: ClassVar[int]

    @classmethod
    @abstractmethod
    def fresh(cls, directory: Path, held_bytes: int = HELD_BYTES) -> Self:
        """Addresses of its own; about `held_bytes` of frames are kept for those who are late."""

    @abstractmethod
    def publication(self) -> PublicationEnd:
        """The sending end. To be recalled to when frames were sent before."""

    @abstractmethod
    def subscription(self, from_: int = OLDEST) -> SubscriptionEnd:
        """A reader from NOW on, or from a number on as far as that is still held."""

    def bounded(self) -> SubscriptionEnd:
        """A reader whose slowness the configuration bounds."""
        return self.subscription()

    def reliable(self) -> SubscriptionEnd:
        """A reader that loses nothing while it is not slower than what is held."""
        return self.subscription()

    def relay(self, harm: str) -> Relay:
        """From now on subscriptions are behind a relay that does this harm."""
        raise NotImplementedError(harm)

    def publish(self, where: Where, session: str = SESSION) -> Opened[Any]:
        """The sending end as a venue or a bridge opens it, kept open as long as this is."""
        offer = transport_of(where.transport).offer(where, Counting("publication"), print)
        offer.publish(session)
        assert offer.opened is not None
        self._kept = offer
        return offer.opened

    def subscribe(self, where: Where, from_: int = OLDEST) -> SubscriptionEnd:
        """The receiving end as a venue or a bridge opens it."""
        transport = transport_of(where.transport)
        counting = Counting("subscription")
        end: SubscriptionEnd = transport.subscribe(where, counting, print, sequence=from_).end
        return end

    def as_json(self) -> str:
        """For another process."""
        return json.dumps({"name": self.name, "fields": asdict(self)})
