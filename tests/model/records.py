"""Command and event records for tests, packed with `struct` from the layout in docs/WIRE.md.

Written apart from the data plane, so that a field moved by mistake is seen.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

STREAM_START, DEFINE_INSTRUMENT, DEFINE_SESSION, SYSTEM_EVENT, CHANGE_INSTRUMENT = 1, 2, 3, 4, 5
RETIRE_INSTRUMENT, SET_STATE, CLOCK, BUST_TRADE, CONTINUE, SET_END = 6, 7, 8, 9, 10, 11
DEFINE_TICK_TABLE = 12
ENTER_ORDER, REPLACE_ORDER, CANCEL_ORDER, MODIFY_ORDER, MASS_CANCEL = 16, 17, 18, 19, 20
DISABLE_ORDER_ENTRY, ENABLE_ORDER_ENTRY, ACCOUNT_QUERY, CANCEL_SESSION = 21, 22, 23, 24
QUOTE, SET_PROTECTION, RESET_PROTECTION = 32, 33, 34

ACCEPTED, REJECTED, EXECUTED, CANCELED, REPLACED, ADDED, MODIFIED = range(128, 135)
MASS_CANCEL_RESPONSE, ENTRY_DISABLED, ENTRY_ENABLED, ACCOUNT_QUERY_RESPONSE = range(135, 139)
INSTRUMENT_DEFINED, SESSION_DEFINED, SYSTEM, REPLENISHED, REDUCED = range(139, 144)
ACTIVATED, CROSSED, CROSS, INDICATIVE, STATE_CHANGED, COLLARS = range(144, 150)
BROKEN, INSTRUMENT_CHANGED, INSTRUMENT_RETIRED, INSTRUMENT_NEXT = range(150, 154)
END_SET, CANCEL_REJECTED = range(154, 156)
QUOTED, QUOTE_REJECTED, PROTECTION_SET, PROTECTION_REACHED, PROTECTION_RESET = range(160, 165)

LAST, VISIBLE, AGGRESSOR_SELL, CROSSES, SELL, ATTRIBUTED, AT_CLOSE = 1, 2, 4, 8, 16, 32, 64

OK, MALFORMED, IGNORED, LATER = 0, 4, 12, 15

INSTRUMENT_NONE = 0xFFFFFFFF
MARKET, MARKET_CROSS = 0x7FFFFFFF, 2_000_000_000
PRICE_MAX = 1_999_999_900
RECORD_VERSION = 3

HEADER = struct.Struct("<BBHIQQIIHHI")
BODY = HEADER.size  # where a command\'s own fields begin
ENTER = struct.Struct("<IiBBBBBB2x20s4x")
REPLACE = struct.Struct("<IiIIBBBx20s")
CANCEL = struct.Struct("<IB3x20s4x")
MODIFY = struct.Struct("<IB3x")
MASS = struct.Struct("<HBBBBBBB7x")
ONE_BYTE = struct.Struct("<B7x")  # of an entry switch, and of the cancel of a session
INSTRUMENT = struct.Struct("<8sIIiiIi6H4B2H2BHII")
ALLOCATION_PLACE = 16  # among what it holds
TICK_BANDS_MAX, TICK_TABLES_MAX = 24, 256
TICK_TABLE = struct.Struct("<II" + TICK_BANDS_MAX * "iI")
SESSION = struct.Struct("<16s8s8sBBBxI16x")
STATE = struct.Struct("<BB2x4s")
TIME = struct.Struct("<IHH")
END = struct.Struct("<IIIIBB2x4s")
BUST = struct.Struct("<QIIB7x")
OPTIONS_AT = BODY + ENTER.size  # behind an order and behind a replacement
OPTIONS_BYTES = 56
TAG_UNKNOWN = 255
# The options of a record by their tags in OUCH: bit in `named`, offset and form; refused ones have
# the bit alone.
OPTION_PLACES: dict[int, tuple[int, int, str]] = {
    3: (0, 4, "<I"),
    133: (1, 8, "<Q"),
    5: (2, 16, "<I"),
    13: (3, 20, "<I"),
    7: (4, 24, "<i"),
    15: (5, 28, "<I"),
    128: (6, 32, "<i"),
    129: (7, 36, "<I"),
    135: (8, 40, "<I"),
    24: (9, 44, "<H"),
    6: (10, 46, "<B"),
    12: (11, 47, "<B"),
    130: (12, 48, "<B"),
    27: (13, 49, "<B"),
    9: (14, 0, ""),
    14: (15, 0, ""),
}
OPEN_BEFORE_AT = BODY + 12  # of a replacement
EVENT = struct.Struct("<BBBBIQQiI")


class Limits(NamedTuple):
    """What an engine is made with."""

    instruments_max: int = 4
    sessions_max: int = 3
    orders_max: int = 64
    user_ref_bits: int = 12


class Event(NamedTuple):
    """One event, as 32 bytes say it."""

    type: int
    flags: int
    reason: int
    side: int
    quantity: int
    order_ref: int
    other: int
    price: int
    slot: int


def decode_event(data: bytes) -> Event:
    return Event(*EVENT.unpack(data))


def header(
    record_type: int,
    record_bytes: int,
    session: int = 0,
    user_ref: int = 0,
    instrument: int = INSTRUMENT_NONE,
) -> bytes:
    return HEADER.pack(record_type, 0, record_bytes, session, 0, 0, user_ref, instrument, 0, 0, 0)


def instrument_of(record: bytes) -> int:
    """The header's instrument field."""
    return int(HEADER.unpack_from(record)[7])


def options_of(record: bytes) -> bytes:
    """What follows an order's fixed part."""
    return record[OPTIONS_AT : int.from_bytes(record[2:4], "little")]


def options_block(elements: bytes) -> bytes:
    """The options of a record from OUCH's elements, in which tests write them; nothing of nothing.
    Of OUCH's tags that no record has only the block is left; `TAG_UNKNOWN` names an option that
    there is not."""
    block, named = bytearray(OPTIONS_BYTES), 0
    for tag, value in elements_of(elements):
        if tag == TAG_UNKNOWN:
            named |= 1 << len(OPTION_PLACES)
        if tag not in OPTION_PLACES:
            continue
        bit, at, form = OPTION_PLACES[tag]
        named |= 1 << bit
        if form:
            number = int.from_bytes(value, "big", signed="i" in form and tag != 128)
            if tag == 128 and number > PRICE_MAX:
                number = -1
            struct.pack_into(form, block, at, number)
    struct.pack_into("<I", block, 0, named)
    return bytes(block) if elements else b""


def elements_of(elements: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(elements):
        found.append((elements[at + 1], elements[at + 2 : at + 1 + elements[at]]))
        at += 1 + elements[at]
    return found


def open_before_of(record: bytes) -> int | None:
    """What a replacement says was open before; None for another command."""
    if record[:1] != bytes([REPLACE_ORDER]) or len(record) < BODY + REPLACE.size:
        return None
    return int.from_bytes(record[OPEN_BEFORE_AT : OPEN_BEFORE_AT + 4], "little")


def _with_body(
    record_type: int, session: int, user_ref: int, instrument: int, body: bytes
) -> bytes:
    padded = body + bytes(-len(body) % 8)
    record_bytes = HEADER.size + len(padded)
    return header(record_type, record_bytes, session, user_ref, instrument) + padded


def stream_start(
    limits: Limits,
    version: int = RECORD_VERSION,
    midnight_ns: int = 0,
    step_actions_max: int = 0,
) -> bytes:
    body = struct.pack(
        "<10sHIQIIII",
        b"TEST000001",
        version,
        limits.instruments_max,
        midnight_ns,
        limits.orders_max,
        limits.sessions_max,
        limits.user_ref_bits,
        step_actions_max,
    )
    return _with_body(STREAM_START, 0, 0, INSTRUMENT_NONE, body)


def define_instrument(
    index: int,
    tick: int | None = None,
    lot: int = 1,
    price_min: int = 100,
    price_max: int = PRICE_MAX,
    quantity_max: int = 999_999,
    *,
    table: int = 0,
    reference: int = 0,
    static: int = 0,
    dynamic: int = 0,
    auction: int = 0,
    entry: int = 0,
    protection: int = 0,
    pause_seconds: int = 0,
    post_only_mode: int = 0,
    initial_state: str = "\0",
    extensions: int = 0,
    followers_max: int = 0,
    min_quantity_max: int = 0,
    price_decimals: int = 4,
    quantity_decimals: int = 0,
    pause_random_seconds: int = 0,
    allocation_min: int = 0,
    allocation: int = 0,
    record_type: int = DEFINE_INSTRUMENT,
) -> bytes:
    """`static` to `protection` are basis points; tick: 100 without a table, 0 with one."""
    if tick is None:
        tick = 0 if table else 100
    body = INSTRUMENT.pack(
        f"SYM{index}".ljust(8).encode()[:8],
        tick,
        lot,
        price_min,
        price_max,
        quantity_max,
        reference,
        static,
        dynamic,
        auction,
        entry,
        protection,
        pause_seconds,
        post_only_mode,
        ord(initial_state),
        extensions,
        allocation,
        followers_max,
        min_quantity_max,
        price_decimals,
        quantity_decimals,
        pause_random_seconds,
        table,
        allocation_min,
    )
    return _with_body(record_type, 0, 0, index, body)


def define_tick_table(
    table: int, bands: Sequence[tuple[int, int]], bands_count: int | None = None
) -> bytes:
    """A band is (price from, tick size)."""
    count = len(bands) if bands_count is None else bands_count
    numbers = [number for band in bands for number in band]
    body = TICK_TABLE.pack(table, count, *numbers, *[0] * (2 * TICK_BANDS_MAX - len(numbers)))
    return _with_body(DEFINE_TICK_TABLE, 0, 0, INSTRUMENT_NONE, body)


def retire_instrument(index: int) -> bytes:
    return _with_body(RETIRE_INSTRUMENT, 0, 0, index, bytes(8))


def set_state(index: int, state: str, reason: str = "", force: bool = False) -> bytes:
    body = STATE.pack(ord(state), force, reason.ljust(4).encode())
    return _with_body(SET_STATE, 0, 0, index, body)


def clock(second: int, force: int = 0, draw: int = 0) -> bytes:
    return _with_body(CLOCK, 0, 0, INSTRUMENT_NONE, TIME.pack(second, force, draw))


def set_end(
    index: int,
    first: int,
    last: int,
    state: str = "T",
    *,
    no_cancel: int = 0,
    extension: int = 0,
    reason: str = "",
    force: bool = False,
) -> bytes:
    body = END.pack(first, last, no_cancel, extension, ord(state), force, reason.ljust(4).encode())
    return _with_body(SET_END, 0, 0, index, body)


def continue_() -> bytes:
    return _with_body(CONTINUE, 0, 0, INSTRUMENT_NONE, bytes(8))


def bust_trade(
    match_number: int, first_slot: int, second_slot: int, reason: str = "E", instrument: int = 0
) -> bytes:
    body = BUST.pack(match_number, first_slot, second_slot, ord(reason))
    return _with_body(BUST_TRADE, 0, 0, instrument, body)


def define_session(
    index: int, stp_mode: str = "\0", stp_group: int = 0, firm: str = "FIRM"
) -> bytes:
    name, firm_name = f"M{index:05}".encode()[:6].ljust(16), firm.encode().ljust(8)
    body = SESSION.pack(name, firm_name, b" " * 8, 0, ord(stp_mode), 1, stp_group)
    return _with_body(DEFINE_SESSION, index, 0, INSTRUMENT_NONE, body)


def system_event(code: str) -> bytes:
    return _with_body(SYSTEM_EVENT, 0, 0, INSTRUMENT_NONE, struct.pack("<B7x", ord(code)))


def enter(
    session: int,
    user_ref: int,
    side: str,
    quantity: int,
    price: int,
    *,
    instrument: int = 0,
    time_in_force: str = "0",
    display: str = "Y",
    cross_type: str = "N",
    options: bytes = b"",
) -> bytes:
    fixed = ENTER.pack(
        quantity,
        price,
        ord(side),
        ord(time_in_force),
        ord(display),
        ord("P"),
        ord("N"),
        ord(cross_type),
        b"CLORDID".ljust(20),
    )
    return _with_body(ENTER_ORDER, session, user_ref, instrument, fixed + options_block(options))


def replace(
    session: int,
    orig_user_ref: int,
    user_ref: int,
    quantity: int,
    price: int,
    *,
    time_in_force: str = "0",
    display: str = "Y",
    options: bytes = b"",
) -> bytes:
    fixed = REPLACE.pack(
        quantity,
        price,
        orig_user_ref,
        0,
        ord(time_in_force),
        ord(display),
        ord("N"),
        b"CLORDID".ljust(20),
    )
    return _with_body(
        REPLACE_ORDER, session, user_ref, INSTRUMENT_NONE, fixed + options_block(options)
    )


def short(record_type: int, session: int, user_ref: int = 0, reason: str = "\0") -> bytes:
    """A command of a session as a whole; `reason` is that of CANCEL_SESSION."""
    body = b"" if record_type == ACCOUNT_QUERY else ONE_BYTE.pack(ord(reason))
    return _with_body(record_type, session, user_ref, INSTRUMENT_NONE, body)


def mass_cancel(
    session: int,
    user_ref: int = 0,
    *,
    side: str = "\0",
    reason: str = "\0",
    symbol_given: bool = False,
    instrument: int = INSTRUMENT_NONE,
    group: int | None = None,
    side_given: bool = False,
    scope: int = 0,
) -> bytes:
    body = MASS.pack(
        group or 0,
        group is not None,
        ord(side),
        side_given,
        symbol_given,
        0,
        scope,
        ord(reason),
    )
    return _with_body(MASS_CANCEL, session, user_ref, instrument, body)


def cancel(session: int, user_ref: int, quantity: int = 0, reason: str = "\0") -> bytes:
    body = CANCEL.pack(quantity, ord(reason), b" " * 20)
    return _with_body(CANCEL_ORDER, session, user_ref, INSTRUMENT_NONE, body)


def modify(session: int, user_ref: int, quantity: int, side: str) -> bytes:
    body = MODIFY.pack(quantity, ord(side))
    return _with_body(MODIFY_ORDER, session, user_ref, INSTRUMENT_NONE, body)


def option(tag: int, value: bytes) -> bytes:
    """One option as an element of OUCH's appendage."""
    return bytes([1 + len(value), tag]) + value


def quote(session: int, user_ref: int, *entries: tuple[int, int, int, int, int]) -> bytes:
    """Each entry: instrument, bid's price and quantity, ask's price and quantity."""
    body = b"".join(struct.pack("<IiIiII", *entry, 0) for entry in entries)
    return _with_body(QUOTE, session, user_ref, INSTRUMENT_NONE, body)


def set_protection(
    session: int,
    index: int,
    *,
    volume: int = 0,
    delta: int = 0,
    executions: int = 0,
    window: int = 0,
) -> bytes:
    body = struct.pack("<QQII", volume, delta, executions, window)
    return _with_body(SET_PROTECTION, session, 0, index, body)


def reset_protection(session: int, index: int) -> bytes:
    return _with_body(RESET_PROTECTION, session, 0, index, b"")
