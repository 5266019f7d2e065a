"""Goal: whatever is done to the rings in whatever order, they do what the naive model does.

Method: Hypothesis drives a ring and tests/model/ring_model.py through the same steps: offers of
every size, reading, releasing, waiting, restarts of every owner, evictions, lossy readers.
"""

import itertools
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.model.ring_model import ReaderModel, RingModel

from ironcore.base.status import Status
from ironcore.ring import broadcast, spsc
from ironcore.ring.broadcast import Gating

CAPACITY = 4096
PAYLOAD_BYTES_MAX = CAPACITY // 8
READERS = {
    "journal": Gating(),
    "publisher": Gating(100, after="journal"),
    "console": Gating(30),
}
# Lengths near the ends of what is allowed and around the alignment, and any other.
LENGTHS = st.one_of(
    st.sampled_from([0, 1, 15, 16, 17, 32, 496, 497, 511, 512]),
    st.integers(0, PAYLOAD_BYTES_MAX),
)
NAMES = st.sampled_from(sorted(READERS))


class RingMachine(RuleBasedStateMachine):
    """What both kinds of ring have: a directory, and payloads that differ."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "x.ring"
        self.counter = itertools.count(1)

    def make_payload(self, length: int) -> bytes:
        return (next(self.counter).to_bytes(8, "little") * 65)[:length]

    def teardown(self) -> None:
        self.directory.cleanup()


class SpscMachine(RingMachine):
    def __init__(self) -> None:
        super().__init__()
        spsc.create(self.path, CAPACITY)
        self.producer: spsc.Producer | None = spsc.Producer(self.path)
        self.consumer: spsc.Consumer | None = spsc.Consumer(self.path)
        self.model = RingModel(CAPACITY, {"consumer": ReaderModel()})

    @rule(length=LENGTHS, count=st.integers(1, 5))
    def offer(self, length: int, count: int) -> None:
        assert self.producer is not None
        for _ in range(count):
            payload = self.make_payload(length)
            if self.producer.offer(payload) == Status.OK:
                self.model.offered(payload, 0)
            else:
                self.model.refused(payload, 0)

    @rule(length=st.integers(PAYLOAD_BYTES_MAX + 1, 2 * CAPACITY))
    def offer_too_much(self, length: int) -> None:
        assert self.producer is not None
        assert self.producer.offer(bytes(length)) == Status.TOO_LARGE

    @rule(count=st.integers(0, 20))
    def poll(self, count: int) -> None:
        assert self.consumer is not None
        reader = self.model.readers["consumer"]
        end = min(reader.released + count, self.model.sequence_next)
        assert self.consumer.poll(count) == self.model.frames(reader.released, end)
        reader.released = end

    @rule()
    def restart_producer(self) -> None:
        self.producer = None
        self.producer = spsc.Producer(self.path)

    @rule()
    def restart_consumer(self) -> None:
        self.consumer = None
        self.consumer = spsc.Consumer(self.path)

    @invariant()
    def numbers_agree(self) -> None:
        assert self.producer is not None
        assert self.producer.sequence_next == self.model.sequence_next
        assert spsc.positions(self.path).sequence_next == self.model.sequence_next


class BroadcastMachine(RingMachine):
    keepers: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        broadcast.create(self.path, CAPACITY, READERS, keepers=self.keepers)
        self.producer: broadcast.Producer | None = broadcast.Producer(self.path)
        self.readers = {name: broadcast.Reader(self.path, name) for name in READERS}
        self.lossy = broadcast.LossyReader(self.path)
        self.lossy_next = 1
        self.now_ns = 1
        self.model = RingModel(
            CAPACITY,
            {name: ReaderModel(g.patience_ns, g.after) for name, g in READERS.items()},
            keepers=self.keepers,
        )

    @initialize(frames=st.integers(0, 60))
    def start_somewhere(self, frames: int) -> None:
        """Not every run begins with an empty ring at its start."""
        for _ in range(frames):
            self.offer(100, 1)
            for name in ("journal", "publisher", "console"):
                self.peek_and_advance(name, 1)
                self.release(name)

    @rule(length=LENGTHS, count=st.integers(1, 8))
    def offer(self, length: int, count: int) -> None:
        assert self.producer is not None
        for _ in range(count):
            payload = self.make_payload(length)
            status = self.producer.offer(payload, self.now_ns)
            for state in broadcast.reader_states(self.path):
                if self.model.readers[state.name].gating and state.state != "gating":
                    assert state.state == "evicted"
                    self.model.evicted(state.name, payload, self.now_ns)
            if status == Status.OK:
                self.model.offered(payload, self.now_ns)
            else:
                assert status == Status.FULL
                self.model.refused(payload, self.now_ns)

    @rule(ns=st.sampled_from([1, 10, 29, 30, 70, 100, 1000]))
    def wait(self, ns: int) -> None:
        self.now_ns += ns

    @rule(name=NAMES, count=st.integers(0, 12))
    def peek_and_advance(self, name: str, count: int) -> None:
        reader, model = self.readers[name], self.model.readers[name]
        for _ in range(count):
            status, sequence, payload = reader.peek()
            if not model.gating:
                assert (status, sequence, payload) == (Status.EVICTED, 0, b"")
                return
            if model.next >= self.model.limit(name):
                assert (status, sequence, payload) == (Status.EMPTY, 0, b"")
                return
            assert (status, sequence) == (Status.OK, model.next)
            assert payload == self.model.payload(model.next)
            reader.advance()
            model.next += 1

    @rule(name=NAMES)
    def release(self, name: str) -> None:
        model = self.model.readers[name]
        status = self.readers[name].release()
        assert status == (Status.OK if model.gating else Status.EVICTED)
        if model.gating:
            model.released = model.next

    def joined(self, name: str) -> None:
        """The reader gates (again), where it stood or at the oldest frame if it was lapped."""
        assert self.producer is not None
        model = self.model.readers[name]
        if not model.gating:
            model.released = max(model.released, self.producer.oldest_sequence())
            model.gating = True
        model.next = model.released
        assert self.readers[name].first_sequence == model.released

    @rule(name=NAMES)
    def restart_reader(self, name: str) -> None:
        del self.readers[name]
        self.readers[name] = broadcast.Reader(self.path, name)
        self.joined(name)

    @rule(name=NAMES)
    def leave(self, name: str) -> None:
        self.readers[name].leave()
        self.model.readers[name].gating = False

    @rule(name=NAMES)
    def rejoin(self, name: str) -> None:
        model = self.model.readers[name]
        missed = self.readers[name].rejoin()
        before = model.next
        self.joined(name)
        assert missed == model.next - before

    @rule()
    def restart_producer(self) -> None:
        self.producer = None
        self.producer = broadcast.Producer(self.path)
        self.model.full_since_ns = None

    @rule(count=st.integers(1, 30))
    def poll_lossy(self, count: int) -> None:
        assert self.producer is not None
        before = self.lossy.lost_frames
        status, frames = self.lossy.poll(count)
        if status == Status.OVERRUN and not frames:
            oldest = self.producer.oldest_sequence()
            assert self.lossy.lost_frames - before == oldest - self.lossy_next > 0
            self.lossy_next = oldest
            return
        end = max(self.lossy_next, min(self.lossy_next + count, self.model.kept()))
        assert frames == self.model.frames(self.lossy_next, end)
        assert self.lossy.lost_frames == before
        self.lossy_next = end

    @rule(from_=st.sampled_from(["now", "oldest"]))
    def restart_lossy(self, from_: str) -> None:
        assert self.producer is not None
        self.lossy = broadcast.LossyReader(self.path, from_)
        oldest = self.producer.oldest_sequence()
        # A keeper that has left may be behind what is held.
        expected = {"now": max(oldest, self.model.kept()), "oldest": oldest}
        assert self.lossy.first_sequence == expected[from_]
        self.lossy_next = expected[from_]

    @invariant()
    def numbers_agree(self) -> None:
        assert self.producer is not None
        assert self.producer.tail_sequence() == self.model.sequence_next
        assert self.lossy.tail_sequence() == self.model.sequence_next

    @invariant()
    def everything_promised_is_held(self) -> None:
        assert self.producer is not None
        oldest = self.producer.oldest_sequence()
        assert oldest <= self.model.lowest_gate()
        held = broadcast.read_frames(self.path)
        assert held == self.model.frames(oldest, self.model.sequence_next)
        if oldest > 1:
            assert self.model.held_bytes(oldest) >= CAPACITY // 2


class KeptMachine(BroadcastMachine):
    """A ring of which everybody sees only what the journal has released."""

    keepers = ("journal",)


TestSpsc = SpscMachine.TestCase
TestSpsc.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestBroadcast = BroadcastMachine.TestCase
TestBroadcast.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestKept = KeptMachine.TestCase
TestKept.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
