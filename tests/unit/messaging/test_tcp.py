"""Goal: a stream over TCP keeps the contract of publications and subscriptions, and every way in
which a reader can come, lag, misbehave or vanish is answered and counted.

Method: both ends in one thread over loopback, driven in turn until something has happened; a raw
SoupBinTCP client where the packets themselves matter.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.messaging.tcp_ends import MS, RawReader, Seen, Server, offer_all, until

from ironcore.base.status import Status
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription

SMALL = 4096


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    made: list[Server] = []
    yield made
    for server in made:
        server.close()


def serve(servers: list[Server], **settings: Any) -> Server:
    servers.append(Server(**settings))
    return servers[-1]


def _ended(seen: Seen) -> Callable[[], bool]:
    return lambda: seen.last == -Status.CLOSED


def numbered(count: int, first: int = 1) -> list[bytes]:
    return [b"frame %d" % number for number in range(first, first + count)]


def test_frames_arrive_in_order_and_numbered(servers: list[Server]) -> None:
    server = serve(servers)
    seen = Seen(server.reader("ONE"))
    frames = [b"", b"one", bytes(range(256)) * 30]
    offer_all(server.publication, frames)
    until(lambda: len(seen.frames) == 3, server.publication.turn, seen.poll)
    assert seen.frames == list(enumerate(frames, 1))
    assert seen.subscription.sequence_next == server.publication.sequence_next == 4
    assert seen.gaps == []
    [reader] = server.publication.reader_counts()
    assert (reader["name"], reader["connected"], reader["logins"]) == ("ONE", 1, 1)


def test_a_batch_is_no_longer_than_asked_for(servers: list[Server]) -> None:
    server = serve(servers)
    seen = Seen(server.reader())
    offer_all(server.publication, numbered(10))
    until(lambda: seen.frames, server.publication.turn, lambda: seen.poll(3))
    assert len(seen.frames) <= 3
    until(lambda: len(seen.frames) == 10, lambda: seen.poll(3))


def test_a_frame_longer_than_the_window_allows_is_refused(servers: list[Server]) -> None:
    server = serve(servers, window_bytes=SMALL)
    assert server.publication.offer(bytes(SMALL // 8)) is Status.OK
    assert server.publication.offer(bytes(SMALL // 8 + 1)) is Status.TOO_LARGE
    assert server.counts["too_large"] == 1
    assert server.publication.sequence_next == 2


def test_a_reader_begins_where_it_asks_to(servers: list[Server]) -> None:
    server = serve(servers)
    offer_all(server.publication, numbered(10))
    late = Seen(server.reader(sequence=7))
    newest = Seen(server.reader(sequence=0))
    ahead = Seen(server.reader(sequence=11))
    turn = server.publication.turn
    until(lambda: len(late.frames) == 4 and newest.frames, turn, late.poll, newest.poll, ahead.poll)
    assert late.frames[0] == (7, b"frame 7")
    assert newest.frames == [(10, b"frame 10")]
    offer_all(server.publication, [b"frame 11"])
    until(lambda: ahead.frames, turn, ahead.poll)
    assert ahead.frames == [(11, b"frame 11")]
    assert late.gaps == newest.gaps == ahead.gaps == []


def test_a_reader_that_asks_for_a_frame_that_is_gone_is_told_the_oldest(
    servers: list[Server],
) -> None:
    server = serve(servers, window_bytes=SMALL)
    offer_all(server.publication, [bytes(100)] * 100)
    oldest = server.publication.oldest
    assert 50 < oldest < 100
    raw = RawReader(server.port)
    raw.login(sequence=oldest - 1)
    until(lambda: raw.closed, server.publication.turn, raw.read)
    assert raw.packets() == [("+", b"oldest %d" % oldest), ("J", b"S")]
    assert server.counts["refused_too_old"] == 1
    seen = Seen(server.reader())
    until(lambda: len(seen.frames) == 101 - oldest, server.publication.turn, seen.poll)
    assert seen.gaps == [(1, oldest - 1)]
    assert seen.frames[0][0] == oldest
    assert (seen.counts["too_old"], seen.counts["refused"]) == (1, 1)
    assert (seen.counts["gaps"], seen.counts["gap_frames"]) == (1, oldest - 1)


def test_a_login_beyond_the_end_or_to_another_session_is_refused(servers: list[Server]) -> None:
    server = serve(servers)
    offer_all(server.publication, [b"x"])
    beyond, other, right = (RawReader(server.port) for _ in range(3))
    beyond.login(sequence=3)
    other.login(session="OTHER")
    right.login(session="VENUE")
    turn = server.publication.turn
    until(lambda: beyond.closed and other.closed, turn, beyond.read, other.read)
    until(lambda: len(right.packets()) == 2, turn, right.read)
    assert beyond.packets() == [("+", b"next 2"), ("J", b"S")]
    assert other.packets()[-1] == ("J", b"S")
    assert right.packets()[-1] == ("S", b"x")
    assert (server.counts["refused_ahead"], server.counts["refused_session"]) == (1, 1)


def test_a_restarted_publication_recalls_and_readers_resume(servers: list[Server]) -> None:
    first = serve(servers)
    seen = Seen(first.reader())
    offer_all(first.publication, numbered(5))
    until(lambda: len(seen.frames) == 3, first.publication.turn, lambda: seen.poll(1))
    first.close()
    servers.clear()
    second = serve(servers, port=first.port)
    for frame in numbered(5):
        second.publication.recall(frame)
    offer_all(second.publication, numbered(2, first=6))
    until(lambda: len(seen.frames) == 7, second.publication.turn, seen.poll)
    assert seen.frames == list(enumerate(numbered(7), 1))
    assert seen.gaps == []
    assert seen.counts["resumes"] == 1
    assert (second.counts["recalled"], second.counts["offered"]) == (5, 2)


def test_the_end_is_told_to_readers_that_are_there_and_to_those_that_come(
    servers: list[Server],
) -> None:
    server = serve(servers)
    early = Seen(server.reader())
    offer_all(server.publication, numbered(3))
    until(lambda: early.frames, server.publication.turn, early.poll)
    server.publication.end()
    assert server.publication.offer(b"late") is Status.CLOSED
    late = Seen(server.reader())
    for seen in (early, late):
        until(_ended(seen), server.publication.turn, seen.poll)
        assert len(seen.frames) == 3
        assert seen.poll() == -Status.CLOSED


@pytest.mark.timeout(60)
def test_a_quiet_stream_of_short_and_long_frames_is_taken_whole(servers: list[Server]) -> None:
    """One at a time, with polls that find nothing between them: the way of frames that are peeked
    at first. Whoever leaves after the end has read everything, and is not taken for a failure."""
    server = serve(servers, window_bytes=1 << 17)
    seen = Seen(server.reader())
    frames = [
        bytes([n]) * (9000 if n % 17 == 0 else 4093 if n % 23 == 0 else n) for n in range(200)
    ]
    for count, frame in enumerate(frames, 1):
        offer_all(server.publication, [frame])
        while len(seen.frames) < count:
            server.publication.turn()
            seen.poll()
        for _ in range(count % 5 * 7):
            assert seen.poll() == 0
    server.publication.end()
    until(_ended(seen), server.publication.turn, seen.poll)
    assert seen.frames == list(enumerate(frames, 1))
    until(lambda: server.counts["readers"] == 0, server.publication.turn)
    assert (server.counts["closed_by_peer"], server.counts["closed_error"]) == (1, 0)


def test_a_cut_after_a_peek_is_noticed_and_nothing_comes_twice(servers: list[Server]) -> None:
    server = serve(servers)
    seen = Seen(server.reader("ONE"))
    offer_all(server.publication, numbered(1))
    until(lambda: len(seen.frames) == 1, server.publication.turn, seen.poll)
    offer_all(server.publication, numbered(1, 2))
    until(lambda: len(seen.frames) == 2, server.publication.turn, seen.poll)
    server.publication.close()
    until(lambda: seen.counts["cuts"] == 1, seen.poll)
    assert [number for number, _ in seen.frames] == [1, 2]


def test_numbers_left_out_are_a_gap_in_its_place(servers: list[Server]) -> None:
    server = serve(servers)
    seen = Seen(server.reader())
    offer_all(server.publication, numbered(2))
    server.publication.skip(5)
    offer_all(server.publication, [b"frame 8"])
    until(lambda: len(seen.frames) == 3, server.publication.turn, seen.poll)
    assert seen.frames == [(1, b"frame 1"), (2, b"frame 2"), (8, b"frame 8")]
    assert seen.gaps == [(3, 5)]
    inside = Seen(server.reader(sequence=5))
    until(lambda: inside.frames, server.publication.turn, inside.poll)
    assert (inside.gaps, inside.frames) == ([(5, 3)], [(8, b"frame 8")])


def test_a_stream_may_begin_with_a_later_number(servers: list[Server]) -> None:
    server = serve(servers)
    server.publication.skip(9)
    offer_all(server.publication, [b"ten"])
    assert server.publication.oldest == 10
    seen = Seen(server.reader())
    until(lambda: seen.frames, server.publication.turn, seen.poll)
    assert (seen.gaps, seen.frames) == ([(1, 9)], [(10, b"ten")])


def test_both_sides_send_heartbeats_when_they_have_nothing_to_say(servers: list[Server]) -> None:
    server = serve(servers, heartbeat_ns=20 * MS, peer_timeout_ns=300 * MS)
    seen = Seen(server.reader(heartbeat_ns=20 * MS, stale_ns=300 * MS))
    until(lambda: server.counts["heartbeats"] >= 30, server.publication.turn, seen.poll)
    assert seen.counts["connects"] == 1
    assert seen.counts["stale"] == server.counts["closed_peer_timeout"] == 0


def test_a_silent_reader_and_a_silent_server_are_noticed(servers: list[Server]) -> None:
    server = serve(servers, heartbeat_ns=20 * MS, peer_timeout_ns=100 * MS)
    seen = Seen(server.reader("QUIET", heartbeat_ns=20 * MS, stale_ns=100 * MS))
    until(lambda: seen.counts["connects"], server.publication.turn, seen.poll)
    until(lambda: seen.counts["stale"], seen.poll)  # the server does nothing meanwhile
    assert seen.counts["cuts"] == 0
    until(lambda: seen.counts["connects"] == 2, server.publication.turn, seen.poll)
    until(lambda: server.counts["closed_peer_timeout"], server.publication.turn)
    [reader] = server.publication.reader_counts()
    assert (reader["name"], reader["connected"], reader["timeouts"]) == ("QUIET", 0, 1)


def test_a_reader_cannot_ask_to_be_waited_for_longer_than_is_configured(
    servers: list[Server],
) -> None:
    server = serve(servers, heartbeat_ns=20 * MS, peer_timeout_ns=100 * MS)
    raw = RawReader(server.port)
    raw.send("LoginRequest", username="SLOW", password="", heartbeat_timeout_ms=99_999)
    until(lambda: raw.closed, server.publication.turn, raw.read)
    assert server.counts["closed_peer_timeout"] == 1


def test_who_does_not_log_in_is_closed(servers: list[Server]) -> None:
    server = serve(servers, login_timeout_ns=50 * MS)
    raw = RawReader(server.port)
    until(lambda: raw.closed, server.publication.turn, raw.read)
    assert raw.received == b""
    assert server.counts["closed_login_timeout"] == 1


@pytest.mark.parametrize(
    "packet",
    [b"\0\0", b"\0\1S", b"\0\1L", b"\xff\xff" + bytes(100), b"\0\1?", b"GET / HTTP/1.1\r\n\r\n"],
)
def test_what_is_not_soupbin_closes_the_connection(servers: list[Server], packet: bytes) -> None:
    server = serve(servers)
    raw = RawReader(server.port)
    raw.sock.sendall(packet)
    until(lambda: raw.closed, server.publication.turn, raw.read)
    assert server.counts["closed_malformed"] == 1


def test_a_table_that_is_full_closes_the_newcomer(servers: list[Server]) -> None:
    server = serve(servers, connections_max=1)
    first = RawReader(server.port)
    first.login()
    until(lambda: first.packets(), server.publication.turn, first.read)
    second = RawReader(server.port)
    second.login("OTHER")
    until(lambda: second.closed, server.publication.turn, second.read)
    assert server.counts["table_full"] == 1
    assert not first.closed


def test_a_full_table_lets_a_reader_take_its_own_place_again(servers: list[Server]) -> None:
    server = serve(servers, connections_max=1)
    first, second = RawReader(server.port), RawReader(server.port)
    first.login("SAME")
    until(lambda: first.packets(), server.publication.turn, first.read)
    second.login("SAME")
    until(lambda: second.packets(), server.publication.turn, second.read)
    assert (server.counts["closed_displaced"], server.counts["table_full"]) == (1, 0)


def test_silent_connections_keep_no_reader_out(servers: list[Server]) -> None:
    """Many more than may be open, each with a socket of its own, and none of them says a word."""
    server = serve(servers, connections_max=2)
    silent = [RawReader(server.port) for _ in range(100)]
    until(lambda: server.counts["connections"] == 100, server.publication.turn)
    reader = RawReader(server.port)
    reader.login()
    until(lambda: reader.packets(), server.publication.turn, reader.read)
    assert reader.packets()[0][0] == "A"
    waiting = server.publication.connected - 1
    assert 16 <= waiting < 100
    assert server.counts["closed_crowded_out"] == 101 - 1 - waiting
    until(lambda: sum(one.closed for one in silent) == 100 - waiting, *(s.read for s in silent))
    # Those that wait longest are the ones that went.
    assert [one.closed for one in silent] == [True] * (100 - waiting) + [False] * waiting


def test_of_two_readers_with_one_name_the_later_wins(servers: list[Server]) -> None:
    server = serve(servers, connections_max=3)
    first, second = RawReader(server.port), RawReader(server.port)
    first.login("SAME")
    until(lambda: server.counts["logins"] == 1, server.publication.turn)
    second.login("SAME")
    until(lambda: first.closed, server.publication.turn, first.read)
    assert server.counts["logins"] == 2
    assert server.counts["closed_displaced"] == 1
    [reader] = server.publication.reader_counts()
    assert (reader["name"], reader["logins"], reader["connected"]) == ("SAME", 2, 1)


def test_a_slow_reader_is_disconnected_and_named_and_others_lose_nothing(
    servers: list[Server],
) -> None:
    server = serve(servers, window_bytes=1 << 20, queue_bytes=1 << 18)
    slow = RawReader(server.port, buffer_bytes=4096)
    slow.login("SLOW")
    good = Seen(server.reader("GOOD"))
    turn = server.publication.turn
    until(lambda: server.counts["logins"] == 2, turn, good.poll)
    while not server.counts["closed_slow"]:
        offer_all(server.publication, [bytes(1000)] * 10)
        until(lambda: len(good.frames) == server.publication.sequence_next - 1, turn, good.poll)
        assert len(good.frames) < 100_000
    readers = {reader["name"]: reader for reader in server.publication.reader_counts()}
    assert (readers["SLOW"]["slow"], readers["SLOW"]["connected"]) == (1, 0)
    assert (readers["GOOD"]["slow"], readers["GOOD"]["connected"]) == (0, 1)
    assert good.gaps == []
    assert good.counts["connects"] == 1


def test_a_conflated_reader_is_told_of_the_gap_in_its_place(servers: list[Server]) -> None:
    server = serve(servers, window_bytes=1 << 20, queue_bytes=1 << 18, policy="conflate")
    seen = Seen(server.reader("SLOW"))
    turn = server.publication.turn
    until(lambda: server.counts["logins"] == 1, turn, seen.poll)
    while server.counts["conflations"] < 3:
        offer_all(server.publication, [bytes(997)] * 100)
        turn()
    offer_all(server.publication, [b"last"])
    last = server.publication.sequence_next - 1
    until(lambda: seen.frames and seen.frames[-1] == (last, b"last"), turn, seen.poll)
    assert seen.gaps
    assert sum(count for _, count in seen.gaps) == server.counts["conflated_frames"]
    told = {first + i for first, count in seen.gaps for i in range(count)}
    numbers = [sequence for sequence, _ in seen.frames]
    assert numbers == sorted(numbers)
    assert sorted(told.union(numbers)) == list(range(1, last + 1))
    assert not told.intersection(numbers)
    assert {frame for _, frame in seen.frames} == {bytes(997), b"last"}
    [reader] = server.publication.reader_counts()
    assert reader["slow"] == server.counts["conflations"] >= 3
    assert reader["conflated_frames"] == server.counts["conflated_frames"]


def test_a_reader_that_comes_back_late_has_the_window_to_catch_up_in(
    servers: list[Server],
) -> None:
    server = serve(servers, window_bytes=1 << 20, queue_bytes=1 << 12)
    offer_all(server.publication, [bytes(1000)] * 500)
    seen = Seen(server.reader())
    until(lambda: len(seen.frames) == 500, server.publication.turn, seen.poll)
    assert server.counts["closed_slow"] == 0
    assert seen.gaps == []


def test_a_refused_connection_is_tried_again_with_growing_pauses() -> None:
    server = Server()
    server.close()
    seen = Seen(server.reader(backoff_min_ns=2 * MS, backoff_max_ns=20 * MS))
    until(lambda: seen.counts["unreachable"] >= 5, seen.poll)
    assert seen.counts["attempts"] <= seen.counts["unreachable"] + 1
    reopened = Server(port=server.port)
    offer_all(reopened.publication, [b"here"])
    until(lambda: seen.frames, reopened.publication.turn, seen.poll)
    reopened.close()


def packet(kind: bytes, payload: bytes = b"") -> bytes:
    return (len(payload) + 1).to_bytes(2, "big") + kind + payload


def accepted(sequence: int) -> bytes:
    return packet(b"A", b"SESSION   " + str(sequence).rjust(20).encode())


def gap(first: int, count: int) -> bytes:
    return packet(b"U", b"GAP " + first.to_bytes(8, "big") + count.to_bytes(8, "big"))


@pytest.mark.parametrize(
    "answer",
    [
        b"\0\0",
        b"\0\1Q",
        b"\0\1S",
        b"\0\2A1",
        b"\0\x1fA" + b" " * 10 + b"x" * 20,
        accepted(0),
        accepted(4),
        accepted(6),
        accepted(2**62 + 1),
        accepted(2**64 - 1),
        packet(b"+", b"oldest 7") + accepted(6),
        packet(b"+", b"oldest 4") + accepted(4),
        packet(b"+", b"oldest %d" % (2**62 + 1)) + accepted(2**62 + 1),
        packet(b"+", b"oldest %d" % (2**62 + 1)) + packet(b"J", b"S"),
        accepted(5) + gap(5, 2**62 - 4),
        accepted(5) + gap(5, 2**64 - 1),
        accepted(5) + gap(2**64 - 1, 1),
    ],
)
def test_a_server_that_talks_nonsense_is_left(answer: bytes) -> None:
    server = Server()
    server.publication.close()
    server.listener.setblocking(True)
    seen = Seen(server.reader(sequence=5))
    seen.poll()
    connection, _ = server.listener.accept()
    connection.sendall(answer)
    until(lambda: seen.counts["malformed"], seen.poll)
    assert seen.gaps == []
    assert seen.subscription.sequence_next == 5
    connection.close()
    server.listener.close()


@pytest.mark.parametrize(
    ("answer", "gaps"),
    [
        (packet(b"+", b"oldest 9") + accepted(9), [(5, 4)]),
        (accepted(5) + gap(5, 2**62 - 5), [(5, 2**62 - 5)]),
    ],
)
def test_numbers_that_are_explained_are_believed(answer: bytes, gaps: list[Any]) -> None:
    server = Server()
    server.publication.close()
    server.listener.setblocking(True)
    seen = Seen(server.reader(sequence=5))
    seen.poll()
    connection, _ = server.listener.accept()
    connection.sendall(answer)
    until(lambda: seen.gaps, seen.poll)
    assert seen.gaps == gaps
    assert seen.counts["malformed"] == 0
    connection.close()
    server.listener.close()


def test_wrong_settings_are_named() -> None:
    for settings, text in (
        ({"window_bytes": 5000}, "window_bytes: found 5000, expected a power of two"),
        ({"queue_bytes": 1 << 40}, "expected 1 to the window's"),
        ({"policy": "wait"}, "policy: found 'wait', expected one of disconnect, conflate"),
        ({"connections_max": 0}, "connections_max: found 0"),
        ({"sequence_next": 0}, "sequence_next: found 0, expected 1 or more"),
    ):
        with pytest.raises(ValueError, match=text):
            TcpPublication(-1, "VENUE", **settings)
    with pytest.raises(ValueError, match="session: found 'LONGER THAN TEN'"):
        TcpPublication(-1, "LONGER THAN TEN")
    with pytest.raises(ValueError, match="name: found 7 characters"):
        TcpSubscription("127.0.0.1", 1, "SEVENCH")
