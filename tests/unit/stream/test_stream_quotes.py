"""Goal: readers of the stream know the commands and events of quotes.

Method: frames from the records of the model, through the walk and through a gateway's sessions.
"""

from tests.model import records as r

from ironcore.stream.walk import Transactions
from ironcore.wire import record

QUOTE = r.quote(1, 5, (0, 1000, 10, 1100, 20), (1, 500, 1, 0, 0))


def event(kind: int, last: bool = False) -> bytes:
    return r.EVENT.pack(kind, r.LAST if last else 0, 0, ord("B"), 1, 1, 0, 100, 1)


def test_the_walk_takes_quotes_and_protections() -> None:
    stream = Transactions()
    for number, command in enumerate(
        (QUOTE, r.set_protection(1, 0, volume=5), r.reset_protection(1, 0)), 1
    ):
        events = event(r.QUOTED) + event(r.PROTECTION_REACHED) + event(r.PROTECTION_RESET, True)
        assert stream.take(number, command + events) == (number, command + events)


def test_an_event_between_the_known_ones_is_refused() -> None:
    for kind in (156, 159, 165):
        try:
            Transactions().take(1, QUOTE + event(kind, True))
        except ValueError:
            continue
        raise AssertionError(kind)


def test_a_quote_is_shown_entry_by_entry() -> None:
    (shown,) = record.decode_frame(QUOTE[:1] + bytes([QUOTE[1] | r.LAST]) + QUOTE[2:])
    assert shown["kind"] == "Quote"
    assert shown["entries"] == [
        {
            "instrument": instrument,
            "bid_price": bid,
            "bid_quantity": bids,
            "ask_price": ask,
            "ask_quantity": asks,
        }
        for instrument, bid, bids, ask, asks in ((0, 1000, 10, 1100, 20), (1, 500, 1, 0, 0))
    ]
    again = record.encode("Quote", session=1, user_ref=5, entries=shown["entries"])
    assert again[40:] == QUOTE[40:]
