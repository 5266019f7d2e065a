"""Quotes of the library and their protection, as records (section 20 of docs/MATCHING_RULES.md)."""

from collections.abc import Sequence

from ironcore.wire import record
from ironpit.common.decimals import PRICE_MAX
from ironpit.library.arguments import integer

QUOTE_ENTRIES_MAX = 16
LIMIT_MAX = (1 << 62) - 1
# Instrument, the bid's price and quantity, the ask's price and quantity.
QuoteEntry = tuple[int, int, int, int, int]


def quote(session: int, user_ref: int, entries: Sequence[QuoteEntry]) -> bytes:
    if not 1 <= len(entries) <= QUOTE_ENTRIES_MAX:
        raise ValueError(
            f"entries: found {len(entries)} of them, expected 1 to {QUOTE_ENTRIES_MAX}"
        )
    fields = []
    for instrument, bid, bid_quantity, ask, ask_quantity in entries:
        fields.append(
            {
                "instrument": integer("entries: instrument", instrument),
                "bid_price": integer("entries: the bid's price", bid, -PRICE_MAX, PRICE_MAX),
                "bid_quantity": integer("entries: the bid's quantity", bid_quantity),
                "ask_price": integer("entries: the ask's price", ask, -PRICE_MAX, PRICE_MAX),
                "ask_quantity": integer("entries: the ask's quantity", ask_quantity),
            }
        )
    number = integer("user_ref", user_ref)
    return record.encode("Quote", session=session, user_ref=number, entries=fields)


def protection(
    session: int, instrument: int, volume: int, delta: int, executions: int, window: int
) -> bytes:
    return record.encode(
        "SetProtection",
        session=session,
        instrument=instrument,
        volume_max=integer("volume", volume, 0, LIMIT_MAX),
        delta_max=integer("delta", delta, 0, LIMIT_MAX),
        executions_max=integer("executions", executions),
        window_seconds=integer("window", window),
    )


def reset(session: int, instrument: int) -> bytes:
    return record.encode("ResetProtection", session=session, instrument=instrument)
