"""A trade in the event stream, as whoever wants to bust it has to know it."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from ironcore.stream.walk import Transactions
from ironcore.wire import record


@dataclass
class Trade:
    """What the stream says of a match number; slots are session << user_ref_bits | UserRefNum."""

    instrument: int
    slots: list[int] = field(default_factory=list)  # of its two orders; none: it is an auction's
    busted_at: int = 0  # the sequence number of the first bust; 0 while there is none


def find_trade(
    frames: Iterable[tuple[int, bytes]], match_number: int, user_ref_bits: int
) -> Trade | None:
    """The trade of this match number, in a stream from its beginning; None when it has none.

    Without `slots` the number is an auction's own (rule 14.6 of docs/MATCHING_RULES.md).
    ValueError when a frame is none.
    """
    wanted = struct.pack("<Q", match_number)
    trade = None
    stream = Transactions()
    for number, payload in frames:
        taken = stream.take(number, payload)
        if taken is None:
            continue
        sequence, transaction = taken
        # Few transactions hold these bytes, and decoding is what takes the time.
        if wanted not in transaction:
            continue
        command, *events = record.decode_frame(transaction)
        aggressor = (command["session"] << user_ref_bits) + command["user_ref"]
        instrument = command["instrument"]
        for event in events:
            if event["kind"] == "InstrumentNext":
                instrument = event["slot"]
            if event["kind"] == "Activated":
                aggressor = event["slot"]
            if event["kind"] not in ("Executed", "Crossed", "Cross", "Broken"):
                continue
            if event["other"] != match_number:
                continue
            if event["kind"] == "Broken":
                if trade is not None:
                    trade.busted_at = trade.busted_at or sequence
                continue
            if trade is None:
                trade = Trade(instrument)
            if event["kind"] != "Cross":
                trade.slots.append(event["slot"])
            if event["kind"] == "Executed":
                trade.slots.append(aggressor)
    return trade
