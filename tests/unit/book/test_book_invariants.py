"""Goal: section 17 of docs/MATCHING_RULES.md: the check of the invariants sees each of them broken.

Method: a sound book, of which one field is overwritten in memory.
"""

import pytest
from tests.model import records as r
from tests.model.memory import Memory
from tests.model.rules import rule

from ironcore.engine.matching_engine import MatchingEngine

FIRST, SECOND, THIRD, SELL = (1 << 12 | number for number in (1, 2, 3, 4))


@pytest.fixture
def core() -> MatchingEngine:
    """Two buys at 1000, one at 900, one sell at 1100."""
    limits = r.Limits()
    core = MatchingEngine(*limits)
    for record in (
        r.stream_start(limits),
        r.define_instrument(0),
        r.define_session(1),
        r.enter(1, 1, "B", 5, 1000),
        r.enter(1, 2, "B", 7, 1000),
        r.enter(1, 3, "B", 9, 900),
        r.enter(1, 4, "S", 9, 1100),
    ):
        assert core.apply(record)[0] == r.OK
    core.check_invariants()
    return core


def broken(core: MatchingEngine) -> str:
    with pytest.raises(AssertionError) as caught:
        core.check_invariants()
    return str(caught.value)


@rule("17.1")
def test_a_crossed_book_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    # Buys count down from the highest price: it becomes five ticks higher, and they with it.
    memory.u32(memory.book_field("grid", "ticks_count")).value += 5
    assert broken(core) == "the book is crossed"


@rule("17.2")
def test_a_wrong_level_total_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u64(memory.level(FIRST, "total")).value += 1
    assert broken(core) == "a level's total is not the sum of its orders"


@rule("17.2")
def test_a_wrong_count_of_a_level_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u64(memory.level(FIRST, "total")).value += 1 << 54
    assert broken(core) == "a level does not know how many orders it has"


@rule("17.3")
def test_a_wrong_neighbour_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.order(SECOND, "link", "prev")).value = memory.level_unit(FIRST)
    assert broken(core) == "an order does not know its neighbour or its level"


@rule("17.3")
def test_a_forgotten_end_of_a_queue_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.level(FIRST, "link", "prev")).value = memory.unit(FIRST)
    assert broken(core) == "a level does not know the end of its queue"


@rule("17.4")
def test_an_order_in_two_places_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.level(THIRD, "link", "next")).value = memory.unit(FIRST)
    assert broken(core) == "an order is in two places"


@rule("17.4")
def test_an_order_that_its_owner_cannot_find_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.slots + 4 * FIRST).value = memory.unit(SECOND)
    assert broken(core) == "an order cannot be found by its owner's reference"


@rule("17.4")
def test_a_reference_to_a_dead_order_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.slots + 4 * (1 << 12)).value = memory.unit(FIRST)
    assert broken(core) == "a reference leads to a dead order"


@rule("17.5")
def test_an_empty_page_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u64(memory.page(SELL, "occupied")).value = 0
    assert broken(core) == "an empty level page was not given back"


@rule("17.5")
def test_a_better_level_than_the_best_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u64(memory.page(SELL, "occupied")).value |= 1
    assert broken(core) == "a better level than the best exists"


@rule("17.5")
def test_a_level_too_many_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.side(0, "levels")).value += 1
    assert broken(core) == "a side counts its levels wrongly"


@rule("17.6")
def test_a_lost_order_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    fresh = memory.u32(memory.engine_field("arena", "order_pool", "fresh"))
    assert fresh.value == 4
    fresh.value += 1
    assert broken(core) == "an order was lost"


@rule("17.6")
def test_an_order_that_is_free_and_live_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    free = memory.u64(memory.engine_field("arena", "order_pool", "free")).value
    memory.u32(free).value = memory.unit(FIRST) // 2
    memory.u32(memory.engine_field("arena", "order_pool", "free_count")).value = 1
    assert broken(core) == "an order is both free and live, or free twice"


@rule("17.7")
def test_an_order_without_quantity_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.order(FIRST, "quantity")).value = 0
    assert broken(core) == "an order without quantity or reference rests"


@rule("17.7")
def test_an_order_off_lot_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.book_field("limits", "lot_size")).value = 3
    assert broken(core) == "an order rests that is not a whole number of lots"


@rule("17.7")
def test_an_order_outside_the_prices_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.book_field("grid", "ticks_count")).value = 10
    assert broken(core) == "a level is outside the instrument's prices"


@rule("17.7")
def test_an_order_on_the_wrong_side_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u64(memory.order(FIRST, "ref_side")).value ^= ord("B") ^ ord("S")
    assert broken(core) == "an order rests on the wrong side"


@rule("17.2")
def test_a_wrong_reserve_of_a_level_is_seen(core: MatchingEngine) -> None:
    """Of which there is none: the level says that it has one."""
    memory = Memory(core)
    memory.u64(memory.page(FIRST, "with_reserve")).value |= 1 << (memory.level_unit(FIRST) & 63)
    memory.u64(memory.reserves + 8 * memory.level_unit(FIRST)).value = 1
    assert broken(core) == "a level's reserve is not the sum of its icebergs'"


@rule("17.2")
def test_a_miscounted_minimum_quantity_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.book_field("min_quantity_live")).value += 1
    assert broken(core) == "a book miscounts its minimum quantities"
