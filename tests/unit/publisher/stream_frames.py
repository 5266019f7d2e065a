"""Frames of the event stream, and the feed's packets, packed and unpacked plainly with struct."""

import struct
from typing import NamedTuple

STREAM_NAME = b"TESTSTREAM"
MIDNIGHT_NS = 1_700_000_000_000_000_000
NO_INSTRUMENT = 0xFFFFFFFF

LAST, VISIBLE, AGGRESSOR_SELL, CROSSES, SELL, ATTRIBUTED, AT_CLOSE = 1, 2, 4, 8, 16, 32, 64

STREAM_START, DEFINE_INSTRUMENT, DEFINE_SESSION, SYSTEM_EVENT, CHANGE_INSTRUMENT = 1, 2, 3, 4, 5
RETIRE_INSTRUMENT, SET_STATE, CLOCK, BUST_TRADE = 6, 7, 8, 9
ENTER_ORDER, REPLACE_ORDER, CANCEL_ORDER, MODIFY_ORDER, CANCEL_SESSION = 16, 17, 18, 19, 24
ACCEPTED, REJECTED, EXECUTED, CANCELED, REPLACED, ADDED, MODIFIED = range(128, 135)
INSTRUMENT_DEFINED, SESSION_DEFINED, SYSTEM = 139, 140, 141
REPLENISHED, REDUCED, ACTIVATED, CROSSED, CROSS, INDICATIVE = range(142, 148)
STATE_CHANGED, COLLARS, BROKEN = range(148, 151)
INSTRUMENT_CHANGED, INSTRUMENT_RETIRED, INSTRUMENT_NEXT = range(151, 154)

USER_REF_BITS = 20


def event(
    kind: int,
    flags: int = VISIBLE,
    *,
    reason: int = 0,
    quantity: int = 0,
    order_ref: int = 0,
    other: int = 0,
    price: int = 0,
    slot: int = 0,
    side: int = 0,
) -> bytes:
    return struct.pack(
        "<BBBBIQQiI", kind, flags, reason, side, quantity, order_ref, other, price, slot
    )


# Of every type: the size of its record, docs/WIRE.md.
COMMAND_BYTES = {
    **dict(zip(range(1, 10), (80, 104, 96, 48, 104, 48, 48, 48, 64), strict=True)),
    **dict(zip(range(16, 25), (80, 80, 72, 48, 56, 48, 48, 40, 48), strict=True)),
}


def command(
    kind: int,
    body: bytes = b"",
    *,
    time_ns: int = 0,
    instrument: int = 0,
    last: bool = False,
    session: int = 1,
    whole: bool = True,
) -> bytes:
    """A record; what the body leaves out of a whole one is 0."""
    body = body.ljust(COMMAND_BYTES[kind] - 40, b"\0") if whole else body
    length = 40 + len(body)
    when = MIDNIGHT_NS + time_ns
    return struct.pack("<BBHIQQII8x", kind, last, length, session, when, 0, 0, instrument) + body


def closed(events: list[bytes]) -> bytes:
    """The events of a transaction: the last one says that it is."""
    *others, last = events
    return b"".join([*others, last[:1] + bytes([last[1] | LAST]) + last[2:]])


def stream_start() -> bytes:
    body = STREAM_NAME + struct.pack("<HIQIIII", 3, 8, MIDNIGHT_NS, 1000, 4, USER_REF_BITS, 0)
    return command(STREAM_START, body, instrument=NO_INSTRUMENT, last=True)


def instrument_body(symbol: bytes, lot_size: int, initial_state: int) -> bytes:
    sizes = struct.pack("<IIiiI", 100, lot_size, 100, 1_000_000, 999_999)
    return symbol.ljust(8) + sizes + bytes(17) + bytes([initial_state]) + bytes(18)


def define_instrument(
    instrument: int, symbol: bytes, lot_size: int = 1, initial_state: int = 0
) -> bytes:
    body = instrument_body(symbol, lot_size, initial_state)
    return command(DEFINE_INSTRUMENT, body, instrument=instrument) + closed(
        [event(INSTRUMENT_DEFINED, 0, slot=instrument)]
    )


def define_session(session: int, firm: bytes) -> bytes:
    body = b"USER".ljust(16) + firm.ljust(8) + b" " * 8 + bytes(24)
    return command(DEFINE_SESSION, body, instrument=NO_INSTRUMENT, session=session) + closed(
        [event(SESSION_DEFINED, 0, slot=session << USER_REF_BITS)]
    )


def system_event(code: bytes, time_ns: int = 0) -> bytes:
    body = code + bytes(7)
    return command(SYSTEM_EVENT, body, time_ns=time_ns, instrument=NO_INSTRUMENT) + closed(
        [event(SYSTEM, 0, reason=code[0])]
    )


def order(kind: int, events: list[bytes], *, time_ns: int = 0, instrument: int = 0) -> bytes:
    """A command about orders, without the fields that no feed looks at, and its events."""
    return command(kind, time_ns=time_ns, instrument=instrument) + closed(events)


def messages(blocks: bytes) -> list[bytes]:
    """The messages behind their u16 lengths."""
    found = []
    while blocks:
        (size,) = struct.unpack_from(">H", blocks)
        assert len(blocks) >= 2 + size
        found.append(blocks[2 : 2 + size])
        blocks = blocks[2 + size :]
    return found


class Packet(NamedTuple):
    session: bytes
    sequence: int
    message_count: int
    messages: list[bytes]


def packet(datagram: bytes) -> Packet:
    session, sequence, count = struct.unpack_from(">10sQH", datagram)
    found = messages(datagram[20:])
    assert len(found) == (0 if count == 0xFFFF else count)
    return Packet(session, sequence, count, found)


def request(sequence: int, count: int, session: bytes = STREAM_NAME) -> bytes:
    return struct.pack(">10sQH", session, sequence, count)
