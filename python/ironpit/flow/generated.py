"""Member order flow of our own making, for everyone who has no market data at hand.

The model, all of it in integers of nanoseconds, ticks and lots:

- Orders arrive with exponential gaps (mean `GAP_NS`), dealt to the sessions at random.
- The mid price walks one tick up, one down or stays, with equal probability, at every arrival.
- IMMEDIATE_PERCENT of the orders are immediate-or-cancel and reach through the mid price.
- All others rest at a distance of d ticks from the touch with a probability that falls with
  1 / (d + DEPTH_OFFSET)^2: a power law, cut at DEPTH_TICKS_MAX.
- A resting order lives for an exponential time (median LIFETIME_NS_MEDIAN). Half-way through
  CHANGED_PERCENT are changed: one half is reduced to half its size, the other half is replaced at a
  new distance from the mid price of that moment. At the end CANCELLED_PERCENT are cancelled; the
  others stay.

A seed fixes the flow: numpy's PCG64 bit generator, whose stream numpy keeps stable (NEP 19).
"""

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
    Flow,
    Operations,
)

SYMBOL = "BTCUSD"
MESSAGES = 50_000
SEED = 1
TICK_SIZE_E4 = 100
LOT = 100
MID_TICKS = 23_500
MID_TICKS_MIN = 5_000
GAP_NS = 20_000
IMMEDIATE_PERCENT = 15
CHANGED_PERCENT = 20
CANCELLED_PERCENT = 95
LIFETIME_NS_MEDIAN = 800_000
DEPTH_OFFSET = 3
DEPTH_TICKS_MAX = 2_000
LOTS_MAX = 500
MESSAGES_PER_ORDER_MIN = 1.8  # about 1.98 by the percentages above

Integers = npt.NDArray[np.int64]


def _power_law(random: np.random.Generator, count: int, length: int, offset: int) -> Integers:
    """Integers from 0 below length with weights 1 / (i + offset)^2, by exact integer weights."""
    weights = (1 << 40) // (np.arange(length, dtype=np.int64) + offset) ** 2
    cumulated = np.cumsum(weights)
    draws = random.integers(0, cumulated[-1], count)
    return np.searchsorted(cumulated, draws, side="right").astype(np.int64)


def _exponential_ns(random: np.random.Generator, count: int, mean_ns: float) -> Integers:
    return random.exponential(mean_ns, count).astype(np.int64) + 1


def generate(sessions_count: int, messages: int = MESSAGES, seed: int = SEED) -> Flow:
    """A flow of exactly this many operations."""
    if not 1 <= sessions_count <= 0xFFFF:
        raise ValueError(f"found {sessions_count} sessions, expected 1 to 65535")
    random = np.random.Generator(np.random.PCG64(seed))
    count = int(messages / MESSAGES_PER_ORDER_MIN) + 64
    time_ns = np.cumsum(_exponential_ns(random, count, GAP_NS))
    walk = np.cumsum(random.integers(-1, 2, count))
    mid = np.maximum(MID_TICKS + walk, MID_TICKS_MIN)
    sign = 2 * random.integers(0, 2, count) - 1  # +1 buys, -1 sells
    immediate = random.integers(0, 100, count) < IMMEDIATE_PERCENT
    depth = _power_law(random, count, DEPTH_TICKS_MAX, DEPTH_OFFSET)
    # A resting order stands away from the mid price, an immediate one reaches through it.
    ticks = np.where(immediate, mid + sign * (1 + depth % 8), mid - sign * (1 + depth))
    quantity = LOT * (1 + _power_law(random, count, LOTS_MAX, 2))
    lifetime_ns = _exponential_ns(random, count, LIFETIME_NS_MEDIAN / np.log(2))
    resting = ~immediate
    changed = resting & (random.integers(0, 100, count) < CHANGED_PERCENT)
    replaced = changed & (random.integers(0, 2, count) == 1)
    cancelled = resting & (random.integers(0, 100, count) < CANCELLED_PERCENT)
    session = random.integers(0, sessions_count, count)
    change_ns = time_ns + lifetime_ns // 2
    new_depth = _power_law(random, count, DEPTH_TICKS_MAX, DEPTH_OFFSET)
    mid_then = mid[np.minimum(np.searchsorted(time_ns, change_ns, side="right"), count) - 1]
    new_ticks = mid_then - sign * (1 + new_depth)

    def rows(kind: int, chosen: npt.NDArray[np.bool_], at_ns: Integers) -> Operations:
        index = np.flatnonzero(chosen)
        made = np.zeros(len(index), _DRAFT)
        made["order"] = index
        made["time_ns"] = at_ns[index]
        made["session"] = session[index]
        made["kind"] = kind
        made["side"] = np.where(sign[index] > 0, BUY, SELL)
        made["time_in_force"] = np.where(immediate[index], IMMEDIATE_OR_CANCEL, DAY)
        made["quantity"] = quantity[index]
        return made

    enters = rows(ENTER, np.ones(count, np.bool_), time_ns)
    enters["price_e4"] = ticks * TICK_SIZE_E4
    replaces = rows(REPLACE, replaced, change_ns)
    replaces["price_e4"] = new_ticks[replaced] * TICK_SIZE_E4
    reductions = rows(CANCEL, changed & ~replaced, change_ns)
    reductions["quantity"] = reductions["quantity"] // 2
    cancels = rows(CANCEL, cancelled, time_ns + lifetime_ns)
    cancels["quantity"] = 0
    drafts = np.concatenate([enters, replaces, reductions, cancels])
    # An order's own operations keep their order even at one instant: the sort is stable.
    drafts = drafts[np.argsort(drafts["time_ns"], kind="stable")][:messages]
    return Flow((SYMBOL,), sessions_count, _numbered(drafts, count, sessions_count))


_DRAFT = np.dtype([*OPERATION.descr, ("order", "<i8")])


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
    drafts["price_e4"][cancelling] = 0
    drafts["side"][cancelling] = 0
    drafts["time_in_force"][cancelling] = 0
    made = np.zeros(len(drafts), OPERATION)
    for name in OPERATION.names or ():
        made[name] = drafts[name]
    return made
