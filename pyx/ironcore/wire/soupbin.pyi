"""SoupBinTCP packets as dicts.

    LoginRequest        username password requested_session ("": the current one)
                        requested_sequence (0: from the most recently generated message)
                        heartbeat_timeout_ms
    LoginAccepted       session sequence_number (of the next sequenced message)
    LoginRejected       reason ("A": not authorized, "S": session not available)
    SequencedData       message (bytes)
    UnsequencedData     message (bytes)
    Debug               text
    ServerHeartbeat, ClientHeartbeat, EndOfSession, LogoutRequest

Decoding accepts text and numbers padded on either side, with spaces or NULs; user and password come
in upper case. heartbeat_timeout_ms is 15000 where a login does not have it; given to encode, it
makes a 4.10 login, left out or None one of 3.00 and 4.00.

ValueError names the packet, the field, what was found and what was expected.
"""

from typing import Any

from typing_extensions import Buffer

def next_packet(data: Buffer, offset: int = 0) -> tuple[str, bytes, int] | None:
    """The packet that starts at offset in what was received: its type, its payload and the offset
    of the next one; None when the data ends within it. ValueError: a length of 0."""

def decode(data: Buffer) -> dict[str, Any]:
    """The one whole packet in data."""

def encode(kind: str, **fields: int | str | bytes | None) -> bytes:
    """The whole packet of this kind."""
