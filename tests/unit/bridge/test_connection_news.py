"""Goal: the operator of a bridge is told why it has no connection, once for each kind of reason,
and when it has one again.

Method: subscriptions to servers that reject, do not listen, end the connection or talk nonsense.
"""

import time
from typing import Any

import pytest
from tests.unit.messaging.tcp_ends import MS, Seen, Server, until

from ironpit.common import complaints
from ironpit.common.complaints import Complaints
from ironpit.transport.notices import ConnectionNews, ReaderNews


class Told:
    """A subscription, what it has seen, and what was said of it."""

    def __init__(self, server: Server, **settings: Any) -> None:
        subscription = server.reader(**settings)
        self.seen = Seen(subscription)
        self.said: list[str] = []
        self.news = ConnectionNews(subscription, "place", self.said.append)

    def turn(self) -> None:
        self.seen.poll()
        self.news.look()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"session": "OTHER"}, "place: the login is rejected: its session is VENUE"),
        (
            {"sequence": 9},
            "place: the login is rejected: frame 9 was asked for, and the server's next one is 2",
        ),
    ],
)
def test_a_rejected_login_is_said_once_with_its_reason(settings: dict[str, Any], text: str) -> None:
    server = Server()
    server.publication.offer(b"x")
    told = Told(server, **settings)
    until(lambda: told.seen.counts["refused"] == 3, server.publication.turn, told.turn)
    assert told.said == [text]
    server.close()


def test_displaced_readers_and_their_server_are_told_so_and_back_off_ever_longer() -> None:
    server = Server()
    server.publication.offer(b"x")
    both = [Told(server, name="SAME", backoff_max_ns=200 * MS) for _ in range(2)]
    said: list[str] = []
    readers = ReaderNews(server.publication, said.append)
    steps = [server.publication.turn, readers.look, *(told.turn for told in both)]

    def displaced() -> int:
        return sum(told.seen.counts["displaced"] for told in both)

    begun_ns = time.monotonic_ns()
    until(lambda: displaced() >= 20, *steps)
    # Each has waited 9 times: 1, 2, 4 ... 128 and 200 ms, or half of it. Nobody can be faster.
    assert time.monotonic_ns() - begun_ns >= 200 * MS
    taken = "another connection has logged in with our name and taken our place"
    for told in both:
        assert [text for text in told.said if taken in text] == [
            text for text in told.said if "connected" not in text and "resumed" not in text
        ]
        assert told.seen.frames == [(1, b"x")]
        assert told.seen.counts["cuts"] == 0
    [text] = said
    assert text.startswith("reader SAME: another connection has logged in with this name")
    server.close()


def test_an_absent_server_and_one_that_comes_back_are_said() -> None:
    server = Server()
    server.close()
    told = Told(server)
    until(lambda: told.seen.counts["unreachable"] == 3, told.turn)
    assert [line.split(" (")[0] for line in told.said] == [
        "place: cannot connect, or closed before the login was answered"
    ]
    server = Server(port=server.port)
    server.publication.offer(b"x")
    until(lambda: told.seen.frames, server.publication.turn, told.turn)
    assert told.said[1].startswith("place: connected, session VENUE, frame ")
    server.close()
    until(lambda: told.seen.counts["cuts"] == 1, told.turn)
    assert told.said[2:] == ["place: the connection was cut"]
    server = Server(port=server.port)
    server.publication.offer(b"x")
    until(lambda: told.seen.counts["resumes"], server.publication.turn, told.turn)
    assert told.said[3:] == ["place: resumed, session VENUE, frame 2"]
    server.close()


def test_a_kind_is_said_at_once_and_again_only_after_a_minute() -> None:
    now_s, said = 0.0, list[str]()
    made = Complaints(said.append, lambda: now_s)
    assert made.add("a", "A")
    assert made.add("b", "B")
    now_s = complaints.INTERVAL_S - 1
    assert not made.add("a", "A", 2)
    now_s = complaints.INTERVAL_S
    assert made.add("a", "A")
    assert said == ["A", "B", "A (and 2 more since the last one)"]
