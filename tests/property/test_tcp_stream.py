"""Goal: whatever the frames, and however TCP cuts them, a stream arrives as it was sent.

Method: Hypothesis chooses frames, gaps, the window, and the pieces in which a raw peer on either
side sends or reads; the model is a list.
"""

import socket

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.messaging.tcp_ends import RawReader, Seen, Server, until

from ironcore.messaging.tcp.subscription import TcpSubscription
from ironcore.wire import soupbin

FRAMES = st.lists(st.binary(max_size=300), min_size=1, max_size=60)
PIECES = st.lists(st.integers(1, 97), min_size=1, max_size=40)


@given(frames=FRAMES, pieces=PIECES)
@settings(max_examples=60, deadline=None)
def test_a_subscription_takes_a_stream_in_any_pieces(
    frames: list[bytes], pieces: list[int]
) -> None:
    data = soupbin.encode("LoginAccepted", session="S", sequence_number=1)
    for frame in frames:
        data += soupbin.encode("SequencedData", message=frame)
        data += soupbin.encode("ServerHeartbeat")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = Seen(TcpSubscription("127.0.0.1", listener.getsockname()[1]))
        seen.poll()
        connection, _ = listener.accept()
        with connection:
            at = number = 0
            while at < len(data):
                piece = pieces[number % len(pieces)]
                connection.sendall(data[at : at + piece])
                at, number = at + piece, number + 1
                seen.poll(3)
            until(lambda: len(seen.frames) == len(frames), lambda: seen.poll(3))
    assert seen.frames == list(enumerate(frames, 1))
    assert seen.counts["malformed"] == 0


@given(frames=FRAMES, pieces=PIECES, gap=st.integers(0, 5), start=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_a_publication_serves_a_reader_that_takes_any_pieces(
    frames: list[bytes], pieces: list[int], gap: int, start: int
) -> None:
    """A window so small that it wraps many times, and holds the newest frames only."""
    server = Server(window_bytes=4096)
    for frame in frames:
        server.publication.offer(frame)
    expected = [("S", frame) for frame in frames]
    if gap:
        server.publication.skip(gap)
        expected.append(("U", b""))
    server.publication.end()
    first = max(min(start, len(frames)), server.publication.oldest)
    raw = RawReader(server.port)
    raw.login(sequence=first)
    turns = 0

    def take() -> None:
        nonlocal turns
        raw.read(pieces[turns % len(pieces)])
        turns += 1

    until(lambda: any(kind in "ZJ" for kind, _ in raw.packets()), server.publication.turn, take)
    server.close()
    if first > len(frames):  # all frames are gone, only the gap is left
        return
    found = [(kind, b"" if kind == "U" else data) for kind, data in raw.packets()]
    assert found[0][0] == "A"
    assert found[1:-1] == expected[first - 1 :]
    assert found[-1] == ("Z", b"")
