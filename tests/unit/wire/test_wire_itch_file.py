"""Goal: an ITCH file is read to its end, or to the offset at which it is broken, and no further.

Method: small files written out by hand, each broken in one way.
"""

import io
import mmap
from pathlib import Path

import pytest

from ironcore.wire import itch50
from ironcore.wire.itch_file import ItchFileReader, frame, write_messages

EVENT = itch50.encode("SystemEvent", timestamp=1, event_code="O")
DELETE = itch50.encode("OrderDelete", timestamp=2, order_ref=9)
UNKNOWN = b"\0\x03@ab"


def test_messages_come_back_in_order_with_their_offsets() -> None:
    file = io.BytesIO()
    assert write_messages(file, [EVENT, DELETE, EVENT]) == 3
    reader = ItchFileReader(file.getvalue())
    found = []
    offsets = []
    for message in reader:
        found.append(message)
        offsets.append(reader.offset)
    assert found == [EVENT, DELETE, EVENT]
    assert offsets == [14, 35, 49]
    assert (reader.messages, reader.offset) == (3, len(file.getvalue()))


def test_a_file_may_be_empty_or_end_with_a_length_of_zero() -> None:
    assert list(ItchFileReader(b"")) == []
    reader = ItchFileReader(frame(EVENT) + b"\0\0")
    assert list(reader) == [EVENT]
    assert reader.offset == 16


def test_a_file_is_read_from_a_map(tmp_path: Path) -> None:
    path = tmp_path / "orders.itch"
    path.write_bytes(frame(EVENT) + frame(DELETE))
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        reader = ItchFileReader(mapped)
        assert list(reader) == [EVENT, DELETE]
        del reader  # it holds the map


def test_a_truncated_file_says_where() -> None:
    whole = frame(EVENT) + frame(DELETE)
    for size in range(15, len(whole)):
        reader = ItchFileReader(whole[:size])
        assert next(reader) == EVENT
        with pytest.raises(ValueError, match="message 2 at offset 14: found the end of the data"):
            next(reader)
        assert reader.offset == 14


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (b"\0\x0b" + EVENT[:-1], "length: found 11"),
        (b"\0\x0d" + EVENT + b"\0", "length: found 13"),
        (b"\0\0" + frame(EVENT), "length: found 0"),
        (UNKNOWN, "type: found '@'"),
    ],
)
def test_a_malformed_frame_says_where_and_what(broken: bytes, complaint: str) -> None:
    reader = ItchFileReader(frame(EVENT) + broken)
    assert next(reader) == EVENT
    for _ in range(2):  # it stays where it is
        with pytest.raises(ValueError, match=f"message 2 at offset 14: {complaint}"):
            next(reader)


def test_unknown_types_are_stepped_over_when_asked() -> None:
    data = UNKNOWN + frame(EVENT) + UNKNOWN + UNKNOWN + frame(DELETE) + UNKNOWN
    assert list(ItchFileReader(data, skip_unknown=True)) == [EVENT, DELETE]


@pytest.mark.parametrize("message", [b"", b"@", EVENT[:-1], EVENT + b"\0"])
def test_only_whole_messages_are_written(message: bytes) -> None:
    with pytest.raises(ValueError, match=f"found {len(message)} bytes, expected one whole ITCH"):
        frame(message)
