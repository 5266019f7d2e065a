"""What a member could leave behind to make a later command dear, and what a venue meets by itself.

Each function brings one book into a state, as large as its `Size` lets it. What they have in common
is an order of one share on each side, so that there are best prices to be moved.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from tests.dearest import ladders, quotes
from tests.dearest.opening import (
    FAR,
    GROUPED,
    ICEBERG_QUANTITY,
    OWNER,
    PRICE,
    QUANTITY_MAX,
    SECOND,
    STRANGER,
    Opening,
    Size,
    far_apart,
    steps,
)
from tests.model import records as r
from tests.model.options import write_options

Adversary: TypeAlias = Callable[[Size], Opening]

ICEBERG = write_options(max_floor=1)
MINIMUM = write_options(min_qty=QUANTITY_MAX)


def _begun(size: Size, **terms: int) -> Opening:
    opening = Opening(size, **terms)
    opening.rest(OWNER, "B", 1, PRICE - 10 * FAR)
    opening.rest(OWNER, "S", 1, PRICE - 10)
    opening.best = (OWNER, 2)
    return opening


def orders_at_one_price(size: Size) -> Opening:
    opening = _begun(size)
    opening.many(size.orders, OWNER, "S")
    return opening


def orders_at_a_price_each(size: Size) -> Opening:
    opening = _begun(size)
    opening.many(size.orders, OWNER, "S", {"price": far_apart(size.orders)})
    return opening


def hidden_orders(size: Size) -> Opening:
    opening = _begun(size)
    opening.many(size.orders, OWNER, "S", {"price": far_apart(size.orders)}, display="N")
    return opening


def icebergs(size: Size) -> Opening:
    """That show one share of twenty."""
    opening = _begun(size)
    opening.many(size.orders, OWNER, "S", quantity=ICEBERG_QUANTITY, options=ICEBERG)
    return opening


def shared_by_pro_rata(size: Size) -> Opening:
    opening = _begun(size, allocation=1)
    opening.many(size.orders, OWNER, "S")
    return opening


def shared_by_size(size: Size) -> Opening:
    """Of sizes that rise, so that those which go first are the last to be found."""
    opening = _begun(size, allocation=2)
    opening.many(size.orders, OWNER, "S", {"quantity": 1 + steps(size.orders)})
    return opening


def orders_of_the_group(size: Size) -> Opening:
    opening = _begun(size)
    opening.many(size.orders, GROUPED, "S", {"price": far_apart(size.orders)})
    return opening


def icebergs_of_the_group(size: Size) -> Opening:
    opening = _begun(size)
    opening.many(size.orders, GROUPED, "S", quantity=ICEBERG_QUANTITY, options=ICEBERG)
    return opening


def icebergs_counted_one_by_one(size: Size) -> Opening:
    """An order with MinQty on their side makes a count look at each."""
    opening = _begun(size)
    fields: dict[str, Any] = {"quantity": ICEBERG_QUANTITY, "options": ICEBERG}
    opening.many(size.orders, OWNER, "S", {"price": far_apart(size.orders)}, **fields)
    opening.rest(STRANGER, "S", QUANTITY_MAX, r.PRICE_MAX, display="N", options=MINIMUM)
    return opening


def minimums(size: Size) -> Opening:
    opening = orders_at_a_price_each(size)
    ladders.minimums_in_the_way(opening)
    return opening


def orders_that_a_mass_cancel_is_on_its_way_to(size: Size) -> Opening:
    opening = orders_at_a_price_each(size)
    opening.add(r.mass_cancel(OWNER, scope=1))
    opening.best = (OWNER, opening.numbers[OWNER])
    return opening


def orders_that_the_close_is_on_its_way_to(size: Size) -> Opening:
    opening = orders_at_a_price_each(size)
    opening.add(r.set_state(0, "C", force=True))
    return opening


def good_till_one_second(size: Size) -> Opening:
    opening = _begun(size)
    until: dict[str, Any] = {"time_in_force": "6", "options": write_options(expire_time=SECOND)}
    opening.many(size.orders, OWNER, "S", {"price": far_apart(size.orders)}, **until)
    return opening


def numbers_far_apart(size: Size) -> Opening:
    """Each UserRefNum in a block of its own."""
    opening = _begun(size)
    count = min(size.orders, ((1 << size.user_ref_bits) - 100) // 64)
    opening.many(count, OWNER, "S", gap=64)
    return opening


def waiting_for_an_auction(size: Size) -> Opening:
    opening = _begun(size, pause_seconds=1)
    opening.add(r.set_state(0, "P"))
    half = size.orders // 2
    for side in "BS":
        prices = PRICE + (steps(half) if side == "B" else -steps(half))
        opening.many(half, OWNER, side, {"price": prices}, cross_type="H")
    opening.add(r.clock(1))
    return opening


def crossed_before_an_auction(size: Size) -> Opening:
    opening = _begun(size, pause_seconds=1)
    opening.add(r.set_state(0, "P"))
    half = size.orders // 2
    for side in "BS":
        distance = far_apart(half) - PRICE
        prices = PRICE + (distance // 2 if side == "B" else -distance // 2)
        opening.many(half, OWNER, side, {"price": np.maximum(prices, 1)})
    opening.add(r.clock(1))
    return opening


def price_of_an_auction_looked_for(size: Size) -> Opening:
    """The first step of an auction has been made: it looks at one price after the other."""
    opening = crossed_before_an_auction(size)
    opening.add(r.clock(2))
    return opening


def pairs_of_an_auction_executing(size: Size) -> Opening:
    """Its price is known soon, and then each order executes."""
    opening = _begun(size, pause_seconds=1)
    opening.add(r.set_state(0, "P"))
    half = size.orders // 2
    for side, price in (("B", PRICE + 1), ("S", PRICE - 1)):
        opening.many(half, OWNER, side, price=price)
    opening.add(r.clock(1))
    opening.add(r.clock(2))
    return opening


def orders_that_waited_leaving(size: Size) -> Opening:
    """An auction without an execution: what waited for it comes to rest or leaves."""
    opening = _begun(size, pause_seconds=1)
    opening.add(r.set_state(0, "P"))
    fields: dict[str, Any] = {"cross_type": "H", "time_in_force": "3"}
    prices = PRICE - 11 - steps(size.orders, min(FAR, PRICE // (2 * size.orders + 1)))
    opening.many(size.orders, OWNER, "B", {"price": prices}, **fields)
    opening.add(r.clock(1))
    opening.add(r.clock(2))
    return opening


def minimums_when_trading_begins(size: Size) -> Opening:
    """A sell with MinQty at the lowest price makes every hidden buy one that may have to act."""
    opening = _begun(size, pause_seconds=1)
    opening.add(r.set_state(0, "P"))
    hidden: dict[str, Any] = {"display": "N", "quantity": 2}
    opening.many(size.orders, OWNER, "B", {"price": PRICE - 10 - steps(size.orders)}, **hidden)
    for side, price in (("B", PRICE - 10), ("S", 2)):
        fields: dict[str, Any] = {"display": "N", "options": MINIMUM, "price": price}
        opening.many(size.minimums // 2, STRANGER, side, quantity=QUANTITY_MAX, **fields)
    opening.add(r.clock(1))
    return opening


def paused_instruments(size: Size) -> Opening:
    opening = _begun(size)
    for index in range(1, size.instruments):
        opening.add(r.define_instrument(index, pause_seconds=1, initial_state="P"))
    opening.instruments = max(size.instruments, 1)
    opening.add(r.clock(1))
    return opening


def orders_of_the_group_before_another(size: Size) -> Opening:
    """A fill or kill that may just count to the order behind them, and cancels all of them."""
    opening = Opening(size)
    opening.rest(OWNER, "B", 1, 1)
    count = min(size.orders, size.steps - 1)
    opening.many(count, GROUPED, "S", {"price": far_apart(count)})
    number = opening.rest(OWNER, "S", 1, r.PRICE_MAX)
    opening.best = (OWNER, number)
    return opening


def bids_of_the_group(size: Size) -> Opening:
    opening = _begun(size)
    prices = PRICE - 11 - steps(size.orders, min(FAR, PRICE // (2 * size.orders + 1)))
    opening.many(size.orders, GROUPED, "B", {"price": prices})
    return opening


def numbers_that_have_left(size: Size) -> Opening:
    """Blocks of UserRefNums without a live order, which a mass cancel has not passed yet."""
    opening = numbers_far_apart(size)
    first = 2  # that the book has begun with
    opening.leave(OWNER, np.arange(first + 64, opening.numbers[OWNER] + 1, 64))
    return opening


def chain_of_replacements(size: Size) -> Opening:
    """One order, each time under a number in a block of its own."""
    opening = _begun(size)
    number = opening.rest(OWNER, "S", 1, PRICE)
    for _ in range(min(size.orders, ((1 << size.user_ref_bits) - 200) // 64)):
        following = opening.next_number(OWNER, 64)
        opening.add(r.replace(OWNER, number, following, 1, PRICE))
        number = following
    opening.best = (OWNER, number)
    return opening


def _busy(size: Size) -> Opening:
    """An order has made its first step, and is in hand with one share."""
    opening = _begun(size)
    half = size.orders // 2
    opening.many(half, OWNER, "S", {"price": far_apart(half)})
    quantity = -(-size.step_actions // 16) + 1
    opening.rest(STRANGER, "B", quantity, r.PRICE_MAX, time_in_force="3")
    return opening


def orders_under_way(size: Size) -> Opening:
    """They come to their turns behind another, and each executes twice."""
    opening = _busy(size)
    opening.many(size.orders // 2, STRANGER, "B", quantity=2, price=r.PRICE_MAX)
    return opening


def counts_under_way(size: Size) -> Opening:
    """Fill or kills, each of which counts as much as one may, and fails."""
    opening = _busy(size)
    fields: dict[str, Any] = {"price": r.PRICE_MAX, "time_in_force": "4"}
    opening.many(size.orders // 16, STRANGER, "B", quantity=QUANTITY_MAX - 1, **fields)
    return opening


ADVERSARIES: dict[str, Adversary] = {
    "orders at one price": orders_at_one_price,
    "orders at a price each": orders_at_a_price_each,
    "hidden orders at a price each": hidden_orders,
    "icebergs at one price": icebergs,
    "orders that share by pro-rata": shared_by_pro_rata,
    "orders that share by size": shared_by_size,
    "orders of the group": orders_of_the_group,
    "icebergs of the group": icebergs_of_the_group,
    "icebergs counted one by one": icebergs_counted_one_by_one,
    "MinQty orders that are passed by": minimums,
    "a mass cancel on its way": orders_that_a_mass_cancel_is_on_its_way_to,
    "a close on its way": orders_that_the_close_is_on_its_way_to,
    "orders good till one second": good_till_one_second,
    "numbers far apart": numbers_far_apart,
    "orders that wait for an auction": waiting_for_an_auction,
    "a book crossed before an auction": crossed_before_an_auction,
    "the price of an auction looked for": price_of_an_auction_looked_for,
    "pairs of an auction executing": pairs_of_an_auction_executing,
    "orders that waited leaving": orders_that_waited_leaving,
    "MinQty orders when trading begins": minimums_when_trading_begins,
    "paused instruments": paused_instruments,
    "orders of the group before another": orders_of_the_group_before_another,
    "bids of the group": bids_of_the_group,
    "numbers that have left": numbers_that_have_left,
    "a chain of replacements": chain_of_replacements,
    "orders under way": orders_under_way,
    "fill or kills under way": counts_under_way,
    **ladders.ADVERSARIES,
    **quotes.ADVERSARIES,
}
