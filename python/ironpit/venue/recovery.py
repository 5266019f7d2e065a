"""Before the stages start: recover the journal, save what the old rings still hold, make new rings.

The venue's lock is held, so that nobody else has the files open. Order rings are kept across a
restart, with what members sent and the matcher has not read; the event stream's ring is made anew
after its frames are in the journal.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ironcore.runtime import pipeline
from ironcore.stream.journal_reader import (
    JournalCorruptError,
    JournalReader,
    JournalVersionError,
)
from ironcore.stream.journal_recovery import recover
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config, stage_kinds
from ironpit.config.gateways import Gateway
from ironpit.config.scalars import rounding, show_size
from ironpit.venue import day, day_file, order_sources, roll, stream_identity
from ironpit.venue.definitions import COMMAND_SYSTEM_EVENT, HEADER, Definitions
from ironpit.venue.start_progress import UNHEARD, StartProgress

CONTROL_RING = "control.ring"


def prepare(
    config: Config,
    truncate_at: int | None,
    say: Callable[[str], None],
    *,
    continue_day: bool = False,
    progress: StartProgress = UNHEARD,
) -> None:
    """Everything up to the point where each process can open its rings. Raises UserError.

    continue_day: take a journal of an earlier day as well.
    """
    try:
        _prepare(config, truncate_at, say, continue_day=continue_day, progress=progress)
    except ValueError as error:  # a ring's file that is not as it should be; it names itself
        raise UserError(str(error), Exit.REFUSED) from error


def _prepare(
    config: Config,
    truncate_at: int | None,
    say: Callable[[str], None],
    *,
    continue_day: bool,
    progress: StartProgress,
) -> None:
    events = config.streams.events
    for directory in (
        config.venue.data_directory,
        config.journal.directory,
        *(gateway.orders.path.parent for gateway in config.gateways),
        events.path.parent,
    ):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _kept_by(config.journal.directory):
        roll.finish(config.journal.directory)
    stream = _establish(config, say)
    order_sources.settle(config, stream.identity)
    _discard_foreign_rings(config, stream, say)
    last = _recover(config, stream, truncate_at, say)
    _check_opening(config.journal.directory)
    if roll.is_due(config, day.of_journal(config.journal.directory), time.time_ns()):
        continue_day = True  # until its matcher has brought it to its end
    else:
        _check_stream(config)
    day.refuse_another(config, continue_day)
    if events.path.exists():
        if truncate_at is not None and _leaves_gap(events.path, last):
            _set_aside(events.path, last, say)
        else:
            last = _salvage(config, stream, last, say)
            day.refuse_another(config, continue_day)  # only the ring held its first frame, perhaps
            events.path.unlink()
    if roll.is_due(config, day.of_journal(config.journal.directory), time.time_ns()):
        if _begin_day(config, say, progress.alive):
            _discard_rings(config)
            _prepare(config, None, say, continue_day=False, progress=progress)
            return
        _check_stream(config)
    with _room_for("streams.events", events.path, events.capacity_bytes):
        created = pipeline.create_event_ring(
            events.path,
            events.capacity_bytes,
            stages=stage_kinds.readers(config),
            before_reply=config.journal.durability == "before-reply",
            sequence_next=last + 1,
            huge_pages=events.huge_pages,
            lock=events.lock,
            numa_node=events.numa_node,
            patience_of={
                name: events.patience_ns if rule.patience_ns is None else rule.patience_ns
                for name, rule in events.readers.items()
                if rule.gating and name != "journal"
            },
            session=stream.session,
            identity=stream.identity,
        )
    _note_ring("streams.events", created, say)
    with progress.reading("orders", last) as read:
        source_last = pipeline.last_source_sequences(config.journal.directory, progress=read)
    for gateway in config.gateways:
        _prepare_orders(gateway, source_last.get(gateway.source, 0) + 1, say)
    with _room_for("venue.data_directory", control_ring(config), pipeline.CONTROL_RING_BYTES):
        pipeline.create_control_ring(control_ring(config))
    market_data = config.streams.market_data
    if market_data.transport == "shm":
        market_data.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _room_for("streams.market_data", market_data.path, market_data.capacity_bytes):
            created = pipeline.create_open_ring(
                market_data.path,
                market_data.capacity_bytes,
                huge_pages=market_data.huge_pages,
                session=stream.session,
                identity=stream.identity,
            )
        _note_ring("streams.market_data", created, say)


def _prepare_orders(gateway: Gateway, source_next: int, say: Callable[[str], None]) -> None:
    """The order ring of a gateway: the one that is there, or one that goes on with its numbers."""
    orders = gateway.orders
    if orders.path.exists():
        _discard_older_orders(orders.path, source_next, say)
    if not orders.path.exists():
        with _room_for(gateway.orders_key, orders.path, orders.capacity_bytes):
            created = pipeline.create_order_ring(
                orders.path,
                orders.capacity_bytes,
                sequence_next=source_next,
                huge_pages=orders.huge_pages,
                lock=orders.lock,
                numa_node=orders.numa_node,
            )
        _note_ring(gateway.orders_key, created, say)


@contextmanager
def _room_for(key: str, path: Path, capacity_bytes: int) -> Iterator[None]:
    """Where a ring is made. UserError with its key where the host has no room for its file, or
    refuses it."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{key}: {path}: found {error.strerror}, expected room for {show_size(capacity_bytes)} "
            f"and the ring's header in {path.parent}",
            Exit.REFUSED,
        ) from error


def _note_ring(key: str, created: pipeline.Created, say: Callable[[str], None]) -> None:
    """What came of wishes that the host or the ring's layout could not meet to the letter."""
    if created.capacity_bytes != created.capacity_bytes_asked:
        say(f"{key}.capacity: {rounding(created.capacity_bytes_asked, created.capacity_bytes)}")
    for name, found in (("numa_node", created.numa), ("lock", created.locked)):
        if found.startswith("not"):
            say(f"{key}.{name}: {found}")


def control_ring(config: Config) -> Path:
    """The ring of operators' commands."""
    return config.venue.data_directory / CONTROL_RING


def _establish(config: Config, say: Callable[[str], None]) -> stream_identity.Stream:
    stream = stream_identity.establish(config)
    begins_a_day = (config.journal.directory / day_file.FILE).exists()
    if stream.session != config.venue.name and not begins_a_day:
        say(
            f"session {stream.session}: the journal was begun anew, and {config.venue.name} was "
            "the session of the earlier stream"
        )
    return stream


def _discard_foreign_rings(
    config: Config, stream: stream_identity.Stream, say: Callable[[str], None]
) -> None:
    """Rings belong to one journal: those of a journal that was removed must not feed a new one."""
    directory = config.streams.events.path.parent
    found = stream_identity.recorded(directory)
    if found is not None and found.identity == stream.identity:
        return
    rings = [gateway.orders.path for gateway in config.gateways]
    for path in (*rings, config.streams.events.path):
        if path.exists():
            say(
                f"{path}: of another journal than {config.journal.directory}; the ring is discarded"
            )
            path.unlink()
    stream_identity.write(directory, stream)


@contextmanager
def _kept_by(directory: Path) -> Iterator[None]:
    """Where a day's files are made and moved. UserError where the host refuses it."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{error.filename or directory}: {error.strerror}; the next trading day cannot begin, "
            "and the finished day's journal is as it was",
            Exit.REFUSED,
        ) from error


def _begin_day(config: Config, say: Callable[[str], None], alive: Callable[[], None]) -> bool:
    with _kept_by(config.journal.directory):
        return roll.begin(config, say, alive)


def _check_opening(directory: Path) -> None:
    """UserError when a day that followed another was cut within its opening."""
    if not (directory / day_file.FILE).exists():
        return
    for _, frame in JournalReader(directory, unsynced=True):
        if frame[0] == COMMAND_SYSTEM_EVENT and frame[HEADER.size] == ord("Q"):
            return
    raise UserError(
        f"{directory}: found no system event Q, expected the whole opening of the day: orders that "
        "were to stay are missing. Move this day's files away, and those of the day before, which "
        f"are in a directory of their date, back into {directory}: the next start begins the day "
        "anew",
        Exit.REFUSED,
    )


def _discard_rings(config: Config) -> None:
    """Those of the day that has ended: all that they held is in its journal."""
    for path in (*(gateway.orders.path for gateway in config.gateways), config.streams.events.path):
        path.unlink(missing_ok=True)
    stream = stream_identity.recorded(config.journal.directory)
    assert stream is not None
    stream_identity.write(config.streams.events.path.parent, stream)


def _discard_older_orders(path: Path, source_next: int, say: Callable[[str], None]) -> None:
    """A ring on a disk may come back from a crash of the host older than the journal. New orders
    would then get sequences that the stream has already, and be taken for repetitions."""
    sequence_next = pipeline.open_order_producer(path).sequence_next
    if sequence_next < source_next:
        say(
            f"{path}: ends at sequence {sequence_next - 1}, but the journal has orders up to "
            f"{source_next - 1}; the ring is made anew"
        )
        path.unlink()


def _recover(
    config: Config,
    stream: stream_identity.Stream,
    truncate_at: int | None,
    say: Callable[[str], None],
) -> int:
    ring = config.streams.events.path
    try:
        _check_oldest(config.journal.directory)
        report = recover(
            config.journal.directory,
            truncate_at,
            held=pipeline.held_by(ring) if ring.exists() else (1, 0),
            identity=stream.identity,
        )
    except JournalCorruptError as error:
        advice = f"ironpit run --truncate-at {error.last_sequence}"
        place = config.journal.directory
        raise UserError(f"{place}: {error} ({advice})", Exit.REFUSED) from error
    except (OSError, JournalVersionError) as error:
        raise UserError(f"{config.journal.directory}: {error}", Exit.REFUSED) from error
    if report.torn_bytes:
        say(
            f"journal: {report.segment}: an incomplete write of {report.torn_bytes} bytes at "
            f"offset {report.offset} was cut off; last good sequence {report.last_sequence}"
        )
    if report.set_aside:
        say(
            f"journal: a segment without a sound header was set aside as {report.set_aside}; "
            f"last good sequence {report.last_sequence}"
        )
    if truncate_at is not None and report.mark_doubt:
        say(
            f"journal: journal.mark is set back to sequence {report.last_sequence}: before, "
            f"{report.mark_doubt}"
        )
    if truncate_at is not None:
        say(
            f"journal: it ends at sequence {report.last_sequence} now; what followed is in "
            f"{config.journal.directory}/*.cut*"
        )
    return report.last_sequence


def _check_oldest(journal: Path) -> None:
    """A stream is replayed from its first command on."""
    try:
        oldest = next((sequence for sequence, _ in JournalReader(journal, unsynced=True)), 1)
    except JournalCorruptError:
        return  # recovery says where
    if oldest > 1:
        raise UserError(
            f"{journal}: found {oldest} as its oldest frame, expected 1: segments are missing; put "
            "them back into the directory",
            Exit.REFUSED,
        )


def _check_stream(config: Config) -> None:
    """What the first command of the journal fixed must be what the configuration says."""
    for _, payload in JournalReader(config.journal.directory, unsynced=True):
        definitions = Definitions()
        definitions.observe(payload)
        definitions.missing(config)
        return


def _leaves_gap(ring: Path, last: int) -> bool:
    """Whether frames between the journal's last one and the ring's first one are lost."""
    first, held = pipeline.held_by(ring)
    return held > last and first > last + 1


def _set_aside(ring: Path, last: int, say: Callable[[str], None]) -> None:
    first, held = pipeline.held_by(ring)
    aside = ring.with_name(f"{ring.name}.cut")
    while aside.exists():
        aside = aside.with_name(f"{aside.name}-2")
    ring.rename(aside)
    say(
        f"{ring}: its frames {first} to {held} do not follow the journal's last frame, {last}; "
        f"the ring was set aside as {aside.name}"
    )


def _salvage(
    config: Config, stream: stream_identity.Stream, last: int, say: Callable[[str], None]
) -> int:
    """Journal the frames that only the ring of the last run holds. The new last sequence."""
    ring, settings = config.streams.events.path, config.journal
    try:
        found = pipeline.salvage(
            ring, settings.directory, stream.session, settings.segment_bytes, stream.identity
        )
    except ValueError as error:
        raise UserError(f"{error} (was the journal truncated?)", Exit.REFUSED) from error
    except OSError as error:
        raise UserError(
            f"{settings.directory}: {error}; the frames that only {ring} holds are not saved",
            Exit.REFUSED,
        ) from error
    if found > last:
        say(f"journal: {found - last} frames of the last run were saved from its ring")
    return found
