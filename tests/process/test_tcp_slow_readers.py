"""Goal: a reader that is stopped, one that takes a byte a second and one that is killed cost the
others nothing, and the publication says who they were.

Method: a publication here; a good reader and the three bad ones as processes of their own. The good
one has to get every frame without a gap or a second connection.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.unit.messaging.tcp_ends import Seen, Server, until

READER = """
import sys, time
from ironcore.wire import soupbin
import socket
name, port, bytes_a_second = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
sock.connect(("127.0.0.1", port))
sock.sendall(soupbin.encode("LoginRequest", username=name, password="", requested_sequence=1))
print("ready", flush=True)
while True:
    if bytes_a_second:
        sock.recv(bytes_a_second)
        sock.sendall(soupbin.encode("ClientHeartbeat"))
        time.sleep(1)
    elif not sock.recv(65536):
        break
"""
FRAMES = 20_000


@pytest.fixture
def readers() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    found: dict[str, subprocess.Popen[bytes]] = {}
    yield found
    for process in found.values():
        process.kill()
        process.communicate()


@pytest.mark.parametrize("policy", ["disconnect", "conflate"])
def test_bad_readers_cost_others_nothing_and_are_named(
    readers: dict[str, subprocess.Popen[bytes]], policy: str
) -> None:
    server = Server(window_bytes=1 << 23, queue_bytes=1 << 20, policy=policy)
    for name, bytes_a_second in (("STOP", 0), ("DRIP", 1), ("KILL", 0)):
        readers[name] = subprocess.Popen(
            [sys.executable, "-c", READER, name, str(server.port), str(bytes_a_second)],
            stdout=subprocess.PIPE,
        )
    good = Seen(server.reader("GOOD"))
    turn = server.publication.turn
    until(lambda: server.counts["logins"] == 4, turn, good.poll)
    readers["STOP"].send_signal(signal.SIGSTOP)
    readers["KILL"].kill()
    frame = bytes(1000)
    while server.publication.sequence_next <= FRAMES:
        server.publication.offer(frame)
        if server.publication.sequence_next % 50 == 0:
            until(
                lambda: good.subscription.sequence_next == server.publication.sequence_next,
                turn,
                good.poll,
            )
    until(lambda: len(good.frames) == FRAMES, turn, good.poll)
    assert [number for number, _ in good.frames] == list(range(1, FRAMES + 1))
    assert good.gaps == []
    assert good.counts["connects"] == 1
    named = {reader["name"]: reader for reader in server.publication.reader_counts()}
    slow = {name for name, reader in named.items() if reader["slow"]}
    assert slow == {"STOP", "DRIP"}
    assert named["GOOD"]["slow"] == named["KILL"]["connected"] == 0
    if policy == "disconnect":
        assert named["STOP"]["connected"] == named["DRIP"]["connected"] == 0
    else:
        assert all(int(named[name]["conflated_frames"]) > 0 for name in slow)
    server.close()
