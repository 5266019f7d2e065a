"""Goal: commands that take several steps do the same in the core and in the model, whatever comes
between two steps; and what a limit on a step does not change stays as it is.

Method: random commands from seeds, with a small limit and CONTINUE among them, one at a time; with
each command its outcome, its events and all live orders are compared, and the core's invariants are
checked. That a step is bounded, and that all ends as it would have in one step, is seen apart.
"""

from itertools import pairwise

import pytest
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import (
    answer_of_core,
    answer_of_model,
    books_differ,
    limits_of,
    orders_of_core,
)
from tests.model.engine_model import EngineModel
from tests.model.matching import LEFT, LOOKED
from tests.model.orders import Order
from tests.model.rules import rule as cites
from tests.model.steps import Work

from ironcore.engine.matching_engine import MatchingEngine

Seen = dict[int, int]  # how often, by outcome; under -1 how many steps were not the last one


def run(seed: int, count: int, step_actions_max: int, model: EngineModel) -> Seen:
    """Core and model alike; AssertionError where they are not."""
    core = MatchingEngine(*model.limits)
    mix = CommandMix(seed, model, step_actions_max)
    seen: Seen = dict.fromkeys((r.OK, r.IGNORED, r.LATER, -1), 0)
    for stream in (mix.opening(), mix.commands(count)):
        for number, record in enumerate(stream):
            expected, actual = answer_of_model(model, record), answer_of_core(core, record)
            assert actual == expected, (seed, number, record.hex())
            core.check_invariants()
            assert core.works_waiting == len(model.waiting)
            assert books_differ(core, model) == "", (seed, number)
            seen[expected.status] = seen.get(expected.status, 0) + 1
            seen[-1] += record[0] == r.CONTINUE and expected.status == r.OK and bool(model.waiting)
    return seen


@cites("18.1", "18.2", "18.3", "18.4", "18.5", "18.6", "18.7")
@pytest.mark.parametrize(("place", "limit"), [(0, 1), (1, 8), (2, 17), (3, 40)])
def test_each_random_command_does_the_same_between_two_steps(place: int, limit: int) -> None:
    seen: Seen = {}
    for seed in range(300 + place, 312, 4):
        for what, often in run(seed, 1500, limit, EngineModel(limits_of(seed))).items():
            seen[what] = seen.get(what, 0) + often
    assert seen[-1] > 50
    assert seen[r.LATER] > 0


class ForgetsTheRest(EngineModel):
    """A model in which rule 18.6 is broken: a named order is cancelled by its owner's command as
    any other."""

    def meet(self, order: Order) -> None:
        pass


class LeavesOneMore(EngineModel):
    """A model in which rule 18.2 is broken: a step takes one order more."""

    def step(self, work: Work) -> bool:
        limit, self.step_actions_max = self.step_actions_max, self.step_actions_max + LEFT
        try:
            return super().step(work)
        finally:
            self.step_actions_max = limit


@pytest.mark.parametrize("broken", [ForgetsTheRest, LeavesOneMore])
def test_the_comparison_sees_a_broken_rule(broken: type[EngineModel]) -> None:
    def runs() -> None:
        for seed in range(300, 312):
            run(seed, 1500, 17, broken(limits_of(seed)))

    with pytest.raises(AssertionError):
        runs()


def full_books(step_actions_max: int) -> MatchingEngine:
    """Two sessions of a firm with 60 orders each in two instruments."""
    limits = r.Limits(orders_max=200)
    core = MatchingEngine(*limits)
    opening = [
        r.stream_start(limits, step_actions_max=step_actions_max),
        r.define_instrument(0),
        r.define_instrument(1),
        r.define_session(1),
        r.define_session(2),
    ]
    for number in range(120):
        session, side = 1 + number % 2, "BS"[number // 60]
        price = 1000 + 100 * (number % 7) + 1000 * (side == "S")
        opening.append(r.enter(session, 1 + number, side, 10, price, instrument=number % 3 % 2))
    for record in opening:
        assert core.apply(record)[0] == r.OK
    return core


LONG = {
    "a mass cancel": r.mass_cancel(1),
    "a mass cancel of the firm": r.mass_cancel(2, scope=1, symbol_given=True, instrument=0),
    "one that fits nothing": r.mass_cancel(1, group=9),
    "the cancel of a session": r.short(r.CANCEL_SESSION, 1),
    "the end of the day": r.set_state(0, "C"),
    "a retirement": r.retire_instrument(0),
}


@cites("18.1", "18.2", "18.7")
@pytest.mark.parametrize("limit", [1, 5, 33, 200])
@pytest.mark.parametrize("command", LONG.values(), ids=LONG.keys())
def test_the_steps_together_do_what_one_step_does(command: bytes, limit: int) -> None:
    whole, stepped = full_books(0), full_books(limit)
    _, expected = whole.apply(command)
    status, events = stepped.apply(command)
    assert status == r.OK
    said = [event.tobytes() for event in events]
    steps = 1
    while stepped.works_waiting:
        assert stepped.step_actions < limit + LOOKED + LEFT
        status, events = stepped.apply(r.continue_())
        assert status == r.OK
        said += [event.tobytes() for event in events]
        steps += 1
    assert steps > (1 if limit < 60 else 0)
    assert sorted(map(unmarked, said)) == sorted(unmarked(event.tobytes()) for event in expected)
    for index in range(2):
        for side in "BS":
            assert orders_of_core(stepped, index, side) == orders_of_core(whole, index, side)


def unmarked(event: bytes) -> bytes:
    """Without the flag that says which event is a command's last."""
    return event[:1] + bytes([event[1] & ~r.LAST]) + event[2:]


@cites("18.1")
def test_without_a_limit_nothing_waits_and_events_are_as_they_were() -> None:
    core = full_books(0)
    _, events = core.apply(r.set_state(0, "C"))
    slots = events["slot"][1:].tolist()
    assert len(slots) > 50
    assert all(one < other for one, other in pairwise(slots))
    assert core.works_waiting == 0
    assert core.apply(r.continue_())[0] == r.IGNORED


@cites("18.4")
def test_a_step_of_a_closing_says_its_orders_in_order_of_their_slots() -> None:
    core = full_books(5 * (LOOKED + LEFT))
    _, events = core.apply(r.set_state(0, "C"))
    while True:
        slots = [event["slot"] for event in events if event["type"] == r.CANCELED]
        assert 0 < len(slots) <= 5
        assert slots == sorted(slots)
        if not core.works_waiting:
            return
        _, events = core.apply(r.continue_())


def open_sessions(count: int) -> tuple[MatchingEngine, EngineModel]:
    """Core and model alike: two orders of each session, of which one leaves with a step."""
    limits = r.Limits(sessions_max=count)
    core, model = MatchingEngine(*limits), EngineModel(limits)
    opening = [r.stream_start(limits, step_actions_max=17), r.define_instrument(0)]
    opening += [r.define_session(session) for session in range(1, count + 1)]
    for session in range(1, count + 1):
        opening += [r.enter(session, number, "B", 1, 1000) for number in (1, 2)]
    for record in opening:
        assert answer_of_core(core, record) == answer_of_model(model, record)
    return core, model


@cites("18.5")
def test_what_finds_no_room_to_wait_is_told_so_and_can_come_again() -> None:
    core, model = open_sessions(9)

    def apply(record: bytes) -> int:
        answer = answer_of_core(core, record)
        assert answer == answer_of_model(model, record)
        core.check_invariants()
        return answer.status

    for session in range(1, 9):
        for _ in range(8):
            assert apply(r.mass_cancel(session)) == r.OK
    before = core.digest()
    refused = (
        r.mass_cancel(9),
        r.short(r.CANCEL_SESSION, 9),
        r.set_state(0, "C"),
        r.retire_instrument(0),
    )
    for command in refused:
        assert apply(command) == r.LATER
    assert core.digest() == before
    while core.works_waiting == 64:
        assert apply(r.continue_()) == r.OK
    assert apply(r.mass_cancel(9)) == r.OK


@cites("18.5")
@pytest.mark.parametrize(
    "again", [r.mass_cancel(1), r.short(r.CANCEL_SESSION, 1)], ids=["one more", "its cancel"]
)
def test_a_session_that_has_its_share_of_the_places_leaves_the_others(again: bytes) -> None:
    core, model = open_sessions(2)
    share = [r.mass_cancel(1), *[r.mass_cancel(1, group=9)] * 6, r.short(r.CANCEL_SESSION, 1)]
    expected = [*[r.OK] * 8, r.LATER, r.OK, r.OK]
    others = (r.mass_cancel(2), r.set_state(0, "C"))
    for record, status in zip((*share, again, *others), expected, strict=True):
        answer = answer_of_core(core, record)
        assert answer == answer_of_model(model, record)
        assert answer.status == status
    core.check_invariants()
