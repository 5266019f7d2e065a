"""A stream of commands with all of its prices lower, and what its events are then.

In the stream as it is, no price is 0 or below, so that 0 says "none" in its events.
"""

import struct

from tests.model import records as r

PRICE_AT = r.BODY + 4  # of an order and of a replacement
CROSS_TYPE_AT = r.BODY + 13
QUOTE_ENTRY_BYTES = 24
STOPS = 1 << r.OPTION_PLACES[128][0] | 1 << r.OPTION_PLACES[129][0]
PRICE_TYPE_AT = r.OPTION_PLACES[6][1]


def lowered(record: bytes, by: int) -> bytes:
    """A command with lower prices."""
    data = bytearray(record)
    if record[0] in (r.DEFINE_INSTRUMENT, r.CHANGE_INSTRUMENT):
        _lower(data, r.BODY + 16, by)
        _lower(data, r.BODY + 20, by)
    elif record[0] in (r.ENTER_ORDER, r.REPLACE_ORDER):
        _lower(data, PRICE_AT, by)
    elif record[0] == r.QUOTE:
        for entry in range(r.BODY, len(data), QUOTE_ENTRY_BYTES):
            _lower(data, entry + 4, by)
            _lower(data, entry + 12, by)
    return bytes(data)


def lowered_event(data: bytes, by: int) -> bytes:
    """An event of the same command at lower prices."""
    event = r.decode_event(data)
    if event.price in (0, r.MARKET, r.MARKET_CROSS):
        return data
    return r.EVENT.pack(*event._replace(price=event.price - by))


def _lower(data: bytearray, at: int, by: int) -> None:
    (price,) = struct.unpack_from("<i", data, at)
    if price not in (r.MARKET, r.MARKET_CROSS):
        struct.pack_into("<i", data, at, price - by)


def is_for_any_prices(record: bytes) -> bool:
    """Whether rule 2.12 refuses nothing of what a command asks for."""
    if record[0] in (r.DEFINE_INSTRUMENT, r.CHANGE_INSTRUMENT, r.DEFINE_TICK_TABLE):
        return False  # the instruments are those of the test
    if record[0] == r.SET_STATE:
        return chr(record[r.BODY]) == "T"  # few others: their orders are gone
    if record[0] == r.ENTER_ORDER and record[CROSS_TYPE_AT] != ord("N"):
        return False
    options = r.options_of(record) if record[0] in (r.ENTER_ORDER, r.REPLACE_ORDER) else b""
    if len(options) < r.OPTIONS_BYTES:
        return True  # none, or malformed
    named = int.from_bytes(options[:4], "little")
    return not named & STOPS and options[PRICE_TYPE_AT] in b"\0LK"
