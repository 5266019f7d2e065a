"""Goal: what is framed comes out as it went in, however the network or the disk has cut it.

Method: random packets, cut anywhere and read as they come; random bytes in place of packets.
"""

import io
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.wire import spec

from ironcore.wire import itch50, moldudp64, record, soupbin
from ironcore.wire.itch_file import ItchFileReader, write_messages

PRINTABLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
U64 = st.integers(0, 2**64 - 1)


def name(width: int) -> st.SearchStrategy[str]:
    return st.text(PRINTABLE, max_size=width)


SOUP_PACKETS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"kind": st.just("LoginAccepted"), "session": name(10)}).flatmap(
        lambda packet: U64.map(lambda n: packet | {"sequence_number": n})
    ),
    st.builds(lambda reason: {"kind": "LoginRejected", "reason": reason}, PRINTABLE),
    st.builds(
        lambda kind, message: {"kind": kind, "message": message},
        st.sampled_from(["SequencedData", "UnsequencedData"]),
        st.binary(max_size=80),
    ),
    st.builds(lambda text: {"kind": "Debug", "text": text}, name(30)),
    st.sampled_from(
        [
            {"kind": kind}
            for kind in ["ServerHeartbeat", "ClientHeartbeat", "EndOfSession", "LogoutRequest"]
        ]
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("LoginRequest"),
            "username": name(6).map(str.upper),
            "password": name(10).map(str.upper),
            "requested_session": name(10),
            "requested_sequence": U64,
            "heartbeat_timeout_ms": st.integers(1, 99999),
        }
    ),
)


@given(
    packets=st.lists(SOUP_PACKETS, max_size=12),
    cuts=st.lists(st.integers(0, 1500), max_size=20),
)
def test_soup_packets_survive_any_split_and_any_coalescing(
    packets: list[dict[str, Any]], cuts: list[int]
) -> None:
    stream = b"".join(soupbin.encode(**packet) for packet in packets)
    edges = sorted({0, len(stream), *[cut for cut in cuts if cut < len(stream)]})
    received = bytearray()
    found = []
    for start, end in pairwise(edges):
        received += stream[start:end]
        offset = 0
        while (packet := soupbin.next_packet(received, offset)) is not None:
            found.append(soupbin.decode(received[offset : packet[2]]))
            offset = packet[2]
        del received[:offset]
    assert found == packets
    assert not received


@given(data=st.binary(max_size=120))
def test_any_bytes_are_soup_packets_or_an_error(data: bytes) -> None:
    offset = 0
    try:
        while (packet := soupbin.next_packet(data, offset)) is not None:
            assert offset + 3 + len(packet[1]) == packet[2] <= len(data)
            try:
                soupbin.decode(data[offset : packet[2]])
            except ValueError as error:
                assert "found" in str(error)  # noqa: PT017 - either outcome is fine
            offset = packet[2]
    except ValueError as error:
        assert f"found 0 at offset {offset}" in str(error)  # noqa: PT017


@given(
    session=name(10),
    sequence=U64,
    messages=st.lists(st.binary(max_size=60), max_size=20),
)
def test_mold_packets_carry_their_messages(
    session: str, sequence: int, messages: list[bytes]
) -> None:
    packet = moldudp64.encode_packet(session, sequence, messages)
    assert moldudp64.decode_packet(packet) == {
        "kind": "Data" if messages else "Heartbeat",
        "session": session,
        "sequence_number": sequence,
        "messages": messages,
    }
    for length in range(len(packet)):
        with pytest.raises(ValueError, match="found"):
            moldudp64.decode_packet(packet[:length])


@given(data=st.binary(min_size=18, max_size=60), count=st.integers(0, 5))
def test_any_bytes_are_a_mold_packet_or_an_error(data: bytes, count: int) -> None:
    packet = data[:18] + count.to_bytes(2, "big") + data[18:]
    try:
        decoded = moldudp64.decode_packet(packet)
    except ValueError:
        return
    again = moldudp64.encode_packet(
        decoded["session"], decoded["sequence_number"], decoded["messages"]
    )
    assert again[10:] == packet[10:]


def itch_messages() -> st.SearchStrategy[bytes]:
    return st.sampled_from(spec.ITCH).flatmap(
        lambda message: st.binary(min_size=message.size - 1, max_size=message.size - 1).map(
            lambda body: message.type.encode() + body
        )
    )


@given(messages=st.lists(itch_messages(), max_size=20), cut=st.integers(0, 1000))
def test_itch_files_come_back_up_to_where_they_are_cut(messages: list[bytes], cut: int) -> None:
    file = io.BytesIO()
    assert write_messages(file, messages) == len(messages)
    data = file.getvalue()
    assert list(ItchFileReader(data)) == messages
    reader = ItchFileReader(data[:cut])
    found: list[bytes] = []
    try:
        found.extend(reader)
    except ValueError as error:
        assert f"offset {reader.offset}" in str(error)  # noqa: PT017
        assert reader.offset < cut
    assert found == messages[: len(found)]
    assert reader.offset == sum(2 + len(message) for message in found)
    for message in found:
        assert itch50.encode(**itch50.decode(message)) == message


RECORD_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "quantity": st.integers(0, 2**32 - 1),
        "price": st.integers(-(2**31), 2**31 - 1),
        "options": st.fixed_dictionaries({}, optional={"min_quantity": st.integers(0, 9)}),
    },
)


@given(
    kind=st.sampled_from(["EnterOrder", "ReplaceOrder"]),
    fields=RECORD_FIELDS,
    header=st.fixed_dictionaries({"session": st.integers(0, 2**32 - 1), "time_ns": U64}),
    events=st.lists(st.sampled_from(["Accepted", "Executed", "Canceled", "Added"]), max_size=20),
)
def test_records_come_back_and_are_refused_at_every_cut(
    kind: str, fields: dict[str, Any], header: dict[str, int], events: list[str]
) -> None:
    parts = [record.encode(kind, **fields, **header)]
    parts += [record.encode(event, order_ref=i) for i, event in enumerate(events)]
    frame = b"".join(parts)
    found = record.decode_frame(frame)
    assert [one["kind"] for one in found] == [kind, *events]
    assert found[0].items() >= (header | fields).items()
    assert b"".join(record.encode(**one) for one in found) == frame
    assert record.check_frame(frame)
    edges = {sum(len(part) for part in parts[:i]) for i in range(len(parts) + 1)}
    for length in set(range(len(frame))) - edges:
        assert not record.check_frame(frame[:length])


@given(
    type_byte=st.integers(0, 255),
    said=st.integers(0, 90).map(lambda n: n * 8),
    noise=st.binary(max_size=100),
)
def test_any_bytes_are_records_or_an_error(type_byte: int, said: int, noise: bytes) -> None:
    frame = bytes([type_byte, 0]) + said.to_bytes(2, "little") + noise
    try:
        found = record.decode_frame(frame)
    except ValueError:
        return
    assert sum(len(record.encode(**one)) for one in found) == len(frame)
