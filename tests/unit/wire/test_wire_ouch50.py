"""Goal: OUCH 5.0 messages and appendages are accepted and refused as docs/WIRE.md says.

Method: messages written out by hand, each wrong in one way; the error must name what is wrong.
"""

from typing import Any

import pytest

from ironcore.wire import ouch50

ENTER = (
    b"O" + b"\0\0\0\x01" + b"B" + b"\0\0\0\x64" + b"BTCUSD  " + (2345600).to_bytes(8, "big")
    + b"0YONN" + b"order-1       "
)  # fmt: skip
ENTER_FIELDS: dict[str, Any] = {
    "user_ref_num": 1,
    "side": "B",
    "quantity": 100,
    "symbol": "BTCUSD",
    "price": 2345600,
    "time_in_force": "0",
    "display": "Y",
    "capacity": "O",
    "iso": "N",
    "cross_type": "N",
    "cl_ord_id": "order-1",
}


def test_an_order_as_the_specification_has_it() -> None:
    expected = {"kind": "EnterOrder", **ENTER_FIELDS, "appendage": {}}
    assert ouch50.decode_inbound(ENTER + b"\0\0") == expected
    assert ouch50.encode_inbound("EnterOrder", **ENTER_FIELDS) == ENTER + b"\0\0"


def test_options_in_any_order_are_read_and_written_by_tag() -> None:
    elements = b"\x05\x03\0\0\0\x0a" + b"\x05\x02FIRM" + b"\x05\x07\xff\xff\xff\xfb"
    message = ENTER + b"\0\x12" + elements
    decoded = ouch50.decode_inbound(message)
    assert decoded["appendage"] == {"MinQty": 10, "Firm": "FIRM", "PegOffset": -5}
    by_tag = b"\x05\x02FIRM" + b"\x05\x03\0\0\0\x0a" + b"\x05\x07\xff\xff\xff\xfb"
    assert ouch50.encode_inbound(**decoded) == ENTER + b"\0\x12" + by_tag


def test_an_optional_appendage_may_be_absent_empty_or_there() -> None:
    bare = b"X" + b"\0\0\0\x07" + b"\0\0\0\0"
    for message in [bare, bare + b"\0\0"]:
        assert ouch50.decode_inbound(message) == {
            "kind": "CancelOrder",
            "user_ref_num": 7,
            "quantity": 0,
            "appendage": {},
        }
    assert ouch50.decode_inbound(bare + b"\0\x03\x02\x1c\x05")["appendage"] == {"UserRefIdx": 5}
    assert ouch50.decode_inbound(b"Q")["appendage"] == {}
    assert ouch50.decode_inbound(b"Q\0\x03\x02\x1c\x05")["appendage"] == {"UserRefIdx": 5}
    assert ouch50.encode_inbound("CancelOrder", user_ref_num=7, quantity=0) == bare
    assert (
        ouch50.encode_inbound("AccountQuery", appendage={"UserRefIdx": 5}).hex() == "510003021c05"
    )


def test_a_captured_order_canceled_has_eighteen_bytes() -> None:
    message = ouch50.encode_outbound(
        "OrderCanceled", timestamp=1, user_ref_num=2, quantity=3, reason="U"
    )
    assert message.hex() == "43" + "0000000000000001" + "00000002" + "00000003" + "55"


def test_an_unknown_tag_is_shown_as_bytes_and_cannot_be_written() -> None:
    decoded = ouch50.decode_inbound(ENTER + b"\0\x06" + b"\x03\x14\x01\x02" + b"\x01\x08")
    assert decoded["appendage"] == {"Tag20": b"\x01\x02", "Tag8": b""}
    with pytest.raises(ValueError, match="appendage: found option 'Tag20', expected one of Sec"):
        ouch50.encode_inbound(**decoded)


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param(b"\x00", id="length 0"),
        pytest.param(b"\x05\x03\0\0\0", id="reaches over the end"),
        pytest.param(b"\x05", id="only a length"),
        pytest.param(b"\x04\x03\0\0\0", id="known tag, too short"),
        pytest.param(b"\x06\x03\0\0\0\0\0", id="known tag, too long"),
        pytest.param(b"\x01\x03", id="known tag, no value"),
        pytest.param(b"\x05\x03\0\0\0\x01\x05\x03\0\0\0\x01", id="twice"),
        pytest.param(b"\x02\x1c\x01\x00", id="second has length 0"),
    ],
)
def test_a_malformed_appendage_is_refused(elements: bytes) -> None:
    message = ENTER + len(elements).to_bytes(2, "big") + elements
    with pytest.raises(ValueError, match="OUCH inbound EnterOrder: appendage: found"):
        ouch50.decode_inbound(message)


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (b"", "OUCH inbound: found 0 bytes"),
        (b"!", "type: found '!', expected one of O U X M C D E Q"),
        (ENTER, "EnterOrder: found 45 bytes, expected at least 47"),
        (ENTER + b"\0\x01", "EnterOrder: appendage_length: found 1, expected 0"),
        (ENTER + b"\0\0\0", "EnterOrder: appendage_length: found 0, expected 1"),
        (b"X" + bytes(9), "CancelOrder: found 10 bytes, expected 9, or at least 11"),
        (b"X" + bytes(11), "CancelOrder: appendage_length: found 0, expected 1"),
        (b"Q\0", "AccountQuery: found 2 bytes, expected 1, or at least 3"),
    ],
)
def test_a_message_of_another_size_is_refused(message: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ouch50.decode_inbound(message)


def test_a_system_event_has_no_appendage() -> None:
    event = ouch50.encode_outbound("SystemEvent", timestamp=5, event_code="S")
    assert ouch50.decode_outbound(event) == {
        "kind": "SystemEvent",
        "timestamp": 5,
        "event_code": "S",
    }
    with pytest.raises(ValueError, match="SystemEvent: found 11 bytes, expected 10"):
        ouch50.decode_outbound(event + b"\0")
    with pytest.raises(ValueError, match="appendage: found a field of this name"):
        ouch50.encode_outbound("SystemEvent", appendage={"Side": "B"}, timestamp=5, event_code="S")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"quantity": -1}, "quantity: found -1, expected an integer from 0 to 4294967295"),
        ({"quantity": 1 << 32}, "quantity: found 4294967296"),
        ({"quantity": 1.0}, "quantity: found 1.0"),
        ({"quantity": "1"}, "quantity: found '1'"),
        ({"price": 1 << 64}, "price: found 18446744073709551616"),
        ({"side": ""}, "side: found '', expected one character"),
        ({"side": "BS"}, "side: found 'BS', expected one character"),
        ({"side": "€"}, "side: found '€', expected one character"),
        ({"side": 66}, "side: found 66, expected one character"),
        ({"symbol": "ABCDEFGHI"}, "symbol: found 'ABCDEFGHI', expected text of at most 8"),
        ({"colour": "red"}, "colour: found a field of this name, expected one of user_ref_num"),
        ({"appendage": {"MinQty": 1 << 32}}, "MinQty: found 4294967296"),
        ({"appendage": {"PegOffset": 1 << 31}}, "PegOffset: found 2147483648, expected an integer"),
        ({"appendage": {"Firm": "ABCDE"}}, "Firm: found 'ABCDE', expected text of at most 4"),
    ],
)
def test_what_cannot_be_encoded_is_named(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ouch50.encode_inbound("EnterOrder", **{**ENTER_FIELDS, **change})


def test_a_missing_field_and_an_unknown_kind_are_named() -> None:
    fields = {name: value for name, value in ENTER_FIELDS.items() if name != "iso"}
    with pytest.raises(ValueError, match="EnterOrder: iso: found nothing, expected one character"):
        ouch50.encode_inbound("EnterOrder", **fields)
    with pytest.raises(ValueError, match="kind: found 'OrderAccepted', expected one of EnterOrder"):
        ouch50.encode_inbound("OrderAccepted", **ENTER_FIELDS)


def test_any_buffer_can_be_decoded() -> None:
    message = ENTER + b"\0\0"
    expected = ouch50.decode_inbound(message)
    assert ouch50.decode_inbound(bytearray(message)) == expected
    assert ouch50.decode_inbound(memoryview(b"..." + message)[3:]) == expected
