"""A SoupBinTCP session from the member's side: login, heartbeats, sequenced messages, resume."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any

from ironcore.wire import ouch50, soupbin

HEARTBEAT_S = 1.0
PEER_TIMEOUT_S = 15.0
LOGIN_TIMEOUT_S = 30.0
RECEIVE_BYTES = 1 << 16
REJECTIONS = {"A": "wrong username or password", "S": "no such session"}


class LoginError(Exception):
    """The venue did not let us in; `reason` is SoupBinTCP's letter, or empty."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


def login_packet(username: str, password: str, session: str, sequence: int) -> bytes:
    """A login request: for all messages of a session from this sequence number on."""
    return soupbin.encode(
        "LoginRequest",
        username=username,
        password=password,
        requested_session=session,
        requested_sequence=sequence,
    )


def login_answer(packet: dict[str, Any], username: str) -> tuple[str, int] | None:
    """Session and next sequence number, or None for a packet that is no answer. LoginError."""
    if packet["kind"] == "LoginAccepted":
        return packet["session"], packet["sequence_number"]
    if packet["kind"] == "LoginRejected":
        reason = packet["reason"]
        raise LoginError(f"login of {username}: {REJECTIONS.get(reason, reason)}", reason)
    if packet["kind"] in ("Debug", "ServerHeartbeat"):
        return None
    raise LoginError(f"login of {username}: found a packet {packet['kind']} before the answer")


def connect_blocking(
    address: tuple[str, int],
    username: str,
    password: str,
    *,
    session: str = "",
    sequence: int = 0,
    timeout_s: float = LOGIN_TIMEOUT_S,
) -> tuple[socket.socket, str, int]:
    """A logged-in socket for compiled code, its session and next sequence number.

    LoginError, or OSError when nobody listens. Nothing behind the login's answer was read.
    """
    connection = socket.create_connection(address, timeout=timeout_s)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(login_packet(username, password, session, sequence))
        answer = None
        while answer is None:
            answer = login_answer(soupbin.decode(_receive_packet(connection)), username)
    except TimeoutError as error:
        connection.close()
        raise LoginError(f"login of {username}: no answer in {timeout_s:.0f} s") from error
    except BaseException:
        connection.close()
        raise
    return connection, *answer


def enter_blocking(
    address: tuple[str, int], username: str, password: str
) -> tuple[socket.socket, int]:
    """A logged-in socket behind all of the session's history, and its next user reference.

    LoginError, OSError.
    """
    connection, _, sequence = connect_blocking(address, username, password)
    # Sequence 0 was asked for: what comes is the history's last message, if there is one, and then
    # what is new. Only a new answer to the account query is the answer to ours.
    history_end = sequence
    query = ouch50.encode_inbound("AccountQuery")
    try:
        connection.sendall(soupbin.encode("UnsequencedData", message=query))
        while True:
            packet = soupbin.decode(_receive_packet(connection))
            if packet["kind"] != "SequencedData":
                continue
            message = ouch50.decode_outbound(packet["message"])
            new = sequence > history_end or history_end == 1
            if message["kind"] == "AccountQueryResponse" and new:
                return connection, message["next_user_ref_num"]
            sequence += 1
    except TimeoutError as error:
        connection.close()
        raise LoginError(f"login of {username}: no answer to its account query") from error
    except BaseException:
        connection.close()
        raise


def _receive_packet(connection: socket.socket) -> bytes:
    header = _receive_exactly(connection, 2)
    return header + _receive_exactly(connection, int.from_bytes(header, "big"))


def _receive_exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise LoginError("the venue closed the connection during login")
        received += part
    return received


class SoupClient:
    """One connection. Sequenced messages go to `on_message(sequence, payload)`, in order."""

    def __init__(self, on_message: Callable[[int, bytes], None]) -> None:
        self.on_message = on_message
        self.session = ""
        self.sequence_next = 1
        self.ended = False
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._sent_at_s = 0.0
        self._buffer = bytearray()

    async def connect(
        self, host: str, port: int, username: str, password: str, session: str, sequence: int
    ) -> None:
        """Connect and log in. LoginError, OSError, TimeoutError."""
        self._reader, self._writer = await asyncio.open_connection(host, port)
        self._buffer.clear()
        self.send(login_packet(username, password, session, sequence))
        answer = None
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S):
                while answer is None:
                    kind, payload = await self._next_packet()
                    packet = soupbin.decode(_packet(kind, payload))
                    answer = login_answer(packet, username)
        except BaseException:
            await self.close()
            raise
        self.session, self.sequence_next = answer

    def send(self, packet: bytes) -> None:
        """Queue a whole packet. ConnectionError when there is no connection."""
        if self._writer is None or self._writer.is_closing():
            raise ConnectionError("not connected")
        self._writer.write(packet)
        self._sent_at_s = time.monotonic()

    async def drain(self) -> None:
        """Wait until the venue takes more."""
        if self._writer is not None:
            await self._writer.drain()

    async def receive(self) -> None:
        """Take in packets until the connection ends. ConnectionError when it ends too early."""
        while True:
            kind, payload = await self._next_packet()
            if kind == "S":
                sequence = self.sequence_next
                self.sequence_next += 1
                self.on_message(sequence, payload)
            elif kind == "Z":
                self.ended = True
                return

    async def beat(self) -> None:
        """Send a heartbeat whenever nothing else was sent for a second."""
        while True:
            due_s = self._sent_at_s + HEARTBEAT_S - time.monotonic()
            if due_s > 0:
                await asyncio.sleep(due_s)
            else:
                self.send(soupbin.encode("ClientHeartbeat"))

    async def close(self, logout: bool = False) -> None:
        """Close the connection, with a logout request first if wanted."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        if logout and not writer.is_closing():
            writer.write(soupbin.encode("LogoutRequest"))
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _next_packet(self) -> tuple[str, bytes]:
        assert self._reader is not None
        while True:
            found = soupbin.next_packet(self._buffer)
            if found is not None:
                kind, payload, end = found
                del self._buffer[:end]
                return kind, payload
            async with asyncio.timeout(PEER_TIMEOUT_S):
                part = await self._reader.read(RECEIVE_BYTES)
            if not part:
                raise ConnectionError("the venue closed the connection")
            self._buffer += part


def _packet(kind: str, payload: bytes) -> bytes:
    return (len(payload) + 1).to_bytes(2, "big") + kind.encode("ascii") + payload
