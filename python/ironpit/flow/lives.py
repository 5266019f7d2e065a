"""From what happens to each order in its life to the operations that its member sends.

The generators draw one row an order; here each row becomes its order, its change half-way, its
cancellation and a cancellation in vain, all in order of time and with the references that OUCH
wants. No randomness.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ironpit.flow.operations import (
    BUY,
    CANCEL,
    DAY,
    ENTER,
    IMMEDIATE_OR_CANCEL,
    OPERATION,
    REPLACE,
    SELL,
    Operations,
)

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

_DRAFT = np.dtype([*OPERATION.descr, ("order", "<i8")])


@dataclass
class Lives:
    """One row an order, in order of entry.

    At change_ns a `replaced` order gets new_price, a `reduced` one half its size. At end_ns a
    `cancelled` one is cancelled, and once more at repeat_ns when `repeated`.
    """

    time_ns: Integers
    session: Integers
    symbol: Integers
    sign: Integers  # 1 buys, -1 sells
    quantity: Integers
    price: Integers
    immediate: Booleans
    change_ns: Integers
    replaced: Booleans
    new_price: Integers
    reduced: Booleans
    end_ns: Integers
    cancelled: Booleans
    repeat_ns: Integers
    repeated: Booleans


def _rows(lives: Lives, kind: int, chosen: Booleans, at_ns: Integers) -> Operations:
    index = np.flatnonzero(chosen)
    made = np.zeros(len(index), _DRAFT)
    made["order"] = index
    made["time_ns"] = at_ns[index]
    made["session"] = lives.session[index]
    made["symbol"] = lives.symbol[index]
    made["kind"] = kind
    made["side"] = np.where(lives.sign[index] > 0, BUY, SELL)
    made["time_in_force"] = np.where(lives.immediate[index], IMMEDIATE_OR_CANCEL, DAY)
    made["quantity"] = lives.quantity[index]
    return made


def operations_of(lives: Lives, sessions_count: int, messages: int | None = None) -> Operations:
    """The first operations of these orders in order of time, or all of them."""
    enters = _rows(lives, ENTER, np.ones(len(lives.time_ns), np.bool_), lives.time_ns)
    enters["price"] = lives.price
    replaces = _rows(lives, REPLACE, lives.replaced, lives.change_ns)
    replaces["price"] = lives.new_price[lives.replaced]
    reductions = _rows(lives, CANCEL, lives.reduced, lives.change_ns)
    reductions["quantity"] = reductions["quantity"] // 2
    cancels = _rows(lives, CANCEL, lives.cancelled, lives.end_ns)
    repeats = _rows(lives, CANCEL, lives.cancelled & lives.repeated, lives.repeat_ns)
    cancels["quantity"] = 0
    repeats["quantity"] = 0
    drafts = np.concatenate([enters, replaces, reductions, cancels, repeats])
    # An order's own operations keep their order even at one instant: the sort is stable.
    drafts = drafts[np.argsort(drafts["time_ns"], kind="stable")][:messages]
    return _numbered(drafts, len(lives.time_ns), sessions_count)


def _numbered(drafts: Operations, orders: int, sessions_count: int) -> Operations:
    """Give every order of a session its user reference, and every change the one it refers to."""
    numbered = (drafts["kind"] == ENTER) | (drafts["kind"] == REPLACE)
    for session in range(sessions_count):
        own = np.flatnonzero(numbered & (drafts["session"] == session))
        drafts["user_ref"][own] = np.arange(1, len(own) + 1)
    first = np.zeros(orders, np.uint32)
    entered = drafts[drafts["kind"] == ENTER]
    first[entered["order"]] = entered["user_ref"]
    replacing = drafts["kind"] == REPLACE
    drafts["orig_user_ref"][replacing] = first[drafts["order"][replacing]]
    latest = first.copy()
    latest[drafts["order"][replacing]] = drafts["user_ref"][replacing]
    cancelling = drafts["kind"] == CANCEL
    # Only the final cancellation can follow a replacement: an order is changed once.
    drafts["user_ref"][cancelling] = latest[drafts["order"][cancelling]]
    drafts["price"][cancelling] = 0
    drafts["side"][cancelling] = 0
    drafts["time_in_force"][cancelling] = 0
    made = np.zeros(len(drafts), OPERATION)
    for name in OPERATION.names or ():
        made[name] = drafts[name]
    return made
