"""Recordings of market data: length-framed ITCH 5.0."""

import hashlib
from pathlib import Path

LENGTH_BYTES = 2
# Each ITCH 5.0 message has its time, 6 bytes of ns since midnight, behind type, stock locate and
# tracking number.
TIME = slice(LENGTH_BYTES + 5, LENGTH_BYTES + 11)


def stream_digest(file: Path) -> str:
    """SHA-256 of all messages in their order, lengths included, times masked: the same for the same
    stream, whenever it was and whatever carried it."""
    data = bytearray(file.read_bytes())
    at = 0
    while at < len(data):
        end = at + LENGTH_BYTES + int.from_bytes(data[at : at + LENGTH_BYTES], "big")
        data[at + TIME.start : at + TIME.stop] = bytes(6)
        at = end
    return hashlib.sha256(data).hexdigest()
