"""Goal: whatever the instruction at which an owner is killed, its successor goes on faultlessly.

Method: a child process works on a ring one machine instruction at a time; each state of the file
that this visits (see single_step.py) is copied and taken over by new owners, which must find an
exact prefix of what was offered, and must be able to go on from there to the end of a lap.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.process.ring import single_step

from ironcore.base.status import Status
from ironcore.ring import broadcast, spsc
from ironcore.ring.broadcast import Gating, LossyReader, Reader

CAPACITY = 4096
SECOND = 10**9

# Payloads follow from sequence numbers, in the child's program and here.
PAYLOAD = """
def payload(number):
    return number.to_bytes(4, "little") * (number * 37 % 128)
def offer(producer, number, *now):
    return producer.offer(payload(number), *now)
"""
OFFER_SPSC = """
import sys
from ironcore.ring import spsc
producer = spsc.Producer(sys.argv[1])
mark()
for _ in range({count}):
    offer(producer, producer.sequence_next)
mark()
"""
POLL_SPSC = """
import sys
from ironcore.ring import spsc
consumer = spsc.Consumer(sys.argv[1])
mark()
for _ in range(4):
    consumer.poll(3)
mark()
"""
OFFER_BROADCAST = """
import sys
from ironcore.ring import broadcast
producer = broadcast.Producer(sys.argv[1])
mark()
for _ in range({count}):
    offer(producer, producer.tail_sequence(), 1)
mark()
"""
# The new producer's patience begins when it finds the ring full.
OFFER_EVICTING = """
import sys
from ironcore.ring import broadcast
producer = broadcast.Producer(sys.argv[1])
mark()
for now_ns in (9_000_000_000, 10_000_000_000, 10_000_000_001):
    offer(producer, producer.tail_sequence(), now_ns)
mark()
"""
POLL_BROADCAST = """
import sys
from ironcore.ring import broadcast
reader = broadcast.Reader(sys.argv[1], "journal")
mark()
for _ in range(3):
    reader.poll(3)
mark()
"""
JOIN_BROADCAST = """
import sys
from ironcore.ring import broadcast
reader = broadcast.Reader(sys.argv[1], "console")
reader.leave()
producer = broadcast.Producer(sys.argv[1])
journal = broadcast.Reader(sys.argv[1], "journal")
for number in range(1, 100):
    offer(producer, number, 1)
    journal.poll(1)
del producer, journal
mark()
reader.rejoin()
mark()
"""
ATTACH_BROADCAST = """
import sys
from ironcore.ring import broadcast
mark()
producer = broadcast.Producer(sys.argv[1])
reader = broadcast.Reader(sys.argv[1], "journal")
mark()
"""


def payload(number: int) -> bytes:
    return number.to_bytes(4, "little") * (number * 37 % 128)


def numbers(frames: list[tuple[int, bytes]]) -> list[int]:
    for number, found in frames:
        assert found == payload(number)
    return [number for number, _ in frames]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.ring"


def successors(program: str, path: Path, at_least: int) -> Iterator[Path]:
    """A copy of the file for every state that the program's steps leave behind."""
    try:
        visited = 0
        copy = path.with_name("copy.ring")
        for state in single_step.states(PAYLOAD + program, path):
            copy.write_bytes(state)
            copy.chmod(0o600)
            yield copy
            visited += 1
    except single_step.NoPtraceError as refusal:
        pytest.skip(f"tracing a child is not permitted here: {refusal}")
    assert visited >= at_least


def check_spsc(copy: Path, head: int) -> int:
    """Take over both ends; the number of the last frame that was committed."""
    producer = spsc.Producer(copy)
    consumer = spsc.Consumer(copy)
    end = producer.sequence_next
    assert numbers(consumer.poll(1000)) == list(range(head, end))
    for number in range(end, end + 40):
        assert producer.offer(payload(number)) == Status.OK
        assert numbers(consumer.poll(2)) == [number]
    return end - 1


# Where in the ring the steps happen: at the start, across the wrap, and a lap later.
@pytest.mark.parametrize("before", [0, 13, 14, 29])
def test_spsc_producer_can_die_at_any_instruction(path: Path, before: int) -> None:
    spsc.create(path, CAPACITY)
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    for number in range(1, before + 1):
        assert producer.offer(payload(number)) == Status.OK
        assert numbers(consumer.poll(1)) == [number]
    assert producer.offer(payload(before + 1)) == Status.OK
    del producer, consumer
    found = [
        check_spsc(copy, before + 1) for copy in successors(OFFER_SPSC.format(count=6), path, 40)
    ]
    assert [number for number, _ in itertools.groupby(found)] == list(range(before + 1, before + 8))


def test_spsc_consumer_can_die_at_any_instruction(path: Path) -> None:
    spsc.create(path, CAPACITY)
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    for number in range(1, 9):
        producer.offer(payload(number))
    consumer.poll(8)
    for number in range(9, 21):
        assert producer.offer(payload(number)) == Status.OK
    del producer, consumer
    heads = []
    for copy in successors(POLL_SPSC, path, 5):
        consumer = spsc.Consumer(copy)
        found = numbers(consumer.poll(1000))
        assert found == list(range(found[0] if found else 21, 21))
        heads.append(found[0] if found else 21)
        del consumer
    assert heads == [9, 12, 15, 18, 21]


def check_broadcast(copy: Path, released: int) -> int:
    """Take over all ends; the number of the last frame that was committed."""
    producer = broadcast.Producer(copy)
    end = producer.tail_sequence()
    oldest = producer.oldest_sequence()
    held = numbers(broadcast.read_frames(copy))
    assert held == list(range(oldest, end))
    late = LossyReader(copy)
    journal = Reader(copy, "journal")
    assert journal.first_sequence == released
    assert numbers(journal.poll(1000)[1]) == list(range(released, end))
    for number in range(end, end + 40):
        assert producer.offer(payload(number), 1) == Status.OK
        assert numbers(journal.poll(2)[1]) == numbers(late.poll(2)[1]) == [number]
    return end - 1


@pytest.mark.parametrize("before", [0, 13, 14, 29])
def test_broadcast_producer_can_die_at_any_instruction(path: Path, before: int) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    producer, journal = broadcast.Producer(path), Reader(path, "journal")
    for number in range(1, before + 1):
        assert producer.offer(payload(number), 1) == Status.OK
        assert numbers(journal.poll(1)[1]) == [number]
    assert producer.offer(payload(before + 1), 1) == Status.OK
    del producer, journal
    program = OFFER_BROADCAST.format(count=6)
    found = [check_broadcast(copy, before + 1) for copy in successors(program, path, 40)]
    assert [number for number, _ in itertools.groupby(found)] == list(range(before + 1, before + 8))


def test_producer_can_die_at_any_instruction_of_an_eviction(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating(), "slow": Gating(SECOND)})
    producer, journal = broadcast.Producer(path), Reader(path, "journal")
    number = 1
    while producer.offer(payload(number), SECOND) == Status.OK:
        number += 1
    assert numbers(journal.poll(1000)[1]) == list(range(1, number))
    del producer, journal
    outcomes = set()
    for copy in successors(OFFER_EVICTING, path, 30):
        state = broadcast.reader_states(copy)[1].state
        slow = Reader(copy, "slow")
        oldest = broadcast.positions(copy).sequence_oldest
        assert slow.first_sequence == (1 if state == "gating" else oldest)
        found = numbers(slow.poll(1000)[1])
        assert found == list(range(slow.first_sequence, slow.first_sequence + len(found)))
        assert len(found) > 5
        slow.leave()
        del slow
        last = check_broadcast(copy, number)
        assert found[-1] == last
        outcomes.add((state, last - number + 1))
    assert outcomes == {("gating", 0), ("evicted", 0), ("evicted", 1), ("evicted", 2)}


def test_gating_reader_can_die_at_any_instruction(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    producer, journal = broadcast.Producer(path), Reader(path, "journal")
    for number in range(1, 9):
        producer.offer(payload(number), 1)
    journal.poll(8)
    for number in range(9, 18):
        assert producer.offer(payload(number), 1) == Status.OK
    del producer, journal
    firsts = []
    for copy in successors(POLL_BROADCAST, path, 4):
        firsts.append(Reader(copy, "journal").first_sequence)
        assert check_broadcast(copy, firsts[-1]) == 17
    assert firsts == [9, 12, 15, 18]


def test_joining_reader_can_die_at_any_instruction(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating(), "console": Gating()})
    seen = []
    for copy in successors(JOIN_BROADCAST, path, 4):
        state = broadcast.reader_states(copy)[1]
        oldest = broadcast.positions(copy).sequence_oldest
        assert oldest > 50
        seen.append((state.state, state.position > 0))
        console = Reader(copy, "console")
        assert console.first_sequence == oldest
        assert numbers(console.poll(1000)[1]) == list(range(oldest, 100))
        console.leave()
        del console
        assert check_broadcast(copy, 100) == 99
    assert seen == [("left", False), ("left", True), ("joining", True), ("gating", True)]


def test_owners_can_die_at_any_instruction_of_their_start(path: Path) -> None:
    broadcast.create(path, CAPACITY, {"journal": Gating()})
    producer = broadcast.Producer(path)
    for number in range(1, 10):
        producer.offer(payload(number), 1)
    del producer
    # As a producer leaves it that dies between a commit and the tail's publication.
    with path.open("r+b") as file:
        file.seek(256)
        file.write(bytes(8))
    for copy in successors(ATTACH_BROADCAST, path, 10):
        assert check_broadcast(copy, 1) == 9
