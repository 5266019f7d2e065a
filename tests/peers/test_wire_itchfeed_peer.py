"""Goal: ITCH messages mean the same to us and to others.

Method: PyPI `itchfeed`, which shares no code with us, decodes and encodes the same messages: every
kind with random bytes, and the recorded market that the demonstration uses.
"""

import io
import random
from pathlib import Path
from typing import Any

import pytest
from itch.messages import messages as peer_types
from itch.parser import MessageParser
from tests.unit.wire import spec

from ironcore.wire import itch50
from ironcore.wire.itch_file import ItchFileReader, write_messages

RECORDED = Path(__file__).resolve().parents[2] / "../shared/data/orders/bitstamp-2015-05-01.itch"


def peer_values(message: Any) -> list[int | str]:
    """In the order on the wire: the peer sets its attributes so, but the timestamp last."""
    values = dict(vars(message))
    timestamp = values.pop("timestamp")
    found = list(values.values())
    found.insert(2, timestamp)
    return [one.decode("latin-1") if isinstance(one, bytes) else one for one in found]


def our_values(message: bytes) -> list[int | str]:
    decoded = itch50.decode(message)
    table = next(one for one in spec.ITCH if one.kind == decoded["kind"])
    return [
        decoded[field.name].ljust(field.width) if field.kind == "a" else decoded[field.name]
        for field in table.fields
    ]


def random_messages(count: int) -> list[bytes]:
    source = random.Random(50)
    return [
        message.type.encode() + source.randbytes(message.size - 1)
        for message in spec.ITCH
        for _ in range(count)
    ]


def test_every_kind_of_message_has_the_same_values_for_a_peer() -> None:
    messages = random_messages(50)
    assert {message[:1] for message in messages} == set(peer_types)
    for message in messages:
        peer = peer_types[message[:1]](message)
        assert our_values(message) == peer_values(peer)
        assert itch50.encode(**itch50.decode(message)) == peer.to_bytes() == message


def test_a_peer_reads_the_file_that_we_write() -> None:
    # The peer stops at its end-of-messages event: keep random bytes from making one.
    messages = [one for one in random_messages(5) if one[:1] != b"S"]
    file = io.BytesIO()
    write_messages(file, messages)
    file.seek(0)
    assert [one.to_bytes() for one in MessageParser().parse_file(file)] == messages


@pytest.mark.needs_data("../shared/data/orders/bitstamp-2015-05-01.itch")
def test_a_recorded_market_is_the_same_to_a_peer() -> None:
    data = RECORDED.read_bytes()
    reader = ItchFileReader(data)
    peers = MessageParser().parse_file(io.BytesIO(data))
    count = 0
    for message, peer in zip(reader, peers, strict=True):
        assert our_values(message) == peer_values(peer)
        assert itch50.encode(**itch50.decode(message)) == message
        count += 1
    assert count == reader.messages == 50176
    assert reader.offset == len(data)
