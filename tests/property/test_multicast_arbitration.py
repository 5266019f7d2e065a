"""Goal: whatever arrives of two feeds, in whatever order, the subscriber gets each message once, in
order, and is told of exactly those that nobody had.

Method: packets of random cuts, lost, repeated, overtaken and mixed with damaged and foreign ones,
on two UDP sockets on loopback, polled in batches of random size; a model that knows only the set of
what arrived says what must come out.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from ironcore.messaging.multicast.subscription import MulticastSubscription
from ironcore.wire import moldudp64

SESSION = "TEST"
FOREVER_NS = 1 << 62
MESSAGES_MAX = 60


@dataclass
class Model:
    """What a subscriber must have handed over, from the set of what arrived."""

    arrived: set[int] = field(default_factory=set)
    known_end: int = 1

    def prefix(self) -> list[int]:
        """Without giving anything up: all before the first hole."""
        last = 0
        while last + 1 in self.arrived:
            last += 1
        return list(range(1, last + 1))

    def everything(self) -> list[int]:
        return sorted(self.arrived)

    def holes(self) -> list[int]:
        return [n for n in range(1, self.known_end) if n not in self.arrived]


def message(sequence: int) -> bytes:
    return bytes([sequence % 256]) * (sequence % 23)


@st.composite
def schedules(draw: st.DrawFn) -> list[tuple[int, bytes, range]]:
    """(feed, datagram, the sequences it brings) in the order of arrival."""
    found: list[tuple[float, int, bytes, range]] = []
    for feed in (0, 1):
        at = 1
        while at <= MESSAGES_MAX:
            end = min(at + draw(st.integers(1, 9)), MESSAGES_MAX + 1)
            covered = range(at, end)
            data = moldudp64.encode_packet(SESSION, at, [message(n) for n in covered])
            for _ in range(draw(st.sampled_from([0, 0, 1, 1, 1, 2]))):
                found.append((at + draw(st.floats(0, 25)), feed, data, covered))
            at = end
    for _ in range(draw(st.integers(0, 3))):
        data = moldudp64.encode_packet(SESSION, draw(st.integers(1, MESSAGES_MAX)), [b"x" * 9])
        bad = draw(
            st.sampled_from(
                [data[:-1], data[:7], data + b"?", moldudp64.encode_packet("OTHER", 5, [b"y"])]
            )
        )
        found.append((draw(st.floats(0, MESSAGES_MAX)), draw(st.integers(0, 1)), bad, range(0)))
    return [(feed, data, covered) for _, feed, data, covered in sorted(found, key=lambda f: f[0])]


@contextmanager
def two_feeds(give_up_ns: int) -> Iterator[tuple[list[socket.socket], MulticastSubscription]]:
    receivers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    senders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for receiver, sender in zip(receivers, senders, strict=True):
        receiver.bind(("127.0.0.1", 0))
        sender.connect(receiver.getsockname())
    yield (
        senders,
        MulticastSubscription(
            *(r.fileno() for r in receivers), give_up_ns=give_up_ns, session=SESSION
        ),
    )
    for opened in (*receivers, *senders):
        opened.close()


@settings(max_examples=300, deadline=None)
@given(schedules(), st.lists(st.integers(1, 20), min_size=1))
def test_all_before_the_first_hole_is_handed_over_at_once(
    schedule: list[tuple[int, bytes, range]], batches: list[int]
) -> None:
    with two_feeds(FOREVER_NS) as (senders, subscription):
        model, seen = Model(), []
        for n, (feed, data, covered) in enumerate(schedule):
            senders[feed].send(data)
            model.arrived.update(covered)
            while subscription.poll(
                lambda sequence, frame: seen.append((sequence, frame)),
                batches[n % len(batches)],
            ):
                pass
            assert [sequence for sequence, _ in seen] == model.prefix()
        assert all(frame == message(sequence) for sequence, frame in seen)
        damaged = sum(not covered for _, _, covered in schedule)
        counters = subscription.counters.snapshot()
        assert counters["malformed"] + counters["foreign"] == damaged


@settings(max_examples=300, deadline=None)
@given(schedules())
def test_what_nobody_had_is_told_as_gaps_between_the_rest(
    schedule: list[tuple[int, bytes, range]],
) -> None:
    with two_feeds(0) as (senders, subscription):
        model = Model()
        out: list[int] = []
        lost: list[int] = []

        def gap(first: int, count: int) -> None:
            assert not out or first > out[-1]
            lost.extend(range(first, first + count))

        def look(sequence: int, frame: bytes) -> None:
            assert not lost or sequence > lost[-1]
            out.append(sequence)

        for feed, data, covered in schedule:
            senders[feed].send(data)
            model.arrived.update(covered)
            model.known_end = max(model.known_end, covered.stop)
        for sequence in (model.known_end, model.known_end + 1):  # the second confirms the first
            senders[0].send(moldudp64.encode_packet(SESSION, sequence, [message(sequence)]))
            model.arrived.add(sequence)
        model.known_end += 2
        idle = 0
        while idle < 3:  # a poll that gives up hands over nothing
            before = len(out) + len(lost)
            subscription.poll(look, 7, on_gap=gap)
            idle = idle + 1 if len(out) + len(lost) == before else 0
        assert out == model.everything()
        assert lost == model.holes()
        assert subscription.counters.snapshot()["lost_frames"] == len(lost)
