"""Goal: the core and the reference model do the same, event for event and byte for byte.

Method: streams of random commands from seeds, in one batch and one command at a time; with each
command its outcome, its events, the instrument in its header and all live orders are compared, and
the core's invariants checked. A difference is shrunk and printed (python -m tests.model.explain).
That the comparison can fail is shown with a model in which one rule is broken.
"""

from typing import Literal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import (
    answer_of_core,
    answer_of_model,
    books_differ,
    first_difference,
    limits_of,
    stream_of,
)
from tests.model.engine_model import EngineModel
from tests.model.explain import explain
from tests.model.orders import Order
from tests.model.rules import rule as cites

from ironcore.engine.matching_engine import MatchingEngine

PREFETCH: tuple[bool | Literal["books"], ...] = (False, True, "books")
# A failing seed is shrunk by explain(), which knows what a command is.
EXPLAINED = (Phase.explicit, Phase.reuse, Phase.generate)


def assert_same(seed: int, count: int, limits: r.Limits) -> None:
    """One command at a time; what differs is explained."""
    records = stream_of(seed, count, limits)
    if first_difference(records, limits) is not None:
        pytest.fail(explain(records, limits))


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


def assert_batch_is_same(seed: int, count: int) -> None:
    limits = limits_of(seed)
    model, core = EngineModel(limits), MatchingEngine(*limits)
    records, *expected = run_model(seed, count, limits, model)
    statuses, counts, events = core.apply_batch(records, prefetch=PREFETCH[seed % 3])
    if [statuses.tolist(), counts.tolist(), events.tobytes()] != expected:
        pytest.fail(explain(stream_of(seed, count, limits), limits, check_books=False))
    core.check_invariants()
    assert books_differ(core, model) == ""


@cites("15.1", "15.2", "17.2", "17.4", "17.5", "17.6", "17.7")
@pytest.mark.parametrize("seed", range(9))
def test_each_random_command_does_the_same(seed: int) -> None:
    assert_same(seed, 1500, limits_of(seed))


@cites("17.2", "17.3", "17.4", "17.5", "17.6")
@pytest.mark.parametrize("seed", range(20, 29))
def test_a_batch_of_random_commands_causes_the_same_bytes(seed: int) -> None:
    assert_batch_is_same(seed, 4000)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_a_large_batch_of_random_commands_causes_the_same_bytes(seed: int) -> None:
    assert_batch_is_same(seed, 100_000)


@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 400),
    orders_max=st.integers(1, 40),
    sessions_max=st.integers(1, 4),
    instruments_max=st.integers(1, 4),
    user_ref_bits=st.integers(4, 10),
)
@settings(max_examples=40, phases=EXPLAINED)
def test_any_limits_and_any_stream_cause_the_same_bytes(
    seed: int,
    count: int,
    orders_max: int,
    sessions_max: int,
    instruments_max: int,
    user_ref_bits: int,
) -> None:
    assert_same(seed, count, r.Limits(instruments_max, sessions_max, orders_max, user_ref_bits))


@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_damaged_records_are_taken_alike_and_break_nothing(data: st.DataObject, seed: int) -> None:
    limits = limits_of(seed)
    model, core = EngineModel(limits), MatchingEngine(*limits)
    mix = CommandMix(seed, model)
    for record in mix.opening():
        assert answer_of_core(core, record) == answer_of_model(model, record)
    for record in mix.commands(80):
        damaged = bytearray(record)
        for _ in range(data.draw(st.integers(0, 3))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        cut = bytes(damaged[: data.draw(st.integers(0, len(damaged))) or None])
        status, events = core.apply(cut)
        core.check_invariants()
        assert (status, [event.tobytes() for event in events]) == model.apply(cut)
    assert books_differ(core, model) == ""


def spent_and_different(seed: int, count: int, steps_max: int) -> tuple[int, int]:
    """Of a seed's commands, core and model with this limit on counting: how many used it up, and
    how many did something else than without it."""
    limits = limits_of(seed)
    model, core = EngineModel(limits), MatchingEngine(*limits)
    model.steps_max = core.dry_run_steps_max = steps_max
    unlimited = MatchingEngine(*limits)
    mix, spent, different = CommandMix(seed, model), 0, 0
    for stream in (mix.opening(), mix.commands(count)):
        for record in stream:
            answer = answer_of_core(core, record)
            assert answer == answer_of_model(model, record)
            assert core.dry_run_steps <= steps_max
            spent += core.dry_run_steps == steps_max
            _, events = unlimited.apply(record)
            different += events.tobytes() != b"".join(answer.events)
    core.check_invariants()
    assert books_differ(core, model) == ""
    return spent, different


@cites("10.9")
def test_a_small_limit_on_counting_does_the_same() -> None:
    """One that random books reach, and that makes a difference when they do."""
    runs = [spent_and_different(seed, 1500, 1 + seed % 4) for seed in range(40, 56)]
    assert sum(spent for spent, _ in runs) > 50
    assert sum(different > 0 for _, different in runs) >= 3


class LastInFirstOut(EngineModel):
    """A model in which rule 5.3 is broken: at one price the newest goes first."""

    def priority(self, order: Order) -> tuple[int, bool, int]:
        price, is_hidden, arrival = super().priority(order)
        return price, is_hidden, -arrival


def test_the_comparison_sees_a_broken_rule() -> None:
    limits = limits_of(0)
    model, core = LastInFirstOut(limits), MatchingEngine(*limits)
    records, *expected = run_model(0, 2000, limits, model)
    statuses, counts, events = core.apply_batch(records)
    assert [statuses.tolist(), counts.tolist(), events.tobytes()] != expected
