"""Goal: each event that the public may see is the one ITCH message that says so, and nothing else
is published. Method: frames and expected messages are packed by hand from the documents."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.publisher.stream_frames import (
    ACCEPTED,
    ACTIVATED,
    ADDED,
    AT_CLOSE,
    ATTRIBUTED,
    BROKEN,
    BUST_TRADE,
    CANCEL_ORDER,
    CANCEL_SESSION,
    CANCELED,
    CHANGE_INSTRUMENT,
    CLOCK,
    COLLARS,
    CROSS,
    CROSSED,
    CROSSES,
    DEFINE_INSTRUMENT,
    DEFINE_SESSION,
    ENTER_ORDER,
    EXECUTED,
    INDICATIVE,
    INSTRUMENT_CHANGED,
    INSTRUMENT_DEFINED,
    INSTRUMENT_NEXT,
    INSTRUMENT_RETIRED,
    MODIFIED,
    MODIFY_ORDER,
    NO_INSTRUMENT,
    REDUCED,
    REJECTED,
    REPLACE_ORDER,
    REPLACED,
    REPLENISHED,
    RETIRE_INSTRUMENT,
    SELL,
    SET_STATE,
    STATE_CHANGED,
    STREAM_NAME,
    STREAM_START,
    USER_REF_BITS,
    VISIBLE,
    closed,
    command,
    define_instrument,
    define_session,
    event,
    instrument_body,
    messages,
    order,
    stream_start,
    system_event,
)

from ironcore.market_data.itch_feed import Feed

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


def test_an_instrument_is_a_stock_directory_message_and_its_state(stream: Stream) -> None:
    message, action = stream.apply(define_instrument(2, b"CC", lot_size=100))
    assert action == header(b"H", 3, 0) + b"CC      T     "
    assert len(message) == 39
    assert message[:11] == header(b"R", 3, 0)
    assert message[11:19] == b"CC      "
    assert message[19:21] == b"QN"
    assert struct.unpack_from(">I", message, 21) == (100,)
    assert message[25:] == b"YCZ P    " + bytes(4) + b"N"


@pytest.mark.parametrize("late_ns", [0, 1, (1 << 48) + 1, 254 * 3_600_000_000_000])
def test_no_time_is_behind_the_last_nanosecond_of_the_day(stream: Stream, late_ns: int) -> None:
    last_ns = 86_400_000_000_000 - 1
    assert stream.apply(system_event(b"E", last_ns + late_ns)) == [header(b"S", 0, last_ns) + b"E"]


def test_a_system_event_is_one(stream: Stream) -> None:
    assert stream.apply(system_event(b"Q", T)) == [header(b"S", 0) + b"Q"]


@pytest.mark.parametrize(("flags", "side"), [(VISIBLE, b"B"), (VISIBLE | SELL, b"S")])
def test_an_added_order_is_an_add(stream: Stream, flags: int, side: bytes) -> None:
    added = event(ADDED, flags, quantity=300, order_ref=7, price=1_234_500)
    frame = order(ENTER_ORDER, [event(ACCEPTED), added], time_ns=T, instrument=1)
    assert stream.apply(frame) == [
        header(b"A", 2) + struct.pack(">Qc I8sI", 7, side, 300, b"BBBB    ", 1_234_500)
    ]


def test_an_execution_of_a_visible_order_is_one(stream: Stream) -> None:
    executed = event(EXECUTED, quantity=40, order_ref=7, other=99, price=100)
    frame = order(ENTER_ORDER, [event(ACCEPTED), executed], time_ns=T)
    assert stream.apply(frame) == [header(b"E", 1) + struct.pack(">QIQ", 7, 40, 99)]


def test_an_execution_of_a_hidden_order_is_a_trade_that_does_not_name_it(stream: Stream) -> None:
    hidden = event(EXECUTED, SELL, quantity=40, order_ref=8, other=100, price=200)
    frame = order(ENTER_ORDER, [event(ACCEPTED), hidden], time_ns=T)
    assert stream.apply(frame) == [
        header(b"P", 1) + struct.pack(">QcI8sIQ", 0, b"B", 40, b"AAA     ", 200, 100)
    ]


def test_an_attributed_order_names_the_firm_of_its_session(stream: Stream) -> None:
    stream.apply(define_session(1, b"ALFA"))
    stream.apply(define_session(2, b"BRV"))
    added = event(
        ADDED,
        VISIBLE | ATTRIBUTED,
        quantity=300,
        order_ref=7,
        price=100,
        slot=2 << USER_REF_BITS | 5,
    )
    assert stream.apply(order(ENTER_ORDER, [event(ACCEPTED), added], time_ns=T)) == [
        header(b"F", 1) + struct.pack(">QcI8sI4s", 7, b"B", 300, b"AAA     ", 100, b"BRV ")
    ]


def test_the_next_peak_of_an_iceberg_is_a_new_order(stream: Stream) -> None:
    events = [
        event(EXECUTED, VISIBLE | SELL, quantity=10, order_ref=7, other=4, price=100),
        event(REPLENISHED, VISIBLE | SELL, quantity=20, order_ref=9, other=7, price=100),
    ]
    assert stream.apply(order(ENTER_ORDER, events, time_ns=T)) == [
        header(b"E", 1) + struct.pack(">QIQ", 7, 10, 4),
        header(b"A", 1) + struct.pack(">QcI8sI", 9, b"S", 20, b"AAA     ", 100),
    ]


def test_of_an_iceberg_only_what_is_displayed_is_reduced(stream: Stream) -> None:
    events = [
        event(CANCELED, 0, quantity=50, order_ref=7, other=4),
        event(REDUCED, quantity=6, order_ref=7, other=4),
        event(CANCELED, 0, quantity=4, order_ref=7, other=2 << 32),
        event(REDUCED, quantity=4, order_ref=7, other=2 << 32),
    ]
    assert stream.apply(order(CANCEL_SESSION, events, time_ns=T)) == [
        header(b"X", 1) + struct.pack(">QI", 7, 6),
        header(b"D", 2) + struct.pack(">Q", 7),
    ]


def test_an_auction_is_a_cross_and_executions_that_are_not_printed(stream: Stream) -> None:
    events = [
        event(CROSS, reason=ord("O"), order_ref=1 << 40, other=11, price=500),
        event(CROSSED, reason=ord("O"), quantity=30, order_ref=5, other=12, price=500),
        event(CROSSED, SELL, reason=ord("O"), quantity=30, order_ref=6, other=12, price=500),
        event(STATE_CHANGED, reason=ord("T"), quantity=0x20202020, side=ord("O")),
    ]
    assert stream.apply(order(SET_STATE, events, time_ns=T, instrument=1)) == [
        header(b"Q", 2) + struct.pack(">Q8sIQc", 1 << 40, b"BBBB    ", 500, 11, b"O"),
        header(b"C", 2) + struct.pack(">QIQcI", 5, 30, 12, b"N", 500),
        header(b"H", 2) + b"BBBB    T     ",
    ]


def test_what_executes_at_the_closing_price_is_printed_with_that_price(stream: Stream) -> None:
    """Where it rests is another price, which the subscriber's book has."""
    events = [
        event(EXECUTED, VISIBLE | AT_CLOSE, quantity=30, order_ref=5, other=12, price=500),
        event(EXECUTED, AT_CLOSE | SELL, quantity=20, order_ref=6, other=13, price=500),
    ]
    assert stream.apply(order(ENTER_ORDER, events, time_ns=T, instrument=1)) == [
        header(b"C", 2) + struct.pack(">QIQcI", 5, 30, 12, b"Y", 500),
        header(b"P", 2) + struct.pack(">QcI8sIQ", 0, b"B", 20, b"BBBB    ", 500, 13),
    ]


def test_a_clock_that_several_instruments_resume_with_names_each(stream: Stream) -> None:
    """The events behind the name of another instrument are that one's, in later frames too."""
    resumed = event(STATE_CHANGED, reason=ord("T"), quantity=0x20202020, side=ord("P"))
    events = [resumed, event(INSTRUMENT_NEXT, slot=1), resumed]
    assert stream.apply(order(CLOCK, events, time_ns=T, instrument=0)) == [
        header(b"H", 1) + b"AAA     T     ",
        header(b"H", 2) + b"BBBB    T     ",
    ]
    assert stream.apply(order(CLOCK, [resumed], time_ns=T, instrument=0)) == [
        header(b"H", 1) + b"AAA     T     ",
    ]


STATES = {"C": b"H", "B": b"Q", "O": b"Q", "T": b"T", "H": b"H", "P": b"P", "Q": b"Q", "L": b"Q"}


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_a_trading_action_with_its_reason(stream: Stream, state: str) -> None:
    why = int.from_bytes(b"LUDP", "little")
    changed = event(STATE_CHANGED, reason=ord(state), quantity=why)
    assert stream.apply(order(SET_STATE, [changed], time_ns=T)) == [
        header(b"H", 1) + b"AAA     " + STATES[state] + b" LUDP"
    ]
    directory, action = stream.apply(define_instrument(2, b"CC", initial_state=ord(state)))
    assert directory[:1] == b"R"
    assert action[19:20] == STATES[state]


VARIATIONS = {1000: b"L", 1009: b"L", 1010: b"1", 901: b"9", 900: b"A", 1299: b"B", 1300: b"C"}


@pytest.mark.parametrize("price", VARIATIONS)
def test_an_indicative_price_names_its_own_instrument(stream: Stream, price: int) -> None:
    indicative = event(
        INDICATIVE,
        reason=ord("O"),
        side=ord("S"),
        quantity=70,
        order_ref=500,
        other=2 << 32,
        price=price,
        slot=1000,
    )
    assert stream.apply(order(CLOCK, [indicative], time_ns=T, instrument=NO_INSTRUMENT)) == [
        header(b"I", 2)
        + struct.pack(">QQc8sIII", 500, 70, b"S", b"BBBB    ", 0, price, 1000)
        + b"O"
        + VARIATIONS[price]
    ]


def test_an_imbalance_may_have_more_than_32_bits(stream: Stream) -> None:
    most = 2000 * 0xFFFFFFFF
    low, high = most & 0xFFFFFFFF, most >> 32
    fields = {"side": ord("B"), "quantity": low, "order_ref": most, "other": 1 << 32 | high}
    (message,) = stream.apply(order(CLOCK, [event(INDICATIVE, **fields)], instrument=NO_INSTRUMENT))
    assert struct.unpack_from(">QQ", message, 11) == (most, most)


def test_an_indicative_price_without_a_reference_has_no_variation(stream: Stream) -> None:
    indicative = event(INDICATIVE, side=ord("O"), other=1 << 32)
    (message,) = stream.apply(order(CLOCK, [indicative], instrument=NO_INSTRUMENT))
    assert message[-1:] == b" "


def test_collars_say_reference_upper_and_lower_price(stream: Stream) -> None:
    collars = event(COLLARS, quantity=2, order_ref=1100 << 32 | 900, price=1000)
    assert stream.apply(order(SET_STATE, [collars], time_ns=T)) == [
        header(b"J", 1) + struct.pack(">8sIIII", b"AAA     ", 1000, 1100, 900, 2)
    ]


def test_a_broken_trade_is_published_once(stream: Stream) -> None:
    events = [
        event(BROKEN, reason=ord("E"), other=77, slot=1),
        event(BROKEN, 0, reason=ord("E"), other=77, slot=2),
    ]
    assert stream.apply(order(BUST_TRADE, events, time_ns=T)) == [
        header(b"B", 1) + struct.pack(">Q", 77)
    ]


def test_a_changed_instrument_keeps_its_symbol_and_tells_its_lot(stream: Stream) -> None:
    body = instrument_body(b"OTHER", 10, 0)
    frame = command(CHANGE_INSTRUMENT, body, instrument=1) + closed([event(INSTRUMENT_CHANGED, 0)])
    (message,) = stream.apply(frame)
    assert message[:1] == b"R"
    assert message[11:19] == b"BBBB    "
    assert struct.unpack_from(">I", message, 21) == (10,)


def test_a_retired_instrument_is_halted_for_good(stream: Stream) -> None:
    frame = order(RETIRE_INSTRUMENT, [event(INSTRUMENT_RETIRED, 0)], time_ns=T)
    assert stream.apply(frame) == [header(b"H", 1) + b"AAA     H     "]


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
    replaced = event(REPLACED, quantity=250, order_ref=9, other=7, price=1_000_100)
    assert stream.apply(order(REPLACE_ORDER, [replaced], time_ns=T)) == [
        header(b"U", 1) + struct.pack(">QQII", 7, 9, 250, 1_000_100)
    ]


def test_a_replacement_that_crosses_is_a_delete_and_what_follows(stream: Stream) -> None:
    events = [
        event(REPLACED, VISIBLE | CROSSES, quantity=250, order_ref=9, other=7, price=100),
        event(EXECUTED, quantity=50, order_ref=2, other=12, price=100),
        event(ADDED, quantity=200, order_ref=9, price=100),
    ]
    assert stream.apply(order(REPLACE_ORDER, events, time_ns=T)) == [
        header(b"D", 1) + struct.pack(">Q", 7),
        header(b"E", 1) + struct.pack(">QIQ", 2, 50, 12),
        header(b"A", 1) + struct.pack(">QcI8sI", 9, b"B", 200, b"AAA     ", 100),
    ]


def test_a_replacement_of_a_hidden_order_is_not_published(stream: Stream) -> None:
    replaced = event(REPLACED, 0, quantity=250, order_ref=9, other=7, price=100)
    assert stream.apply(order(REPLACE_ORDER, [replaced])) == []


def test_a_modification_is_published_when_it_reduces(stream: Stream) -> None:
    smaller = event(MODIFIED, quantity=80, order_ref=7, other=20)
    side_only = event(MODIFIED, quantity=80, order_ref=7, other=0)
    assert stream.apply(order(MODIFY_ORDER, [smaller], time_ns=T)) == [
        header(b"X", 1) + struct.pack(">QI", 7, 20)
    ]
    assert stream.apply(order(MODIFY_ORDER, [side_only], time_ns=T)) == []


@pytest.mark.parametrize("kind", [ACCEPTED, REJECTED, 135, 136, 137, 138, 140, ACTIVATED])
def test_what_concerns_a_member_alone_is_not_published(stream: Stream, kind: int) -> None:
    assert stream.apply(order(ENTER_ORDER, [event(kind, quantity=1, order_ref=1)])) == []


def test_a_transaction_may_go_on_in_further_frames(stream: Stream) -> None:
    fills = [event(EXECUTED, quantity=1, order_ref=n, other=n) for n in range(1, 101)]
    first = command(ENTER_ORDER, time_ns=T, instrument=1) + b"".join(fills[:37])
    found = stream.apply(first)
    found += stream.apply(b"".join(fills[37:77]))
    found += stream.apply(closed(fills[77:]))
    assert found == [header(b"E", 2) + struct.pack(">QIQ", n, 1, n) for n in range(1, 101)]
    assert stream.apply(system_event(b"M", T)) == [header(b"S", 0) + b"M"]


def test_messages_are_counted_from_the_start_of_the_stream(stream: Stream) -> None:
    assert stream.feed.message_count == 4
    stream.apply(system_event(b"O"))
    stream.apply(order(ENTER_ORDER, [event(ACCEPTED)]))
    assert stream.feed.message_count == 5


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
    "a command longer than the frame": command(ENTER_ORDER)[:40],
    "a command too short to be one": b"\x10\x00\x08\x00" + bytes(28),
    "half an event": order(ENTER_ORDER, [event(ADDED)])[:-1],
    "events behind a whole transaction": command(ENTER_ORDER, last=True) + event(ADDED),
    "a short STREAM_START": command(STREAM_START, bytes(8), whole=False),
    "a short DEFINE_INSTRUMENT": command(DEFINE_INSTRUMENT, bytes(8), whole=False),
    "a short DEFINE_SESSION": command(DEFINE_SESSION, bytes(8), whole=False),
    "a shift that no slot has": stream_start()[:72] + bytes([32]) + stream_start()[73:],
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


def test_the_largest_frame_fits_the_room_for_its_messages(stream: Stream) -> None:
    indicative = event(INDICATIVE, other=1 << 32)
    head = command(CLOCK, bytes(8), time_ns=T, instrument=NO_INSTRUMENT)
    assert len(stream.apply(head + indicative * 38)) == 38
    assert len(stream.apply(closed([indicative] * 40))) == 40


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
