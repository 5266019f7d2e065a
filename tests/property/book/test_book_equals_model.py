"""Goal: the core and the reference model do the same, event for event and byte for byte.

Method: streams of random commands, from seeds in batches and from hypothesis one command at a time
with the core's invariants checked after each. That the comparison can fail is shown with a model in
which one rule is broken.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.engine_model import EngineModel
from tests.model.order_rules import Order
from tests.model.rules import rule as cites

from ironcore.book.matching_engine import MatchingEngine

SEEDS = range(20)
COMMANDS = 20_000


def run_model(
    seed: int, count: int, limits: r.Limits, model: EngineModel
) -> tuple[bytes, list[int], list[int], bytes]:
    """The commands of a seed, and the model's statuses, numbers of events, and events."""
    mix = CommandMix(seed, model)
    records, statuses, counts, events = [], [], [], []
    for stream in (mix.opening(), mix.commands(count)):
        for record in stream:
            status, caused = model.apply(record)
            records.append(record)
            statuses.append(status)
            counts.append(len(caused))
            events.extend(caused)
    return b"".join(records), statuses, counts, b"".join(events)


def run_core(
    core: MatchingEngine, records: bytes, prefetch: bool
) -> tuple[list[int], list[int], bytes]:
    statuses, counts, events = core.apply_batch(records, prefetch=prefetch)
    return statuses.tolist(), counts.tolist(), events.tobytes()


def resting(model: EngineModel, instrument: int, side: str) -> list[tuple[Any, ...]]:
    book = model.instruments[instrument]
    return [
        (o.order_ref, o.session << model.limits.user_ref_bits | o.user_ref, o.quantity, o.executed)
        for o in (book.buys if side == "B" else book.sells)
    ]


def rows(orders: NDArray[np.void]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in orders[["order_ref", "slot", "quantity", "executed"]].tolist()]


def assert_books_equal(core: MatchingEngine, model: EngineModel) -> None:
    for instrument in range(len(model.instruments)):
        for side in ("B", "S"):
            orders = core.orders(instrument, side)
            assert rows(orders) == resting(model, instrument, side)


@cites("11.2", "11.3", "11.4", "11.6")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_batch_of_random_commands_causes_the_same_bytes(seed: int) -> None:
    limits = r.Limits(orders_max=(30, 200, 2000)[seed % 3], user_ref_bits=16)
    model, core = EngineModel(limits), MatchingEngine(*limits)
    records, *expected = run_model(seed, COMMANDS, limits, model)
    assert run_core(core, records, prefetch=seed % 2 == 1) == tuple(expected)
    core.check_invariants()
    assert_books_equal(core, model)


@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 400),
    orders_max=st.integers(1, 40),
    sessions_max=st.integers(1, 4),
    instruments_max=st.integers(1, 4),
    user_ref_bits=st.integers(4, 10),
)
@settings(max_examples=60)
def test_any_limits_and_any_stream_cause_the_same_bytes(
    seed: int,
    count: int,
    orders_max: int,
    sessions_max: int,
    instruments_max: int,
    user_ref_bits: int,
) -> None:
    limits = r.Limits(instruments_max, sessions_max, orders_max, user_ref_bits)
    model, core = EngineModel(limits), MatchingEngine(*limits)
    mix = CommandMix(seed, model)
    for stream in (mix.opening(), mix.commands(count)):
        for record in stream:
            status, events = core.apply(record)
            core.check_invariants()
            assert (status, [event.tobytes() for event in events]) == model.apply(record)
    assert_books_equal(core, model)


prices = st.one_of(
    st.integers(95, 105).map(lambda n: 100 * n),
    st.sampled_from([r.MARKET, r.MARKET_CROSS, -1, 0, 100, 101, r.PRICE_MAX]),
)
quantities = st.one_of(st.integers(1, 30), st.sampled_from([0, 999_999, 1_000_000]))
numbers = st.integers(0, 40)


class CoreAgainstModel(RuleBasedStateMachine):
    """Small and dense: few prices, few numbers, so that every command meets every state."""

    def __init__(self) -> None:
        super().__init__()
        limits = r.Limits(instruments_max=2, sessions_max=2, orders_max=6, user_ref_bits=6)
        self.core, self.model = MatchingEngine(*limits), EngineModel(limits)

    def both(self, record: bytes) -> None:
        status, events = self.core.apply(record)
        assert (status, [event.tobytes() for event in events]) == self.model.apply(record)

    @initialize()
    def opening(self) -> None:
        self.both(r.stream_start(self.model.limits))
        self.both(r.define_instrument(0))
        self.both(r.define_instrument(1, lot=5, price_min=9000, price_max=11000))
        self.both(r.define_session(1))
        self.both(r.define_session(2))

    @rule(
        session=st.integers(1, 2),
        ahead=st.sampled_from([0, 1, 1, 1, 3]),
        side=st.sampled_from("BBSSTE"),
        quantity=quantities,
        price=prices,
        instrument=st.integers(0, 1),
        time_in_force=st.sampled_from("0003"),
    )
    def enter(
        self,
        session: int,
        ahead: int,
        side: str,
        quantity: int,
        price: int,
        instrument: int,
        time_in_force: str,
    ) -> None:
        number = self.model.sessions[session].user_ref_last + ahead
        self.both(
            r.enter(
                session,
                number,
                side,
                quantity,
                price,
                instrument=instrument,
                time_in_force=time_in_force,
            )
        )

    @rule(
        session=st.integers(1, 2),
        original=numbers,
        ahead=st.sampled_from([0, 1, 1, 1]),
        quantity=quantities,
        price=prices,
        time_in_force=st.sampled_from("0003"),
    )
    def replace(
        self,
        session: int,
        original: int,
        ahead: int,
        quantity: int,
        price: int,
        time_in_force: str,
    ) -> None:
        number = self.model.sessions[session].user_ref_last + ahead
        self.both(
            r.replace(session, original, number, quantity, price, time_in_force=time_in_force)
        )

    @rule(session=st.integers(1, 2), number=numbers, total=quantities)
    def cancel(self, session: int, number: int, total: int) -> None:
        self.both(r.cancel(session, number, total))

    @rule(session=st.integers(1, 2), number=numbers, total=quantities, side=st.sampled_from("BSTE"))
    def modify(self, session: int, number: int, total: int, side: str) -> None:
        self.both(r.modify(session, number, total, side))

    @rule(
        session=st.integers(1, 2),
        kind=st.sampled_from(
            [
                r.MASS_CANCEL,
                r.CANCEL_SESSION,
                r.DISABLE_ORDER_ENTRY,
                r.ENABLE_ORDER_ENTRY,
                r.ENABLE_ORDER_ENTRY,
                r.ACCOUNT_QUERY,
            ]
        ),
        instrument=st.sampled_from([None, 0, 1, 2]),
    )
    def session_command(self, session: int, kind: int, instrument: int | None) -> None:
        given = instrument is not None
        self.both(r.short(kind, session, symbol_given=given, instrument=instrument or 0))

    @invariant()
    def sound_and_equal(self) -> None:
        self.core.check_invariants()
        assert_books_equal(self.core, self.model)


CoreAgainstModel.TestCase.settings = settings(max_examples=60, stateful_step_count=60)
TestCoreAgainstModel = CoreAgainstModel.TestCase


@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_damaged_records_are_taken_alike_and_break_nothing(data: st.DataObject, seed: int) -> None:
    limits = r.Limits(orders_max=20, user_ref_bits=8)
    model, core = EngineModel(limits), MatchingEngine(*limits)
    mix = CommandMix(seed, model)
    for record in mix.opening():
        core.apply(record)
        model.apply(record)
    for record in mix.commands(80):
        damaged = bytearray(record)
        for _ in range(data.draw(st.integers(0, 3))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        cut = bytes(damaged[: data.draw(st.integers(0, len(damaged))) or None])
        status, events = core.apply(cut)
        core.check_invariants()
        assert (status, [event.tobytes() for event in events]) == model.apply(cut)
    assert_books_equal(core, model)


class LastInFirstOut(EngineModel):
    """A model in which rule 5.3 is broken: at one price the newest goes first."""

    def _is_better(self, order: Order, other: Order) -> bool:
        return order.price == other.price or super()._is_better(order, other)


def test_the_comparison_sees_a_broken_rule() -> None:
    limits = r.Limits(orders_max=200, user_ref_bits=16)
    model, core = LastInFirstOut(limits), MatchingEngine(*limits)
    records, *expected = run_model(0, 2000, limits, model)
    assert run_core(core, records, prefetch=False) != tuple(expected)
