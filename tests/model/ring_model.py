"""The rings, naively: a list of all payloads ever, and a number for each reader.

The model knows nothing of bytes and positions but how many a frame takes, so it says of an offer
only whether the ring must take it, must refuse it, or may do either (padding at the wrap).
"""

from dataclasses import dataclass, field

HEADER_BYTES = 16
ALIGNMENT = 16


def span(payload: bytes) -> int:
    """Bytes of a frame in the ring."""
    return (HEADER_BYTES + len(payload) + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


@dataclass
class ReaderModel:
    """A gating reader: `released` and `next` are sequence numbers of frames not yet passed."""

    patience_ns: int = 0
    after: str | None = None
    released: int = 1
    next: int = 1
    gating: bool = True


@dataclass
class RingModel:
    """One producer, named gating readers, and whatever was ever offered."""

    capacity: int
    readers: dict[str, ReaderModel]
    payloads: list[bytes] = field(default_factory=list)
    full_since_ns: int | None = None
    keepers: tuple[str, ...] = ()

    @property
    def sequence_next(self) -> int:
        return len(self.payloads) + 1

    def payload(self, sequence: int) -> bytes:
        return self.payloads[sequence - 1]

    def frames(self, first: int, end: int) -> list[tuple[int, bytes]]:
        return [(sequence, self.payload(sequence)) for sequence in range(first, end)]

    def held_bytes(self, sequence: int) -> int:
        """Bytes of the frames from a sequence number on, without padding."""
        return sum(span(payload) for payload in self.payloads[sequence - 1 :])

    def fits_surely(self, sequence: int, payload: bytes) -> bool:
        """Whether a frame has room with everything from `sequence` on kept, padding or not."""
        longest = max(map(span, [payload, *self.payloads[sequence - 1 :]]))
        worst = self.held_bytes(sequence) + span(payload) + HEADER_BYTES + 2 * longest
        return worst <= self.capacity

    def fits_never(self, sequence: int, payload: bytes) -> bool:
        needed = self.held_bytes(sequence) + span(payload) + HEADER_BYTES
        return needed > self.capacity

    def lowest_gate(self) -> int:
        gates = [reader.released for reader in self.readers.values() if reader.gating]
        return min(gates, default=self.sequence_next)

    def limit(self, name: str) -> int:
        """The sequence number that a reader may not see yet."""
        after = self.readers[name].after
        others = () if name in self.keepers else self.keepers
        followed = (*others, after) if after is not None else others
        return min((self.readers[n].released for n in followed), default=self.sequence_next)

    def kept(self) -> int:
        """The sequence number that no lossy reader may see yet."""
        released = (self.readers[name].released for name in self.keepers)
        return min(released, default=self.sequence_next)

    def offered(self, payload: bytes, now_ns: int) -> None:
        """The ring took the frame."""
        assert not self.fits_never(self.lowest_gate(), payload)
        self.payloads.append(payload)
        self.full_since_ns = None

    def refused(self, payload: bytes, now_ns: int) -> None:
        """The ring said that it was full."""
        assert not self.fits_surely(self.lowest_gate(), payload)
        if self.full_since_ns is None:
            self.full_since_ns = now_ns

    def evicted(self, name: str, payload: bytes, now_ns: int) -> None:
        """The ring evicted a reader when this payload was offered."""
        reader = self.readers[name]
        assert reader.gating
        assert reader.patience_ns > 0
        assert self.full_since_ns is not None
        assert now_ns - self.full_since_ns >= reader.patience_ns
        assert not self.fits_surely(reader.released, payload)
        reader.gating = False
