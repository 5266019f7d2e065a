"""Goal: an instrument that trades at 0 and below does what one at higher prices does (rule 2.12).

Method: random commands go to the model at prices above 0, and to the core with all prices lower, so
that 0 is in the middle, at an end or above them. Every answer is the model's with lower prices.
"""

from collections import Counter
from typing import Any

import pytest
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.engine_model import EngineModel
from tests.model.lowered import is_for_any_prices, lowered, lowered_event
from tests.model.order_mix import MID, STEP
from tests.model.order_rules import Details
from tests.model.orders import Instrument
from tests.model.quote_mix import a_quote
from tests.model.rules import rule as cites

from ironcore.library.venue import VenueCore

LIMITS = r.Limits(orders_max=80, user_ref_bits=17)
WIDTH = 40 * STEP
TERMS: tuple[dict[str, Any], ...] = (
    {"post_only_mode": 1, "followers_max": 6},
    {"tick": 50, "lot": 10, "initial_state": "H"},
    {"allocation": 1, "allocation_min": 2, "min_quantity_max": 3},
    {"tick": 20, "allocation": 2, "quantity_max": 200},
)


def opening(step_actions_max: int) -> list[bytes]:
    return [
        r.stream_start(LIMITS, step_actions_max=step_actions_max),
        *(
            r.define_instrument(index, price_min=MID - WIDTH, price_max=MID + WIDTH, **terms)
            for index, terms in enumerate(TERMS)
        ),
        *(r.define_session(session, "NOB"[session - 1], session // 2) for session in (1, 2, 3)),
    ]


class Pair:
    """A model at prices above 0, and a core at lower ones."""

    def __init__(self, by: int, model: EngineModel) -> None:
        self.by, self.model, self.core = by, model, VenueCore(*model.limits)
        self.seen = Counter[str]()

    def both(self, record: bytes) -> None:
        status, events = self.model.apply(record)
        lower = lowered(record, self.by)
        found, caused = self.core.apply(lower)
        expected = [lowered_event(event, self.by) for event in events]
        assert (found, [event.tobytes() for event in caused]) == (status, expected), record.hex()
        for event in map(r.decode_event, expected):
            if event.type == r.CROSS:
                self.seen["crosses"] += event.order_ref > 0
            if event.type == r.EXECUTED:
                self.seen["below" if event.price < 0 else "above" if event.price else "at"] += 1


def run(seed: int, by: int, model: EngineModel, step_actions_max: int = 0) -> Counter[str]:
    pair = Pair(by, model)
    for record in opening(step_actions_max):
        pair.both(record)
    mix = CommandMix(seed, model, step_actions_max)
    for number, record in enumerate(mix.commands(1500)):
        if is_for_any_prices(record):
            pair.both(record)
        if mix.maybe(0.1):
            pair.both(a_quote(mix.random, model))
        # With steps a halt may leave a crossed book, which its auction meets.
        if mix.maybe(0.06 if step_actions_max else 0.01):
            states = "HTTT" if step_actions_max else "CHTTTTTT"
            pair.both(r.set_state(mix.random.randrange(len(TERMS)), mix.random.choice(states)))
        if number % 20 == 0:
            pair.core.check_invariants()
        if number % 200 == 0:
            pair.core = VenueCore.load(pair.core.save())
    return pair.seen


@cites("2.12", "4.5", "5.3", "5.13", "10.3", "20.3")
@pytest.mark.parametrize("step_actions_max", [0, 1, 17, 60])
@pytest.mark.parametrize("by", [MID - WIDTH, MID, MID + WIDTH, 2 * MID, MID + 3 * STEP])
def test_lower_prices_change_nothing_else(by: int, step_actions_max: int) -> None:
    seen = Counter[str]()
    for seed in range(4):
        seen += run(seed, by, EngineModel(LIMITS), step_actions_max)
    if by == MID:
        assert min(seen[where] for where in ("below", "at", "above")) > 5, seen


class HasNoPriceThere(EngineModel):
    """A model in which rule 5.13 is broken: a best price that is lowered to 0 is none."""

    def limited(self, instrument: Instrument, details: Details) -> Details:
        limited = super().limited(instrument, details)
        return details if limited != details and limited.price == MID else limited


def test_the_comparison_sees_a_price_that_is_taken_for_none() -> None:
    model = HasNoPriceThere(LIMITS)
    with pytest.raises(AssertionError):
        run(0, MID, model)
