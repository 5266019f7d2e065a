"""Goal: every message and option survives the codecs, and nothing that is not a message passes.

Method: random values for every message, compared byte by byte with a codec made from the tables of
docs/WIRE.md; every message cut at every length; random bytes.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wire import spec

from ironcore.wire import itch50, ouch50

LATIN_1 = st.characters(max_codepoint=255)
Encode = Callable[..., bytes]
Decode = Callable[..., dict[str, Any]]

CODECS: list[tuple[list[spec.Message], Encode, Decode]] = [
    (spec.ITCH, itch50.encode, itch50.decode),
    (spec.OUCH_INBOUND, ouch50.encode_inbound, ouch50.decode_inbound),
    (spec.OUCH_OUTBOUND, ouch50.encode_outbound, ouch50.decode_outbound),
]
each_message = pytest.mark.parametrize(
    ("message", "encode", "decode"),
    [
        pytest.param(message, encode, decode, id=f"{decode.__name__}-{message.kind}")
        for table, encode, decode in CODECS
        for message in table
    ],
)


def values_of(kind: str, width: int) -> st.SearchStrategy[spec.Value]:
    if kind == "c":
        return LATIN_1
    if kind == "a":
        return st.text(LATIN_1, max_size=width).map(lambda text: text.rstrip(" "))
    if kind == "i":
        return st.integers(-(1 << (8 * width - 1)), (1 << (8 * width - 1)) - 1)
    return st.integers(0, 256**width - 1)


def fields_of(message: spec.Message) -> st.SearchStrategy[dict[str, spec.Value]]:
    return st.fixed_dictionaries(
        {field.name: values_of(field.kind, field.width) for field in message.fields}
    )


APPENDAGES = st.fixed_dictionaries(
    {}, optional={name: values_of(kind, width) for name, (_, width, kind) in spec.OPTIONS.items()}
)


def pack_appendage(options: dict[str, spec.Value]) -> bytes:
    """In the order of the tags, as the encoder writes them."""
    out = b""
    for name, (tag, width, kind) in spec.OPTIONS.items():
        if name in options:
            value = options[name]
            if kind == "i":
                assert isinstance(value, int)
                raw = value.to_bytes(width, "big", signed=True)
            else:
                raw = spec.Field(0, width, name, kind).pack(value)
            out += bytes([1 + width, tag]) + raw
    return out


@each_message
@settings(max_examples=50)
@given(data=st.data())
def test_every_message_is_what_its_documented_table_says(
    message: spec.Message, encode: Encode, decode: Decode, data: st.DataObject
) -> None:
    fields = data.draw(fields_of(message))
    options = data.draw(APPENDAGES) if message.tail else {}
    more = {"appendage": options} if message.tail else {}
    encoded = encode(message.kind, **fields, **more)
    assert encoded == message.pack(fields, pack_appendage(options))
    decoded = decode(encoded)
    assert decoded == {"kind": message.kind, **fields, **more}
    assert encode(**decoded) == encoded


@each_message
@settings(max_examples=20)
@given(data=st.data())
def test_every_message_is_refused_at_every_other_length(
    message: spec.Message, encode: Encode, decode: Decode, data: st.DataObject
) -> None:
    fields = data.draw(fields_of(message))
    more = {"appendage": data.draw(APPENDAGES)} if message.tail else {}
    encoded = encode(message.kind, **fields, **more)
    for length in range(len(encoded)):
        if message.tail == "?" and length == message.size:
            assert decode(encoded[:length])["appendage"] == {}  # a message by itself
            continue
        with pytest.raises(ValueError, match="found"):
            decode(encoded[:length])
    with pytest.raises(ValueError, match="found"):
        decode(encoded + b"\0")


@pytest.mark.parametrize(
    ("encode", "decode"),
    [pytest.param(encode, decode, id=decode.__name__) for _, encode, decode in CODECS],
)
@given(data=st.data())
def test_any_bytes_are_a_message_or_an_error(
    encode: Encode, decode: Decode, data: st.DataObject
) -> None:
    types = {
        itch50.decode: "SRHYLVWKJhAFECXDUPQBINO",
        ouch50.decode_inbound: "OUXMCDEQ",
        ouch50.decode_outbound: "SAUCDEBJPITMRXGKQ",
    }[decode]
    type_byte = data.draw(st.sampled_from(types)).encode()
    noise = type_byte + data.draw(st.binary(max_size=90))
    try:
        decoded = decode(noise)
    except ValueError:
        return
    try:
        encoded = encode(**decoded)
    except ValueError as error:
        assert "option 'Tag" in str(error)  # noqa: PT017 - an unknown tag is read only
        return
    assert decode(encoded) == decoded
