"""A trade in the event stream, as whoever wants to bust it has to know it."""

import struct
from dataclasses import dataclass, field

from ironcore.stream.walk import Transactions
from ironcore.wire import record


@dataclass
class Trade:
    """What the stream says of a match number; slots are session << user_ref_bits | UserRefNum."""

    instrument: int
    slots: list[int] = field(default_factory=list)  # of its two orders; none: it is an auction's
    busted_at: int = 0  # the sequence number of the first bust; 0 while there is none


class TradeSearch:
    """Looks for the trade of a match number in a stream: `take` its frames from the beginning.

    trade: None while it has none. Without `slots` the number is an auction's own (rule 14.6 of
    docs/MATCHING_RULES.md).
    """

    def __init__(self, match_number: int, user_ref_bits: int) -> None:
        self.trade: Trade | None = None
        self._match_number = match_number
        self._user_ref_bits = user_ref_bits
        self._wanted = struct.pack("<Q", match_number)
        self._stream = Transactions()

    def take(self, sequence: int, frame: bytes) -> None:
        """Take in the next frame. ValueError when it is none."""
        taken = self._stream.take(sequence, frame)
        # Few transactions hold these bytes, and decoding is what takes the time.
        if taken is not None and self._wanted in taken[1]:
            self._look(*taken)

    def _look(self, sequence: int, transaction: bytes) -> None:
        command, *events = record.decode_frame(transaction)
        aggressor = (command["session"] << self._user_ref_bits) + command["user_ref"]
        instrument = command["instrument"]
        for event in events:
            if event["kind"] == "InstrumentNext":
                instrument = event["slot"]
            if event["kind"] == "Activated":
                aggressor = event["slot"]
            if event["kind"] not in ("Executed", "Crossed", "Cross", "Broken"):
                continue
            if event["other"] != self._match_number:
                continue
            if event["kind"] == "Broken":
                if self.trade is not None:
                    self.trade.busted_at = self.trade.busted_at or sequence
                continue
            if self.trade is None:
                self.trade = Trade(instrument)
            if event["kind"] != "Cross":
                self.trade.slots.append(event["slot"])
            if event["kind"] == "Executed":
                self.trade.slots.append(aggressor)
