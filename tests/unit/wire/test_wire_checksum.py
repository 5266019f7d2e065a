"""Goal: the checksum is CRC32C, by the processor's instruction and by table alike.

Method: published test vectors (RFC 3720 B.4, the usual check value), and both ways side by side.
"""

import random
from collections.abc import Callable

import pytest

from ironcore.wire.checksum import checksum, checksum_by_table

VECTORS = [
    (b"", 0),
    (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(reversed(range(32))), 0x113FDB5C),
]


@pytest.mark.parametrize("crc", [checksum, checksum_by_table])
@pytest.mark.parametrize(("data", "expected"), VECTORS)
def test_published_vectors(crc: Callable[[bytes], int], data: bytes, expected: int) -> None:
    assert crc(data) == expected


def test_both_ways_agree_at_every_length_and_alignment() -> None:
    data = random.Random(1).randbytes(96)
    for start in range(9):
        for end in range(start, len(data) + 1):
            part = memoryview(data)[start:end]
            assert checksum(part) == checksum_by_table(part), (start, end)


@pytest.mark.parametrize("crc", [checksum, checksum_by_table])
def test_a_checksum_goes_on_from_the_part_before(crc: Callable[..., int]) -> None:
    data = bytes(range(100))
    for cut in range(101):
        assert crc(data[cut:], crc(data[:cut])) == crc(data)


def test_one_flipped_bit_changes_the_checksum() -> None:
    data = bytes(range(64))
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert checksum(flipped) != checksum(data)
