"""Goal: the shipped flow is the same for everyone, and of the documented shape.

Method: counts and orders of a generated flow, and its digest for one seed.
"""

import hashlib

import numpy as np
import pytest

from ironpit.flow import generate
from ironpit.flow.operations import CANCEL, ENTER, IMMEDIATE_OR_CANCEL, REPLACE


def test_a_seed_fixes_the_flow_to_the_byte() -> None:
    digest = hashlib.sha256(generate(4).operations.tobytes()).hexdigest()
    assert digest == "6078b07049393bcfd7ea3c21ce5670a81ee689798bcfdc3518e5a9060c04fdaf"
    assert hashlib.sha256(generate(4, seed=2).operations.tobytes()).hexdigest() != digest


@pytest.mark.parametrize("messages", [1, 10, 1_000, 50_000])
def test_a_flow_has_exactly_the_operations_asked_for_in_order_of_time(messages: int) -> None:
    operations = generate(3, messages).operations
    assert len(operations) == messages
    assert (np.diff(operations["time_ns"].astype(np.int64)) >= 0).all()


def test_references_are_dense_and_changes_refer_to_earlier_orders_of_their_session() -> None:
    operations = generate(3, 20_000).operations
    known: list[set[int]] = [set(), set(), set()]
    for operation in operations:
        own = known[operation["session"]]
        if operation["kind"] in (ENTER, REPLACE):
            assert operation["user_ref"] == len(own) + 1
            own.add(int(operation["user_ref"]))
        if operation["kind"] == REPLACE:
            assert operation["orig_user_ref"] in own
        if operation["kind"] == CANCEL:
            assert operation["user_ref"] in own


def test_shares_of_the_kinds_of_orders_are_as_documented() -> None:
    operations = generate(4, 50_000).operations
    enters = operations[operations["kind"] == ENTER]
    immediate = (enters["time_in_force"] == IMMEDIATE_OR_CANCEL).mean()
    assert immediate == pytest.approx(0.15, abs=0.01)
    replaces = (operations["kind"] == REPLACE).sum()
    assert replaces / len(enters) == pytest.approx(0.85 * 0.20 / 2, abs=0.01)


def test_depth_falls_as_a_power_law() -> None:
    operations = generate(1, 50_000).operations
    enters = operations[
        (operations["kind"] == ENTER) & (operations["time_in_force"] != IMMEDIATE_OR_CANCEL)
    ]
    # Half of the resting orders stand within 3 ticks of the touch: 1/3^2 + 1/4^2 + 1/5^2 is 0.54
    # of the sum. The mid price is not in the flow: neighbours in time bound it well enough.
    prices = enters["price"].astype(np.int64)
    near = np.abs(np.diff(prices)) <= 16
    assert 0.5 < near.mean() < 0.95


def test_prices_are_whole_ticks_and_quantities_whole_lots_that_ouch_can_carry() -> None:
    operations = generate(4, 50_000).operations
    priced = operations[operations["kind"] != CANCEL]
    assert (priced["price"] > 0).all()
    assert (priced["quantity"] % 100 == 0).all()
    assert 0 < priced["quantity"].min() <= priced["quantity"].max() <= 999_999
