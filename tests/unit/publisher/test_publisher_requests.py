"""Goal: who lost messages gets them from the publisher's window, and what cannot be served gets
silence. Method: re-requests over UDP on loopback."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.publisher.publisher_venue import Venue, expected_messages, frames_of_a_day
from tests.unit.publisher.stream_frames import Packet, packet, request


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with contextlib.closing(Venue(tmp_path)) as venue:
        yield venue


class Requests:
    """A publisher that serves re-requests, and somebody who asks."""

    def __init__(self, venue: Venue, **settings: object) -> None:
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind(("127.0.0.1", 0))
        self.server.setblocking(False)
        self.stage = venue.stage(request_fd=self.server.fileno(), **settings)
        self.asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.asker.connect(self.server.getsockname())
        self.asker.setblocking(False)

    def ask(self, datagram: bytes) -> Packet | None:
        self.asker.send(datagram)
        self.stage.poll_once()
        try:
            return packet(self.asker.recv(4096))
        except BlockingIOError:
            return None

    def close(self) -> None:
        self.server.close()
        self.asker.close()


def test_a_re_request_gets_as_many_messages_as_fit_a_packet(venue: Venue) -> None:
    with contextlib.closing(Requests(venue)) as requests:
        venue.offer(frames_of_a_day(100))
        requests.stage.poll_once(1000)
        expected = expected_messages(venue.offered)
        for first, count in ((1, 1), (5, 10), (102, 1), (90, 65534), (1, 65534)):
            answer = requests.ask(request(first, count))
            assert answer is not None
            assert answer.sequence == first
            assert answer.messages == expected[first - 1 : first - 1 + answer.message_count]
            left = len(expected) - first + 1
            assert answer.message_count == min(count, left) or answer.message_count >= 25
        assert requests.stage.publication.counters.snapshot()["requests_served"] == 5


def test_a_request_that_cannot_be_served_gets_silence(venue: Venue) -> None:
    with contextlib.closing(Requests(venue)) as requests:
        venue.offer(frames_of_a_day(10))
        requests.stage.poll_once()
        for datagram in (
            request(0, 5),
            request(13, 1),
            request(1 << 63, 65534),
            request(1, 0),
            request(1, 1, b"OTHER     "),
            request(1, 1)[:19],
            request(1, 1) + b"x",
            b"",
        ):
            assert requests.ask(datagram) is None
        counters = requests.stage.publication.counters.snapshot()
        assert counters["requests_early"] == 3
        assert counters["requests_gone"] == 1
        assert counters["requests_malformed"] == 4
        assert counters["requests_served"] == 0


def test_the_window_keeps_the_newest_messages(venue: Venue) -> None:
    with contextlib.closing(Requests(venue, window_bytes=4096)) as requests:
        for frame in frames_of_a_day(500):
            venue.offer([frame])
            requests.stage.poll_once()
        expected = expected_messages(venue.offered)
        assert requests.ask(request(1, 1)) is None
        held = [n for n in range(1, 503) if requests.ask(request(n, 1)) is not None]
        assert held == list(range(held[0], 503))
        assert 4096 * 0.9 < sum(2 + len(expected[n - 1]) for n in held) <= 4096
        for n in held:
            answer = requests.ask(request(n, 65534))
            assert answer is not None
            assert answer.messages == expected[n - 1 : n - 1 + answer.message_count]


def test_a_restarted_publisher_serves_what_was_published_before(venue: Venue) -> None:
    stage = venue.stage()
    venue.offer(frames_of_a_day(20))
    stage.poll_once()
    venue.journal_all()
    del stage
    with contextlib.closing(Requests(venue)) as requests:
        while requests.stage.poll_once():
            pass
        answer = requests.ask(request(3, 4))
        assert answer is not None
        assert answer.messages == expected_messages(venue.offered)[2:6]


@pytest.mark.parametrize("packet_bytes_max", [127, 1421])
def test_senseless_packet_sizes_are_refused(venue: Venue, packet_bytes_max: int) -> None:
    with pytest.raises(ValueError, match="expected 128 to 1420"):
        venue.stage(packet_bytes_max=packet_bytes_max)
