"""Goal: a stream over multicast keeps the contract of publications and subscriptions.

Method: both ends in one thread, over real multicast groups on the loopback interface.
"""

import itertools
import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ironcore.base.status import Status
from ironcore.messaging.multicast.publication import MulticastPublication
from ironcore.messaging.multicast.subscription import MulticastSubscription
from ironpit.config.scalars import Endpoint
from ironpit.demo.temporary_venue import free_port
from ironpit.transport.multicast import Group, MulticastError, Opened, publish, subscribe

SESSION = "TEST"
Frames = list[tuple[int, bytes]]
Gaps = list[tuple[int, int]]
MakeEnds = Callable[..., tuple[MulticastPublication, MulticastSubscription]]


@pytest.fixture
def ends() -> Iterator[MakeEnds]:
    opened: list[Opened[MulticastPublication] | Opened[MulticastSubscription]] = []

    def make(
        feeds: int = 2, rerequest: bool = True, **options: Any
    ) -> tuple[MulticastPublication, MulticastSubscription]:
        port = free_port(socket.SOCK_DGRAM)
        groups = [
            Group(Endpoint(f"239.192.77.{n}", port), "127.0.0.1") for n in range(1, feeds + 1)
        ]
        server = Endpoint("127.0.0.1", free_port(socket.SOCK_DGRAM)) if rerequest else None
        subscription = subscribe(*groups, rerequest=server, **options)
        publication = publish(SESSION, *groups, rerequest=server)
        opened.extend((subscription, publication))
        return publication.end, subscription.end

    yield make
    for end in opened:
        end.close()


def take(subscription: MulticastSubscription, batch_max: int = 256) -> tuple[int, Frames, Gaps]:
    frames: Frames = []
    gaps: Gaps = []
    work = subscription.poll(
        lambda sequence, frame: frames.append((sequence, frame)),
        batch_max,
        on_gap=lambda first, count: gaps.append((first, count)),
    )
    return work, frames, gaps


@pytest.mark.parametrize("feeds", [1, 2])
def test_frames_arrive_in_order_and_numbered(ends: MakeEnds, feeds: int) -> None:
    publication, subscription = ends(feeds)
    assert publication.sequence_next == subscription.sequence_next == 1
    sent = [b"", b"one", b"two" * 400, bytes(1398)]
    for frame in sent:
        assert publication.offer(frame) is Status.OK
    publication.turn()
    work, frames, gaps = take(subscription)
    assert (work, frames, gaps) == (4, list(enumerate(sent, 1)), [])
    assert subscription.sequence_next == publication.sequence_next == 5
    assert subscription.session == SESSION
    assert publication.offer(bytes(1399)) is Status.TOO_LARGE


def test_a_batch_limit_keeps_the_rest_of_a_packet_for_the_next_poll(ends: MakeEnds) -> None:
    publication, subscription = ends()
    for n in range(10):
        publication.offer(bytes([n]))
    publication.turn()
    taken = [take(subscription, 3)[1] for _ in range(5)]
    assert [sequence for frames in taken for sequence, _ in frames] == list(range(1, 11))
    assert [len(frames) for frames in taken] == [3, 3, 3, 1, 0]


def test_a_restarted_publication_answers_for_what_was_before(ends: MakeEnds) -> None:
    publication, subscription = ends()
    for n in range(100):
        publication.recall(bytes([n]))
    publication.offer(b"new")
    publication.turn()
    seen: Frames = []
    for _ in range(1000):
        seen += take(subscription)[1]
        publication.turn()
    assert seen == [*((n + 1, bytes([n])) for n in range(100)), (101, b"new")]
    assert subscription.counters.snapshot()["recovered"] == 100
    assert publication.counters.snapshot()["recalled"] == 100


def test_what_is_lost_for_good_is_told_as_a_gap(ends: MakeEnds) -> None:
    publication, subscription = ends(1, rerequest=False, give_up_ns=0)
    publication.offer(b"a")
    publication.turn()
    take(subscription)
    for _ in range(5):
        publication.recall(b"never sent")
    for frame in (b"b", b"c"):
        publication.offer(frame)
        publication.turn()
    assert take(subscription) == (0, [], [(2, 5)])
    assert take(subscription) == (2, [(7, b"b"), (8, b"c")], [])
    counters = subscription.counters.snapshot()
    assert (counters["gaps"], counters["losses"], counters["lost_frames"]) == (1, 1, 5)
    assert not subscription.complete


@pytest.mark.parametrize("window_frames", [1, 2, 30, 399])
def test_a_late_joiner_loses_only_what_the_server_has_forgotten(
    ends: MakeEnds, window_frames: int
) -> None:
    publication, subscription = ends(1, give_up_ns=100_000_000)
    for _ in range(5_000):
        publication.recall(b"old")
    publication.skip(7)  # of these the server never had any, and nothing from before any more
    for n in range(window_frames):
        publication.recall(b"%d" % n)
    publication.offer(b"heard")
    publication.turn()
    frames: Frames = []
    gaps: Gaps = []
    for _ in range(1_000_000):
        publication.turn()
        _, more, lost = take(subscription)
        frames += more
        gaps += lost
        if subscription.sequence_next == publication.sequence_next:
            break
    assert gaps == [(1, 5_007)]
    assert [sequence for sequence, _ in frames] == list(range(5_008, 5_009 + window_frames))
    assert [frame for _, frame in frames[:-1]] == [b"%d" % n for n in range(window_frames)]


@pytest.mark.parametrize("feeds", [1, 2])
def test_the_end_of_the_stream_is_told_once_everything_came(ends: MakeEnds, feeds: int) -> None:
    publication, subscription = ends(feeds)
    publication.offer(b"last")
    publication.end()
    publication.turn()
    publication.turn()  # by one group alone it is told twice as well
    assert publication.offer(b"late") is Status.CLOSED
    assert take(subscription)[1] == [(1, b"last")]
    assert take(subscription)[0] == -Status.CLOSED
    assert subscription.ended
    assert subscription.complete


def test_arrival_times_and_silence_are_told(ends: MakeEnds) -> None:
    publication, subscription = ends(stamps=True)
    assert subscription.silent_from_ns == (None, None, None)
    never_ns = subscription.silent_ns
    assert take(subscription) == (0, [], [])  # what comes next is waited for, and comes alone
    publication.offer(b"x")
    publication.turn()
    take(subscription)
    take(subscription)  # the other feed's copy
    silent_a, silent_b, silent_answers = subscription.silent_from_ns
    assert silent_a is not None
    assert silent_b is not None
    assert silent_answers is None
    assert 0 < silent_b < silent_a < never_ns
    assert 0 < subscription.silent_ns < never_ns
    # The kernel stamps from a moment after the first socket of the host has asked it to.
    while subscription.received_ns == 0:
        publication.offer(b"y")
        publication.turn()
        take(subscription)
    assert subscription.received_ns > 1_700_000_000 * 10**9


def test_a_time_that_was_not_asked_for_is_not_told(ends: MakeEnds) -> None:
    publication, subscription = ends()
    publication.offer(b"x")
    publication.turn()
    assert take(subscription)[1] == [(1, b"x")]
    assert subscription.received_ns == 0


def test_what_is_skipped_is_a_gap_to_the_subscriber(ends: MakeEnds) -> None:
    publication, subscription = ends(1, give_up_ns=0, ask_again_ns=0)
    publication.offer(b"before")
    assert publication.skip(1_000) is Status.OK  # what waits for its packet leaves first
    assert publication.sequence_next == 1_002
    publication.offer(b"after")
    frames: Frames = []
    gaps: Gaps = []
    for _ in range(100_000):
        publication.turn()
        _, more, lost = take(subscription)
        frames += more
        gaps += lost
        if subscription.sequence_next == 1_003:
            break
    assert (frames, gaps) == ([(1, b"before"), (1_002, b"after")], [(2, 1_000)])
    publication.end()
    assert publication.skip(1) is Status.CLOSED
    assert publication.sequence_next == 1_003


def test_an_address_that_cannot_be_is_named() -> None:
    group = Endpoint("239.192.77.1", free_port(socket.SOCK_DGRAM))
    with pytest.raises(MulticastError, match=f"group {group} on nosuch0: No such device"):
        subscribe(Group(group, "nosuch0"))
    with pytest.raises(MulticastError, match=r"re-requests at .*: Cannot assign"):
        publish(SESSION, Group(group, "127.0.0.1"), rerequest=Endpoint("203.0.113.9", 1))


@pytest.mark.parametrize("seed", range(10))
def test_random_loss_of_packets_is_repaired(ends: MakeEnds, seed: int) -> None:
    """What is recalled between offers was, to the subscriber, lost on both groups."""
    random_ = random.Random(seed)
    publication, subscription = ends()
    sent, seen = [], []
    for n in range(400):
        frame = random_.randbytes(random_.randrange(300))
        sent.append(frame)
        if random_.random() < 0.3:
            publication.turn()
            publication.recall(frame)
        else:
            publication.offer(frame)
        if n % 7 == 0:
            publication.turn()
            seen += take(subscription)[1]
    publication.end()
    for _ in itertools.takewhile(lambda _: not subscription.ended, range(100_000)):
        publication.turn()
        seen += take(subscription)[1]
    assert seen == list(enumerate(sent, 1))
    assert subscription.complete
