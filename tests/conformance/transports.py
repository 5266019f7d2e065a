"""Every transport behind the same few verbs, so that one scenario runs on all of them.

A transport here is only addresses, so that another process can be given them as JSON.
"""

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating

NOW = 0
OLDEST = 1
HELD_BYTES = 64 * 1024
PATIENCE_NS = 20_000_000


class Relay(ABC):
    """What stands between the ends and does harm; turned by the test, or by nobody."""

    harmed: int = 0

    @abstractmethod
    def turn(self) -> int:
        """Pass on what is there; how much it was."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the sockets."""


@dataclass
class Transport(ABC):
    """Where the two ends meet. Made fresh for each test."""

    name: ClassVar[str]
    # Whether a reader can keep the publication from taking frames.
    gates: ClassVar[bool]
    # Whether what the network loses, repeats and reorders is put right.
    harms: ClassVar[tuple[str, ...]]
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

    def relay(self, harm: str, seed: int) -> Relay:
        """From now on subscriptions are behind a relay that does this harm."""
        raise NotImplementedError(harm)

    def as_json(self) -> str:
        """For another process."""
        return json.dumps({"name": self.name, "fields": asdict(self)})


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
        return ShmPublication(self.path)

    def subscription(self, from_: int = OLDEST) -> SubscriptionEnd:
        return ShmSubscription(self.path, from_="now" if from_ == NOW else "oldest")

    def bounded(self) -> SubscriptionEnd:
        return self._joined("bounded")

    def reliable(self) -> SubscriptionEnd:
        return self._joined("waited-for")

    def _joined(self, name: str) -> SubscriptionEnd:
        subscription = ShmSubscription(self.path, name)
        subscription.reader.rejoin()
        return subscription


TRANSPORTS: dict[str, type[Transport]] = {"shm": Shm}


def from_json(text: str) -> Transport:
    """The transport that `as_json` wrote."""
    found: dict[str, Any] = json.loads(text)
    return TRANSPORTS[found["name"]](**found["fields"])
