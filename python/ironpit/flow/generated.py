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

from ironpit.flow.lives import Integers, Lives, operations_of
from ironpit.flow.operations import Flow

SYMBOL = "BTCUSD"
MESSAGES = 50_000
SEED = 1
TICK_SIZE = 100
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


def power_law(random: np.random.Generator, count: int, length: int, offset: int) -> Integers:
    """Integers from 0 below length with weights 1 / (i + offset)^2, by exact integer weights."""
    weights = (1 << 40) // (np.arange(length, dtype=np.int64) + offset) ** 2
    cumulated = np.cumsum(weights)
    draws = random.integers(0, cumulated[-1], count)
    return np.searchsorted(cumulated, draws, side="right").astype(np.int64)


def exponential_ns(random: np.random.Generator, count: int, mean_ns: float) -> Integers:
    return random.exponential(mean_ns, count).astype(np.int64) + 1


def generate(sessions_count: int, messages: int = MESSAGES, seed: int = SEED) -> Flow:
    """A flow of exactly this many operations."""
    if not 1 <= sessions_count <= 0xFFFF:
        raise ValueError(f"found {sessions_count} sessions, expected 1 to 65535")
    random = np.random.Generator(np.random.PCG64(seed))
    count = int(messages / MESSAGES_PER_ORDER_MIN) + 64
    time_ns = np.cumsum(exponential_ns(random, count, GAP_NS))
    walk = np.cumsum(random.integers(-1, 2, count))
    mid = np.maximum(MID_TICKS + walk, MID_TICKS_MIN)
    sign = 2 * random.integers(0, 2, count) - 1  # +1 buys, -1 sells
    immediate = random.integers(0, 100, count) < IMMEDIATE_PERCENT
    depth = power_law(random, count, DEPTH_TICKS_MAX, DEPTH_OFFSET)
    # A resting order stands away from the mid price, an immediate one reaches through it.
    ticks = np.where(immediate, mid + sign * (1 + depth % 8), mid - sign * (1 + depth))
    quantity = LOT * (1 + power_law(random, count, LOTS_MAX, 2))
    lifetime_ns = exponential_ns(random, count, LIFETIME_NS_MEDIAN / np.log(2))
    resting = ~immediate
    changed = resting & (random.integers(0, 100, count) < CHANGED_PERCENT)
    replaced = changed & (random.integers(0, 2, count) == 1)
    cancelled = resting & (random.integers(0, 100, count) < CANCELLED_PERCENT)
    session = random.integers(0, sessions_count, count)
    change_ns = time_ns + lifetime_ns // 2
    new_depth = power_law(random, count, DEPTH_TICKS_MAX, DEPTH_OFFSET)
    mid_then = mid[np.minimum(np.searchsorted(time_ns, change_ns, side="right"), count) - 1]
    new_ticks = mid_then - sign * (1 + new_depth)

    lives = Lives(
        time_ns=time_ns,
        session=session,
        symbol=np.zeros(count, np.int64),
        sign=sign,
        quantity=quantity,
        price=ticks * TICK_SIZE,
        immediate=immediate,
        change_ns=change_ns,
        replaced=replaced,
        new_price=new_ticks * TICK_SIZE,
        reduced=changed & ~replaced,
        end_ns=time_ns + lifetime_ns,
        cancelled=cancelled,
        repeat_ns=time_ns + lifetime_ns,
        repeated=np.zeros(count, np.bool_),
    )
    return Flow((SYMBOL,), sessions_count, operations_of(lives, sessions_count, messages))
