"""Goal: section 18 of docs/MATCHING_RULES.md for a single core: what is kept between two steps is
saved and loaded with the rest, is checked, and ends however large the gaps between numbers are.

Method: a core with a small limit, stopped between two steps; fields overwritten on purpose; and a
session whose numbers lie so far apart that a step ends because of them.
"""

import pytest
from tests.model import records as r
from tests.model.memory import Memory
from tests.model.rules import rule

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.library.venue import VenueCore

LIMITS = r.Limits(user_ref_bits=10)
STEP = 3 * 17  # three orders leave
COMMANDS = {
    "a mass cancel": r.mass_cancel(1),
    "one of the firm": r.mass_cancel(2, scope=1),
    "the cancel of a session": r.short(r.CANCEL_SESSION, 1),
    "the end of the day": r.set_state(0, "C"),
    "a retirement": r.retire_instrument(0),
}


def opened(core: MatchingEngine, step_actions_max: int = STEP) -> None:
    for record in (
        r.stream_start(LIMITS, step_actions_max=step_actions_max),
        r.define_instrument(0),
        r.define_session(1),
        r.define_session(2),
        *(r.enter(1 + n % 2, n, "B", 5, 1000 + 100 * (n % 4)) for n in range(1, 31)),
    ):
        assert core.apply(record)[0] == r.OK


@rule("18.3")
@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_core_that_is_saved_between_two_steps_goes_on(command: bytes, steps: int) -> None:
    core = VenueCore(*LIMITS)
    opened(core)
    for record in [command, r.mass_cancel(2, group=1), *[r.continue_()] * steps]:
        assert core.apply(record)[0] == r.OK
    assert core.works_waiting == 2
    loaded = VenueCore.load(core.save())
    loaded.check_invariants()
    assert loaded.digest() == core.digest()
    while core.works_waiting:
        for record in (r.cancel(2, 29), r.enter(1, 100 + core.works_waiting, "B", 1, 900)):
            expected = core.apply(record)
            status, events = loaded.apply(record)
            assert (status, events.tobytes()) == (expected[0], expected[1].tobytes())
        _, expected_events = core.apply(r.continue_())
        assert loaded.apply(r.continue_())[1].tobytes() == expected_events.tobytes()
    loaded.check_invariants()
    assert loaded.digest() == core.digest()


@rule("18.3")
def test_what_waits_decides_what_a_core_will_do() -> None:
    digests = set()
    for command in (*COMMANDS.values(), r.mass_cancel(1, reason="S")):
        core = MatchingEngine(*LIMITS)
        opened(core, step_actions_max=1)
        core.apply(r.mass_cancel(1, group=1))
        assert core.apply(command)[0] == r.OK
        digests.add(core.digest())
    assert len(digests) == 6


@rule("18.2")
def test_two_instruments_that_close_with_one_clock_share_its_step() -> None:
    """Each auction counts 64 and one price, 16: with the orders of the first, 194. So one more."""
    core = MatchingEngine(*LIMITS)
    opened(core, step_actions_max=200)
    places = [1, 1, *[2] * 10]
    orders = [r.enter(1, 31 + n, "B", 5, 1000, instrument=place) for n, place in enumerate(places)]
    states = [r.set_state(index, "L") for index in (1, 2)]
    ends = [r.set_end(index, 9, 9, "C") for index in (1, 2)]
    for record in (r.define_instrument(1), r.define_instrument(2), *orders, *states, *ends):
        assert core.apply(record)[0] == r.OK
    assert core.apply(r.clock(10))[1]["type"].tolist().count(r.CANCELED) == 3


@rule("18.3")
def test_when_the_waiting_command_came_decides_nothing() -> None:
    digests = set()
    for stamp in (bytes(8), b"12345678"):
        core = MatchingEngine(*LIMITS)
        opened(core)
        command = r.mass_cancel(1)
        core.apply(command[:8] + stamp + command[16:])
        assert core.works_waiting == 1
        digests.add(core.digest())
    assert len(digests) == 1


@rule("18.2")
def test_numbers_far_apart_end_a_step_as_well() -> None:
    """10,000 blocks of 64 numbers are kept whose orders have left, as no later block was entered
    since; a step passes 8,192 of them."""
    limits = r.Limits(sessions_max=1, orders_max=10_000, user_ref_bits=20)
    core = MatchingEngine(*limits)
    opening = [r.stream_start(limits, step_actions_max=1 << 30), r.define_instrument(0)]
    numbers = [64 * n for n in range(1, 10_001)]
    orders = [r.enter(1, number, "B", 1, 1000) for number in numbers]
    gone = [r.cancel(1, number) for number in numbers]
    core.apply_batch(b"".join([*opening, r.define_session(1), *orders, *gone]))
    assert core.counters["orders_live"] == 0
    status, events = core.apply(r.mass_cancel(1))
    assert (status, len(events), core.works_waiting) == (r.OK, 0, 1)
    core.check_invariants()
    status, events = core.apply(r.continue_())
    assert events["type"].tolist() == [r.MASS_CANCEL_RESPONSE]
    assert core.works_waiting == 0
    core.check_invariants()


@rule("18.2", "18.11")
def test_of_orders_that_execute_at_once_or_not_at_all_one_ends_a_step() -> None:
    """Each may count 8 orders here, which are 64 actions: as many as a step has."""
    core = MatchingEngine(*LIMITS)
    core.dry_run_steps_max = 8
    opened(core, step_actions_max=64)
    assert core.apply(r.enter(1, 101, "S", 25, 1000, time_in_force="3"))[0] == r.OK  # in hand
    for number in (102, 103):
        assert core.apply(r.enter(2, number, "S", 999, 1000, time_in_force="4"))[0] == r.OK
    steps = [core.apply(r.continue_())[1]["type"].tolist() for _ in range(2)]
    assert steps == [[r.ACTIVATED, r.EXECUTED, r.CANCELED], [r.CANCELED]]
    assert core.apply(r.continue_())[0] == r.IGNORED


@rule("18.3", "17.4")
@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("works_count",), 65, "the commands that wait are miscounted"),
        (("step_actions_max",), 0, "a command waits for a step though every command is one"),
        (("sessions_plain",), 2, "a command may be plain while others wait"),
        (("leaving_next",), 3, "goes on with what is no order"),
        (("leaving_next",), 6, "goes on with one that is gone"),
    ],
)
def test_a_broken_record_of_what_waits_is_seen(
    path: tuple[str, ...], value: int, sentence: str
) -> None:
    core = MatchingEngine(*LIMITS)
    opened(core)
    assert core.apply(r.cancel(2, 3))[0] == r.OK  # the third order, unit 6
    assert core.apply(r.set_state(0, "C"))[0] == r.OK
    core.check_invariants()
    memory = Memory(core)
    memory.u32(memory.engine_field(*path)).value = value
    with pytest.raises(AssertionError, match=sentence):
        core.check_invariants()


@rule("18.3")
def test_a_walk_that_is_over_goes_nowhere() -> None:
    core = MatchingEngine(*LIMITS)
    opened(core)
    memory = Memory(core)
    memory.u32(memory.engine_field("leaving_next")).value = 2
    with pytest.raises(AssertionError, match="goes on that is over"):
        core.check_invariants()
