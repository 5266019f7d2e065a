"""Goal: auctions in steps do the same in the core and in the model, whatever comes between two of
them; and all steps together do what one step does.

Method: random commands from seeds with small limits on a step; each answer, the books and the
invariants are compared, and what came while an auction was in progress is counted. Copies that were
saved and loaded in the middle of an auction answer as the original does. For the second part,
random books are crossed, and the events of all steps are compared with those of one.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import answer_of_core, answer_of_model, books_differ, limits_of
from tests.model.engine_model import EngineModel
from tests.model.options import write_options
from tests.model.orders import Instrument, Order
from tests.model.quote_mix import with_quotes
from tests.model.rules import rule as cites

from ironcore.library.venue import VenueCore

Seen = Counter[int | str]


def both_mixes(seed: int, count: int, model: EngineModel, limit: int) -> Iterator[bytes]:
    """Quotes have a mix of their own, as they are many then."""
    if seed % 2:
        yield from with_quotes(seed, count, model, limit)
        return
    mix = CommandMix(seed, model, limit)
    yield from mix.opening()
    yield from mix.commands(count)


def run(seed: int, count: int, limit: int, model: EngineModel) -> Seen:
    """Core and model alike; what came while an auction was in progress, and what was said of it."""
    core = VenueCore(*model.limits)
    seen = Seen()
    for number, record in enumerate(both_mixes(seed, count, model, limit)):
        was_in_auction, due = bool(model.auctions), len(model.auctions)
        expected = answer_of_model(model, record)
        assert answer_of_core(core, record) == expected, (seed, number, record.hex())
        core.check_invariants()
        assert books_differ(core, model) == "", (seed, number)
        assert core.steps_are_left == model.has_steps_left
        if model.auctions and number % 3 == 0:
            digest, core = core.digest(), VenueCore.load(core.save())
            assert core.digest() == digest
        if was_in_auction:
            seen[record[0]] += 1
            seen["later"] += expected.status == r.LATER
            events = [r.decode_event(data) for data in expected.events]
            seen.update(f"said {event.type}" for event in events)
        seen["several are due"] += due > 1
    return seen


@cites("18.14", "18.15")
def test_random_commands_do_the_same_between_two_steps_of_an_auction() -> None:
    seen = Seen()
    for place, limit in enumerate((1, 17, 40, 100, 200, 64)):
        for seed in range(700 + place, 712, 6):
            seen += run(seed, 1500, limit, EngineModel(limits_of(seed)))
    for kind in (r.ENTER_ORDER, r.REPLACE_ORDER, r.CANCEL_ORDER, r.MODIFY_ORDER, r.MASS_CANCEL):
        assert seen[kind] > 20, seen
    for kind in (r.CANCEL_SESSION, r.CLOCK, r.SET_STATE, r.QUOTE, r.CONTINUE):
        assert seen[kind] > 10, seen
    for event in (r.CANCEL_REJECTED, r.CROSSED, r.STATE_CHANGED, r.ACCEPTED):
        assert seen[f"said {event}"] > 5, seen
    assert seen[f"said {r.COLLARS}"] > 2, seen
    assert seen["later"] > 10, seen
    assert seen["several are due"] > 10, seen


class LetsThemGo(EngineModel):
    """A model in which rule 18.15 is broken: orders leave while their auction is in progress."""

    def is_in_auction(self, order: Order) -> bool:
        return False


class LooksForNothing(EngineModel):
    """A model in which rule 18.14 is broken: its price takes no steps."""

    def indicative_steps(self, instrument: Instrument, cross: str) -> int:
        return super().indicative_steps(instrument, cross) if not self.auctions else 0


@pytest.mark.parametrize("broken", [LetsThemGo, LooksForNothing])
def test_the_comparison_sees_a_broken_rule(broken: type[EngineModel]) -> None:
    def runs() -> None:
        for seed in range(700, 712, 2):
            run(seed, 1500, 40, broken(limits_of(seed)))

    with pytest.raises(AssertionError):
        runs()


# What all steps together do

LIMITS = r.Limits(orders_max=400, user_ref_bits=12)


def random_order(random: Random, number: int) -> bytes:
    """Of the kinds that an auction treats differently, around one price."""
    price = 10_000 + random.randint(-8, 8) * 100
    cross = random.choice("NNNNOC")
    quantity = random.randint(1, 30)
    options = b""
    display = random.choice("YYYN")
    if cross == "N" and display == "N" and random.random() < 0.5:
        options = write_options(min_qty=random.randint(1, quantity))
    elif cross == "N" and display == "Y" and random.random() < 0.4:
        options = write_options(max_floor=random.randint(1, quantity))
    elif cross != "N" and random.random() < 0.3:
        options = write_options(price_type="I")
    elif cross != "N" and random.random() < 0.3:
        price = r.MARKET
    return r.enter(
        1 + number % 3,
        number,
        random.choice("BS"),
        quantity,
        price,
        display=display,
        cross_type=cross,
        options=options,
    )


def crossed_book(seed: int, limit: int) -> VenueCore:
    random = Random(seed)
    core = VenueCore(*LIMITS)
    opening = [
        r.stream_start(LIMITS, step_actions_max=limit),
        r.define_instrument(0, reference=random.choice((0, 10_000)), initial_state="B"),
        *(r.define_session(session) for session in (1, 2, 3)),
        *(random_order(random, number) for number in range(1, 200)),
    ]
    for record in opening:
        assert core.apply(record)[0] == r.OK
    return core


def unmarked(event: bytes) -> bytes:
    """Without the flag that says which event is a command's last."""
    return event[:1] + bytes([event[1] & ~r.LAST]) + event[2:]


@cites("18.14")
@pytest.mark.parametrize("seed", range(12))
def test_the_steps_together_do_what_one_step_does(seed: int) -> None:
    whole = crossed_book(seed, 0)
    _, events = whole.apply(r.set_state(0, "T"))
    expected = [unmarked(event.tobytes()) for event in events]
    assert whole.steps_are_left is False
    for limit in (1, 33, 150, 1000):
        stepped = crossed_book(seed, limit)
        _, events = stepped.apply(r.set_state(0, "T"))
        said = [unmarked(event.tobytes()) for event in events]
        steps = 1
        while stepped.steps_are_left:
            status, events = stepped.apply(r.continue_())
            assert status == r.OK
            said += [unmarked(event.tobytes()) for event in events]
            steps += 1
        assert said == expected
        assert steps > 1
        stepped.check_invariants()
