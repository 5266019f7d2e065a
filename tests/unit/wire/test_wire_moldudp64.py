"""Goal: MoldUDP64 packets carry their blocks exactly, and what does not fill a packet is refused.

Method: packets written out by hand.
"""

import pytest

from ironcore.wire import moldudp64

SESSION = b"DAY01     "
SEVEN = (7).to_bytes(8, "big")


def test_a_packet_with_messages() -> None:
    packet = SESSION + SEVEN + b"\0\x03" + b"\0\x02ab" + b"\0\0" + b"\0\x01c"
    decoded = {
        "kind": "Data",
        "session": "DAY01",
        "sequence_number": 7,
        "messages": [b"ab", b"", b"c"],
    }
    assert moldudp64.decode_packet(packet) == decoded
    assert moldudp64.encode_packet("DAY01", 7, [b"ab", b"", b"c"]) == packet


def test_heartbeat_and_end_of_session_carry_the_next_number_and_no_blocks() -> None:
    heartbeat = SESSION + SEVEN + b"\0\0"
    end = SESSION + SEVEN + b"\xff\xff"
    assert moldudp64.encode_packet("DAY01", 7, []) == heartbeat
    assert moldudp64.encode_end_of_session("DAY01", 7) == end
    for packet, kind in [(heartbeat, "Heartbeat"), (end, "EndOfSession")]:
        assert moldudp64.decode_packet(packet) == {
            "kind": kind,
            "session": "DAY01",
            "sequence_number": 7,
            "messages": [],
        }
        with pytest.raises(ValueError, match="block 1 at offset 20: found more bytes"):
            moldudp64.decode_packet(packet + b"\0")


def test_blocks_that_do_not_fill_the_packet_are_refused() -> None:
    head = SESSION + SEVEN + b"\0\x02"
    for tail in [b"", b"\0", b"\0\x02", b"\0\x02a", b"\0\x02ab", b"\0\x02ab\0", b"\0\x02ab\0\x01"]:
        with pytest.raises(ValueError, match="found the end of the packet, expected message_count"):
            moldudp64.decode_packet(head + tail)
    with pytest.raises(ValueError, match="block 3 at offset 26: found more bytes"):
        moldudp64.decode_packet(head + b"\0\x02ab\0\0\0")


def test_a_packet_shorter_than_a_header_is_refused() -> None:
    for size in range(20):
        with pytest.raises(ValueError, match=f"found {size} bytes, expected at least 20"):
            moldudp64.decode_packet(bytes(size))


def test_a_request_is_exactly_twenty_bytes() -> None:
    request = SESSION + SEVEN + b"\x01\x00"
    assert moldudp64.encode_request("DAY01", 7, 256) == request
    assert moldudp64.decode_request(request) == {
        "kind": "Request",
        "session": "DAY01",
        "sequence_number": 7,
        "message_count": 256,
    }
    for wrong in [b"", request[:-1], request + b"\0"]:
        with pytest.raises(ValueError, match=f"request: found {len(wrong)} bytes, expected 20"):
            moldudp64.decode_request(wrong)


def test_a_packet_takes_65534_messages_and_not_one_more() -> None:
    packet = moldudp64.encode_packet("S", 1, [b""] * 65534)
    assert len(moldudp64.decode_packet(packet)["messages"]) == 65534
    with pytest.raises(ValueError, match="messages: found 65535, expected at most 65534"):
        moldudp64.encode_packet("S", 1, [b""] * 65535)


def test_what_cannot_be_encoded_is_named() -> None:
    with pytest.raises(ValueError, match="session: found 'ELEVENCHARS', expected text of at most"):
        moldudp64.encode_packet("ELEVENCHARS", 1, [])
    with pytest.raises(ValueError, match="sequence_number: found -1, expected an integer"):
        moldudp64.encode_end_of_session("S", -1)
    with pytest.raises(ValueError, match="message_count: found 65536"):
        moldudp64.encode_request("S", 1, 65536)
    with pytest.raises(ValueError, match="messages: found one of 65536 bytes"):
        moldudp64.encode_packet("S", 1, [bytes(65536)])
