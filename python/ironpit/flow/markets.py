"""Order flow of markets that move, for measuring a matching core: seeded, of any length.

`market` is one liquid instrument, in integers of nanoseconds, ticks and lots:

- Orders arrive with exponential gaps (mean `GAP_NS`: input that waits, as it comes faster than it
  is read), dealt to the sessions at random.
- The mid price is a geometric Brownian motion, one step an order, scaled so that over the run its
  highest value is as far above its lowest as the market's name says (`SWINGS`); `crash60` is a
  Brownian bridge of `CRASH_NOISE` around an exponential fall by 60 %.
- The touch of a side is the worst mid price for it of the last TOUCH_NS: the spread is as wide as
  the market moves, and a passive order does not run into what rests on the other side.
- IMMEDIATE_PERCENT are immediate-or-cancel and reach up to REACH_TICKS through the other touch.
- All others are passive: HUMP_PERCENT stand in a hump around HUMP_TICKS * HUMP_CHANCE ticks from
  the touch (binomial), the rest at d ticks with weight 1 / (d + DEPTH_OFFSET)^2, a power law that
  ends at DEPTH_TICKS_MAX. What has not been cancelled is there to be met when the price returns.
- CHANGED_PERCENT of the passive ones are changed half-way through their life, one half of them
  reduced to half, the other half replaced at a new distance from the touch of that moment.
- CANCELLED_PERCENT of the passive ones are cancelled after an exponential life (median
  LIFETIME_NS_MEDIAN), REPEATED_PERCENT of these twice.

`interleaved` is the same with `routine`'s mid price over many instruments that are drawn at random
and have a book to begin with; `deep` a book too large for any cache, from which orders are
cancelled, reduced, replaced and added everywhere.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ironpit.flow.generator import exponential_ns, power_law
from ironpit.flow.lives import Integers, Lives, operations_of
from ironpit.flow.operations import CANCEL, DAY, ENTER, OPERATION, REPLACE, Flow, Operations

TICK_SIZE = 100
LOT = 100
LOTS_MAX = 500
MID_TICKS = 10_000
GAP_NS = 50
IMMEDIATE_PERCENT = 15
REACH_TICKS = 8
HUMP_PERCENT = 40
HUMP_TICKS = 16
HUMP_CHANCE = 0.35
DEPTH_OFFSET = 3
DEPTH_TICKS_MAX = 2_000
CHANGED_PERCENT = 20
CANCELLED_PERCENT = 95
LIFETIME_NS_MEDIAN = 500_000
REPEATED_PERCENT = 2
REPEAT_NS_MEAN = 20_000
TOUCH_NS = 2_000_000
MESSAGES_PER_ORDER_MIN = 1.8  # about 2 by the percentages above

SWINGS = {"fixed": 0.0, "routine": 0.02, "swing25": 0.25, "swing40": 0.40, "crash60": 0.60}
CRASH_NOISE = 0.05

DEEP_ORDERS = 1_000_000
DEEP_LEVELS = 100_000
DEEP_MID_TICKS = 100_000
# Of 100 messages on the deep book; the rest are new orders.
DEEP_CANCELS, DEEP_REDUCTIONS, DEEP_REPLACES = 45, 5, 10
OPENING_ORDERS = 200_000  # of `interleaved`, all instruments together


@dataclass(frozen=True)
class Market:
    """A flow whose first `opening` operations make the book and are not to be measured."""

    name: str
    flow: Flow
    opening: int = 0


def _mid_ticks(random: np.random.Generator, name: str, count: int) -> Integers:
    walk = np.cumsum(random.standard_normal(count)) / np.sqrt(count)
    swing = SWINGS[name]
    if name == "crash60":
        elapsed = np.arange(1, count + 1) / count
        path = np.log(1 - swing) * elapsed + CRASH_NOISE * (walk - elapsed * walk[-1])
    else:
        path = (walk - walk[0]) * (np.log(1 + swing) / max(np.ptp(walk), 1e-9))
    ticks: Integers = np.rint(MID_TICKS * np.exp(path)).astype(np.int64)
    return ticks


def _highest_of_last(values: Integers, count: int) -> Integers:
    """For each value the highest of the last `count` up to it, by maxima of blocks of that size."""
    padded = np.full(-(-len(values) // count) * count, values[0])
    padded[: len(values)] = values
    blocks = padded.reshape(-1, count)
    within = np.maximum.accumulate(blocks, axis=1).reshape(-1)[: len(values)]
    to_end = np.maximum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].reshape(-1)
    found = within.copy()
    found[count:] = np.maximum(within[count:], to_end[1 : len(values) - count + 1])
    return found


def _touches(mid: Integers) -> tuple[Integers, Integers]:
    """Where at each step buys and where sells may stand without meeting the other side."""
    count = min(TOUCH_NS // GAP_NS, len(mid))
    return -_highest_of_last(-mid, count), _highest_of_last(mid, count)


def _distances(random: np.random.Generator, count: int) -> Integers:
    """Ticks from the touch at which passive orders stand."""
    hump = random.binomial(HUMP_TICKS, HUMP_CHANCE, count).astype(np.int64)
    tail = power_law(random, count, DEPTH_TICKS_MAX, DEPTH_OFFSET)
    return 1 + np.where(random.integers(0, 100, count) < HUMP_PERCENT, hump, tail)


def _lives(
    random: np.random.Generator, mid: Integers, sessions_count: int, symbols_count: int
) -> Lives:
    """One order a step of the mid price; every instrument follows the same one."""
    count = len(mid)
    time_ns = np.cumsum(exponential_ns(random, count, GAP_NS))
    sign = 2 * random.integers(0, 2, count) - 1
    immediate = random.integers(0, 100, count) < IMMEDIATE_PERCENT
    lowest, highest = _touches(mid)
    touch = np.where(sign > 0, lowest, highest)
    reach = np.where(sign > 0, highest, lowest) + sign * random.integers(1, REACH_TICKS + 1, count)
    ticks = np.where(immediate, reach, touch - sign * _distances(random, count))
    lifetime_ns = exponential_ns(random, count, LIFETIME_NS_MEDIAN / np.log(2))
    changed = ~immediate & (random.integers(0, 100, count) < CHANGED_PERCENT)
    replaced = changed & (random.integers(0, 2, count) == 1)
    change_ns = time_ns + lifetime_ns // 2
    then = np.minimum(np.searchsorted(time_ns, change_ns, side="right"), count) - 1
    new_ticks = np.where(sign > 0, lowest[then], highest[then]) - sign * _distances(random, count)
    end_ns = time_ns + lifetime_ns
    return Lives(
        time_ns=time_ns,
        session=random.integers(0, sessions_count, count),
        symbol=random.integers(0, symbols_count, count),
        sign=sign,
        quantity=LOT * (1 + power_law(random, count, LOTS_MAX, 2)),
        price=ticks * TICK_SIZE,
        immediate=immediate,
        change_ns=change_ns,
        replaced=replaced,
        new_price=new_ticks * TICK_SIZE,
        reduced=changed & ~replaced,
        end_ns=end_ns,
        cancelled=~immediate & (random.integers(0, 100, count) < CANCELLED_PERCENT),
        repeat_ns=end_ns + exponential_ns(random, count, REPEAT_NS_MEAN),
        repeated=random.integers(0, 100, count) < REPEATED_PERCENT,
    )


def _orders_for(messages: int) -> int:
    return int(messages / MESSAGES_PER_ORDER_MIN) + 64


def market(name: str, sessions_count: int, messages: int, seed: int) -> Market:
    """One of SWINGS: exactly this many operations. KeyError for another name."""
    random = np.random.Generator(np.random.PCG64(seed))
    mid = _mid_ticks(random, name, _orders_for(messages))
    lives = _lives(random, mid, sessions_count, 1)
    operations = operations_of(lives, sessions_count, messages)
    return Market(name, Flow(("ONE",), sessions_count, operations))


def interleaved(symbols_count: int, sessions_count: int, messages: int, seed: int) -> Market:
    """Many instruments, OPENING_ORDERS orders in their books before the first measured one."""
    random = np.random.Generator(np.random.PCG64(seed))
    mid = _mid_ticks(random, "routine", _orders_for(messages))
    lives = _lives(random, mid, sessions_count, symbols_count)
    opening = OPENING_ORDERS // symbols_count * symbols_count
    flow_rows = operations_of(lives, sessions_count, messages)
    rows = np.zeros(opening, OPERATION)
    buys = random.integers(0, 2, opening) == 1
    ticks = mid[0] + np.where(buys, -1, 1) * (20 + _distances(random, opening))
    rows["kind"] = ENTER
    rows["time_in_force"] = DAY
    rows["symbol"] = np.arange(opening) % symbols_count
    rows["session"] = np.arange(opening) % sessions_count
    rows["side"] = np.where(buys, ord("B"), ord("S"))
    rows["price"] = ticks * TICK_SIZE
    rows["quantity"] = LOT * (1 + power_law(random, opening, LOTS_MAX, 2))
    rows["user_ref"] = 1 + np.arange(opening) // sessions_count
    used = np.bincount(rows["session"], minlength=sessions_count).astype(np.uint32)
    for name in ("user_ref", "orig_user_ref"):
        named = flow_rows[name] > 0
        flow_rows[name][named] += used[flow_rows["session"][named]]
    flow_rows["time_ns"] += 1
    symbols = tuple(f"S{index}" for index in range(symbols_count))
    operations = np.concatenate([rows, flow_rows])
    return Market(f"many{symbols_count}", Flow(symbols, sessions_count, operations), opening)


def _deep_prices(
    random: np.random.Generator, buys: npt.NDArray[np.bool_], levels: int
) -> npt.NDArray[np.int64]:
    """Any of the levels of the order's side, all equally likely: the sides never meet."""
    distance = random.integers(1, levels // 2 + 1, len(buys))
    return (DEEP_MID_TICKS + np.where(buys, -distance, distance)) * TICK_SIZE


def deep(
    sessions_count: int,
    messages: int,
    seed: int,
    orders: int = DEEP_ORDERS,
    levels: int = DEEP_LEVELS,
) -> Market:
    """A book of so many orders and levels, then messages that hit it anywhere."""
    random = np.random.Generator(np.random.PCG64(seed))
    draw = random.integers(0, 100, messages)
    removes = draw < DEEP_CANCELS
    reduces = ~removes & (draw < DEEP_CANCELS + DEEP_REDUCTIONS)
    replaces = ~removes & ~reduces & (draw < DEEP_CANCELS + DEEP_REDUCTIONS + DEEP_REPLACES)
    named = removes | reduces | replaces
    if int(named.sum()) > orders:
        raise ValueError(f"found {messages} messages, expected at most {orders * 100 // 61}")
    rows = np.zeros(orders + messages, OPERATION)
    rows["kind"] = ENTER
    rows["kind"][orders:][removes | reduces] = CANCEL
    rows["kind"][orders:][replaces] = REPLACE
    # Whom each message names: every order of the opening at most once, in random order.
    target = np.full(orders + messages, -1)
    target[orders:][named] = random.permutation(orders)[: int(named.sum())]
    own = random.integers(0, sessions_count, orders + messages)
    buys = random.integers(0, 2, orders + messages) == 1
    changing = target >= 0
    own[changing], buys[changing] = own[target[changing]], buys[target[changing]]
    quantity = LOT * (2 + power_law(random, orders + messages, LOTS_MAX - 1, 2))
    quantity[changing] = quantity[target[changing]]
    quantity[orders:][reduces] //= 2
    quantity[orders:][removes] = 0
    rows["time_ns"] = np.arange(orders + messages)
    rows["session"] = own
    rows["side"] = np.where(buys, ord("B"), ord("S"))
    rows["time_in_force"] = DAY
    rows["quantity"] = quantity
    rows["price"] = _deep_prices(random, buys, levels)
    _number_deep(rows, target, sessions_count)
    return Market("deep", Flow(("ONE",), sessions_count, rows), orders)


def _number_deep(rows: Operations, target: npt.NDArray[np.int64], sessions_count: int) -> None:
    for session in range(sessions_count):
        own = np.flatnonzero((rows["session"] == session) & (rows["kind"] != CANCEL))
        rows["user_ref"][own] = np.arange(1, len(own) + 1)
    cancelling, replacing = rows["kind"] == CANCEL, rows["kind"] == REPLACE
    rows["user_ref"][cancelling] = rows["user_ref"][target[cancelling]]
    rows["orig_user_ref"][replacing] = rows["user_ref"][target[replacing]]
    for name in ("price", "side", "time_in_force"):
        rows[name][cancelling] = 0
