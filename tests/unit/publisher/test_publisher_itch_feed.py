"""Goal: each event that the public may see is the one ITCH message that says so, and nothing else
is published. Method: frames and expected messages are packed by hand from the documents."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.publisher.stream_frames import (
    ACCEPTED,
    ADDED,
    CANCEL_ORDER,
    CANCEL_SESSION,
    CANCELED,
    CROSSES,
    DEFINE_INSTRUMENT,
    ENTER_ORDER,
    EXECUTED,
    INSTRUMENT_DEFINED,
    MODIFIED,
    MODIFY_ORDER,
    NO_INSTRUMENT,
    REJECTED,
    REPLACE_ORDER,
    REPLACED,
    SELL,
    STREAM_NAME,
    STREAM_START,
    VISIBLE,
    closed,
    command,
    define_instrument,
    event,
    messages,
    order,
    stream_start,
    system_event,
)

from ironcore.stage.itch_feed import Feed

T = 34_200_000_000_123


class Stream:
    """A feed that has seen the stream begin and two instruments defined."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.sequence = 0
        self.apply(stream_start())
        self.apply(define_instrument(0, b"AAA"))
        self.apply(define_instrument(1, b"BBBB", lot_size=100))

    def apply(self, frame: bytes) -> list[bytes]:
        self.sequence += 1
        return messages(self.feed.apply(self.sequence, frame))


@pytest.fixture
def stream() -> Stream:
    return Stream()


def header(kind: bytes, locate: int, time_ns: int = T) -> bytes:
    return kind + struct.pack(">HH", locate, 0) + time_ns.to_bytes(6, "big")


def test_the_start_of_the_stream_names_the_session_and_is_not_published() -> None:
    feed = Feed()
    assert feed.stream_name == bytes(10)
    assert feed.apply(1, stream_start()) == b""
    assert feed.stream_name == STREAM_NAME
    assert feed.message_count == 0


def test_an_instrument_is_a_stock_directory_message(stream: Stream) -> None:
    (message,) = stream.apply(define_instrument(2, b"CC", lot_size=100))
    assert len(message) == 39
    assert message[:11] == header(b"R", 3, 0)
    assert message[11:19] == b"CC      "
    assert message[19:21] == b"QN"
    assert struct.unpack_from(">I", message, 21) == (100,)
    assert message[25:] == b"YCZ P    " + bytes(4) + b"N"


def test_a_system_event_is_one(stream: Stream) -> None:
    assert stream.apply(system_event(b"Q", T)) == [header(b"S", 0) + b"Q"]


@pytest.mark.parametrize(("flags", "side"), [(VISIBLE, b"B"), (VISIBLE | SELL, b"S")])
def test_an_added_order_is_an_add(stream: Stream, flags: int, side: bytes) -> None:
    added = event(ADDED, flags, quantity=300, order_ref=7, price_e4=1_234_500)
    frame = order(ENTER_ORDER, [event(ACCEPTED), added], time_ns=T, instrument=1)
    assert stream.apply(frame) == [
        header(b"A", 2) + struct.pack(">Qc I8sI", 7, side, 300, b"BBBB    ", 1_234_500)
    ]


def test_an_execution_of_a_visible_order_is_one(stream: Stream) -> None:
    executed = event(EXECUTED, quantity=40, order_ref=7, other=99, price_e4=100)
    hidden = event(EXECUTED, 0, quantity=40, order_ref=8, other=100, price_e4=100)
    frame = order(ENTER_ORDER, [event(ACCEPTED), executed, hidden], time_ns=T)
    assert stream.apply(frame) == [header(b"E", 1) + struct.pack(">QIQ", 7, 40, 99)]


def test_a_partial_cancel_reduces_and_a_whole_one_deletes(stream: Stream) -> None:
    partial = event(CANCELED, quantity=60, order_ref=7, other=40)
    whole = event(CANCELED, quantity=40, order_ref=7, other=0)
    hidden = event(CANCELED, 0, quantity=40, order_ref=8, other=0)
    assert stream.apply(order(CANCEL_ORDER, [partial], time_ns=T, instrument=1)) == [
        header(b"X", 2) + struct.pack(">QI", 7, 60)
    ]
    assert stream.apply(order(CANCEL_ORDER, [whole], time_ns=T)) == [
        header(b"D", 1) + struct.pack(">Q", 7)
    ]
    assert stream.apply(order(CANCEL_ORDER, [hidden], time_ns=T)) == []


def test_a_session_cancel_names_each_orders_own_instrument(stream: Stream) -> None:
    events = [
        event(CANCELED, quantity=5, order_ref=3, other=1 << 32),
        event(CANCELED, quantity=5, order_ref=4, other=2 << 32),
        event(CANCELED, quantity=5, order_ref=5, other=2 << 32 | 6),
    ]
    frame = order(CANCEL_SESSION, events, time_ns=T, instrument=NO_INSTRUMENT)
    assert stream.apply(frame) == [
        header(b"D", 1) + struct.pack(">Q", 3),
        header(b"D", 2) + struct.pack(">Q", 4),
        header(b"X", 2) + struct.pack(">QI", 5, 5),
    ]


def test_a_replacement_that_rests_is_a_replace(stream: Stream) -> None:
    replaced = event(REPLACED, quantity=250, order_ref=9, other=7, price_e4=1_000_100)
    assert stream.apply(order(REPLACE_ORDER, [replaced], time_ns=T)) == [
        header(b"U", 1) + struct.pack(">QQII", 7, 9, 250, 1_000_100)
    ]


def test_a_replacement_that_crosses_is_a_delete_and_what_follows(stream: Stream) -> None:
    events = [
        event(REPLACED, VISIBLE | CROSSES, quantity=250, order_ref=9, other=7, price_e4=100),
        event(EXECUTED, quantity=50, order_ref=2, other=12, price_e4=100),
        event(ADDED, quantity=200, order_ref=9, price_e4=100),
    ]
    assert stream.apply(order(REPLACE_ORDER, events, time_ns=T)) == [
        header(b"D", 1) + struct.pack(">Q", 7),
        header(b"E", 1) + struct.pack(">QIQ", 2, 50, 12),
        header(b"A", 1) + struct.pack(">QcI8sI", 9, b"B", 200, b"AAA     ", 100),
    ]


def test_a_replacement_of_a_hidden_order_is_not_published(stream: Stream) -> None:
    replaced = event(REPLACED, 0, quantity=250, order_ref=9, other=7, price_e4=100)
    assert stream.apply(order(REPLACE_ORDER, [replaced])) == []


def test_a_modification_is_published_when_it_reduces(stream: Stream) -> None:
    smaller = event(MODIFIED, quantity=80, order_ref=7, other=20)
    side_only = event(MODIFIED, quantity=80, order_ref=7, other=0)
    assert stream.apply(order(MODIFY_ORDER, [smaller], time_ns=T)) == [
        header(b"X", 1) + struct.pack(">QI", 7, 20)
    ]
    assert stream.apply(order(MODIFY_ORDER, [side_only], time_ns=T)) == []


@pytest.mark.parametrize("kind", [ACCEPTED, REJECTED, 135, 136, 137, 138, 140])
def test_what_concerns_a_member_alone_is_not_published(stream: Stream, kind: int) -> None:
    assert stream.apply(order(ENTER_ORDER, [event(kind, quantity=1, order_ref=1)])) == []


def test_a_transaction_may_go_on_in_further_frames(stream: Stream) -> None:
    fills = [event(EXECUTED, quantity=1, order_ref=n, other=n) for n in range(1, 101)]
    first = command(ENTER_ORDER, time_ns=T, instrument=1) + b"".join(fills[:38])
    found = stream.apply(first)
    found += stream.apply(b"".join(fills[38:78]))
    found += stream.apply(closed(fills[78:]))
    assert found == [header(b"E", 2) + struct.pack(">QIQ", n, 1, n) for n in range(1, 101)]
    assert stream.apply(system_event(b"M", T)) == [header(b"S", 0) + b"M"]


def test_messages_are_counted_from_the_start_of_the_stream(stream: Stream) -> None:
    assert stream.feed.message_count == 2
    stream.apply(system_event(b"O"))
    stream.apply(order(ENTER_ORDER, [event(ACCEPTED)]))
    assert stream.feed.message_count == 3


@pytest.mark.parametrize("sequence", [0, 2, 4, 5])
def test_a_frame_out_of_sequence_is_refused(sequence: int) -> None:
    feed = Feed()
    feed.apply(1, stream_start())
    feed.apply(2, define_instrument(0, b"A"))
    with pytest.raises(ValueError, match=f"frame {sequence} does not continue"):
        feed.apply(sequence, system_event(b"O"))


MALFORMED = {
    "nothing": b"",
    "half a command": command(ENTER_ORDER)[:20],
    "an event where a command should be": event(ADDED),
    "a command longer than the frame": command(ENTER_ORDER, bytes(8))[:32],
    "a command too short to be one": b"\x10\x00\x08\x00" + bytes(28),
    "half an event": order(ENTER_ORDER, [event(ADDED)])[:-1],
    "events behind a whole transaction": command(ENTER_ORDER, last=True) + event(ADDED),
    "a short STREAM_START": command(STREAM_START, bytes(8)),
    "a short DEFINE_INSTRUMENT": command(DEFINE_INSTRUMENT, bytes(8)),
    "an instrument over the limit": define_instrument(65535, b"X"),
    "more than a frame holds": order(ENTER_ORDER, [event(ADDED)] * 40),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_no_frame_is_refused(stream: Stream, what: str) -> None:
    with pytest.raises(ValueError, match="does not continue the stream"):
        stream.apply(MALFORMED[what])


def test_an_instrument_event_without_an_instrument_is_not_published(stream: Stream) -> None:
    frame = order(ENTER_ORDER, [event(INSTRUMENT_DEFINED, 0)], instrument=NO_INSTRUMENT)
    assert stream.apply(frame) == []


@given(st.lists(st.binary(max_size=1280), max_size=5))
def test_arbitrary_bytes_give_whole_messages_or_are_refused(frames: list[bytes]) -> None:
    feed = Feed()
    feed.apply(1, stream_start())
    count = 0
    for sequence, frame in enumerate(frames, 2):
        try:
            found = messages(feed.apply(sequence, frame))
        except ValueError:
            break
        count += len(found)
        assert all(9 < len(message) <= 50 for message in found)
    assert feed.message_count == count
