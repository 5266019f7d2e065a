"""A subscriber that joins late: asks a snapshot server for the books."""

import select
import socket
import time
from collections.abc import Callable

from ironpit.client.soup import LoginError, connect_blocking
from ironpit.config import Endpoint

TIMEOUT_S = 30.0
TURN_S = 0.002
RECEIVE_BYTES = 1 << 18
SEQUENCED = ord("S")
HEADER_BYTES = 3


class SnapshotError(Exception):
    """No snapshot; the text says from whom, and what went wrong."""


def fetch(server: Endpoint, session: str, turn: Callable[[], bool]) -> tuple[int, bytes]:
    """The sequence number to go on with, and the books before it as length-framed ITCH.

    turn: called all the while, so that the stream's packets can be taken in; False ends the wait.
    """
    try:
        connection, _, _ = connect_blocking(
            (server.address, server.port), "FEED", "", session=session, sequence=1, timeout_s=5.0
        )
    except (LoginError, OSError) as error:
        raise SnapshotError(f"snapshot server {server}: {error}") from error
    with connection:
        connection.setblocking(False)
        return _read(connection, server, turn)


def _read(
    connection: socket.socket, server: Endpoint, turn: Callable[[], bool]
) -> tuple[int, bytes]:
    deadline_s = time.monotonic() + TIMEOUT_S
    framed = bytearray()
    buffer = bytearray()
    while turn() and time.monotonic() < deadline_s:
        if not select.select([connection], [], [], TURN_S)[0]:
            continue
        try:
            data = connection.recv(RECEIVE_BYTES)
        except OSError as error:
            raise SnapshotError(f"snapshot server {server}: {error.strerror}") from error
        if not data:
            raise SnapshotError(f"snapshot server {server}: closed before the end of its snapshot")
        buffer += data
        sequence = _take(buffer, framed)
        if sequence is not None:
            return sequence, bytes(framed)
    raise SnapshotError(f"snapshot server {server}: no whole snapshot in {TIMEOUT_S:.0f} s")


def _take(buffer: bytearray, framed: bytearray) -> int | None:
    """Move whole packets out of the buffer; the number of 'G' when that has come."""
    at = 0
    found = None
    while found is None and len(buffer) - at >= HEADER_BYTES:
        end = at + 2 + int.from_bytes(buffer[at : at + 2], "big")
        if end > len(buffer):
            break
        if buffer[at + 2] == SEQUENCED:
            message = buffer[at + 3 : end]
            if message[:1] == b"G":
                found = int(message[1:])
            else:
                framed += len(message).to_bytes(2, "big") + message
        at = end
    del buffer[:at]
    return found
