"""Goal: a frame is a datagram of the feed, or it is dropped for the reason that is counted.

Method: frames written here by hand, field by field, beside the ones that are built for sending;
then every single bit of a good one turned over.
"""

import socket
import struct

import pytest

from ironcore.net.af_xdp.frames import build, judge

GROUP, PORT = "239.200.1.2", 26400
SOURCE, SOURCE_PORT = "10.0.0.7", 41000
MAC = bytes.fromhex("02005e001122")
PAYLOADS = [b"", b"x", b"odd", b"twelve bytes", bytes(range(256)) * 5, b"\xff" * 1472]
PSEUDO = struct.pack("!4s4sBBH", socket.inet_aton(SOURCE), socket.inet_aton(GROUP), 0, 17, 0)


def ones_sum(data: bytes) -> int:
    """RFC 1071, as slowly as it is written there."""
    total = 0
    for at in range(0, len(data), 2):
        total += int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def frame(payload: bytes, *, udp_checksum: int | None = None, **fields: int) -> bytes:
    """As a stranger would send it; fields: other values than the right ones."""
    udp_bytes = fields.get("udp_bytes", 8 + len(payload))
    udp = struct.pack("!HHHH", SOURCE_PORT, fields.get("port", PORT), udp_bytes, 0) + payload
    pseudo = PSEUDO[:-2] + struct.pack("!H", udp_bytes)
    if udp_checksum is None:
        udp_checksum = 0xFFFF ^ ones_sum(pseudo + udp) or 0xFFFF
    udp = udp[:6] + struct.pack("!H", udp_checksum) + udp[8:]
    ip = struct.pack(
        "!BBHHHBBH4s4s",
        fields.get("version", 0x45),
        0,
        fields.get("ip_bytes", 20 + len(udp)),
        0,
        fields.get("fragment", 0x4000),
        fields.get("ttl", 3),
        fields.get("protocol", 17),
        0,
        socket.inet_aton(SOURCE),
        socket.inet_aton(GROUP),
    )
    ip = ip[:10] + struct.pack("!H", 0xFFFF ^ ones_sum(ip)) + ip[12:]
    ethernet = bytes.fromhex("01005e480102") + MAC
    return ethernet + struct.pack("!H", fields.get("ethertype", 0x0800)) + ip + udp


@pytest.mark.parametrize("payload", PAYLOADS, ids=len)
def test_what_is_built_is_what_a_stranger_would_send(payload: bytes) -> None:
    built = build(payload, MAC, SOURCE, SOURCE_PORT, GROUP, PORT, 3)
    assert built == frame(payload)
    assert judge(built, GROUP, PORT) == ("good", payload, False)


def test_a_checksum_that_comes_to_zero_is_sent_as_all_ones() -> None:
    rest = ones_sum(frame(b"\0\0", udp_checksum=0)[34:] + PSEUDO[:-2] + struct.pack("!H", 10))
    payload = struct.pack("!H", 0xFFFF - rest)
    built = build(payload, MAC, SOURCE, SOURCE_PORT, GROUP, PORT, 3)
    assert built[40:42] == b"\xff\xff"
    assert judge(built, GROUP, PORT) == ("good", payload, False)


def test_what_ethernet_pads_is_no_part_of_the_datagram() -> None:
    assert judge(frame(b"x") + bytes(17), GROUP, PORT) == ("good", b"x", False)


def test_a_datagram_without_a_checksum_is_good() -> None:
    assert judge(frame(b"none", udp_checksum=0), GROUP, PORT) == ("good", b"none", False)


def test_a_checksum_left_to_a_card_that_there_is_not_is_good_and_told() -> None:
    payload = b"over veth"
    pseudo = PSEUDO[:-2] + struct.pack("!H", 8 + len(payload))
    left = frame(payload, udp_checksum=ones_sum(pseudo))
    assert judge(left, GROUP, PORT) == ("good", payload, True)


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"port": PORT + 1}, "foreign"),
        ({"ethertype": 0x8100}, "foreign"),
        ({"ethertype": 0x86DD}, "foreign"),
        ({"version": 0x46}, "foreign"),
        ({"fragment": 0x2000}, "foreign"),
        ({"fragment": 0x0001}, "foreign"),
        ({"protocol": 6}, "foreign"),
        ({"ip_bytes": 200}, "malformed"),
        ({"ip_bytes": 27}, "malformed"),
        ({"udp_bytes": 7}, "malformed"),
        ({"udp_bytes": 13}, "malformed"),
        ({"udp_checksum": 0x1234}, "corrupt"),
    ],
)
def test_what_is_not_a_datagram_of_the_feed_is_dropped(
    fields: dict[str, int], verdict: str
) -> None:
    assert judge(frame(b"four", **fields), GROUP, PORT) == (verdict, b"", False)


def test_another_group_is_foreign() -> None:
    assert judge(frame(b"four"), "239.200.1.3", PORT)[0] == "foreign"


def test_every_cut_is_malformed() -> None:
    whole = frame(b"whole")
    assert judge(whole, GROUP, PORT)[0] == "good"
    for length in range(len(whole)):
        assert judge(whole[:length], GROUP, PORT)[0] == "malformed"


def test_no_single_bit_turned_over_in_ip_or_udp_goes_through() -> None:
    whole = frame(bytes(range(64)))
    for bit in range(14 * 8, len(whole) * 8):
        turned = bytearray(whole)
        turned[bit // 8] ^= 1 << bit % 8
        assert judge(bytes(turned), GROUP, PORT)[0] != "good", f"bit {bit}"
