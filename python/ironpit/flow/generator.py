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

from dataclasses import dataclass

import numpy as np

from ironpit.common.decimals import PRICE_MAX, Decimals
from ironpit.flow.lives import Integers, Lives, operations_of
from ironpit.flow.operations import Flow

MESSAGES = 50_000
SEED = 1
GAP_NS = 20_000
IMMEDIATE_PERCENT = 15
CHANGED_PERCENT = 20
CANCELLED_PERCENT = 95
LIFETIME_NS_MEDIAN = 800_000
DEPTH_OFFSET = 3
DEPTH_TICKS_MAX = 2_000
LOTS_MAX = 500
MESSAGES_PER_ORDER_MIN = 1.8  # about 1.98 by the percentages above


@dataclass(frozen=True)
class Traded:
    """What is traded: prices and quantities are integers of its decimals."""

    symbol: str
    decimals: Decimals
    tick_size: int
    lot: int
    mid_ticks: int  # where the mid price begins
    ticks_min: int = 1  # all prices are from here
    ticks_max: int = PRICE_MAX  # to here


# From 250,000.00 on, in ticks of 0.01 and lots of 0.01.
BTCUSD = Traded("BTCUSD", Decimals(price=2, quantity=4), 1, 100, 25_000_000)


def power_law(random: np.random.Generator, count: int, length: int, offset: int) -> Integers:
    """Integers from 0 below length with weights 1 / (i + offset)^2, by exact integer weights."""
    weights = (1 << 40) // (np.arange(length, dtype=np.int64) + offset) ** 2
    cumulated = np.cumsum(weights)
    draws = random.integers(0, cumulated[-1], count)
    return np.searchsorted(cumulated, draws, side="right").astype(np.int64)


def exponential_ns(random: np.random.Generator, count: int, mean_ns: float) -> Integers:
    return random.exponential(mean_ns, count).astype(np.int64) + 1


def generate(
    sessions_count: int, messages: int = MESSAGES, seed: int = SEED, traded: Traded = BTCUSD
) -> Flow:
    """A flow of exactly this many operations."""
    if not 1 <= sessions_count <= 0xFFFF:
        raise ValueError(f"found {sessions_count} sessions, expected 1 to 65535")
    random = np.random.Generator(np.random.PCG64(seed))
    count = int(messages / MESSAGES_PER_ORDER_MIN) + 64
    time_ns = np.cumsum(exponential_ns(random, count, GAP_NS))
    walk = np.cumsum(random.integers(-1, 2, count))
    mid = traded.mid_ticks + walk
    sign = 2 * random.integers(0, 2, count) - 1  # +1 buys, -1 sells
    immediate = random.integers(0, 100, count) < IMMEDIATE_PERCENT
    depth = power_law(random, count, DEPTH_TICKS_MAX, DEPTH_OFFSET)
    # A resting order stands away from the mid price, an immediate one reaches through it.
    ticks = np.where(immediate, mid + sign * (1 + depth % 8), mid - sign * (1 + depth))
    quantity = traded.lot * (1 + power_law(random, count, LOTS_MAX, 2))
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
        price=np.clip(ticks, traded.ticks_min, traded.ticks_max) * traded.tick_size,
        immediate=immediate,
        change_ns=change_ns,
        replaced=replaced,
        new_price=np.clip(new_ticks, traded.ticks_min, traded.ticks_max) * traded.tick_size,
        reduced=changed & ~replaced,
        end_ns=time_ns + lifetime_ns,
        cancelled=cancelled,
        repeat_ns=time_ns + lifetime_ns,
        repeated=np.zeros(count, np.bool_),
    )
    operations = operations_of(lives, sessions_count, messages)
    return Flow((traded.symbol,), sessions_count, operations, decimals=traded.decimals)
