"""MoldUDP64 packets. A session is text of at most 10 characters, padded with spaces on the wire."""

from collections.abc import Iterable
from typing import Any

from typing_extensions import Buffer

def decode_packet(data: Buffer) -> dict[str, Any]:
    """The downstream packet in data: `kind` ("Data", "Heartbeat" or "EndOfSession"), session,
    sequence_number (of the first message, or of the next one where there is none) and messages (a
    list of bytes). ValueError: too short, or blocks that do not fill it exactly."""

def encode_packet(session: str, sequence_number: int, messages: Iterable[Buffer]) -> bytes:
    """A downstream packet; without messages it is a heartbeat."""

def encode_end_of_session(session: str, sequence_number: int) -> bytes:
    """The packet that ends a session; sequence_number is the one after the last message."""

def encode_request(session: str, sequence_number: int, message_count: int) -> bytes:
    """A request to send message_count messages again, from sequence_number on."""

def decode_request(data: Buffer) -> dict[str, Any]:
    """The request in data: `kind` ("Request"), session, sequence_number and message_count."""
