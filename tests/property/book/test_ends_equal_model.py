"""Goal: calls that end by themselves do so alike in the core and in the model, at each second
equally often; who could still cancel then, can in both or in neither; and what trades at the
closing price behind the call does so alike.

Method: the random commands of the other comparisons, in which ends are set and the clock draws: how
often that happens is counted, and a model in which one rule is broken is seen. Of one call with the
same bounds, the seconds of many ends are counted.
"""

from collections import Counter
from random import Random

import pytest
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import answer_of_core, answer_of_model, limits_of
from tests.model.engine_model import EngineModel
from tests.model.orders import End, Instrument, Order
from tests.model.rules import rule as cites

from ironcore.engine.matching_engine import MatchingEngine

FIRST, LAST = 36_000, 36_004


def run(seed: int, count: int, model: EngineModel) -> Counter[str]:
    """Core and model alike; AssertionError where they are not."""
    core = MatchingEngine(*model.limits)
    mix, seen = CommandMix(seed, model), Counter[str]()
    for stream in (mix.opening(), mix.commands(count)):
        for number, record in enumerate(stream):
            expected = answer_of_model(model, record)
            assert answer_of_core(core, record) == expected, (seed, number, record.hex())
            for data in expected.events:
                event = r.decode_event(data)
                seen["set"] += event.type == r.END_SET and event.reason != 0
                seen["dropped"] += event.type == r.END_SET and event.reason == 0
                seen["refused"] += event.type == r.CANCEL_REJECTED
                seen["ended"] += event.type == r.STATE_CHANGED and record[0] == r.CLOCK
                seen["at close"] += event.type == r.EXECUTED and event.flags & r.AT_CLOSE != 0
    core.check_invariants()
    return seen


@cites("13.9", "13.11", "13.12", "13.14")
def test_random_commands_set_ends_and_meet_them() -> None:
    runs = (run(seed, 5000, EngineModel(limits_of(seed))) for seed in range(8))
    seen = sum(runs, Counter[str]())
    assert min(seen[name] for name in ("set", "refused", "ended")) > 50, seen
    assert seen["at close"] > 20, seen
    assert seen["dropped"] > 0, seen


class LetsMembersCancel(EngineModel):
    """A model in which rule 13.12 is broken."""

    def is_held(self, order: Order) -> bool:
        return False


class EndsAtOnce(EngineModel):
    """A model in which rule 13.11 is broken: a call ends with its first second."""

    def is_due(self, instrument: Instrument, second: int, draw: int) -> bool:
        return super().is_due(instrument, second, draw) or (
            isinstance(instrument.end, End) and instrument.end.first <= second
        )


class TradesWhereItRests(EngineModel):
    """A model in which rule 13.14 is broken: it trades at the resting order's price."""

    def execute(
        self, order: Order, resting: Order, quantity: int | None = None, close_price: int = 0
    ) -> None:
        super().execute(order, resting, quantity)


@pytest.mark.parametrize("broken", [LetsMembersCancel, EndsAtOnce, TradesWhereItRests])
def test_the_comparison_sees_a_broken_rule(broken: type[EngineModel]) -> None:
    def runs() -> None:
        for seed in range(6):
            run(seed, 1500, broken(limits_of(seed)))

    with pytest.raises(AssertionError):
        runs()


@cites("13.11")
def test_each_second_between_the_bounds_is_as_likely_as_another() -> None:
    """Of 2,000 ends each of 5 seconds has 400, give or take 90: five times the standard deviation,
    and the numbers are the same each time."""
    limits = r.Limits(instruments_max=1)
    core = MatchingEngine(*limits)
    for record in (r.stream_start(limits), r.define_instrument(0)):
        assert core.apply(record)[0] == r.OK
    random, ended = Random(7), Counter[int]()
    for _ in range(2000):
        core.apply(r.system_event("O"))
        core.apply(r.set_state(0, "L"))
        core.apply(r.set_end(0, FIRST, LAST))
        for second in range(FIRST, LAST + 1):
            _, events = core.apply(r.clock(second, draw=random.getrandbits(16)))
            if r.STATE_CHANGED in events["type"]:
                ended[second] += 1
                break
    assert sorted(ended) == list(range(FIRST, LAST + 1))
    assert all(310 < times < 490 for times in ended.values()), ended
