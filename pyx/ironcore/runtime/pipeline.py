"""How the stages are joined: the order ring, the event stream, the engine, and their recovery.

What stands here is the same for every placement: one thread, several threads, several processes,
and the simulator.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ironcore.base.counter_set import CounterSet
from ironcore.base.files import FileDirectory
from ironcore.engine.matching_engine import MatchingEngine
from ironcore.ring import broadcast, spsc
from ironcore.ring.broadcast import Gating
from ironcore.ring.mapped_file import Created as Created
from ironcore.ring.mapped_file import SegmentError, round_capacity
from ironcore.stage import journal
from ironcore.stream.frame_taker import FrameTaker, SourceSequences, give_journal

Progress = Callable[[int], object]

LOOKS_MAX = 1000
CONTROL_RING_BYTES = 65_536


def ring_capacity(path: Path, capacity_bytes: int) -> int:
    """What the capacity of a ring is rounded up to: a power of two."""
    return round_capacity(path, capacity_bytes)


def create_order_ring(
    path: Path,
    capacity_bytes: int,
    *,
    sequence_next: int = 1,
    huge_pages: str = "off",
    lock: str = "off",
    numa_node: int | None = None,
) -> Created:
    """The ring from a gateway to the matcher."""
    return spsc.create(
        path,
        capacity_bytes,
        sequence_next=sequence_next,
        huge_pages=huge_pages,
        lock=lock,
        numa_node=numa_node,
    )


def create_event_ring(
    path: Path,
    capacity_bytes: int,
    *,
    stages: Mapping[str, int],
    before_reply: bool,
    sequence_next: int = 1,
    huge_pages: str = "off",
    lock: str = "off",
    numa_node: int | None = None,
    patience_of: Mapping[str, int] | None = None,
    session: str | None = None,
    identity: str = "",
) -> Created:
    """The ring of the event stream.

    stages: who reads it, each with how long it is waited for, in ns; 0: without end. patience_of:
    another patience of single readers; names that are not the venue's own get a place in the ring
    as well. before_reply: the journal is the stream's keeper, and it releases only what is durable:
    no other reader sees anything before that, whoever opens the ring. session, identity: of the
    stream.
    """
    patiences = {**stages, **(patience_of or {})}
    readers = {"journal": Gating()}
    for name, patience in patiences.items():
        if name != "journal":
            readers[name] = Gating(patience)
    return broadcast.create(
        path,
        capacity_bytes,
        readers,
        sequence_next=sequence_next,
        huge_pages=huge_pages,
        lock=lock,
        numa_node=numa_node,
        session=session,
        identity=identity,
        keepers=("journal",) if before_reply else (),
    )


def create_open_ring(
    path: Path,
    capacity_bytes: int,
    *,
    huge_pages: str = "off",
    session: str | None = None,
    identity: str = "",
) -> Created:
    """A ring for readers whom nobody waits for; always a new one."""
    path.unlink(missing_ok=True)
    return broadcast.create(
        path, capacity_bytes, {}, huge_pages=huge_pages, session=session, identity=identity
    )


def create_publisher_ring(
    path: Path, capacity_bytes: int, *, sequence_next: int, session: str
) -> None:
    """The ring of a publisher that the event stream comes to over a network; always a new one."""
    path.unlink(missing_ok=True)
    broadcast.create(
        path,
        capacity_bytes,
        {"publisher": Gating()},
        sequence_next=sequence_next,
        session=session,
    )


def last_sequence(path: Path) -> int:
    """The number of the last frame in the event stream's ring."""
    return broadcast.positions(path).sequence_next - 1


def create_relay_ring(
    path: Path,
    capacity_bytes: int,
    *,
    readers: list[str],
    patience_ns: int,
    huge_pages: str = "off",
    lock: str = "off",
    numa_node: int | None = None,
) -> Created:
    """The ring at the far side of a bridge; these readers are waited for so long. Of which session
    it is, the bridge says when it has heard it."""
    return broadcast.create(
        path,
        capacity_bytes,
        {name: Gating(patience_ns) for name in readers},
        huge_pages=huge_pages,
        lock=lock,
        numa_node=numa_node,
        session="",
    )


def renew_relay_ring(
    path: Path,
    session: str,
    *,
    huge_pages: str = "off",
    lock: str = "off",
    numa_node: int | None = None,
) -> Created:
    """A ring of the same size for the same readers in the place of this one, for another session.
    Who reads the old one keeps it."""
    old = broadcast.positions(path)
    readers = {
        state.name: Gating(state.patience_ns, state.after)
        for state in broadcast.reader_states(path)
    }
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    created = broadcast.create(
        new,
        old.capacity_bytes,
        readers,
        huge_pages=huge_pages,
        lock=lock,
        numa_node=numa_node,
        session=session,
        keepers=old.keepers,
    )
    # In one step: whoever comes finds a ring, and the old one is there until there is a new one.
    os.replace(new, path)
    return created


def open_order_producer(path: Path) -> spsc.Producer:
    """The gateway's end of the order ring."""
    return spsc.Producer(path)


def open_order_consumer(path: Path) -> spsc.Consumer:
    """The matcher's end of the order ring."""
    return spsc.Consumer(path)


def create_control_ring(path: Path) -> None:
    """The ring from an operator to the matcher; always a new one, for commands are not kept."""
    path.unlink(missing_ok=True)
    spsc.create(path, CONTROL_RING_BYTES)


def open_control_consumer(path: Path) -> spsc.Consumer:
    """The matcher's end of the control ring."""
    return spsc.Consumer(path)


def open_control_producer(path: Path) -> spsc.Producer:
    """An operator's end of the control ring. SegmentHeldError while another one holds it."""
    return spsc.Producer(path)


def control_is_read(path: Path) -> bool:
    """Whether a matcher is there to take what is put on the control ring."""
    try:
        return spsc.positions(path).consumer.alive
    except (OSError, SegmentError):
        return False


def order_ring_positions(path: Path) -> spsc.Positions:
    """Where the order ring stands, alive or dead. OSError, SegmentError: there is none."""
    return spsc.positions(path)


def open_stream_onlooker(path: Path) -> broadcast.LossyReader:
    """A reader of the event stream from now on, whom nobody waits for. All before it may be shown:
    where the stream has a keeper, that is kept."""
    return broadcast.LossyReader(path, "now")


def open_stream_producer(path: Path) -> broadcast.Producer:
    """The matcher's end of the event stream."""
    return broadcast.Producer(path)


def open_stream_reader(path: Path, name: str) -> broadcast.Reader:
    """The end of a reader that has a place in the event stream."""
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


def held_by(ring: Path) -> tuple[int, int]:
    """The first and the last frame that `salvage` will find in the ring of a stopped venue."""
    reader = open_stream_reader(ring, "journal")
    return reader.first_sequence, reader.tail_sequence() - 1


def salvage(
    ring: Path,
    directory: Path | FileDirectory,
    stream_name: str,
    segment_bytes: int,
    identity: str = "",
) -> int:
    """Journal durably what only the ring of a stopped venue holds: the last sequence there is.

    SegmentError when frames between journal and ring are missing. OSError when the journal cannot
    take all of them: the ring must be kept then.
    """
    stage = journal.JournalStage(
        open_stream_reader(ring, "journal"),
        directory,
        stream_name,
        CounterSet("salvage", journal.COUNTERS),
        policy="before-reply",
        segment_bytes=segment_bytes,
        identity=identity,
    )
    work = 1
    while work > 0:
        work = stage.poll_once()
    if stage.gap_sequence:
        raise SegmentError(
            str(ring), "oldest frame", stage.gap_sequence, f"{stage.sequence + 1} after the journal"
        )
    if work < 0:
        raise OSError(stage.os_error, os.strerror(stage.os_error), "journal")
    stage.finish()
    return stage.sequence


def last_source_sequences(
    directory: Path | FileDirectory, *, progress: Progress = lambda sequence: None
) -> dict[int, int]:
    """The last frame of each order ring that is in the journal, by the ring's number, for a ring
    that was lost. A ring without any is not in it. progress: called again and again with the
    sequence of the last frame."""
    last = SourceSequences()
    give_journal(directory, [last], progress=progress)
    return last.by_source()


def give_before(
    journal: Path | FileDirectory,
    ring: Path,
    first_held: int,
    takers: Sequence[FrameTaker],
    first: int = 1,
    *,
    progress: Progress = lambda sequence: None,
) -> None:
    """Give the frames from `first` on before the first one that a reader of the ring will get by
    itself.

    The journal's, then those that it has not got yet: they are still in the ring, for the producer
    waits for the journal. Both may be written meanwhile, so that a second look may be needed: what
    the ring has lost since the first one, the journal has gained. progress: called again
    and again with the sequence of the last frame. SegmentError when frames are missing.
    """
    sequence_next = first
    for _ in range(LOOKS_MAX):
        sequence_next = _give_some(journal, ring, sequence_next, first_held, takers, progress)
        if sequence_next >= first_held:
            return
    raise SegmentError(
        str(ring), "frames", f"none with sequence {sequence_next}", f"all before {first_held}"
    )


def give_stream(
    journal: Path | FileDirectory,
    ring: Path,
    takers: Sequence[FrameTaker],
    *,
    progress: Progress = lambda sequence: None,
) -> None:
    """Give every frame up to the tail of a ring whose producer is gone. progress: as above.
    SegmentError when frames are missing."""
    sequence_next = give_journal(journal, takers, progress=progress)
    for sequence, payload in broadcast.read_frames(ring, sequence_next):
        for taker in takers:
            taker(sequence, payload)


def _give_some(
    journal: Path | FileDirectory,
    ring: Path,
    first: int,
    before: int,
    takers: Sequence[FrameTaker],
    progress: Progress,
) -> int:
    """Frames without a gap from `first` on, as far as one look at journal and ring finds them: the
    sequence behind them."""
    sequence_next = give_journal(journal, takers, first, before, progress=progress)
    if sequence_next >= before:
        return sequence_next
    try:
        held = broadcast.read_frames(ring, sequence_next)
    except SegmentError:
        return sequence_next
    for sequence, payload in held:
        if sequence >= before:
            return before
        for taker in takers:
            taker(sequence, payload)
        sequence_next = sequence + 1
    return sequence_next
