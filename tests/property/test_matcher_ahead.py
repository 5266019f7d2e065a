"""Goal: a matcher that looks ahead over its order rings does what one does that never looks, and
delays no command for it.

Method: two matchers with the same commands in their rings, of which some are malformed, polled in
the same turns. One looks ahead whatever its book holds, the other one never. Their streams must be
equal but for the times of the stamps.
"""

import itertools
import random
from pathlib import Path

import pytest
from tests.model import records as r

from ironcore.base.counter_set import CounterSet
from ironcore.ring.broadcast import read_frames
from ironcore.runtime import pipeline
from ironcore.stage import matcher

ALWAYS, NEVER = 0, 0xFFFFFFFF
TIME = slice(8, 16)
ORDER_RING_BYTES = 1 << 14  # so small that it wraps often
LIMITS = r.Limits(1, 2, 4096, 12)
COMMAND_TYPES = range(1, 128)


class Venue:
    """A matcher with two order rings."""

    def __init__(self, directory: Path, ahead_orders_min: int) -> None:
        directory.mkdir()
        self.events = directory / "events.ring"
        rings = [directory / f"orders-{index}.ring" for index in range(2)]
        for ring in rings:
            pipeline.create_order_ring(ring, ORDER_RING_BYTES)
        pipeline.create_event_ring(
            self.events, 1 << 23, stages={"journal": 0}, before_reply=False, sequence_next=1
        )
        self.producers = [pipeline.open_order_producer(ring) for ring in rings]
        self.engine = pipeline.make_engine(**LIMITS._asdict())
        self.matcher = matcher.MatcherStage(
            [pipeline.open_order_consumer(ring) for ring in rings],
            pipeline.open_stream_producer(self.events),
            self.engine,
            CounterSet("matcher", matcher.COUNTERS),
            ahead_orders_min=ahead_orders_min,
        )
        for command in (
            r.stream_start(LIMITS),
            r.define_instrument(0),
            r.define_session(1),
            r.define_session(2),
        ):
            assert self.matcher.submit(command)

    @property
    def looked_ahead(self) -> int:
        return self.matcher.counters.snapshot()["looked_ahead"]

    def stream(self) -> list[tuple[int, bytes]]:
        """Every frame of members' commands, without its time."""
        found = []
        for sequence, frame in read_frames(self.events, 1):
            timeless = bytearray(frame)
            if frame[0] in COMMAND_TYPES:
                timeless[TIME] = bytes(8)
            found.append((sequence, bytes(timeless)))
        return found


def chosen(chance: random.Random, session: int, number: int) -> bytes:
    """A command, at times one that is none."""
    kind = chance.random()
    earlier = chance.randrange(1, number + 1)
    if kind < 0.55:
        price = 10_000 + 100 * chance.randrange(-5, 6)
        return r.enter(session, number, chance.choice("BS"), chance.randrange(1, 50), price)
    if kind < 0.75:
        return r.cancel(session, earlier)
    if kind < 0.9:
        return r.replace(session, earlier, number, chance.randrange(1, 50), 10_000)
    if kind < 0.95:
        return chance.randbytes(chance.randrange(120))
    # Says that it is a replacement, and ends behind its header.
    return r.replace(session, earlier, number, 1, 10_000)[: chance.choice([39, 40, 48])]


@pytest.mark.parametrize("seed", range(4))
def test_looking_ahead_changes_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    venues = [Venue(tmp_path / "always", ALWAYS), Venue(tmp_path / "never", NEVER)]
    numbers = [0, 0]
    for _ in range(300):
        for index in range(2):
            for _ in range(chance.choice([0, 1, 2, 7, 60])):
                numbers[index] += 1
                if numbers[index] >= 4096:
                    continue
                command = chosen(chance, index + 1, numbers[index])
                for venue in venues:
                    venue.producers[index].offer(command)
        batch = chance.choice([1, 3, 20, 256])
        works = [venue.matcher.poll_once(batch) for venue in venues]
        assert works[0] == works[1]
    assert venues[0].stream() == venues[1].stream()
    assert venues[0].engine.digest() == venues[1].engine.digest()
    assert venues[0].looked_ahead > 1_000
    assert venues[1].looked_ahead == 0


def test_a_command_that_waits_alone_is_applied_at_once(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "always", ALWAYS)
    for number in range(1, 50):
        venue.producers[0].offer(r.enter(1, number, "B", 1, 10_000))
        assert venue.matcher.poll_once() == 1
    assert venue.looked_ahead == 0


def test_it_looks_at_two_commands_at_most_with_each_that_it_takes(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "always", ALWAYS)
    for number in range(1, 41):
        venue.producers[0].offer(r.enter(1, number, "B", 1, 10_000))
    seen = [0]
    for _ in range(40):
        assert venue.matcher.poll_once(1) == 1
        seen.append(venue.looked_ahead)
    looked = [after - before for before, after in itertools.pairwise(seen)]
    # Two each until it is twelve ahead, then one each until there are no more.
    assert looked == [2] * 11 + [1] * 17 + [0] * 12


def test_a_small_book_is_not_looked_ahead_in(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "from ten orders on", 10)
    for number in range(1, 41):
        venue.producers[0].offer(r.enter(1, number, "B", 1, 10_000))
    venue.matcher.poll_once(10)
    assert venue.looked_ahead == 0
    venue.matcher.poll_once(30)
    assert venue.looked_ahead == 29
