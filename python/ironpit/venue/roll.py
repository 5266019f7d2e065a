"""From one trading day to the next: the finished day's journal is put away, and the next day's
begins with the orders that stay.

The journal's directory holds the current day; each finished one is in a directory beside it that is
named by its date, and nobody writes there any more. The next day is made ready in `.next`, down to
the last frame of its opening, before anything is moved. `roll.json` says that it is, and how far
the files have been moved: whoever starts next goes on from there. So there is the old day or the
new one, and never a part of one.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import rmtree
from typing import Annotated, Literal

import msgspec

from ironcore.base.counter_set import CounterSet
from ironcore.runtime import pipeline
from ironcore.stage import journal, matcher
from ironcore.stream.frame_taker import ChosenFrames, give_journal
from ironcore.stream.journal_reader import JournalReader
from ironcore.wire.record import decode_frame
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config
from ironpit.config.calendar import is_trading_day
from ironpit.venue import day_file, opening, order_sources, state_file, stream_identity
from ironpit.venue.day import Day, of_journal
from ironpit.venue.definitions import (
    COMMAND_ENTER_ORDER,
    COMMAND_SYSTEM_EVENT,
    HEADER,
    SECOND_NS,
    user_ref_bits,
)

NEXT = ".next"
STATE = "roll.json"
BOOKS = "books.json"  # what the matcher has at its end
BESIDE = frozenset({stream_identity.IDENTITY, order_sources.FILE, day_file.FILE})
RING_BYTES = 4 << 20


def today(now_ns: int) -> date:
    """The UTC date."""
    return datetime.fromtimestamp(now_ns // SECOND_NS, UTC).date()


def is_due(config: Config, day: Day | None, now_ns: int) -> bool:
    """Whether a trading day has begun that is later than the stream's, which is at its end."""
    calendar = config.venue.calendar
    if calendar is None or day is None or now_ns < day.end_ns:
        return False
    return is_trading_day(today(now_ns), calendar.trading_days, calendar.holidays)


def begin(config: Config, say: Callable[[str], None], alive: Callable[[], None]) -> bool:
    """Roll from the journal's day to today. False: that day has not been brought to its end. alive:
    called again and again.

    For who holds the venue's lock, with the journal recovered and whole. UserError: it is in doubt.
    """
    directory = config.journal.directory
    day = of_journal(directory)
    if day is None or not _has_ended(directory, alive):
        return False
    left = opening.left_by(directory, alive)
    _check_books(config, left)
    opening.check_decimals_of(config, left)
    now_ns = time.time_ns()  # once, and behind what takes long
    if not is_due(config, day, now_ns):
        return False
    stream = stream_identity.of_day(config, today(now_ns))
    made = directory / NEXT
    if made.exists():
        rmtree(made)
    made.mkdir(mode=0o700)
    for name in opening.unknown_to(config, left.orders):
        say(f"{name}: has orders that stay, and is not in the configuration: they end here")
    days = (today(now_ns) - date.fromisoformat(day.date)).days
    begun = day_file.with_references(config, left.references)
    _open(config, opening.commands(begun, left, days, now_ns), stream, made, alive)
    carried, refused = _carried(config, made)
    for (symbol, user), count in refused.items():
        say(
            f"{symbol}: {count} orders of {user} that were to stay do not fit what the "
            "configuration says today and are rejected; their member is told"
        )
    earlier = stream_identity.recorded(directory)
    about = {
        "schema": "ironpit-day-1",
        "date": today(now_ns).isoformat(),
        "references": {symbol: price for symbol, price in left.references.items() if price},
        "before": {
            "date": day.date,
            "stream": earlier.identity if earlier is not None else "",
            "sequence": left.sequence,
            "books_digest": left.books_digest,
        },
    }
    day_file.write(made, about)
    stream_identity.write(made, stream)
    _sync(made)
    place = _place(directory, day.date)
    _note(directory, State(place.name))
    finish(directory)
    say(
        f"day {day.date} is over: its journal is in {place}; day "
        f"{today(now_ns)} begins as session {stream.session} with {carried} orders that stay"
    )
    return True


def _has_ended(directory: Path, alive: Callable[[], None]) -> bool:
    """Whether the stream says that all has left that leaves with its day."""
    codes = set()
    events = ChosenFrames(
        [COMMAND_SYSTEM_EVENT], lambda sequence, frame: codes.add(frame[HEADER.size])
    )
    give_journal(directory, [events], progress=lambda sequence: alive())
    return ord("E") in codes


class Books(msgspec.Struct, frozen=True):
    """What the matcher had at its end."""

    stream_sequence: int
    books_digest: str


def _check_books(config: Config, left: opening.DayLeft) -> None:
    """UserError when the matcher had other books at the end than its stream gives."""
    path = config.venue.data_directory / BOOKS
    found = state_file.read(path, Books, "what the matcher had at its end")
    if found is None:
        return  # it was killed before it could say
    if found.stream_sequence == left.sequence and found.books_digest != left.books_digest:
        raise UserError(
            f"{path}: found books_digest {found.books_digest}, expected "
            f"{left.books_digest}, as the journal replays to; the day cannot be carried over",
            Exit.REFUSED,
        )


def _open(
    config: Config,
    commands: list[bytes],
    stream: stream_identity.Stream,
    made: Path,
    alive: Callable[[], None],
) -> None:
    """Journal the opening, as the venue's own stages would."""
    rings = config.streams.events.path.parent
    ring, orders = rings / "opening.ring", rings / "opening-orders.ring"
    for path in (ring, orders):
        path.unlink(missing_ok=True)  # of a roll that was killed
    pipeline.create_event_ring(
        ring, RING_BYTES, stages={}, before_reply=False, session=stream.session,
        identity=stream.identity,
    )  # fmt: skip
    pipeline.create_order_ring(orders, 1 << 16)
    engine = pipeline.make_engine(
        instruments_max=config.limits.instruments_max,
        sessions_max=config.limits.sessions_max,
        orders_max=config.limits.orders_max,
        user_ref_bits=user_ref_bits(config),
    )
    stage = matcher.MatcherStage(
        [pipeline.open_order_consumer(orders)],
        pipeline.open_stream_producer(ring),
        engine,
        CounterSet("opening", matcher.COUNTERS),
    )
    keeper = journal.JournalStage(
        pipeline.open_stream_reader(ring, "journal"),
        made,
        stream.session,
        CounterSet("opening-journal", journal.COUNTERS),
        policy="before-reply",
        segment_bytes=config.journal.segment_bytes,
        identity=stream.identity,
    )
    for command in commands:
        while not stage.submit(command):
            stage.poll_once()
            _keep(keeper)
            alive()
    while engine.steps_are_left or keeper.sequence < stage.stream_sequence:
        stage.poll_once()
        _keep(keeper)
    keeper.finish()
    del stage, keeper
    ring.unlink()
    orders.unlink()


def _keep(keeper: journal.JournalStage) -> None:
    if keeper.poll_once() < 0:
        raise UserError(f"journal: {os.strerror(keeper.os_error)}", Exit.REFUSED)


def _carried(config: Config, made: Path) -> tuple[int, Counter[tuple[str, str]]]:
    """How many orders stay, and how many the new day does not admit any more, by symbol and user
    name."""
    refused: Counter[tuple[str, str]] = Counter()
    count = 0
    for _, frame in JournalReader(made):
        if frame[0] != COMMAND_ENTER_ORDER:
            continue
        order, *events = decode_frame(frame)
        if any(event["kind"] == "Rejected" for event in events):
            user = config.sessions[order["session"] - 1].username
            refused[config.instruments[order["instrument"]].symbol, user] += 1
        else:
            count += 1
    return count, refused


class State(msgspec.Struct, frozen=True):
    """How far the files have been moved. old: the name of the finished day's directory."""

    old: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d(-\d+)?\Z")]
    old_moved: bool = False
    schema: Literal["ironpit-roll-1"] = "ironpit-roll-1"


def finish(directory: Path) -> None:
    """Move what a roll has left to be moved; nothing without one."""
    state = directory / STATE
    found = state_file.read(state, State, "how far a new day's files were moved")
    if found is None:
        return
    made, old = directory / NEXT, directory / found.old
    if not found.old_moved:
        old.mkdir(mode=0o700, exist_ok=True)
        _move(_files(directory), old)
        _note(directory, State(found.old, old_moved=True))
    if made.exists():
        _move(_files(made), directory)
        made.rmdir()
    state.unlink()
    _sync(directory)


def _files(directory: Path) -> list[Path]:
    """Those that belong to a stream; whatever else there is stays where it is."""
    return sorted(p for p in directory.iterdir() if p.is_file() and _is_of_stream(p.name))


def _is_of_stream(name: str) -> bool:
    return ".journal" in name or name.startswith("journal.mark") or name in BESIDE


def _move(files: Iterable[Path], to: Path) -> None:
    for file in files:
        os.replace(file, to / file.name)
    _sync(to)


def _note(directory: Path, state: State) -> None:
    stream_identity.write_whole(directory / STATE, msgspec.json.encode(state).decode() + "\n")
    _sync(directory)


def _place(directory: Path, name: str) -> Path:
    """Where a finished day goes: by its date, or that and a number when there were several."""
    place, number = directory / name, 1
    while place.exists():
        number += 1
        place = directory / f"{name}-{number}"
    return place


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
