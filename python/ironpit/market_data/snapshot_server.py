"""The snapshot server, in the manner of GLIMPSE 5.0: the public's books over SoupBinTCP.

A subscriber that logs in gets the books of one moment as ITCH messages (the latest system event,
each instrument's directory and trading action, every visible order in priority order), then 'G'
with the sequence number of the first message of the multicast stream that is not in them; then the
server closes. All have the time stamp of the newest message in the books. What is served is as
public as the multicast stream, so any username and password will do.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ironcore.base.counter_declaration import Counter
from ironcore.base.counter_set import CounterSet
from ironcore.market_data.feed_books import BookBuilder
from ironcore.wire import soupbin
from ironpit.common.complaints import Complaints, Say
from ironpit.market_data.books import in_priority_order

COUNTERS = (
    Counter("served", "snapshots sent whole"),
    Counter("refused", "logins rejected"),
    Counter(
        "no_login",
        "connections closed because no login came, or none in time",
        unit="connections",
    ),
    Counter(
        "crowded_out",
        "connections closed before their login to make room for others",
        unit="connections",
    ),
    Counter(
        "no_room",
        "connections closed because the greatest number was being served",
        unit="connections",
    ),
    Counter("accept_errors", "times that the host could not accept a connection", unit="calls"),
)
CONNECTIONS_MAX = 16
LOGINS_MAX = 64  # connections that have not logged in yet
LOGIN_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 120.0
LINGER_S = 5.0
CLOSE_TURN_S = 0.2
ACCEPT_PAUSE_S = 0.1
LOGIN_BYTES_MAX = 54

DIRECTORY_BYTES = 39
# A SoupBinTCP packet (u16 length, 'S') around the message.
HEAD: list[tuple[str, str]] = [
    ("bytes", ">u2"), ("packet", "S1"), ("kind", "S1"), ("locate", ">u2"), ("tracking", ">u2"),
    ("timestamp", "V6"),
]  # fmt: skip
ADD_ORDER = np.dtype(
    [*HEAD, ("order_ref", ">u8"), ("side", "u1"), ("shares", ">u4"), ("stock", "S8"),
     ("price", ">u4")]
)  # fmt: skip
ADD_ORDER_MPID = np.dtype([*ADD_ORDER.descr, ("attribution", "S4")])

Array = npt.NDArray[Any]


def _adds(orders: Array, kind: np.dtype[Any], stocks: Array, timestamp: bytes) -> Array:
    """One packet an order."""
    packets = np.zeros(len(orders), kind)
    packets["bytes"] = kind.itemsize - 2
    packets["packet"] = b"S"
    packets["kind"] = b"F" if kind is ADD_ORDER_MPID else b"A"
    packets["locate"] = orders["locate"]
    packets["timestamp"] = np.frombuffer(timestamp, "V6")[0]
    packets["order_ref"] = orders["order_ref"]
    packets["side"] = orders["side"]
    packets["shares"] = orders["quantity"]
    packets["stock"] = stocks[orders["locate"]]
    packets["price"] = orders["price"]
    if kind is ADD_ORDER_MPID:
        packets["attribution"] = orders["attribution"]
    return packets


def _in_order(orders: Array, stocks: Array, timestamp: bytes) -> bytes:
    """The orders' packets, of both lengths, one behind the other."""
    named = orders["attribution"] != b""
    lengths = np.where(named, ADD_ORDER_MPID.itemsize, ADD_ORDER.itemsize)
    starts = np.cumsum(lengths) - lengths
    out = np.empty(int(lengths.sum()), np.uint8)
    for kind, chosen in ((ADD_ORDER_MPID, named), (ADD_ORDER, ~named)):
        packets = _adds(orders[chosen], kind, stocks, timestamp)
        places = starts[chosen][:, None] + np.arange(kind.itemsize)
        out[places] = packets.view(np.uint8).reshape(-1, kind.itemsize)
    return out.tobytes()


def packets_of(picture: dict[str, Any]) -> bytes:
    """The sequenced packets of a picture of `BookBuilder`, from the system event to 'G'."""
    timestamp = picture["timestamp"]

    def packet(message: bytes) -> bytes:
        return (len(message) + 1).to_bytes(2, "big") + b"S" + message

    def stamped(message: bytes) -> bytes:
        return packet(message[:5] + timestamp + message[11:])

    parts = []
    if picture["system_event"][0]:
        parts.append(stamped(picture["system_event"]))
    for reference in picture["references"]:
        directory, action = reference[:DIRECTORY_BYTES], reference[DIRECTORY_BYTES:]
        parts += [stamped(part.tobytes()) for part in (directory, action) if part[0]]
    references = picture["references"]
    stocks = np.ascontiguousarray(references[:, 11:19]).view("S8").reshape(-1)
    orders = in_priority_order(picture["orders"])
    # An order without a directory would be nobody's: the stream never has one.
    parts.append(_in_order(orders, stocks, timestamp))
    parts.append(packet(b"G" + str(picture["applied"] + 1).rjust(20).encode()))
    return b"".join(parts)


def _receive(connection: socket.socket, bytes_max: int, deadline_s: float) -> bytes:
    """What comes before `deadline_s` (of the monotonic clock), however little at a time the peer
    sends. TimeoutError after it."""
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    connection.settimeout(left_s)
    return connection.recv(bytes_max)


class SnapshotServer:
    """Serves `books` from `start` to `close`, on threads of its own, to CONNECTIONS_MAX at once.

    Who does not log in takes no such place: up to LOGINS_MAX connections may be about to, and the
    oldest of them goes when one more comes.

    listener: a listening TCP socket, which is closed at the end. `books` holds every message of the
    stream from the first on, once `ready` says so; until then subscribers wait.
    """

    def __init__(
        self,
        listener: socket.socket,
        session: str,
        books: BookBuilder,
        ready: Callable[[], bool] = lambda: True,
        *,
        counters: CounterSet | None = None,
        say: Say = print,
    ) -> None:
        self.listener = listener
        self.session = session
        self.books = books
        self.ready = ready
        self.counters = counters or CounterSet("snapshot-server", COUNTERS)
        self.complaints = Complaints(say)
        self._closing = threading.Event()
        self._places = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self._waiting: dict[socket.socket, None] = {}
        self._crowded_out: set[socket.socket] = set()
        self._waiting_lock = threading.Lock()
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._packets = b""
        self._taken_s = float("-inf")
        self._thread = threading.Thread(target=self._accept, name="snapshot", daemon=True)

    def start(self) -> "SnapshotServer":
        """Begin to accept."""
        self.listener.settimeout(CLOSE_TURN_S)
        self._thread.start()
        return self

    def close(self) -> None:
        """Accept nobody any more; who is being served is cut off."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self.listener.close()

    def _count(self, name: str) -> None:
        """A counter has one writer at a time."""
        with self._counting:
            self.counters.add(name)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError as error:
                # Out of descriptors, or what befell a connection before it was accepted: neither
                # is for ever, and the listener stays readable meanwhile.
                self._count("accept_errors")
                self.complaints.add("accept", f"snapshot: cannot accept: {error.strerror}")
                self._closing.wait(ACCEPT_PAUSE_S)
                continue
            self._enter(connection)
            threading.Thread(target=self._guarded, args=(connection,), daemon=True).start()

    def _enter(self, connection: socket.socket) -> None:
        """One more that is about to log in; of too many, the oldest one's thread is woken to go."""
        with self._waiting_lock:
            self._waiting[connection] = None
            if len(self._waiting) <= LOGINS_MAX:
                return
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            self._crowded_out.add(oldest)
            # Nobody closes it before its thread has seen it in `_leave`: it is still this socket.
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
        self._count("crowded_out")

    def _leave(self, connection: socket.socket) -> bool:
        """It is not about to log in any more: whether it was crowded out."""
        with self._waiting_lock:
            self._waiting.pop(connection, None)
            crowded_out = connection in self._crowded_out
            self._crowded_out.discard(connection)
            return crowded_out

    def _guarded(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ValueError):
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            login = self._login(connection)
        except (OSError, ValueError):
            login = None
        if self._leave(connection):
            return
        if login is None:
            self._count("no_login")
            return
        if not self._places.acquire(blocking=False):
            self._count("no_room")
            return
        try:
            self._answer(connection, login)
        finally:
            self._places.release()

    def _answer(self, connection: socket.socket, login: dict[str, Any]) -> None:
        """Reject the login, or send the books."""
        asked_s = time.monotonic()
        asked = login["requested_session"].strip()
        if asked not in ("", self.session) or int(login["requested_sequence"]) > 1:
            self._count("refused")
            connection.sendall(soupbin.encode("LoginRejected", reason="S"))
            return
        deadline_s = asked_s + SEND_TIMEOUT_S
        while not self.ready():
            if self._closing.wait(CLOSE_TURN_S) or time.monotonic() > deadline_s:
                return
        accepted = soupbin.encode("LoginAccepted", session=self.session, sequence_number=1)
        # The time limit is of the whole, as that of socket.sendall is.
        connection.settimeout(SEND_TIMEOUT_S)
        # In a segment of its own: Wireshark's SoupBinTCP dissector begins a new conversation with
        # it, and forgets the first half of a packet that is split at the end of that segment.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(accepted)
        connection.sendall(self._picture(asked_s))
        self._count("served")
        # Close only when the peer has read it all: a close with unread bytes (its logout, its
        # heartbeats) would be a reset, and take away what is still on its way (RFC 1122, 4.2.2.13).
        connection.shutdown(socket.SHUT_WR)
        deadline_s = time.monotonic() + LINGER_S
        while _receive(connection, 4096, deadline_s):
            pass

    def _login(self, connection: socket.socket) -> dict[str, Any]:
        """The first packet. OSError, or ValueError for one that is no login."""
        deadline_s = time.monotonic() + LOGIN_TIMEOUT_S
        received = b""
        while True:
            data = _receive(connection, LOGIN_BYTES_MAX, deadline_s)
            received += data
            if len(received) >= 2 and len(received) >= 2 + int.from_bytes(received[:2], "big"):
                login = soupbin.decode(received[: 2 + int.from_bytes(received[:2], "big")])
                if login["kind"] == "LoginRequest":
                    return login
                raise ValueError("no login")
            if not data or len(received) > LOGIN_BYTES_MAX:
                raise ValueError("no login")

    def _picture(self, asked_s: float) -> bytes:
        """One that was taken after it was asked for: what the subscriber has held since is newer.
        Those who come together, as after an outage, wait for one and share it."""
        with self._lock:
            if self._taken_s < asked_s:
                self._taken_s = time.monotonic()
                self._packets = packets_of(self.books.picture())
            return self._packets
