"""Goal: orders that take several steps do what they would have done in one, and whatever comes
between two steps does the same in the core and in the model.

Method: random commands from seeds, with a small limit and CONTINUE among them, core and model one
command at a time. Apart from that, two cores get the same commands, one without a limit and one
with a limit that carries out all steps after each command: their events and their books are the
same, but for ACTIVATED, by which a step says whose it is.
"""

import pytest
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import (
    answer_of_core,
    answer_of_model,
    books_differ,
    limits_of,
    orders_of_core,
    stream_of,
)
from tests.model.engine_model import EngineModel
from tests.model.orders import Instrument, Order
from tests.model.rules import rule as cites

from ironcore.engine.matching_engine import MatchingEngine

# Rules 18.4 and 8.7: their orders leave in the order of a step, and pegs are parked between two.
LONG = (r.SET_STATE, r.RETIRE_INSTRUMENT, r.MASS_CANCEL, r.CANCEL_SESSION)


class Seen:
    """How often there was what is to be tested."""

    def __init__(self) -> None:
        self.in_hand = self.waiting = self.pegs_left = self.later = 0

    def look(self, model: EngineModel, status: int) -> None:
        self.in_hand += any(one.in_hand for one in model.busy)
        self.waiting += any(len(one.under_way) > 1 for one in model.busy)
        self.pegs_left += any(one.pegs_left is not None for one in model.busy)
        self.later += status == r.LATER


def run(seed: int, count: int, step_actions_max: int, model: EngineModel, seen: Seen) -> None:
    """Core and model alike; AssertionError where they are not."""
    core = MatchingEngine(*model.limits)
    mix = CommandMix(seed, model, step_actions_max)
    for stream in (mix.opening(), mix.commands(count)):
        for number, record in enumerate(stream):
            expected, actual = answer_of_model(model, record), answer_of_core(core, record)
            assert actual == expected, (seed, number, record.hex())
            core.check_invariants()
            assert core.steps_are_left == model.has_steps_left
            assert books_differ(core, model) == "", (seed, number)
            seen.look(model, expected.status)


@cites("18.2", "18.5", "18.9", "18.10", "18.11", "18.12")
@pytest.mark.parametrize(("place", "limit"), [(0, 1), (1, 17), (2, 40), (3, 100)])
def test_each_random_command_does_the_same_between_two_steps(place: int, limit: int) -> None:
    seen = Seen()
    for seed in range(700 + place, 716, 4):
        run(seed, 1500, limit, EngineModel(limits_of(seed)), seen)
    if limit < 50:  # what takes that many actions is rare in a small book
        assert seen.in_hand > 5
        assert seen.waiting > 1
        assert seen.pegs_left > 0
        assert seen.later > 0


class DoesNotWait(EngineModel):
    """A model in which rule 18.10 is broken: new orders pass by those under way."""

    def start_or_wait(self, order: Order) -> None:
        self.start(order)


class LooksAtTheLastPrice(EngineModel):
    """A model in which rule 18.11 is broken: what follows comes before the order in hand."""

    def go_on_with_book(self, instrument: Instrument) -> None:
        hand, instrument.in_hand = instrument.in_hand, None
        self.settle_on(instrument)
        instrument.in_hand = instrument.in_hand or hand
        super().go_on_with_book(instrument)


@pytest.mark.parametrize("broken", [DoesNotWait, LooksAtTheLastPrice])
def test_the_comparison_sees_a_broken_rule(broken: type[EngineModel]) -> None:
    def runs() -> None:
        for seed in range(700, 716):
            run(seed, 1500, 17, broken(limits_of(seed)), Seen())

    with pytest.raises(AssertionError):
        runs()


def answers(core: MatchingEngine, record: bytes, continues: list[int]) -> list[bytes]:
    """The events of a command and of all its steps, without what steps alone say."""
    status, events = core.apply(record)
    said = [event.tobytes() for event in events]
    while core.steps_are_left:
        status, events = core.apply(r.continue_())
        assert status == r.OK
        said += [event.tobytes() for event in events]
        continues[0] += 1
    kept = [event[:1] + bytes([event[1] & ~r.LAST]) + event[2:] for event in said]
    return [event for event in kept if event[0] != r.ACTIVATED]


def what_left(events: list[bytes]) -> list[tuple[int, ...]]:
    """Without prices and order: all events, and what the public saw leave. A displayed peg that is
    cancelled may have been parked by an earlier step: it left with REDUCED, and no more with
    CANCELED."""
    found: list[tuple[int, ...]] = []
    for event in map(r.decode_event, events):
        seen = event.flags & r.VISIBLE if event.type == r.CANCELED else 0
        if seen or event.type == r.REDUCED:
            found.append((event.slot, event.quantity))
        if event.type != r.REDUCED:
            found.append(event._replace(price=0, flags=event.flags - seen))
    return sorted(found)


@cites("18.7", "18.9", "18.11")
@pytest.mark.parametrize("limit", [1, 40, 200])
def test_the_steps_together_do_what_one_step_does(limit: int) -> None:
    continues = [0]
    for seed in range(720, 726):
        limits = limits_of(seed)
        whole, stepped = MatchingEngine(*limits), MatchingEngine(*limits)
        for number, record in enumerate(stream_of(seed, 1500, limits)):
            if record[0] == r.STREAM_START:
                limited = record[:76] + limit.to_bytes(4, "little") + record[80:]
                assert stepped.apply(limited)[0] == whole.apply(record)[0]
                continue
            before = continues[0]
            one, other = answers(whole, record, [0]), answers(stepped, record, continues)
            if record[0] == r.CLOCK and continues[0] > before:
                break  # what it began in several instruments goes on side by side
            if record[0] in LONG:
                assert what_left(other) == what_left(one), (seed, number, record.hex())
            else:
                assert other == one, (seed, number, record.hex())
            for index in range(whole.counters["instruments"]):
                for side in "BS":
                    theirs = orders_of_core(stepped, index, side)
                    assert theirs == orders_of_core(whole, index, side), (seed, number)
    assert continues[0] > 20
