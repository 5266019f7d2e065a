"""Goal: the flows that the matching core is measured with are seeded, and of the documented shape.

Method: shares and ranges of generated flows are counted; the books that they make are counted by
the core itself.
"""

from functools import cache

import numpy as np
import pytest

from ironpit.flow.chains import chains_of, decrements_of, resting_max
from ironpit.flow.markets import MID_TICKS, SWINGS, Market, deep, interleaved, market
from ironpit.flow.operations import CANCEL, ENTER, IMMEDIATE_OR_CANCEL, REPLACE

MESSAGES = 300_000


@cache
def made(name: str, seed: int = 1) -> Market:
    if name == "deep":
        return deep(4, 6_000, seed, orders=10_000, levels=1_000)
    if name == "many":
        return interleaved(50, 4, MESSAGES, seed)
    return market(name, 4, MESSAGES, seed)


@pytest.mark.parametrize("name", [*SWINGS, "deep", "many"])
def test_a_seed_fixes_the_flow_to_the_byte(name: str) -> None:
    first = made(name).flow.operations.tobytes()
    made.cache_clear()
    assert made(name).flow.operations.tobytes() == first
    assert made(name, seed=2).flow.operations.tobytes() != first


@pytest.mark.parametrize("name", SWINGS)
def test_the_shares_of_all_kinds_of_messages_are_as_documented(name: str) -> None:
    operations = made(name).flow.operations
    assert len(operations) == MESSAGES
    enters = operations[operations["kind"] == ENTER]
    immediate = enters["time_in_force"] == IMMEDIATE_OR_CANCEL
    assert immediate.mean() == pytest.approx(0.15, abs=0.01)
    chains = chains_of(operations)
    changes = (operations["kind"] == REPLACE) | (
        (operations["kind"] == CANCEL) & (operations["quantity"] > 0)
    )
    # Orders near the end of the flow have not lived long enough to be changed or cancelled.
    old = chains < MESSAGES // 3
    passive = int((~immediate & old[operations["kind"] == ENTER]).sum())
    assert (changes & old).sum() / passive == pytest.approx(0.20, abs=0.02)
    whole = (operations["kind"] == CANCEL) & (operations["quantity"] == 0) & old
    cancelled = np.unique(chains[whole])
    assert len(cancelled) / passive == pytest.approx(0.95, abs=0.03)
    assert whole.sum() / len(cancelled) == pytest.approx(1.02, abs=0.01)


@pytest.mark.parametrize("name", SWINGS)
def test_the_price_swings_as_far_as_the_name_says(name: str) -> None:
    operations = made(name).flow.operations
    takers = operations[operations["time_in_force"] == IMMEDIATE_OR_CANCEL]
    ticks = takers["price"].astype(np.int64) // 100
    buys = takers["side"] == ord("B")
    # Immediate orders reach a few ticks beyond the highest and the lowest of the last mid prices.
    highest, lowest = ticks[buys].max(), ticks[~buys].min()
    if name == "crash60":
        assert lowest / MID_TICKS == pytest.approx(0.4, abs=0.03)
        assert ticks[0] / MID_TICKS == pytest.approx(1.0, abs=0.03)
    else:
        assert highest / lowest == pytest.approx(1 + SWINGS[name], abs=0.005)


def test_lives_are_exponential_with_a_median_below_a_millisecond() -> None:
    operations = made("fixed").flow.operations
    chains = chains_of(operations)
    whole = np.flatnonzero((operations["kind"] == CANCEL) & (operations["quantity"] == 0))
    early = whole[chains[whole] < 200]
    lives_ns = operations["time_ns"][early] - operations["time_ns"][chains[early]]
    assert 300_000 < np.median(lives_ns) < 800_000
    assert lives_ns.max() > 4 * np.median(lives_ns)


def test_distances_have_a_hump_near_the_touch_and_a_long_tail() -> None:
    operations = made("fixed").flow.operations
    passive = operations[
        (operations["kind"] == ENTER) & (operations["time_in_force"] != IMMEDIATE_OR_CANCEL)
    ]
    distances = np.abs(passive["price"].astype(np.int64) // 100 - MID_TICKS)
    counts = np.bincount(distances, minlength=200)
    assert counts[0] == 0
    assert counts[6] > counts[3]
    assert counts[6] > counts[12]
    assert counts[20:200].sum() > counts[200:].sum() > 0


def test_a_deep_book_has_its_orders_and_levels_before_the_first_measured_message() -> None:
    found = made("deep")
    rows = found.flow.operations
    opening = rows[: found.opening]
    assert found.opening == 10_000
    assert (opening["kind"] == ENTER).all()
    assert 990 < len(np.unique(opening["price"])) <= 1_000
    buys = opening["side"] == ord("B")
    assert opening["price"][buys].max() < opening["price"][~buys].min()
    kinds = rows["kind"][found.opening :]
    whole = (rows["kind"] == CANCEL) & (rows["quantity"] == 0)
    assert whole.sum() / len(kinds) == pytest.approx(0.45, abs=0.03)
    assert (kinds == REPLACE).mean() == pytest.approx(0.10, abs=0.03)


def test_every_instrument_of_many_has_a_book_from_the_beginning() -> None:
    found = made("many")
    opening = found.flow.operations[: found.opening]
    assert set(np.bincount(opening["symbol"], minlength=50)) == {found.opening // 50}
    later = found.flow.operations[found.opening :]
    assert len(np.unique(later["symbol"])) == 50


@pytest.mark.parametrize("name", ["routine", "deep", "many"])
def test_references_are_dense_and_changes_refer_to_live_orders_of_the_same_owner(name: str) -> None:
    rows = made(name).flow.operations
    for session in range(4):
        own = rows[rows["session"] == session]
        refs = own["user_ref"][own["kind"] != CANCEL]
        assert (np.diff(refs.astype(np.int64)) == 1).all()
    chains = chains_of(rows)
    assert (chains <= np.arange(len(rows))).all()
    assert (rows["session"] == rows["session"][chains]).all()
    assert (rows["symbol"] == rows["symbol"][chains]).all()


def test_partial_cancels_lower_the_total_and_no_more_orders_rest_than_is_said() -> None:
    rows = made("routine").flow.operations
    chains = chains_of(rows)
    decrements = decrements_of(rows, chains)
    totals: dict[int, int] = {}
    live: set[int] = set()
    most = 0
    for row, chain, decrement in zip(rows, chains.tolist(), decrements.tolist(), strict=True):
        if row["kind"] == CANCEL and row["quantity"]:
            assert decrement == totals[chain] - row["quantity"] > 0
        else:
            assert decrement == 0
        totals[chain] = int(row["quantity"])
        if row["kind"] == ENTER and row["time_in_force"] != IMMEDIATE_OR_CANCEL:
            live.add(chain)
        elif row["kind"] == CANCEL and not row["quantity"]:
            live.discard(chain)
        most = max(most, len(live))
    assert most == resting_max(rows, chains)


def test_an_operation_on_an_unknown_order_is_named() -> None:
    rows = made("routine").flow.operations[:50].copy()
    rows["kind"][40], rows["user_ref"][40] = CANCEL, 4_000
    with pytest.raises(ValueError, match="operation 40"):
        chains_of(rows)
