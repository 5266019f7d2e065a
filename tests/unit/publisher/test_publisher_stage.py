"""Goal: subscribers get every message once in the right numbers, across restarts, refusals of the
host, and evictions. Method: a real ring, UDP sockets on loopback and a Unix datagram socket whose
queue can be full."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.publisher.publisher_venue import (
    Subscriber,
    Venue,
    expected_messages,
    frames_of_a_day,
    joined,
    numbered,
)
from tests.unit.publisher.stream_frames import (
    ADDED,
    ENTER_ORDER,
    STREAM_NAME,
    Packet,
    define_instrument,
    event,
    order,
    stream_start,
    system_event,
)

from ironcore.ring import broadcast

STATUS_EVICTED, STATUS_CORRUPT = 8, 10


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with contextlib.closing(Venue(tmp_path)) as venue:
        yield venue


def test_a_message_leaves_in_the_poll_that_sees_it(venue: Venue) -> None:
    stage = venue.stage()
    venue.offer(frames_of_a_day(1))
    assert stage.poll_once() == 3
    (only,) = venue.subscriber.packets()
    assert (only.sequence, only.messages) == (1, expected_messages(venue.offered))
    assert stage.poll_once() == 0
    assert venue.subscriber.packets() == []
    venue.offer([system_event(b"Q")])
    stage.poll_once()
    (only,) = venue.subscriber.packets()
    assert (only.sequence, only.message_count) == (4, 1)


@pytest.mark.parametrize("packet_bytes_max", [128, 500, 1420])
def test_packets_are_filled_and_no_longer_than_allowed(venue: Venue, packet_bytes_max: int) -> None:
    stage = venue.stage(packet_bytes_max=packet_bytes_max)
    venue.offer(frames_of_a_day(100))
    stage.poll_once(1000)
    packets = venue.subscriber.packets()
    sizes = [20 + sum(2 + len(m) for m in p.messages) for p in packets]
    assert max(sizes) <= packet_bytes_max
    assert min(sizes[:-1]) > packet_bytes_max - 52
    assert joined(packets) == numbered(expected_messages(venue.offered))
    assert stage.message_next == 103


def test_a_frame_may_fill_several_packets(venue: Venue) -> None:
    stage = venue.stage()
    added = [event(ADDED, quantity=1, order_ref=n) for n in range(1, 38)]
    venue.offer([stream_start(), define_instrument(0, b"A"), order(ENTER_ORDER, added)])
    stage.poll_once()
    packets = venue.subscriber.packets()
    assert len(packets) == 2
    assert joined(packets) == numbered(expected_messages(venue.offered))


def test_frames_without_messages_send_nothing(venue: Venue) -> None:
    stage = venue.stage()
    venue.offer([stream_start(), order(ENTER_ORDER, [event(128)])])
    assert stage.poll_once() == 2
    assert venue.subscriber.packets() == []


def test_heartbeats_carry_the_next_number_once_the_stream_has_begun(venue: Venue) -> None:
    stage = venue.stage(heartbeat_ns=0)
    stage.poll_once()
    assert venue.subscriber.packets() == []
    venue.offer(frames_of_a_day(2))
    stage.poll_once()
    data, beat = venue.subscriber.packets()
    assert data.message_count == 4
    assert beat == (STREAM_NAME, 5, 0, [])
    assert stage.publication.counters.snapshot()["heartbeats"] == 1


def test_the_end_of_the_session_is_told_behind_the_last_message(venue: Venue) -> None:
    stage = venue.stage()
    venue.offer(frames_of_a_day(1))
    stage.end_session()
    stage.poll_once()
    data, end = venue.subscriber.packets()
    assert data.message_count == 3
    assert end == (STREAM_NAME, 4, 0xFFFF, [])


def test_a_restarted_publisher_goes_on_with_the_next_number(venue: Venue) -> None:
    stage = venue.stage()
    venue.offer(frames_of_a_day(30))
    stage.poll_once(20)
    first = venue.subscriber.packets()
    venue.journal_all()
    del stage
    stage = venue.stage()
    assert not stage.ready
    while stage.poll_once(7):
        pass
    assert stage.ready
    second = venue.subscriber.packets()
    assert second[0].sequence == first[-1].sequence + first[-1].message_count
    assert joined(first + second) == numbered(expected_messages(venue.offered))
    assert stage.counters.snapshot()["caught_up"] == 20


def test_a_restarted_publisher_waits_for_the_journal(venue: Venue) -> None:
    stage = venue.stage()
    venue.offer(frames_of_a_day(5))
    stage.poll_once()
    venue.subscriber.packets()
    del stage
    stage = venue.stage(heartbeat_ns=0)
    assert stage.poll_once() == 0
    assert not stage.ready
    assert venue.subscriber.packets() == []
    venue.journal_all()
    venue.offer([system_event(b"Q")])
    stage.poll_once()
    data, beat = venue.subscriber.packets()
    assert (data.sequence, data.message_count, beat.sequence) == (8, 1, 9)


def test_without_a_journal_a_restart_is_refused(venue: Venue) -> None:
    stage = venue.stage()
    venue.offer(frames_of_a_day(5))
    stage.poll_once()
    del stage
    assert venue.stage(journal=None).poll_once() == -STATUS_CORRUPT


def test_what_was_sent_and_not_released_is_sent_again_with_the_same_numbers(venue: Venue) -> None:
    stage = venue.stage()
    venue.offer(frames_of_a_day(3))
    stage.poll_once()
    # A publisher that was killed between sending and releasing: its slot stands at the start.
    broadcast.create(venue.ring.with_name("again"), 1 << 14, {"publisher": broadcast.Gating()})
    again = broadcast.Producer(venue.ring.with_name("again"))
    for frame in venue.offered:
        again.offer(frame)
    venue.ring = venue.ring.with_name("again")
    stage = venue.stage()
    stage.poll_once()
    assert joined(venue.subscriber.packets()) == numbered(expected_messages(venue.offered))


def full_queue_venue(venue: Venue) -> None:
    venue.subscriber.close()
    venue.subscriber = Subscriber(socket.AF_UNIX)
    venue.subscriber.sender.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            venue.subscriber.sender.send(bytes(20))


def test_a_packet_that_finds_no_room_is_tried_again_and_then_left(venue: Venue) -> None:
    full_queue_venue(venue)
    stage = venue.stage(retries_max=3)
    venue.offer(frames_of_a_day(1))
    for _ in range(3):
        stage.poll_once()
        assert stage.os_error == errno.EAGAIN
    assert stage.publication.counters.snapshot()["retries"] == 3
    assert stage.publication.counters.snapshot()["packets_left"] == 0
    stage.poll_once()
    assert stage.publication.counters.snapshot()["packets_left"] == 1
    venue.subscriber.packets()
    venue.offer([system_event(b"Q")])
    stage.poll_once()
    (only,) = venue.subscriber.packets()
    assert (only.sequence, only.message_count) == (4, 1)


def test_a_packet_that_finds_room_again_arrives_once(venue: Venue) -> None:
    full_queue_venue(venue)
    stage = venue.stage()
    venue.offer(frames_of_a_day(60))
    for _ in range(5):
        stage.poll_once()
    venue.subscriber.packets()
    received: list[Packet] = []
    for _ in range(20):
        stage.poll_once()
        received += venue.subscriber.packets()
    found = joined(received)
    assert found == numbered(expected_messages(venue.offered))
    assert sum(p.message_count for p in received) == len(found)


def test_frames_are_not_released_before_their_messages_are_sent(venue: Venue) -> None:
    full_queue_venue(venue)
    stage = venue.stage()
    venue.offer(frames_of_a_day(5))
    for _ in range(3):
        stage.poll_once()
    (state,) = broadcast.reader_states(venue.ring)
    assert state.position == 0
    venue.subscriber.packets()
    stage.poll_once()
    (state,) = broadcast.reader_states(venue.ring)
    assert state.lag_bytes == 0


def test_a_send_that_the_host_refuses_is_counted_and_left(venue: Venue) -> None:
    venue.subscriber.socket.close()
    stage = venue.stage()
    for frame in frames_of_a_day(3):
        venue.offer([frame])
        stage.poll_once()
    counters = stage.publication.counters.snapshot()
    assert counters["send_errors"] == counters["packets_left"] > 0
    assert stage.os_error == errno.ECONNREFUSED
    assert stage.message_next == 6


def test_an_evicted_publisher_catches_up_from_the_journal(tmp_path: Path) -> None:
    with contextlib.closing(Venue(tmp_path, patience_ns=1)) as venue:
        stage = venue.stage()
        venue.offer(frames_of_a_day(10))
        stage.poll_once()
        now_ns = 1000
        for n in range(400):
            frame = system_event(b"Q", n)
            while venue.producer.offer(frame, now_ns) != 0:
                now_ns += 1000
            venue.offered.append(frame)
        venue.journal_all()
        for _ in range(20):
            stage.poll_once()
        assert stage.ready
        assert stage.counters.snapshot()["evictions"] == 1
        assert joined(venue.subscriber.packets()) == numbered(expected_messages(venue.offered))
        venue.offer([system_event(b"M")])
        stage.poll_once()
        (only,) = venue.subscriber.packets()
        assert only.sequence == len(expected_messages(venue.offered))


def test_an_evicted_publisher_without_a_journal_gives_up(tmp_path: Path) -> None:
    with contextlib.closing(Venue(tmp_path, patience_ns=1)) as venue:
        stage = venue.stage(journal=None)
        venue.offer(frames_of_a_day(10))
        stage.poll_once()
        now_ns = 1000
        for n in range(400):
            while venue.producer.offer(system_event(b"Q", n), now_ns) != 0:
                now_ns += 1000
        assert stage.poll_once() == -STATUS_EVICTED
