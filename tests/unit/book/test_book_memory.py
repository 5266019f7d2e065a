"""Goal: an instrument without orders takes little memory, and its first order finds what it needs
in memory already.

Method: the core says how much of its tables the kernel holds in memory (mincore), of nothing else
of the process. Two cores of different numbers of instruments tell what one more takes.
"""

import numpy as np
import pytest
from tests.model import records as r

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.wire import record

IDLE_BYTES_MAX = 1024
# Of address space: its book, the roots of ten sides, and the events that a CLOCK has for it.
IDLE_RESERVED_BYTES_MAX = 4096
# So many that what the kernel rounds up to huge pages, a few of 2 MiB, is little of each.
FEW, MANY = 1_000, 60_000
SESSIONS = 2
ORDERS_MAX = 1 << 17


def definitions(count: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Of instruments that differ in their id only."""
    one = r.define_instrument(0, tick=100, price_min=100)
    rows = np.tile(np.frombuffer(one, np.uint8), (count, 1))
    rows.reshape(-1).view(record.dtypes()["DefineInstrument"])["instrument"] = np.arange(count)
    return rows.reshape(-1)


def venue(instruments: int) -> MatchingEngine:
    limits = r.Limits(instruments, SESSIONS, ORDERS_MAX, 17)
    core = MatchingEngine(*limits)
    opening = [r.stream_start(limits), *(r.define_session(1 + n) for n in range(SESSIONS))]
    statuses, _, _ = core.apply_batch(b"".join(opening) + definitions(instruments).tobytes())
    assert set(statuses.tolist()) == {r.OK}
    assert core.counters["instruments"] == instruments
    return core


def first_orders(core: MatchingEngine, first: int, end: int) -> None:
    """An order on each side of these instruments, which no order has been to."""
    orders = [
        r.enter(session, instrument + 1, side, 1, price, instrument=instrument)
        for instrument in range(first, end)
        for session, side, price in ((1, "B", 1_000_000), (2, "S", 1_000_100))
    ]
    statuses, _, _ = core.apply_batch(b"".join(orders))
    assert set(statuses.tolist()) == {r.OK}


@pytest.fixture(scope="module")
def found() -> tuple[dict[str, int], dict[str, int]]:
    return venue(FEW).memory, venue(MANY).memory


def each_more(found: tuple[dict[str, int], dict[str, int]], name: str) -> float:
    few, many = found
    return (many[name] - few[name]) / (MANY - FEW)


def test_an_idle_instrument_takes_no_more_than_a_kilobyte(
    found: tuple[dict[str, int], dict[str, int]],
) -> None:
    # It has a book at least: a count that did not see that would be none.
    assert 512 < each_more(found, "resident_bytes") <= IDLE_BYTES_MAX


def test_an_idle_instrument_takes_little_address_space(
    found: tuple[dict[str, int], dict[str, int]],
) -> None:
    assert each_more(found, "reserved_bytes") <= IDLE_RESERVED_BYTES_MAX


def test_the_count_sees_what_orders_bring_into_memory() -> None:
    core = venue(8_000)
    before = core.memory["resident_bytes"]
    first_orders(core, 0, 8_000)
    # Each side took a page of 64 levels, of which 1,024 and what a huge page rounds up were there.
    assert core.memory["resident_bytes"] - before > (2 * 8_000 - 3 * 1_024) * 1_024


def test_first_orders_bring_nothing_into_memory_that_is_kept_ahead() -> None:
    core = venue(8_000)
    core.make_resident()
    for first in range(0, 8_000, 400):
        before = core.memory["resident_bytes"]
        first_orders(core, first, first + 400)
        assert core.memory["resident_bytes"] == before, f"after {2 * first} orders"
        core.make_resident()


def test_an_idle_core_keeps_nothing_more_in_memory() -> None:
    core = venue(2_000)
    before = core.memory["resident_bytes"]
    assert [core.make_resident() for _ in range(3)] == [0, 0, 0]
    assert core.memory["resident_bytes"] == before


def test_what_is_kept_ahead_ends_with_the_pool() -> None:
    count = 3_000
    limits = r.Limits(1, 1, count, 12)
    core = MatchingEngine(*limits)
    opening = [r.stream_start(limits), r.define_instrument(0, tick=1, price_min=1)]
    core.apply_batch(b"".join([*opening, r.define_session(1)]))
    # Each order is at a price of a page of its own.
    orders = [r.enter(1, ref, "S", 1, 1 + 4096 * ref) for ref in range(1, count + 1)]
    core.apply_batch(b"".join(orders))
    assert core.counters["level_pages"] == count
    assert core.make_resident() > 0
    assert core.make_resident() == 0
    core.check_invariants()
