"""Goal: one walk tells a stream's transactions from their frames, and refuses what is none.

Method: frames written here from the records of the model, whole, cut in parts, and broken in each
way that a frame can be.
"""

import pytest
from tests.model import records as r

from ironcore.stream.walk import Transactions

LIMITS = r.Limits()


def marked(record: bytes) -> bytes:
    """A record that is its transaction's last."""
    return record[:1] + bytes([record[1] | r.LAST]) + record[2:]


def event(kind: int, last: bool = False) -> bytes:
    return r.EVENT.pack(kind, r.LAST if last else 0, 0, ord("B"), 1, 1, 0, 100, 1)


def resized(record: bytes, size: int) -> bytes:
    """A command that says, and has, another size than its type's."""
    return record[:2] + size.to_bytes(2, "little") + record[4:].ljust(size, b"\0")[: size - 4]


START = marked(r.stream_start(LIMITS))
ENTER = r.enter(1, 1, "B", 10, 1000)
MORE = event(r.ACCEPTED)
END = event(r.ADDED, last=True)


def test_a_command_alone_is_a_transaction() -> None:
    assert Transactions().take(1, START) == (1, START)


def test_a_long_transaction_is_handed_over_whole_under_its_first_number() -> None:
    stream = Transactions()
    stream.take(1, START)
    assert stream.take(2, ENTER + MORE) is None
    assert stream.take(3, MORE + MORE) is None
    assert stream.take(4, END) == (2, ENTER + MORE * 3 + END)
    assert stream.take(5, ENTER + END) == (5, ENTER + END)


def test_a_walk_can_begin_at_any_transaction() -> None:
    assert Transactions(7).take(7, ENTER + END) == (7, ENTER + END)


BROKEN = {
    "a number that does not follow": (3, ENTER + END),
    "the number before": (1, ENTER + END),
    "nothing": (2, b""),
    "an event without its command": (2, END),
    "a command that is cut": (2, ENTER[:-8]),
    "less than a header": (2, ENTER[:16]),
    "an event that is cut": (2, ENTER + END[:-8]),
    "an event after the last one": (2, ENTER + END + MORE),
    "events after a command that is the last record": (2, marked(ENTER) + END),
    "a command where an event is due": (2, ENTER + r.cancel(1, 1)[:32]),
    "more than a frame holds": (2, ENTER + MORE * 40),
    "a command of an unknown type": (2, bytes([100]) + ENTER[1:] + END),
    "a command of type 0": (2, bytes([0]) + ENTER[1:] + END),
    "a command that is shorter than its type": (2, resized(ENTER, 40) + END),
    "a command that is longer than its type": (2, resized(r.cancel(1, 1), 80) + END),
    "an order with half of its options": (2, resized(ENTER, len(ENTER) + 24) + END),
    "an event of an unknown type": (2, ENTER + event(200) + END),
}


@pytest.mark.parametrize(("sequence", "payload"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_frame_is_refused_and_the_walk_stays(sequence: int, payload: bytes) -> None:
    stream = Transactions()
    stream.take(1, START)
    with pytest.raises(ValueError, match=rf"frame {sequence} does not continue .* frame 1$"):
        stream.take(sequence, payload)
    assert stream.take(2, ENTER + END) == (2, ENTER + END)


def test_a_command_within_a_transaction_is_refused() -> None:
    stream = Transactions()
    stream.take(1, START)
    stream.take(2, ENTER + MORE)
    with pytest.raises(ValueError, match="frame 3"):
        stream.take(3, ENTER + END)
    assert stream.take(3, END) == (2, ENTER + MORE + END)
