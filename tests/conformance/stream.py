"""A stream that everybody can check: each frame's bytes follow from its number."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ironcore.base.status import Status
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd

WAIT_S = 60.0
FRAME_BYTES_USUAL = 300
EMPTY_EVERY = 97

Turn = Callable[[], object]


_GENERATOR = random.Random(1)
_TAILS = [_GENERATOR.randbytes(_GENERATOR.randrange(FRAME_BYTES_USUAL - 8)) for _ in range(256)]


def frame_of(sequence: int) -> bytes:
    """The frame with this number: of 0 to 300 bytes, no two alike but the empty ones."""
    if sequence % EMPTY_EVERY == 0:
        return b""
    return sequence.to_bytes(8, "little") + _TAILS[sequence % 256]


@dataclass
class Receiver:
    """A reader of such a stream: checks each frame and each gap as it comes.

    next: the number that has to come next, 0 while anything may be the first. known: frames up to
    this one are passed over, for a transport that cannot begin exactly where the reader wants.
    """

    subscription: SubscriptionEnd
    next: int = 0
    known: int = 0
    first: int = 0
    frames: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    ended: bool = False
    evictions: int = 0

    def poll(self, batch_max: int = 256) -> int:
        """One poll: the frames that came."""
        work = self.subscription.poll(self._frame, batch_max, self._gap)
        if work >= 0:
            return work
        assert work in (-Status.CLOSED, -Status.EVICTED), Status(-work)
        self.ended |= work == -Status.CLOSED
        self.evictions += work == -Status.EVICTED
        return 0

    @property
    def lost(self) -> int:
        """Frames of which it was told that they do not come."""
        return sum(count for _, count in self.gaps)

    def _frame(self, sequence: int, frame: bytes) -> None:
        assert not self.ended, f"frame {sequence} after the end"
        if sequence <= self.known:
            return
        assert self.next in (0, sequence), f"frame {sequence}, expected {self.next}"
        assert frame == frame_of(sequence), f"frame {sequence} with other bytes"
        self.first = self.first or sequence
        self.next = sequence + 1
        self.frames += 1

    def _gap(self, first: int, count: int) -> None:
        assert not self.ended, f"gap at {first} after the end"
        assert self.next in (0, first), f"gap at {first}, expected {self.next}"
        assert count > 0
        self.first = self.first or first
        self.next = first + count
        self.gaps.append((first, count))


def wait_until(condition: Callable[[], bool], *turns: Turn) -> None:
    """Give everybody turns until the condition holds; AssertionError when it never does."""
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        for turn in turns:
            turn()
        assert time.monotonic() < deadline_s, "waited in vain"


def publish(publication: PublicationEnd, last: int, *turns: Turn) -> int:
    """Offer every frame up to number `last`, with turns for everybody between: how many offers
    were refused for want of room."""
    refused = 0
    deadline_s = time.monotonic() + WAIT_S
    while publication.sequence_next <= last:
        status = publication.offer(frame_of(publication.sequence_next))
        assert status in (Status.OK, Status.FULL), status
        refused += status is Status.FULL
        if status is Status.FULL or publication.sequence_next % 16 == 0:
            assert publication.turn() >= 0
            for turn in turns:
                turn()
        assert time.monotonic() < deadline_s, "nobody makes room"
    assert publication.turn() >= 0
    return refused
