"""How the stages are joined: the order ring, the event stream, the engine, and their recovery.

What stands here is the same for every placement: one thread, several threads, several processes, and
the simulator.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from ironcore.book.matching_engine import MatchingEngine
from ironcore.ring import broadcast, spsc
from ironcore.ring.broadcast import PATIENCE_FOREVER, Gating
from ironcore.stage.journal_reader import JournalReader

Frames = Iterator[tuple[int, bytes]]

READERS = ("journal", "gateway", "publisher")


def create_order_ring(
    path: Path, capacity_bytes: int, *, sequence_next: int = 1, huge_pages: str = "off"
) -> None:
    """The ring from the gateway to the matcher."""
    spsc.create(path, capacity_bytes, sequence_next=sequence_next, huge_pages=huge_pages)


def create_event_ring(
    path: Path,
    capacity_bytes: int,
    *,
    patience_ns: int,
    before_reply: bool,
    sequence_next: int = 1,
    huge_pages: str = "off",
) -> None:
    """The ring of the event stream. The journal is waited for without end, the others patience_ns.

    before_reply: gateway and publisher see only what the journal has released, and it releases only
    what is durable.
    """
    after = "journal" if before_reply else None
    readers = {
        "journal": Gating(PATIENCE_FOREVER),
        "gateway": Gating(patience_ns, after=after),
        "publisher": Gating(patience_ns, after=after),
    }
    broadcast.create(
        path, capacity_bytes, readers, sequence_next=sequence_next, huge_pages=huge_pages
    )


def open_order_producer(path: Path) -> spsc.Producer:
    """The gateway's end of the order ring."""
    return spsc.Producer(path)


def open_order_consumer(path: Path) -> spsc.Consumer:
    """The matcher's end of the order ring."""
    return spsc.Consumer(path)


def open_stream_producer(path: Path) -> broadcast.Producer:
    """The matcher's end of the event stream."""
    return broadcast.Producer(path)


def open_stream_reader(path: Path, name: str) -> broadcast.Reader:
    """One of READERS' ends of the event stream."""
    return broadcast.Reader(path, name)


def make_engine(
    *, instruments_max: int, sessions_max: int, orders_max: int, user_ref_bits: int
) -> MatchingEngine:
    """The matching core, with everything that it will ever need allocated."""
    return MatchingEngine(
        instruments_max=instruments_max,
        sessions_max=sessions_max,
        orders_max=orders_max,
        user_ref_bits=user_ref_bits,
    )


def frames_before(journal: Path, first_held: int) -> Frames:
    """The frames that stand in the journal, up to the first that the ring still holds."""
    for sequence, payload in JournalReader(journal):
        if sequence >= first_held:
            return
        yield sequence, payload


def whole_stream(journal: Path, ring: Path) -> Frames:
    """Every frame up to the tail of the ring: the journal's, then those that it has not got yet."""
    last = 0
    for sequence, payload in JournalReader(journal):
        yield sequence, payload
        last = sequence
    yield from broadcast.read_frames(ring, last + 1)


def order_ring_sequence(path: Path) -> int | None:
    """The sequence of the next frame of an order ring that is there already, or None."""
    return spsc.Producer(path).sequence_next if os.path.exists(path) else None
