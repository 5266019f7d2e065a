"""Goal: random commands reach every rule, so that their agreement says something about each.

Method: seeds' streams run through the model; each event type, reject reason, cancel reason and
state must occur often, and no line of the model may be left out but those listed here.
"""

import pytest
from tests.model import (
    auction_model,
    engine_base,
    engine_model,
    grid,
    icebergs,
    matching,
    options,
    order_commands,
    order_rules,
    pairs,
    protections,
    quotes,
    settlement,
    states,
    steps,
    under_way,
    venue_commands,
)
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import limits_of
from tests.model.describe import EVENTS
from tests.model.engine_model import EngineModel
from tests.model.pair_mix import with_pairs
from tests.model.quote_mix import with_quotes
from tests.model.reached import Reached

MODULES = [
    auction_model,
    engine_base,
    engine_model,
    grid,
    icebergs,
    matching,
    options,
    order_commands,
    order_rules,
    pairs,
    protections,
    quotes,
    settlement,
    states,
    steps,
    under_way,
    venue_commands,
]
SEEDS, COMMANDS = range(24), 5000
# By seed, section 18; of the others each command is one step.
STEP_ACTIONS = {24: 1, 25: 17, 26: 40, 27: 1}
# Likewise, sections 20 and 21.
QUOTED = {28: 0, 29: 40, 30: 300}
PAIRED = {31: 0, 32: 40}
REJECT_REASONS = (
    *(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0A, 0x0D, 0x0F),
    *(0x11, 0x13, 0x14, 0x16, 0x17, 0x1D, 0x2D, 0x31, 0x80, 0x93),
)
# Only what a stream of a few thousand commands cannot reach.
OUT_OF_REACH = (
    "self.reject(BAD_NUMBER)",  # rule 7.9: after 2^48 - 1 references
    "return",
    "raise LaterError  # it takes many sessions",  # rule 18.5
    "reason = NO_ROOM",  # rule 20.9: it takes quotes in 256 instruments
    "raise NotImplementedError",  # of a class that another one completes
)


@pytest.fixture(scope="module")
def reached() -> Reached:
    seen = Reached(MODULES)
    with seen.tracing():
        for seed in (*SEEDS, *STEP_ACTIONS):
            model = EngineModel(limits_of(seed))
            model.steps_max = 4 if seed == 0 else model.steps_max  # rules 10.9 and 14.10
            mix = CommandMix(seed, model, STEP_ACTIONS.get(seed, 0))
            for stream in (mix.opening(), mix.commands(COMMANDS)):
                for record in stream:
                    seen.see(*model.apply(record))
            seen.see(*model.apply(b""))
            seen.see(*model.apply(record[:48]))
        for seed, step_actions_max in QUOTED.items():
            model = EngineModel(limits_of(seed))
            for record in with_quotes(seed, COMMANDS, model, step_actions_max):
                seen.see(*model.apply(record))
            last = (1 << model.limits.user_ref_bits) - 1
            for entries in (((0, 1, 1, 2, 1),) * 17, ((0, 1, 1, 2, 1),)):
                seen.see(*model.apply(r.quote(1, last, *entries)))
        for seed, step_actions_max in PAIRED.items():
            model = EngineModel(limits_of(seed))
            for record in with_pairs(seed, COMMANDS, model, step_actions_max):
                seen.see(*model.apply(record))
    return seen


def too_rare(seen: Reached, names: list[str], often: int) -> dict[str, int]:
    return {name: seen.events[name] for name in names if seen.events[name] < often}


def test_every_event_occurs(reached: Reached) -> None:
    assert too_rare(reached, list(EVENTS.values()), often=3) == {}


def test_every_outcome_and_reason_occurs(reached: Reached) -> None:
    names = [f"outcome {status}" for status in (r.OK, r.IGNORED, r.MALFORMED, r.LATER)]
    names += [f"REJECTED {reason:#04x}" for reason in REJECT_REASONS]
    names += [f"CANCELED {reason}" for reason in "UIKGFQTEZSOP"]
    names += [f"CROSS {kind}" for kind in "OCH"] + [f"INDICATIVE {kind}" for kind in "OCH"]
    names += [f"STATE_CHANGED {state}" for state in "CBOTHPQLX"] + ["REPLENISHED P"]
    assert too_rare(reached, names, often=3) == {}


def test_every_line_of_the_model_is_run(reached: Reached) -> None:
    missed = [line for line in reached.missed() if not line.endswith(OUT_OF_REACH)]
    assert missed == []


def test_a_line_that_is_not_run_is_missed() -> None:
    seen = Reached([grid])
    with seen.tracing():
        grid.basis_points(100, 50)
    missed = "\n".join(seen.missed())
    assert "return price * points // 10_000" not in missed
    assert "return abs(price - reference)" in missed
