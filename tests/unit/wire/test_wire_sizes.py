"""Goal: every message has the size and the place of each field that its specification gives it.

Method: the sizes are written down here once more; the tables of docs/WIRE.md must agree with them,
leave no byte uncovered, and the codecs must produce exactly these sizes.
"""

from collections.abc import Callable

import pytest
from tests.unit.wire import spec

from ironcore.wire import itch50, ouch50

# From the published specifications; OUCH without an optional appendage.
ITCH_BYTES = {
    "S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "W": 12, "K": 28, "J": 35, "h": 21,
    "A": 36, "F": 40, "E": 31, "C": 36, "X": 23, "D": 19, "U": 35, "P": 44, "Q": 40, "B": 19,
    "I": 50, "N": 20, "O": 48,
}  # fmt: skip
OUCH_INBOUND_BYTES = {"O": 47, "U": 40, "X": 9, "M": 10, "C": 19, "D": 11, "E": 11, "Q": 1}
OUCH_OUTBOUND_BYTES = {
    "S": 10, "A": 64, "U": 68, "C": 18, "D": 32, "E": 36, "B": 36, "J": 29, "P": 13, "I": 13,
    "T": 30, "M": 18, "R": 16, "X": 27, "G": 19, "K": 19, "Q": 13,
}  # fmt: skip
TAG_VALUE_BYTES = {
    1: 8, 2: 4, 3: 4, 4: 1, 5: 4, 6: 1, 7: 4, 9: 8, 10: 1, 11: 4, 12: 1, 13: 4, 14: 4, 15: 4,
    16: 1, 17: 1, 18: 1, 22: 4, 23: 8, 24: 2, 25: 1, 26: 4, 27: 1, 28: 1,
    128: 8, 129: 4, 130: 1, 133: 8, 134: 1, 135: 4,
}  # fmt: skip

PROTOCOLS = [
    pytest.param(spec.ITCH, ITCH_BYTES, itch50.encode, id="itch"),
    pytest.param(spec.OUCH_INBOUND, OUCH_INBOUND_BYTES, ouch50.encode_inbound, id="ouch-in"),
    pytest.param(spec.OUCH_OUTBOUND, OUCH_OUTBOUND_BYTES, ouch50.encode_outbound, id="ouch-out"),
]
each_protocol = pytest.mark.parametrize(("table", "sizes", "encode"), PROTOCOLS)
Table = list[spec.Message]


@each_protocol
def test_documented_sizes_are_those_of_the_specification(
    table: Table, sizes: dict[str, int], encode: Callable[..., bytes]
) -> None:
    assert {message.type: message.size for message in table} == sizes


@each_protocol
def test_documented_fields_cover_each_message_without_gap_or_overlap(
    table: Table, sizes: dict[str, int], encode: Callable[..., bytes]
) -> None:
    for message in table:
        at = 1
        for field in message.fields:
            assert field.offset == at, (message.kind, field.name)
            at += field.width
        assert at + (2 if message.tail == "+" else 0) == message.size, message.kind


@each_protocol
def test_encoded_messages_have_the_type_and_size_of_the_specification(
    table: Table, sizes: dict[str, int], encode: Callable[..., bytes]
) -> None:
    for message in table:
        values: dict[str, int | str] = dict.fromkeys([field.name for field in message.fields], 0)
        values |= {field.name: "" for field in message.fields if field.kind == "a"}
        values |= {field.name: "x" for field in message.fields if field.kind == "c"}
        encoded = encode(message.kind, **values)
        assert len(encoded) == sizes[message.type], message.kind
        assert encoded[:1] == message.type.encode(), message.kind


def test_options_have_the_tags_and_sizes_of_the_specification() -> None:
    assert {tag: width for tag, width, _ in spec.OPTIONS.values()} == TAG_VALUE_BYTES
    for name, (tag, width, kind) in spec.OPTIONS.items():
        value: int | str = 0 if kind in "uip" else "x"
        encoded = ouch50.encode_inbound(
            "CancelOrder", user_ref_num=1, quantity=0, appendage={name: value}
        )
        assert encoded[9:13] == bytes([0, 2 + width, 1 + width, tag]), name


def test_itch_message_bytes_are_those_of_the_specification() -> None:
    kinds = {message.kind: message.size for message in spec.ITCH}
    assert itch50.message_bytes() == kinds
