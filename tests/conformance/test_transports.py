"""Goal: every transport keeps the same promises: order, each frame once, nothing lost in silence.

Method: the same scenarios on each, both ends in one thread with turns in the order that the test
chooses; each frame's bytes follow from its number, and a reader checks every one. Harm is done on
the way by a relay, from a seed.
"""

import random
from pathlib import Path

import pytest
from tests.conformance.stream import Receiver, frame_of, publish, wait_until
from tests.conformance.transport import NOW, Transport
from tests.conformance.transports import TRANSPORTS

from ironcore.base.status import Status

COUNT = 3_000
SLOW_COUNT = 20_000
HARMS = [(name, harm) for name, kind in TRANSPORTS.items() for harm in kind.harms]


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Transport:
    return TRANSPORTS[request.param].fresh(tmp_path)


def test_two_readers_get_every_frame_once_and_in_order(transport: Transport) -> None:
    publication = transport.publication()
    readers = [Receiver(transport.reliable()), Receiver(transport.subscription())]
    polls = [reader.poll for reader in readers]
    publish(publication, COUNT, *polls)
    wait_until(lambda: all(r.next == COUNT + 1 for r in readers), publication.turn, *polls)
    for reader in readers:
        assert (reader.first, reader.frames, reader.gaps) == (1, COUNT, [])
        assert reader.subscription.sequence_next == publication.sequence_next == COUNT + 1


@pytest.mark.parametrize(("name", "harm"), HARMS)
def test_what_the_network_does_to_a_stream_is_put_right(
    name: str, harm: str, tmp_path: Path
) -> None:
    transport = TRANSPORTS[name].fresh(tmp_path, held_bytes=1 << 20)
    publication = transport.publication()
    relay = transport.relay(harm)
    try:
        reader = Receiver(transport.subscription())
        publish(publication, COUNT, relay.turn, reader.poll)
        turns = (publication.turn, relay.turn, reader.poll)
        wait_until(lambda: reader.next == COUNT + 1, *turns)
    finally:
        relay.close()
    assert (reader.first, reader.frames, reader.gaps) == (1, COUNT, [])
    assert relay.harmed > 0


def test_a_reader_from_now_on_begins_with_the_next_frame(transport: Transport) -> None:
    publication = transport.publication()
    before = 100
    publish(publication, before)
    reader = Receiver(transport.subscription(NOW))
    while not reader.frames:
        publish(publication, publication.sequence_next, reader.poll)
        reader.poll()
    last = publication.sequence_next + 500
    publish(publication, last, reader.poll)
    wait_until(lambda: reader.next == last + 1, publication.turn, reader.poll)
    assert reader.first >= before  # SoupBinTCP's word for now is: with the newest frame
    assert reader.frames == last + 1 - reader.first
    assert reader.gaps == []


def test_a_late_reader_gets_all_that_is_held(transport: Transport) -> None:
    publication = transport.publication()
    publish(publication, 200)
    reader = Receiver(transport.subscription())
    wait_until(lambda: reader.next == 201, publication.turn, reader.poll)
    assert (reader.first, reader.frames, reader.gaps) == (1, 200, [])


def test_a_reader_that_is_too_late_is_told_and_goes_on(transport: Transport) -> None:
    publication = transport.publication()
    publish(publication, COUNT)
    reader = Receiver(transport.subscription())
    wait_until(lambda: reader.next == COUNT + 1, publication.turn, reader.poll)
    missed = reader.first - 1 + reader.lost
    assert missed + reader.frames == COUNT
    assert missed > 0
    publish(publication, COUNT + 100, reader.poll)
    wait_until(lambda: reader.next == COUNT + 101, publication.turn, reader.poll)
    assert missed + reader.frames == COUNT + 100


def test_a_slow_reader_is_told_of_its_gap_in_place_and_harms_nobody(transport: Transport) -> None:
    publication = transport.publication()
    fast, slow = Receiver(transport.reliable()), Receiver(transport.bounded())
    publish(publication, 50, fast.poll, slow.poll)
    wait_until(lambda: slow.next == fast.next == 51, publication.turn, fast.poll, slow.poll)
    publish(publication, SLOW_COUNT, fast.poll)
    wait_until(lambda: fast.next == SLOW_COUNT + 1, publication.turn, fast.poll)
    assert (fast.frames, fast.gaps) == (SLOW_COUNT, [])
    turns = (publication.turn, fast.poll, slow.poll)
    wait_until(lambda: slow.next == SLOW_COUNT + 1, *turns)
    last = publication.sequence_next + 99
    publish(publication, last, fast.poll, slow.poll)
    wait_until(lambda: slow.next == fast.next == last + 1, *turns)
    assert slow.frames + slow.lost == last
    assert slow.lost > 0
    assert all(first > 50 for first, _ in slow.gaps)
    counters = slow.subscription.counters.snapshot()
    assert [counters[name] for name in transport.gap_counters] == [len(slow.gaps), slow.lost]


def test_offers_are_refused_only_for_a_reader_that_is_waited_for(transport: Transport) -> None:
    publication = transport.publication()
    reader = Receiver(transport.reliable())
    publish(publication, 1, reader.poll)
    wait_until(lambda: reader.next == 2, publication.turn, reader.poll)
    refused_at = 0
    while publication.sequence_next <= COUNT and not refused_at:
        status = publication.offer(frame_of(publication.sequence_next))
        refused_at = publication.sequence_next if status is Status.FULL else 0
    assert bool(refused_at) == transport.gates
    if refused_at:
        assert publication.counters.snapshot()["back_pressure"] == 1
        assert publication.sequence_next == refused_at
        publish(publication, COUNT, reader.poll)
        wait_until(lambda: reader.next == COUNT + 1, publication.turn, reader.poll)
        assert (reader.frames, reader.gaps) == (COUNT, [])


def test_the_end_comes_after_the_last_frame(transport: Transport) -> None:
    publication = transport.publication()
    early = Receiver(transport.subscription())
    publish(publication, 100, early.poll)
    publication.end()
    assert publication.offer(frame_of(101)) is Status.CLOSED
    late = Receiver(transport.subscription())
    turns = (publication.turn, early.poll, late.poll)
    wait_until(lambda: early.ended and late.ended, *turns)
    assert early.frames == late.frames == 100
    assert early.gaps == late.gaps == []
    assert early.subscription.poll(lambda *_: None) == -Status.CLOSED


def test_a_frame_that_is_too_large_is_refused_and_harms_no_other(transport: Transport) -> None:
    publication = transport.publication()
    subscription = transport.reliable()
    generator = random.Random(1)
    largest = generator.randbytes(transport.frame_bytes_max)
    got: list[tuple[int, bytes]] = []

    def poll() -> None:
        subscription.poll(lambda sequence, frame: got.append((sequence, frame)))

    assert publication.offer(largest + b"x") is Status.TOO_LARGE
    assert publication.offer(largest) is Status.OK
    assert publication.offer(largest + b"x") is Status.TOO_LARGE
    assert publication.offer(b"small") is Status.OK
    wait_until(lambda: len(got) == 2, publication.turn, poll)
    assert got == [(1, largest), (2, b"small")]
    assert publication.counters.snapshot()["too_large"] == 2
