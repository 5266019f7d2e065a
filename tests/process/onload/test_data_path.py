"""Connections between two processes under the Onload double behave as TCP does.

Method: two programs, the same on kernel sockets, where the double cannot matter, and under the
double, where the bytes go through shared memory: what they see has to be the same.
"""

import signal
import subprocess
from collections.abc import Callable

import pytest
from tests.process.onload.preloaded import start

pytestmark = pytest.mark.needs_tool("cc")

PATHS = [
    pytest.param({}, id="shared-memory"),
    pytest.param({"MOCK_ONLOAD_PATH": 0}, id="kernel"),
    pytest.param({"EF_POLL_USEC": 0}, id="sleeping"),
]
SERVER = """
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
sock, _ = listener.accept()
"""
CLIENT = """
sock = socket.create_connection(("127.0.0.1", int(input())))
"""


class Ends:
    """A server and a client; each prints what it sees."""

    def __init__(self, server: str, client: str, settings: dict[str, int]) -> None:
        self.server = start(SERVER + server, **settings)
        assert self.server.stdout is not None
        port = self.server.stdout.readline()
        self.client = start(CLIENT + client, **settings)
        assert self.client.stdin is not None
        self.client.stdin.write(port)
        self.client.stdin.flush()

    def said(self) -> tuple[str, str]:
        """What server and client printed, once both have ended."""
        outs = []
        for process in (self.client, self.server):
            out, err = process.communicate(timeout=60)
            assert process.returncode in (0, -signal.SIGKILL), err
            outs.append(out.strip())
        return outs[1], outs[0]


@pytest.fixture(params=PATHS)
def ends(request: pytest.FixtureRequest) -> Callable[[str, str], tuple[str, str]]:
    return lambda server, client: Ends(server, client, request.param).said()


Conversation = Callable[[str, str], tuple[str, str]]


def test_every_byte_arrives_in_order_in_both_directions_at_once(ends: Conversation) -> None:
    body = """
import hashlib, random
numbers = random.Random(SEED)
sent, got = hashlib.sha256(), hashlib.sha256()
def write():
    left = 3_000_000
    while left:
        data = numbers.randbytes(min(left, numbers.randint(1, 70_000)))
        sent.update(data)
        sock.sendall(data)
        left -= len(data)
    sock.shutdown(socket.SHUT_WR)
writer = threading.Thread(target=write); writer.start()
while data := sock.recv(50_000):
    got.update(data)
writer.join()
print(sent.hexdigest(), got.hexdigest())
"""
    server, client = ends(body.replace("SEED", "1"), body.replace("SEED", "2"))
    assert server.split() == client.split()[::-1]
    assert len(set(server.split())) == 2


def test_a_half_closed_connection_still_carries_the_other_half(ends: Conversation) -> None:
    server, client = ends(
        "while data := sock.recv(9): print(data)\nsock.sendall(b'late'); sock.close()",
        "sock.sendall(b'early'); sock.shutdown(socket.SHUT_WR); print(sock.recv(9), sock.recv(9))",
    )
    assert (server, client) == ("b'early'", "b'late' b''")


def test_bytes_nobody_read_turn_a_close_into_a_reset(ends: Conversation) -> None:
    server, _ = ends(
        """
sock.sendall(b"unread")
input_ready = select.poll(); input_ready.register(sock, select.POLLIN | select.POLLRDHUP)
input_ready.poll()
try: print(sock.recv(9))
except ConnectionResetError: print("reset")
""",
        "select.select([sock], [], []); sock.close()",
    )
    assert server == "reset"


def test_a_killed_peer_is_noticed(ends: Conversation) -> None:
    server, _ = ends(
        "print(sock.recv(9), sock.recv(9))", "sock.sendall(b'x'); os.kill(os.getpid(), 9)"
    )
    assert server == "b'x' b''"


def test_a_writer_whose_peer_is_gone_gets_a_broken_pipe(ends: Conversation) -> None:
    server, _ = ends(
        """
assert sock.recv(1) == b""
try:
    while True: sock.send(b"x")
except BrokenPipeError: print("broken")
""",
        "sock.close()",
    )
    assert server == "broken"


def test_without_blocking_a_full_and_an_empty_socket_say_again(ends: Conversation) -> None:
    server, client = ends(
        """
client = int(sock.recv(9))
sock.setblocking(False)
try: sock.recv(1)
except BlockingIOError: print("empty")
total = 0
try:
    while True: total += sock.send(bytes(65536))
except BlockingIOError: print("full")
poller = select.epoll(); poller.register(sock, select.EPOLLOUT)
print(poller.poll(0))
os.kill(client, signal.SIGUSR1)
sock.setblocking(True); sock.sendall(total.to_bytes(8, "big"))
sock.shutdown(socket.SHUT_WR); sock.recv(1)
""",
        """
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
sock.sendall(b"%d" % os.getpid())
signal.sigwait({signal.SIGUSR1})
data = bytearray()
while more := sock.recv(1 << 20): data += more
print(int.from_bytes(data[-8:], "big") == len(data) - 8)
""",
    )
    assert server == "empty\nfull\n[]"
    assert client == "True"


def test_an_epoll_set_sees_bytes_the_end_and_what_the_kernel_holds(ends: Conversation) -> None:
    server, _ = ends(
        """
poller = select.epoll()
poller.register(sock, select.EPOLLIN | select.EPOLLRDHUP)
reader, writer = os.pipe()
poller.register(reader, select.EPOLLIN)
print(poller.poll(0.01))
sock.sendall(b"go")
print([(fd == sock.fileno(), hex(bits)) for fd, bits in poller.poll(20)], sock.recv(9))
os.write(writer, b"x")
print([(fd == reader, hex(bits)) for fd, bits in poller.poll(20)], os.read(reader, 9))
sock.sendall(b"end")
print([(fd == sock.fileno(), hex(bits)) for fd, bits in poller.poll(20)], sock.recv(9))
""",
        """
sock.recv(9); sock.sendall(b"here"); sock.recv(9)
sock.shutdown(socket.SHUT_WR); sock.recv(9)
""",
    )
    assert server.splitlines() == [
        "[]", "[(True, '0x1')] b'here'", "[(True, '0x1')] b'x'", "[(True, '0x2001')] b''",
    ]  # fmt: skip


def test_a_timeout_ends_a_read(ends: Conversation) -> None:
    server, _ = ends(
        """
import struct
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 20_000))
try: sock.recv(1)
except BlockingIOError: print("timeout")
sock.settimeout(0.02)
try: sock.recv(1)
except TimeoutError: print("timeout")
""",
        "sock.recv(1)",
    )
    assert server == "timeout\ntimeout"


def test_asyncio_talks_through_its_epoll_set(ends: Conversation) -> None:
    body = """
import asyncio
async def talk():
    sock.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=sock)
    for i in range(200):
        writer.write(b"%04d" % i)
        await writer.drain()
        assert await reader.readexactly(4) == b"%04d" % i
    writer.close()
    print("done")
asyncio.run(talk())
"""
    assert ends(body, body) == ("done", "done")


def test_a_client_of_the_double_talks_to_a_server_without() -> None:
    server = subprocess.Popen(
        ["python3", "-c", "import socket\n" + SERVER + "sock.sendall(sock.recv(9))"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    client = start(CLIENT + "sock.sendall(b'hello'); print(stat(sock), sock.recv(9))")
    out, err = client.communicate(server.stdout.readline(), timeout=60)
    server.communicate(timeout=60)
    assert out.strip() == "1 b'hello'", err


def test_a_set_that_is_never_waited_for_hears_of_the_kernels_again_and_again(
    ends: Conversation,
) -> None:
    server, _ = ends(
        """
poller = select.epoll()
poller.register(sock, select.EPOLLIN)
reader, writer = os.pipe()
poller.register(reader, select.EPOLLIN)
for _ in range(5):
    os.write(writer, b"x")
    while not poller.poll(0): pass
    os.read(reader, 9)
    print(poller.poll(0))
""",
        "sock.recv(1)",
    )
    assert server.splitlines() == ["[]"] * 5


def test_fcntl_makes_a_socket_non_blocking(ends: Conversation) -> None:
    server, _ = ends(
        """
import fcntl
fcntl.fcntl(sock, fcntl.F_SETFL, fcntl.fcntl(sock, fcntl.F_GETFL) | os.O_NONBLOCK)
try: os.read(sock.fileno(), 1)
except BlockingIOError: print("empty")
""",
        "sock.recv(1)",
    )
    assert server == "empty"


def test_an_edge_that_comes_while_the_set_is_looked_at_is_reported() -> None:
    """A set that also waits for room has something to tell at every look: what arrives during one
    must not count as told. On kernel sockets poll(0) hears of an arrival a little later."""
    ends = Ends(
        """
while byte := sock.recv(1): sock.sendall(byte)
""",
        """
poller = select.epoll()
poller.register(sock, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
lost = 0
for _ in range(10_000):
    sock.sendall(b"x")
    there = False
    while not any(events & select.EPOLLIN for _, events in poller.poll(0)):
        if there:
            lost += 1
            break
        for _ in range(20):
            if any(events & select.EPOLLIN for _, events in poller.poll(0)): break
        else:
            try: there = bool(sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
            except BlockingIOError: pass
            continue
        break
    sock.recv(1)
print(lost)
""",
        {},
    )
    assert ends.said()[1] == "0"
