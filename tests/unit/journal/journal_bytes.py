"""The journal's format written a second time, plainly, so that tests do not believe the code."""

import struct
from pathlib import Path

STREAM_NAME = b"TESTSTREAM"
SEGMENT_HEADER_BYTES = 64
SECTOR_BYTES = 512

_TABLE = []
for _byte in range(256):
    _crc = _byte
    for _ in range(8):
        _crc = _crc >> 1 ^ (0x82F63B78 if _crc & 1 else 0)
    _TABLE.append(_crc)


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def record(sequence: int, payload: bytes) -> bytes:
    number = struct.pack("<Q", sequence)
    header = struct.pack("<II", len(payload), crc32c(number + payload)) + number
    return header + payload + bytes(-len(payload) % 8)


def mark(sequence: int) -> bytes:
    """A durability mark: everything up to this frame was durable when it was written."""
    return record(sequence, b"")


def segment_header(first_sequence: int, stream_name: bytes = STREAM_NAME) -> bytes:
    head = struct.pack("<8sIIQ10s26x", b"IRONJRNL", 3, 64, first_sequence, stream_name)
    return head + struct.pack("<I", crc32c(head))


def segment_path(directory: Path, first_sequence: int) -> Path:
    return directory / f"{first_sequence:016d}.journal"


def write_segment(directory: Path, frames: list[tuple[int, bytes]], first: int = 0) -> Path:
    """A segment with these frames; `first` where there are none."""
    first_sequence = frames[0][0] if frames else first
    path = segment_path(directory, first_sequence)
    path.write_bytes(segment_header(first_sequence) + b"".join(record(*f) for f in frames))
    return path


def frames_numbered(first: int, count: int, payload_bytes: int = 40) -> list[tuple[int, bytes]]:
    return [(n, bytes([n % 251 + 1]) * payload_bytes) for n in range(first, first + count)]
