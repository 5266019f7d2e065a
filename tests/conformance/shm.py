"""Shared memory among the transports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.conformance.transport import HELD_BYTES, NOW, OLDEST, Transport

from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import ShmSubscription
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating
from ironpit.transport.ends import Where

PATIENCE_NS = 20_000_000


@dataclass
class Shm(Transport):
    """A broadcast ring. Nothing is lost on the way; slow readers are overwritten."""

    path: str

    name = "shm"
    gates = True
    harms = ()
    frame_bytes_max = HELD_BYTES // 8  # an eighth of the ring

    @classmethod
    def fresh(cls, directory: Path, held_bytes: int = HELD_BYTES) -> Self:
        path = directory / "stream.ring"
        readers = {"waited-for": Gating(), "bounded": Gating(PATIENCE_NS)}
        broadcast.create(path, held_bytes, readers)
        for name in readers:
            broadcast.Reader(path, name).leave()
        return cls(str(path))

    def publication(self) -> PublicationEnd:
        where = Where("shm", "stream", parted=True, path=Path(self.path))
        end: PublicationEnd = self.publish(where).end
        return end

    def subscription(self, from_: int = OLDEST) -> SubscriptionEnd:
        return self.subscribe(self._reading(from_="now" if from_ == NOW else "oldest"))

    def _reading(self, **options: str) -> Where:
        return Where("shm", "stream", parted=True, path=Path(self.path), options=options)

    def bounded(self) -> SubscriptionEnd:
        return self._joined("bounded")

    def reliable(self) -> SubscriptionEnd:
        return self._joined("waited-for")

    def _joined(self, name: str) -> SubscriptionEnd:
        subscription = self.subscribe(self._reading(reader=name))
        assert isinstance(subscription, ShmSubscription)
        subscription.reader.rejoin()
        return subscription
