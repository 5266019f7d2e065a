"""A small day of market data, made anew and always the same: an ITCH 5.0 file with one stock."""

from pathlib import Path
from random import Random
from typing import Any

from ironcore.wire import itch50, itch_file

MID_PRICE = 2_350_000
GAP_NS = 20_000_000


def write_day(path: Path, orders: int = 600, seed: int = 1) -> Path:
    """Orders around a price that wanders, of which some are taken and most are cancelled."""
    random = Random(seed)
    messages: list[bytes] = []
    live: list[tuple[int, int]] = []
    mid_price, time_ns = MID_PRICE, 34_200 * 10**9

    def say(kind: str, **fields: Any) -> None:
        common = {"stock_locate": 1, "tracking_number": 0, "timestamp": time_ns}
        messages.append(itch_file.frame(itch50.encode(kind, **common, **fields)))

    for reference in range(1, orders + 1):
        time_ns += random.randrange(GAP_NS)
        mid_price += 100 * random.randrange(-5, 6)
        side = random.choice("BS")
        away_price = 100 * random.randrange(1, 60)
        shares = random.randrange(1, 500)
        price = mid_price + (away_price if side == "S" else -away_price)
        say("AddOrder", order_ref=reference, side=side, shares=shares, stock="IRON", price=price)
        live.append((reference, shares))
        if random.random() < 0.6:
            gone, shares = live.pop(random.randrange(len(live)))
            if random.random() < 0.3:
                say("OrderExecuted", order_ref=gone, executed_shares=shares, match_number=gone)
            else:
                say("OrderDelete", order_ref=gone)
    path.write_bytes(b"".join(messages))
    return path
