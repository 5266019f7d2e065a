"""Goal: what anybody may send to an end of a multicast stream costs it a counter, and nothing else.

Method: datagrams of the test over loopback to a subscription and to a re-request server; the
publication's clock is not the test's, so that rates and ages are chosen to be never or at once.
"""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ironcore.base.status import Status
from ironcore.messaging.multicast.publication import MulticastPublication
from ironcore.messaging.multicast.subscription import MulticastSubscription
from ironcore.wire import moldudp64
from ironpit.transport import multicast

SESSION = "TEST"
FOREVER_NS = 1 << 62


class Wire:
    """A socket that receives, and one that sends to it."""

    def __init__(self) -> None:
        self.receiver = multicast.datagram_socket()
        self.receiver.bind(("127.0.0.1", 0))
        self.sender = multicast.datagram_socket()
        self.sender.connect(self.receiver.getsockname())

    def close(self) -> None:
        self.receiver.close()
        self.sender.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


def packet(first: int, count: int = 1, session: str = SESSION) -> bytes:
    return moldudp64.encode_packet(
        session, first, [b"m%d" % n for n in range(first, first + count)]
    )


def drain(subscription: MulticastSubscription) -> tuple[int, list[int], list[tuple[int, int]]]:
    frames: list[int] = []
    gaps: list[tuple[int, int]] = []
    work = 1
    while work > 0:
        work = subscription.poll(
            lambda sequence, frame: frames.append(sequence),
            on_gap=lambda first, count: gaps.append((first, count)),
        )
    return work, frames, gaps


def everything(
    subscription: MulticastSubscription, publication: MulticastPublication
) -> tuple[list[int], list[tuple[int, int]]]:
    """The frames and gaps up to where the publication, which serves re-requests, is."""
    frames: list[int] = []
    gaps: list[tuple[int, int]] = []
    for _ in range(1_000_000):
        publication.turn()
        _, more, lost = drain(subscription)
        frames += more
        gaps += lost
        if subscription.sequence_next == publication.sequence_next:
            break
    return frames, gaps


def test_a_number_far_beyond_what_is_known_is_dropped(wire: Wire) -> None:
    subscription = MulticastSubscription(wire.receiver.fileno(), jump_max=100, give_up_ns=0)
    for first in (1, 1 << 63, 5000, (1 << 64) - 3, 2, 104, 4000, 3):
        wire.sender.send(packet(first))
    wire.sender.send(moldudp64.encode_end_of_session(SESSION, 1 << 50))
    wire.sender.send(packet(4))
    work, frames, gaps = drain(subscription)
    assert (work, frames, gaps) == (0, [1, 2, 3, 4], [])
    counters = subscription.counters.snapshot()
    assert (counters["absurd"], counters["malformed"], counters["jumps"]) == (5, 1, 0)
    assert not subscription.ended


def test_a_jump_that_others_go_on_from_is_believed(wire: Wire) -> None:
    """As after an outage that was longer than the limit: nothing may hang for ever."""
    subscription = MulticastSubscription(wire.receiver.fileno(), jump_max=100, give_up_ns=0)
    wire.sender.send(packet(1))
    drain(subscription)
    for first in range(5000, 5020, 2):
        wire.sender.send(packet(first, 2))
        wire.sender.send(packet(first, 2))  # the other feed's copy does not matter
    _, frames, gaps = drain(subscription)
    more = drain(subscription)
    assert [*gaps, *more[2]] == [(2, 5000)]
    assert [*frames, *more[1]] == list(range(5002, 5020))
    counters = subscription.counters.snapshot()
    assert (counters["absurd"], counters["jumps"]) == (2, 1)


def test_far_numbers_with_the_stream_between_them_are_not_believed(wire: Wire) -> None:
    subscription = MulticastSubscription(wire.receiver.fileno(), jump_max=100, give_up_ns=0)
    for n in range(1, 20):
        wire.sender.send(packet(n))
        wire.sender.send(packet(5000 + n))
    _, frames, gaps = drain(subscription)
    assert (frames, gaps) == (list(range(1, 20)), [])
    assert subscription.counters.snapshot()["jumps"] == 0


@pytest.mark.parametrize("count", [0, 1], ids=["heartbeat", "data"])
@pytest.mark.parametrize("forged", [3, 200, 60_000])
def test_a_jump_of_one_packet_costs_the_stream_nothing(wire: Wire, forged: int, count: int) -> None:
    subscription = MulticastSubscription(wire.receiver.fileno(), give_up_ns=0)
    wire.sender.send(packet(1))
    wire.sender.send(packet(forged, count))
    assert drain(subscription)[1:] == ([1], [])
    assert subscription.known_end >= forged
    for _ in range(1_000_000):
        if subscription.known_end < forged:  # what the stream shows is believed again
            break
        wire.sender.send(packet(2, 0))
        drain(subscription)
    for n in range(2, 40):
        wire.sender.send(packet(n))
    assert drain(subscription)[1:] == (list(range(2, 40)), [])
    assert subscription.complete
    assert subscription.counters.snapshot()["absurd"] == 1


def test_a_jump_that_nothing_follows_is_confirmed_by_the_server(wire: Wire) -> None:
    """As when a publisher falls silent with a frame that it sent and some before it lost."""
    server = Wire()
    publication = MulticastPublication([], SESSION, request_fd=server.receiver.fileno())
    publication.skip(4)
    publication.offer(b"m5")
    subscription = MulticastSubscription(
        wire.receiver.fileno(), rerequest=server.sender.fileno(), give_up_ns=0
    )
    wire.sender.send(packet(1))
    wire.sender.send(packet(5))
    assert everything(subscription, publication) == ([1, 5], [(2, 3)])
    server.close()


def test_packets_that_go_on_below_what_is_known_put_it_back(wire: Wire) -> None:
    subscription = MulticastSubscription(wire.receiver.fileno(), give_up_ns=FOREVER_NS)
    for first in (1, 60_000, 60_001):
        wire.sender.send(packet(first))
    assert drain(subscription)[1] == [1]
    for _ in range(1_000_000):
        if subscription.known_end < 60_000:
            break
        wire.sender.send(packet(2, 0))
        drain(subscription)
    assert subscription.known_end == 2
    assert subscription.complete


def test_a_long_jump_that_a_second_packet_confirms_is_given_up(wire: Wire) -> None:
    subscription = MulticastSubscription(wire.receiver.fileno(), give_up_ns=0)
    wire.sender.send(packet(1))
    wire.sender.send(packet(60_000))
    wire.sender.send(packet(60_000))  # the other feed's copy
    assert drain(subscription)[1:] == ([1], [])
    wire.sender.send(packet(60_001))
    first, second = drain(subscription), drain(subscription)
    assert first[2] + second[2] == [(2, 59_998)]
    assert first[1] + second[1] == [60_000, 60_001]


@pytest.mark.parametrize("follows", [packet(2, 0), packet(2)], ids=["heartbeat", "data"])
def test_an_end_that_the_stream_goes_on_after_is_none(wire: Wire, follows: bytes) -> None:
    subscription = MulticastSubscription(wire.receiver.fileno())
    wire.sender.send(packet(1))
    for _ in range(3):
        wire.sender.send(moldudp64.encode_end_of_session(SESSION, 2))
        wire.sender.send(follows)
    wire.sender.send(moldudp64.encode_end_of_session(SESSION, 2))
    work, _, _ = drain(subscription)
    assert work == 0
    assert not subscription.ended


def test_an_end_below_what_is_known_is_none_and_one_told_twice_is(wire: Wire) -> None:
    subscription = MulticastSubscription(wire.receiver.fileno())
    wire.sender.send(packet(1, 5))
    for end in (3, 3, 6):
        wire.sender.send(moldudp64.encode_end_of_session(SESSION, end))
    assert drain(subscription)[0] == 0
    wire.sender.send(moldudp64.encode_end_of_session(SESSION, 6))
    assert drain(subscription)[0] == -Status.CLOSED
    assert subscription.ended


def test_a_session_that_replaces_a_silent_one_ends_the_subscription(wire: Wire) -> None:
    subscription = MulticastSubscription(wire.receiver.fileno())
    wire.sender.send(packet(1))
    assert drain(subscription)[1] == [1]
    for n in range(1, 9):
        wire.sender.send(packet(n, session="NEXT"))
    assert drain(subscription)[0] == 0  # heard from a moment ago: a mistake of somebody's
    assert subscription.session_next == ""
    assert subscription.counters.snapshot()["foreign"] == 8


def test_a_replaced_session_gives_up_what_is_open_and_ends(wire: Wire) -> None:
    subscription = MulticastSubscription(
        wire.receiver.fileno(), session=SESSION, silence_ns=0, give_up_ns=FOREVER_NS
    )
    for own in (packet(1), packet(4)):
        for n in range(3):
            wire.sender.send(packet(1 + n, session="NEXT"))
        wire.sender.send(own)  # the count begins anew
    for n in range(3):
        wire.sender.send(packet(1 + n, session="NEXT"))
    assert drain(subscription) == (0, [1], [])
    assert subscription.session_next == ""
    wire.sender.send(packet(4, session="NEXT"))
    assert drain(subscription) == (0, [], [(2, 2)])
    assert subscription.session_next == "NEXT"
    assert drain(subscription) == (-Status.CLOSED, [4], [])


def test_a_session_is_replaced_after_the_silence_that_was_set(wire: Wire) -> None:
    silence_ns = 20_000_000
    subscription = MulticastSubscription(wire.receiver.fileno(), silence_ns=silence_ns)
    wire.sender.send(packet(1))
    assert drain(subscription)[1] == [1]
    work = 0
    while work == 0:
        wire.sender.send(packet(1, session="NEXT"))
        work = drain(subscription)[0]
    assert subscription.silent_ns >= silence_ns
    assert (work, subscription.session_next) == (-Status.CLOSED, "NEXT")


def test_damaged_datagrams_are_dropped(wire: Wire) -> None:
    subscription = MulticastSubscription(wire.receiver.fileno())
    whole = packet(1, 3)
    for damaged in (b"", b"x", whole[:19], whole[:-1], whole + b"x", packet(0), bytes(4000)):
        wire.sender.send(damaged)
    wire.sender.send(whole)
    assert drain(subscription)[1] == [1, 2, 3]
    assert subscription.counters.snapshot()["malformed"] == 7


def test_drops_of_the_kernel_are_counted(wire: Wire) -> None:
    wire.receiver.setsockopt(socket.SOL_SOCKET, multicast.SO_RXQ_OVFL, 1)
    wire.receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    subscription = MulticastSubscription(wire.receiver.fileno(), give_up_ns=0)
    for first in range(1, 101):
        wire.sender.send(packet(first))
    _, frames, _ = drain(subscription)
    assert 0 < len(frames) < 100
    wire.sender.send(packet(101))  # the count comes with what is put into the queue later
    drain(subscription)
    assert subscription.counters.snapshot()["kernel_drops"] == 100 - len(frames)


def test_a_buffer_that_the_kernel_caps_is_told(wire: Wire) -> None:
    assert multicast.grow_receive_buffer(wire.receiver, 4096) == ""
    note = multicast.grow_receive_buffer(wire.receiver, 1 << 30)
    granted = wire.receiver.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    assert note == "" if granted >= 1 << 30 else str(granted) in note


def asked(wire: Wire, publication: MulticastPublication, first: int, count: int = 1) -> list[bytes]:
    """The messages of the answer, none for silence."""
    wire.sender.send(moldudp64.encode_request(SESSION, first, count))
    publication.turn()
    try:
        return list(moldudp64.decode_packet(wire.sender.recv(4096))["messages"])
    except BlockingIOError:
        return []


def served(wire: Wire, **options: Any) -> MulticastPublication:
    publication = MulticastPublication(
        [], SESSION, request_fd=wire.receiver.fileno(), heartbeat_ns=FOREVER_NS, **options
    )
    for n in range(100):
        assert publication.offer(b"%d" % n) is Status.OK
    publication.turn()
    return publication


def test_an_address_that_asks_too_often_gets_silence(wire: Wire) -> None:
    publication = served(wire, rate=1, burst=3)
    assert [bool(asked(wire, publication, 1)) for _ in range(6)] == [True] * 3 + [False] * 3
    counters = publication.counters.snapshot()
    assert (counters["requests_served"], counters["requests_limited"]) == (3, 3)
    other = multicast.datagram_socket()
    other.bind(("127.0.0.2", 0))
    other.connect(wire.receiver.getsockname())
    other.send(moldudp64.encode_request(SESSION, 1, 1))
    publication.turn()
    assert moldudp64.decode_packet(other.recv(4096))["messages"] == [b"0"]
    other.close()


@pytest.mark.parametrize(("gone", "held"), [(1, 1), (5_000, 200), (1_000_000, 4_000)])
@pytest.mark.parametrize("groups", [0, 1])
def test_a_start_that_the_server_has_forgotten_is_a_gap(
    wire: Wire, groups: int, gone: int, held: int
) -> None:
    """Without group traffic, with a group that brings nothing and with none."""
    publication = MulticastPublication([], SESSION, request_fd=wire.receiver.fileno(), rate=0)
    publication.skip(gone)
    for n in range(held):
        publication.recall(b"%d" % n)
    silent = multicast.datagram_socket()
    subscription = MulticastSubscription(
        silent.fileno() if groups else -1,
        rerequest=wire.sender.fileno(),
        session=SESSION,
        ask_again_ns=20_000,
        give_up_ns=1_000_000,
        silence_ns=0,
    )
    frames, gaps = everything(subscription, publication)
    assert gaps == [(1, gone)]
    assert frames == list(range(gone + 1, gone + held + 1))
    counters = subscription.counters.snapshot()
    assert (counters["losses"], counters["lost_frames"]) == (1, gone)
    silent.close()


def test_a_window_of_no_time_forgets_at_once(wire: Wire) -> None:
    publication = served(wire, window_ns=1)
    publication.turn()
    assert asked(wire, publication, 1) == []
    assert publication.counters.snapshot()["requests_gone"] == 1
    publication.offer(b"new")


def test_a_window_of_a_long_time_keeps_all(wire: Wire) -> None:
    publication = served(wire, window_ns=FOREVER_NS)
    assert asked(wire, publication, 100, 65_534) == [b"99"]
    assert len(asked(wire, publication, 1, 65_534)) == 100


def test_what_the_ends_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="feeds: found 3, expected at most 2"):
        MulticastPublication([1, 2, 3], SESSION)
    with pytest.raises(ValueError, match="expected 1 to 10 characters"):
        MulticastPublication([], "ELEVENCHARS")
    with pytest.raises(ValueError, match="found neither group"):
        MulticastSubscription(-1)
    with pytest.raises(ValueError, match="a power of two"):
        MulticastSubscription(0, held_frames_max=1000)
