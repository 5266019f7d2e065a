"""Goal: pairs, of which one order cancels the other, do the same in the core and in the model.

Method: the random commands of the other comparisons, with orders between them that name another one
of their session; every answer, the books and the invariants are compared, and how orders leave by
their pair is counted. A copy that was saved and loaded answers as the original does. Models in
which a rule is broken are seen to differ.
"""

from collections import Counter

import pytest
from tests.model import records as r
from tests.model.compare import answer_of_core, answer_of_model, books_differ, limits_of
from tests.model.engine_model import EngineModel
from tests.model.orders import Order
from tests.model.pair_mix import with_pairs
from tests.model.pairs import BAD_PAIR
from tests.model.rules import rule as cites

from ironcore.library.venue import VenueCore

BEFORE = {r.EXECUTED: "executed", r.CROSSED: "crossed", r.ACTIVATED: "activated"}


def run(seed: int, count: int, model: EngineModel, step_actions_max: int = 0) -> Counter[str]:
    core = VenueCore(*model.limits)
    seen = Counter[str]()
    for number, record in enumerate(with_pairs(seed, count, model, step_actions_max)):
        expected = answer_of_model(model, record)
        assert answer_of_core(core, record) == expected, (seed, number, record.hex())
        if number % 20 == 0:
            core.check_invariants()
            assert not books_differ(core, model), (seed, number)
        if number % 200 == 0:
            core = VenueCore.load(core.save())
        cause = ""
        for event in map(r.decode_event, expected.events):
            cause = BEFORE.get(event.type, cause)
            if event.type == r.CANCELED and event.reason == ord("O"):
                seen[cause] += 1
            seen["refused"] += event.type == r.REJECTED and event.slot == BAD_PAIR
    return seen


def some(seeds: range, count: int, *steps: int) -> Counter[str]:
    runs = (
        run(seed, count, EngineModel(limits_of(seed)), steps[seed % len(steps)]) for seed in seeds
    )
    return sum(runs, Counter[str]())


@cites("21.1", "21.2", "21.4", "21.5", "21.6", "4.9.11")
def test_random_pairs_do_what_the_model_says() -> None:
    seen = some(range(6), 1500, 0)
    assert min(seen["executed"], seen["activated"], seen["refused"]) > 50, seen
    assert seen["crossed"] > 5, seen


@cites("21.3", "21.4", "18.2", "18.9", "18.10", "18.11")
def test_in_steps_too() -> None:
    seen = some(range(10, 16), 1500, 17, 1, 33, 60, 300, 5)
    assert min(seen["executed"], seen["activated"]) > 30, seen


class NeedsAllExecuted(EngineModel):
    """A model in which rule 21.4 is broken: a part executed is not enough."""

    def end_pair(self, order: Order) -> None:
        if order.quantity == 0:
            super().end_pair(order)


class CancelsBoth(EngineModel):
    """A model in which rule 21.5 is broken: the cancel of one takes the other with it."""

    def cancel(
        self, order: Order, reason: str, decrement: int | None = None, says_where: bool = False
    ) -> None:
        super().cancel(order, reason, decrement, says_where)
        if order.quantity == 0 and reason == "U":
            self.end_pair(order)


@cites("21.4", "21.5")
@pytest.mark.parametrize("broken", [NeedsAllExecuted, CancelsBoth])
def test_a_model_that_breaks_a_rule_is_seen(broken: type[EngineModel]) -> None:
    with pytest.raises(AssertionError):
        run(1, 1500, broken(limits_of(1)))
