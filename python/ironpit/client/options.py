"""The options of an order: what stands in the appendage of EnterOrder and ReplaceOrder."""

from typing import Any, Final, Literal

from ironcore.wire.order_options import OPTIONS

Peg = Literal["same-side", "opposite-side", "midpoint"]
SelfTradePrevention = Literal[
    "none", "cancel-newest", "cancel-oldest", "cancel-both", "decrement-and-cancel"
]

# OUCH's names by those of this venue.
OUCH: Final = {option.name: option.ouch for option in OPTIONS}
PEGS: dict[Peg, str] = {"same-side": "R", "opposite-side": "P", "midpoint": "M"}
SELF_TRADE_PREVENTION: dict[SelfTradePrevention, str] = {
    "none": "-",
    "cancel-newest": "N",
    "cancel-oldest": "O",
    "cancel-both": "B",
    "decrement-and-cancel": "D",
}


def order_options(
    *,
    min_qty: int | None = None,
    max_floor: int | None = None,
    random_reserves: int | None = None,
    reserve_seed: int | None = None,
    peg: Peg | None = None,
    peg_offset: int | None = None,
    market_to_limit: bool = False,
    imbalance_only: bool = False,
    post_only: bool | None = None,
    expire_time_s: int | None = None,
    stop_price: int | None = None,
    trail_offset: int | None = None,
    oco_ref: int | None = None,
    self_trade_prevention: SelfTradePrevention | None = None,
    group: int | None = None,
    side: str | None = None,
) -> dict[str, Any]:
    """An appendage for `OuchClient.enter` and `replace`; what is not named is not in it.

    client.enter("BTCUSD", "S", 1000, 25_000_000, appendage=order_options(max_floor=100))

    min_qty: of an execution; not with a peg or a stop, and no stop is fill or kill. max_floor: what
    an iceberg displays at most, random_reserves by how much a peak differs from it, reserve_seed
    what that is drawn from (else the venue draws one). peg: the best price that the order follows,
    with peg_offset; it has to be hidden (display "N"), but for one of its own side without an
    offset. market_to_limit: of an order with a market price, and no peg: the best opposite price
    becomes its limit. imbalance_only: of an order with a limit for the opening or closing auction,
    and neither of these two: it executes with the auction's surplus. expire_time_s: second of the
    day, with time_in_force "6". stop_price, trail_offset: a stop, or a trailing stop. oco_ref:
    UserRefNum of a live order; one of the two is a stop, and one cancels the other (section 21).
    group: for mass cancels. side: of a replacement of a sell order. Prices and offsets have the
    instrument's decimals. The rules: docs/MATCHING_RULES.md, 4.9.
    """
    price_type = None if peg is None else PEGS[peg]
    if market_to_limit or imbalance_only:
        price_type = "K" if market_to_limit else "I"
    options: dict[str, Any] = {
        "min_quantity": min_qty,
        "max_floor": max_floor,
        "price_type": price_type,
        "peg_offset": peg_offset,
        "post_only": None if post_only is None else "NP"[post_only],
        "random_reserves": random_reserves,
        "expire_second": expire_time_s,
        "group": group,
        "new_side": side,
        "stop_price": stop_price,
        "trail_offset": trail_offset,
        "oco_ref": oco_ref,
        "stp_mode": (
            None if self_trade_prevention is None else SELF_TRADE_PREVENTION[self_trade_prevention]
        ),
        "reserve_seed": reserve_seed,
    }
    return {OUCH[name]: value for name, value in options.items() if value is not None}
